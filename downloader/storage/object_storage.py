"""A storage that hands whole files on to an object store; only unfinished ones are local."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

from downloader.object_store.protocol import ObjectStore
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.folder import Folder, translated
from downloader.storage.part_file import PartFile
from downloader.storage.publish import PublishOptions
from downloader.storage.storage import Storage
from downloader.web.filenames import PART, SafePath

#: So many requests to the store at once: each waits for it in a thread of its own.
_AT_ONCE = 32
#: So many large files are handed on at once, because parts of them are held in memory.
_UPLOADS = 4


class ObjectStorage(Storage):
    """The objects below a prefix, and a work folder.

    A small body becomes an object in one request. A larger one is written to the work folder, where
    it can be continued, and becomes an object when it is whole.

    Args:
        work: the work folder.
        bucket: the prefix.
        starving: as for :class:`Storage`.
    """

    def __init__(self, work: Path, bucket: ObjectStore, starving: Callable[[], None]) -> None:
        super().__init__(work, starving)
        self._work = work
        self._bucket = bucket
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="objects")
        self._uploads = asyncio.Semaphore(_UPLOADS)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    async def save(
        self,
        path: SafePath,
        data: bytes,
        how: PublishOptions,
        before: Callable[[], None] = lambda: None,
    ) -> str:
        """Make an object of a small body; as :meth:`Storage.save`.

        Raises:
            StoreError: the store refuses.
        """
        return await self._patiently(partial(self._put, path, data, how, before), self._threads)

    async def discard(self, path: SafePath) -> None:
        """Remove an object that has been replaced by one of another name."""
        await self._patiently(partial(self._bucket.delete, path), self._threads)

    def part_file(self, path: SafePath, opened: tuple[int, int], piece: int) -> PartFile:
        """Return a file that becomes an object when it is whole."""
        return _ObjectPart(path, opened, self._hops, self._folder, piece, self._hand_over)

    async def _hand_over(self, path: SafePath, fd: int, how: PublishOptions) -> str:
        """Make an object of a ``.part`` file that is open; return what :meth:`save` does."""
        try:
            size = os.fstat(fd).st_size
        finally:
            os.close(fd)
        async with self._uploads:
            aside = await self._patiently(partial(self._publish, path, size, how), self._threads)
        await self.prune(path)
        return aside

    def _put(
        self, path: SafePath, data: bytes, how: PublishOptions, before: Callable[[], None]
    ) -> str:
        before()
        aside = self._make_way(path, how, len(data), lambda: hashlib.sha256(data).digest())
        if aside is None:
            return ""
        self._bucket.put(path, data)
        return aside

    def _publish(self, path: SafePath, size: int, how: PublishOptions) -> str:
        file = self._work / f"{path}{PART}"

        def digest() -> bytes:
            with file.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").digest()

        with translated(path):
            aside = self._make_way(path, how, size, digest)
            if aside is None:
                file.unlink()
                return ""
            self._bucket.upload(file, path)
            file.unlink()
        return aside

    def _make_way(
        self, path: SafePath, how: PublishOptions, size: int, digest: Callable[[], bytes]
    ) -> str | None:
        """Keep what is there, is not ours and differs, under another name; return that name.

        None means that it does not differ.
        """
        if how.ours or (there := self._bucket.info(path)) is None:
            return ""
        if there.size == size and self._bucket.digest(path, "sha256") == digest():
            return None
        number = 1
        while self._bucket.info(aside := SafePath(f"{path}.~{number}~")) is not None:
            number += 1
        self._bucket.copy(path, aside)
        return aside.rpartition("/")[2]


class VolumeUploader:
    """Hands the volumes of a pack on to a store as they become whole, and removes them here.

    It is what :func:`downloader.archive.open_session` tells of each.
    """

    def __init__(self, bucket: ObjectStore) -> None:
        self._bucket = bucket

    async def __call__(self, volume: Path, index: Path) -> None:
        """Make objects of a volume and of its index.

        Raises:
            StoreError: the store refuses; both are still here.
            DiskError: the disk refuses to have them removed.
        """
        await asyncio.to_thread(self._hand_over, volume, index)

    def _hand_over(self, volume: Path, index: Path) -> None:
        # The index first: whoever sees the volume finds it. A killed run may have sent both, and
        # have removed one.
        for file in filter(Path.exists, (index, volume)):
            self._bucket.upload(file, SafePath(file.name))
        for file in (index, volume):
            with translated(SafePath(file.name)):
                file.unlink(missing_ok=True)


class _ObjectPart(PartFile):
    """A file that becomes an object when it is whole."""

    def __init__(
        self,
        path: SafePath,
        opened: tuple[int, int],
        hops: BatchingExecutor,
        folder: Folder,
        piece: int,
        hand_over: Callable[[SafePath, int, PublishOptions], Awaitable[str]],
    ) -> None:
        super().__init__(path, opened, hops, folder, piece)
        self._hand_over = hand_over

    async def _name(self, fd: int, how: PublishOptions) -> str:
        return await self._hand_over(self._path, fd, how)
