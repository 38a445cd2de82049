"""aiohttp's connections, resolver and connector, with checks that aiohttp lacks.

The only module that uses private parts of aiohttp: those of a protocol that its own
``data_received`` uses, and of a connector those that :class:`Connector` overrides or uses.
"""

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType
from aiohttp.helpers import EMPTY_BODY_STATUS_CODES
from aiohttp.http import HttpResponseParser
from aiohttp.http_exceptions import BadHttpMessage, BadStatusLine, HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.tracing import Trace

from downloader.errors import BlockedError
from downloader.http.addresses import SocketFactory
from downloader.http.head_repair import (
    end_of_head,
    final_head,
    has_faulty_status_line,
    repair_response,
)
from downloader.http.http2 import (
    Http2Origin,
    Http2Origins,
    Http2Settings,
    Negotiated,
)
from downloader.http.proxies import Proxies, UnreachableProxyError, resolves_names
from downloader.http.timings import CURRENT
from downloader.http.tls_settings import TlsSettings
from downloader.http.tunnels import MAX_PROXY_HEAD_BYTES, ProxyStream
from downloader.web.ip_addresses import is_ip_address, is_public
from downloader.web.proxies import Proxy, ProxyScheme
from downloader.web.urls import Url

if TYPE_CHECKING:
    from downloader.http.http2.connection import Http2Connection

#: Return only addresses of families that this machine has (RFC 3493, section 6.1).
_RESOLVE_FLAGS = socket.AI_ADDRCONFIG
#: Interim responses (RFC 9110, section 15.2) that may come before one response.
_MAX_INTERIM_RESPONSES = 100
#: Real pages exceed aiohttp's default limits of a head (8190 bytes, 128 fields).
MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 1000
#: Bytes of a head, all fields together, and of the interim responses before it.
MAX_HEAD_BYTES = 256 * 1024
#: Bytes of a response that are neither head nor body: so many, and so many for each of the body.
#: A chunk of one byte has 5 of them.
MAX_FRAMING_BYTES = 256 * 1024
MAX_FRAMING_FACTOR = 16
_READ_BYTES = 64 * 1024
#: How long a head or framing may drip if there is no read timeout.
_MAX_SILENT_SECONDS = 300.0
#: How the parser's messages about fields begin.
_OF_FIELDS = (
    "Invalid header",
    "Invalid HTTP header",
    "Missing expected LF after header value",
    "Expected LF after CR",
    "Expected LF after headers",
    "Content-Length can't be present",
    "Transfer-Encoding can't be present",
    "Duplicate Content-Length",
    "Invalid character in Content-Length",
)


class DripError(aiohttp.ServerTimeoutError):
    """Bytes have come all the time, but no head or body."""


