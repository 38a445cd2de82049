"""Records as JSON lines, as one JSON value, and as CSV."""

import csv
import io
import json
import re
from contextlib import suppress
from pathlib import Path

from downloader.report.fields import Value
from downloader.report.json_schema import SCHEMA_ID
from downloader.report.output_files import AtomicFile, open_lines, writing
from downloader.report.record import FIELD_NAMES, Record, as_dict, values
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

_FLAG = "--report"
#: What a spreadsheet may take for the beginning of a formula (OWASP, "CSV injection"), also in the
#: full width forms of East Asian keyboards.
_FORMULA = tuple("=+-@|%＝＋－＠")  # noqa: RUF001
#: Where the semicolon parts cells, as in much of Europe, a cell begins behind each.
_FORMULA_BEHIND = re.compile(rf""";(?=[\s"']*[{re.escape("".join(_FORMULA))}])""")
#: These are percent-encoded, so that no formula of theirs does harm, and are fetched as they are.
_ADDRESSES = frozenset({"url", "parent", "final_url", "redirects"})
_IS_ADDRESS = tuple(name in _ADDRESSES for name in FIELD_NAMES)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class JsonlReport:
    """One JSON object a line, in pure ASCII, written as outcomes arrive.

    Each line is handed to the system at once: it costs a few microseconds, and what has been told
    on the terminal stands in the report, even when the process is killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_lines(path, _FLAG)
        self._begun = False

    def add(self, record: Record) -> None:
        """Write one line."""
        line = json_line(record)
        self._begin()
        with writing(self._path, _FLAG):
            while line:
                line = line[self._file.write(line) :]

    def finish(self, run: RunRecord) -> None:
        """Say what was not tried, and close the file."""
        if not run.complete:
            self.add(not_tried(run))
        self._begin()
        with writing(self._path, _FLAG):
            self._file.close()

    def _begin(self) -> None:
        """Remove what an earlier run has written."""
        if not self._begun:
            self._begun = True
            with suppress(OSError):  # a pipe has nothing to remove
                self._file.truncate(0)

    def abandon(self) -> None:
        """Close the file; its lines are whole."""
        with suppress(OSError):
            self._file.close()


class JsonReport:
    """One JSON object: what schema it has, the records, and the run as a whole."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path, _FLAG)
        self._file.write(f'{{"schema":"{SCHEMA_ID}","records":['.encode())
        self._before = b"\n"

    def add(self, record: Record) -> None:
        """Write one record."""
        self._file.write(self._before + json_line(record)[:-1])
        self._before = b",\n"

    def finish(self, run: RunRecord) -> None:
        """Write the rest, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._file.write(f'\n],"run":{_encode(run.as_dict())}}}\n'.encode())
        self._file.commit()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._file.abandon()


class CsvReport:
    """A table (RFC 4180) whose first row names the columns; safe to open in a spreadsheet."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path, _FLAG)
        self._text = io.StringIO(newline="")
        self._rows = csv.writer(self._text)
        self._rows.writerow(FIELD_NAMES)

    def add(self, record: Record) -> None:
        """Write one row."""
        self._rows.writerow(map(_cell, values(record), _IS_ADDRESS))
        # What cannot be encoded has been escaped.
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def finish(self, run: RunRecord) -> None:
        """Say what was not tried, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._file.write(self._text.getvalue().encode())
        self._file.commit()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._file.abandon()


def json_line(record: Record) -> bytes:
    """Return a record as JSON on one line, with its end."""
    return f"{_encode(as_dict(record))}\n".encode()


def _cell(value: Value, is_address: bool) -> str | int | float:
    """Return what a cell holds: on one line, and no formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case tuple():
            value = " ".join(value)
    text = printable(value)
    if not is_address:
        text = _FORMULA_BEHIND.sub(";'", text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
