"""A storage that keeps nothing: bodies are measured, and that is all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.models import OutputOptions, StorageOptions
from downloader.object_store.protocol import ObjectStore
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.folder import Folder
from downloader.storage.object_storage import ObjectStorage
from downloader.storage.part_file import PartFile
from downloader.storage.publish import PublishOptions
from downloader.storage.storage import Storage
from downloader.web.filenames import SafePath


def storage_for(
    options: StorageOptions,
    starving: Callable[[], None] = lambda: None,
    bucket: ObjectStore | None = None,
) -> Storage:
    """Return where bodies go: the output folder, the *bucket* if there is one, or nowhere.

    Nowhere is also where they go because there is a pack for them.
    """
    if not options.save or options.pack is not None:
        return NullStorage()
    if bucket is not None:
        return ObjectStorage(options.output, bucket, starving)
    return Storage(options.output, starving)


def prepare(options: OutputOptions) -> None:
    """Make the output folder, unless nothing is kept; this blocks.

    Raises:
        OutputError: it cannot be made or used.
        DiskError: the disk refuses to have it made or written to.
    """
    if options.save:
        folder = Folder(options.output)
        folder.open()
        folder.close()


class NullStorage(Storage):
    """Looks at what it is given, in the same threads, and forgets it; needs no folder."""

    def __init__(self) -> None:
        super().__init__(Path())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._hops.close()

    async def save(
        self,
        path: SafePath,
        data: bytes,
        how: PublishOptions,
        before: Callable[[], None] = lambda: None,
    ) -> str:
        """Call *before*, and save nothing."""
        await self._hops.run(before)
        return ""

    async def discard(self, path: SafePath) -> None:
        """Do nothing: there is no file."""

    async def parked_size(self, path: SafePath) -> int:
        """Return 0: there is nothing to go on from."""
        return 0

    async def drop(self, path: SafePath) -> None:
        """Do nothing: there is no file."""

    @asynccontextmanager
    async def begin(self, path: SafePath, *, resume: bool = False) -> AsyncIterator[PartFile]:
        """Give a file that only shows what is written to it to who observes it."""
        yield _NullPart(self._hops)


class _NullPart(PartFile):
    """Pieces are at most 1 MiB, so that to look at one here does not hold others up for long."""

    def __init__(self, hops: BatchingExecutor) -> None:
        self.size = 0
        self.keep = self.committed = False
        self._hops = hops

    async def write(self, data: bytes) -> None:
        """Show *data*."""
        with memoryview(data) as piece:
            self._before(piece)

    async def flush(self) -> None:
        """Do nothing: nothing is held."""

    async def commit(self, how: PublishOptions, before: Callable[[], None] = lambda: None) -> str:
        """Call *before*, and save nothing."""
        before()
        return ""

    async def close(self) -> None:
        """Do nothing: there is no file."""
