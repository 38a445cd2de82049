"""An HTTP client: one aiohttp session, whose redirects it follows itself."""

import time
from collections.abc import Awaitable, Container, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from multidict import CIMultiDict, istr
from yarl import URL

from downloader.errors import ConnectError, RedirectError, RefusedError, TimedOutError
from downloader.http.addresses import resolver_of, socket_factory_of
from downloader.http.capture import (
    CapturedResponse,
    CapturingConnection,
    exchange_of,
    finish_recording,
)
from downloader.http.client_certificate import gets_certificate
from downloader.http.connection import MAX_FIELD_BYTES, MAX_FIELDS, Connection
from downloader.http.connector import Connector, LoopResolver
from downloader.http.cookie_jar import CookieJar
from downloader.http.credentials import Credentials, RedirectTrail
from downloader.http.error_mapping import EXPECTED_ERRORS, RequestPhase, translate
from downloader.http.http2 import (
    Http2Origins,
    Http2Settings,
    Negotiated,
    WindowBudget,
)
from downloader.http.http2.errors import (
    ConnectionDiedError,
    Http11RequiredError,
    NotProcessedError,
    UnprocessedError,
)
from downloader.http.proxies import Proxies, closed_without_response, proxies_of, refusal
from downloader.http.redirects import REDIRECTS, redirect_target
from downloader.http.replay import ReplayResponse, find_orphan, replay
from downloader.http.response import AnyResponse, Response, drain
from downloader.http.submission import redirect_request, submit
from downloader.http.timings import Stopwatch
from downloader.http.tls_settings import TlsChoice, TlsSettings
from downloader.http.zones import request_in_zone
from downloader.models import RequestOptions
from downloader.models.exchange import (
    ExchangeRecorder,
    ExchangeRecording,
    OrphanSource,
    ReplaySource,
)
from downloader.web import urls
from downloader.web.urls import Url

if TYPE_CHECKING:
    from hpack import HeaderTuple

#: Bytes of one connection that may wait to be read.
_READ_BUFFER_BYTES = 64 * 1024
#: At a limited rate, a read takes at most this part of a second, so that all connections get some.
_MIN_READS_PER_SECOND = 64
_MIN_READ_BUFFER_BYTES = 1024
#: The body of a redirect is read up to these limits, to reuse its connection.
_MAX_REDIRECT_BODY_BYTES = 64 * 1024
_MAX_REDIRECT_SECONDS = 1.0
_SET_COOKIE = istr("Set-Cookie")
#: The status of a proxy that asks for a password (RFC 9110, section 15.5.8).
_PROXY_AUTHENTICATION_REQUIRED = 407
_USUAL_TLS = TlsChoice()
#: How often a request that the server has not processed is made again without counting as failed.
_MAX_UNPROCESSED = 5


