"""Copy files from one output folder to another, by hard links where the file system has them."""

import errno
import os
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.storage.atomic_rename import PublishOptions, is_replaceable, publish
from downloader.storage.output_folder import (
    READ_FLAGS,
    OutputFolder,
    create_file,
    translate_os_errors,
)
from downloader.web.filenames import SafePath
from downloader.web.path_parts import PART

#: The file system has no hard links, or none for this file.
_NO_LINK_ERRNOS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES}
)
COPY_BYTES = 1024 * 1024


class FolderCopy:
    """Copies files from one folder to another; a context manager. Everything here blocks.

    A file gets a hard link in the target where the file system allows it, and else is copied. The
    files of an output folder are replaced and never written to, so that a later change of one of
    the two names does not affect the other.

    Raises, on entering:
        OutputError: a folder cannot be used.
        DiskError: the disk refuses to write to the target.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self._source = OutputFolder(source)
        self._target = OutputFolder(target)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for folder in (self._source, self._target):
            folder.open()
            self._stack.callback(folder.close)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def copy(self, path: SafePath, *, back_up: bool = True) -> None:
        """Copy one file; it gets its name in the target once it is whole.

        Another file of that name in the target is kept as ``NAME.~1~``; without *back_up* it is an
        error.

        Raises:
            BlockedError: something is in the way.
            DiskError: the disk refuses.
        """
        with (
            translate_os_errors(path),
            self._source.open_parent(path, create=False) as (source, leaf),
            self._target.open_parent(path, create=True) as (target, target_leaf),
        ):
            if _is_same_file(source, leaf, target, target_leaf):
                return
            part = target_leaf + PART
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=target)
            try:
                follow = os.link not in os.supports_follow_symlinks
                os.link(leaf, part, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=follow)
            except OSError as error:
                if error.errno not in _NO_LINK_ERRNOS:
                    raise
                _copy_file(source, leaf, target, part)
            if not back_up and not is_replaceable(target, part, target_leaf):
                os.unlink(part, dir_fd=target)
                raise FileExistsError(errno.EEXIST, "another file has that name")
            publish(target, target_leaf, PublishOptions())


def _is_same_file(source: int | None, leaf: str, target: int | None, target_leaf: str) -> bool:
    """Return whether both names are links to one file; renaming one to the other does nothing."""
    try:
        one = os.stat(leaf, dir_fd=source, follow_symlinks=False)
        other = os.stat(target_leaf, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(one, other)


def _copy_file(source: int | None, leaf: str, target: int | None, part: str) -> None:
    with (
        os.fdopen(os.open(leaf, READ_FLAGS, dir_fd=source), "rb") as reader,
        os.fdopen(create_file(part, target), "wb") as writer,
    ):
        shutil.copyfileobj(reader, writer, COPY_BYTES)
        if os.utime in os.supports_fd:
            status = os.fstat(reader.fileno())
            writer.flush()
            os.utime(writer.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
