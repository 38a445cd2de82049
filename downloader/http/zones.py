"""Requests to IPv6 addresses with a zone: the interface to reach them through (RFC 6874)."""

import socket
from dataclasses import replace

from multidict import CIMultiDict

from downloader.errors import ConnectError
from downloader.http.proxies import Proxies
from downloader.http.tls_settings import TlsChoice
from downloader.web import urls
from downloader.web.urls import Url


def request_in_zone(
    url: Url, headers: CIMultiDict[str], tls: TlsChoice, proxies: Proxies | None
) -> tuple[Url, CIMultiDict[str], TlsChoice]:
    """Return URL, headers and TLS of a request as it is made if *url* may have a zone.

    The zone is for this machine only: neither the Host field nor the server's certificate has it.

    Raises:
        ConnectError: this machine does not have the zone, or a proxy would have to know it.
    """
    bare, zone = urls.split_zone(url)
    if not zone:
        return url, headers, tls
    if proxies is not None and (proxy := proxies.proxy_of(url)) is not None:
        raise ConnectError(
            f"the proxy {proxy} does not know the zones of this machine",
            hint="see --noproxy",
            retryable=False,
        )
    if "Host" not in headers:
        headers = headers.copy()
        headers["Host"] = urls.host(bare)
    # Sockets take the number of an interface.
    numbered = Url(bare.replace("]", f"%{_number_of(zone)}]", 1))
    return numbered, headers, replace(tls, server_hostname=urls.hostname(bare)[1:-1])


def _number_of(zone: str) -> int:
    try:
        return int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    except OSError:
        raise ConnectError(
            f"this machine has no network interface {zone}", retryable=False
        ) from None
