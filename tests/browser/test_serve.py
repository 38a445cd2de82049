"""Saved sites that ``download serve`` serves, in a real browser: whole, alike and apart."""

import asyncio
from pathlib import Path

import pytest

from downloader import Options
from downloader.serve import SavedArchive, SavedFolder
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit_both,
    waits_for_browser,
)
from tests.support.library import fetch
from tests.support.mirror_site import PAGES, MirrorSite
from tests.support.served_sites import served_sites

pytestmark = [needs_browser, waits_for_browser]


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("kind", ["folder", "archive"])
async def test_a_served_site_loads_and_shows_what_it_does_online(
    mirrored: MirrorSite, tmp_path: Path, kind: str
) -> None:
    folder, archive = tmp_path / "out", tmp_path / "site.wacz"
    options = Options(mirror=True, wacz=archive)
    await fetch([mirrored.url(path) for path in PAGES], folder, options)
    content = await asyncio.to_thread(
        lambda: SavedFolder(folder) if kind == "folder" else SavedArchive((archive,))
    )
    async with chromium() as browser, served_sites(content) as sites:
        for path in PAGES:
            online, saved = await visit_both(
                browser,
                (mirrored.url(path), lambda _: True),
                (sites.address(mirrored.url(path)), sites.has),
            )
            assert saved.title == online.title
            assert len(saved.loaded) == len(online.loaded), (saved.loaded, online.loaded)
            assert len(saved.failed) == len(online.failed)
            assert len(saved.errors) == len(online.errors)
            assert_looks_alike(saved, online)
