"""One session; one URL followed through its redirects to a response whose body streams."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from downloader.errors import (
    BadUrlError,
    HttpStatusError,
    ProtocolError,
    RedirectError,
    RunError,
    UrlError,
)
from downloader.http.capture import CapturedResponse, CapturingConnection, close, exchange_of
from downloader.http.connection import Connection, Connector
from downloader.http.credentials import Credentials, RedirectTrail
from downloader.http.error_mapping import ErrorTranslator, RequestPhase
from downloader.http.replay import ReplayResponse, answer, left
from downloader.http.retry import retry_after
from downloader.http.timings import CURRENT, Stopwatch
from downloader.models import RequestOptions, Timings
from downloader.models.exchange import (
    ExchangeRecorder,
    ExchangeRecording,
    OrphanSource,
    RecordLocation,
    ReplaySource,
    Truncation,
)
from downloader.web import urls
from downloader.web.media_types import parse_media_type
from downloader.web.text import http_date, printable
from downloader.web.urls import Url

#: Pages of real sites exceed aiohttp's defaults (8190 bytes, 128 fields), which curl and wget save.
_MAX_FIELD = 64 * 1024
_MAX_FIELDS = 1000
#: The bytes of one connection that may wait to be read.
_READ_BUFFER = 64 * 1024
#: At a limited rate a second of it is shared in so many parts.
_SHARES = 64
_LEAST_READ_BUFFER = 1024
#: The body of a redirect is read up to here to keep its connection; a longer one is not worth it.
_REDIRECT_BODY = 64 * 1024
_REDIRECT_SECONDS = 1.0
#: For an archive, the body of a failure is read up to here.
_FAILURE_BODY = 1024 * 1024
_FAILURE_SECONDS = 10.0
_LONGEST_REASON = 100
#: Redirects by the thousand may wait in queues; what is longer is there to fill memory.
_LONGEST_ADDRESS = 16 * 1024
#: No host has this name (RFC 6761, section 6.4).
_NOBODY = Url("http://nobody.invalid/")
#: The last is of HTTP/1.1's first edition (RFC 2616), where it meant none.
_TRANSFER_CODINGS = frozenset({"", "chunked", "identity"})
_CONTROLS = dict.fromkeys([*range(0x20), 0x7F], " ")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

AnyResponse = aiohttp.ClientResponse | ReplayResponse


class Response:
    """The head of the last answer, and its body as a stream.

    Attributes:
        url: where it came from, after redirects.
        redirects: the addresses that answered with a redirect, in order.
        status: the HTTP status code.
        reason: the words beside it.
        http_version: such as ``1.1``.
        content_type: as sent.
        media_type: the content type without parameters, lower case.
        content_coding: as sent, lower case; empty for identity.
        length_verified: whether the end of the body is marked by more than the connection's end.
        content_length: bytes of this body over the wire, if that was said.
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
        self.status = response.status
        self.reason = printable(_text((response.reason or "")[:_LONGEST_REASON]))
        version = response.version
        self.http_version = f"{version.major}.{version.minor}" if version else ""
        self.content_type = self.header("Content-Type")
        self.media_type = parse_media_type(self.content_type)
        self.content_coding = self.header("Content-Encoding").lower()
        self._transfer_coding = self.header("Transfer-Encoding").lower()
        framed = self._transfer_coding == "chunked" or "Content-Length" in response.headers
        self.length_verified = framed or self.status in (204, 304)
        self.content_length = response.content_length

    @property
    def last_modified(self) -> float | None:
        """Seconds since the epoch, if that was said."""
        modified = http_date(self.header("Last-Modified"))
        return modified.timestamp() if modified else None

    @property
    def header_bytes(self) -> int:
        """Bytes of the head as HTTP/1.1 writes it: each line, and the empty one at the end."""
        start = len("HTTP/1.1 200 ") + len(self._response.reason or "") + 2
        fields = sum(len(name) + len(value) for name, value in self._response.raw_headers)
        return start + fields + 4 * len(self._response.raw_headers) + 2

    @property
    def timings(self) -> Timings | None:
        """What it waited for, when its body is there; None if that is not to be found out."""
        if self._watch is None:
            return None
        return self._watch.timings(encrypted=self.url.startswith("https:"))

    def header(self, name: str) -> str:
        """Return a header field; repeated ones joined by a comma (RFC 9110, section 5.3).

        Control characters count as spaces (section 5.5): they could not be sent back.
        """
        values = self._response.headers.getall(name, None)
        if values is None:
            return ""
        text = _text(values[0] if len(values) == 1 else ", ".join(values))
        return text if text.isprintable() else text.translate(_CONTROLS)

    async def read_some(self) -> bytes:
        """Return more of the body as it comes over the wire, without transfer coding.

        At its end nothing is returned.

        Raises:
            UrlError: the body breaks off, stalls or is not valid HTTP.
        """
        if self._transfer_coding not in _TRANSFER_CODINGS:
            raise ProtocolError(f"unknown transfer coding {self._transfer_coding[:40]!r}")
        with ErrorTranslator(RequestPhase.BODY, self.url):
            data = await self._response.content.readany()
        if self._recording is not None and data:
            await self._recording.feed(data)
        return data

    async def archived(self) -> RecordLocation | None:
        """Return, once an archive has the whole answer, where; None if none keeps it.

        It is for who has read the body to its end.

        Raises:
            DiskError: the disk refuses.
        """
        if self._recording is not None:
            return await self._recording.finish()
        return self._response.place if isinstance(self._response, ReplayResponse) else None

    async def archive_rest(self) -> None:
        """Have an archive, if there is one, get the body of an answer that is not saved.

        It is read for so long, and so far, that no server can hold up a run with it.
        """
        if self._recording is not None:
            await _discard(
                self._response, self.url, self._recording, _FAILURE_BODY, _FAILURE_SECONDS
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
            close(self._recording, error, whole=self._response.content.at_eof())
        # The connection of a body that was not read to its end is closed.
        self._response.release()


class Client:
    """One aiohttp session with this project's manners; an asynchronous context manager.

    Every exchange is told to *recorder*, if there is one; *holdings*, if there are some, answer in
    the network's place; *leftovers* are asked before it, of what may be among them.
    """

    def __init__(
        self,
        options: RequestOptions,
        recorder: ExchangeRecorder | None = None,
        holdings: ReplaySource | None = None,
        leftovers: OrphanSource | None = None,
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._holdings = holdings
        self._leftovers = leftovers
        self._session: aiohttp.ClientSession | None = None
        self._connector: Connector | None = None
        self._secrets = Credentials(options)

    async def __aenter__(self) -> Self:
        self._connector = Connector(
            limit=0,  # the pool's own permits bound connections
            ssl=_tls(self._options),
            public_only=self._options.block_private,
            kind=CapturingConnection if self._recorder else Connection,
        )
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            response_class=CapturedResponse if self._recorder else aiohttp.ClientResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=self._options.connect_timeout,
                sock_read=self._options.read_timeout,
            ),
            read_bufsize=_read_buffer(self._options.limit_rate),
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
            max_headers=_MAX_FIELDS,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def close_idle(self) -> None:
        """Give back the file descriptors of connections that carry nothing now."""
        if self._connector is not None:
            self._connector.close_idle()

    async def get(
        self,
        trail: RedirectTrail,
        headers: Iterable[tuple[str, str]] = (),
        *,
        follow: bool = True,
        left_since: float | None = None,
    ) -> Response | None:
        """Make the next request of a trail, and those that redirects of the same host lead to.

        The last answer is given, whatever its status, to be used as a context manager; or None
        when the trail leads on to another host, or to one that wants a delay, and so has to wait
        its turn; without *follow*, at every redirect that sets no cookies. *headers*, like those
        of the options, go only to the origin of the trail's start, except the few that hold no
        secret. What has been left over since *left_since* is not asked for.

        Raises:
            UrlError: no answer, or a redirect that is not to be followed.
        """
        chain = self._secrets.chain(trail, headers)
        host = urls.host(trail.next)
        while True:
            asked = trail.next
            began = time.time()
            watch = Stopwatch() if self._options.timings else None
            response = await self._request(asked, chain.headers(asked), watch, left_since)
            recording = self._recording(response, asked, trail, began)
            try:
                target = _redirect_target(response, asked)
                if target is None:
                    return Response(response, asked, trail.redirects, watch, recording)
                trail.redirects += (asked,)
                if len(trail.redirects) > self._options.max_redirects:
                    raise RedirectError(
                        f"more than {self._options.max_redirects} redirects",
                        hint="see --max-redirects",
                    )
                chain.learn(asked, response.headers.getall("Set-Cookie", ()))
                await _discard(response, asked, recording)
            except BaseException as error:
                if isinstance(error, RedirectError) and recording is not None:
                    await _discard(response, asked, recording)
                elif recording is not None:
                    close(recording, error, whole=False)
                response.release()
                raise
            response.release()
            trail.next, _ = urls.without_credentials(target)
            if len(trail.next) > _LONGEST_ADDRESS:
                raise RedirectError("redirects to an address without end")
            waits = urls.host(trail.next) != host or bool(self._options.delay)
            if waits or not (follow or trail.cookies):
                return None

    async def follow(self, url: Url, *, named: bool = True) -> Response:
        """Request *url*, follow its redirects wherever they lead, and give the last answer.

        What the user did not name gets none of what goes to the origins that the user named.

        Raises:
            UrlError: no answer, or a redirect that is not to be followed.
        """
        trail = RedirectTrail(url, None if named else _NOBODY)
        while (answer := await self.get(trail)) is None:
            pass
        return answer

    def _recording(
        self, response: AnyResponse, url: Url, trail: RedirectTrail, began: float
    ) -> ExchangeRecording | None:
        if self._recorder is None or isinstance(response, ReplayResponse):
            return None
        return self._recorder.begin(exchange_of(response, url, trail, began))

    async def _request(
        self,
        url: Url,
        headers: Mapping[str, str],
        watch: Stopwatch | None,
        left_since: float | None,
    ) -> AnyResponse:
        if self._holdings is not None:
            return await answer(self._holdings, url)
        if self._leftovers is not None and left_since is not None:
            found = await left(self._leftovers, url, left_since)
            if found is not None:
                return found
        if self._session is None:
            raise RuntimeError("the client is used outside of its context")
        with ErrorTranslator(RequestPhase.REQUEST, url):
            # encoded=True: yarl must not touch what the URL standard's parser has decided.
            address = URL(url, encoded=True)
            if watch is not None:
                CURRENT.set(watch)
            response = await self._session.get(address, headers=headers, allow_redirects=False)
            if watch is not None:
                watch.answered = time.monotonic()
            return response


def _read_buffer(rate: int | None) -> int:
    """Return how many bytes of a connection may wait; at a low rate fewer, so that all get some."""
    if rate is None:
        return _READ_BUFFER
    return max(_LEAST_READ_BUFFER, min(_READ_BUFFER, rate // _SHARES))


def require_success(response: Response) -> None:
    """Check that the status promises the whole resource.

    Raises:
        HttpStatusError: it does not.
    """
    if not 200 <= response.status < 300 or response.status == 206:
        wait = retry_after(response.header("Retry-After"), time.time())
        pause = None if wait is None else (urls.host(response.url), wait)
        raise HttpStatusError(response.status, response.reason, pause=pause)


def _tls(options: RequestOptions) -> ssl.SSLContext | bool:
    if options.insecure:
        return False
    if options.cacert is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(options.cacert))
    except (OSError, ssl.SSLError) as error:
        raise RunError(
            f"{options.cacert} holds no certificates that can be used", hint="see --cacert"
        ) from error


def _redirect_target(response: AnyResponse, base: Url) -> Url | None:
    """Return where *response* redirects to, or None when it does not.

    Raises:
        RedirectError: it does, but not to a web address.
    """
    if response.status not in _REDIRECTS:
        return None
    raw = next((value for name, value in response.raw_headers if name.lower() == b"location"), None)
    if raw is None:
        if "Location" not in response.headers:
            raise RedirectError(f"{response.status} without a Location")
        raw = response.headers["Location"].encode("utf-8", "surrogateescape")
    location = _location_text(raw)
    try:
        return urls.join(base, location)
    except BadUrlError as error:
        shown = printable(urls.conceal(location))
        raise RedirectError(f"redirects to '{shown}': {error.message}") from error


def _text(value: str) -> str:
    """Return a field as text that can be encoded; bytes that are no UTF-8 count as Latin-1."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _location_text(raw: bytes) -> str:
    """Return a Location field as text; bytes that are no UTF-8 stay the bytes they are.

    A server that sends Latin-1 means the very bytes, so they are percent-encoded one by one.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


async def _discard(
    response: AnyResponse,
    url: Url,
    recording: ExchangeRecording | None,
    most: int = _REDIRECT_BODY,
    seconds: float = _REDIRECT_SECONDS,
) -> None:
    """Read a short body that is not saved, for its connection's sake and for an archive's.

    What the answer means has been understood, so a body that breaks off or stalls costs only the
    connection.
    """
    if recording is None and (response.content_length or 0) > most:
        return
    left, why = most, Truncation.LENGTH
    try:
        async with asyncio.timeout(seconds):
            while left > 0:
                with ErrorTranslator(RequestPhase.BODY, url):
                    data = await response.content.readany()
                if not data:
                    if recording is not None:
                        await recording.finish()
                    return
                if recording is not None:
                    await recording.feed(data)
                left -= len(data)
    except TimeoutError:
        why = Truncation.TIME
    except UrlError:
        why = Truncation.DISCONNECT
    if recording is not None:
        recording.finish_nowait(why)
