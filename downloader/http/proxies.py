"""Which URLs are requested through which proxy, and what proxies that forward requests get."""

import base64
import re
from collections.abc import Mapping
from functools import lru_cache

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from downloader.errors import ConnectError, HttpStatusError
from downloader.models import NetworkOptions
from downloader.web import urls
from downloader.web.proxies import NoProxy, Proxy, ProxyScheme, parse_proxy
from downloader.web.text import printable
from downloader.web.urls import Url

#: Origins whose proxy is remembered.
_MAX_ORIGINS = 4096
#: The request line of a request to a proxy (RFC 9112, section 3.2.2).
_ABSOLUTE_FORM = re.compile(rb"([!-~]{1,40} )http://[^/?# ]*([^ ]*)")
_MAX_SHOWN_CHARACTERS = 80
#: The hint of messages about the choice of a proxy.
PROXY_HINT = "see --proxy and http_proxy"
#: The hint of messages about a proxy's password.
CREDENTIALS_HINT = "see --proxy-user"


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
        authorization = proxy_authorization(proxy)
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
        hint=CREDENTIALS_HINT if status == 407 else PROXY_HINT,
        retryable=status in HttpStatusError.TEMPORARY,
    )


def closed_without_response(proxy: Proxy | URL) -> ConnectError:
    """Return the error of a proxy that ends the connection instead of answering."""
    return ConnectError(
        f"the proxy {proxy} closed the connection without a response", hint=PROXY_HINT
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


def proxy_authorization(proxy: Proxy) -> str | None:
    """Return the value of ``Proxy-Authorization``, or None without credentials."""
    if proxy.credentials is None:
        return None
    return f"Basic {base64.b64encode(b':'.join(proxy.credentials)).decode('ascii')}"


def resolves_names(proxy: Proxy) -> bool:
    """Return whether the proxy gets the names of hosts, and not their addresses."""
    return proxy.scheme is not ProxyScheme.SOCKS5
