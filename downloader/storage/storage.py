"""Save small files many to one hop to a thread, and large ones in pieces."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from downloader.errors import TooLargeError
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.folder import CONTINUE, NO_DESCRIPTOR, READ, Folder, create, translated
from downloader.storage.part_file import PartFile, nothing, write_all
from downloader.storage.publish import PublishOptions, publish, set_time
from downloader.web.filenames import PART, SafePath
from downloader.web.text import format_size

#: Large files are written in pieces of this size; in smaller ones when there are many at once.
_BLOCK = 1024 * 1024
_LEAST_PIECE = 64 * 1024
_ALL_PIECES = 16 * 1024 * 1024
_DESCRIPTOR_SECONDS = 0.1
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class FileContents:
    """A whole file.

    Attributes:
        data: its bytes.
        modified: its modification time, in seconds since the epoch.
    """

    data: bytes
    modified: float


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
        self._hops = BatchingExecutor()
        self._parts = 0
        self._undoing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._folder.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._undoing:
            await asyncio.wait(self._undoing)
        await self._hops.close()
        self._folder.close()

    async def save(
        self, path: SafePath, data: bytes, how: PublishOptions, before: Callable[[], None] = nothing
    ) -> str:
        """Save a small file whole.

        *before* is called in the same thread; what it raises is raised here, and nothing is saved.
        Returns the new name of a file that was in its place and is not ours, or an empty string.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        return await self._patiently(partial(self._save, path, data, how, before))

    async def read(self, path: SafePath, most: int) -> FileContents:
        """Return a whole file of no more than so many bytes.

        Raises:
            TooLargeError: it has more.
            DiskError: it is not there, or the disk refuses.
            BlockedError: what is there is no file of ours.
        """
        return await self._patiently(partial(self._read, path, most))

    async def discard(self, path: SafePath) -> None:
        """Remove a file that has been replaced by one of another name."""
        await self._patiently(partial(self._unlink, path, ""))

    async def move(self, path: SafePath, to: SafePath) -> bool:
        """Give a file that is ours another name; say whether it was there.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        return await self._patiently(partial(self._move, path, to))

    async def prune(self, path: SafePath) -> None:
        """Remove the folders above *path* that are empty."""
        await self._patiently(partial(self._prune, path))

    async def parked_size(self, path: SafePath) -> int:
        """Return how many bytes the ``.part`` file holds; 0 if there is none."""
        return await self._patiently(partial(self._size, path))

    async def drop(self, path: SafePath) -> None:
        """Remove a ``.part`` file that nothing can continue."""
        await self._patiently(partial(self._unlink, path, PART))

    @asynccontextmanager
    async def begin(self, path: SafePath, *, resume: bool = False) -> AsyncIterator[PartFile]:
        """Give a file to be written in pieces, under its ``.part`` name.

        With *resume* it is the one that an earlier attempt left, if it is still there. When it is
        left without commit it is removed, unless its ``keep`` says that it can be continued.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        opening = asyncio.create_task(self._patiently(partial(self._open, path, resume)))
        try:
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread may have opened it all the same.
            undoing = asyncio.create_task(self._undo(path, opening))
            self._undoing.add(undoing)
            undoing.add_done_callback(self._undoing.discard)
            raise
        self._parts += 1
        piece = max(_LEAST_PIECE, min(_BLOCK, _ALL_PIECES // self._parts))
        part = self.part_file(path, opened, piece)
        try:
            yield part
        finally:
            self._parts -= 1
            # Shielded: who is cancelled again meanwhile must leave nothing behind either.
            await asyncio.shield(asyncio.ensure_future(self._leave(part, path)))

    def part_file(self, path: SafePath, opened: tuple[int, int], piece: int) -> PartFile:
        """Return what writes to a ``.part`` file that has been opened."""
        return PartFile(path, opened, self._hops, self._folder, piece)

    async def _undo(self, path: SafePath, opening: asyncio.Task[tuple[int, int]]) -> None:
        """Close what a thread has opened for who does not want it any more."""
        with suppress(Exception):
            fd, size = await opening
            os.close(fd)
            if not size:
                await self.drop(path)

    async def _leave(self, part: PartFile, path: SafePath) -> None:
        await part.close()
        if not part.committed and not part.keep:
            await self.drop(path)

    async def _patiently(
        self, function: Callable[[], _Result], threads: ThreadPoolExecutor | None = None
    ) -> _Result:
        """Run *function* in a thread, as often as it takes until a descriptor is free.

        That is one of the *threads*, if they are given, and else one of those for small jobs.
        """
        while True:
            try:
                if threads is not None:
                    return await asyncio.get_running_loop().run_in_executor(threads, function)
                return await self._hops.run(function)
            except OSError as error:
                if error.errno not in NO_DESCRIPTOR:
                    raise
            # Other transfers will end, and give theirs back.
            self._folder.close_kept()
            self._starving()
            await asyncio.sleep(_DESCRIPTOR_SECONDS)

    def _save(
        self, path: SafePath, data: bytes, how: PublishOptions, before: Callable[[], None]
    ) -> str:
        before()
        with translated(path), self._folder.of(path, create=True) as (folder, leaf):
            return _save_there(data, how, folder, leaf)

    def _read(self, path: SafePath, most: int) -> FileContents:
        with (
            translated(path),
            self._folder.of(path, create=False) as (folder, leaf),
            os.fdopen(os.open(leaf, READ, dir_fd=folder), "rb") as file,
        ):
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EEXIST, "no regular file")
            data = file.read(most + 1)
        if len(data) > most:
            raise TooLargeError(f"larger than {format_size(most)}")
        return FileContents(data, found.st_mtime)

    def _open(self, path: SafePath, resume: bool) -> tuple[int, int]:
        """Return a descriptor for the ``.part`` file, and how long it is."""
        with translated(path), self._folder.of(path, create=True) as (folder, leaf):
            return _open_there(resume, folder, leaf)

    def _size(self, path: SafePath) -> int:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            found = os.stat(leaf + PART, dir_fd=folder, follow_symlinks=False)
            # Anything else was not left by an earlier attempt.
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                return found.st_size
        return 0

    def _move(self, path: SafePath, to: SafePath) -> bool:
        with (
            translated(to),
            self._folder.of(to, create=True) as (new_folder, new_leaf),
            self._folder.of(path, create=False) as (folder, leaf),
        ):
            try:
                os.rename(leaf, new_leaf, src_dir_fd=folder, dst_dir_fd=new_folder)
            except FileNotFoundError:
                return False
        return True

    def _prune(self, path: SafePath) -> None:
        parent = SafePath(path.rpartition("/")[0])
        with suppress(OSError):
            while parent:
                with self._folder.of(parent, create=False) as (folder, leaf):
                    os.rmdir(leaf, dir_fd=folder)
                parent = SafePath(parent.rpartition("/")[0])

    def _unlink(self, path: SafePath, suffix: str) -> None:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            os.unlink(leaf + suffix, dir_fd=folder)


def _save_there(data: bytes, how: PublishOptions, folder: int | None, leaf: str) -> str:
    part = leaf + PART
    fd = create(part, folder)
    try:
        try:
            write_all(fd, data)
            set_time(fd, how)
        finally:
            os.close(fd)
        return publish(folder, leaf, how, None)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise


def _open_there(resume: bool, folder: int | None, leaf: str) -> tuple[int, int]:
    part = leaf + PART
    if resume:
        with suppress(FileNotFoundError):
            fd = os.open(part, CONTINUE, dir_fd=folder)
            found = os.fstat(fd)
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                return fd, found.st_size
            os.close(fd)
    return create(part, folder), 0
