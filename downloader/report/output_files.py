"""Output files of reports: checked before the run begins, and never left half-written."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Literal, Protocol

from downloader.errors import DiskError, ReportError
from downloader.models.url_record import Record
from downloader.report.formats import STDOUT
from downloader.report.run_record import RunRecord
from downloader.web.path_parts import PART

#: The option that names a report, for messages.
REPORT_OPTION = "--report"


class ReportFile(Protocol):
    """A report that takes records as they become known, and is complete at the end of the run."""

    def add(self, record: Record) -> None:
        """Take one record.

        Raises:
            DiskError: the disk is full or fails.
        """

    def finish(self, run: RunRecord) -> None:
        """Write what is left, after the last record.

        Raises:
            DiskError: the disk is full or fails.
        """

    def abandon(self) -> None:
        """Leave no incomplete file behind; does nothing once the report is finished."""


class AtomicFile:
    """A file that is called ``NAME.part`` until it is complete.

    Args:
        path: of the complete file.
        option: the option that names it, for messages.

    Raises, when made:
        ReportError: it cannot be written there.
    """

    def __init__(self, path: Path, option: str = REPORT_OPTION) -> None:
        self._path = path
        self._option = option
        self._part = path.with_name(path.name + PART)
        if path.is_dir():
            raise ReportError(f"{option} {path} is a folder", hint="name a file")
        self._file = _open(self._part, path, option)

    def write(self, data: bytes) -> None:
        """Append *data*.

        Raises:
            DiskError: the disk is full or fails.
        """
        with translated_errors(self._path, self._option):
            self._file.write(data)

    def commit(self) -> None:
        """Close the file and give it its name.

        Raises:
            DiskError: the disk is full or fails.
        """
        with translated_errors(self._path, self._option):
            self._file.close()
            self._part.replace(self._path)

    def abandon(self) -> None:
        """Remove the file, unless it was committed."""
        if not self._file.closed:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                self._part.unlink()


class Spool:
    """A temporary file of lines that are needed again at the end of the run.

    Args:
        path: of the report that uses it, for messages.
        option: the option that names that report, for messages.

    Raises, when made:
        ReportError: no temporary file can be made.
    """

    def __init__(self, path: Path, option: str = REPORT_OPTION) -> None:
        self._description = f"the temporary file of {option} {path}"
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
        except OSError as error:
            raise ReportError(
                f"cannot make {self._description}: {error.strerror}",
                hint="set TMPDIR to another folder",
            ) from error

    def add(self, line: bytes) -> int:
        """Append a line, with its line feed, and return its offset.

        Raises:
            DiskError: the disk is full or fails.
        """
        with self._translated_errors():
            offset = self._file.tell()
            self._file.write(line)
        return offset

    def line(self, offset: int) -> bytes:
        """Return the line at this offset.

        Raises:
            DiskError: the disk is full or fails.
        """
        with self._translated_errors():
            self._file.seek(offset)
            return self._file.readline()

    def __iter__(self) -> Iterator[bytes]:
        """Yield all lines.

        Raises:
            DiskError: the disk is full or fails.
        """
        with self._translated_errors():
            self._file.seek(0)
        while line := self._read_line():
            yield line

    def close(self) -> None:
        """Remove the file."""
        # Closing flushes lines that nobody needs any more, which may fail on a full disk.
        with suppress(OSError):
            self._file.close()

    def _read_line(self) -> bytes:
        with self._translated_errors():
            return self._file.readline()

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DiskError(
                f"cannot write {self._description}: {error.strerror}",
                hint="make room, or set TMPDIR to another folder",
            ) from error


def open_lines(path: Path, option: str) -> BinaryIO:
    """Open a file that is written line by line, so that whatever it holds is complete.

    Its content is kept until it is truncated: a run that cannot begin leaves the last report.

    Raises:
        ReportError: it cannot be written there.
    """
    # Unbuffered: a written line survives the end of this process, however it ends.
    return _open(path, path, option, mode="ab", buffering=0)


@contextmanager
def translated_errors(path: Path, option: str) -> Iterator[None]:
    """Turn an error of the operating system into one that names the report.

    Raises:
        DiskError: the disk is full or fails.
        BrokenPipeError: nobody reads standard output any more.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) and path == STDOUT:
            raise
        raise DiskError(
            f"cannot write {option} {path}: {error.strerror}", hint="the rest was not tried"
        ) from error


def _open(
    file: Path,
    named_path: Path,
    option: str,
    *,
    mode: Literal["wb", "ab"] = "wb",
    buffering: int = -1,
) -> BinaryIO:
    """Open *file* for writing, and make its folder; messages name *named_path*."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open(mode, buffering=buffering)
    except OSError as error:
        raise ReportError(
            f"cannot write {option} {named_path}: {error.strerror}", hint="name another file"
        ) from error