class Client:
    """Makes requests; an asynchronous context manager.

    Args:
        options: the options of the run.
        recorder: records every exchange in an archive.
        replay_source: archives that all responses are read from instead of the network.
        orphans: responses of killed runs, which are looked for before a request is made.
        jar: the cookies of the run, which responses add to; without it, there are no cookies.
    """

    def __init__(
        self,
        options: RequestOptions,
        recorder: ExchangeRecorder | None = None,
        replay_source: ReplaySource | None = None,
        orphans: OrphanSource | None = None,
        *,
        jar: CookieJar | None = None,
    ) -> None:
        self._options = options
        self._recorder = recorder
        self._replay_source = replay_source
        self._orphans = orphans
        self._session: aiohttp.ClientSession | None = None
        self._connector: Connector | None = None
        self._reads_archives = replay_source is not None or orphans is not None
        self._credentials = Credentials(options, jar)
        self._jar = jar
        self._proxies = proxies_of(options)
        self._default_fields: list[HeaderTuple] | None = None
        #: For requests with the user's certificate; None if there is none.
        self._certified: TlsChoice | None = None
        self._certificate_ends: dict[str, float] | None = None

    async def __aenter__(self) -> Self:
        options = self._options
        self._connector = Connector(
            limit=0,  # the pool limits connections
            proxies=self._proxies,
            tls=TlsSettings.from_options(options),
            public_only=options.block_private,
            http2=self._http2_settings(),
            kind=CapturingConnection if self._recorder else Connection,
            resolver=resolver_of(options, LoopResolver()),
            socket_factory=socket_factory_of(options),
        )
        self._connector.certificate_ends = self._certificate_ends
        if self._connector.certified is not None:
            self._certified = TlsChoice(self._connector.certified)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            response_class=CapturedResponse if self._recorder else aiohttp.ClientResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=options.connect_timeout, sock_read=options.read_timeout
            ),
            read_bufsize=_read_buffer_bytes(options.limit_rate),
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._connector is not None and self._connector.origins is not None:
            self._connector.origins.close()
        if self._session is not None:
            await self._session.close()

    def _http2_settings(self) -> Http2Settings | None:
        """Return how HTTP/2 is used, or None if it is not."""
        options = self._options
        if options.http1_only:
            return None
        return Http2Settings(
            WindowBudget(_read_buffer_bytes(options.limit_rate) if options.limit_rate else None),
            options.read_timeout,
            keep_requests=self._recorder is not None,
            prior_knowledge=options.http2_prior_knowledge,
        )

    def note_certificates(self, ends: dict[str, float]) -> None:
        """Note in *ends* when the certificates of hosts expire, in seconds since the epoch.

        This holds for connections that are made from now on.
        """
        self._certificate_ends = ends
        if self._connector is not None:
            self._connector.certificate_ends = ends

    def close_idle(self, hosts: Container[str] | None = None) -> None:
        """Close idle connections: all, or those to *hosts*, as :func:`.urls.host` names them."""
        if self._connector is not None:
            self._connector.close_idle(hosts)

    async def get(
        self,
        trail: RedirectTrail,
        headers: Sequence[tuple[str, str]] = (),
        *,
        follow: bool = True,
        orphans_since: float | None = None,
        certified_home: Url | None = None,
    ) -> Response | None:
        """Make the next request of *trail*, and follow redirects to the same host.

        Args:
            trail: the redirects so far; it is extended.
            headers: sent with each request to the origin where the trail starts. Other origins get
                only those that hold no secrets.
            follow: whether to follow redirects to the same host; those that set cookies are
                followed anyway.
            orphans_since: look for an orphan of this time (seconds since the epoch) or later.
            certified_home: whose server gets the client certificate [the URL that the user named].

        Returns:
            The last response, whatever its status; or None if the next request of the trail has to
            wait its turn: it goes to another host, or requests to this one are delayed.

        Raises:
            UrlError: no response, or a redirect that cannot be followed.
        """
        chain = self._credentials.chain(trail, headers)
        while True:
            url = trail.next
            tls = _USUAL_TLS
            if self._certified is not None:
                tls = self._tls_of(url, certified_home or trail.home or trail.start)
            watch = Stopwatch() if self._options.timings else None
            started_at = 0.0 if self._recorder is None else time.time()
            request_headers = chain.headers(url)
            replays = self._reads_archives
            response = await self._archived(url, trail, orphans_since) if replays else None
            if response is None:
                try:
                    request = self._request(url, request_headers, tls, trail)
                    response = await (request if watch is None else watch.time(request))
                except EXPECTED_ERRORS as error:
                    raise translate(error, RequestPhase.REQUEST, url) from error
            recording = None
            if self._recorder is not None and not isinstance(response, ReplayResponse):
                recording = self._recorder.begin(exchange_of(response, url, trail, started_at))
            if self._jar is not None and _SET_COOKIE in response.headers:
                _store_cookies(self._jar, trail, response, request_headers)
            if response.status == 401 and chain.accept_challenge(
                url, response.headers.getall("WWW-Authenticate", ())
            ):
                await _drain_unused(response, recording)
                if self._options.delay:
                    return None
                continue
            if response.status not in REDIRECTS:
                return Response(response, url, trail.redirects, watch, recording)
            await self._redirect(trail, response, recording)
            if not (follow or trail.sets_cookies) or self._has_to_wait(url, trail.next):
                return None

    def _tls_of(self, url: Url, home: Url) -> TlsChoice:
        """Return which connection may be used for *url*; *home* is what the user named."""
        if self._certified is not None and gets_certificate(url, home):
            return self._certified
        return _USUAL_TLS

    def _has_to_wait(self, url: Url, redirected: Url) -> bool:
        """Return whether the target of a redirect has to wait its turn among those of its host."""
        return bool(self._options.delay) or urls.host(redirected) != urls.host(url)

    async def follow(self, url: Url, home: Url, *, certified: bool = False) -> Response:
        """Request *url*, follow its redirects to any host, and return the last response.

        Args:
            url: where to begin.
            home: the URL that the user named; only its origin gets credentials.
            certified: whether the server of *url* gets the client certificate all the same.

        Raises:
            UrlError: no response, or a redirect that cannot be followed.
        """
        trail = RedirectTrail(url, home)
        certified_home = url if certified else None
        while (response := await self.get(trail, certified_home=certified_home)) is None:
            pass
        return response

    async def _archived(
        self, url: Url, trail: RedirectTrail, orphans_since: float | None
    ) -> AnyResponse | None:
        """Return the response that an archive has, or None if the network is to be asked.

        Raises:
            ConnectError: no archive answers such a request.
        """
        if trail.request is not None:
            if self._replay_source is None:
                return None
            raise ConnectError("a web archive answers only a GET", retryable=False)
        if self._replay_source is not None:
            return await replay(self._replay_source, url)
        if self._orphans is not None and orphans_since is not None:
            return await find_orphan(self._orphans, url, orphans_since)
        return None

    def _request(
        self, url: Url, headers: CIMultiDict[str], tls: TlsChoice, trail: RedirectTrail
    ) -> Awaitable[AnyResponse]:
        """Make the request of *trail*; not a coroutine, because one more costs each URL as much.

        Args:
            url: what is requested.
            headers: those of the request.
            tls: which connection may be used.
            trail: the redirects so far.
        """
        if self._session is None or self._connector is None:
            raise RuntimeError("the client is used outside of its context")
        if "%25" in url:
            url, headers, tls = request_in_zone(url, headers, tls, self._proxies)
        origins = self._connector.origins
        if origins is None or not (self._options.http2_prior_knowledge or url.startswith("https:")):
            return self._request_by_http1(self._session, url, headers, tls, trail)
        return self._request_by_any_version(self._session, origins, url, headers, tls, trail)

    def _request_by_http1(
        self,
        session: aiohttp.ClientSession,
        url: Url,
        headers: Mapping[str, str],
        tls: TlsChoice,
        trail: RedirectTrail,
    ) -> Awaitable[aiohttp.ClientResponse]:
        if self._proxies is not None:
            return self._request_by_proxy(session, self._proxies, url, headers, tls, trail)
        if trail.request is not None:
            timeout = self._options.read_timeout
            return submit(session, url, headers, tls, trail, trail.request, piece_timeout=timeout)
        # encoded=True: the URL is normalised already, and yarl must not change it.
        return session.get(
            URL(url, encoded=True),
            headers=headers,
            allow_redirects=False,
            ssl=tls.context,
            server_hostname=tls.server_hostname,
        )

    async def _request_by_proxy(
        self,
        session: aiohttp.ClientSession,
        proxies: Proxies,
        url: Url,
        headers: Mapping[str, str],
        tls: TlsChoice,
        trail: RedirectTrail,
    ) -> aiohttp.ClientResponse:
        """Request *url* by HTTP/1.1, through the proxy of its origin if it has one.

        Raises:
            TimedOutError: there is no connection in time.
            ConnectError: the proxy refuses.
        """
        proxy, headers = proxies.forwarded(url, headers)
        try:
            if trail.request is None:
                response = await session.get(
                    URL(url, encoded=True),
                    headers=headers,
                    allow_redirects=False,
                    proxy=proxy,
                    ssl=tls.context,
                )
            else:
                response = await submit(
                    session,
                    url,
                    headers,
                    tls,
                    trail,
                    trail.request,
                    piece_timeout=self._options.read_timeout,
                    proxy=proxy,
                )
        except aiohttp.ConnectionTimeoutError:
            through = proxies.proxy_of(url)
            if through is None:
                raise
            raise TimedOutError(
                f"no connection through the proxy {through} in time",
                hint="see --proxy and --connect-timeout",
            ) from None
        except aiohttp.ServerDisconnectedError:
            if proxy is None:
                raise
            raise closed_without_response(proxy) from None
        if proxy is not None and response.status == _PROXY_AUTHENTICATION_REQUIRED:
            response.close()
            raise refusal(response.status, response.reason or "")
        return response

    async def _request_by_any_version(
        self,
        session: aiohttp.ClientSession,
        origins: Http2Origins,
        url: Url,
        headers: Mapping[str, str],
        tls: TlsChoice,
        trail: RedirectTrail,
    ) -> AnyResponse:
        """Request *url* by the version of HTTP that its origin has taken, or takes now.

        A request that was not processed is made again, on another connection: by that the server
        has said that it is safe (RFC 9113, section 8.7). After a broken connection it is made once
        more, as aiohttp does, if it is idempotent.
        """
        request = trail.request
        submits = request is not None and not request.is_idempotent
        submitted_before = trail.was_submitted
        origin = origins.origin(urls.origin(url), certified=tls.context is not True)
        died = False
        for _ in range(_MAX_UNPROCESSED):
            connection = await origin.usable_connection()
            if connection is None:
                try:
                    return await self._request_by_http1(session, url, headers, tls, trail)
                except Negotiated as negotiated:
                    connection = origin.http2_negotiated(negotiated.connection)
                finally:
                    origin.not_negotiated()
            try:
                fields = self._fields(headers)
                trail.was_submitted = submitted_before or submits
                return await connection.request(url, headers.get("Host", ""), fields, request)
            except Http11RequiredError:
                origin.require_http1()
            except UnprocessedError:
                trail.was_submitted = submitted_before
                raise
            except ConnectionDiedError as error:
                if died or submits:
                    raise error.fault or ConnectError(
                        "the server closed the connection without a response"
                    ) from None
                died = True
            except NotProcessedError:
                pass
        trail.was_submitted = submitted_before
        raise RefusedError("the server closed each connection before it processed the request")

    def _fields(self, headers: Mapping[str, str]) -> "list[HeaderTuple]":
        """Return *headers* as fields of HTTP/2; those of most requests are converted once."""
        # Imported late: runs without HTTP/2 do not need hpack.
        from downloader.http.http2.fields import header_fields

        if headers is not self._credentials.default_headers:
            return header_fields(headers)
        if self._default_fields is None:
            self._default_fields = header_fields(headers)
        return self._default_fields

    async def _redirect(
        self,
        trail: RedirectTrail,
        response: AnyResponse,
        recording: ExchangeRecording | None,
    ) -> None:
        """Extend *trail* by a redirect; read its body.

        Raises:
            RedirectError: it cannot be followed, or there are too many.
        """
        url = trail.next
        try:
            try:
                target = redirect_target(response, url)
                trail.redirects += (url,)
                trail.statuses += (response.status,)
                if len(trail.redirects) > self._options.max_redirects:
                    raise RedirectError(
                        f"more than {self._options.max_redirects} redirects",
                        hint="see --max-redirects",
                    )
                if trail.request is not None:
                    redirect_request(trail, trail.request, response.status, target)
            except RedirectError:
                if recording is not None:
                    await _drain_redirect(response, recording)
                raise
            await _drain_redirect(response, recording)
        except BaseException as error:
            if recording is not None and not isinstance(error, RedirectError):
                finish_recording(recording, error, complete=False)
            raise
        finally:
            response.release()
        trail.next = target
        trail.challenges = 0


