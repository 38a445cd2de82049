"""Rewrites the links of documents: to saved files where there are any, else to absolute URLs."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from downloader.journal import SavedDocument
from downloader.journal.async_journal import AsyncJournal
from downloader.links import ParsedDocument
from downloader.mirror.document_reader import LoadedDocuments
from downloader.mirror.document_writer import DocumentUpdate, publish_updates
from downloader.mirror.file_locations import FileLocations
from downloader.storage import FileContents, Storage
from downloader.web.encoding_declaration import with_encoding

#: Returns a parsed document, which may have been parsed before.
ParseDocument = Callable[[SavedDocument, FileContents], ParsedDocument]


class LinkRewriter:
    """Rewrites the links of documents.

    Args:
        storage, journal: hold the documents.
        thread: where documents are parsed and written.
        parse: see :data:`ParseDocument`; called in *thread*.
        warn: receives warnings.
    """

    def __init__(
        self,
        storage: Storage,
        journal: AsyncJournal,
        thread: Executor,
        parse: ParseDocument,
        warn: Callable[[str], None],
    ) -> None:
        self._warn = warn
        self._storage = storage
        self._journal = journal
        self._thread = thread
        self._parse = parse
        self._locations = FileLocations(journal)

    async def rewrite(self, documents: LoadedDocuments) -> None:
        """Rewrite the links of *documents* whose files do not have them yet."""
        loop = asyncio.get_running_loop()
        parsed = await loop.run_in_executor(self._thread, partial(self._parse_all, documents))
        await self._locations.load(link for document in parsed for link in document.links)
        updates = await loop.run_in_executor(
            self._thread, partial(self._updates, documents, parsed)
        )
        await publish_updates(updates, self._storage, self._journal, self._warn)

    def _parse_all(self, documents: LoadedDocuments) -> list[ParsedDocument]:
        return [self._parse(saved, contents) for saved, contents in documents]

    def _updates(
        self, documents: LoadedDocuments, parsed: Sequence[ParsedDocument]
    ) -> list[DocumentUpdate]:
        updates = []
        for (saved, contents), document in zip(documents, parsed, strict=True):
            rewritten = document.rewrite(self._locations.replacements(saved.path))
            body = with_encoding(rewritten.body, saved.media_type, saved.charset)
            is_changed = rewritten.replacements or body is not rewritten.body
            updates.append(DocumentUpdate.of(saved, contents, body if is_changed else None))
        return updates
