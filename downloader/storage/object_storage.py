"""A storage that uploads whole files to an object store; only unfinished ones are on disk."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from downloader.object_store.protocol import ObjectStore
from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.local_storage import LocalStorage
from downloader.storage.output_folder import translate_os_errors
from downloader.storage.part_file import do_nothing
from downloader.web.filenames import SafePath
from downloader.web.path_parts import PART

#: Concurrent requests to the store; each waits in a thread of its own.
MAX_REQUESTS = 32
#: Concurrent uploads of ``.part`` files; each holds parts of its file in memory, whose size and
#: number :func:`~downloader.object_store.fsspec_open.multipart_settings` returns.
MAX_LARGE_UPLOADS = 4
_Result = TypeVar("_Result")


class ObjectStorage(LocalStorage):
    """A :class:`Storage` of objects below a prefix, and of unfinished files in a work folder.

    A small body becomes an object in one request. A larger one is written to the work folder, where
    a later run can resume it, and is uploaded when it is whole.

    Args:
        work: the work folder.
        store: the prefix.
        free_descriptors: as for :class:`LocalStorage`.
    """

    def __init__(
        self, work: Path, store: ObjectStore, free_descriptors: Callable[[], None]
    ) -> None:
        super().__init__(work, free_descriptors)
        self._work = work
        self._store = store
        self._request_threads = ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="objects")
        self._large_uploads = asyncio.Semaphore(MAX_LARGE_UPLOADS)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await asyncio.to_thread(self._request_threads.shutdown, cancel_futures=True)

    async def save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None] = do_nothing,
    ) -> str:
        """Make an object of a small body, as :meth:`Storage.save`."""
        return await self._request(partial(self._put, path, data, options, before_publish))

    async def remove(self, path: SafePath) -> None:
        """Delete an object that has been replaced by one of another name."""
        await self._request(partial(self._store.delete, path))

    async def _publish_part(
        self, path: SafePath, options: PublishOptions, written: os.stat_result
    ) -> str:
        """Upload a closed ``.part`` file; return the backup name of another object."""
        async with self._large_uploads:
            backup_name = await self._request(partial(self._upload_part, path, options))
        await self.remove_empty_folders(path)
        return backup_name

    async def _request(self, function: Callable[[], _Result]) -> _Result:
        run_in_executor = asyncio.get_running_loop().run_in_executor
        while True:
            try:
                return await run_in_executor(self._request_threads, function)
            except OSError as error:
                await self._wait_for_descriptor(error)

    def _put(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None],
    ) -> str:
        before_publish()
        backup_name = self._back_up(path, options, len(data), lambda: hashlib.sha256(data).digest())
        if backup_name is None:
            return ""
        self._store.put(path, data)
        return backup_name

    def _upload_part(self, path: SafePath, options: PublishOptions) -> str:
        file = self._work / f"{path}{PART}"

        def sha256() -> bytes:
            with file.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").digest()

        with translate_os_errors(path):
            backup_name = self._back_up(path, options, file.stat().st_size, sha256)
            if backup_name is not None:
                self._store.upload(file, path)
            file.unlink()
        return backup_name or ""

    def _back_up(
        self, path: SafePath, options: PublishOptions, size: int, sha256: Callable[[], bytes]
    ) -> str | None:
        """Copy an object that would be lost to a free backup name; return that name, or "".

        Returns None if the object has the new content already.
        """
        if options.overwrite or (existing := self._store.info(path)) is None:
            return ""
        if existing.size == size and self._store.digest(path, "sha256") == sha256():
            return None
        number = 1
        while self._store.info(backup := SafePath(f"{path}.~{number}~")) is not None:
            number += 1
        self._store.copy(path, backup)
        return backup.rpartition("/")[2]


class VolumeUploader:
    """Uploads each whole volume of a pack, and its index, and removes them from the work folder.

    It is what :func:`downloader.archive.open_session` calls for each volume.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def __call__(self, volume: Path, index: Path) -> None:
        """Make objects of a volume and of its index.

        Raises:
            StoreError: the store refuses; both files are kept.
            DiskError: the disk refuses to remove them.
        """
        await asyncio.to_thread(self._upload, volume, index)

    def _upload(self, volume: Path, index: Path) -> None:
        # The index first: whoever sees the volume can read its index. A killed run may have
        # uploaded both and removed one.
        for file in filter(Path.exists, (index, volume)):
            self._store.upload(file, SafePath(file.name))
        for file in (index, volume):
            with translate_os_errors(SafePath(file.name)):
                file.unlink(missing_ok=True)
