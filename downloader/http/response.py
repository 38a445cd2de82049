"""A response: its head, and its body as a stream."""

import asyncio
import re
import time
from functools import lru_cache
from itertools import chain
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import HttpVersion, StreamReader

from downloader.errors import HttpStatusError, ProtocolError, UrlError
from downloader.http.capture import finish_recording
from downloader.http.error_mapping import EXPECTED_ERRORS, RequestPhase, translate
from downloader.http.http2 import Http2Response, Http2Stream
from downloader.http.replay import ReplayBody, ReplayResponse
from downloader.http.retry import MAX_RETRY_AFTER_SECONDS, retry_after
from downloader.http.timings import Stopwatch
from downloader.models import Timings
from downloader.models.exchange import ExchangeRecording, RecordLocation, Truncation
from downloader.web import urls
from downloader.web.media_types import parse_media_type
from downloader.web.page_fields import REFRESH, ROBOTS_TAG
from downloader.web.text import http_timestamp, printable
from downloader.web.urls import Url

#: For an archive, the body of a failure is read up to these limits.
_MAX_FAILURE_BODY_BYTES = 1024 * 1024
_MAX_FAILURE_SECONDS = 10.0
#: The body of a response that is not wanted is read up to these limits; a new connection costs
#: more than so many bytes.
_MAX_SKIPPED_BODY_BYTES = 64 * 1024
_MAX_SKIPPED_SECONDS = 1.0
_MAX_REASON_LENGTH = 100
#: Of a status line without its reason phrase.
_STATUS_LINE_BYTES = len("HTTP/1.1 200 \r\n")
_CACHED_REASONS = 64
_TRANSFER_CODINGS = frozenset({"", "chunked"})
_NOT_PRINTABLE_ASCII = re.compile(rb"[^ -~]")
_CONTROLS_TO_SPACES = dict.fromkeys([*range(0x20), 0x7F], " ")

AnyResponse = aiohttp.ClientResponse | Http2Response | ReplayResponse


