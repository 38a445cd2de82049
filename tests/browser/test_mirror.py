"""Mirrored pages open offline in a browser: whole and alike."""

from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from downloader import Downloaded, Failed, Options
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit_both,
    waits_for_browser,
)
from tests.support.library import fetch
from tests.support.mirror_site import PAGES, MirrorSite
from tests.support.static_server import served

MIRROR = Options(mirror=True)


@pytest.mark.slow
@needs_browser
@waits_for_browser
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
            copy = f"{root}/{files[mirrored.url(path)]}"
            online, offline = await visit_both(
                browser,
                (mirrored.url(path), lambda _: True),
                (copy, lambda url: url.startswith(root)),
            )
            wanted = {f"{root}/{quote(files[url])}" for url in online.loaded}
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
            assert_looks_alike(offline, online)
