"""A server with many hosts that counts requests, and connections of each host."""

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

from benchmarks.nginx import reachable
from benchmarks.scaling.dask_processes import free_port, running

BODY = b"<!doctype html><title>page</title>" + b"<p>words of a page</p>" * 90
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class CountingConnection(asyncio.Protocol):
    """A connection: answers every request with the same page, and counts by the host's address."""

    requests: ClassVar[Counter[str]] = Counter()
    connections: ClassVar[Counter[str]] = Counter()
    peak_connections: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.host = str(transport.get_extra_info("sockname")[0])
        self.connections[self.host] += 1
        self.peak_connections[self.host] = max(
            self.peak_connections[self.host], self.connections[self.host]
        )
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are complete."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            path = self.buffer.split(b" ", 2)[1]
            self.buffer = self.buffer[end + 4 :]
            if path == b"/~counts":
                self.send_counts()
                continue
            self.requests[path.decode()] += 1
            self.transport.write(ANSWER)

    def send_counts(self) -> None:
        """Answer with the counts since the last call, and reset them."""
        counts = {
            "requests": self.requests.total(),
            "twice": sum(number - 1 for number in self.requests.values()),
            "most": max(self.peak_connections.values()),
        }
        body = json.dumps(counts).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (len(body), body)
        )
        self.transport.close()
        self.requests.clear()
        self.peak_connections.clear()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a connection less."""
        self.connections[self.host] -= 1


async def serve(port: int) -> None:
    """Serve at every address of this machine."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(CountingConnection, "0.0.0.0", port, backlog=4096)
    await server.serve_forever()


def read_counts(port: int) -> dict[str, int]:
    """Return the counts since the last call."""
    with urlopen(f"http://127.0.0.1:{port}/~counts") as answer:
        counts: dict[str, int] = json.load(answer)
    return counts


@contextmanager
def serving() -> Iterator[int]:
    """Run the server in a process of its own; yield its port."""
    port = free_port()
    command = (sys.executable, "-m", "benchmarks.scaling", "serve", str(port))
    with running(*command, cwd=Path.cwd()) as process:
        while not reachable("127.0.0.1", port):
            if process.poll() is not None:
                raise subprocess.SubprocessError("the server has ended")
            time.sleep(0.05)
        yield port
