"""Look at the files that the journal speaks of."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from downloader.journal.rows import SavedFile
from downloader.web.filenames import PART, FileName, SafePath

#: File systems keep time by a coarser clock, which may be behind ours by this many seconds.
CLOCK_SLACK = 0.05


def regular(path: str) -> os.stat_result | None:
    """Return what is known of a regular file, or None if there is none; links are not followed."""
    try:
        # On the way of every line of a second run: a Path would cost more than the call.
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    except (OSError, ValueError):
        # What a damaged journal calls a path may be none.
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def is_solid(root: Path, folder: str) -> bool:
    """Return whether *folder* below *root* is reached without a symbolic link."""
    path = root
    for name in folder.split("/"):
        path = path / name
        if path.is_symlink():
            return False
    return True


def digest(file: Path, algorithm: str) -> bytes:
    """Return the hash of a file; of one that cannot be read, nothing."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).digest()
    except OSError:
        return b""


def grown(root: Path, name: FileName) -> Iterator[tuple[SafePath, os.stat_result]]:
    """Yield the files below *root* that *name* may have become."""
    folder, _, leaf = name.base.rpartition("/")
    found: list[str] = []
    with suppress(OSError):
        found = [entry.name for entry in (root / folder).iterdir()]
    for candidate in found:
        path = SafePath(f"{folder}/{candidate}" if folder else candidate)
        if candidate.startswith(leaf) and not candidate.endswith(PART) and name.may_become(path):
            known = regular(f"{root}/{path}")
            if known is not None:
                yield path, known


def saved_since(root: Path, name: FileName, since: float) -> SavedFile | None:
    """Return what this run has saved for *name*, if it began at *since* and there is such a file.

    Names mean whole files; but what was there before is not ours.
    """
    for path in name.possible_paths():
        known = regular(f"{root}/{path}")
        if known is not None and known.st_ctime >= since - CLOCK_SLACK:
            return SavedFile(path, known.st_size, b"", "", "", None)
    return None
