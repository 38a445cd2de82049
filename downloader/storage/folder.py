"""Reach files below the output folder, part by part, and never through a symbolic link."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from downloader.errors import BlockedError, DiskError, OutputError

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS
CONTINUE = os.O_RDWR | getattr(os, "O_NONBLOCK", 0) | _FLAGS
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_HAS_DIR_FD = {os.open, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
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
#: No descriptor is free; one will be, when another transfer ends.
NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})


#: So many folders are kept open, because files of one folder often follow each other.
_KEPT_OPEN = 16


class _OpenFolder:
    """A folder that is open, which one it is, and by how many it is used just now."""

    __slots__ = ("fd", "identity", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.identity = os.fstat(fd)
        self.users = 0


class Folder:
    """The output folder, held by its descriptor where the system has such. Safe for threads.

    Raises, when opened:
        OutputError: it cannot be made or used.
        DiskError: the disk refuses to have it made or written to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd: int | None = None
        self._kept: dict[str, _OpenFolder] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the folder if it is missing, and hold it."""
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
            self.close()
            raise DiskError(f"cannot write to the folder {self._root}", hint="see --output")

    def close(self) -> None:
        """Let go of the folder."""
        self.close_kept()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def close_kept(self) -> None:
        """Give back the descriptors of folders that nobody uses just now."""
        with self._lock:
            self._drop_unused(len(self._kept))

    @contextmanager
    def of(self, path: str, *, create: bool) -> Iterator[tuple[int | None, str]]:
        """Give the descriptor of the folder that holds *path*, and the name inside it.

        Without descriptors for folders (Windows) it gives None and the whole path, and refuses
        symbolic links by looking before.
        """
        folder, _, leaf = path.rpartition("/")
        if self._fd is None:
            folders = folder.split("/") if folder else []
            yield None, str(self._checked(folders, create=create) / leaf)
            return
        if not folder:
            yield self._fd, leaf
            return
        found = self._borrow(folder, create=create)
        try:
            yield found.fd, leaf
        finally:
            with self._lock:
                found.users -= 1
                if not found.users and self._kept.get(folder) is not found:
                    os.close(found.fd)

    def _borrow(self, folder: str, *, create: bool) -> _OpenFolder:
        with self._lock:
            found = self._kept.pop(folder, None)
            if found is not None and not self._is_still(folder, found):
                if not found.users:
                    os.close(found.fd)
                found = None
            if found is None:
                found = _OpenFolder(self._descend(folder, create=create))
            self._kept[folder] = found  # behind the others: it was used last
            found.users += 1
            self._drop_unused(len(self._kept) - _KEPT_OPEN)
        return found

    def _is_still(self, folder: str, found: _OpenFolder) -> bool:
        """Return whether that name still leads to the folder that was opened."""
        end = folder.find("/")
        try:
            while end >= 0:
                above = os.stat(folder[:end], dir_fd=self._fd, follow_symlinks=False)
                if not stat.S_ISDIR(above.st_mode):
                    return False
                end = folder.find("/", end + 1)
            there = os.stat(folder, dir_fd=self._fd, follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(there, found.identity)

    def _drop_unused(self, most: int) -> None:
        """Close up to *most* folders that are kept open, those used longest ago first."""
        if most <= 0:
            return
        for folder in [name for name, each in self._kept.items() if not each.users][:most]:
            os.close(self._kept.pop(folder).fd)

    def _descend(self, folder: str, *, create: bool) -> int:
        """Open *folder*, step by step from the output folder."""
        if self._fd is None:
            raise RuntimeError("the output folder is not open")
        current = os.dup(self._fd)
        try:
            for name in folder.split("/"):
                below = _step(name, current, create=create)
                os.close(current)
                current = below
        except BaseException:
            os.close(current)
            raise
        return current

    def _checked(self, folders: list[str], *, create: bool) -> Path:
        current = self._root
        for name in folders:
            current = current / name
            if current.is_symlink():
                raise OSError(errno.ELOOP, "a symbolic link", str(current))
            if create:
                current.mkdir(exist_ok=True)
        return current


def create(name: str, folder: int | None) -> int:
    """Create a file that nothing else has open; a leftover of that name is removed first."""
    try:
        return os.open(name, _CREATE, 0o666, dir_fd=folder)
    except FileExistsError:
        os.unlink(name, dir_fd=folder)
        return os.open(name, _CREATE, 0o666, dir_fd=folder)


def _step(name: str, folder: int, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


@contextmanager
def translated(path: str) -> Iterator[None]:
    """Turn what the system refuses for *path* into an error of ours.

    That no descriptor is free passes unchanged, because it passes by itself.

    Raises:
        DiskError: the disk refuses.
        BlockedError: something in the folder is in the way.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise
        if error.errno in _IN_THE_WAY:
            raise BlockedError(
                f"{path} cannot be saved: {error.strerror}", hint="something is in its way there"
            ) from error
        raise DiskError(f"cannot save {path}: {error.strerror}", hint="see --output") from error
