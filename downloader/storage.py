"""Save files so that a name in the output folder means a whole file.

Bytes go to ``NAME.part`` and are renamed when the caller says that they are all there. Files are
reached from the folder's own descriptor, component by component, never through a symbolic link,
so nothing planted in the folder can lead a write out of it.
"""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

import aiofiles
from aiofiles.base import wrap
from aiofiles.threadpool.binary import AsyncBufferedIOBase

from downloader.errors import BlockedError, DiskError, OutputError
from downloader.paths import PART, SafePath

_THREADS = 4
_BLOCK = 1024 * 1024
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS
_CONTINUE = os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | _FLAGS
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HAS_DIR_FD = {os.open, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
#: Whether a time can only be set through a symbolic link.
_FOLLOWS = os.utime not in os.supports_follow_symlinks
#: Something in the folder is in the way of one name; other names are not affected.
_IN_THE_WAY = frozenset(
    {
        errno.ELOOP,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.EEXIST,
        errno.ENAMETOOLONG,
        errno.EACCES,
        errno.EPERM,
    }
)
#: The disk, and not the name that was given, is why no folder can be made.
_DISK_REFUSES = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}
)


_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})
_DESCRIPTOR_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Publish:
    """How a whole file gets its name.

    Attributes:
        ours: whether a file of that name is an earlier version of this one, to be replaced; what
            is not ours is kept under another name.
        modified: the modification time to give it, in seconds since the epoch, or None.
    """

    ours: bool = False
    modified: float | None = None


