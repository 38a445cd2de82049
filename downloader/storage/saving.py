"""Save small files many to one hop to a thread, and large ones in pieces."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from downloader.errors import TooLargeError
from downloader.paths import PART, SafePath
from downloader.storage.folder import CONTINUE, NO_DESCRIPTOR, READ, Folder, create, translated
from downloader.storage.hops import Hops
from downloader.storage.publish import Publish, publish, set_time
from downloader.text import format_size

_BLOCK = 1024 * 1024
_DESCRIPTOR_SECONDS = 0.1
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole file.

    Attributes:
        data: its bytes.
        modified: its modification time, in seconds since the epoch.
    """

    data: bytes
    modified: float


def _nothing() -> None:
    """Do nothing before a piece is written."""


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
        self._hops = Hops()

    async def __aenter__(self) -> Self:
        self._folder.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hops.close()
        self._folder.close()

    async def save(
        self, path: SafePath, data: bytes, how: Publish, before: Callable[[], None] = _nothing
    ) -> str:
        """Save a small file whole.

        *before* is called in the same thread; what it raises is raised here, and nothing is saved.
        Returns the new name of a file that was in its place and is not ours, or an empty string.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        return await self._patiently(partial(self._save, path, data, how, before))

    async def read(self, path: SafePath, most: int) -> Contents:
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

    async def parked_size(self, path: SafePath) -> int:
        """Return how many bytes the ``.part`` file holds; 0 if there is none."""
        return await self._patiently(partial(self._size, path))

    async def drop(self, path: SafePath) -> None:
        """Remove a ``.part`` file that nothing can continue."""
        await self._patiently(partial(self._unlink, path, PART))

    @asynccontextmanager
    async def begin(self, path: SafePath, *, resume: bool = False) -> AsyncIterator["PartFile"]:
        """Give a file to be written in pieces, under its ``.part`` name.

        With *resume* it is the one that an earlier attempt left, if it is still there. When it is
        left without commit it is removed, unless its ``keep`` says that it can be continued.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        fd, size = await self._patiently(partial(self._open, path, resume))
        part = PartFile(path, fd, size, self._hops, self._folder)
        try:
            yield part
        finally:
            await part.close()
            if not part.committed and not part.keep:
                await self.drop(path)

    async def _patiently(self, function: Callable[[], _Result]) -> _Result:
        """Run *function* in a thread, as often as it takes until a descriptor is free."""
        while True:
            try:
                return await self._hops.run(function)
            except OSError as error:
                if error.errno not in NO_DESCRIPTOR:
                    raise
            # Other transfers will end, and give theirs back.
            self._folder.close_kept()
            self._starving()
            await asyncio.sleep(_DESCRIPTOR_SECONDS)

    def _save(self, path: SafePath, data: bytes, how: Publish, before: Callable[[], None]) -> str:
        before()
        with translated(path), self._folder.of(path, create=True) as (folder, leaf):
            return _save_there(data, how, folder, leaf)

    def _read(self, path: SafePath, most: int) -> Contents:
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
        return Contents(data, found.st_mtime)

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

    def _unlink(self, path: SafePath, suffix: str) -> None:
        with suppress(OSError), self._folder.of(path, create=False) as (folder, leaf):
            os.unlink(leaf + suffix, dir_fd=folder)


class PartFile:
    """A file that is being written under its ``.part`` name.

    Attributes:
        size: how many bytes an earlier attempt has left.
        keep: whether it can be continued later, and so stays when it is left unfinished.
        committed: whether it has its final name.
    """

    def __init__(self, path: SafePath, fd: int, size: int, hops: Hops, folder: Folder) -> None:
        self.size = size
        self.keep = False
        self.committed = False
        self._path = path
        self._fd: int | None = fd
        self._hops = hops
        self._folder = folder
        self._writing: asyncio.Future[None] | None = None

    async def existing(self) -> AsyncIterator[bytes]:
        """Yield what an earlier attempt has left; what is written then goes behind it."""
        fd = self._opened()
        with translated(self._path):
            while block := await self._hops.run(lambda: os.read(fd, _BLOCK)):
                yield block

    async def write(self, pieces: list[bytes], before: Callable[[], None] = _nothing) -> None:
        """Append *pieces*, in a thread, when what was written before is on its way.

        It returns before they are written, so that more can be received meanwhile; what goes wrong
        is raised by the next call. *before* is called in the same thread.

        Raises:
            DiskError: the disk refuses.
        """
        await self._settle()
        self._writing = self._hops.run(partial(_append, self._opened(), pieces, before))

    async def commit(self, how: Publish, before: Callable[[], None] = _nothing) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        *before* is called when all is written; what it raises is raised here.

        Raises:
            DiskError: the disk refuses.
        """
        await self._settle()
        before()
        fd, self._fd = self._opened(), None
        set_aside = await self._hops.run(partial(self._publish, fd, how))
        self.committed = True
        return set_aside

    async def close(self) -> None:
        """Close the file, when what is being written to it is done."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()  # reported already, or of no interest to who gives up
        with suppress(OSError):
            await self._hops.run(lambda: os.close(fd))

    async def _settle(self) -> None:
        """Wait until what was given has been written."""
        if self._writing is not None:
            with translated(self._path):
                # Who is cancelled here must not close the file under the hands of the thread.
                await asyncio.shield(self._writing)
            self._writing = None

    def _opened(self) -> int:
        if self._fd is None:
            raise ValueError("the file is closed")
        return self._fd

    def _publish(self, fd: int, how: Publish) -> str:
        with translated(self._path):
            try:
                set_time(fd, how)
                written = os.fstat(fd)
            finally:
                os.close(fd)
            with self._folder.of(self._path, create=False) as (folder, leaf):
                return publish(folder, leaf, how, written)


def _append(fd: int, pieces: list[bytes], before: Callable[[], None]) -> None:
    before()
    for piece in pieces:
        _write_all(fd, piece)


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    if written < len(data):
        view = memoryview(data)[written:]
        while view:
            view = view[os.write(fd, view) :]


def _save_there(data: bytes, how: Publish, folder: int | None, leaf: str) -> str:
    part = leaf + PART
    fd = create(part, folder)
    try:
        try:
            _write_all(fd, data)
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
