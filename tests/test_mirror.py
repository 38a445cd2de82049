"""Mirrored pages open offline: whole, alike, and with links that lead somewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader import Downloaded, Failed, Options, Outcome
from downloader.paths import EXTENSIONS
from tests.browser import chromium, loaded, needs_browser
from tests.mirrorserver import MirrorSite, mirror_site
from tests.runs import fetch

MIRROR = Options(mirror=True)
PAGES = [
    *("/index.html", "/sub/page.html", "/latin.html", "/sjis.html", "/wide.html", "/based.html"),
    *("/frames.html", "/page.xhtml", "/refresh.html", "/sub/frame.html"),
]


@pytest.fixture
async def mirrored() -> AsyncIterator[MirrorSite]:
    async with mirror_site() as site:
        yield site


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """Serve a folder as nginx does, types by extension; give its address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        file = folder / request.match_info["path"]
        kind = {extension: kind for kind, extension in reversed(EXTENSIONS.items())}
        if not file.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(file, headers={"Content-Type": kind.get(file.suffix, "x/x")})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = TestServer(application)
    async with server:
        yield f"http://127.0.0.1:{server.port}"


def page_of(outcomes: list[Outcome], url: str) -> Downloaded:
    [page] = [o for o in outcomes if isinstance(o, Downloaded) and o.url == url]
    return page


@needs_browser
@pytest.mark.parametrize("way", ["http", "file"])
async def test_every_page_loads_and_shows_offline_what_it_does_online(
    mirrored: MirrorSite, tmp_path: Path, way: str
) -> None:
    outcomes = await fetch([mirrored.url(path) for path in PAGES], tmp_path, MIRROR)
    files = {o.url: o.path for o in outcomes if isinstance(o, Downloaded)}
    failed = [o.url for o in outcomes if isinstance(o, Failed)]
    assert failed == [mirrored.url("/img/missing.png?status=404")]
    async with chromium() as browser, served(tmp_path) as address:
        root = address if way == "http" else tmp_path.as_uri()
        for path in PAGES:
            online = await loaded(browser, mirrored.url(path), lambda _: True)
            offline = await loaded(
                browser, f"{root}/{files[mirrored.url(path)]}", lambda url: url.startswith(root)
            )
            moved = {f"{mirrored.cdn}/img/redirected.png": mirrored.url("/redirected.png")}
            wanted = {f"{root}/{quote(files[moved.get(url, url)])}" for url in online.loaded}
            got = {quote(unquote(url), safe="/:") for url in offline.loaded}
            assert offline.title == online.title
            assert set(offline.failed) - wanted == set(online.failed)
            if way == "file" and path == "/index.html":
                kinds = {"lib.js", "main.js", "mapped.js", "symbols.svg", "track.vtt"}
                assert {url.rpartition("/")[2] for url in offline.failed} - {
                    "missing.png?status=404"
                } == kinds
                # What a module would have loaded is missing with it.
                also = {"dynamic.js", "lazy.png"}
                assert {url.rpartition("/")[2] for url in wanted - got} == kinds | also
                continue
            assert got == wanted, path
            assert offline.screenshot == online.screenshot, path
