"""One request on a connection, and its response."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from aiohttp import HttpVersion
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES

from downloader.errors import ProtocolError, TruncatedError
from downloader.http.http2.errors import FloodError

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from downloader.http.http2.connection import Http2Connection
    from downloader.http.http2.fields import Fields, Http2Head

_VERSION = HttpVersion(2, 0)
#: Largest window that a body gets for its announced length, before any of it was read.
_MAX_ANNOUNCED_WINDOW_BYTES = 1024 * 1024
#: A read returns little more than this.
_MAX_READ_BYTES = 256 * 1024
#: Interim responses (RFC 9110, section 15.2) that may come before one response.
_MAX_INTERIM_RESPONSES = 100


class Http2Stream:
    """A request that was sent, and the part of its response that has arrived.

    Attributes:
        stream_id: its number.
        waiting_since: since when somebody waits for the server, by the loop's clock; 0 if nobody.
        ended: whether the server has sent the end, or the stream was reset or has failed.
        head: of the response, once it has come.
        head_bytes: of the head, compressed, with its frames.
        window: how many bytes of the body may come ahead of its reader.
        window_left: how many more may come now.
    """

    def __init__(
        self,
        connection: "Http2Connection",
        stream_id: int,
        window: int,
        *,
        expects_body: bool = True,
    ) -> None:
        self.stream_id = stream_id
        self.waiting_since = 0.0
        self.ended = False
        self.head: Http2Head | None = None
        self.head_bytes = 0
        self._expects_body = expects_body
        self._connection = connection
        self.window = self.window_left = window
        self._chunks: deque[bytes] = deque()
        self._received = self._unread = 0
        self._interim_responses = 0
        self._closed = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def wait_for_head(self) -> "Http2Head":
        """Return the head of the response, once it has come.

        Raises:
            NotProcessedError: the request may be made again on another connection.
            UrlError: no response.
        """
        while self.head is None:
            if self._error is not None:
                raise self._error
            await self._wait()
        return self.head

    async def readany(self) -> bytes:
        """Return the part of the body that has arrived; b"" at its end.

        Raises:
            UrlError: the body breaks off or stalls.
        """
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self.ended:
                return b""
            await self._wait()
        chunks = [self._chunks.popleft()]
        size = len(chunks[0])
        while self._chunks and size < _MAX_READ_BYTES:
            chunks.append(self._chunks.popleft())
            size += len(chunks[-1])
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._unread -= size
        if self._closed:
            self._connection.budget.close(size)
        elif not self.ended:
            # If nothing is left, the reader may be faster than the window lets the server be.
            self._open_window(grow=not self._unread)
        return data

    def at_eof(self) -> bool:
        """Return whether the whole body has been read."""
        return self.ended and not self._chunks and self._error is None

    def head_received(self, fields: list[tuple[bytes, bytes]], head_bytes: int) -> None:
        """Take the head.

        Raises:
            ProtocolError: it is malformed.
        """
        # Imported late, as the module of connections.
        from downloader.http.http2.fields import Http2Head

        self.head = Http2Head(fields)
        self.head_bytes = head_bytes
        length = self.head.content_length
        if length is not None and length > self.window:
            self._grow_window(min(length, _MAX_ANNOUNCED_WINDOW_BYTES))
            self._open_window(grow=False)
        self._wake()

    def interim_received(self) -> None:
        """Count an interim response.

        Raises:
            FrameError: there are too many. h2 accepts no more of them on a stream that was reset.
        """
        self._interim_responses += 1
        if self._interim_responses > _MAX_INTERIM_RESPONSES:
            raise FloodError("interim responses without end", self.stream_id)

    def data_received(self, data: bytes, size: int) -> None:
        """Take a piece of the body, which takes *size* bytes of the window.

        Raises:
            ProtocolError: there is no head, the body is longer than announced, or the server
                does not keep to the window.
        """
        self.window_left -= size
        if self.window_left < 0:
            raise ProtocolError("the server sends more than HTTP/2's flow control allows")
        if self.head is None:
            raise ProtocolError("the response is not valid HTTP/2: a body without a head")
        if self.head.status in EMPTY_BODY_STATUS_CODES:
            return
        self._received += len(data)
        self._unread += len(data)
        length = self.head.content_length
        if length is not None and self._received > length:
            raise ProtocolError("the body is longer than its Content-Length")
        if data:
            self._chunks.append(data)
            self._wake()

    def end_received(self) -> None:
        """Take the end of the response."""
        self.ended = True
        head = self.head
        if head is None:
            self.fail(ProtocolError("the response is not valid HTTP/2: it has no head"))
        elif (
            head.content_length is not None
            and self._received < head.content_length
            and head.status not in EMPTY_BODY_STATUS_CODES
            and self._expects_body
        ):
            self.fail(TruncatedError("the body is shorter than its Content-Length"))
        self._wake()

    def fail(self, error: Exception) -> None:
        """End the stream with *error*; what has come of the body can still be read."""
        self.ended = True
        if self._error is None:
            self._error = error
        self._wake()

    def close(self) -> None:
        """Give back the window, but for what is still to be read of the body."""
        self._closed = True
        self._connection.budget.close(self.window - self._unread)

    def discard(self) -> None:
        """Drop what is still to be read."""
        self._connection.budget.close(self._unread)
        self._unread = 0
        self._chunks.clear()

    async def _wait(self) -> None:
        connection = self._connection
        self._waiter = connection.loop.create_future()
        self.waiting_since = connection.loop.time()
        connection.watch()
        try:
            await self._waiter
        finally:
            self._waiter = None
            self.waiting_since = 0.0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _open_window(self, *, grow: bool) -> None:
        """Let the server send more, once it may send less than half of the window."""
        if self.window_left > self.window // 2:
            return
        length = None if self.head is None else self.head.content_length
        if length is not None and length - self._received <= self.window_left:
            return  # the rest fits
        if grow:
            self._grow_window(2 * self.window)
        increment = self.window - self.window_left - self._unread
        if increment > 0:
            self.window_left += increment
            self._connection.open_window(self.stream_id, increment)

    def _grow_window(self, wanted: int) -> None:
        self.window = self._connection.budget.enlarge(self.window, wanted)


class Http2Response:
    """A response, with the attributes of ``aiohttp.ClientResponse`` that are used.

    Attributes:
        content: the body, as a stream.
        max_streams: how many requests the server takes at once.
        seconds_to_head: from the request to the head.
        request: the request as HTTP/1.1 has it, for an archive; empty without one.
        ip_address: of the server.
    """

    version: HttpVersion | None = _VERSION

    def __init__(
        self,
        connection: "Http2Connection",
        stream: Http2Stream,
        head: "Http2Head",
        seconds_to_head: float,
    ) -> None:
        self.content = stream
        self.seconds_to_head = seconds_to_head
        self.max_streams = connection.max_streams
        self.ip_address = connection.ip_address
        self.request = b""
        self._connection = connection
        self._head = head
        self.status = head.status
        self.reason: str | None = head.reason
        self.headers: CIMultiDictProxy[str] = head.headers
        self.raw_headers: Fields = head.raw_headers
        self.content_length = head.content_length

    @property
    def head(self) -> bytes:
        """The head as HTTP/1.1 has it, for an archive."""
        return self._head.as_http1()

    @property
    def head_bytes(self) -> int:
        """Bytes of the head as it was sent: compressed, with its frames."""
        return self.content.head_bytes

    def release(self) -> None:
        """End the stream, if the body was not received to its end."""
        self._connection.release(self.content)
