"""Rename a whole ``.part`` file to its name, without losing another file of that name."""

import errno
import hashlib
import os
import stat
from dataclasses import dataclass

from downloader.storage.output_folder import READ_FLAGS
from downloader.web.path_parts import PART

#: Whether times can only be set through symbolic links.
_UTIME_FOLLOWS = os.utime not in os.supports_follow_symlinks


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How a whole file gets its name.

    Attributes:
        overwrite: whether a file of that name is an earlier version of this one and is replaced;
            any other file is kept under a backup name.
        modified: its modification time, in seconds since the epoch; None for now.
    """

    overwrite: bool = False
    modified: float | None = None


def publish(
    folder: int | None,
    leaf: str,
    options: PublishOptions,
    written: os.stat_result | None = None,
    *,
    suffix: str = PART,
) -> str:
    """Rename ``LEAF.part`` to *leaf*; return the backup name of a file that was there, or "".

    Args:
        folder: the descriptor of the folder; None where there are none, and *leaf* is a whole path.
        leaf: the name in that folder.
        options: how.
        suffix: what follows *leaf* in the present name.
        written: what ``fstat`` returned for the file that was written, to check that no other file
            has been put in its place since.
    """
    part, backup_name = leaf + suffix, ""
    if written is not None and not os.path.samestat(
        os.stat(part, dir_fd=folder, follow_symlinks=False), written
    ):
        raise OSError(errno.EEXIST, f"another file has taken the place of its {suffix} file")
    if options.modified is not None:
        _set_modified(folder, part, options.modified)
    if not options.overwrite and not is_replaceable(folder, part, leaf):
        backup_name = _free_backup_name(folder, leaf)
        os.rename(leaf, backup_name, src_dir_fd=folder, dst_dir_fd=folder)
    os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)
    return backup_name


def is_replaceable(folder: int | None, part: str, leaf: str) -> bool:
    """Return whether renaming *part* to *leaf* loses no content."""
    try:
        existing = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(existing.st_mode) or stat.S_ISLNK(existing.st_mode):
        # Renaming to the name of a folder fails; a link is replaced, and its target is not touched.
        return True
    new = os.stat(part, dir_fd=folder, follow_symlinks=False)
    return (
        stat.S_ISREG(existing.st_mode)
        and existing.st_size == new.st_size
        and _sha256(leaf, folder) == _sha256(part, folder)
    )


def _set_modified(folder: int | None, name: str, seconds: float) -> None:
    """Set the modification time of a file, where the file system can store it."""
    try:  # noqa: SIM105 - for every file, and suppress() takes longer than the call
        os.utime(name, (seconds, seconds), dir_fd=folder, follow_symlinks=_UTIME_FOLLOWS)
    except (OSError, OverflowError, ValueError):
        pass


def _sha256(leaf: str, folder: int | None) -> bytes:
    with os.fdopen(os.open(leaf, READ_FLAGS, dir_fd=folder), "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _free_backup_name(folder: int | None, leaf: str) -> str:
    """Return the first of ``LEAF.~1~``, ``LEAF.~2~``… that is free, as in GNU's backups."""
    number = 1
    while True:
        name = f"{leaf}.~{number}~"
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return name
        number += 1
