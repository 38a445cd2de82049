"""The sites that are mirrored: the one of the tests, and documentation from Debian's packages."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestServer

from benchmarks.documentation import DOCUMENTATION, documentation, fetch
from benchmarks.mirrors.matching import spread
from tests.support.mirror_site import PAGES, mirror_site

CONSTRUCTS = "constructs"
#: Packages whose scripts the packages made by Sphinx link to.
SCRIPTS = ("libjs-sphinxdoc", "libjs-jquery", "libjs-underscore")
SITES = (CONSTRUCTS, *DOCUMENTATION)


@dataclass(frozen=True, slots=True)
class Origin:
    """A site that is being served: its pages, and the prefixes of all its URLs."""

    pages: tuple[str, ...]
    prefixes: tuple[str, ...]

    def has(self, url: str) -> bool:
        """Return whether a URL is one of the site."""
        return url.startswith(self.prefixes)


@asynccontextmanager
async def serving(site: str, pages: int, docs: Path) -> AsyncIterator[Origin]:
    """Serve a site on free ports of loopback; of documentation, *pages* pages."""
    if site == CONSTRUCTS:
        async with mirror_site() as made:
            yield Origin(tuple(map(made.url, PAGES)), (made.url("/"), f"{made.cdn}/"))
        return
    root = unpack(site, docs)
    files = sorted(
        file.relative_to(root).as_posix() for file in root.rglob("*.html") if file.is_file()
    )
    async with static_server(root) as address:
        chosen = spread(files, pages)
        yield Origin(tuple(f"{address}/{quote(name)}" for name in chosen), (f"{address}/",))


@asynccontextmanager
async def static_server(root: Path) -> AsyncIterator[str]:
    """Serve a folder, with types by extension, without listings; yield its URL without a slash."""
    types = mimetypes.MimeTypes()
    # nginx and Apache have this type, but Python's table does not.
    types.add_type("application/xhtml+xml", ".xhtml")

    async def answer(request: web.Request) -> web.StreamResponse:
        file = root / request.match_info["path"]
        if not file.is_file():
            raise web.HTTPNotFound
        kind = types.guess_type(file.name)[0] or "application/octet-stream"
        return web.FileResponse(file, headers={"Content-Type": kind})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}"


def unpack(package: str, docs: Path) -> Path:
    """Return the folder of a package's pages below *docs*; fetch what is missing."""
    for scripts in SCRIPTS:
        if not (docs / "usr/share/doc" / scripts).is_dir():
            fetch(scripts, docs)
    return documentation(package, docs)
