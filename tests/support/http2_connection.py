"""A connection of HTTP/2 without a network."""

import asyncio

from downloader.http.http2.connection import Http2Connection
from downloader.http.http2.settings import Http2Settings
from downloader.http.http2.windows import WindowBudget


class OpenTransport(asyncio.Transport):
    """A transport that takes everything, until it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


def connect() -> tuple[Http2Connection, OpenTransport]:
    """Return a connection that has just been made, and its transport."""
    settings = Http2Settings(WindowBudget(), 30, keep_requests=False, prior_knowledge=True)
    connection = Http2Connection(settings, asyncio.get_running_loop())
    transport = OpenTransport()
    connection.connection_made(transport)
    return connection, transport
