"""Taps on the wire for an archive: the very bytes of heads, and bodies as they pass."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol, Self, cast

from aiohttp.client_reqrep import ClientResponse
from aiohttp.connector import Connection as Lease
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

from downloader.errors import DiskError, ProtocolError, TimedOutError, TooLargeError, TruncatedError
from downloader.http.connection import Connection
from downloader.http.credentials import RedirectTrail
from downloader.models.exchange import Exchange, ExchangeRecording, Truncation
from downloader.web.media_types import parse_media_type
from downloader.web.urls import Url

_END = b"\r\n\r\n"
#: Of the statuses below 200, the only one that is no interim answer.
_SWITCHING = 101


class _Writes(Protocol):
    def write(self, data: bytes) -> None:
        """Send bytes."""

    def writelines(self, data: Iterable[bytes]) -> None:
        """Send bytes."""


class _CapturingTransport:
    """A transport that remembers what was written last; a request without a body is one write."""

    def __init__(self, transport: asyncio.BaseTransport, told: Callable[[], None]) -> None:
        self._transport = cast("_Writes", transport)
        self._told = told
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written = bytes(data)
        self._told()
        self._transport.write(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class CapturingConnection(Connection):
    """A connection that remembers the bytes of the request and of the head that answers it.

    Attributes:
        address: the IP address at its other end; empty if unknown.
        head: the last head that came, but for interim ones, with the empty line after it.
    """

    address = ""
    head = b""
    _outgoing: _CapturingTransport | None = None
    _incoming: bytearray | None = None

    @property
    def request(self) -> bytes:
        """The bytes of the last request."""
        return self._outgoing.written if self._outgoing is not None else b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, with the tap in between."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._outgoing = _CapturingTransport(transport, self._asked)
        super().connection_made(cast("asyncio.BaseTransport", self._outgoing))

    def data_received(self, data: bytes) -> None:
        """Take in what came; until a head is whole it is remembered."""
        if self._incoming is not None:
            self._incoming += data
        super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take in the head of an answer."""
        if self._incoming is not None:
            message = data[0]
            end = self._incoming.find(_END) + len(_END)
            head = bytes(self._incoming[:end])
            del self._incoming[:end]
            if message.code >= 200 or message.code == _SWITCHING:
                # With other line ends than these it cannot be told where a head ends.
                lines = len(message.raw_headers) + 2
                exact = head.count(b"\r\n") == head.count(b"\n") == lines
                self.head = head if exact else _serialized(message)
                self._incoming = None
        super().feed_data(data, size)

    def _asked(self) -> None:
        self._incoming = bytearray()


def _serialized(message: RawResponseMessage) -> bytes:
    version = f"HTTP/{message.version.major}.{message.version.minor}"
    first = f"{version} {message.code} {message.reason}".encode("utf-8", "surrogateescape")
    return b"\r\n".join([first, *(b": ".join(field) for field in message.raw_headers), b"", b""])


class CapturedResponse(ClientResponse):
    """A response that knows the bytes of its request and of its own head.

    Attributes:
        sent: of the request.
        head: of the status line and fields, with the empty line after them.
        address: the IP address that answered.
    """

    sent = b""
    head = b""
    address = ""

    async def start(self, connection: Lease) -> Self:
        """Wait for the head."""
        protocol = connection.protocol
        await super().start(connection)
        # No other request can have been made on it yet: nothing was awaited since.
        if isinstance(protocol, CapturingConnection):
            self.sent, self.head = protocol.request, protocol.head
            self.address = protocol.address
        return self


def exchange_of(response: ClientResponse, url: Url, trail: RedirectTrail, began: float) -> Exchange:
    """Return what is known of an exchange once its head is here.

    *trail* led to *url*; it was asked for at *began*, in seconds since the epoch.
    """
    redirects = trail.redirects
    tapped = response if isinstance(response, CapturedResponse) else CapturedResponse
    headers = response.headers
    return Exchange(
        url=url,
        via=redirects[-1] if redirects else trail.via,
        hops_from_seed=trail.hops + "R" * len(redirects),
        started_at=began,
        ip_address=tapped.address,
        request=tapped.sent,
        head=tapped.head,
        status=response.status,
        media_type=parse_media_type(headers.get("Content-Type", "")),
        content_coding=headers.get("Content-Encoding", "").lower(),
        transfer_coding=headers.get("Transfer-Encoding", "").lower(),
    )


def close(recording: ExchangeRecording, error: BaseException | None, *, whole: bool) -> None:
    """End a recording by what ended the transfer.

    What the user interrupts is asked for again by the next run, and so is what the local disk
    refuses; half of it would be in the archive for nothing.
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
            recording.finish_nowait(None if whole else Truncation.UNSPECIFIED)
