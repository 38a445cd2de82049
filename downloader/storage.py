"""Save files so that a name in the output folder means a whole file.

Bytes go to ``NAME.part`` and are renamed when the caller says that they are all there. Files are
reached from the folder's own descriptor, component by component, never through a symbolic link,
so nothing planted in the folder can lead a write out of it.
"""

import errno
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self

import aiofiles
from aiofiles.base import wrap
from aiofiles.threadpool.binary import AsyncBufferedIOBase

from downloader.errors import BlockedError, DiskError, OutputError
from downloader.paths import PART, SafePath

_THREADS = 4
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_CREATE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_HAS_DIR_FD = {os.open, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
#: Something in the folder is in the way of one name; other names are not affected.
_IN_THE_WAY = frozenset(
    {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ENAMETOOLONG}
)


_Arguments = ParamSpec("_Arguments")
#: A function that does its work in a thread.
_Hop = Callable[_Arguments, Awaitable[None]]


class Storage:
    """The output folder; an asynchronous context manager.

    Raises, on entering:
        OutputError: the folder cannot be made or used.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd: int | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._write_later = self._in_thread(self._write_whole)
        self._rename_later = self._in_thread(self._rename)
        self._remove_later = self._in_thread(self._remove)

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
            raise OutputError(
                f"cannot use the folder {self._root}: {error.strerror}", hint="see --output"
            ) from error
        if not os.access(self._root, os.W_OK | os.X_OK):
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

    async def save(self, path: SafePath, data: bytes) -> None:
        """Save a small file whole, in one hop to a thread.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        await self._write_later(path, data)

    @asynccontextmanager
    async def begin(self, path: SafePath) -> AsyncIterator["PartFile"]:
        """Give a file to be written in pieces; left without commit, it is removed.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """
        with _translated(path):
            stream = await aiofiles.open(path, "wb", opener=self._open_part, executor=self._threads)
        part = PartFile(path, stream, self._rename_later)
        try:
            yield part
        finally:
            if not part.committed:
                with suppress(OSError):
                    await stream.close()
                await self._remove_later(path)

    def _in_thread(self, function: Callable[_Arguments, None]) -> _Hop[_Arguments]:
        """Return *function* as a coroutine function that takes one hop to a thread."""
        hop: _Hop[_Arguments] = partial(wrap(function), executor=self._threads)
        return hop

    def _write_whole(self, path: SafePath, data: bytes) -> None:
        with _translated(path), self._folder_of(path, create=True) as (folder, leaf):
            part = leaf + PART
            fd = _create(part, folder)
            try:
                with os.fdopen(fd, "wb", buffering=0) as file:
                    view = memoryview(data)
                    while view:
                        view = view[file.write(view) :]
                os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part, dir_fd=folder)
                raise

    def _open_part(self, path: str, _flags: int) -> int:
        with self._folder_of(path, create=True) as (folder, leaf):
            return _create(leaf + PART, folder)

    def _rename(self, path: SafePath) -> None:
        with _translated(path), self._folder_of(path, create=False) as (folder, leaf):
            os.replace(leaf + PART, leaf, src_dir_fd=folder, dst_dir_fd=folder)

    def _remove(self, path: SafePath) -> None:
        with suppress(OSError), self._folder_of(path, create=False) as (folder, leaf):
            os.unlink(leaf + PART, dir_fd=folder)

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
        committed: whether it has its final name.
    """

    def __init__(
        self, path: SafePath, stream: AsyncBufferedIOBase, rename: "_Hop[[SafePath]]"
    ) -> None:
        self.committed = False
        self._path = path
        self._stream = stream
        self._rename = rename

    async def write(self, data: bytes) -> None:
        """Append *data*, in one hop to a thread.

        Raises:
            DiskError: the disk refuses.
        """
        with _translated(self._path):
            await self._stream.write(data)

    async def commit(self) -> None:
        """Close the file and give it its name.

        Raises:
            DiskError: the disk refuses.
        """
        with _translated(self._path):
            await self._stream.close()
        await self._rename(self._path)
        self.committed = True


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
        if error.errno in _IN_THE_WAY:
            raise BlockedError(
                f"{path} cannot be saved: {error.strerror}", hint="something is in its way"
            ) from error
        raise DiskError(f"cannot save {path}: {error.strerror}", hint="see --output") from error
