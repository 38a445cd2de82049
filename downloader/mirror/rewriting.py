"""Gives documents new links: to the files that are there, and else absolute ones."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from downloader.errors import TooLargeError
from downloader.journal import Published, Stored, original
from downloader.links import Link, Local, Page
from downloader.mirror.relative import relative
from downloader.notes import Notes
from downloader.paths import SafePath
from downloader.storage import Contents, Publish, Storage
from downloader.urls import Url

#: Of so many addresses it is remembered whether they have files.
_MOST_KNOWN = 200_000
_ABSOLUTE = re.compile(r"[\x00-\x20]*https?://", re.IGNORECASE)

Documents = Sequence[tuple[Stored, Contents]]
Parse = Callable[[Stored, Contents], Page]
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _New:
    """A document with its new links, and what the journal is to know of it."""

    stored: Stored
    contents: Contents
    body: bytes
    note: Published

    @property
    def how(self) -> Publish:
        """How its files get their names."""
        return Publish(ours=True, modified=self.contents.modified)


class Rewriting:
    """Replaces links; what it has to know of addresses it asks the journal once.

    What was received is kept below the folder's own, then noted what the file will be, then the
    file is replaced: wherever that is broken off, it can be done again.
    """

    def __init__(self, storage: Storage, notes: Notes, threads: ThreadPoolExecutor) -> None:
        self._storage = storage
        self._notes = notes
        self._threads = threads
        self._places: dict[Url, SafePath | None] = {}

    async def rewrite(self, documents: Documents, parse: Parse) -> None:
        """Replace the links of *documents*, unless that has been done."""
        pages = await self._hop(partial(_parsed, documents, parse))
        await self._look_up({link.url for page in pages for link in page.links if link.url})
        new = await self._hop(partial(self._rewritten, documents, pages))
        await self._publish(new)

    async def _look_up(self, urls: set[Url]) -> None:
        """Find out which addresses have files."""
        if len(self._places) > _MOST_KNOWN:
            self._places.clear()
        unknown = list(urls - self._places.keys())
        if unknown:
            self._places |= dict.fromkeys(unknown)
            self._places |= await self._notes.places(unknown)

    def _rewritten(self, documents: Documents, pages: Sequence[Page]) -> list[_New]:
        new = []
        for (stored, contents), page in zip(documents, pages, strict=True):
            rewritten = page.rewrite(partial(self._replacement, stored.path))
            if rewritten.changes:
                sha256 = hashlib.sha256(rewritten.body).digest()
                note = Published(stored.row, len(rewritten.body), sha256)
            else:
                note = Published(stored.row, None, None)
            new.append(_New(stored, contents, rewritten.body, note))
        return new

    def _replacement(self, source: SafePath, link: Link) -> Local | str | None:
        """Return what to write instead of *link* in the file *source*."""
        if link.url is None:
            return None
        place = self._places[link.url]
        if place is not None:
            return Local(relative(source, place) + link.fragment)
        return None if _ABSOLUTE.match(link.value) else link.url + link.fragment

    async def _publish(self, new: Sequence[_New]) -> None:
        storage = self._storage
        fresh = [each for each in new if each.note.size is not None and not each.stored.published]
        saving = (
            storage.save(original(each.stored.path), each.contents.data, each.how) for each in fresh
        )
        await asyncio.gather(*saving)
        notes = [each.note for each in new if each.note.sha256 != each.stored.published]
        if notes:
            await self._notes.publish(notes)
        replacing = [each for each in new if each.stored.published or each.note.size is not None]
        await asyncio.gather(*(self._replace(each) for each in replacing))

    async def _replace(self, new: _New) -> None:
        """Replace a file, unless it is there as it should be."""
        path = new.stored.path
        if new.stored.published:
            with suppress(TooLargeError):
                if (await self._storage.read(path, len(new.body))).data == new.body:
                    return
        await self._storage.save(path, new.body, new.how)

    async def _hop(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


def _parsed(documents: Documents, parse: Parse) -> list[Page]:
    return [parse(stored, contents) for stored, contents in documents]
