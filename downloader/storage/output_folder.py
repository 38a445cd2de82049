"""Open files below the output folder, one path component at a time, through no symbolic link."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from downloader.errors import BlockedError, DiskError, NameTooLongError, OutputError
from downloader.web.filenames import filesystem_path, parent_folders

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS
RESUME_FLAGS = os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | _FLAGS
_CREATE_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
_FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HAS_DIR_FD = {os.open, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
#: Something in the folder is in the way of one name; other names are not affected.
_BLOCKED_ERRNOS = frozenset(
    {
        errno.ELOOP,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.ENOTEMPTY,
        errno.EEXIST,
        errno.EACCES,
        errno.EPERM,
    }
)
#: The output folder cannot be created because of the disk, and not because of the name given.
_DISK_ERRNOS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}
)
#: The process or the system has no file descriptor left; one is free when a transfer ends.
NO_DESCRIPTOR_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE})
#: Folders that stay open, because files of one folder often follow each other.
MAX_CACHED_FOLDERS = 16


class _OpenFolder:
    """An open folder.

    Attributes:
        path: relative to the output folder.
        above: the paths of the folders above it.
        fd: its descriptor.
        identity: its device and inode.
        users: how many threads use it now.
    """

    __slots__ = ("above", "fd", "identity", "path", "users")

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.above = tuple(parent_folders(path))
        self.fd = fd
        status = os.fstat(fd)
        self.identity = status.st_dev, status.st_ino
        self.users = 0


class OutputFolder:
    """A folder, held by its descriptor where the system has such; safe for threads.

    Raises, when opened:
        OutputError: it cannot be created or used.
        DiskError: the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd: int | None = None
        self._cache: dict[str, _OpenFolder] = {}  # the least recently used first
        self._lock = threading.Lock()

    def open(self, *, for_reading: bool = False) -> None:
        """Create the folder if it is missing, and open it; only read it with *for_reading*."""
        if for_reading:
            if _HAS_DIR_FD:
                self._fd = os.open(self._root, _FOLDER_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
            return
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            if _HAS_DIR_FD:
                self._fd = os.open(self._root, _FOLDER_FLAGS & ~getattr(os, "O_NOFOLLOW", 0))
        except FileExistsError:
            raise OutputError(
                f"{self._root} is a file, not a folder", hint="see --output"
            ) from None
        except OSError as error:
            kind = DiskError if error.errno in _DISK_ERRNOS else OutputError
            raise kind(
                f"cannot use the folder {self._root}: {error.strerror}", hint="see --output"
            ) from error
        if not os.access(self._root, os.W_OK | os.X_OK):
            self.close()
            raise DiskError(f"cannot write to the folder {self._root}", hint="see --output")

    def close(self) -> None:
        """Close all descriptors."""
        self.close_unused()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def close_unused(self) -> None:
        """Close the cached folders that no thread uses."""
        with self._lock:
            self._evict(len(self._cache))

    def open_parent(self, path: str, *, create: bool) -> "_Parent":
        """Give the descriptor of the folder that holds *path*, and the name in that folder.

        Without descriptors for folders (Windows) they are None and the whole path, and symbolic
        links are refused by a check beforehand.

        Args:
            path: relative to this folder.
            create: whether missing folders are created.
        """
        return _Parent(self, path, create=create)

    def acquire(self, path: str, *, create: bool) -> tuple[_OpenFolder | None, int | None, str]:
        """Return what :meth:`open_parent` gives, after the folder to release, if there is one."""
        folder, _, leaf = filesystem_path(path).rpartition("/")
        if self._fd is None:
            names = folder.split("/") if folder else []
            return None, None, str(self._parent_without_links(names, create=create) / leaf)
        if not folder:
            return None, self._fd, leaf
        with self._lock:
            opened = self._cache.pop(folder, None)
            if opened is not None and not self._is_current(opened):
                if not opened.users:
                    os.close(opened.fd)
                opened = None
            if opened is None:
                opened = _OpenFolder(folder, self._open_below(folder, create=create))
                self._evict(len(self._cache) + 1 - MAX_CACHED_FOLDERS)
            self._cache[folder] = opened
            opened.users += 1
        return opened, opened.fd, leaf

    def release(self, opened: _OpenFolder) -> None:
        """End the use of a folder by this thread."""
        with self._lock:
            opened.users -= 1
            if not opened.users and self._cache.get(opened.path) is not opened:
                os.close(opened.fd)

    def _is_current(self, opened: _OpenFolder) -> bool:
        """Return whether the path still leads to the folder that was opened, without a link."""
        try:
            for folder in opened.above:
                status = os.stat(folder, dir_fd=self._fd, follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    return False
            status = os.stat(opened.path, dir_fd=self._fd, follow_symlinks=False)
        except OSError:
            return False
        return opened.identity == (status.st_dev, status.st_ino)

    def _evict(self, number: int) -> None:
        """Close up to *number* cached folders that no thread uses, least recently used first."""
        if number <= 0:
            return
        for folder in [name for name, each in self._cache.items() if not each.users][:number]:
            os.close(self._cache.pop(folder).fd)

    def _open_below(self, folder: str, *, create: bool) -> int:
        """Open *folder*, one component after the other."""
        if self._fd is None:
            raise RuntimeError("the output folder is not open")
        current = os.dup(self._fd)
        try:
            for name in folder.split("/"):
                child = _open_child(name, current, create=create)
                os.close(current)
                current = child
        except BaseException:
            os.close(current)
            raise
        return current

    def _parent_without_links(self, names: list[str], *, create: bool) -> Path:
        current = self._root
        for name in names:
            current = current / name
            if current.is_symlink():
                raise OSError(errno.ELOOP, "a symbolic link", str(current))
            if create:
                current.mkdir(exist_ok=True)
        return current


class _Parent:
    """The context of :meth:`OutputFolder.open_parent`; a generator would be slower."""

    __slots__ = ("_create", "_opened", "_output", "_path")

    def __init__(self, output: OutputFolder, path: str, *, create: bool) -> None:
        self._output = output
        self._path = path
        self._create = create
        self._opened: _OpenFolder | None = None

    def __enter__(self) -> tuple[int | None, str]:
        self._opened, fd, leaf = self._output.acquire(self._path, create=self._create)
        return fd, leaf

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            self._output.release(self._opened)


def create_file(name: str, folder: int | None) -> int:
    """Create a file and open it; an old file or link of that name is removed first."""
    try:
        return os.open(name, _CREATE_FLAGS, 0o666, dir_fd=folder)
    except FileExistsError:
        os.unlink(name, dir_fd=folder)
        return os.open(name, _CREATE_FLAGS, 0o666, dir_fd=folder)


def _open_child(name: str, folder: int, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER_FLAGS, dir_fd=folder)


@contextmanager
def translate_os_errors(path: str) -> Iterator[None]:
    """Raise errors of the operating system as errors of this program, naming *path*.

    The lack of a file descriptor is raised unchanged, because it passes.

    Raises:
        DiskError: the disk refuses.
        BlockedError: something in the folder is in the way, or (NameTooLongError) a name is too
            long for the file system.
    """
    try:
        yield
    except OSError as error:
        raise_translated(error, path)


def raise_translated(error: OSError, path: str) -> NoReturn:
    """Raise *error* as :func:`translate_os_errors` does."""
    if error.errno in NO_DESCRIPTOR_ERRNOS:
        raise error
    if error.errno == errno.ENAMETOOLONG:
        raise NameTooLongError(
            f"{path} cannot be saved: {error.strerror}", hint="see --name-template"
        ) from error
    if error.errno in _BLOCKED_ERRNOS:
        raise BlockedError(
            f"{path} cannot be saved: {error.strerror}",
            hint="another file or folder is in the way",
        ) from error
    raise DiskError(f"cannot save {path}: {error.strerror}", hint="see --output") from error
