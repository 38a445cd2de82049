"""JSON Lines: one object per line, written as outcomes arrive."""

import json
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from downloader.models import LinkReport
from downloader.models.url_record import Record, as_dict
from downloader.report.link_fields import link_dict
from downloader.report.output_files import REPORT_OPTION, open_lines, translated_errors
from downloader.report.run_record import RunRecord, not_tried

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
#: The beginning of every line that is longer.
_BEGINNING = b'{"url":'


class JsonlReport:
    """One JSON object per line, in pure ASCII.

    Each line is written at once, which costs a few microseconds: what the terminal has shown is in
    the report even if the process is killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_lines(path, REPORT_OPTION)
        self._is_truncated = False

    def add(self, record: Record) -> None:
        """Write one line."""
        line = json_line(record)
        self._truncate()
        _write(self._file, self._path, line)

    def finish(self, run: RunRecord) -> None:
        """Add a record for untried lines, and close the file."""
        if not run.complete:
            self.add(not_tried(run))
        self._truncate()
        with translated_errors(self._path, REPORT_OPTION):
            self._file.close()

    def abandon(self) -> None:
        """Close the file, whose lines are all complete."""
        with suppress(OSError):
            self._file.close()

    def _truncate(self) -> None:
        """Remove the lines of an earlier run, before the first of this one."""
        if not self._is_truncated:
            self._is_truncated = True
            with suppress(OSError):  # a pipe cannot be truncated
                self._file.truncate(0)


class StdoutReport:
    """JSON Lines on standard output, which stays open.

    A reader that has closed its end, as ``| head`` does, raises BrokenPipeError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        descriptor = sys.stdout.fileno()
        if sys.platform != "win32":
            # Whoever reads may have made the pipe non-blocking, and would get a part of a line.
            os.set_blocking(descriptor, True)
        self._file = open(descriptor, "wb", buffering=0, closefd=False)  # noqa: SIM115

    def add(self, record: Record) -> None:
        """Write one line."""
        _write(self._file, self._path, json_line(record))

    def finish(self, run: RunRecord) -> None:
        """Add a record for untried lines."""
        if not run.complete:
            self.add(not_tried(run))

    def abandon(self) -> None:
        """Do nothing: every line is complete."""


def _write(file: BinaryIO | FileIO, path: Path, line: bytes) -> None:
    """Write a whole line to an unbuffered file."""
    with translated_errors(path, REPORT_OPTION):
        while line:
            line = line[file.write(line) :]


def encode(value: object) -> str:
    """Return a value as JSON on one line.

    With ``--report -``, it may be in the log of a CI system that takes ``##[`` for a command.
    """
    return _encode(value).replace("##", "#\\u0023")


def json_line(record: Record) -> bytes:
    """Return a record as JSON on one line, with its line feed."""
    return f"{encode(as_dict(record))}\n".encode()


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield each broken link or warning as JSON on one line."""
    for link in report.links:
        yield f"{encode(link_dict(link))}\n".encode()


def read_members(
    path: Path, file: BinaryIO, names: Collection[str]
) -> Iterator[tuple[str, object]]:
    """Yield the position of each record, and the JSON value there; None where there is no JSON."""
    del names
    for number, line in enumerate(file, 1):
        value = parse_json(line)
        # The last line may be cut where a run was killed, or the disk was full.
        is_cut = value is None and not line.endswith(b"\n") and _may_be_record(line)
        if line.strip() and not is_cut:
            yield f"{path}:{number}", value


def parse_json(data: bytes) -> object:
    """Return the JSON value; None if there is none."""
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value


def _may_be_record(line: bytes) -> bool:
    """Return whether *line* may be the beginning of a record."""
    return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)
