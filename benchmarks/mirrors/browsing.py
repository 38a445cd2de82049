"""Pages as Chromium shows them, online and from a mirror with every other address blocked."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import aiohttp
import yarl
from playwright.async_api import Browser, Error

from benchmarks.mirrors.data import Resource, Seen
from tests.support.browser import Visit, visit

AT_ONCE = 3
"""Pages that are open at the same time; most of their time they wait for an idle network."""
TRIES = 3
"""On a busy machine the browser may give up; that is not to be taken for the mirror's fault."""
Digest = Callable[[str], Awaitable[str]]


async def look(
    browser: Browser, urls: Iterable[str], allowed: Callable[[str], bool], digest: Digest
) -> dict[str, Seen | None]:
    """Open pages, each in a profile of its own, and return what they loaded.

    None stands for what the browser does not open, because it saves it instead, for example.
    """
    room = asyncio.Semaphore(AT_ONCE)

    async def one(url: str) -> Seen | None:
        async with room:
            visit = await _visit(browser, url, allowed)
        if visit is None:
            return None
        others = [address for address in visit.loaded if address != url]
        resources = [Resource(name_of(address), await digest(address)) for address in others]
        return Seen(url, tuple(resources), tuple(visit.failed), visit.links, visit.screenshot)

    wanted = list(dict.fromkeys(urls))
    return dict(zip(wanted, await asyncio.gather(*map(one, wanted)), strict=True))


async def _visit(browser: Browser, url: str, allowed: Callable[[str], bool]) -> Visit | None:
    for _ in range(TRIES):
        try:
            return await visit(browser, url, allowed)
        except Error:
            continue
    return None


def name_of(url: str) -> str:
    """Return the last part of an address with its query, percent-decoded."""
    address = urlsplit(url)
    query = f"?{unquote(address.query)}" if address.query else ""
    return PurePosixPath(unquote(address.path)).name + query


def digests_of(session: aiohttp.ClientSession) -> Digest:
    """Return what gives the digest of what a server has at an address, asking once for each."""
    known: dict[str, str] = {}

    async def digest(url: str) -> str:
        if url not in known:
            async with session.get(yarl.URL(url, encoded=True)) as response:
                known[url] = hashlib.sha256(await response.read()).hexdigest()
        return known[url]

    return digest


def digests_below(folder: Path, root: str) -> Digest:
    """Return what gives the digest of a mirror's file by its address below *root*."""

    async def digest(url: str) -> str:
        file = folder / file_at(url, root)
        return hashlib.sha256(await asyncio.to_thread(file.read_bytes)).hexdigest()

    return digest


def file_at(url: str, root: str) -> str:
    """Return the path that an address below *root* has in the folder that is served there."""
    return unquote(urlsplit(url).path.removeprefix(urlsplit(root).path))
