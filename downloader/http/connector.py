"""Opens connections: resolver, checks of addresses, proxies and TLS, around aiohttp's connector.

Uses private parts of aiohttp's connector: those that :class:`Connector` overrides or calls.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Container, Sequence
from functools import partial

import aiohappyeyeballs
import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import AddrInfoType
from aiohttp.tracing import Trace

from downloader.errors import BlockedError
from downloader.http.addresses import SocketFactory
from downloader.http.connection import Connection
from downloader.http.http2 import Http2Origin, Http2Origins, Http2Settings, Negotiated
from downloader.http.proxies import Proxies, UnreachableProxyError, resolves_names
from downloader.http.timings import CURRENT
from downloader.http.tls_settings import TlsSettings
from downloader.http.tunnels import MAX_PROXY_HEAD_BYTES, ProxyStream
from downloader.web import urls
from downloader.web.ip_addresses import is_ip_address, is_public
from downloader.web.proxies import Proxy, ProxyScheme
from downloader.web.urls import Url

#: Return only addresses of families that this machine has (RFC 3493, section 6.1).
_RESOLVE_FLAGS = socket.AI_ADDRCONFIG
#: Hosts whose certificates are noted.
_MAX_CERTIFICATES = 100_000


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
        certificate_ends: when the certificates of servers expire, in seconds since the epoch, by
            host; None if that is not noted.
    """

    certificate_ends: dict[str, float] | None = None

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
        if self.certificate_ends is not None and req.is_ssl() and isinstance(handler, Connection):
            _note_certificate(self.certificate_ends, req, handler)
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


def _note_certificate(
    ends: dict[str, float], req: aiohttp.ClientRequest, handler: Connection
) -> None:
    """Note when the certificate of a server expires; nothing if it was not verified."""
    transport = handler.transport if handler.http2 is None else handler.http2.transport
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    if certificate and "notAfter" in certificate and len(ends) < _MAX_CERTIFICATES:
        ends[urls.host(Url(str(req.url)))] = ssl.cert_time_to_seconds(certificate["notAfter"])


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
