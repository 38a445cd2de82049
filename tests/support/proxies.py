"""Proxies that people have: proxy.py for HTTP, and pproxy for SOCKS and TLS."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pproxy

_SECONDS = 30


@dataclass(frozen=True)
class RunningProxy:
    """A proxy that is running.

    Attributes:
        url: its URL, without credentials.
        targets: what pproxy was asked to connect to, as ``HOST:PORT``.
    """

    url: str
    targets: list[str] = field(default_factory=list)

    def url_with(self, credentials: str) -> str:
        """Return the URL with ``NAME:PASSWORD``."""
        return self.url.replace("://", f"://{credentials}@")


@asynccontextmanager
async def http_proxy(folder: Path, *, credentials: str = "") -> AsyncIterator[RunningProxy]:
    """Run proxy.py, which forwards requests of HTTP and opens tunnels."""
    port_file = folder / "proxy-port"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"),
        *("--port-file", str(port_file), "--num-workers", "1", "--num-acceptors", "1"),
        *("--data-dir", str(folder / "proxy-data"), "--log-level", "ERROR"),
        *(("--basic-auth", credentials) if credentials else ()),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            # The process that writes the file is not ours to have it set an event.
            while not (port_file.exists() and port_file.read_text().strip()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield RunningProxy(f"http://127.0.0.1:{port_file.read_text().strip()}")
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def pproxy_server(
    scheme: str, *, credentials: str = "", certificate: Path | None = None
) -> AsyncIterator[RunningProxy]:
    """Run pproxy: ``http`` or ``socks5``, over TLS with *certificate*, a file with its key."""
    secure = "+ssl" if certificate else ""
    login = f"#{credentials}" if credentials else ""
    server = pproxy.Server(f"{scheme}{secure}://127.0.0.1:0{login}")
    if certificate:
        server.sslserver = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.sslserver.load_cert_chain(certificate)
    targets: list[str] = []

    def note(line: str) -> None:
        if " -> " in line:
            targets.append(line.rpartition(" -> ")[2])

    running = await server.start_server(
        {"rserver": [pproxy.Connection("direct://")], "verbose": note}
    )
    port = running.sockets[0].getsockname()[1]
    shown = {"http": "https" if certificate else "http"}.get(scheme, scheme)
    async with running:
        yield RunningProxy(f"{shown}://127.0.0.1:{port}", targets)


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted_proxy(scheme: str, answer: Answer) -> AsyncIterator[RunningProxy]:
    """Run a proxy that does whatever a test wants, also what no proxy should."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield RunningProxy(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")


def says(*pieces: bytes) -> Answer:
    """Return a proxy's behaviour: to answer each piece that comes with the next of these."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            await reader.read(65536)
            writer.write(piece)
            await writer.drain()

    return answer
