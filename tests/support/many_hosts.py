"""One web server that listens at several addresses of loopback, as several hosts."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.web_server import Handler


@dataclass
class ManyHosts:
    """One server that is several hosts.

    Attributes:
        pages: path to handler, at every host.
        requests: the requests that came, in order.
        most: how many there were at once of each host.
        open: requests wait until this is set, as it is at the start.
    """

    port: int
    pages: dict[str, Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    _now: Counter[str] = field(default_factory=Counter)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.open.set()

    def url(self, host: int, path: str = "/") -> str:
        return f"http://127.0.0.{host}:{self.port}{path}"

    async def asked(self, times: int) -> None:
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.requests) >= times), 30)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await request.read()
        self._now[request.host] += 1
        self.most[request.host] = max(self.most[request.host], self._now[request.host])
        try:
            async with self._came:
                self._came.notify_all()
            await self.open.wait()
            page = self.pages.get(request.path)
            if page is None:
                raise web.HTTPNotFound
            return await page(request)
        finally:
            self._now[request.host] -= 1


HOSTS = range(1, 7)


def numbered(many_hosts: ManyHosts, count: int) -> list[str]:
    return [many_hosts.url(number % len(HOSTS) + 1, f"/{number}") for number in range(count)]
