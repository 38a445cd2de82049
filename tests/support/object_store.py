"""A real object store for tests: moto's S3 server in a process of its own."""

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

_REQUEST = re.compile(r'"(?:\x1b\[[0-9;]*m)*([A-Z]+) (\S+) HTTP')
#: Such a server asks for no rights.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


#: It looks whether a request is signed, and not whether rightly.
_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/s3/aws4_request",
    "Content-Type": "application/octet-stream",
}


@dataclass(frozen=True)
class Bucket:
    """One bucket, seen without the program's own ways.

    Attributes:
        server: the address of the store.
        name: its name.
        log: where the store writes down each request.
        process: the number of its process.
    """

    server: str
    name: str
    log: Path
    process: int

    def names(self) -> set[str]:
        """Return the keys of all objects, but for the program's own."""
        listed = ET.fromstring(self._ask("GET", "?list-type=2"))
        names = {element.text or "" for element in listed.iter() if element.tag.endswith("}Key")}
        return {key for key in names if "/.download/" not in key}

    def get(self, key: str) -> bytes:
        """Return an object."""
        return self._ask("GET", f"/{quote(key)}")

    def put(self, key: str, data: bytes) -> None:
        """Make an object."""
        self._ask("PUT", f"/{quote(key)}", data)

    def delete(self, key: str = "") -> None:
        """Remove an object, or the empty bucket."""
        self._ask("DELETE", f"/{quote(key)}")

    def make(self) -> None:
        """Make the bucket."""
        self._ask("PUT", "")

    def requests(self) -> list[tuple[str, str]]:
        """Return the requests that came for it, as methods and keys, in order."""
        found = _REQUEST.findall(self.log.read_text())
        start = f"/{self.name}/"
        return [(how, what.removeprefix(start)) for how, what in found if what.startswith(start)]

    def _ask(self, how: str, what: str, data: bytes | None = None) -> bytes:
        address = f"{self.server}/{self.name}{what}"
        request = urllib.request.Request(address, data=data, method=how, headers=_SIGNED)
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def running_store(folder: Path) -> Iterator[Callable[[str], Bucket]]:
    """Have a store run; give what makes a bucket of that name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "store.log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, process)
            yield lambda name: _made(Bucket(address, name, log, process.pid))
        finally:
            process.kill()


def _made(bucket: Bucket) -> Bucket:
    bucket.make()
    return bucket


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/moto-api/", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, "the store has ended"
            time.sleep(0.05)
    raise AssertionError("the store does not answer")
