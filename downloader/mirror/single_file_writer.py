"""Replaces each page by one file with everything it needs (``--single-file``)."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from downloader import links
from downloader.errors import UrlError
from downloader.journal import SavedDocument, TargetRole
from downloader.journal.async_journal import AsyncJournal
from downloader.mirror.document_reader import MAX_DOCUMENT_BYTES, parse_document
from downloader.mirror.document_writer import DocumentUpdate, publish_updates
from downloader.mirror.file_locations import FileLocations
from downloader.mirror.single_file import NOT_SAVED, PackedFileCache, SingleFilePage, single_file
from downloader.storage import FileContents, Storage
from downloader.web.encoding_declaration import with_encoding
from downloader.web.media_types import PAGE_TYPES
from downloader.web.text import printable
from downloader.web.urls import Url

#: Files that are not embedded get a warning each, up to this number.
_MAX_WARNINGS = 10
_Result = TypeVar("_Result")


def is_page(saved: SavedDocument) -> bool:
    """Return whether a document is a page, into which files can be embedded."""
    return saved.media_type in PAGE_TYPES


class SingleFileWriter:
    """Embeds in pages everything they need.

    Args:
        storage, journal: hold the documents.
        thread: where pages are packed.
        belongs_in_folder: whether the file of a URL, by its type, is to be in the output folder.
        warn: receives warnings about files that cannot be written.
    """

    def __init__(
        self,
        storage: Storage,
        journal: AsyncJournal,
        thread: Executor,
        belongs_in_folder: Callable[[TargetRole, Url, str], bool],
        warn: Callable[[str], None],
    ) -> None:
        self._warn = warn
        self._not_embedded: list[str] = []
        self._more_not_embedded = 0
        self._storage = storage
        self._journal = journal
        self._thread = thread
        self._belongs_in_folder = belongs_in_folder
        self._locations = FileLocations(journal, withdrawn=True)
        #: The journal's rows of the files that the present page refers to, by path.
        self._rows: dict[str, int] = {}
        self._cache = PackedFileCache()

    @property
    def warnings(self) -> list[str]:
        """Warnings about requisites that are not embedded, one line each."""
        more = f"{self._more_not_embedded} more files are not embedded in the pages that need them"
        return [*map(printable, self._not_embedded), *([more] if self._more_not_embedded else [])]

    async def write(self, saved: SavedDocument, contents: FileContents) -> None:
        """Replace the file of a page."""
        loop = asyncio.get_running_loop()
        self._rows = {saved.path: saved.row}
        page = await loop.run_in_executor(self._thread, partial(self._pack, saved, loop))
        update = DocumentUpdate.of(saved, contents, page.body)
        await publish_updates([update], self._storage, self._journal, self._warn)
        self._add_warnings(saved, page)

    def _pack(self, saved: SavedDocument, loop: asyncio.AbstractEventLoop) -> SingleFilePage:
        """Return a page as one file; called in the thread, files are read in the event loop."""

        def in_loop(coroutine: Coroutine[None, None, _Result]) -> _Result:
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        return single_file(
            saved.path,
            lambda path: in_loop(self._read(path)),
            source_url=lambda path: in_loop(self._source_url(path)),
            is_beside=lambda path: in_loop(self._is_beside(path)),
            media_type=saved.media_type,
            charset=saved.charset or None,
            cache=self._cache,
        )

    async def _read(self, path: str) -> bytes | None:
        """Return the bytes of a file, its links rewritten as if all files were in the folder."""
        saved = await self._saved_document(path)
        if saved is None:
            return None
        try:
            contents = await self._storage.read(saved.original_path, MAX_DOCUMENT_BYTES)
        except UrlError:
            return None
        if not links.can_contain_links(saved.media_type):
            return contents.data
        document = parse_document(saved, contents)
        await self._locations.load(document.links)
        for link in document.links:
            if location := self._locations.get(link):
                self._rows[location.path] = location.row
        body = document.rewrite(self._locations.replacements(saved.path)).body
        return with_encoding(body, saved.media_type, saved.charset)

    async def _source_url(self, path: str) -> str | None:
        saved = await self._saved_document(path)
        return None if saved is None else saved.url

    async def _is_beside(self, path: str) -> bool:
        saved = await self._saved_document(path)
        return saved is not None and self._belongs_in_folder(
            saved.role, saved.address, saved.media_type
        )

    async def _saved_document(self, path: str) -> SavedDocument | None:
        row = self._rows.get(path)
        return None if row is None else await self._journal.document(row)

    def _add_warnings(self, saved: SavedDocument, page: SingleFilePage) -> None:
        """Add warnings about saved files that are not embedded; the others failed by themselves."""
        not_embedded = [each for each in page.external_references if each.reason != NOT_SAVED]
        remaining = max(0, _MAX_WARNINGS - len(self._not_embedded))
        self._not_embedded += [
            f"{saved.path} is without {each.reference}: {each.reason}"
            for each in not_embedded[:remaining]
        ]
        self._more_not_embedded += len(not_embedded[remaining:])
