"""URLs of proxies, and the hosts that are requested without one, as curl reads them."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote_from_bytes, unquote_to_bytes

from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

#: The longest name and the longest password that SOCKS5 can send (RFC 1929).
_MAX_SOCKS_BYTES = 255
_HOST = re.compile(r"[^\s/\\?#@]+")
#: An IPv6 address in brackets, perhaps with a prefix length.
_IN_BRACKETS = re.compile(r"\[([^\[\]]*)\](/\d+)?")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ProxyScheme(StrEnum):
    """How a proxy is spoken to.

    With SOCKS5 host names are resolved on this machine, with SOCKS5H by the proxy.
    """

    HTTP = "http"
    HTTPS = "https"
    SOCKS5 = "socks5"
    SOCKS5H = "socks5h"


#: The ports that curl takes if a URL has none.
_DEFAULT_PORTS = {
    ProxyScheme.HTTP: 1080,
    ProxyScheme.HTTPS: 443,
    ProxyScheme.SOCKS5: 1080,
    ProxyScheme.SOCKS5H: 1080,
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; as a text, its URL without the credentials.

    Attributes:
        scheme: how it is spoken to.
        host: its name or address, without brackets.
        port: its port.
        credentials: user name and password, or None.
    """

    scheme: ProxyScheme
    host: str
    port: int
    credentials: tuple[bytes, bytes] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self._authority}"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS, and not HTTP."""
        return self.scheme in (ProxyScheme.SOCKS5, ProxyScheme.SOCKS5H)

    @property
    def url(self) -> str:
        """The URL with the credentials: do not print it."""
        if self.credentials is None:
            return str(self)
        user, password = (quote_from_bytes(each, safe="") for each in self.credentials)
        return f"{self.scheme}://{user}:{password}@{self._authority}"

    @property
    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_proxy(text: str) -> Proxy:
    """Return the proxy of a URL; without a scheme, it is one of HTTP.

    Raises:
        ValueError: it is not the URL of a proxy; the message holds no password.
    """
    shown = printable(urls.redact_text(text))
    scheme_name, separator, rest = text.strip().partition("://")
    if not separator:
        scheme_name, rest = ProxyScheme.HTTP, text.strip()
    try:
        scheme = ProxyScheme(scheme_name.lower())
    except ValueError:
        known = ", ".join(f"{each}://" for each in ProxyScheme)
        raise ValueError(f"{shown!r} is no proxy of a known kind ({known})") from None
    user_info, at, authority = rest.rpartition("@")
    authority = authority.removesuffix("/")
    host, port = _split_port(authority)
    try:
        url = urls.parse(f"http://{host}/")
    except BadUrlError:
        url = None
    if not _HOST.fullmatch(host) or url is None or url != f"http://{urls.hostname(url)}/":
        raise ValueError(f"{shown!r} is not the URL of a proxy, such as http://proxy.example:3128")
    if port is not None and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{shown!r} has no valid port")
    user, _, password = user_info.partition(":")
    credentials = (unquote_to_bytes(user), unquote_to_bytes(password)) if at else None
    proxy = Proxy(
        scheme,
        urls.hostname(url).strip("[]"),
        int(port) if port else _DEFAULT_PORTS[scheme],
        credentials,
    )
    if proxy.is_socks and any(len(each) > _MAX_SOCKS_BYTES for each in credentials or ()):
        raise ValueError(f"{shown!r}: SOCKS5 takes names and passwords of up to 255 bytes")
    return proxy


def _split_port(authority: str) -> tuple[str, str | None]:
    """Return the host of an authority, and its port if it has one."""
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, None
    return host, port


def proxy_variable(scheme: str, environment: Mapping[str, str]) -> str | None:
    """Return the name of the variable that names the proxy for URLs of *scheme*, or None.

    ``HTTP_PROXY`` is not read, because a CGI program would get it from a request's ``Proxy`` field.
    """
    names: tuple[str, ...] = ("http_proxy",) if scheme == "http" else ("https_proxy", "HTTPS_PROXY")
    for name in (*names, "all_proxy", "ALL_PROXY"):
        if environment.get(name):
            return name
    return None


def no_proxy_of(environment: Mapping[str, str]) -> str:
    """Return the hosts that the environment excludes from proxies."""
    return environment.get("no_proxy") or environment.get("NO_PROXY", "")


class NoProxy:
    """The hosts of a list such as ``example.com,10.0.0.0/8``, which need no proxy.

    A name stands for its subdomains, too; an address may have a prefix length; both may have a
    port; ``*`` stands for all. What is none of these matches nothing.
    """

    def __init__(self, text: str) -> None:
        self._all = False
        self._domains: set[tuple[str, str | None]] = set()
        self._networks: list[tuple[_Network, str | None]] = []
        for entry in text.replace(",", " ").split():
            self._add(entry)

    def _add(self, entry: str) -> None:
        if entry == "*":
            self._all = True
            return
        network, port = _network(entry), None
        if network is None:
            entry, port = _split_port(entry)
            network = _network(entry)
        if network is not None:
            self._networks.append((network, port))
        else:
            name = entry.lower().removeprefix("*").strip(".")
            self._domains.add((name, port))

    def matches(self, url: Url) -> bool:
        """Return whether *url* is requested without a proxy."""
        if self._all:
            return True
        if not self._domains and not self._networks:
            return False
        host = urls.hostname(url)
        port = urls.host(url)[len(host) + 1 :] or ("80" if url.startswith("http:") else "443")
        address = _network(host)
        if address is not None:
            return any(
                address.version == network.version
                and address.network_address in network
                and only in (None, port)
                for network, only in self._networks
            )
        return any(
            (domain, only) in self._domains
            for domain in _domains(host.rstrip("."))
            for only in (None, port)
        )


def _network(text: str) -> _Network | None:
    """Return the network of an address, in brackets or not, perhaps with a prefix length."""
    bare = _IN_BRACKETS.fullmatch(text)
    try:
        network: _Network = ipaddress.ip_network(
            f"{bare[1]}{bare[2] or ''}" if bare else text, strict=False
        )
    except ValueError:
        return None
    return network


def _domains(host: str) -> Iterator[str]:
    """Yield *host*, and all domains that it belongs to."""
    while host:
        yield host
        host = host.partition(".")[2]
