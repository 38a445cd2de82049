"""The files of a mirrored folder. Nothing outside of it is opened, not even by a symbolic link."""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from downloader.journal import STATE_FOLDER
from downloader.mirror.check.model import UnreadableFile

#: Larger files are no pages, whatever their names; reading one takes some 20 times its size.
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
_OPEN_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
)
#: The longest path of the systems we know, with every byte percent-encoded.
_MAX_REFERENCE_LENGTH = 3 * 4096
_MAX_CACHED_REFERENCES, _MAX_CACHED_REFERENCE_LENGTH = 16_384, 1024


class LocalTarget(NamedTuple):
    """The target of a reference.

    Attributes:
        path: the path that it names, relative to the folder; None for outside.
        file: the file with that path, symbolic links resolved; None if there is none.
    """

    path: str | None
    file: str | None


class MirrorFolder:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._root = os.fspath(folder)
        self._real_root = os.path.realpath(self._root)
        self._cached_find = lru_cache(maxsize=_MAX_CACHED_REFERENCES)(self._find)

    def files(self) -> Iterator[str | UnreadableFile]:
        """Yield the files, relative to the folder and in order; symbolic links are skipped."""
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    names = sorted(
                        (entry.name, entry.is_dir(follow_symlinks=False))
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        or entry.is_file(follow_symlinks=False)
                    )
            except OSError as error:
                yield UnreadableFile(folder or ".", error.strerror or "unreadable")
                continue
            subfolders = []
            for name, is_folder in names:
                path = f"{folder}{name}"
                if not is_folder:
                    yield path
                elif path != STATE_FOLDER:
                    subfolders.append(f"{path}/")
            folders += reversed(subfolders)

    def read(self, path: str) -> bytes | UnreadableFile:
        """Return the bytes of a file, or why it cannot be read."""
        try:
            # Something else may replace the file: a link is refused, a pipe does not block.
            with open(os.open(os.path.join(self._root, path), _OPEN_FLAGS), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return UnreadableFile(path, "not a regular file")
                body = file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            return UnreadableFile(path, error.strerror or "unreadable")
        if len(body) > MAX_DOCUMENT_BYTES:
            return UnreadableFile(path, "too large for a page")
        return body

    def find(self, reference: str) -> LocalTarget:
        """Return where a percent-encoded reference, relative to the folder, leads."""
        if len(reference) > _MAX_REFERENCE_LENGTH:
            return LocalTarget(reference, None)
        is_cached = len(reference) < _MAX_CACHED_REFERENCE_LENGTH
        return (self._cached_find if is_cached else self._find)(reference)

    def _find(self, reference: str) -> LocalTarget:
        """Return the file that a static server would send, without redirects."""
        decoded = unquote_to_bytes(reference)
        path = os.fsdecode(decoded)
        # No file name contains an escaped slash or a null byte.
        if b"\0" in decoded or decoded.count(b"/") != reference.count("/"):
            return LocalTarget(path, None)
        full = os.path.join(self._root, path)
        if not path or path.endswith("/") or os.path.isdir(full):
            path = f"{path.rstrip('/')}/index.html".lstrip("/")
            full = os.path.join(self._root, path)
        real = os.path.realpath(full)
        if not real.startswith(os.path.join(self._real_root, "")):
            return LocalTarget(None, None)
        is_file = os.path.isfile(real)
        return LocalTarget(path, real[len(self._real_root) + 1 :] if is_file else None)
