"""Which URLs are requested through which proxy, and how a proxy opens a tunnel to a host."""

import asyncio
import base64
import ipaddress
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from downloader.errors import ConnectError, DnsError, HttpStatusError
from downloader.models import NetworkOptions
from downloader.web import urls
from downloader.web.proxies import NoProxy, Proxy, ProxyScheme, parse_proxy
from downloader.web.text import printable
from downloader.web.urls import Url

#: Bytes of a proxy's answer to CONNECT.
MAX_HEAD_BYTES = 64 * 1024
#: Interim responses (RFC 9110, section 15.2) before such an answer.
_MAX_INTERIM_RESPONSES = 10
#: Origins whose proxy is remembered.
_MAX_ORIGINS = 4096
_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})(?: ([^\r\n]*))?\r?\n")
#: The request line of a request to a proxy (RFC 9112, section 3.2.2).
_ABSOLUTE_FORM = re.compile(rb"([!-~]{1,40} )http://[^/?# ]*([^ ]*)")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_MAX_SHOWN_CHARACTERS = 80
#: What a reply of SOCKS5 means (RFC 1928, section 6), and whether it may pass.
_SOCKS_REPLIES = {
    1: ("general failure", True),
    2: ("not allowed by its rules", False),
    3: ("the network is unreachable", False),
    4: ("the host is unreachable", False),
    5: ("connection refused", False),
    6: ("the connection timed out", True),
    7: ("it does not make connections", False),
    8: ("it does not take this kind of address", False),
}
_SOCKS_VERSION = 5
_NO_AUTHENTICATION, _PASSWORD, _NO_METHOD = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
#: Length of each kind of address; 0 if the first byte says it.
_ADDRESS_BYTES = {_IPV4: 4, _NAME: 0, _IPV6: 16}
#: The longest name that SOCKS5 can send.
_MAX_NAME_BYTES = 255

#: The hint of messages about the choice of a proxy.
WHICH_PROXY = "see --proxy and http_proxy"
_CREDENTIALS = "see --proxy-user"


class UnreachableProxyError(aiohttp.ClientConnectionError):
    """No connection to a proxy could be made.

    Attributes:
        proxy: the proxy.
        cause: the error of the system, of TLS, or of name resolution.
        unresolved: whether its name could not be resolved.
    """

    def __init__(self, proxy: Proxy, cause: OSError, *, unresolved: bool = False) -> None:
        super().__init__(f"cannot connect to the proxy {proxy}")
        self.proxy = proxy
        self.cause = cause
        self.unresolved = unresolved


class Proxies:
    """The proxies of a run.

    Args:
        options: what the user has chosen.

    Attributes:
        user_agent: sent to proxies of HTTP.
    """

    def __init__(self, options: NetworkOptions) -> None:
        self._http = parse_proxy(options.http_proxy) if options.http_proxy else None
        self._https = parse_proxy(options.https_proxy) if options.https_proxy else None
        self._no_proxy = NoProxy(options.no_proxy)
        self._always_tunnel = options.http2_prior_knowledge
        self.user_agent = options.user_agent
        self._of_origin = lru_cache(_MAX_ORIGINS)(self._find)

    def proxy_of(self, url: Url) -> Proxy | None:
        """Return the proxy through which *url* is requested, or None."""
        return self._of_origin(urls.origin(url))

    def _find(self, origin: str) -> Proxy | None:
        proxy = self._https if origin.startswith("https:") else self._http
        if proxy is None or self._no_proxy.matches(Url(f"{origin}/")):
            return None
        return proxy

    def forwards(self, url: Url) -> bool:
        """Return whether the proxy of *url* makes the request itself, and opens no tunnel.

        It could not make one by HTTP/2.
        """
        proxy = self.proxy_of(url)
        return (
            proxy is not None
            and not proxy.is_socks
            and url.startswith("http:")
            and not self._always_tunnel
        )

    def forwarded(
        self, url: Url, headers: Mapping[str, str]
    ) -> tuple[URL | None, Mapping[str, str]]:
        """Return the URL of the proxy that makes a request, and the headers of that.

        It is None if no proxy does.
        """
        proxy = self.proxy_of(url)
        if proxy is None or not self.forwards(url):
            return None, headers
        authorization = _authorization(proxy)
        if authorization is not None:
            headers = CIMultiDict(headers)
            headers["Proxy-Authorization"] = authorization
        return URL(str(proxy)), headers


