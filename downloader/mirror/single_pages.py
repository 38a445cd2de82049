"""Makes one file of each page, with all that it needs within."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from downloader import links
from downloader.errors import UrlError
from downloader.journal import SavedDocument, TargetRole
from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.document_reader import LARGEST, parsed
from downloader.mirror.document_writer import NewContent, publish
from downloader.mirror.link_targets import LinkTargets
from downloader.mirror.singlefile import NOT_SAVED, PackedFileCache, SingleFilePage, single_file
from downloader.storage import FileContents, Storage
from downloader.web.encoding_declaration import with_encoding
from downloader.web.text import printable
from downloader.web.urls import Url

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
#: So many lines are said of what is not within.
_MOST_TOLD = 10
_Result = TypeVar("_Result")


def is_page(stored: SavedDocument) -> bool:
    """Return whether a document can hold all that it needs."""
    return stored.media_type in _PAGES


class SingleFileWriter:
    """Puts into pages what they need.

    Args:
        storage, notes: where the documents are, and what is known of them.
        thread: where pages are made.
        keeps: whether the file of an address is to stand in the folder.
        warn: has a person told something.
    """

    def __init__(
        self,
        storage: Storage,
        notes: AsyncJournal,
        thread: Executor,
        keeps: Callable[[TargetRole, Url], bool],
        warn: Callable[[str], None],
    ) -> None:
        self._warn = warn
        self._left: list[str] = []
        self._more = 0
        self._storage = storage
        self._notes = notes
        self._thread = thread
        self._keeps = keeps
        self._places = LinkTargets(notes, withdrawn=True)
        self._rows: dict[str, int] = {}
        self._cache = PackedFileCache()

    @property
    def warnings(self) -> list[str]:
        """Lines for a person about what pages need and is not within."""
        more = f"{self._more} more files are not within the pages that need them"
        return [*map(printable, self._left), *([more] if self._more else [])]

    async def make(self, stored: SavedDocument, contents: FileContents) -> None:
        """Make one file of a page."""
        loop = asyncio.get_running_loop()
        self._rows = {stored.path: stored.row}
        packing = partial(self._packed, stored, loop)
        single = await loop.run_in_executor(self._thread, packing)
        new = NewContent.of(stored, contents, single.body)
        await publish([new], self._storage, self._notes, self._warn)
        self._tell(stored, single)

    def _packed(self, stored: SavedDocument, loop: asyncio.AbstractEventLoop) -> SingleFilePage:
        """Return a page as one file; in the thread, from which it asks for what it needs."""

        def ask(coroutine: Coroutine[None, None, _Result]) -> _Result:
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        return single_file(
            stored.path,
            lambda path: ask(self._file(path)),
            source_url=lambda path: ask(self._address(path)),
            is_beside=lambda path: ask(self._is_beside(path)),
            media_type=stored.media_type,
            charset=stored.charset or None,
            cache=self._cache,
        )

    async def _file(self, path: str) -> bytes | None:
        """Return the bytes of a file with links to others, as in a folder that has them all."""
        stored = await self._stored(path)
        if stored is None:
            return None
        try:
            contents = await self._storage.read(stored.original_path, LARGEST)
        except UrlError:
            return None
        if not links.can_contain_links(stored.media_type):
            return contents.data
        page = parsed(stored, contents)
        await self._places.look_up(page.links)
        for link in page.links:
            if place := self._places.of(link):
                self._rows[place.path] = place.row
        body = page.rewrite(partial(self._places.replacement, stored.path)).body
        return with_encoding(body, stored.media_type, stored.charset)

    async def _address(self, path: str) -> str | None:
        stored = await self._stored(path)
        return None if stored is None else stored.url

    async def _is_beside(self, path: str) -> bool:
        stored = await self._stored(path)
        return stored is not None and self._keeps(stored.role, stored.address)

    async def _stored(self, path: str) -> SavedDocument | None:
        row = self._rows.get(path)
        return None if row is None else await self._notes.document(row)

    def _tell(self, stored: SavedDocument, single: SingleFilePage) -> None:
        """Note what was saved and yet is not within; what was not saved has failed by itself."""
        left = [each for each in single.external_references if each.reason != NOT_SAVED]
        room = max(0, _MOST_TOLD - len(self._left))
        for each in left[:room]:
            self._left.append(f"{stored.path} is without {each.reference}: {each.reason}")
        self._more += len(left[room:])
