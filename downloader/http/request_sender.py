"""Sends one request: by the version of HTTP that its origin takes, through its proxy if any."""

from collections.abc import Awaitable, Container, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from downloader.errors import ConnectError, RefusedError, TimedOutError
from downloader.http.addresses import resolver_of, socket_factory_of
from downloader.http.capture import CapturedResponse, CapturingConnection
from downloader.http.connection import MAX_FIELD_BYTES, MAX_FIELDS, Connection
from downloader.http.connector import Connector, LoopResolver
from downloader.http.credentials import RedirectTrail
from downloader.http.http2 import (
    Http2Origins,
    Http2Response,
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
from downloader.http.submission import submit
from downloader.http.tls_settings import TlsChoice, TlsSettings
from downloader.http.zones import request_in_zone
from downloader.models import RequestOptions
from downloader.web import urls
from downloader.web.urls import Url

if TYPE_CHECKING:
    from hpack import HeaderTuple

#: Bytes of one connection that may wait to be read.
_READ_BUFFER_BYTES = 64 * 1024
#: At a limited rate, a read takes at most this part of a second, so that all connections get some.
_MIN_READS_PER_SECOND = 64
_MIN_READ_BUFFER_BYTES = 1024
#: The status of a proxy that asks for a password (RFC 9110, section 15.5.8).
_PROXY_AUTHENTICATION_REQUIRED = 407
#: How often a request that the server has not processed is made again without counting as failed.
_MAX_UNPROCESSED = 5

#: What a request may be answered with.
SentResponse = aiohttp.ClientResponse | Http2Response


class RequestSender:
    """Sends requests over the connections of one run; an asynchronous context manager.

    Args:
        options: the options of the run.
        default_headers: those of most requests; requests with this very object are sent faster.
        captures: whether responses keep the bytes of their requests and heads, for an archive.

    Attributes:
        certified: for requests with the user's certificate; None if there is none.
    """

    def __init__(
        self, options: RequestOptions, default_headers: CIMultiDict[str], *, captures: bool
    ) -> None:
        self.certified: TlsChoice | None = None
        self._options = options
        self._default_headers = default_headers
        self._default_fields: list[HeaderTuple] | None = None
        self._captures = captures
        self._session: aiohttp.ClientSession | None = None
        self._connector: Connector | None = None
        self._proxies = proxies_of(options)
        self._send_by_http1 = (
            self._request_by_http1
            if self._proxies is None
            else partial(self._request_by_proxy, self._proxies)
        )

    async def __aenter__(self) -> Self:
        options = self._options
        self._connector = Connector(
            limit=0,  # the pool limits connections
            proxies=self._proxies,
            tls=TlsSettings.from_options(options),
            public_only=options.block_private,
            http2=self._http2_settings(),
            kind=CapturingConnection if self._captures else Connection,
            resolver=resolver_of(options, LoopResolver()),
            socket_factory=socket_factory_of(options),
        )
        if self._connector.certified is not None:
            self.certified = TlsChoice(self._connector.certified)
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            response_class=CapturedResponse if self._captures else aiohttp.ClientResponse,
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

    def note_certificates(self, ends: dict[str, float]) -> None:
        """Note when certificates expire; see :attr:`Connector.certificate_ends`."""
        if self._connector is not None:
            self._connector.certificate_ends = ends

    def _http2_settings(self) -> Http2Settings | None:
        """Return how HTTP/2 is used, or None if it is not."""
        options = self._options
        if options.http1_only:
            return None
        return Http2Settings(
            WindowBudget(_read_buffer_bytes(options.limit_rate) if options.limit_rate else None),
            options.read_timeout,
            keep_requests=self._captures,
            prior_knowledge=options.http2_prior_knowledge,
        )

    def close_idle(self, hosts: Container[str] | None = None) -> None:
        """Close idle connections: all, or those to *hosts*, as :func:`.urls.host` names them."""
        if self._connector is not None:
            self._connector.close_idle(hosts)

    def send(
        self, url: Url, headers: CIMultiDict[str], tls: TlsChoice, trail: RedirectTrail
    ) -> Awaitable[SentResponse]:
        """Send the request of *trail*; not a coroutine, because one more costs each URL as much.

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
            return self._send_by_http1(self._session, url, headers, tls, trail)
        return self._request_by_any_version(self._session, origins, url, headers, tls, trail)

    def _request_by_http1(
        self,
        session: aiohttp.ClientSession,
        url: Url,
        headers: Mapping[str, str],
        tls: TlsChoice,
        trail: RedirectTrail,
        proxy: URL | None = None,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Request *url* by HTTP/1.1; from *proxy*, if there is one, which makes the request."""
        if trail.request is not None:
            timeout = self._options.read_timeout
            return submit(
                session, url, headers, tls, trail, trail.request, piece_timeout=timeout, proxy=proxy
            )
        # encoded=True: the URL is normalised already, and yarl must not change it.
        return session.get(
            URL(url, encoded=True),
            headers=headers,
            allow_redirects=False,
            proxy=proxy,
            ssl=tls.context,
            server_hostname=tls.server_hostname,
        )

    async def _request_by_proxy(
        self,
        proxies: Proxies,
        session: aiohttp.ClientSession,
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
            response = await self._request_by_http1(session, url, headers, tls, trail, proxy)
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
    ) -> SentResponse:
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
                    return await self._send_by_http1(session, url, headers, tls, trail)
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

        if headers is not self._default_headers:
            return header_fields(headers)
        if self._default_fields is None:
            self._default_fields = header_fields(headers)
        return self._default_fields


def _read_buffer_bytes(limit_rate: int | None) -> int:
    if not limit_rate:
        return _READ_BUFFER_BYTES
    share = limit_rate // _MIN_READS_PER_SECOND
    return max(_MIN_READ_BUFFER_BYTES, min(_READ_BUFFER_BYTES, share))
