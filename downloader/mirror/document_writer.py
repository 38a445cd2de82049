"""Replaces the files of documents, so that a run that was killed can be continued."""

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
class DocumentUpdate:
    """A document, and the bytes that its file is to have.

    Attributes:
        saved: its row in the journal.
        received: the original.
        body: the new bytes of the file.
        published: what the journal records of the file.
    """

    saved: SavedDocument
    received: FileContents
    body: bytes
    published: PublishedFile

    @classmethod
    def of(
        cls, saved: SavedDocument, received: FileContents, body: bytes | None
    ) -> "DocumentUpdate":
        """Return the update of a file to *body*, or to the original if *body* is None."""
        if body is None:
            return cls(saved, received, received.data, PublishedFile(saved.row))
        published = PublishedFile(saved.row, len(body), hashlib.sha256(body).digest())
        return cls(saved, received, body, published)

    @property
    def is_rewritten(self) -> bool:
        """Whether the file is to differ from the original."""
        return self.published.size is not None

    @property
    def publish_options(self) -> PublishOptions:
        """How the file replaces the one in the folder."""
        return PublishOptions(overwrite=True, modified=self.received.modified)


async def publish_updates(
    updates: Sequence[DocumentUpdate],
    storage: Storage,
    journal: AsyncJournal,
    warn: Callable[[str], None],
) -> None:
    """Give files their new bytes.

    Three steps: the original is kept, the journal records what the file will be, the file is
    replaced. So after a kill at any moment, the next run knows both versions. A file that was
    rewritten before first becomes the original again, so that there is never a third version. A
    file that cannot be replaced, because something in the folder is in its way, stays as it is,
    and *warn* gets a line about it.
    """
    first_rewrites = [
        update for update in updates if update.is_rewritten and not update.saved.published
    ]
    blocked = await _run_step(lambda update: _keep_original(update, storage), first_rewrites, warn)
    changed = [
        update
        for update in updates
        if update.published.sha256 != update.saved.published and update.saved.row not in blocked
    ]
    restored = [update for update in changed if update.saved.published]
    blocked |= await _run_step(
        lambda update: _replace(update, update.received.data, storage), restored, warn
    )
    published = [update.published for update in changed if update.saved.row not in blocked]
    if published:
        await journal.record_published(published)
    rewritten = [
        update for update in updates if update.is_rewritten and update.saved.row not in blocked
    ]
    await _run_step(lambda update: _replace(update, update.body, storage), rewritten, warn)


async def _run_step(
    step: Callable[[DocumentUpdate], Awaitable[None]],
    updates: Sequence[DocumentUpdate],
    warn: Callable[[str], None],
) -> set[int]:
    """Do a step for all *updates* concurrently; return the rows of those that were blocked."""
    results = await asyncio.gather(*map(step, updates), return_exceptions=True)
    blocked = set()
    for update, result in zip(updates, results, strict=True):
        if isinstance(result, BlockedError):
            blocked.add(update.saved.row)
            warn(f"{update.saved.path} keeps its original links: {result.message}")
        elif result is not None:
            raise result
    return blocked


async def _keep_original(update: DocumentUpdate, storage: Storage) -> None:
    path = original_path(update.saved.path)
    # A second name is enough, because the first one soon leads to another file.
    if not await storage.link(update.saved.path, path):
        await storage.save(path, update.received.data, update.publish_options)


async def _replace(update: DocumentUpdate, body: bytes, storage: Storage) -> None:
    """Replace a file, unless it has these bytes already."""
    path = update.saved.path
    if update.saved.published:
        with suppress(TooLargeError):
            if (await storage.read(path, len(body))).data == body:
                return
    await storage.save(path, body, update.publish_options)
