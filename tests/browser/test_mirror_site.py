"""The site that mirrors are tested with, and the browser that tells what a page loads."""

import hashlib

import aiohttp
import pytest
import yarl
from aiohttp import web

from downloader.links import Document, Link, ParsedDocument
from downloader.web.urls import Url
from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit,
    visit_both,
    waits_for_browser,
)
from tests.support.mirror_site import CHARSETS, FILES, PAGES, TYPES, MirrorSite
from tests.support.screenshots import difference
from tests.support.web_server import Handler, Site


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_what_a_browser_loads_is_what_we_find(mirrored: MirrorSite) -> None:
    async with chromium() as browser:
        for path in PAGES:
            mirrored.requests.clear()
            seen = await visit(browser, mirrored.url(path), lambda _: True)
            assert set(seen.loaded) <= wanted(mirrored, path), path
            assert set(seen.failed) <= {mirrored.url("/img/missing.png?status=404")}
            assert seen.screenshot.startswith(b"\x89PNG")


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_other_addresses_are_blocked(mirrored: MirrorSite) -> None:
    async with chromium() as browser:
        seen = await visit(browser, mirrored.url(), lambda url: not url.startswith(mirrored.cdn))
    assert seen.title == "Every construct"
    assert seen.failed[f"{mirrored.cdn}/theme.css"] == "blocked"
    assert f"{mirrored.cdn}/theme.css" not in seen.loaded
    assert mirrored.url("/style.css?v=1&x=2") in seen.loaded
    assert mirrored.url("/sub/page.html#part") in seen.links
    # A redirect is followed before it can be blocked and recorded.
    redirected = f"{mirrored.cdn}/img/redirected.png"
    assert seen.failed[redirected] == "blocked, though a redirect led there"
    assert {path for host, path in mirrored.requests if not host.startswith("127.")} == {
        "/img/redirected.png"
    }


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_the_same_page_looks_the_same(mirrored: MirrorSite) -> None:
    async with chromium() as browser:
        first = await visit(browser, mirrored.url(), lambda _: True)
        second = await visit(browser, mirrored.url(), lambda _: True)
        third = await visit(browser, mirrored.url(), lambda url: "plain.png" not in url)
    assert_looks_alike(second, first)
    assert set(first.loaded) == set(second.loaded)
    assert not difference(first.screenshot, third.screenshot).is_tolerable


@pytest.mark.slow(keep=1)
@needs_browser
@waits_for_browser
@pytest.mark.parametrize("path", PAGES)
async def test_a_rewritten_copy_loads_and_shows_the_same(
    mirrored: MirrorSite, site: Site, path: str
) -> None:
    copy = await copied(mirrored.url(path))
    for name, answer in copy.items():
        site.pages[f"/copy/{name}"] = answer
    async with chromium() as browser:
        online, offline = await visit_both(
            browser,
            (mirrored.url(path), lambda _: True),
            (
                site.url(f"/copy/{name_of(Url(mirrored.url(path)))}"),
                lambda url: url.startswith(site.url()),
            ),
        )
    assert offline.failed == dict.fromkeys(
        [site.url(f"/copy/{name_of(Url(url))}") for url in online.failed], "404 Not Found"
    )
    assert offline.title == online.title
    assert_looks_alike(offline, online)
    # What was loaded by way of a redirect has the name that led to it.
    moved = {f"{mirrored.cdn}/img/redirected.png": mirrored.url("/redirected.png")}
    names = {name_of(Url(moved.get(url, url))) for url in online.loaded}
    assert {url.rpartition("/")[2] for url in offline.loaded} == names


async def copied(start: str) -> dict[str, Handler]:
    """Return what a copy of a page and its requisites consists of, by name."""
    copy: dict[str, Handler] = {}
    queue = [Url(start)]
    async with aiohttp.ClientSession() as session:
        while queue:
            url = queue.pop()
            if name_of(url) in copy:
                continue
            async with session.get(yarl.URL(url, encoded=True)) as response:
                body = await response.read()
                document = Document(
                    body, response.content_type, Url(str(response.url)), response.charset
                )
                header = response.headers["Content-Type"]
                status = response.status
            page = ParsedDocument(document)
            queue += [link.url for link in page.links if link.url and link.kind.is_requisite]
            copy[name_of(url)] = sends(page.rewrite(local).body, header, status)
    return copy


def local(link: Link) -> str:
    assert link.url
    return (name_of(link.url) if link.kind.is_requisite else link.url) + link.fragment


def name_of(url: Url) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def sends(body: bytes, content_type: str, status: int) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={"Content-Type": content_type})

    return answer


def wanted(site: MirrorSite, path: str) -> set[str]:
    """Return the page and all that it needs, as far as our reading of links tells."""
    known: set[str] = set()
    queue = [Url(site.url(path))]
    while queue:
        url = queue.pop()
        if url in known:
            continue
        known.add(url)
        document = saved(site, url)
        if document is not None:
            queue += [
                link.url
                for link in ParsedDocument(document).links
                if link.url and link.kind.is_requisite
            ]
    return known | {f"{site.cdn}/img/redirected.png"}


def saved(site: MirrorSite, url: Url) -> Document | None:
    """Return a document of the site as it was served."""
    main = url.startswith(site.url("/"))
    name = url.partition("?")[0].removeprefix(site.url("/") if main else f"{site.cdn}/")
    file = FILES / ("site" if main else "cdn") / name
    if not file.is_file():
        return None
    return Document(site.filled(file), TYPES[file.suffix], url, CHARSETS.get(file.name))
