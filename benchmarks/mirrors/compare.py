"""Mirror one site with every tool, open every page of every mirror, and compare it."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
from playwright.async_api import Browser

from benchmarks.measure import ProcessUsage
from benchmarks.mirrors.browsing import digests_below, digests_by_name, digests_of, open_pages
from benchmarks.mirrors.matching import file_of, missing, sorted_links
from benchmarks.mirrors.model import WAYS, Attempt, BrowsedPage, Comparison, Links, Verdict, Way
from benchmarks.mirrors.sites import serving, static_server
from benchmarks.mirrors.tools import Tool, saved_files
from downloader.serve import SavedFolder
from tests.support.served_sites import served_sites

#: The tool whose mirrors are also opened by ``download serve``, and that way.
OURS = "download"
SERVE: Way = "serve"
#: Prints a line of progress.
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Mirror:
    """The mirror that a tool made of a site."""

    tool: Tool
    usage: ProcessUsage
    folder: Path


@dataclass(frozen=True, slots=True)
class Setting:
    """What all comparisons share."""

    pages: int  # of each documentation
    docs: Path  # the folder of unpacked packages
    work: Path  # the folder of mirrors
    keep: bool  # whether to keep the mirrors, and the screenshots that differ
    log: Log


async def compare(
    site: str, tools: Sequence[Tool], browser: Browser, setting: Setting
) -> Comparison:
    """Compare the tools on one site."""
    work = setting.work / site
    mirrors: list[Mirror] = []
    async with serving(site, setting.pages, setting.docs) as origin:
        async with aiohttp.ClientSession() as session:
            online, online_again = [
                await open_pages(browser, origin.pages, origin.has, digests_of(session))
                for _ in range(2)
            ]
        seen = {url: page for url, page in online.items() if page is not None}
        for url in online.keys() - seen.keys():
            setting.log(f"{site}: {url} is left out, because the browser does not open it online")
        for tool in tools:
            usage, folder = await asyncio.to_thread(tool.run, list(seen), work / tool.name)
            mirrors.append(Mirror(tool, usage, folder))
            setting.log(f"{site}: {tool.name}: {usage['seconds']:.1f} s")
    # From here on, the site is stopped.
    attempts = [await open_mirror(mirror, seen, browser, setting) for mirror in mirrors]
    if not setting.keep:
        shutil.rmtree(work)
    unsteady = [url for url, page in seen.items() if changed(page, online_again[url])]
    return Comparison(
        site=site,
        pages=len(seen),
        resources=sum(len(page.resources) for page in seen.values()),
        failed=sum(len(page.failed) for page in seen.values()),
        links=sum(map(link_count, seen.values())),
        unsteady=len(unsteady),
        attempts=tuple(attempts),
    )


def changed(page: BrowsedPage, again: BrowsedPage | None) -> bool:
    """Return whether a page looked different when it was opened again."""
    return again is None or page.screenshot != again.screenshot


def link_count(page: BrowsedPage) -> int:
    """Return how many links of a page lead to pages, of the site or elsewhere."""
    links = sorted_links(page.links, page.url, lambda _: True)
    return len(links.local + links.absolute + links.dangling)


async def open_mirror(
    mirror: Mirror, online: Mapping[str, BrowsedPage], browser: Browser, setting: Setting
) -> Attempt:
    """Open the pages of a mirror in both ways, and compare them with the pages online."""
    files = await asyncio.to_thread(saved_files, mirror.folder)
    files_by_url = {url: file_of(url, files) for url in online}
    verdicts: dict[Way, tuple[Verdict, ...]] = {}
    ways = (*WAYS, SERVE) if mirror.tool.name == OURS else WAYS
    for way in ways:
        offline = await open_files(mirror.folder, way, files_by_url, browser)
        verdicts_of_way = judge(online, files_by_url, offline, set(files))
        doubtful = {one.url: one.file for one in verdicts_of_way if one.doubtful}
        if doubtful:
            again = await open_files(mirror.folder, way, doubtful, browser)
            pairs = zip(
                verdicts_of_way, judge(online, files_by_url, again, set(files)), strict=True
            )
            verdicts_of_way = tuple(max(pair, key=lambda one: one.merit) for pair in pairs)
        verdicts[way] = verdicts_of_way
        setting.log(f"{mirror.tool.name}: opened by {way}")
        if setting.keep:
            differing = {
                one.url: files_by_url[one.url] for one in verdicts_of_way if not one.identical
            }
            write_screenshots(mirror.folder.parent / f"differs-{way}", online, differing, offline)
    return Attempt(
        tool=mirror.tool.name,
        seconds=mirror.usage["seconds"],
        cpu=mirror.usage["cpu"],
        exit_status=mirror.usage["exit_status"],
        capped=mirror.usage["capped"],
        http=verdicts["http"],
        file=verdicts["file"],
        serve=verdicts.get(SERVE, ()),
    )


@dataclass(frozen=True, slots=True)
class Offline:
    """The pages of a mirror by their file, and the URL of the mirror; empty if it has several."""

    root: str
    pages: dict[str, BrowsedPage | None]


async def open_files(
    folder: Path, way: Way, files_by_url: Mapping[str, str | None], browser: Browser
) -> Offline:
    """Open files of a mirror, while all other addresses are blocked."""
    files = {file: url for url, file in files_by_url.items() if file is not None}
    if way == SERVE:
        return await open_served(folder, files, browser)
    async with AsyncExitStack() as stack:
        if way == "http":
            root = f"{await stack.enter_async_context(static_server(folder))}/"
        else:
            root = f"{(await asyncio.to_thread(folder.resolve)).as_uri()}/"
        addresses = {file: root + quote(file) for file in files}
        pages = await open_pages(
            browser,
            addresses.values(),
            lambda url: url.startswith(root),
            digests_below(folder, root),
        )
    return Offline(root, {file: pages[address] for file, address in addresses.items()})


async def open_served(folder: Path, files: Mapping[str, str], browser: Browser) -> Offline:
    """Open pages of a mirror, by the URLs that their files have, as ``download serve`` does."""
    content = await asyncio.to_thread(SavedFolder, folder)
    async with served_sites(content) as sites, aiohttp.ClientSession() as session:
        addresses = {file: sites.address(url) for file, url in files.items()}
        pages = await open_pages(browser, addresses.values(), sites.has, digests_by_name(session))
    return Offline("", {file: pages[address] for file, address in addresses.items()})


def judge(
    online: Mapping[str, BrowsedPage],
    files_by_url: Mapping[str, str | None],
    offline: Offline,
    files: set[str],
) -> tuple[Verdict, ...]:
    """Compare all pages with the pages online."""
    return tuple(verdict(page, files_by_url[url], offline, files) for url, page in online.items())


def verdict(online: BrowsedPage, file: str | None, offline: Offline, files: set[str]) -> Verdict:
    """Compare one page; it lacks everything if it was not saved, or does not open."""
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
        links=sorted_links(page.links, offline.root, lambda name: served_as(name, files))
        if offline.root
        else Links(),
    )


def served_as(name: str, files: set[str]) -> bool:
    """Return whether a static server has a file at this path; a folder means its index."""
    return name in files or (name.endswith("/") and f"{name}index.html" in files)


def write_screenshots(
    folder: Path,
    online: Mapping[str, BrowsedPage],
    files_by_url: Mapping[str, str | None],
    offline: Offline,
) -> None:
    """Write screenshots of pages that differ, online and offline."""
    for url, file in files_by_url.items():
        page, other = online[url], offline.pages.get(file) if file is not None else None
        if other is not None:
            folder.mkdir(exist_ok=True)
            name = quote(url.partition("//")[2].partition("/")[2], safe="")
            (folder / f"{name}.online.png").write_bytes(page.screenshot)
            (folder / f"{name}.offline.png").write_bytes(other.screenshot)
