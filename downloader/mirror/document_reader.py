"""Reads documents of the folder, as many at a time as fit in memory."""

import asyncio
from collections.abc import Iterator, Sequence

from downloader import links
from downloader.errors import UrlError
from downloader.journal import SavedDocument
from downloader.links import Document, ParsedDocument
from downloader.storage import FileContents, Storage

#: A larger document is not read for links.
LARGEST = 50 * 1024**2
#: So many bytes of documents are held at once.
_PORTION = 4 * 1024**2

#: Documents that can be read for links, with their bytes as they were received.
Documents = Sequence[tuple[SavedDocument, FileContents]]


class DocumentReader:
    """Reads documents.

    Attributes:
        warnings: lines for a person about those that could not be read.
    """

    def __init__(self, storage: Storage) -> None:
        self.warnings: list[str] = []
        self._storage = storage

    async def documents(self, portion: Sequence[SavedDocument]) -> Documents:
        """Return those of *portion* that can be read for links, with their bytes."""
        readable = [each for each in portion if links.can_contain_links(each.media_type)]
        reading = (self._storage.read(each.original_path, LARGEST) for each in readable)
        documents: list[tuple[SavedDocument, FileContents]] = []
        for each, result in zip(
            readable, await asyncio.gather(*reading, return_exceptions=True), strict=True
        ):
            if isinstance(result, FileContents):
                documents.append((each, result))
            elif isinstance(result, UrlError):
                self.warn(f"{each.path} was not read for links: {result.message}")
            elif isinstance(result, BaseException):
                raise result
        return documents

    def warn(self, warning: str) -> None:
        """Have a person told something, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)


def parsed(stored: SavedDocument, contents: FileContents) -> ParsedDocument:
    """Return a document, read."""
    charset = stored.charset or None
    document = Document(contents.data, stored.media_type, stored.url, charset)
    return ParsedDocument(document, same_document_links=False)


def portions(stored: Sequence[SavedDocument]) -> Iterator[Sequence[SavedDocument]]:
    """Yield documents, so many that they fit in memory together."""
    start, size = 0, 0
    for index, each in enumerate(stored):
        size += each.size
        if size > _PORTION and index > start:
            yield stored[start:index]
            start, size = index, each.size
    if start < len(stored):
        yield stored[start:]