class Connection(ResponseHandler):
    """One connection, which reports every fault to the reader of a body.

    aiohttp 3.14 does not report four of them. Malformed chunks after the head leave the reader
    waiting for ever, without a timeout. A reset, or the end of TLS without its close_notify, ends a
    body without length or chunks as if it were whole. A response that comes on an idle connection
    is taken as the response to the next request. And what comes besides bodies has no end: heads,
    interim responses, extensions of chunks, trailers.

    A head that the parser refuses is repaired where that needs no guess. What the parser refuses
    behind a head fails the body, or nothing if the body is complete, however the bytes were
    divided on their way (RFC 9112, section 6.3: a client may discard what follows a body). In both
    cases the connection is not used again.
    """

    #: The connection that has taken the transport, if HTTP/2 was negotiated.
    http2: "Http2Connection | None" = None
    #: The body that is being received.
    _body: StreamReader | None = None
    #: Bytes of the response since the last head or interim response, and since when (seconds).
    _head: bytearray | None = None
    _head_since = 0.0
    _interim_responses = 0
    #: Bytes since the head, and since when they have given no bytes of the body (seconds).
    _received_bytes = 0
    _silent_since = 0.0
    #: The fault of a head that may be repaired once the rest of it has come.
    _refused: HttpProcessingError | None = None
    _repaired = False
    _parsed_again = False

    def __init__(self, loop: asyncio.AbstractEventLoop, http2: Http2Settings | None = None) -> None:
        super().__init__(loop=loop)
        self._http2_settings = http2
        # aiohttp creates the protocol when the socket is connected, before the TLS handshake.
        self._watch = CURRENT.get()
        if self._watch is not None:
            self._watch.connected = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note when the connection is ready to use; hand it on if it is one of HTTP/2."""
        super().connection_made(transport)
        if self._watch is not None:
            self._watch.ready = time.monotonic()
            self._watch = None
        settings = self._http2_settings
        if settings is not None and settings.is_negotiated(transport):
            # Imported late: runs without HTTP/2 do not need h2.
            from downloader.http.http2.connection import Http2Connection

            self.http2 = Http2Connection(settings, self._loop)
            cast("asyncio.Transport", transport).set_protocol(self.http2)
            self.transport = None
            self.http2.connection_made(transport)
            if self._tail:
                # Through a proxy, the first bytes may come before this call.
                self.http2.data_received(self._tail)

    def forget_address(self) -> None:
        """Do not take the peer, which is a proxy, for the server."""
        if self.http2 is not None:
            self.http2.ip_address = ""

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and limit what is no body.

        The bytes of a head are parsed as aiohttp does, but what it refuses is repaired. This is one
        function because it is called for each piece.
        """
        body, parser = self._body, self._parser
        if body is not None and not body._eof:  # noqa: SLF001 - is_eof() is one call more a piece
            size = body.total_bytes
            super().data_received(data)
            if not self._reading_paused:
                self._limit_framing(body, len(data), silent=body.total_bytes == size)
            return
        if parser is None or self._upgraded:
            self._unparsed_received(data)
            return
        if data:
            self._reschedule_timeout()
        if self._buffer and len(self._buffer) > _MAX_INTERIM_RESPONSES:
            self._fail(BadHttpMessage("responses that nobody asked for"))
            return
        try:
            messages, upgraded, rest = parser.feed_data(data)
        except HttpProcessingError as error:
            self._head_incomplete(data)
            self._repair(error)
            return
        if not messages:
            self._head_incomplete(data)
            return
        message, payload = messages[-1]
        if message.should_close and not message.chunked and _names_chunks(message):
            # The parser takes chunks for the body if another coding is named behind them.
            self._head_incomplete(data)
            if self._repair(None):
                return
        self._upgraded = upgraded
        for message, payload in messages:
            if message.should_close:
                self._should_close = True
            self._payload = payload
            without_body = self._skip_payload or message.code in EMPTY_BODY_STATUS_CODES
            self.feed_data((message, EMPTY_PAYLOAD if without_body else payload), 0)
        if payload is EMPTY_PAYLOAD:
            self._drop_timeout()
        else:
            payload.on_eof(self._drop_timeout)
            self._body = payload
            self._received_bytes = payload.total_bytes
            self._silent_since = 0.0
        if message.code < 200 and not upgraded:
            self._interim_received(data, len(messages))
            return
        self._head = None
        self._interim_responses = 0
        if rest:
            super().data_received(rest)

    def _unparsed_received(self, data: bytes) -> None:
        """Keep what comes unasked, or the rest of a head that is to be repaired."""
        if self._refused is None:
            super().data_received(data)
        else:
            self._head_incomplete(data)
            self._repair(self._refused)

    def _interim_received(self, data: bytes, count: int) -> None:
        """Limit interim responses; keep what has come behind the last one."""
        self._interim_responses += count
        if self._interim_responses > _MAX_INTERIM_RESPONSES:
            self._fail(BadHttpMessage("interim answers without end"))
            return
        self._head_incomplete(data)
        if self._head is not None:
            for _ in range(count):
                del self._head[: max(0, end_of_head(self._head))]

    def _head_incomplete(self, data: bytes) -> None:
        """Keep the bytes of a head that has not come to its end; limit their number and time."""
        now = self._loop.time()
        if self._head is None:
            self._head = bytearray()
            self._head_since = now
        self._head += data
        limit = self._read_timeout or _MAX_SILENT_SECONDS
        if len(self._head) > MAX_HEAD_BYTES and end_of_head(self._head) < 0:
            self._fail(BadHttpMessage(f"the head is longer than {MAX_HEAD_BYTES // 1024} kB"))
        elif now - self._head_since > limit:
            self._fail(DripError(f"the head was not complete in {limit:g} s"))

    def _limit_framing(self, body: StreamReader, size: int, *, silent: bool) -> None:
        """Limit what frames a body: extensions and sizes of chunks, and trailers."""
        self._received_bytes += size
        framing = self._received_bytes - body.total_bytes
        if framing > MAX_FRAMING_BYTES + MAX_FRAMING_FACTOR * body.total_bytes:
            self._fail(BadHttpMessage(f"{framing} bytes of framing for {body.total_bytes} of body"))
        elif not silent or body.is_eof():
            self._silent_since = 0.0
        elif not self._silent_since:
            self._silent_since = self._loop.time()
        else:
            limit = self._read_timeout or _MAX_SILENT_SECONDS
            if self._loop.time() - self._silent_since > limit:
                self._fail(DripError(f"no byte of the body in {limit:g} s, but its framing"))

    def _repair(self, error: HttpProcessingError | None) -> bool:
        """Parse the head once more without its faults; fail with *error* if that is not possible.

        If the fault is behind the head, the head is parsed alone, and then what follows it.
        Without *error*, the head has been parsed, and that stays if it cannot be repaired.
        """
        if self._exception is not None or self._head is None:
            return True
        if self._parsed_again:
            # Once is enough.
            if error is not None:
                self._refuse(error)
            return False
        received = bytes(self._head)
        if error is None or _is_of_head(error, received):
            repaired, end = repair_response(received)
            if end < 0 and error is not None:
                self._refused, self._parser = error, None
                return True
        else:
            _, end = final_head(received)
            repaired = received[:end] if end >= 0 else None
        if repaired is None:
            if error is not None:
                self._refuse(error)
            return False
        self._refused = None
        self._should_close = True
        if self._reading_paused:
            self._reading_paused = False
            self._resume_transport_reading()
        self._parser = HttpResponseParser(
            self,
            self._loop,
            self._read_bufsize,
            payload_exception=aiohttp.ClientPayloadError,
            response_with_body=not self._skip_payload,
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            max_headers=MAX_FIELDS,
        )
        self._head = None
        self._parsed_again = True
        self._repaired = repaired != received[:end]
        self.data_received(repaired)
        if received[end:] and self._exception is None:
            self.data_received(received[end:])
        return True

    def _refuse(self, error: HttpProcessingError) -> None:
        """Fail as aiohttp does when its parser raises *error*."""
        self._refused = None
        self._fail(
            HttpProcessingError(code=error.code, message=error.message, headers=error.headers),
            error,
        )

    def _fail(self, error: Exception, *cause: Exception) -> None:
        if self.transport is not None:
            self.transport.close()
        self.set_exception(error, *cause)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail the request that waits for a head, and the body that is being received."""
        super().set_exception(exc, *cause)
        payload = self._payload
        # The first error of a body says most.
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            if isinstance(exc, HttpProcessingError) and str(exc.message).startswith(_OF_FIELDS):
                # Once a body has begun, fields are those of a trailer, which is not used.
                payload.feed_eof()
            else:
                payload.set_exception(exc, *cause)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the body that is being received; only a clean close may end it normally."""
        if self._refused is not None:
            self._refuse(self._refused)
        payload = self._payload
        if payload is not None and not payload.is_eof():
            if exc is not None:
                payload.set_exception(aiohttp.ClientPayloadError("connection lost"), exc)
            elif self.transport is not None:
                self._end_of_tls(self.transport, payload)
            if payload.exception() is not None:
                # At the end of a connection the parser calls a body whole that has no length, and
                # then what was received before the fault would be read as if it were all.
                self._parser = None
        super().connection_lost(exc)

    def _end_of_tls(self, transport: asyncio.Transport, payload: StreamReader) -> None:
        """Receive the rest of a body, and fail it if TLS was not ended as it should be."""
        stream = transport.get_extra_info("ssl_object")
        if stream is None:
            return
        rest, ended = _read_rest(stream)
        if rest:
            # The rest is as large as the buffers of TLS, and nothing can be paused any more.
            payload._high_water = sys.maxsize  # noqa: SLF001 - there is no public way
            self.data_received(rest)
        if not ended and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError("TLS without close_notify"))

    def is_connected(self) -> bool:
        """Return whether a request may be sent: connected, and nothing was received unasked."""
        transport = self.transport
        return transport is not None and not transport.is_closing() and not self.should_close