def _store_cookies(
    jar: CookieJar, trail: RedirectTrail, response: AnyResponse, request_headers: Mapping[str, str]
) -> None:
    """Store what a response sets; note in *trail* whether its request lacked one of the cookies."""
    stored = jar.store(trail.next, response.headers.getall(_SET_COOKIE))
    sent = request_headers.get("Cookie", "").split("; ")
    trail.sets_cookies |= not set(stored).issubset(sent)


async def _drain_unused(response: AnyResponse, recording: ExchangeRecording | None) -> None:
    """Read the body of a response that another request follows, and release the response."""
    try:
        await _drain_redirect(response, recording)
    except BaseException as error:
        if recording is not None:
            finish_recording(recording, error, complete=False)
        raise
    finally:
        response.release()


async def _drain_redirect(response: AnyResponse, recording: ExchangeRecording | None) -> None:
    await drain(
        response,
        recording,
        max_bytes=_MAX_REDIRECT_BODY_BYTES,
        max_seconds=_MAX_REDIRECT_SECONDS,
    )


def _read_buffer_bytes(limit_rate: int | None) -> int:
    if not limit_rate:
        return _READ_BUFFER_BYTES
    share = limit_rate // _MIN_READS_PER_SECOND
    return max(_MIN_READ_BUFFER_BYTES, min(_READ_BUFFER_BYTES, share))
