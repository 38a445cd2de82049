"""Saved sites that ``download serve`` serves, in a real browser: whole, alike and apart."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from downloader import Options
from downloader.serve import SavedArchive, SavedFolder
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    serious_findings,
    visit_both,
    waits_for_browser,
)
from tests.support.library import fetch
from tests.support.mirror_site import PAGES, MirrorSite
from tests.support.served_sites import served_sites
from tests.support.web_server import Site

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
            # What failed online is a link to the web in a mirror, and blocked.
            assert len(saved.failed) == len(online.failed)
            assert len(saved.errors) == len(online.errors)
            assert_looks_alike(saved, online)


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_everybody_can_use_the_home_page(
    site: Site, tmp_path: Path, scheme: Literal["light", "dark"], width: int
) -> None:
    site.pages |= {f"/{n}.html": f"<title>Page {n} with a long title</title>" for n in range(60)}
    other = f"http://localhost:{site.server.port}/1.html"
    addresses = [*map(site.url, [*site.pages, "/lost"]), other]
    await fetch(addresses, tmp_path, Options(mirror=True))
    async with chromium() as browser, served_sites(SavedFolder(tmp_path)) as sites:
        page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        for address in (sites.home, f"{sites.home}?q=page&show=files", f"{sites.home}?show=failed"):
            await page.goto(address)
            assert await page.evaluate("document.documentElement.scrollWidth") == width
            assert await serious_findings(page) == []
        assert said == []
        # By keyboard alone: skip to the list, open the first page, go back, and search.
        await page.goto(sites.home)
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_url(sites.address(site.url("/0.html")))
        await page.go_back()
        await page.focus("input[type=search]")
        await page.keyboard.type("Page 42")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/?q=Page+42*")
        assert await page.locator("tbody a").all_inner_texts() == ["Page 42 with a long title"]
        await page.goto(sites.address(site.url("/lost")))
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        assert await serious_findings(page) == []


async def test_a_saved_script_reaches_its_own_site_and_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    other = f"http://localhost:{site.server.port}"
    site.pages |= {
        "/": "<title>one</title>",
        "/data.json": "{}",
        "/private": "<title>private</title>",
    }
    addresses = [site.url("/"), site.url("/data.json"), f"{other}/private"]
    await fetch(addresses, tmp_path, Options())
    async with chromium() as browser, served_sites(SavedFolder(tmp_path)) as sites:
        page = await browser.new_page()
        await page.goto(sites.address(site.url("/")))

        async def fetched(url: str) -> str:
            script = "url => fetch(url).then(answer => answer.text()).catch(() => 'refused')"
            return str(await page.evaluate(script, url))

        assert await fetched("/data.json") == "{}"
        for url in (
            sites.home,
            f"{sites.home}report",
            sites.address(f"{other}/private"),
            f"/localhost_{site.server.port}/private.html",
            site.url("/data.json"),
        ):
            site.requests.clear()
            assert await fetched(url) == "refused", url
            assert site.requests == []
        register = "navigator.serviceWorker.register('/data.json').catch(() => 'refused')"
        assert await page.evaluate(register) == "refused"
        assert await page.evaluate("isSecureContext")
