"""Mirror one site with every tool, open every page of every mirror, and judge."""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
from playwright.async_api import Browser

from benchmarks.measure import Taken
from benchmarks.mirrors.browsing import digests_below, digests_of, look
from benchmarks.mirrors.data import WAYS, Attempt, Comparison, Links, Seen, Verdict, Way
from benchmarks.mirrors.finding import file_of, missing, sorted_links
from benchmarks.mirrors.sites import serving, static_server
from benchmarks.mirrors.tools import Tool, saved

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a tool made of a site."""

    tool: Tool
    taken: Taken
    folder: Path


@dataclass(frozen=True, slots=True)
class Setting:
    """What all comparisons share: pages of each site, documentation, folder, and whom to tell."""

    pages: int
    docs: Path
    work: Path
    keep: bool  # screenshots that differ, and the mirrors
    tell: Tell


async def compare(
    site: str, tools: Sequence[Tool], browser: Browser, setting: Setting
) -> Comparison:
    """Compare the tools on one site."""
    work = setting.work / site
    mirrors: list[Mirror] = []
    async with serving(site, setting.pages, setting.docs) as origin:
        async with aiohttp.ClientSession() as session:
            online, again = [
                await look(browser, origin.pages, origin.has, digests_of(session)) for _ in range(2)
            ]
        seen = {url: page for url, page in online.items() if page is not None}
        for url in online.keys() - seen.keys():
            setting.tell(f"{site}: {url} is left out: the browser does not open it online")
        for tool in tools:
            taken, folder = await asyncio.to_thread(tool.run, list(seen), work / tool.name)
            mirrors.append(Mirror(tool, taken, folder))
            setting.tell(f"{site}: {tool.name}: {taken['seconds']:.1f} s")
    # From here on the site is gone.
    attempts = [await judged(mirror, seen, browser, setting) for mirror in mirrors]
    if not setting.keep:
        shutil.rmtree(work)
    unsteady = [url for url, page in seen.items() if changed(page, again[url])]
    return Comparison(
        site=site,
        pages=len(seen),
        resources=sum(len(page.resources) for page in seen.values()),
        failed=sum(len(page.failed) for page in seen.values()),
        links=sum(map(links_of, seen.values())),
        unsteady=len(unsteady),
        attempts=tuple(attempts),
    )


def changed(page: Seen, again: Seen | None) -> bool:
    """Return whether a page looked different the second time."""
    return again is None or page.screenshot != again.screenshot


def links_of(page: Seen) -> int:
    """Return how many links of a page lead to pages, whether of the site or elsewhere."""
    links = sorted_links(page.links, page.url, lambda _: True)
    return len(links.local + links.absolute + links.dangling)


async def judged(
    mirror: Mirror, online: Mapping[str, Seen], browser: Browser, setting: Setting
) -> Attempt:
    """Open the pages of a mirror in each way."""
    files = await asyncio.to_thread(saved, mirror.folder)
    places = {url: file_of(url, files) for url in online}
    verdicts: dict[Way, tuple[Verdict, ...]] = {}
    for way in WAYS:
        offline = await opened(mirror.folder, way, places.values(), browser)
        found = judge(online, places, offline, set(files))
        doubtful = [one.file for one in found if one.doubtful]
        if doubtful:
            again = await opened(mirror.folder, way, doubtful, browser)
            looks = zip(found, judge(online, places, again, set(files)), strict=True)
            found = tuple(max(pair, key=lambda one: one.merit) for pair in looks)
        verdicts[way] = found
        setting.tell(f"{mirror.tool.name}: opened by {way}")
        if setting.keep:
            differing = {one.url: places[one.url] for one in found if not one.identical}
            keep(mirror.folder.parent / f"differs-{way}", online, differing, offline)
    return Attempt(
        tool=mirror.tool.name,
        seconds=mirror.taken["seconds"],
        cpu=mirror.taken["cpu"],
        exit_status=mirror.taken["exit_status"],
        capped=mirror.taken["capped"],
        http=verdicts["http"],
        file=verdicts["file"],
    )


@dataclass(frozen=True, slots=True)
class Offline:
    """A mirror's pages, by their file, and the address that they were opened below."""

    root: str
    pages: dict[str, Seen | None]


async def opened(folder: Path, way: Way, files: Iterable[str | None], browser: Browser) -> Offline:
    """Open files of a mirror, with everything outside of it blocked."""
    async with AsyncExitStack() as stack:
        if way == "http":
            root = f"{await stack.enter_async_context(static_server(folder))}/"
        else:
            root = f"{(await asyncio.to_thread(folder.resolve)).as_uri()}/"
        addresses = {file: root + quote(file) for file in files if file is not None}
        pages = await look(
            browser,
            addresses.values(),
            lambda url: url.startswith(root),
            digests_below(folder, root),
        )
    return Offline(root, {file: pages[address] for file, address in addresses.items()})


def judge(
    online: Mapping[str, Seen],
    places: Mapping[str, str | None],
    offline: Offline,
    files: set[str],
) -> tuple[Verdict, ...]:
    """Compare all pages."""
    return tuple(verdict(page, places[url], offline, files) for url, page in online.items())


def verdict(online: Seen, file: str | None, offline: Offline, files: set[str]) -> Verdict:
    """Compare one page; one that was not saved, or that the browser does not show, has nothing."""
    page = offline.pages.get(file) if file is not None else None
    count = len(online.resources)
    if page is None:
        names = tuple(resource.name for resource in online.resources)
        return Verdict(online.url, file, count, names, (), False, Links())
    return Verdict(
        url=online.url,
        file=file,
        resources=count,
        missing=missing(online.resources, page.resources),
        failed=page.failed,
        identical=page.screenshot == online.screenshot,
        links=sorted_links(page.links, offline.root, lambda name: served_as(name, files)),
    )


def served_as(name: str, files: set[str]) -> bool:
    """Return whether a static server has something under this path, folders by their index."""
    return name in files or (name.endswith("/") and f"{name}index.html" in files)


def keep(
    folder: Path,
    online: Mapping[str, Seen],
    places: Mapping[str, str | None],
    offline: Offline,
) -> None:
    """Write the screenshots of pages that differ, as they are online and offline."""
    for url, file in places.items():
        page, other = online[url], offline.pages.get(file) if file is not None else None
        if other is not None:
            folder.mkdir(exist_ok=True)
            name = quote(url.partition("//")[2].partition("/")[2], safe="")
            (folder / f"{name}.online.png").write_bytes(page.screenshot)
            (folder / f"{name}.offline.png").write_bytes(other.screenshot)