class Response:
    """The response to the last request of a URL; a context manager.

    Attributes:
        url: where it came from, after redirects.
        redirects: the URLs that redirected here, in order.
        status: the HTTP status code.
        reason: the reason phrase.
        http_version: such as ``1.1``, or ``2``.
        content_type: as sent.
        supplied_type: the content type without parameters, lower case.
        media_type: the same; of a body that is sniffed, what its first bytes say.
        content_coding: as sent, lower case; empty for identity.
        etag, last_modified: the validators, as sent.
        length_verified: whether more than the end of the connection marks the end of the body.
        multiplexed: of a server that takes many requests on one connection: the seconds from the
            request to the head of its response, and how many it takes; None of any other server.
        has_page_fields: whether there may be any of :mod:`~downloader.web.page_fields`.
        is_archived: whether an archive has the response, or gets it.
    """

    def __init__(
        self,
        response: AnyResponse,
        url: Url,
        redirects: tuple[Url, ...],
        watch: Stopwatch | None = None,
        recording: ExchangeRecording | None = None,
    ) -> None:
        self._response = response
        self._watch = watch
        self._recording = recording
        self.url = url
        self.redirects = redirects
        # Nearly all heads are printable ASCII as a whole, so that their fields need no look.
        head = b"".join(chain.from_iterable(response.raw_headers))
        self._field_bytes = len(head)
        self._is_plain = not _NOT_PRINTABLE_ASCII.search(head)
        self._headers = headers = response.headers
        self.status = response.status
        self.reason = _reason_text(response.reason)
        self.http_version = _version_text(response.version)
        self.content_type = self.header("Content-Type")
        self.media_type = self.supplied_type = parse_media_type(self.content_type)
        self.content_coding = self.header("Content-Encoding").lower()
        self.etag = self.header("ETag")
        self.last_modified = self.header("Last-Modified")
        self._reads_pieces = False
        self._transfer_coding = ""
        if "Transfer-Encoding" in headers:
            codings = ",".join(headers.getall("Transfer-Encoding"))
            self._transfer_coding = _transfer_coding(codings.lower())
        self.length_verified = (
            self._transfer_coding == "chunked"
            or "Content-Length" in headers
            or self.status in (204, 304)
        )
        self.has_page_fields = REFRESH in headers or ROBOTS_TAG in headers
        self.multiplexed: tuple[float, int] | None = None
        self.is_archived = recording is not None
        self._unread = b""
        if not isinstance(response, aiohttp.ClientResponse):
            if isinstance(response, Http2Response):
                self.length_verified = True
                self.multiplexed = response.seconds_to_head, response.max_streams
            else:
                self.is_archived = True

    @property
    def content_length(self) -> int | None:
        """Bytes of the body over the wire, if the server says so."""
        return self._response.content_length

    @property
    def modified(self) -> float | None:
        """When the resource was last modified, in seconds since the epoch, if the server says."""
        return http_timestamp(self.last_modified) if self.last_modified else None

    @property
    def header_bytes(self) -> int:
        """Bytes of the head.

        In HTTP/1.1 those of the status line, each field, and the empty line; in HTTP/2 those of
        its frames, compressed.
        """
        response = self._response
        if self.multiplexed is not None and isinstance(response, Http2Response):
            return response.head_bytes
        status_line = _STATUS_LINE_BYTES + len(response.reason or "")
        # Each field has ": " and a line end.
        return status_line + self._field_bytes + 4 * len(self._headers) + 2

    @property
    def timings(self) -> Timings | None:
        """The phases of the request, once the body has been read; None if not measured."""
        if self._watch is None:
            return None
        return self._watch.timings(encrypted=self.url.startswith("https:"))

    def header(self, name: str) -> str:
        """Return a header field; repeated ones joined by a comma (RFC 9110, section 5.3).

        Control characters become spaces (section 5.5): they cannot be sent back.
        """
        if name not in self._headers:
            return ""
        text, *others = values = self._headers.getall(name)
        if others:
            text = ", ".join(values)
        return text if self._is_plain else field_text(text).translate(_CONTROLS_TO_SPACES)

    def header_values(self, name: str) -> list[str]:
        """Return each field of a name by itself, in the form that :meth:`header` has."""
        if name not in self._headers:
            return []
        values = self._headers.getall(name)
        return [field_text(value).translate(_CONTROLS_TO_SPACES) for value in values]

    async def read_some(self) -> bytes:
        """Return more of the body, without transfer coding; b"" at its end.

        Raises:
            UrlError: the body breaks off, stalls or is not valid HTTP.
        """
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        if self._transfer_coding not in _TRANSFER_CODINGS:
            raise ProtocolError(f"unknown transfer coding {self._transfer_coding[:40]!r}")
        content = self._response.content
        try:
            if self._reads_pieces and isinstance(content, StreamReader):
                data, _ = await content.readchunk()
            else:
                data = await content.readany()
        except EXPECTED_ERRORS as error:
            # If something had been received before, the next call raises it again.
            if not (data := _take_unread(content)):
                raise translate(error, RequestPhase.BODY, self.url) from error
        if self._recording is not None and data:
            await self._recording.feed(data)
        return data

    def unread(self, data: bytes) -> None:
        """Let the next :meth:`read_some` return *data*, which it has returned before."""
        self._unread = data

    def read_ahead(self, size: int) -> None:
        """Let up to 2 * *size* bytes of a large body be received ahead of :meth:`read_some`.

        A connection is paused when so much waits, and resumed when *size* bytes are left: more of
        them means fewer of these switches. Connections of HTTP/2 have windows of their own.
        """
        content = self._response.content
        if isinstance(content, StreamReader):
            content.set_read_chunk_size(size)
            # Pieces are large, and written as they are. Chunks may be small, and are joined.
            self._reads_pieces = not self._transfer_coding

    @property
    def is_read(self) -> bool:
        """Whether the whole body has been read."""
        return not self._unread and self._response.content.at_eof()

    async def archived(self) -> RecordLocation | None:
        """Return where an archive has the response, once it is written; None without archive.

        To be called after the body has been read to its end.

        Raises:
            DiskError: the disk refuses.
        """
        if self._recording is not None:
            return await self._recording.finish()
        return self._response.location if isinstance(self._response, ReplayResponse) else None

    async def archive_rest(self) -> None:
        """Record the body of a response that is not saved, if an archive is written.

        Size and time are limited, so that no server can hold up a run.
        """
        if self._recording is not None:
            await drain(
                self._response,
                self._recording,
                max_bytes=_MAX_FAILURE_BODY_BYTES,
                max_seconds=_MAX_FAILURE_SECONDS,
            )

    async def skip_body(self, *, recorded: bool) -> None:
        """Leave out a body that is not wanted; a small one is read, to reuse its connection.

        An archive gets as much of it, unless *recorded* is false.
        """
        recording = self._recording
        if recording is not None and not recorded:
            recording.discard()
            recording = None
        await drain(
            self._response,
            recording,
            max_bytes=_MAX_SKIPPED_BODY_BYTES,
            max_seconds=_MAX_SKIPPED_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._recording is not None:
            complete = self._response.content.at_eof()
            finish_recording(self._recording, error, complete=complete)
        # aiohttp closes the connection if the body was not read to its end.
        self._response.release()


@lru_cache(maxsize=_CACHED_REASONS)
def _reason_text(reason: str | None) -> str:
    """Return a reason phrase for printing."""
    return printable(field_text((reason or "")[:_MAX_REASON_LENGTH]))


def _transfer_coding(field: str) -> str:
    """Return "chunked" if the parser took the body for chunks, "" for no coding, or *field*.

    It does if "chunked" is the last coding. "identity" is from the first edition of HTTP/1.1
    (RFC 2616, section 3.6), and means no coding; so does "none".
    """
    codings = [coding.strip(" \t") for coding in field.split(",")]
    others = set(codings) - {"", "identity", "none"}
    if not others:
        return ""
    return "chunked" if others == {"chunked"} and codings[-1] == "chunked" else field


@lru_cache
def _version_text(version: HttpVersion | None) -> str:
    """Return the version as it is written: HTTP/2 has no minor one."""
    if version is None:
        return ""
    return f"{version.major}.{version.minor}" if version.major == 1 else f"{version.major}"


def _take_unread(content: StreamReader | Http2Stream | ReplayBody) -> bytes:
    """Return what had been received of a body, and not been read, when it broke off.

    aiohttp has no public method for it and discards it, and a server that breaks off every response
    early would never get done.
    """
    if not isinstance(content, StreamReader):
        return b""
    chunks = range(len(content._buffer))  # noqa: SLF001 - see above
    return b"".join([content._read_nowait_chunk(-1) for _ in chunks])  # noqa: SLF001


def require_success(response: Response) -> None:
    """Check that the status promises the whole resource.

    Raises:
        HttpStatusError: it does not.
    """
    if not 200 <= response.status < 300 or response.status == 206:
        raise status_error(response)


def status_error(response: Response) -> HttpStatusError:
    """Return the error of a status that is no success, with the pause that the host asks for."""
    wait = retry_after(response.header("Retry-After"), time.time())
    return HttpStatusError(
        response.status,
        response.reason,
        pause=None if wait is None else (urls.host(response.url), wait),
        pause_too_long=wait is not None and wait > MAX_RETRY_AFTER_SECONDS,
    )


def field_text(value: str) -> str:
    """Return a field as text that can be encoded; bytes that are not UTF-8 become Latin-1."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


async def drain(
    response: AnyResponse,
    recording: ExchangeRecording | None,
    *,
    max_bytes: int,
    max_seconds: float,
) -> None:
    """Read a body that is not saved, to reuse its connection and to record it in an archive.

    A body that breaks off or stalls is no failure of its URL: it costs the connection.
    """
    if recording is None and (response.content_length or 0) > max_bytes:
        return
    left, truncation = max_bytes, Truncation.LENGTH
    try:
        async with asyncio.timeout(max_seconds):
            while left > 0:
                data = await response.content.readany()
                if not data:
                    if recording is not None:
                        await recording.finish()
                    return
                if recording is not None:
                    await recording.feed(data)
                left -= len(data)
    except TimeoutError:
        truncation = Truncation.TIME
    except (*EXPECTED_ERRORS, UrlError):  # the latter from HTTP/2 and archives
        truncation = Truncation.DISCONNECT
    if recording is not None:
        recording.finish_nowait(truncation)
