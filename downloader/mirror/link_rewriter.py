"""Gives documents new links: to the files that are there, and else absolute ones."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial

from downloader.journal import SavedDocument
from downloader.journal.async_journal import AsyncJournal
from downloader.links import ParsedDocument
from downloader.mirror.document_reader import Documents
from downloader.mirror.document_writer import NewContent, publish
from downloader.mirror.link_targets import LinkTargets
from downloader.storage import FileContents, Storage
from downloader.web.encoding_declaration import with_encoding

Parse = Callable[[SavedDocument, FileContents], ParsedDocument]


class LinkRewriter:
    """Replaces the links of documents.

    Args:
        storage, notes: where the documents are, and what is known of them.
        thread: where documents are read and written anew.
        parse: reads a document, unless that has been done.
        warn: has a person told something.
    """

    def __init__(
        self,
        storage: Storage,
        notes: AsyncJournal,
        thread: Executor,
        parse: Parse,
        warn: Callable[[str], None],
    ) -> None:
        self._warn = warn
        self._storage = storage
        self._notes = notes
        self._thread = thread
        self._parse = parse
        self._places = LinkTargets(notes)

    async def rewrite(self, documents: Documents) -> None:
        """Replace the links of *documents*, unless that has been done."""
        loop = asyncio.get_running_loop()
        pages = await loop.run_in_executor(self._thread, partial(self._parsed, documents))
        await self._places.look_up(link for page in pages for link in page.links)
        new = await loop.run_in_executor(self._thread, partial(self._rewritten, documents, pages))
        await publish(new, self._storage, self._notes, self._warn)

    def _parsed(self, documents: Documents) -> list[ParsedDocument]:
        return [self._parse(stored, contents) for stored, contents in documents]

    def _rewritten(self, documents: Documents, pages: Sequence[ParsedDocument]) -> list[NewContent]:
        new = []
        for (stored, contents), page in zip(documents, pages, strict=True):
            rewritten = page.rewrite(partial(self._places.replacement, stored.path))
            body = with_encoding(rewritten.body, stored.media_type, stored.charset)
            changed = rewritten.replacements or body is not rewritten.body
            new.append(NewContent.of(stored, contents, body if changed else None))
        return new
