"""Have the files of one folder in another as well, without their bytes twice where it can be."""

import errno
import os
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from downloader.storage.folder import READ, Folder, create, translated
from downloader.storage.publish import PublishOptions, publish, same_or_none
from downloader.web.filenames import PART, SafePath

#: A file system that has no second names for files, or none for this one.
_NO_LINKS = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES}
)


class FolderCopy:
    """Two folders; a context manager. Everything here blocks.

    Where both are on one file system that can, a file gets a second name there (a hard link);
    otherwise it is copied. Files of an output folder are never written to but replaced, so that
    what happens to one name later does not happen to the other.

    Raises, on entering:
        OutputError: a folder cannot be used.
        DiskError: the disk refuses to have the second written to.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self._source = Folder(source)
        self._target = Folder(target)
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

    def place(self, path: SafePath, *, aside: bool = True) -> None:
        """Have a file of the first folder in the second, where it is whole when it has its name.

        Another file of that name is kept as ``NAME.~1~``; without *aside* it is in the way.

        Raises:
            BlockedError: something is in the way.
            DiskError: the disk refuses.
        """
        with (
            translated(path),
            self._source.of(path, create=False) as (here, leaf),
            self._target.of(path, create=True) as (there, new),
        ):
            if _is_one_file(here, leaf, there, new):
                return
            part = new + PART
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=there)
            try:
                follow = os.link not in os.supports_follow_symlinks
                os.link(leaf, part, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=follow)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                _copy(here, leaf, there, part)
            if not aside and not same_or_none(there, part, new):
                os.unlink(part, dir_fd=there)
                raise FileExistsError(errno.EEXIST, "another file has that name")
            publish(there, new, PublishOptions(), None)


def _is_one_file(here: int | None, leaf: str, there: int | None, new: str) -> bool:
    """Return whether both names are of one file; to rename one to the other would do nothing."""
    try:
        one = os.stat(leaf, dir_fd=here, follow_symlinks=False)
        other = os.stat(new, dir_fd=there, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(one, other)


def _copy(here: int | None, leaf: str, there: int | None, part: str) -> None:
    with (
        os.fdopen(os.open(leaf, READ, dir_fd=here), "rb") as source,
        os.fdopen(create(part, there), "wb") as target,
    ):
        shutil.copyfileobj(source, target, 1024 * 1024)
        if os.utime in os.supports_fd:
            known = os.fstat(source.fileno())
            target.flush()
            os.utime(target.fileno(), ns=(known.st_atime_ns, known.st_mtime_ns))
