"""The files of a mirrored folder; nothing outside of it is opened, and no link is followed out."""

import os
import stat
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from downloader.journal import STATE_FOLDER
from downloader.mirror.check.model import UnreadableFile

#: What is larger is no page, whatever its name: reading it would take some 20 times its size.
LARGEST = 64 * 1024 * 1024
_READ = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC")
)
#: No path is longer on any system that we know; each of its bytes may be escaped.
_LONGEST = 3 * 4096
#: Of so many references it is remembered where they lead.
_REMEMBERED = 16_384


class LocalTarget(NamedTuple):
    """Where a reference leads, relative to the folder.

    Attributes:
        path: as the reference has it; None for outside.
        found: the file that is there, links of the file system followed; or None.
    """

    path: str | None
    found: str | None


class MirrorTree:
    """The files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._root = os.fspath(folder)
        self._real = os.path.realpath(self._root)
        self._known = lru_cache(maxsize=_REMEMBERED)(self._find)

    def files(self) -> Iterator[str | UnreadableFile]:
        """Yield the files, relative to the folder; links of the file system are not followed."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    found = sorted(
                        (entry.name, entry.is_dir(follow_symlinks=False))
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        or entry.is_file(follow_symlinks=False)
                    )
            except OSError as error:
                yield UnreadableFile(folder or ".", error.strerror or "unreadable")
                continue
            inner = []
            for name, is_folder in found:
                path = f"{folder}{name}"
                if not is_folder:
                    yield path
                elif path != STATE_FOLDER:
                    inner.append(f"{path}/")
            waiting += reversed(inner)

    def read(self, name: str) -> bytes | UnreadableFile:
        """Return the bytes of a file, or why they cannot be had."""
        try:
            # Whoever may change the folder meanwhile cannot have us wait for a pipe.
            with open(os.open(os.path.join(self._root, name), _READ), "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return UnreadableFile(name, "no plain file")
                body = file.read(LARGEST + 1)
        except OSError as error:
            return UnreadableFile(name, error.strerror or "unreadable")
        return body if len(body) <= LARGEST else UnreadableFile(name, "too large for a page")

    def find(self, reference: str) -> LocalTarget:
        """Return where a reference leads, which is relative to the folder and percent-encoded."""
        return LocalTarget(reference, None) if len(reference) > _LONGEST else self._known(reference)

    def _find(self, reference: str) -> LocalTarget:
        """Return the file that a static server would send, without redirects."""
        data = unquote_to_bytes(reference)
        path = os.fsdecode(data)
        # An escaped slash or a null is no part of any name.
        if b"\0" in data or data.count(b"/") != reference.count("/"):
            return LocalTarget(path, None)
        full = os.path.join(self._root, path)
        if not path or path.endswith("/") or os.path.isdir(full):
            path = f"{path.rstrip('/')}/index.html".lstrip("/")
            full = os.path.join(self._root, path)
        real = os.path.realpath(full)
        if not real.startswith(os.path.join(self._real, "")):
            return LocalTarget(None, None)
        return LocalTarget(path, real[len(self._real) + 1 :] if os.path.isfile(real) else None)
