"""Open pages in Chromium, online or from a mirror with every other address blocked."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import aiohttp
import yarl
from playwright.async_api import Browser, Error

from benchmarks.mirrors.model import BrowsedPage, Resource
from tests.support.browser import Visit, visit

#: Pages that are open at the same time; they mostly wait for an idle network.
CONCURRENCY = 3
#: On a busy machine, the browser may fail to open a page; that is not the fault of the mirror.
ATTEMPTS = 3
#: Returns the SHA-256 of what is at a URL, in hex.
Digest = Callable[[str], Awaitable[str]]


async def open_pages(
    browser: Browser, urls: Iterable[str], allowed: Callable[[str], bool], digest: Digest
) -> dict[str, BrowsedPage | None]:
    """Open pages, each in a profile of its own, and return what they loaded.

    The value is None if the browser does not open a URL, for example because it downloads it.
    """
    semaphore = asyncio.Semaphore(CONCURRENCY)

    async def open_page(url: str) -> BrowsedPage | None:
        async with semaphore:
            visit = await _visit(browser, url, allowed)
        if visit is None:
            return None
        resource_urls = [address for address in visit.loaded if address != url]
        resources = [Resource(name_of(address), await digest(address)) for address in resource_urls]
        return BrowsedPage(
            url, tuple(resources), tuple(visit.failed), visit.links, visit.screenshot
        )

    unique = list(dict.fromkeys(urls))
    return dict(zip(unique, await asyncio.gather(*map(open_page, unique)), strict=True))


async def _visit(browser: Browser, url: str, allowed: Callable[[str], bool]) -> Visit | None:
    for _ in range(ATTEMPTS):
        try:
            return await visit(browser, url, allowed)
        except Error:
            continue
    return None


def name_of(url: str) -> str:
    """Return the last segment of a URL with its query, percent-decoded."""
    parts = urlsplit(url)
    query = f"?{unquote(parts.query)}" if parts.query else ""
    return PurePosixPath(unquote(parts.path)).name + query


def digests_of(session: aiohttp.ClientSession) -> Digest:
    """Return a function from a URL of a server to the digest of its body; each is fetched once."""
    known: dict[str, str] = {}

    async def digest(url: str) -> str:
        if url not in known:
            async with session.get(yarl.URL(url, encoded=True)) as response:
                known[url] = hashlib.sha256(await response.read()).hexdigest()
        return known[url]

    return digest


def digests_by_name(session: aiohttp.ClientSession) -> Digest:
    """Return the same for a server of this machine with several names below localhost."""

    async def digest(url: str) -> str:
        parts = urlsplit(url)
        address = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
        fields = {"Host": parts.netloc}
        async with session.get(yarl.URL(address, encoded=True), headers=fields) as response:
            return hashlib.sha256(await response.read()).hexdigest()

    return digest


def digests_below(folder: Path, root: str) -> Digest:
    """Return a function from a URL below *root* to the digest of the mirror's file."""

    async def digest(url: str) -> str:
        file = folder / file_at(url, root)
        return hashlib.sha256(await asyncio.to_thread(file.read_bytes)).hexdigest()

    return digest


def file_at(url: str, root: str) -> str:
    """Return the path of a URL below *root* in the folder that is served at *root*."""
    return unquote(urlsplit(url).path.removeprefix(urlsplit(root).path))
