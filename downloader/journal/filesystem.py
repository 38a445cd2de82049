"""Look at saved files on disk, without following symbolic links."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from downloader.journal.model import SavedFile
from downloader.journal.naming import SHORTER_NAME_BYTES
from downloader.web.filenames import FileName, filesystem_path, from_filesystem
from downloader.web.path_parts import MAX_NAME_BYTES, PART

#: Seconds by which the coarse clock of a file system may be behind the system's clock.
CLOCK_SLACK_SECONDS = 0.05


def stat_regular_file(path: str) -> os.stat_result | None:
    """Return the status of a regular file; None if there is none, or a link."""
    try:
        # Called for every line of a second run: a Path object would cost more than the call.
        status = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    except (OSError, ValueError):
        # A damaged journal may hold a path that no file can have.
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def is_free_of_links(root: Path, folder: str) -> bool:
    """Return whether no component of *folder*, relative to *root*, is a symbolic link."""
    path = root
    for name in filesystem_path(folder).split("/"):
        path = path / name
        if path.is_symlink():
            return False
    return True


def max_name_bytes(root: Path) -> int:
    """Return how many bytes the file system of the folder *root* takes for a name, as far as known.

    It is no more than what common file systems take, and no less than what names need.
    """
    try:
        limit = os.statvfs(root).f_namemax
    except (AttributeError, OSError):
        # Windows has no such call.
        return MAX_NAME_BYTES
    return min(max(limit, SHORTER_NAME_BYTES[-1]), MAX_NAME_BYTES) if limit > 0 else MAX_NAME_BYTES


def hash_file(file: Path, algorithm: str) -> bytes:
    """Return the digest of a file; empty if it cannot be read."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).digest()
    except OSError:
        return b""


def list_files(root: Path, folder: str) -> Iterator[str]:
    """Yield the paths, relative to *root*, of what is directly in *folder*, but ``.part`` files."""
    with suppress(OSError), os.scandir(root / filesystem_path(folder)) as entries:
        for entry in entries:
            if not entry.name.endswith(PART):
                name = from_filesystem(entry.name)
                yield f"{folder}/{name}" if folder else name


def find_saved_since(root: Path, name: FileName, since: float) -> SavedFile | None:
    """Return the file of the URL with *name* that was saved after *since*, or None.

    A file of that name is whole; one that is older is another's.

    Args:
        root: the output folder.
        name: the file name, before the content type is known.
        since: the start of this run, in seconds since the epoch.
    """
    for path in name.possible_paths():
        status = stat_regular_file(f"{root}/{filesystem_path(path)}")
        if status is not None and status.st_ctime >= since - CLOCK_SLACK_SECONDS:
            return SavedFile(path, status.st_size, b"", "", "", None)
    return None
