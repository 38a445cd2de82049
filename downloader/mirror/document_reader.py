"""Reads saved documents, as many at a time as fit in memory."""

import asyncio
from collections.abc import Iterator, Sequence

from downloader import links
from downloader.errors import UrlError
from downloader.journal import SavedDocument
from downloader.links import Document, ParsedDocument
from downloader.storage import FileContents, Storage
from downloader.web.text import printable

#: Larger documents are not parsed.
MAX_DOCUMENT_BYTES = 50 * 1024**2
#: Warnings that are shown.
MAX_WARNINGS = 100
#: Documents of this many bytes are in memory at once.
_BATCH_BYTES = 4 * 1024**2

#: Documents that can contain links, each with its original bytes.
LoadedDocuments = Sequence[tuple[SavedDocument, FileContents]]


class DocumentReader:
    """Reads documents.

    Attributes:
        warnings: one line for each document that could not be read, or not as a whole.
    """

    def __init__(self, storage: Storage) -> None:
        self._warnings: dict[str, None] = {}
        self._has_more_warnings = False
        self._storage = storage

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        more = "there are more warnings about documents, which are left out"
        return [*self._warnings, *([more] if self._has_more_warnings else [])]

    async def read(self, batch: Sequence[SavedDocument]) -> LoadedDocuments:
        """Return the documents of *batch* that can contain links, with their bytes."""
        candidates = [each for each in batch if links.can_contain_links(each.media_type)]
        reads = (self._storage.read(each.original_path, MAX_DOCUMENT_BYTES) for each in candidates)
        results = await asyncio.gather(*reads, return_exceptions=True)
        loaded: list[tuple[SavedDocument, FileContents]] = []
        for saved, result in zip(candidates, results, strict=True):
            if isinstance(result, FileContents):
                loaded.append((saved, result))
            elif isinstance(result, UrlError):
                self.warn(f"{saved.path} was not read for links: {result.message}")
            elif isinstance(result, BaseException):
                raise result
        return loaded

    def warn(self, warning: str) -> None:
        """Add a warning, once; only the first MAX_WARNINGS are kept."""
        if warning in self._warnings:
            return
        if len(self._warnings) < MAX_WARNINGS:
            self._warnings[warning] = None
        else:
            self._has_more_warnings = True

    def warn_of(self, saved: SavedDocument, document: ParsedDocument) -> None:
        """Add warnings about what was left out of a parsed document."""
        for warning in document.warnings:
            self.warn(printable(f"{saved.path}: {warning}"))


def parse_document(saved: SavedDocument, contents: FileContents, robot: str = "") -> ParsedDocument:
    """Return the parsed document, without links to itself; *robot* as in :class:`Document`."""
    document = Document(
        contents.data,
        saved.media_type,
        saved.url,
        saved.charset or None,
        saved.page_fields,
        robot,
    )
    return ParsedDocument(document, same_document_links=False)


def batches(documents: Sequence[SavedDocument]) -> Iterator[Sequence[SavedDocument]]:
    """Yield the documents in batches that fit in memory."""
    start, size = 0, 0
    for index, saved in enumerate(documents):
        size += saved.size
        if size > _BATCH_BYTES and index > start:
            yield documents[start:index]
            start, size = index, saved.size
    if start < len(documents):
        yield documents[start:]
