"""How a proxy opens a tunnel to a host: CONNECT of HTTP, and SOCKS5.

SOCKS5 is spoken here because no kept library does what is needed: python-socks opens connections of
its own, past the chosen addresses and interfaces, and sends ASCII passwords only; socksio leaves
finding the ends of messages to its caller, which is most of the work.
"""

import asyncio
import ipaddress
import re
from typing import cast

from downloader.errors import ConnectError, DnsError
from downloader.http.proxies import (
    CREDENTIALS_HINT,
    PROXY_HINT,
    closed_without_response,
    proxy_authorization,
    refusal,
)
from downloader.web.proxies import Proxy

#: Bytes of a proxy's answer to CONNECT.
MAX_PROXY_HEAD_BYTES = 64 * 1024
#: Interim responses (RFC 9110, section 15.2) before such an answer.
_MAX_INTERIM_RESPONSES = 10
_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3})(?: ([^\r\n]*))?\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
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
        if len(self.received) > MAX_PROXY_HEAD_BYTES:
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
        """Ask the proxy for a connection to *host*, a name or an address without brackets.

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
        authorization = proxy_authorization(self._proxy)
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
            if known != b"HTTP/"[: len(known)] or len(self.received) > MAX_PROXY_HEAD_BYTES:
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
            raise ConnectError(f"proxy refused: it {given}", hint=CREDENTIALS_HINT, retryable=False)
        if method == _PASSWORD and credentials is not None:
            user, password = credentials
            self.transport.write(
                bytes([1, len(user), *user, len(password), *password]),
            )
            _, failed = await self._read(2)
            if failed:
                raise ConnectError(
                    "proxy refused: wrong user name or password",
                    hint=CREDENTIALS_HINT,
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
            raise ConnectError(f"proxy refused: {reason}", hint=PROXY_HINT, retryable=passes)
        # The address and the port that the proxy uses follow.
        if kind not in _ADDRESS_BYTES:
            raise self._not_understood("SOCKS5")
        await self._read((_ADDRESS_BYTES[kind] or (await self._read(1))[0]) + 2)

    def _not_understood(self, protocol: str) -> ConnectError:
        return ConnectError(
            f"the answer of the proxy {self._proxy} is not {protocol}",
            hint=PROXY_HINT,
            retryable=False,
        )

    def not_a_tunnel(self) -> ConnectError:
        """Return the error of a proxy that sends something by itself once its tunnel is open."""
        return ConnectError(
            f"the proxy {self._proxy} answers by itself instead of opening a tunnel",
            hint=PROXY_HINT,
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
