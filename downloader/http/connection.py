"""aiohttp's connections, resolver and connector, with checks that aiohttp lacks.

The only module that uses private parts of aiohttp: ``_payload`` of a protocol, and ``_conns``,
``_factory`` and ``_loop`` of a connector.
"""

import asyncio
import socket
import ssl as tls
import time
from collections.abc import Sequence
from functools import partial

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import AddrInfoType
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import StreamReader

from downloader.http.timings import CURRENT
from downloader.web.ip_addresses import is_public

#: Return only addresses of families that this machine has (RFC 3493, section 6.1).
_RESOLVE_FLAGS = socket.AI_ADDRCONFIG
#: Interim responses (RFC 9110, section 15.2) that may come before one response.
_MAX_INTERIM_RESPONSES = 100


class Connection(ResponseHandler):
    """One connection, which reports every fault to the reader of a body.

    aiohttp 3.14 does not report four of them. Malformed chunks after the head leave the reader
    waiting for ever, without a timeout. A reset ends a body without length or chunks as if it were
    whole. A response that comes on an idle connection is taken as the response to the next
    request. And there may be interim responses without end.
    """

    _interim_responses = 0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        # aiohttp creates the protocol when the socket is connected, before the TLS handshake.
        self._watch = CURRENT.get()
        if self._watch is not None:
            self._watch.connected = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note when the connection is ready to use."""
        super().connection_made(transport)
        if self._watch is not None:
            self._watch.ready = time.monotonic()
            self._watch = None

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Handle the head of a response; fail after too many interim responses."""
        self._interim_responses = self._interim_responses + 1 if data[0].code < 200 else 0
        if self._interim_responses <= _MAX_INTERIM_RESPONSES:
            super().feed_data(data, size)
            return
        if self.transport is not None:
            self.transport.close()
        self.set_exception(BadHttpMessage("interim answers without end"))

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail the request that waits for a head, and the body that is being received."""
        super().set_exception(exc, *cause)
        payload = self._payload
        # The first error of a body says most.
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc, *cause)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the body that is being received; only a clean close may end it normally."""
        if exc is not None and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError("connection lost"), exc)
        super().connection_lost(exc)

    def is_connected(self) -> bool:
        """Return whether a request may be sent: connected, and nothing was received unasked."""
        return super().is_connected() and not self.should_close


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
    server leads to.
    """

    def __init__(
        self,
        *,
        limit: int,
        ssl: tls.SSLContext | bool,
        public_only: bool,
        kind: type[Connection] = Connection,
    ) -> None:
        super().__init__(
            limit=limit,
            resolver=LoopResolver(),
            ssl=ssl,
            socket_factory=_public_socket if public_only else None,
        )
        handler: type[ResponseHandler] = kind
        self._factory = partial(handler, loop=self._loop)

    def close_idle(self) -> None:
        """Close idle connections, to free their file descriptors."""
        for idle in self._conns.values():
            for connection, _ in idle:
                connection.close()
        self._conns.clear()


def _address(address: Sequence[object], kind: int) -> str:
    """Return the IP address of a socket address, with the zone that a link-local one needs."""
    zone = address[3] if kind == socket.AF_INET6 and len(address) == 4 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])


def _public_socket(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise BlockedAddressError("not a public address")
    return socket.socket(family, kind, protocol)
