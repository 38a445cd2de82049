"""Save small files in one hop to a thread, and large ones in pieces."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import aiofiles
from aiofiles.base import wrap
from aiofiles.threadpool.binary import AsyncBufferedIOBase

from downloader.paths import PART, SafePath
from downloader.storage.folder import CONTINUE, NO_DESCRIPTOR, Folder, create, translated
from downloader.storage.publish import Publish, publish

_THREADS = 4
_BLOCK = 1024 * 1024
_DESCRIPTOR_SECONDS = 0.1
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Storage:
    """The output folder; an asynchronous context manager.

    *starving* is called when no file descriptor is free, before one is waited for.

    Raises, on entering:
        OutputError: the folder cannot be made or used.
        DiskError: the disk refuses to have it made or written to.
    """

    def __init__(self, root: Path, starving: Callable[[], None] = lambda: None) -> None:
        self._folder = Folder(root)
        self._starving = starving
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._save_later = self._in_thread(self._save)
        self._open_later = self._in_thread(self._open)
        self._publish_later = self._in_thread(self._publish)
        self._remove_later = self._in_thread(self._remove)
        self._size_later = self._in_thread(self._size)
        self._discard_later = self._in_thread(self._discard)

    async def __aenter__(self) -> Self:
        self._folder.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        self._folder.close()

    async def save(self, path: SafePath, data: bytes, how: Publish) -> str:
        """Save a small file whole, in one hop to a thread.

        Returns the new name of a file that was in its place and is not ours, or an empty string.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        return await self._save_later(path, data, how)

    async def discard(self, path: SafePath) -> None:
        """Remove a file that has been replaced by one of another name."""
        await self._discard_later(path)

    async def parked_size(self, path: SafePath) -> int:
        """Return how many bytes the ``.part`` file holds; 0 if there is none."""
        return await self._size_later(path)

    async def drop(self, path: SafePath) -> None:
        """Remove a ``.part`` file that nothing can continue."""
        await self._remove_later(path)

    @asynccontextmanager
    async def begin(self, path: SafePath, *, resume: bool = False) -> AsyncIterator["PartFile"]:
        """Give a file to be written in pieces, under its ``.part`` name.

        With *resume* it is the one that an earlier attempt left, if it is still there. When it is
        left without commit it is removed, unless its ``keep`` says that it can be continued.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        fd, size = await self._open_later(path, resume)
        with translated(path):
            stream = await aiofiles.open(fd, "r+b", executor=self._threads)
        part = PartFile(path, size, stream, self._publish_later)
        try:
            yield part
        finally:
            if not part.committed:
                with suppress(OSError):
                    await stream.close()
                if not part.keep:
                    await self._remove_later(path)

    def _in_thread(
        self, function: Callable[_Arguments, _Result]
    ) -> Callable[_Arguments, Awaitable[_Result]]:
        """Return *function* as one that takes one hop to a thread, and waits for descriptors."""
        hop: Callable[_Arguments, Awaitable[_Result]] = partial(
            wrap(function), executor=self._threads
        )

        async def patient(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            while True:
                try:
                    return await hop(*args, **kwargs)
                except OSError as error:
                    if error.errno not in NO_DESCRIPTOR:
                        raise
                # Other transfers will end, and give theirs back.
                self._starving()
                await asyncio.sleep(_DESCRIPTOR_SECONDS)

        return patient

    def _save(self, path: SafePath, data: bytes, how: Publish) -> str:
        with translated(path), self._folder.of(path, create=True) as (folder, leaf):
            part = leaf + PART
            fd = create(part, folder)
            try:
                with os.fdopen(fd, "wb", buffering=0) as file:
                    written = os.fstat(fd)
                    view = memoryview(data)
                    while view:
                        view = view[file.write(view) :]
                return publish(folder, leaf, how, written)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise

    def _open(self, path: SafePath, resume: bool) -> tuple[int, int]:
        """Return a descriptor for the ``.part`` file, and how long it is."""
        with translated(path), self._folder.of(path, create=True) as (folder, leaf):
            part = leaf + PART
            if resume:
                with suppress(FileNotFoundError):
                    fd = os.open(part, CONTINUE, dir_fd=folder)
                    found = os.fstat(fd)
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                        return fd, found.st_size
                    os.close(fd)
            return create(part, folder), 0

    def _publish(self, path: SafePath, how: Publish, written: os.stat_result) -> str:
        with translated(path), self._folder.of(path, create=False) as (folder, leaf):
            return publish(folder, leaf, how, written)

    def _size(self, path: SafePath) -> int:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            found = os.stat(leaf + PART, dir_fd=folder, follow_symlinks=False)
            # Anything else was not left by an earlier attempt.
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                return found.st_size
        return 0

    def _remove(self, path: SafePath) -> None:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            os.unlink(leaf + PART, dir_fd=folder)

    def _discard(self, path: SafePath) -> None:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            os.unlink(leaf, dir_fd=folder)


class PartFile:
    """A file that is being written under its ``.part`` name.

    Attributes:
        size: how many bytes an earlier attempt has left.
        keep: whether it can be continued later, and so stays when it is left unfinished.
        committed: whether it has its final name.
    """

    def __init__(
        self,
        path: SafePath,
        size: int,
        stream: AsyncBufferedIOBase,
        publish: Callable[[SafePath, Publish, os.stat_result], Awaitable[str]],
    ) -> None:
        self.size = size
        self.keep = False
        self.committed = False
        self._path = path
        self._stream = stream
        self._publish = publish

    async def existing(self) -> AsyncIterator[bytes]:
        """Yield what an earlier attempt has left; what is written then goes behind it."""
        with translated(self._path):
            while block := await self._stream.read(_BLOCK):
                yield block

    async def write(self, data: bytes) -> None:
        """Append *data*, in one hop to a thread.

        Raises:
            DiskError: the disk refuses.
        """
        with translated(self._path):
            await self._stream.write(data)

    async def commit(self, how: Publish) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        Raises:
            DiskError: the disk refuses.
        """
        with translated(self._path):
            written = os.fstat(self._stream.fileno())
            await self._stream.close()
        set_aside = await self._publish(self._path, how, written)
        self.committed = True
        return set_aside