class Storage:
    """The output folder; an asynchronous context manager.

    *starving* is called when no file descriptor is free, before one is waited for.

    Raises, on entering:
        OutputError: the folder cannot be made or used.
        DiskError: the disk refuses to have it made or written to.
    """

    def __init__(self, root: Path, starving: Callable[[], None] = lambda: None) -> None:
        self._root = root
        self._starving = starving
        self._fd: int | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._save_later = self._in_thread(self._save)
        self._open_later = self._in_thread(self._open)
        self._publish_later = self._in_thread(self._publish)
        self._remove_later = self._in_thread(self._remove)
        self._size_later = self._in_thread(self._size)
        self._discard_later = self._in_thread(self._discard)

    async def __aenter__(self) -> Self:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            if _HAS_DIR_FD:
                self._fd = os.open(self._root, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
        except FileExistsError:
            raise OutputError(
                f"{self._root} is a file, not a folder", hint="see --output"
            ) from None
        except OSError as error:
            fault = DiskError if error.errno in _DISK_REFUSES else OutputError
            raise fault(
                f"cannot use the folder {self._root}: {error.strerror}", hint="see --output"
            ) from error
        if not os.access(self._root, os.W_OK | os.X_OK):
            await self.__aexit__(None, None, None)
            raise DiskError(f"cannot write to the folder {self._root}", hint="see --output")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    async def save(self, path: SafePath, data: bytes, how: "Publish") -> str:
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
        with _translated(path):
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
                    if error.errno not in _NO_DESCRIPTOR:
                        raise
                # Other transfers will end, and give theirs back.
                self._starving()
                await asyncio.sleep(_DESCRIPTOR_SECONDS)

        return patient

    def _save(self, path: SafePath, data: bytes, how: "Publish") -> str:
        with _translated(path), self._folder_of(path, create=True) as (folder, leaf):
            part = leaf + PART
            fd = _create(part, folder)
            try:
                with os.fdopen(fd, "wb", buffering=0) as file:
                    written = os.fstat(fd)
                    view = memoryview(data)
                    while view:
                        view = view[file.write(view) :]
                return _publish(folder, leaf, how, written)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise

    def _open(self, path: SafePath, resume: bool) -> tuple[int, int]:
        """Return a descriptor for the ``.part`` file, and how long it is."""
        with _translated(path), self._folder_of(path, create=True) as (folder, leaf):
            part = leaf + PART
            if resume:
                with suppress(FileNotFoundError):
                    fd = os.open(part, _CONTINUE, dir_fd=folder)
                    found = os.fstat(fd)
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                        return fd, found.st_size
                    os.close(fd)
            return _create(part, folder), 0

    def _publish(self, path: SafePath, how: "Publish", written: os.stat_result) -> str:
        with _translated(path), self._folder_of(path, create=False) as (folder, leaf):
            return _publish(folder, leaf, how, written)

    def _size(self, path: SafePath) -> int:
        with suppress(OSError), self._folder_of(path, create=False) as (folder, leaf):
            found = os.stat(leaf + PART, dir_fd=folder, follow_symlinks=False)
            # Anything else was not left by an earlier attempt.
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                return found.st_size
        return 0

    def _remove(self, path: SafePath) -> None:
        with suppress(OSError), self._folder_of(path, create=False) as (folder, leaf):
            os.unlink(leaf + PART, dir_fd=folder)

    def _discard(self, path: SafePath) -> None:
        with suppress(OSError), self._folder_of(path, create=False) as (folder, leaf):
            os.unlink(leaf, dir_fd=folder)

    @contextmanager
    def _folder_of(self, path: str, *, create: bool) -> Iterator[tuple[int | None, str]]:
        """Give the descriptor of the folder that holds *path*, and the name inside it.

        Without descriptors for folders (Windows) it gives None and the whole path, and refuses
        symbolic links by looking before.
        """
        *folders, leaf = path.split("/")
        if self._fd is None:
            yield None, str(self._checked(folders, create=create) / leaf)
            return
        current = os.dup(self._fd)
        try:
            for name in folders:
                below = _descend(name, current, create=create)
                os.close(current)
                current = below
            yield current, leaf
        finally:
            os.close(current)

    def _checked(self, folders: list[str], *, create: bool) -> Path:
        current = self._root
        for name in folders:
            current = current / name
            if current.is_symlink():
                raise OSError(errno.ELOOP, "a symbolic link", str(current))
            if create:
                current.mkdir(exist_ok=True)
        return current


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
        with _translated(self._path):
            while block := await self._stream.read(_BLOCK):
                yield block

    async def write(self, data: bytes) -> None:
        """Append *data*, in one hop to a thread.

        Raises:
            DiskError: the disk refuses.
        """
        with _translated(self._path):
            await self._stream.write(data)

    async def commit(self, how: Publish) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        Raises:
            DiskError: the disk refuses.
        """
        with _translated(self._path):
            written = os.fstat(self._stream.fileno())
            await self._stream.close()
        set_aside = await self._publish(self._path, how, written)
        self.committed = True
        return set_aside


def _publish(folder: int | None, leaf: str, how: Publish, written: os.stat_result) -> str:
    """Give a ``.part`` file its name; what is there and is not ours is kept under another.

    *written* tells which file it is, because another may have been put in its place.
    """
    part, aside = leaf + PART, ""
    if not os.path.samestat(os.stat(part, dir_fd=folder, follow_symlinks=False), written):
        raise OSError(errno.EEXIST, f"what is at its {PART} is another file")
    if how.modified is not None:
        times = (how.modified, how.modified)
        with suppress(OSError, OverflowError, ValueError):
            os.utime(part, times, dir_fd=folder, follow_symlinks=_FOLLOWS)
    if not how.ours and not _same_or_none(folder, part, leaf):
        aside = _free_name(folder, leaf)
        os.rename(leaf, aside, src_dir_fd=folder, dst_dir_fd=folder)
    os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
    return aside


def _same_or_none(folder: int | None, part: str, leaf: str) -> bool:
    """Return whether nothing is at *leaf* that would be lost if *part* took its place."""
    try:
        there = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(there.st_mode) or stat.S_ISLNK(there.st_mode):
        # Renaming over a folder fails by itself; over a link it replaces the link alone.
        return True
    new = os.stat(part, dir_fd=folder, follow_symlinks=False)
    return (
        stat.S_ISREG(there.st_mode)
        and there.st_size == new.st_size
        and _digest(leaf, folder) == _digest(part, folder)
    )


def _digest(leaf: str, folder: int | None) -> bytes:
    with os.fdopen(os.open(leaf, _READ, dir_fd=folder), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _free_name(folder: int | None, leaf: str) -> str:
    """Return ``LEAF.~1~`` or the next that is free, as GNU's numbered backups are named."""
    number = 1
    while True:
        name = f"{leaf}.~{number}~"
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return name
        number += 1


def _create(name: str, folder: int | None) -> int:
    """Create a file that nothing else has open; a leftover of that name is removed first."""
    try:
        return os.open(name, _CREATE, 0o666, dir_fd=folder)
    except FileExistsError:
        os.unlink(name, dir_fd=folder)
        return os.open(name, _CREATE, 0o666, dir_fd=folder)


def _descend(name: str, folder: int, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_DESCRIPTOR:
            raise
        if error.errno in _IN_THE_WAY:
            raise BlockedError(
                f"{path} cannot be saved: {error.strerror}", hint="something is in its way there"
            ) from error
        raise DiskError(f"cannot save {path}: {error.strerror}", hint="see --output") from error