def _is_of_head(error: HttpProcessingError, received: bytes) -> bool:
    """Return whether the head of a response may have caused *error*, and not what follows it."""
    if isinstance(error, BadStatusLine):
        return has_faulty_status_line(received)
    return str(error.message).startswith(_OF_FIELDS)


def _names_chunks(message: RawResponseMessage) -> bool:
    return "chunked" in message.headers.get("Transfer-Encoding", "").lower()


def _read_rest(stream: ssl.SSLObject) -> tuple[bytes, bool]:
    """Return what of a TLS connection that has ended was not read, and whether it was ended.

    It was if there is a close_notify (RFC 8446, section 6.1). The event loops hide that, and uvloop
    drops what it has not handed on because reading was paused.
    """
    rest = bytearray()
    try:
        while data := stream.read(_READ_BYTES):
            rest += data
    except ssl.SSLZeroReturnError:
        return bytes(rest), True
    except (OSError, ValueError):
        return bytes(rest), False
    return bytes(rest), True


class BlockedAddressError(OSError):
    """The IP address to connect to is not public.

    The message is the same for every address: only when all addresses of a host fail with the same
    message is this error raised, and not one about several exceptions.
    """


class LoopResolver(AbstractResolver):
    """Resolves names in the threads of the event loop's default executor.

    uvloop uses libuv, which resolves at most two names at once in a process, and waits at exit for
    lookups that were cancelled.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            OSError: it has none, or the lookup fails.
        """
        lookup = partial(
            socket.getaddrinfo,
            host,
            port,
            type=socket.SOCK_STREAM,
            family=family,
            flags=_RESOLVE_FLAGS,
        )
        # aiohttp may resolve in a task of its own, which has a copy of the request's context.
        watch = CURRENT.get()
        if watch is not None:
            watch.dns_started = time.monotonic()
        found = await asyncio.get_running_loop().run_in_executor(None, lookup)
        if watch is not None:
            watch.dns_done = time.monotonic()
        return [
            ResolveResult(
                hostname=host,
                host=_address(address, kind),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Do nothing: the threads belong to the event loop."""


class Connector(aiohttp.TCPConnector):
    """Opens connections of class *kind*.

    With *public_only* it refuses IP addresses that are not of the public internet. The check is
    made when the socket is created, so that it holds for whatever the URL, a redirect or a name
    server leads to. A proxy may have any address, because the user has named it; but what it is
    asked to connect to is checked before, and refused if only the proxy knows its address.

    Attributes:
        origins: the origins that may have HTTP/2 connections; None without HTTP/2.
        certified: what aiohttp gets as the ``ssl`` of a request with the client certificate, so
            that no request without it uses the same connection. None without a certificate.
    """

    def __init__(
        self,
        *,
        limit: int,
        tls: TlsSettings,
        public_only: bool,
        http2: Http2Settings | None,
        proxies: Proxies | None = None,
        kind: type[Connection] = Connection,
        resolver: AbstractResolver | None = None,
        socket_factory: SocketFactory | None = None,
    ) -> None:
        super().__init__(
            limit=limit,
            resolver=resolver or LoopResolver(),
            socket_factory=partial(_public_socket, socket_factory)
            if public_only
            else socket_factory,
        )
        self.origins = Http2Origins() if http2 is not None else None
        self._tls = tls
        self.certified = tls.context(certified=True) if tls.certificate is not None else None
        self._proxies = proxies
        self._public_only = public_only
        self._proxy_sockets = socket_factory
        # With partial() around the class itself, mypy wants the arguments of aiohttp's class.
        new: Callable[..., ResponseHandler] = kind
        self._factory = partial(new, self._loop, http2)

    def _get_ssl_context(self, req: aiohttp.ClientRequest) -> ssl.SSLContext | None:
        """Return the context of a request; instead of aiohttp's default, a stricter one."""
        if not req.is_ssl():
            return None
        http2 = self.origins is not None and not self._origin(req, self.origins).http1_only
        return self._tls.context(http2=http2, certified=req.ssl is self.certified)

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> ResponseHandler:
        """Open a connection for a request.

        Raises:
            Negotiated: it has negotiated HTTP/2, so that aiohttp cannot use it.
        """
        proxy = None
        if self._proxies is not None:
            proxy = self._proxies.proxy_of(Url(str(req.url.origin())))
        if proxy is None or self._proxies is None:
            handler = await super()._create_connection(req, traces, timeout)
        else:
            handler = await self._connect_by_proxy(proxy, self._proxies, req, timeout)
        if self.origins is not None and isinstance(handler, Connection):
            if handler.http2 is not None:
                raise Negotiated(handler.http2)
            self._origin(req, self.origins).http1_negotiated()
        return handler

    async def _connect_by_proxy(
        self,
        proxy: Proxy,
        proxies: Proxies,
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as above
    ) -> ResponseHandler:
        """Open a connection to a proxy, and through it one to the host of a request.

        Raises:
            UrlError: the proxy does not open a tunnel, or must not be asked to.
            aiohttp.ClientConnectionError: a connection fails.
        """
        host = (req.url.raw_host or "").rstrip(".")
        port = req.port or 0
        if self._public_only:
            _check_target(proxy, host, req)
        if not resolves_names(proxy):
            host = await self._resolve_target(host, port, req)
        transport, stream = await self._connect_to_proxy(proxy)
        handler: ResponseHandler
        try:
            if req.proxy is None:
                await stream.open_tunnel(host, port, proxies.user_agent)
                received = len(stream.received)
                if received and (req.is_ssl() or received > MAX_PROXY_HEAD_BYTES):
                    raise stream.not_a_tunnel()
            if req.is_ssl():
                _, handler = await self._start_tls_connection(transport, req, timeout)
            else:
                handler = self._factory()
                transport.set_protocol(handler)
                handler.connection_made(transport)
        except BaseException:
            transport.abort()
            raise
        if isinstance(handler, Connection):
            handler.forget_address()
            if stream.received:
                (handler.http2 or handler).data_received(bytes(stream.received))
        return handler

    async def _resolve_target(self, host: str, port: int, req: aiohttp.ClientRequest) -> str:
        """Return an address of *host*, which a proxy is asked to connect to.

        Raises:
            aiohttp.ClientConnectorError: it has none, or none that is allowed.
        """
        try:
            found = await self._resolve_host(host, port)
        except OSError as error:
            raise aiohttp.ClientConnectorDNSError(req.connection_key, error) from error
        for each in found:
            if not self._public_only or is_public(each["host"]):
                return each["host"]
        raise aiohttp.ClientConnectorError(
            req.connection_key, BlockedAddressError("not a public address")
        )

    async def _connect_to_proxy(self, proxy: Proxy) -> tuple[asyncio.Transport, ProxyStream]:
        """Open a connection to a proxy.

        Raises:
            UnreachableProxyError: this fails.
        """
        try:
            found = await self._resolve_host(proxy.host, proxy.port)
        except OSError as error:
            raise UnreachableProxyError(proxy, error, unresolved=True) from error
        over_tls = proxy.scheme is ProxyScheme.HTTPS
        try:
            connected = await aiohappyeyeballs.start_connection(
                self._convert_hosts_to_addr_infos(found),
                local_addr_infos=self._local_addr_infos,
                happy_eyeballs_delay=self._happy_eyeballs_delay,
                interleave=self._interleave,
                loop=self._loop,
                socket_factory=self._proxy_sockets,
            )
            return await self._loop.create_connection(
                partial(ProxyStream, proxy),
                sock=connected,
                ssl=self._tls.context() if over_tls else None,
                server_hostname=proxy.host if over_tls else None,
            )
        except OSError as error:
            raise UnreachableProxyError(proxy, error) from error

    def _origin(self, req: aiohttp.ClientRequest, origins: Http2Origins) -> Http2Origin:
        return origins.origin(str(req.url.origin()), certified=req.ssl is self.certified)

    def close_idle(self, hosts: Container[str] | None = None) -> None:
        """Close idle connections: all, or those to *hosts*, as :func:`.urls.host` names them."""
        if self.origins is not None:
            self.origins.close_idle(hosts)
        for key in [*self._conns]:
            if hosts is None or _is_to(key, hosts):
                for connection, _ in self._conns.pop(key):
                    connection.close()


def _is_to(key: ConnectionKey, hosts: Container[str]) -> bool:
    """Return whether a connection is to one of *hosts*."""
    name = f"[{key.host}]" if ":" in key.host else key.host
    default = 443 if key.is_ssl else 80
    return (name if key.port in (default, None) else f"{name}:{key.port}") in hosts


def _address(address: Sequence[object], kind: int) -> str:
    """Return the IP address of a socket address, with the zone that a link-local one needs."""
    zone = address[3] if kind == socket.AF_INET6 and len(address) == 4 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])


def _check_target(proxy: Proxy, host: str, req: aiohttp.ClientRequest) -> None:
    """Check what a proxy is asked to connect to, as far as that can be known here.

    Raises:
        aiohttp.ClientConnectorError: its address is not public.
        BlockedError: only the proxy knows its address.
    """
    if is_ip_address(host.partition("%")[0]):
        if not is_public(host):
            raise aiohttp.ClientConnectorError(
                req.connection_key, BlockedAddressError("not a public address")
            )
    elif resolves_names(proxy):
        raise BlockedError(
            f"the address of {host} is known to the proxy {proxy} only, and cannot be checked",
            hint="see --block-private; a proxy of socks5:// gets addresses from here",
        )


def _public_socket(factory: SocketFactory | None, info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise BlockedAddressError("not a public address")
    return factory(info) if factory is not None else socket.socket(family, kind, protocol)
