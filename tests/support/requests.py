"""Requests that are no plain GET, and pages that say what they were asked."""

from aiohttp import web

from downloader import Request, Target
from downloader.web import urls
from tests.support.web_server import Site

#: A body of several pieces and frames.
BODY = bytes(range(256)) * 4000


def echo(site: Site, *paths: str) -> None:
    """Answer requests for *paths* with their methods, bodies and headers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        own = " ".join(str(request.headers.get(name)) for name in ("X-A", "X-B"))
        body = (await request.read()).decode("latin-1")
        return web.Response(text=f"{request.method} {body} {own}")

    site.pages.update(dict.fromkeys(paths, answer))


def post(url: str, body: bytes = b"a=1", method: str = "POST") -> Target:
    """Return a target with a body."""
    return Target(url=urls.parse(url), request=Request(method, body))
