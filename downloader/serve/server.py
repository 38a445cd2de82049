"""The web server: which host a request names, and what it gets."""

import asyncio
import errno
import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self
from urllib.parse import quote

from aiohttp import web

from downloader.errors import DownloadError, RunError
from downloader.serve.home_page import HomeQuery, page_policy, render_home, render_not_saved
from downloader.serve.report_page import ReportPage
from downloader.serve.responses import send
from downloader.serve.saved_content import (
    SHARED_WITH,
    Fields,
    NotSaved,
    OriginOf,
    SavedContent,
    SeeOther,
    ServedBody,
)
from downloader.serve.site_names import LOCALHOST, RequestedHost, SiteNames
from downloader.serve.titles import read_titles
from downloader.web.ip_addresses import is_loopback

DEFAULT_PORT = 8000
#: The addresses of ``localhost``: browsers try both for its names.
_LOOPBACK = ("127.0.0.1", "::1")
_BACKLOG = 128
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
#: Characters of a path and a query that are escaped already, or need no escape.
_PATH_CHARACTERS = "/?:@!$&'()*+,;=%~[]|"
_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """Where to serve.

    Attributes:
        address: the IP address to listen on; None for loopback.
        port: 0 for any that is free.
        domain: the name whose subdomains are those of the sites.
    """

    address: str | None = None
    port: int = DEFAULT_PORT
    domain: str = LOCALHOST


class SiteServer:
    """Serves saved content while it is entered; an asynchronous context manager.

    Attributes:
        url: of the home page.

    Raises, on entering:
        RunError: it cannot listen there, for instance because the port is in use.
    """

    def __init__(self, content: SavedContent, options: ServeOptions) -> None:
        self.url = ""
        self._content = content
        self._options = options
        self._names = SiteNames(options.domain)
        self._report = ReportPage(content)
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        # Requests that are no HTTP would be logged to the terminal, with tracebacks.
        logging.getLogger("aiohttp.server").addHandler(logging.NullHandler())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        self._stopped = threading.Event()
        self._titles: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        sockets = _listen(self._options)
        await self._runner.setup()
        for each in sockets:
            await web.SockSite(self._runner, each, backlog=_BACKLOG).start()
        port = sockets[0].getsockname()[1]
        is_local = self._options.address is None or is_loopback(self._options.address)
        has_domain = is_local or self._options.domain != LOCALHOST
        host = self._options.domain if has_domain else self._options.address or ""
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        reading = read_titles(self._content, self._stopped)
        self._titles = asyncio.create_task(reading, name="titles")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        await self._runner.cleanup()
        if self._titles is not None:
            # A thread may be reading a page, of what is closed next.
            await self._titles
        self._report.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        requested = self._names.requested(request.headers.get("Host", ""))
        if requested is None:
            return _plain(421, "This name is not one of this server's.")
        if request.method not in _METHODS:
            return _plain(405, "Saved pages can only be read.", {"Allow": "GET, HEAD"})
        if not request.raw_path.startswith("/"):
            return _plain(400, "The request names no path.")
        origin_of = partial(self._names.origin, port=requested.port)
        if not requested.label:
            return await self._send_own_page(request, origin_of)
        return await self._send_saved(request, requested, origin_of)

    async def _send_own_page(self, request: web.Request, origin_of: OriginOf) -> web.StreamResponse:
        if request.path == "/":
            query = HomeQuery.of(dict(request.query))
            return await _own_page(200, partial(render_home, self._content, query, origin_of))
        if request.path == "/report":
            body = await asyncio.to_thread(self._report.open, origin_of)
            return await send(request, body, {"X-Frame-Options": "DENY"})
        return await _own_page(404, partial(render_not_saved, NotSaved(""), "/"))

    async def _send_saved(
        self, request: web.Request, requested: RequestedHost, origin_of: OriginOf
    ) -> web.StreamResponse:
        site = await asyncio.to_thread(self._content.catalogue.site, label=requested.label)
        if site is None:
            return _plain(421, "No site of this name is saved.")
        if request.headers.get("Service-Worker"):
            # It would answer for this name in later runs, when something else is served there.
            return _plain(404, "Service workers of saved pages are not started.")
        target = request.raw_path.partition("#")[0]
        found: ServedBody | SeeOther | NotSaved
        try:
            found = await asyncio.to_thread(self._content.answer, site, target, origin_of)
        except (DownloadError, OSError) as error:
            # An archive may be changed, or removed, while it is served.
            found = NotSaved("", reason=getattr(error, "message", str(error)))
        if isinstance(found, SeeOther):
            location = f"{origin_of(found.site.label)}{quote(found.path, safe=_PATH_CHARACTERS)}"
            fields = {"Location": location, "Cache-Control": "no-store"}
            return web.Response(status=302, headers=fields)
        if isinstance(found, NotSaved):
            render = partial(render_not_saved, found, f"{origin_of('')}/")
            return await _own_page(404, render)
        shared = replace(found, fields=self._shared_fields(found.fields, request))
        return await send(request, shared, self._site_fields(requested.port))

    def _shared_fields(self, fields: Fields, request: web.Request) -> Fields:
        """Return header fields that share what its server shared, with sites of this server only.

        Any other page that is open in the browser could read it, too.
        """
        others = tuple((name, value) for name, value in fields if name != SHARED_WITH)
        if len(others) == len(fields):
            return fields
        origin = request.headers.get("Origin", "")
        requested = self._names.requested(origin.removeprefix("http://"))
        is_own = origin.startswith("http://") and requested is not None and requested.label
        return (*others, ("Vary", "Origin"), *([(SHARED_WITH, origin)] if is_own else []))

    def _site_fields(self, port: str) -> dict[str, str]:
        """Return header fields that keep saved pages from the network, and from other sites."""
        own = f"'self' http://*.{self._names.domain}{port}"
        inline = "'unsafe-inline' 'unsafe-eval' data: blob:"
        return {
            "Content-Security-Policy": (
                f"default-src {own} {inline}; form-action {own}; base-uri {own}"
            ),
            "Referrer-Policy": "same-origin",
        }


async def _own_page(status: int, render: Callable[[], str]) -> web.Response:
    text = await asyncio.to_thread(render)
    fields = {
        "Content-Security-Policy": page_policy(),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    # Lone surrogates of an address cannot be encoded, and are shown as their escapes.
    body = text.encode("utf-8", "backslashreplace")
    return web.Response(
        status=status, body=body, content_type="text/html", charset="utf-8", headers=fields
    )


def _plain(status: int, text: str, fields: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=fields)


def _listen(options: ServeOptions) -> list[socket.socket]:
    """Return listening sockets: on both addresses of loopback, or on the one that is given.

    Raises:
        RunError: it is not possible.
    """
    sockets: list[socket.socket] = []
    port = options.port
    try:
        for address in _LOOPBACK if options.address is None else (options.address,):
            try:
                sockets.append(_bound(address, port))
            except OSError as error:
                if sockets and error.errno in _NO_IPV6:
                    continue
                raise _cannot_listen(address, port, error) from error
            port = sockets[0].getsockname()[1]
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return sockets


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if socket.has_dualstack_ipv6() and family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _cannot_listen(address: str, port: int, error: OSError) -> RunError:
    if error.errno == errno.EADDRINUSE:
        return RunError(
            f"port {port} of {address} is in use", hint="choose another --port; 0 is any free one"
        )
    reason = error.strerror or str(error)
    return RunError(f"cannot listen on port {port} of {address}: {reason}", hint="see --bind")