def proxies_of(options: NetworkOptions) -> Proxies | None:
    """Return the proxies of a run, or None if it has none."""
    return Proxies(options) if options.http_proxy or options.https_proxy else None


def refusal(status: int, reason: str) -> ConnectError:
    """Return the error of a proxy's status, which says that it does not do what was asked."""
    reason = printable(reason.strip()[:_MAX_SHOWN_CHARACTERS])
    return ConnectError(
        f"proxy refused: {status} {reason}".rstrip(),
        hint=_CREDENTIALS if status == 407 else WHICH_PROXY,
        retryable=status in HttpStatusError.TEMPORARY,
    )


def closed_without_response(proxy: Proxy | URL) -> ConnectError:
    """Return the error of a proxy that ends the connection instead of answering."""
    return ConnectError(
        f"the proxy {proxy} closed the connection without a response", hint=WHICH_PROXY
    )


def as_to_origin(request: bytes) -> bytes:
    """Return the head of a request to a proxy as it would be to the origin, without secrets.

    A request to an origin is returned as it is.
    """
    absolute = _ABSOLUTE_FORM.match(request)
    if absolute is None:
        return request
    path = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
    line, separator, rest = request[absolute.end() :].partition(b"\r\n")
    fields, end, body = rest.partition(b"\r\n\r\n")
    kept = [
        each
        for each in fields.split(b"\r\n")
        if not each.lower().startswith(b"proxy-authorization:")
    ]
    return b"".join((absolute[1], path, line, separator, b"\r\n".join(kept), end, body))


def _authorization(proxy: Proxy) -> str | None:
    if proxy.credentials is None:
        return None
    return f"Basic {base64.b64encode(b':'.join(proxy.credentials)).decode('ascii')}"


