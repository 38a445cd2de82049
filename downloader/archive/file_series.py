"""The WARC files of one archive: their names and locks, shared by processes and by runs.

A file that is being written ends in ``.open``, as those of Heritrix and warcprox do, and is locked;
the kernel releases the lock of a killed process. A file with its final name is complete and never
written to again: later records go to the next file of the series, ``FILE-00001.warc.gz``. So
several processes, and several runs, share a series without communicating.
"""

import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

if sys.platform != "win32":
    import fcntl

#: The suffix of a file that is being written.
OPEN_SUFFIX = ".open"
INDEX_SUFFIX = ".cdxj"
_PACK_VOLUME = re.compile(r"pack-\d{17}-[0-9a-f]{8}-\d{5,}\.warc\.gz")
_CREATE_FLAGS = (
    os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file that this process is writing.

    Attributes:
        fd: its descriptor; closing it releases the lock.
        path: its final name.
    """

    fd: int
    path: Path

    @property
    def open_path(self) -> Path:
        """Its name while it is being written."""
        return self.path.with_name(self.path.name + OPEN_SUFFIX)

    def publish(self) -> None:
        """Rename the complete file to its final name; close it, even if that fails."""
        try:
            os.fsync(self.fd)
            if sys.platform != "win32":
                self.open_path.rename(self.path)
        finally:
            os.close(self.fd)
        if sys.platform == "win32":
            # Windows does not rename an open file.
            self.open_path.rename(self.path)

    def discard(self) -> None:
        """Close and delete the file."""
        os.close(self.fd)
        self.open_path.unlink()


class FileSeries:
    """The files of one archive, named after the first one: ``FILE.warc.gz``."""

    def __init__(self, first: Path) -> None:
        self._folder = first.parent
        self._suffix = ".warc.gz" if first.name.endswith(".warc.gz") else first.suffix
        self._stem = first.name.removesuffix(self._suffix)

    @property
    def is_compressed(self) -> bool:
        """Whether the files are compressed with gzip."""
        return self._suffix != ".warc"

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self._folder

    def complete_files(self) -> list[Path]:
        """Return the complete files, in order."""
        return sorted(self._files(""))

    def open_files(self) -> list[Path]:
        """Return the files that a process is writing, or was writing when it died."""
        return sorted(self._files(OPEN_SUFFIX))

    def claim_abandoned(self) -> Iterator[ClaimedFile]:
        """Lock and yield the open files whose process has died."""
        for path in self.open_files():
            fd = os.open(path, os.O_RDWR)
            if _try_lock(fd):
                yield ClaimedFile(fd, path.with_name(path.name.removesuffix(OPEN_SUFFIX)))
            else:
                os.close(fd)

    def claim_next(self) -> ClaimedFile:
        """Create and lock the next file of the series."""
        claims = (self._claim(self._name(number)) for number in count())
        return next(claimed for claimed in claims if claimed is not None)

    def _claim(self, name: str) -> ClaimedFile | None:
        """Create and lock a file of that name; return None if the name is taken."""
        path = self._folder / name
        if not _is_taken(path):
            with suppress(FileExistsError):
                claimed = ClaimedFile(self._create_locked(name + OPEN_SUFFIX), path)
                if not _is_taken(path):
                    return claimed
                # Another process published a file of that name in between.
                claimed.discard()
        return None

    def _create_locked(self, name: str) -> int:
        """Create a file that is locked before it appears under its name; return its descriptor.

        Raises:
            FileExistsError: a file of that name exists.
        """
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}"
        fd = os.open(temporary, _CREATE_FLAGS, 0o666)
        try:
            _try_lock(fd)
            try:
                os.link(temporary, self._folder / name)
            except FileExistsError:
                raise
            except OSError:
                # The file system has no hard links.
                os.close(os.open(self._folder / name, _CREATE_FLAGS, 0o666))
                temporary.replace(self._folder / name)
        except BaseException:
            os.close(fd)
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return fd

    def _name(self, number: int) -> str:
        return f"{self._stem}-{number:05d}{self._suffix}" if number else self._stem + self._suffix

    def _files(self, extra_suffix: str) -> Iterator[Path]:
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            belongs = path.name.endswith(extra_suffix) and self._is_member(
                path.name.removesuffix(extra_suffix)
            )
            # An open file is truncated and renamed, and a symbolic link may lead anywhere.
            if belongs and not (extra_suffix and path.is_symlink()):
                yield path

    def _is_member(self, name: str) -> bool:
        """Return whether a file of that name belongs to the series."""
        if not (name.startswith(self._stem) and name.endswith(self._suffix)):
            return False
        number = name.removeprefix(self._stem).removesuffix(self._suffix)
        return not number or (number[:1] == "-" and number[1:].isdecimal())


class PackVolumes(FileSeries):
    """The volumes of the pack in an output folder, of all runs.

    A name such as ``pack-20261125185559123-9c2f51e0-00001.warc.gz`` has the time when its process
    began its first volume, with milliseconds, as Heritrix writes it, and a random part. So no name
    is used twice, even if a volume is deleted, moved to an object store, or merged into another
    folder.

    Args:
        folder: the output folder.
        clock: returns seconds since the epoch.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(folder / "pack.warc.gz")
        self._clock = clock
        self._process_id = ""
        self._number = 0

    def claim_next(self) -> ClaimedFile:
        """Create and lock the next volume of this process."""
        while True:
            if not self._process_id:
                now = f"{datetime.fromtimestamp(self._clock(), UTC):%Y%m%d%H%M%S%f}"[:-3]
                self._process_id = f"{now}-{uuid.uuid4().hex[:8]}"
            self._number += 1
            name = f"pack-{self._process_id}-{self._number:05d}.warc.gz"
            if (claimed := self._claim(name)) is not None:
                return claimed

    def _is_member(self, name: str) -> bool:
        return is_pack_volume(name)


def is_pack_volume(name: str) -> bool:
    """Return whether a file of that name in an output folder is a volume of its pack."""
    return _PACK_VOLUME.fullmatch(name) is not None


def index_path(path: Path) -> Path:
    """Return the path of a WARC file's index, in the same folder."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".warc") + INDEX_SUFFIX)


def lock_file(path: Path) -> int:
    """Open a lock file, created if need be; return its descriptor, which holds the lock.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be created.
    """
    while True:
        fd = os.open(path, _CREATE_FLAGS & ~os.O_EXCL, 0o666)
        try:
            if not _try_lock(fd):
                raise BlockingIOError
            # The previous holder may have deleted the file between open and lock.
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(fd)):
                    return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _is_taken(path: Path) -> bool:
    """Return whether a file of that name, or its index, exists."""
    return path.exists() or index_path(path).exists()


def _try_lock(fd: int) -> bool:
    """Lock a file without waiting; return whether that succeeded."""
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
