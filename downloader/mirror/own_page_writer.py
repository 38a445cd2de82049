"""Writes the pages of this program into a mirror: ``--index`` and ``--missing-page``."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import closing
from functools import partial
from pathlib import Path

from downloader.journal import SavedDocument
from downloader.journal.async_journal import AsyncJournal
from downloader.journal.own_pages import OwnPage, OwnPageKind
from downloader.links.page_text import page_title
from downloader.mirror.own_pages import MAX_LISTED_PAGES, ListedPage, index_page, missing_page
from downloader.storage import FolderReader, PublishOptions, Storage
from downloader.web.charset import decode_text
from downloader.web.urls import host

#: The beginning of a page, in which its title is looked for.
_TITLE_BYTES = 16 * 1024


class OwnPageWriter:
    """Writes the pages of this program that a run wants.

    Args:
        root: the output folder.
        storage, journal: hold the pages of the mirror.
        thread: where pages are read.
    """

    def __init__(
        self, root: Path, storage: Storage, journal: AsyncJournal, thread: Executor
    ) -> None:
        self._root = root
        self._storage = storage
        self._journal = journal
        self._thread = thread

    async def write(self, *, is_current: bool) -> None:
        """Write the pages; if the mirror *is_current*, only those that are not there."""
        missing = self._journal.own_page(OwnPageKind.MISSING)
        if missing is not None and not (is_current and self._exists(missing)):
            await self._save(missing, missing_page())
        index = self._journal.own_page(OwnPageKind.INDEX)
        if index is not None and not (is_current and self._exists(index)):
            pages, more = await self._listed_pages()
            await self._save(index, index_page(index.path, pages, more))

    async def _listed_pages(self) -> tuple[list[ListedPage], int]:
        """Return the pages of the list, host by host, and how many more there are."""
        pages: list[ListedPage] = []
        row = more = 0
        while saved := await self._journal.saved_pages(row):
            row = saved[-1].row
            listed = saved[: max(0, MAX_LISTED_PAGES - len(pages))]
            more += len(saved) - len(listed)
            read = partial(self._read_titles, listed)
            pages += await asyncio.get_running_loop().run_in_executor(self._thread, read)
        first = {host(page.url): number for number, page in reversed([*enumerate(pages)])}
        return sorted(pages, key=lambda page: first[host(page.url)]), more

    def _read_titles(self, saved: Sequence[SavedDocument]) -> list[ListedPage]:
        with closing(FolderReader(self._root)) as folder:
            return [_listed(folder, page) for page in saved]

    def _exists(self, page: OwnPage) -> bool:
        with closing(FolderReader(self._root)) as folder:
            file = folder.open(page.path)
            if file is not None:
                file.close()
        return file is not None and not page.is_new

    async def _save(self, page: OwnPage, data: bytes) -> None:
        await self._storage.save(page.path, data, PublishOptions(overwrite=not page.is_new))


def _listed(folder: FolderReader, saved: SavedDocument) -> ListedPage:
    title, size = "", saved.size
    file = folder.open(saved.path)
    if file is not None:
        with file:
            head = file.read(_TITLE_BYTES)
            size = file.seek(0, 2)
        content_type = f"{saved.media_type}; charset={saved.charset}"
        title = page_title(decode_text(head, content_type, saved.media_type))
    return ListedPage(saved.address, saved.path, title, size)
