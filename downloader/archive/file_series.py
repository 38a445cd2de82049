"""The files of one archive: their names, and who is writing them.

While a file is being written its name ends with ``.open``, as those of Heritrix and warcprox do,
and it is locked; the lock of a process that is killed ends with it. A file that has its name is
whole, and is never written to again: what comes later is another file of the series,
``FILE-00001.warc.gz``. So several processes, and several runs, share a series without a word.
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

#: What the name of a file ends with until it is whole.
OPEN = ".open"
INDEX = ".cdxj"
_VOLUME = re.compile(r"pack-\d{17}-[0-9a-f]{8}-\d{5,}\.warc\.gz")
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file that is being written, and its name once it is whole.

    Attributes:
        fd: its descriptor; closing it ends the lock.
        path: its final name.
    """

    fd: int
    path: Path

    @property
    def open_path(self) -> Path:
        """Where it is until it is whole."""
        return self.path.with_name(self.path.name + OPEN)

    def publish(self) -> None:
        """Give it its name, now that it is whole; it is closed, whether that succeeds or not."""
        try:
            os.fsync(self.fd)
            if sys.platform != "win32":
                self.open_path.rename(self.path)
        finally:
            os.close(self.fd)
        if sys.platform == "win32":
            # There, what is open cannot be renamed.
            self.open_path.rename(self.path)

    def discard(self) -> None:
        """Close it, and leave nothing of it."""
        os.close(self.fd)
        self.open_path.unlink()


class FileSeries:
    """The files that belong to one archive, by the name of the first: ``FILE.warc.gz``."""

    def __init__(self, first: Path) -> None:
        self._folder = first.parent
        self._ending = ".warc.gz" if first.name.endswith(".warc.gz") else first.suffix
        self._stem = first.name.removesuffix(self._ending)

    @property
    def compressed(self) -> bool:
        """Whether the name asks for gzip."""
        return self._ending != ".warc"

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def whole(self) -> list[Path]:
        """Return the files that are whole, in order."""
        return sorted(self._found(""))

    def unfinished(self) -> list[Path]:
        """Return the files that are not whole, whoever is writing them."""
        return sorted(self._found(OPEN))

    def abandoned(self) -> Iterator[ClaimedFile]:
        """Yield, locked, the unfinished files that nobody is writing."""
        for path in self.unfinished():
            fd = os.open(path, os.O_RDWR)
            if _locked(fd):
                yield ClaimedFile(fd, path.with_name(path.name.removesuffix(OPEN)))
            else:
                os.close(fd)

    def claim(self) -> ClaimedFile:
        """Begin the next file of the series."""
        claims = (self._claim(self._name(number)) for number in count())
        return next(claimed for claimed in claims if claimed is not None)

    def _claim(self, name: str) -> ClaimedFile | None:
        """Begin a file of that name, unless it is taken."""
        path = self._folder / name
        if not _taken(path):
            with suppress(FileExistsError):
                claimed = ClaimedFile(self._opened(name + OPEN), path)
                if not _taken(path):
                    return claimed
                # Another was just given that name.
                claimed.discard()
        return None

    def _opened(self, name: str) -> int:
        """Make a file, locked before it has the name that others look at.

        Raises:
            FileExistsError: there is one of that name.
        """
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}"
        fd = os.open(temporary, _NEW, 0o666)
        try:
            _locked(fd)
            try:
                os.link(temporary, self._folder / name)
            except FileExistsError:
                raise
            except OSError:
                # No hard links on this file system.
                os.close(os.open(self._folder / name, _NEW, 0o666))
                temporary.replace(self._folder / name)
        except BaseException:
            os.close(fd)
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return fd

    def _name(self, number: int) -> str:
        return f"{self._stem}-{number:05d}{self._ending}" if number else self._stem + self._ending

    def _found(self, after: str) -> Iterator[Path]:
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            ours = path.name.endswith(after) and self._has(path.name.removesuffix(after))
            # What is to be cut and renamed may not be a link, which may lead anywhere.
            if ours and not (after and path.is_symlink()):
                yield path

    def _has(self, name: str) -> bool:
        """Return whether a file of that name belongs to the series."""
        if not (name.startswith(self._stem) and name.endswith(self._ending)):
            return False
        number = name.removeprefix(self._stem).removesuffix(self._ending)
        return not number or (number[:1] == "-" and number[1:].isdecimal())


class PackVolumes(FileSeries):
    """The volumes that an output folder has instead of files, whichever runs have made them.

    Their names, ``pack-20261125185559123-9c2f51e0-00001.warc.gz``, tell when a process began its
    first one, with milliseconds, as Heritrix writes it, and something random: no name is given
    again when its volume is removed, nor to another volume that may come beside it, by a merge or
    in a store.

    Args:
        folder: the output folder.
        clock: seconds since the epoch.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(folder / "pack.warc.gz")
        self._clock = clock
        self._began = ""
        self._number = 0

    def claim(self) -> ClaimedFile:
        """Begin the next volume of this process."""
        while True:
            if not self._began:
                now = f"{datetime.fromtimestamp(self._clock(), UTC):%Y%m%d%H%M%S%f}"[:-3]
                self._began = f"{now}-{uuid.uuid4().hex[:8]}"
            self._number += 1
            name = f"pack-{self._began}-{self._number:05d}.warc.gz"
            if (claimed := self._claim(name)) is not None:
                return claimed

    def _has(self, name: str) -> bool:
        return is_volume(name)


def is_volume(name: str) -> bool:
    """Return whether a file of that name, in an output folder, is the volume of a pack."""
    return _VOLUME.fullmatch(name) is not None


def index_path(path: Path) -> Path:
    """Return where the index of an archive file is: beside it."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".warc") + INDEX)


def hold(path: Path) -> int:
    """Open a file for writing, made if need be, and locked until it is closed.

    Raises:
        BlockingIOError: another process has it.
        OSError: it cannot be made.
    """
    while True:
        fd = os.open(path, _NEW & ~os.O_EXCL, 0o666)
        try:
            if not _locked(fd):
                raise BlockingIOError
            # Who had it may have removed it meanwhile.
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(fd)):
                    return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _taken(path: Path) -> bool:
    """Return whether there is such a file, or an index that would be beside it."""
    return path.exists() or index_path(path).exists()


def _locked(fd: int) -> bool:
    """Return whether the file could be locked for this process."""
    if sys.platform != "win32":
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
