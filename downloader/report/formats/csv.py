"""CSV: a table that is safe to open in a spreadsheet."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path

from downloader.models import ColumnValue, LinkReport
from downloader.models.field_declarations import Value
from downloader.models.url_record import RECORD_FIELDS, Record
from downloader.report.link_fields import LINK_COLUMNS, LINK_URL_COLUMNS, link_rows
from downloader.report.list_columns import ListColumns
from downloader.report.output_files import AtomicFile
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

#: Characters that spreadsheets take for the beginning of a formula (OWASP, "CSV injection"), with
#: the full-width forms of East Asian keyboards.
_FORMULA = tuple("=+-@|%＝＋－＠")  # noqa: RUF001
#: The semicolons before them, which separate cells in much of Europe.
_FORMULA_AFTER_SEMICOLON = re.compile(rf""";(?=[\s"']*[{re.escape("".join(_FORMULA))}])""")
#: Fields of URLs: they are percent-encoded, so that no formula in them works, and must not change.
_URL_FIELDS = frozenset({"url", "parent", "final_url", "redirects"})
#: The columns of records; the text of a page is longer than a spreadsheet's cell may be.
COLUMN_NAMES = tuple(field.name for field in RECORD_FIELDS if not field.info.is_long)
_IS_URL = tuple(name in _URL_FIELDS for name in COLUMN_NAMES)
_values: Callable[[Record], tuple[Value, ...]] = attrgetter(*COLUMN_NAMES)


class CsvReport:
    """A table (RFC 4180) whose first row names the columns."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text)
        self._records = ListColumns(self._begin)

    def add(self, record: Record) -> None:
        """Take one record."""
        self._records.add(record)

    def finish(self, run: RunRecord) -> None:
        """Add a record for untried lines, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._records.flush()
        self._flush()
        self._file.commit()

    def _begin(self, columns: Mapping[str, Sequence[ColumnValue]]) -> "_CsvRows":
        titles = (_cell(name, False) for name in columns)
        self._writer.writerow([*COLUMN_NAMES, *titles])
        return _CsvRows(self._write_row)

    def _write_row(self, cells: Iterable[str | int | float]) -> None:
        self._writer.writerow(cells)
        self._flush()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()

    def _flush(self) -> None:
        # printable() has escaped lone surrogates, which cannot be encoded.
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield a table with a row for each place that names a broken link or a warning."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(LINK_COLUMNS)
    for link in report.links:
        for row in link_rows(link):
            writer.writerow(
                _cell(value, name in LINK_URL_COLUMNS)
                for name, value in zip(LINK_COLUMNS, row, strict=True)
            )
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


class _CsvRows:
    """The rows of the table.

    Args:
        write_row: writes one.
    """

    def __init__(self, write_row: Callable[[Iterable[str | int | float]], None]) -> None:
        self._write_row = write_row

    def add(self, record: Record, columns: Sequence[ColumnValue]) -> None:
        """Write one row: the fields of a record, and the columns of its line."""
        fields = map(_cell, _values(record), _IS_URL)
        self._write_row([*fields, *(_cell(value, False) for value in columns)])


def _cell(value: Value, is_url: bool) -> str | int | float:
    """Return the content of a cell: on one line, and no formula."""
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
    if not is_url:
        text = _FORMULA_AFTER_SEMICOLON.sub(";'", text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
