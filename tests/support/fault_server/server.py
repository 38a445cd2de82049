"""The server itself: connections in, requests out to the registered faults."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from tests.support.fault_server.endpoints import HOST, Endpoint, tls_context
from tests.support.fault_server.registry import FAULTS, Answer, Request
from tests.support.fault_server.responses import respond, stall

#: The first byte of a TLS record that carries a ClientHello.
_TLS_HELLO = b"\x16"


class FaultServer:
    """Serves every registered fault on every endpoint; made by :func:`fault_server`.

    Attributes:
        requests: what was asked for, in order.
        otherwise: what answers requests for a path that no fault is registered under.

    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.otherwise: Answer = _not_found
        self._ports: dict[Endpoint, int] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def url(self, path: str, endpoint: Endpoint = Endpoint.PLAIN, scheme: str = "") -> str:
        """Return the address of *path* behind *endpoint*."""
        return f"{scheme or endpoint.scheme}://{HOST}:{self._ports[endpoint]}{path}"

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [request.path for request in self.requests]

    async def open(self, endpoint: Endpoint) -> asyncio.Server:
        """Start to listen at *endpoint*."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections.add(task)
            try:
                # Ending quietly on cancellation keeps asyncio from logging it as an error.
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await self._serve(endpoint, reader, writer)
            finally:
                self._connections.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, HOST, 0, ssl=tls_context(endpoint))
        self._ports[endpoint] = server.sockets[0].getsockname()[1]
        return server

    async def hang_up(self) -> None:
        """End every connection, also those that would stall for ever."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections)

    async def _serve(
        self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if endpoint is Endpoint.CLOSING:
            return
        if endpoint is Endpoint.SILENT:
            await stall()
        nth_on_connection = 0
        while not writer.is_closing():
            first = await reader.readexactly(1)
            if first == _TLS_HELLO:
                await reader.read(64 * 1024)
                await respond(writer, "400 Bad Request", body=b"plain HTTP is spoken here")
                return
            nth_on_connection += 1
            request = self._logged(first + await reader.readuntil(b"\r\n\r\n"), nth_on_connection)
            answer = FAULTS.get(request.path.partition("?")[0], self.otherwise)
            await answer(request, writer)

    def _logged(self, head: bytes, nth_on_connection: int) -> Request:
        line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _version = line.split(" ")
        pairs = (field.partition(":") for field in fields)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        count = 1 + sum(request.path == path for request in self.requests)
        request = Request(method, path, headers, count, nth_on_connection)
        self.requests.append(request)
        return request


@asynccontextmanager
async def fault_server(*endpoints: Endpoint) -> AsyncIterator[FaultServer]:
    """Give a running server with *endpoints* beside the plain one."""
    server = FaultServer()
    async with AsyncExitStack() as stack:
        for endpoint in {Endpoint.PLAIN, *endpoints}:
            await stack.enter_async_context(await server.open(endpoint))
        # Runs before the endpoints close, which from Python 3.12 on waits for the connections.
        stack.push_async_callback(server.hang_up)
        yield server


async def _not_found(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 Not Found", body=b"no fault is registered here")
