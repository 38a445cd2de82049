"""Give a whole file its name, and lose nothing that is there already."""

import errno
import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass

from downloader.storage.folder import READ
from downloader.web.filenames import PART


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How a whole file gets its name.

    Attributes:
        ours: whether a file of that name is an earlier version of this one, to be replaced; what
            is not ours is kept under another name.
        modified: the modification time to give it, in seconds since the epoch, or None.
    """

    ours: bool = False
    modified: float | None = None


def publish(
    folder: int | None, leaf: str, how: PublishOptions, written: os.stat_result | None
) -> str:
    """Give a ``.part`` file its name; what is there and is not ours is kept under another.

    *written* tells which file it is, when it has been there for so long that another may have been
    put in its place. Its modification time has been set already, or is set with :func:`set_time`.
    """
    part, aside = leaf + PART, ""
    if written is not None and not os.path.samestat(
        os.stat(part, dir_fd=folder, follow_symlinks=False), written
    ):
        raise OSError(errno.EEXIST, f"what is at its {PART} is another file")
    if not how.ours and not same_or_none(folder, part, leaf):
        aside = _free_name(folder, leaf)
        os.rename(leaf, aside, src_dir_fd=folder, dst_dir_fd=folder)
    os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
    return aside


def set_time(file: int, how: PublishOptions) -> None:
    """Give an open file its modification time, where the system can."""
    if how.modified is not None and os.utime in os.supports_fd:
        with suppress(OSError, OverflowError, ValueError):
            os.utime(file, (how.modified, how.modified))


def same_or_none(folder: int | None, part: str, leaf: str) -> bool:
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
    with os.fdopen(os.open(leaf, READ, dir_fd=folder), "rb") as file:
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
