"""aiohttp's connection, with four gaps closed through which a run could hang or be misled."""

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

#: Only addresses of families that this machine has (RFC 3493, section 6.1).
_NUMBERS = socket.AI_ADDRCONFIG
#: Interim answers (RFC 9110, section 15.2) that may come before one answer.
_MOST_INTERIM = 100


class Connection(ResponseHandler):
    """One connection, which tells the reader of a body of every fault in it.

    aiohttp 3.14 leaves four faults unreported. Chunks that turn out malformed after the head has
    been handed over leave their reader waiting for ever, with the read timeout off. A reset ends
    a body without length or chunks as if it were whole. An answer that comes while the connection
    lies idle is taken for the answer to the next request. And interim answers may go on for ever.
    """

    _interim = 0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        # It is made when it is connected, and encryption is agreed on after that.
        self._watch = CURRENT.get()
        if self._watch is not None:
            self._watch.connected = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to be used."""
        super().connection_made(transport)
        if self._watch is not None:
            self._watch.agreed = time.monotonic()
            self._watch = None

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take in the head of an answer."""
        self._interim = self._interim + 1 if data[0].code < 200 else 0
        if self._interim <= _MOST_INTERIM:
            super().feed_data(data, size)
            return
        if self.transport is not None:
            self.transport.close()
        self.set_exception(BadHttpMessage("interim answers without end"))

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Fail what waits for a head, and the body under way as well."""
        super().set_exception(exc, *cause)
        payload = self._payload
        # The first thing that is said of a body tells most.
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc, *cause)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what is under way; only a connection closed in good order may end a body."""
        if exc is not None and self._payload is not None and not self._payload.is_eof():
            self._payload.set_exception(aiohttp.ClientPayloadError("connection lost"), exc)
        super().connection_lost(exc)

    def is_connected(self) -> bool:
        """Return whether a request may be sent: connected, and nothing came unasked."""
        return super().is_connected() and not self.should_close


class BlockedAddressError(OSError):
    """The address that a connection was about to be made to is not public.

    It says the same for every address, because only then is it raised as it is when none of a
    host's addresses is public.
    """


class LoopResolver(AbstractResolver):
    """Resolves names in the event loop's own threads.

    uvloop has libuv do it, which resolves no more than two names at once in a whole process, and
    waits at the end for those that nobody wants any more.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            OSError: it has none, or that cannot be found out.
        """
        look_up = partial(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, family=family, flags=_NUMBERS
        )
        # This may be a task of its own, which has the context of the request.
        watch = CURRENT.get()
        if watch is not None:
            watch.looked_up = time.monotonic()
        found = await asyncio.get_running_loop().run_in_executor(None, look_up)
        if watch is not None:
            watch.resolved = time.monotonic()
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
        """Do nothing: the threads are the event loop's."""


class Connector(aiohttp.TCPConnector):
    """Makes connections of that class, or of the *kind* of it that is given.

    With *public_only* it refuses an address that is not of the public internet at the moment when
    it is connected to: whatever the URL, a redirect or a name server said before, this is where
    the request would go.
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
        """Close the connections that are kept to be used again, for their descriptors."""
        for idle in self._conns.values():
            for connection, _ in idle:
                connection.close()
        self._conns.clear()


def _address(address: Sequence[object], kind: int) -> str:
    """Return the address of a socket as text, with the zone that a link-local one needs."""
    zone = address[3] if kind == socket.AF_INET6 and len(address) == 4 else 0
    return f"{address[0]}%{zone}" if zone else str(address[0])


def _public_socket(info: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise BlockedAddressError("not a public address")
    return socket.socket(family, kind, protocol)