class ProxyStream(asyncio.Protocol):
    """A connection to a proxy, until its tunnel is open.

    Attributes:
        transport: the connection.
        received: the bytes that were received and not yet read.
    """

    def __init__(self, proxy: Proxy) -> None:
        self.received = bytearray()
        self._proxy = proxy
        self._ended = False
        self._arrival: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what has come; no proxy has to send more than a head."""
        self.received += data
        if len(self.received) > MAX_HEAD_BYTES:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note that nothing more will come."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that nothing more will come."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def _more(self) -> None:
        """Wait for more bytes.

        Raises:
            ConnectError: the proxy has closed the connection.
        """
        if self._ended:
            raise closed_without_response(self._proxy)
        self._arrival = asyncio.get_running_loop().create_future()
        await self._arrival

    async def _read(self, size: int) -> bytes:
        while len(self.received) < size:
            await self._more()
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    async def open_tunnel(self, host: str, port: int, user_agent: str) -> None:
        """Have the proxy connect to *host*, a name or an address without brackets.

        Raises:
            UrlError: it does not.
        """
        if self._proxy.is_socks:
            await self._open_by_socks(host, port)
        else:
            await self._open_by_connect(host, port, user_agent)

    async def _open_by_connect(self, host: str, port: int, user_agent: str) -> None:
        """Send CONNECT (RFC 9110, section 9.3.6)."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        fields = [f"Host: {target}", f"User-Agent: {user_agent}"]
        authorization = _authorization(self._proxy)
        if authorization is not None:
            fields.append(f"Proxy-Authorization: {authorization}")
        head = "\r\n".join([f"CONNECT {target} HTTP/1.1", *fields, "", ""])
        self.transport.write(head.encode("utf-8", "surrogateescape"))
        for _ in range(_MAX_INTERIM_RESPONSES):
            status, reason = await self._read_status()
            if 200 <= status < 300:
                return
            if status >= 200 or status == 101:
                raise refusal(status, reason)
        raise ConnectError(f"the proxy {self._proxy} sends interim answers without end")

    async def _read_status(self) -> tuple[int, str]:
        """Read the head of a response; return its status and its reason."""
        searched = 0
        while (end := _END_OF_HEAD.search(self.received, searched)) is None:
            known = self.received[:5]
            if known != b"HTTP/"[: len(known)] or len(self.received) > MAX_HEAD_BYTES:
                raise self._not_understood("HTTP")
            searched = max(0, len(self.received) - 3)
            await self._more()
        head = bytes(self.received[: end.end()])
        del self.received[: end.end()]
        status_line = _STATUS_LINE.match(head)
        if status_line is None:
            raise self._not_understood("HTTP")
        return int(status_line[1]), (status_line[2] or b"").decode("utf-8", "replace")

    async def _open_by_socks(self, host: str, port: int) -> None:
        """Speak SOCKS5 (RFC 1928), with a password if there is one (RFC 1929)."""
        credentials = self._proxy.credentials
        methods = [_NO_AUTHENTICATION, *([_PASSWORD] if credentials else ())]
        self.transport.write(bytes([_SOCKS_VERSION, len(methods), *methods]))
        version, method = await self._read(2)
        if version != _SOCKS_VERSION or method not in (*methods, _NO_METHOD):
            raise self._not_understood("SOCKS5")
        if method == _NO_METHOD:
            given = "does not take a password" if credentials else "asks for a password"
            raise ConnectError(f"proxy refused: it {given}", hint=_CREDENTIALS, retryable=False)
        if method == _PASSWORD and credentials is not None:
            user, password = credentials
            self.transport.write(
                bytes([1, len(user), *user, len(password), *password]),
            )
            _, failed = await self._read(2)
            if failed:
                raise ConnectError(
                    "proxy refused: wrong user name or password",
                    hint=_CREDENTIALS,
                    retryable=False,
                )
        self.transport.write(
            bytes([_SOCKS_VERSION, 1, 0]) + _socks_address(host) + port.to_bytes(2, "big")
        )
        version, reply, _, kind = await self._read(4)
        if version != _SOCKS_VERSION:
            raise self._not_understood("SOCKS5")
        if reply:
            reason, passes = _SOCKS_REPLIES.get(reply, (f"reply {reply}", False))
            raise ConnectError(f"proxy refused: {reason}", hint=WHICH_PROXY, retryable=passes)
        # The address and the port that the proxy uses follow.
        if kind not in _ADDRESS_BYTES:
            raise self._not_understood("SOCKS5")
        await self._read((_ADDRESS_BYTES[kind] or (await self._read(1))[0]) + 2)

    def _not_understood(self, protocol: str) -> ConnectError:
        return ConnectError(
            f"the answer of the proxy {self._proxy} is not {protocol}",
            hint=WHICH_PROXY,
            retryable=False,
        )

    def not_a_tunnel(self) -> ConnectError:
        """Return the error of a proxy that sends something by itself once its tunnel is open."""
        return ConnectError(
            f"the proxy {self._proxy} answers by itself instead of opening a tunnel",
            hint=WHICH_PROXY,
            retryable=False,
        )


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii", "replace")
        if len(name) > _MAX_NAME_BYTES:
            raise DnsError(f"cannot resolve {host}: not a valid host name") from None
        return bytes([_NAME, len(name)]) + name
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def resolves_names(proxy: Proxy) -> bool:
    """Return whether the proxy gets the names of hosts, and not their addresses."""
    return proxy.scheme is not ProxyScheme.SOCKS5
