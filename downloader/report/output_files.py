"""The files that reports are written to: checked before the run begins, and never left half."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Literal, Protocol

from downloader.errors import DiskError, ReportError
from downloader.report.record import Record
from downloader.report.run_record import RunRecord
from downloader.web.filenames import PART


class ReportFile(Protocol):
    """Takes records as they become known, and is a file at the end of the run."""

    def add(self, record: Record) -> None:
        """Take one record.

        Raises:
            DiskError: the disk refuses.
        """

    def finish(self, run: RunRecord) -> None:
        """Take in that this was all, and write what is to be written.

        Raises:
            DiskError: the disk refuses.
        """

    def abandon(self) -> None:
        """Leave nothing behind that is not whole."""


class AtomicFile:
    """A file that has its name when it is whole; until then it is called ``NAME.part``.

    Args:
        path: what it is to be called.
        flag: the option that names it, for messages.

    Raises, when made:
        ReportError: it cannot be written there.
    """

    def __init__(self, path: Path, flag: str) -> None:
        self._path = path
        self._flag = flag
        self._part = path.with_name(path.name + PART)
        if path.is_dir():
            raise ReportError(f"{flag} {path} is a folder", hint="name a file")
        self._file = _opened(self._part, path, flag)

    def write(self, data: bytes) -> None:
        """Append *data*.

        Raises:
            DiskError: the disk refuses.
        """
        with writing(self._path, self._flag):
            self._file.write(data)

    def commit(self) -> None:
        """Give it its name.

        Raises:
            DiskError: the disk refuses.
        """
        with writing(self._path, self._flag):
            self._file.close()
            self._part.replace(self._path)

    def abandon(self) -> None:
        """Remove it, if it is not whole."""
        if not self._file.closed:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._part.unlink()


class Spool:
    """A temporary file of lines, for what has to wait until the end of the run.

    Args:
        path: of the report that it is for, for messages.
        flag: the option that names that, for messages.

    Raises, when made:
        ReportError: there is no place for temporary files.
    """

    def __init__(self, path: Path, flag: str) -> None:
        self._what = f"the temporary file of {flag} {path}"
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
        except OSError as error:
            raise ReportError(
                f"cannot make {self._what}: {error.strerror}", hint="set TMPDIR to another folder"
            ) from error

    def add(self, line: bytes) -> int:
        """Append a line with its end; return where it begins.

        Raises:
            DiskError: the disk refuses.
        """
        with self._using():
            place = self._file.tell()
            self._file.write(line)
        return place

    def line(self, place: int) -> bytes:
        """Return the line that begins at *place*.

        Raises:
            DiskError: the disk refuses.
        """
        with self._using():
            self._file.seek(place)
            return self._file.readline()

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines.

        Raises:
            DiskError: the disk refuses.
        """
        with self._using():
            self._file.seek(0)
        while line := self._next():
            yield line

    def close(self) -> None:
        """Remove it."""
        # What is still to be written is not wanted any more, and may not find room.
        with suppress(OSError):
            self._file.close()

    def _next(self) -> bytes:
        with self._using():
            return self._file.readline()

    @contextmanager
    def _using(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DiskError(
                f"cannot write {self._what}: {error.strerror}",
                hint="make room, or set TMPDIR to another folder",
            ) from error


def open_lines(path: Path, flag: str) -> BinaryIO:
    """Open a file that is written line by line, and whole up to the last line at any time.

    What it holds is left for as long as nothing is written, as when the run cannot be made.

    Raises:
        ReportError: it cannot be written there.
    """
    # Unbuffered: a line that has been written outlives this process, whatever ends it.
    return _opened(path, path, flag, mode="ab", buffering=0)


@contextmanager
def writing(path: Path, flag: str) -> Iterator[None]:
    """Turn what the system refuses into an error of ours.

    Raises:
        DiskError: it refused.
    """
    try:
        yield
    except OSError as error:
        raise DiskError(
            f"cannot write {flag} {path}: {error.strerror}", hint="the rest was not tried"
        ) from error


def _opened(
    file: Path, shown: Path, flag: str, *, mode: Literal["wb", "ab"] = "wb", buffering: int = -1
) -> BinaryIO:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open(mode, buffering=buffering)
    except OSError as error:
        raise ReportError(
            f"cannot write {flag} {shown}: {error.strerror}", hint="name another file"
        ) from error
