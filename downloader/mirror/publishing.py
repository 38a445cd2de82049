"""Gives documents new bytes, so that it can be done again wherever it is broken off."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from downloader.errors import TooLargeError
from downloader.journal import Published, Stored, original
from downloader.notes import Notes
from downloader.storage import Contents, Publish, Storage


@dataclass(frozen=True, slots=True)
class New:
    """A document, and the bytes that its file is to have.

    Attributes:
        stored: what the journal knows of it.
        contents: what was received.
        body: what the file is to have.
        note: what the journal is to know of that.
    """

    stored: Stored
    contents: Contents
    body: bytes
    note: Published

    @classmethod
    def of(cls, stored: Stored, contents: Contents, body: bytes | None) -> "New":
        """Return a document whose file is to have *body*; None: what was received."""
        if body is None:
            return cls(stored, contents, contents.data, Published(stored.row))
        note = Published(stored.row, len(body), hashlib.sha256(body).digest())
        return cls(stored, contents, body, note)

    @property
    def how(self) -> Publish:
        """How its files get their names."""
        return Publish(ours=True, modified=self.contents.modified)


async def publish(new: Sequence[New], storage: Storage, notes: Notes) -> None:
    """Give files their new bytes.

    What was received is kept with the originals, then noted what the file will be, then the file
    is replaced: the next run knows both versions. A file that gets other links than it has goes
    back to what was received first, for there is no third version.
    """
    fresh = [each for each in new if each.note.size is not None and not each.stored.published]
    await asyncio.gather(*(_keep(each, storage) for each in fresh))
    changed = [each for each in new if each.note.sha256 != each.stored.published]
    back = [each for each in changed if each.stored.published]
    await asyncio.gather(*(_replace(each, each.contents.data, storage) for each in back))
    if changed:
        await notes.publish([each.note for each in changed])
    replacing = [each for each in new if each.note.size is not None]
    await asyncio.gather(*(_replace(each, each.body, storage) for each in replacing))


async def _keep(new: New, storage: Storage) -> None:
    """Keep what was received with the originals."""
    await storage.save(original(new.stored.path), new.contents.data, new.how)


async def _replace(new: New, body: bytes, storage: Storage) -> None:
    """Replace a file, unless it is there as it should be."""
    path = new.stored.path
    if new.stored.published:
        with suppress(TooLargeError):
            if (await storage.read(path, len(body))).data == body:
                return
    await storage.save(path, body, new.how)
