"""Gives documents new bytes, so that it can be done again wherever it is broken off."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from downloader.errors import BlockedError, TooLargeError
from downloader.journal import PublishedFile, SavedDocument, original_path
from downloader.journal.async_journal import AsyncJournal
from downloader.storage import FileContents, PublishOptions, Storage


@dataclass(frozen=True, slots=True)
class NewContent:
    """A document, and the bytes that its file is to have.

    Attributes:
        stored: what the journal knows of it.
        contents: what was received.
        body: what the file is to have.
        note: what the journal is to know of that.
    """

    stored: SavedDocument
    contents: FileContents
    body: bytes
    note: PublishedFile

    @classmethod
    def of(cls, stored: SavedDocument, contents: FileContents, body: bytes | None) -> "NewContent":
        """Return a document whose file is to have *body*; None: what was received."""
        if body is None:
            return cls(stored, contents, contents.data, PublishedFile(stored.row))
        note = PublishedFile(stored.row, len(body), hashlib.sha256(body).digest())
        return cls(stored, contents, body, note)

    @property
    def how(self) -> PublishOptions:
        """How its files get their names."""
        return PublishOptions(overwrite=True, modified=self.contents.modified)


async def publish(
    new: Sequence[NewContent], storage: Storage, notes: AsyncJournal, warn: Callable[[str], None]
) -> None:
    """Give files their new bytes.

    What was received is kept with the originals, then noted what the file will be, then the file
    is replaced: the next run knows both versions. A file that gets other links than it has goes
    back to what was received first, for there is no third version. One that something in the
    folder is in the way of stays as it is, and *warn* gets a line about it.
    """
    fresh = [each for each in new if each.note.size is not None and not each.stored.published]
    blocked = await _all(lambda each: _keep(each, storage), fresh, warn)
    changed = [each for each in new if each.note.sha256 != each.stored.published]
    changed = [each for each in changed if each.stored.row not in blocked]
    back = [each for each in changed if each.stored.published]
    blocked |= await _all(lambda each: _replace(each, each.contents.data, storage), back, warn)
    notes_of = [each.note for each in changed if each.stored.row not in blocked]
    if notes_of:
        await notes.record_published(notes_of)
    replacing = [each for each in new if each.note.size is not None]
    replacing = [each for each in replacing if each.stored.row not in blocked]
    await _all(lambda each: _replace(each, each.body, storage), replacing, warn)


async def _all(
    step: Callable[[NewContent], Awaitable[None]],
    new: Sequence[NewContent],
    warn: Callable[[str], None],
) -> set[int]:
    """Do a step for all of *new* at once; return the rows of those that were blocked."""
    results = await asyncio.gather(*map(step, new), return_exceptions=True)
    blocked = set()
    for each, result in zip(new, results, strict=True):
        if isinstance(result, BlockedError):
            blocked.add(each.stored.row)
            warn(f"{each.stored.path} has the links that it came with: {result.message}")
        elif result is not None:
            raise result
    return blocked


async def _keep(new: NewContent, storage: Storage) -> None:
    """Keep what was received with the originals."""
    await storage.save(original_path(new.stored.path), new.contents.data, new.how)


async def _replace(new: NewContent, body: bytes, storage: Storage) -> None:
    """Replace a file, unless it is there as it should be."""
    path = new.stored.path
    if new.stored.published:
        with suppress(TooLargeError):
            if (await storage.read(path, len(body))).data == body:
                return
    await storage.save(path, body, new.how)
