"""Save files in the output folder: small ones in one call, large ones in pieces."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiofiles
from aiofiles.threadpool.binary import AsyncFileIO

from downloader.errors import TooLargeError
from downloader.storage.atomic_rename import PublishOptions, publish
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.output_folder import (
    NO_DESCRIPTOR_ERRNOS,
    READ_FLAGS,
    RESUME_FLAGS,
    OutputFolder,
    create_file,
    raise_translated,
    translate_os_errors,
)
from downloader.storage.part_file import LocalPartFile, WriteBuffers, do_nothing
from downloader.storage.storage import FileContents, PartFile
from downloader.web.filenames import SafePath, filesystem_path
from downloader.web.path_parts import PART
from downloader.web.text import format_size

#: Seconds between attempts to open a file while the process has no descriptor left.
DESCRIPTOR_RETRY_SECONDS = 0.1
#: Whether names can only be added to a file through symbolic links.
_LINK_FOLLOWS = os.link not in os.supports_follow_symlinks
#: The file system has no hard links, or the file has as many as it can have.
_NO_LINK_ERRNOS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_Result = TypeVar("_Result")


class LocalStorage:
    """A :class:`Storage` of files below the output folder.

    Args:
        root: the output folder.
        free_descriptors: called when the process has no file descriptor left, to close those that
            others hold idle.

    Raises, on entering:
        OutputError: the folder cannot be created or used.
        DiskError: the disk refuses.
    """

    #: The end of the name of a file that is not whole.
    _suffix = PART

    def __init__(self, root: Path, free_descriptors: Callable[[], None] = lambda: None) -> None:
        self._folder = OutputFolder(root)
        self._free_descriptors = free_descriptors
        self._executor = BatchingExecutor()
        self._observers = ThreadPoolExecutor(1, thread_name_prefix="body observer")
        self._buffers = WriteBuffers()
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._folder.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._abandoned:
            await asyncio.wait(self._abandoned)
        await self._executor.close()
        self._observers.shutdown()
        self._folder.close()

    def save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None] = do_nothing,
    ) -> Coroutine[Any, Any, str]:
        """Save a small file whole, as :meth:`Storage.save`."""
        return self._run(partial(self._save, path, data, options, before_publish))

    async def read(self, path: SafePath, max_bytes: int) -> FileContents:
        """Return a whole file, as :meth:`Storage.read`."""
        return await self._run(partial(self._read, path, max_bytes))

    async def remove(self, path: SafePath) -> None:
        """Remove a file that has been replaced by one of another name."""
        await self._run(partial(self._unlink, path))

    async def move(self, path: SafePath, to: SafePath) -> bool:
        """Rename a file; return whether it existed."""
        return await self._run(partial(self._move, path, to))

    async def link(self, path: SafePath, to: SafePath) -> bool:
        """Give a file a second name, as :meth:`Storage.link`."""
        return await self._run(partial(self._link, path, to))

    async def remove_empty_folders(self, path: SafePath) -> None:
        """Remove the folders above *path* that are empty."""
        await self._run(partial(self._remove_empty_folders, path))

    async def part_size(self, path: SafePath) -> int:
        """Return the size of the ``.part`` file in bytes; 0 if there is none."""
        return await self._run(partial(self._part_size, path))

    async def read_part_head(self, path: SafePath, max_bytes: int) -> bytes:
        """Return the first bytes of the ``.part`` file, as :meth:`Storage.read_part_head`."""
        return await self._run(partial(self._read_part_head, path, max_bytes))

    async def remove_part(self, path: SafePath) -> None:
        """Remove a ``.part`` file that nothing can resume."""
        await self._run(partial(self._unlink, path, self._suffix))

    @asynccontextmanager
    async def open_part(self, path: SafePath, *, resume: bool = False) -> AsyncIterator[PartFile]:
        """Open a file that is written in pieces, as :meth:`Storage.open_part`."""
        opening = asyncio.create_task(self._open_part(path, resume=resume), name="open part file")
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # The thread may open it nevertheless.
            abandoned = asyncio.create_task(self._close_abandoned(path, opening))
            self._abandoned.add(abandoned)
            abandoned.add_done_callback(self._abandoned.discard)
            raise
        self._buffers.files += 1
        publish = partial(self._publish_part, path)
        part = LocalPartFile(path, file, self._executor, self._observers, self._buffers, publish)
        try:
            yield part
        finally:
            self._buffers.files -= 1
            # Shielded: a second cancellation must leave nothing behind either.
            await asyncio.shield(asyncio.ensure_future(self._end_part(part, path)))

    async def _open_part(self, path: SafePath, *, resume: bool) -> AsyncFileIO:
        def open_without_links(_path: str, _flags: int) -> int:
            with (
                translate_os_errors(path),
                self._folder.open_parent(path, create=True) as (folder, leaf),
            ):
                return _open_part_file(folder, leaf + self._suffix, resume=resume)

        while True:
            try:
                return await aiofiles.open(
                    filesystem_path(path),
                    "r+b",
                    buffering=0,
                    opener=open_without_links,
                    executor=self._executor,
                )
            except OSError as error:
                await self._wait_for_descriptor(error)

    async def _close_abandoned(self, path: SafePath, opening: asyncio.Task[AsyncFileIO]) -> None:
        """Close a file whose transfer was cancelled while it was being opened."""
        with suppress(Exception):
            file = await opening
            is_empty = not os.fstat(file.fileno()).st_size
            await file.close()
            if is_empty:
                await self.remove_part(path)

    async def _end_part(self, part: LocalPartFile, path: SafePath) -> None:
        await part.close()
        if not part.committed and not part.keep:
            await self.remove_part(path)

    async def _publish_part(
        self, path: SafePath, options: PublishOptions, written: os.stat_result
    ) -> str:
        """Give a closed ``.part`` file its name; return the backup name of another file."""
        return await self._executor.run(partial(self._rename_part, path, options, written))

    def _rename_part(self, path: SafePath, options: PublishOptions, written: os.stat_result) -> str:
        with (
            translate_os_errors(path),
            self._folder.open_parent(path, create=False) as (folder, leaf),
        ):
            return publish(folder, leaf, options, written, suffix=self._suffix)

    async def _run(self, function: Callable[[], _Result]) -> _Result:
        """Call *function* in a thread, again and again while no file descriptor is left."""
        while True:
            try:
                return await self._executor.run(function)
            except OSError as error:
                await self._wait_for_descriptor(error)

    async def _wait_for_descriptor(self, error: OSError) -> None:
        """Return when a file descriptor may be free; raise *error* if it has another reason."""
        if error.errno not in NO_DESCRIPTOR_ERRNOS:
            raise error
        # Other transfers will end and close theirs.
        self._folder.close_unused()
        self._free_descriptors()
        await asyncio.sleep(DESCRIPTOR_RETRY_SECONDS)

    def _save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None],
    ) -> str:
        before_publish()
        try:
            # As open_parent() does; without its context, because this is done for every URL.
            opened, folder, leaf = self._folder.acquire(path, create=True)
            try:
                return _save_file(folder, leaf, data, options, self._suffix)
            finally:
                if opened is not None:
                    self._folder.release(opened)
        except OSError as error:
            raise_translated(error, path)

    def _read(self, path: SafePath, max_bytes: int) -> FileContents:
        with (
            translate_os_errors(path),
            self._folder.open_parent(path, create=False) as (folder, leaf),
            os.fdopen(os.open(leaf, READ_FLAGS, dir_fd=folder), "rb") as file,
        ):
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EEXIST, "not a regular file")
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise TooLargeError(f"larger than {format_size(max_bytes)}")
        return FileContents(data, status.st_mtime)

    def _part_size(self, path: SafePath) -> int:
        with suppress(OSError), self._folder.open_parent(path, create=False) as (folder, leaf):
            status = os.stat(leaf + self._suffix, dir_fd=folder, follow_symlinks=False)
            if _is_private_file(status):
                return status.st_size
        return 0

    def _read_part_head(self, path: SafePath, max_bytes: int) -> bytes:
        with (
            suppress(OSError),
            self._folder.open_parent(path, create=False) as (folder, leaf),
            os.fdopen(os.open(leaf + self._suffix, READ_FLAGS, dir_fd=folder), "rb") as file,
        ):
            if _is_private_file(os.fstat(file.fileno())):
                return file.read(max_bytes)
        return b""

    def _move(self, path: SafePath, to: SafePath) -> bool:
        with (
            translate_os_errors(to),
            self._folder.open_parent(to, create=True) as (new_folder, new_leaf),
            self._folder.open_parent(path, create=False) as (folder, leaf),
        ):
            try:
                os.rename(leaf, new_leaf, src_dir_fd=folder, dst_dir_fd=new_folder)
                # Nothing happened if both are names of one file (POSIX), as after link().
                os.unlink(leaf, dir_fd=folder)
            except FileNotFoundError:
                return False
        return True

    def _link(self, path: SafePath, to: SafePath) -> bool:
        with (
            translate_os_errors(to),
            self._folder.open_parent(to, create=True) as (new_folder, new_leaf),
            self._folder.open_parent(path, create=False) as (folder, leaf),
        ):
            link = partial(
                os.link,
                leaf,
                new_leaf,
                src_dir_fd=folder,
                dst_dir_fd=new_folder,
                follow_symlinks=_LINK_FOLLOWS,
            )
            try:
                try:
                    link()
                except FileExistsError:
                    os.unlink(new_leaf, dir_fd=new_folder)
                    link()
            except OSError as error:
                if error.errno in _NO_LINK_ERRNOS:
                    return False
                raise
        return True

    def _remove_empty_folders(self, path: SafePath) -> None:
        parent = SafePath(path.rpartition("/")[0])
        with suppress(OSError):
            while parent:
                with self._folder.open_parent(parent, create=False) as (folder, leaf):
                    os.rmdir(leaf, dir_fd=folder)
                parent = SafePath(parent.rpartition("/")[0])

    def _unlink(self, path: SafePath, suffix: str = "") -> None:
        with suppress(OSError), self._folder.open_parent(path, create=False) as (folder, leaf):
            os.unlink(leaf + suffix, dir_fd=folder)


class SingleFileStorage(LocalStorage):
    """A storage of one file, without a journal: no later run could resume its ``.part`` file.

    The file may be among others of the user. Browsers, too, have files called ``NAME.part``.
    """

    _suffix = f".download{PART}"

    def __init__(self, root: Path, file: SafePath, free_descriptors: Callable[[], None]) -> None:
        super().__init__(root, free_descriptors)
        self._file = file

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.remove_part(self._file)
        await super().__aexit__(kind, error, traceback)


def _save_file(
    folder: int | None, leaf: str, data: bytes, options: PublishOptions, suffix: str
) -> str:
    part = leaf + suffix
    fd = create_file(part, folder)
    try:
        try:
            written = os.write(fd, data)
            while written < len(data):
                written += os.write(fd, memoryview(data)[written:])
        finally:
            os.close(fd)
        return publish(folder, leaf, options, suffix=suffix)
    except BaseException:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise


def _open_part_file(folder: int | None, name: str, *, resume: bool) -> int:
    """Return the descriptor of a ``.part`` file: an earlier attempt's if it is one, else new."""
    if resume:
        with suppress(FileNotFoundError):
            fd = os.open(name, RESUME_FLAGS, dir_fd=folder)
            if _is_private_file(os.fstat(fd)):
                return fd
            os.close(fd)
    return create_file(name, folder)


def _is_private_file(status: os.stat_result) -> bool:
    """Return whether it is a regular file with one name: a write to it changes no other file."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1
