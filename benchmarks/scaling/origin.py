"""A server of many hosts that counts what each of them meets."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.request import urlopen

from benchmarks.scaling.processes import free_port, running
from benchmarks.servers import reachable

BODY = b"<!doctype html><title>page</title>" + b"<p>words of a page</p>" * 90
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class Host(asyncio.Protocol):
    """Answers every request with the same page, and counts by the address that was asked."""

    requests: ClassVar[Counter[str]] = Counter()
    now: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.host = str(transport.get_extra_info("sockname")[0])
        self.now[self.host] += 1
        self.most[self.host] = max(self.most[self.host], self.now[self.host])
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            path = self.held.split(b" ", 2)[1]
            self.held = self.held[end + 4 :]
            if path == b"/~counts":
                self.tell()
                continue
            self.requests[path.decode()] += 1
            self.transport.write(ANSWER)

    def tell(self) -> None:
        """Answer with the counts since the last time."""
        counts = {
            "requests": self.requests.total(),
            "twice": sum(number - 1 for number in self.requests.values()),
            "most": max(self.most.values()),
        }
        body = json.dumps(counts).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (len(body), body)
        )
        self.transport.close()
        self.requests.clear()
        self.most.clear()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count one less."""
        self.now[self.host] -= 1


async def serve(port: int) -> None:
    """Serve at every loopback address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Host, "0.0.0.0", port, backlog=4096)
    await server.serve_forever()


def counts(port: int) -> dict[str, int]:
    """Return what was counted since the last time."""
    with urlopen(f"http://127.0.0.1:{port}/~counts") as answer:
        told: dict[str, int] = json.load(answer)
    return told


@contextmanager
def serving() -> Iterator[int]:
    """Run the server until left; give its port."""
    port = free_port()
    command = (sys.executable, "-m", "benchmarks.scaling", "serve", str(port))
    with running(*command, cwd=Path.cwd()) as process:
        while not reachable("127.0.0.1", port):
            if process.poll() is not None:
                raise subprocess.SubprocessError("the server has ended")
            time.sleep(0.05)
        yield port
