"""Capture the bytes of requests and of response heads, for an archive."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self, cast

from aiohttp import ClientResponse, StreamReader
from aiohttp.connector import Connection as ConnectionLease
from aiohttp.http_parser import RawResponseMessage

from downloader.errors import DiskError, ProtocolError, TimedOutError, TooLargeError, TruncatedError
from downloader.http.connection import Connection
from downloader.http.credentials import RedirectTrail
from downloader.http.http2 import Http2Response
from downloader.http.proxies import as_to_origin
from downloader.models.exchange import Exchange, ExchangeRecording, Truncation
from downloader.web.media_types import parse_media_type
from downloader.web.urls import Url

_END_OF_HEAD = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"[!-~]++ [!-~]++ HTTP/1\.1\r\n")
#: The only status below 200 that is no interim response.
_SWITCHING_PROTOCOLS = 101


class _WritableTransport(Protocol):
    def write(self, data: bytes) -> None:
        """Send bytes."""

    def writelines(self, data: Iterable[bytes]) -> None:
        """Send bytes."""


class _CapturingTransport:
    """Keeps the bytes of the first write of each request, which has the whole head.

    Args:
        transport: what is written to.
        on_write: gets each write, and returns whether it begins a request.
    """

    def __init__(self, transport: asyncio.BaseTransport, on_write: Callable[[bytes], bool]) -> None:
        self._transport = cast("_WritableTransport", transport)
        self._on_write = on_write
        self.written = b""

    def write(self, data: bytes) -> None:
        data = bytes(data)
        if self._on_write(data):
            self.written = data
        self._transport.write(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class CapturingConnection(Connection):
    """A connection that keeps the bytes of the last request's head, and of the response's.

    Attributes:
        ip_address: of the server; empty if unknown.
        head: the last head that is not interim, with the empty line that ends it.
    """

    ip_address = ""
    head = b""
    _outgoing: _CapturingTransport | None = None
    _incoming: bytearray | None = None

    @property
    def request(self) -> bytes:
        """The bytes of the last request's head, as the server gets them."""
        if self._outgoing is None:
            return b""
        head, end, _ = self._outgoing.written.partition(_END_OF_HEAD)
        return as_to_origin(head + end)

    def forget_address(self) -> None:
        """Do not take the peer, which is a proxy, for the server."""
        super().forget_address()
        self.ip_address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wrap the transport, and use it."""
        peer = transport.get_extra_info("peername")
        self.ip_address = str(peer[0]) if peer else ""
        self._outgoing = _CapturingTransport(transport, self._request_sent)
        super().connection_made(cast("asyncio.BaseTransport", self._outgoing))

    def data_received(self, data: bytes) -> None:
        """Keep the bytes received until the head is complete."""
        if self._incoming is not None:
            self._incoming += data
        super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Keep the bytes of the head of a response."""
        if self._incoming is not None:
            message = data[0]
            end = self._incoming.find(_END_OF_HEAD) + len(_END_OF_HEAD)
            head = bytes(self._incoming[:end])
            del self._incoming[:end]
            if message.code >= 200 or message.code == _SWITCHING_PROTOCOLS:
                # With other line ends, the end of the head was not found.
                # Of a repaired head, lines may have been dropped.
                lines = head.count(b"\n") if self._repaired else len(message.raw_headers) + 2
                exact = head.count(b"\r\n") == head.count(b"\n") == lines
                self.head = head if exact else _serialized(message)
                self._incoming = None
        super().feed_data(data, size)

    def _request_sent(self, data: bytes) -> bool:
        """Return whether a write begins a request, and does not continue its body.

        A server may answer before the body was sent to its end.
        """
        if self._incoming is not None or _REQUEST_LINE.match(data) is None:
            return False
        self._incoming = bytearray()
        return True


def _serialized(message: RawResponseMessage) -> bytes:
    version = f"HTTP/{message.version.major}.{message.version.minor}"
    first = f"{version} {message.code} {message.reason}".encode("utf-8", "surrogateescape")
    return b"\r\n".join([first, *(b": ".join(field) for field in message.raw_headers), b"", b""])


class CapturedResponse(ClientResponse):
    """A response with the bytes of its request and of its head.

    Attributes:
        request_bytes: of the head of the request.
        head: of the status line and fields, with the empty line that ends them.
        ip_address: of the server.
    """

    request_bytes = b""
    head = b""
    ip_address = ""

    async def start(self, connection: ConnectionLease) -> Self:
        """Wait for the head."""
        protocol = connection.protocol
        await super().start(connection)
        # Nothing was awaited since, so that no other request has been made on the connection.
        if isinstance(protocol, CapturingConnection):
            self.request_bytes, self.head = protocol.request, protocol.head
            self.ip_address = protocol.ip_address
        return self


@dataclass(frozen=True, slots=True)
class _Captured:
    """The captured parts of an exchange."""

    request: bytes = b""
    head: bytes = b""
    ip_address: str = ""
    protocol: str = ""


def exchange_of(
    response: ClientResponse | Http2Response, url: Url, trail: RedirectTrail, started_at: float
) -> Exchange:
    """Return the exchange of a request for *url*, to which *trail* led.

    The request was made at *started_at*, in seconds since the epoch.
    """
    redirects = trail.redirects
    method, body = "GET", b""
    if trail.request is not None:
        method, body = trail.request.method, trail.request.body or b""
    if isinstance(response, Http2Response):
        captured = _Captured(response.request, response.head, response.ip_address, "h2")
    elif isinstance(response, CapturedResponse):
        request = response.request_bytes + body
        captured = _Captured(request, response.head, response.ip_address)
    else:
        captured = _Captured()
    headers = response.headers
    return Exchange(
        url=url,
        via=redirects[-1] if redirects else trail.via,
        hops_from_seed=trail.hops_from_seed + "R" * len(redirects),
        started_at=started_at,
        ip_address=captured.ip_address,
        request=captured.request,
        head=captured.head,
        protocol=captured.protocol,
        method=method,
        status=response.status,
        media_type=parse_media_type(headers.get("Content-Type", "")),
        content_coding=headers.get("Content-Encoding", "").lower(),
        transfer_coding=headers.get("Transfer-Encoding", "").lower(),
    )


def finish_recording(
    recording: ExchangeRecording, error: BaseException | None, *, complete: bool
) -> None:
    """End a recording; *error*, if any, has ended the transfer.

    An exchange that the user interrupts, or that the local disk refuses, is discarded: the next
    run requests it again.
    """
    match error:
        case TimedOutError() | TimeoutError():
            recording.finish_nowait(Truncation.TIME)
        case TooLargeError():
            recording.finish_nowait(Truncation.LENGTH)
        case TruncatedError() | ProtocolError():
            recording.finish_nowait(Truncation.DISCONNECT)
        case asyncio.CancelledError() | DiskError():
            recording.discard()
        case _:
            recording.finish_nowait(None if complete else Truncation.UNSPECIFIED)
