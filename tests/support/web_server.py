"""A web server on loopback whose pages a test sets as it goes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """A web server whose pages a test sets as it goes.

    Attributes:
        pages: path (with query) to body, response, or handler; anything else is 404.
        requests: the requests that came, in order.
    """

    server: TestServer
    pages: dict[str, str | bytes | Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    _asked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def asked(self, times: int = 1) -> None:
        """Wait until so many requests have come."""
        async with self._asked:
            await asyncio.wait_for(self._asked.wait_for(lambda: len(self.requests) >= times), 30)

    def url(self, path: str = "/") -> str:
        """Return the absolute address of a path."""
        return f"http://127.0.0.1:{self.server.port}{path}"

    @property
    def folder(self) -> str:
        """The folder that pages of this site are saved in."""
        return f"127.0.0.1_{self.server.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request from the pages."""
        self.requests.append(request)
        # A body can be read later only if it was read now.
        await request.read()
        async with self._asked:
            self._asked.notify_all()
        page = self.pages.get(request.path_qs)
        if page is None:
            raise web.HTTPNotFound
        if isinstance(page, str):
            return web.Response(text=page, content_type="text/html", charset="utf-8")
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="application/octet-stream")
        return await page(request)
