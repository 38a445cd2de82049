"""Real documentation, as Debian packages it, opens offline as it does online."""

import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader import Downloaded, Options
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit_both,
    waits_for_browser,
)
from tests.support.library import fetch
from tests.support.static_server import served

DOCS = Path(os.environ.get("DOWNLOAD_TEST_DOCS", "/usr/share/doc"))
PACKAGES = {
    "python3.11-doc": "python3.11/html",
    "python-django-doc": "python-django-doc/html",
    "git-doc": "git-doc",
    "debian-handbook": "debian-handbook/html/ja-JP",
}
PAGES, LOOKED_AT = 30, 6


@pytest.fixture(params=list(PACKAGES.items()), ids=list(PACKAGES))
async def documentation(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, list[str]]]:
    package, folder = request.param
    root = DOCS / folder
    if not root.is_dir():
        pytest.skip(f"no documentation is installed (apt-get install {package})")
    application = web.Application()
    application.router.add_static("/", root, follow_symlinks=True)
    async with TestServer(application) as server:
        files = sorted(root.rglob("*.html"))
        some = random.Random(1).sample(files, min(PAGES, len(files)))
        address = f"http://127.0.0.1:{server.port}"
        yield address, [f"{address}/{quote(str(file.relative_to(root)))}" for file in some]


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_documentation_opens_offline(
    documentation: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, pages = documentation
    outcomes = await fetch(pages, tmp_path, Options(mirror=True))
    files = {o.url: o.path for o in outcomes if isinstance(o, Downloaded)}
    async with chromium() as browser, served(tmp_path) as root:
        for page in pages[:LOOKED_AT]:
            online, offline = await visit_both(
                browser,
                (page, lambda url: url.startswith(address)),
                (f"{root}/{quote(files[page])}", lambda url: url.startswith(root)),
            )
            wanted = {f"{root}/{quote(files[url])}" for url in online.loaded}
            assert {quote(unquote(url), safe="/:") for url in offline.loaded} == wanted
            # What fails online fails offline, under its absolute address.
            assert set(offline.failed) == set(online.failed)
            assert offline.title == online.title
            assert_looks_alike(offline, online)
            for link in offline.links:
                name = unquote(link.partition("#")[0]).removeprefix(f"{root}/")
                assert not link.startswith(root) or (tmp_path / name).is_file(), link
