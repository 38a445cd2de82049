"""CSV (RFC 4180), with any usual delimiter: a table, with or without a header row."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.formats import DELIMITERS
from downloader.sources.kept_columns import Columns, KeptColumns
from downloader.sources.list_input import ListInput, ListSettings
from downloader.sources.request_columns import (
    BODY,
    HEADERS,
    METHOD,
    REQUEST,
    ignored_columns,
    refuse_request,
    set_request,
)
from downloader.sources.text_lines import TOO_LONG, NumberedLine
from downloader.sources.url_column import (
    find_by_content,
    find_by_name,
    is_address,
    is_report,
    no_column,
)
from downloader.web.text import printable

#: Characters in one row; a longer one has an unclosed quote, or is there to fill memory.
_MAX_ROW_LENGTH = 1024 * 1024
#: Rows, and characters of them, in which the column of addresses is looked for.
_MAX_ROWS_BEFORE_ADDRESS = 100
_MAX_LENGTH_BEFORE_ADDRESS = 1024 * 1024
#: The first line by which Excel names the delimiter.
_DELIMITER_LINE = re.compile(r'\s*"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)


class _RowTexts:
    """Lines for :mod:`csv`, with the position of the row that it reads from them.

    Attributes:
        first_line: the number of the row's first line.
        complete: whether no line of the row was cut off.
    """

    def __init__(self, lines: Iterator[NumberedLine], label: str) -> None:
        self.first_line = 1
        self.complete = True
        self._lines = lines
        self._label = label
        self._length = 0

    def begin_row(self) -> None:
        """Prepare for the next row."""
        self.first_line = 0
        self.complete = True
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        for number, text, complete in self._lines:
            self.first_line = self.first_line or number
            self.complete = self.complete and complete
            self._length += len(text)
            if self._length > _MAX_ROW_LENGTH:
                raise SourceError(
                    f"the row at {self._label}:{self.first_line} has no end",
                    hint="check its quotes",
                )
            # A quote whose end was cut off must not swallow the lines that follow.
            yield f"{text}\n" if complete else text.replace('"', "") + "\n"


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the rows of a table: its column of addresses, and those with known names.

    They are ``name`` and ``sha256``; and ``method``, with ``headers`` and ``body`` beside it.

    Raises:
        SourceError: there is no column of addresses, or a row has no end.
    """
    return parse_table(source, ",")


def parse_table(source: ListInput, delimiter: str) -> Iterator[ListLine]:
    """Yield the rows of a table; see :func:`parse`.

    Args:
        source: the table.
        delimiter: preferred when its first line may have several.
    """
    label, url_column = source.label, source.settings.url_column
    lines = source.table_lines()
    first: list[NumberedLine] = []
    for line in lines:
        if match := _DELIMITER_LINE.fullmatch(line[1]):
            delimiter = match[1]
        elif line[1].strip():
            first = [line]
            delimiter = find_delimiter(line[1], delimiter, url_column)
        else:
            continue
        break
    texts = _RowTexts(chain(first, lines), label)
    rows = csv.reader(texts, delimiter=delimiter)
    table = _Table(label, source.settings, delimiter)
    while True:
        texts.begin_row()
        try:
            row = next(rows, None)
        except csv.Error as error:
            broken = BadUrlError(f"broken row: {error}")
            yield ListLine(f"{label}:{texts.first_line}", "", error=broken)
            continue
        if row is None:
            yield from table.finish()
            return
        if any(cell.strip() for cell in row):
            yield from table.add(row, texts.first_line, complete=texts.complete)


def find_delimiter(line: str, preferred: str, url_column: str | None = None) -> str:
    """Return the delimiter of a table, by its first line.

    A delimiter that gives a column of addresses, by its name or its content, wins; then the one
    that gives most columns.
    """
    best, best_rank = preferred, (0, 0, 0)
    # Cells of a line that csv cannot split are not needed: csv will say what is wrong with it.
    for delimiter in dict.fromkeys((preferred, *DELIMITERS)):
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        named = find_by_name(cells, None if _is_number(url_column) else url_column) is not None
        rank = (named, any(map(is_address, cells)), len(cells))
        if rank > best_rank:
            best, best_rank = delimiter, rank
    return best


def _is_number(column: str | None) -> bool:
    return column is not None and column.isdecimal()


class _Table:
    """Rows of a table, whose columns are found in the first ones."""

    def __init__(self, label: str, settings: ListSettings, delimiter: str) -> None:
        self._label = label
        self._settings = settings
        self._delimiter = delimiter
        self._names: list[str] = []
        self._url: int | None = None
        self._name: int | None = None
        self._checksum: int | None = None
        #: The columns of the method, the headers and the body of requests; None without a method.
        self._request: tuple[int, int | None, int | None] | None = None
        self._is_report = False
        self._columns = KeptColumns(label, settings)
        #: The positions of the columns that are kept; None before the first row.
        self._kept: list[int] | None = None
        #: Rows without an address, above the first one that has any.
        self._rows_before: list[tuple[Sequence[str], int, bool]] = []
        self._length_before = 0

    def add(self, row: Sequence[str], line: int, *, complete: bool) -> Iterator[ListLine]:
        """Take the next row; yield what can be said of it, and of rows before.

        Raises:
            SourceError: there is no column of addresses.
        """
        if not self._names and self._read_header(row):
            return
        if self._url is None:
            self._url = find_by_content(self._names, row, self._label, self._settings)
            if self._url is None:
                self._rows_before.append((row, line, complete))
                self._length_before += sum(map(len, row))
                if (
                    len(self._rows_before) >= _MAX_ROWS_BEFORE_ADDRESS
                    or self._length_before > _MAX_LENGTH_BEFORE_ADDRESS
                ):
                    raise self._no_column()
                return
            rows, self._rows_before = self._rows_before, []
            for earlier in rows:
                yield from self._lines(*earlier)
        yield from self._lines(row, line, complete)

    def finish(self) -> Iterator[ListLine]:
        """Yield nothing, at the end of the table.

        Raises:
            SourceError: there was no column of addresses.
        """
        if self._rows_before or (self._names and self._url is None):
            raise self._no_column()
        return iter(())

    def _read_header(self, row: Sequence[str]) -> bool:
        """Take the names of the columns from the first row; return whether it has them."""
        wanted = self._settings.url_column
        self._names = [cell.strip() for cell in row]
        self._url = find_by_name(self._names, wanted)
        self._note_same_names()
        has_header = not any(map(is_address, row))
        if has_header:
            folded = [name.casefold() for name in self._names]
            self._is_report = is_report(folded)
            if "name" in folded and self._settings.takes_names:
                self._name = folded.index("name")
            # The hash of an earlier run is no promise about this one; --locked holds it to that.
            if "sha256" in folded and not self._is_report:
                self._checksum = folded.index("sha256")
            self._find_request(folded)
        else:
            self._names = [f"column_{number}" for number in range(1, len(row) + 1)]
            self._url = find_by_name(self._names, wanted)
        if self._url is None and wanted is not None:
            raise self._no_column()
        if self._url is None and has_header and len(row) == 1:
            # A list of one column and any name: there is no other place for the addresses.
            self._url = 0
        return has_header

    def _find_request(self, names: Sequence[str]) -> None:
        """Find the columns of requests, by the names of all columns in lower case."""
        if self._is_report:
            if REQUEST in names:
                self._request = names.index(REQUEST), None, None
            return
        if note := ignored_columns(names):
            self._settings.note(f"{self._label}: {note}")
        if METHOD in names:
            headers, body = (
                names.index(each) if each in names else None for each in (HEADERS, BODY)
            )
            self._request = names.index(METHOD), headers, body

    def _note_same_names(self) -> None:
        if self._url is None or _is_number(self._settings.url_column):
            return
        name = self._names[self._url]
        if [each.casefold() for each in self._names].count(name.casefold()) > 1:
            self._settings.note(
                f"{self._label} has several columns named {printable(name[:80])}; the first one "
                "is used; --url-column chooses another by its number"
            )

    def _lines(self, row: Sequence[str], line: int, complete: bool) -> Iterator[ListLine]:
        text = self._cell(row, self._url)
        if len(self._names) == 1:
            # An address in a table of one column may have the delimiter in it.
            text = self._delimiter.join(row).strip()
        if self._is_report and not text:
            # A report of a stopped run has a record of what was not tried.
            return
        if self._kept is None:
            is_kept = not self._is_report or self._settings.keep_columns is not None
            self._kept = self._columns.positions(self._names, self._url) if is_kept else []
        found = ListLine(
            f"{self._label}:{line}",
            text,
            name=self._cell(row, self._name) or None,
            checksum=self._cell(row, self._checksum) or None,
            error=None if complete else BadUrlError(TOO_LONG),
            columns=self._columns_of(row, self._kept) if self._kept else (),
        )
        if self._request is not None:
            self._set_request(found, row, *self._request)
        yield found

    def _columns_of(self, row: Sequence[str], kept: list[int]) -> Columns:
        return self._columns.bounded(
            (self._names[index], row[index] if index < len(row) else None) for index in kept
        )

    def _set_request(
        self, line: ListLine, row: Sequence[str], method: int, headers: int | None, body: int | None
    ) -> None:
        """Set the parts of a line's request, which are in these columns."""
        if self._is_report:
            refuse_request(line, self._cell(row, method))
            return
        # The spaces around a body are part of it.
        text = row[body] if body is not None and body < len(row) else ""
        set_request(line, self._cell(row, method), self._cell(row, headers), text or None)

    def _cell(self, row: Sequence[str], index: int | None) -> str:
        return row[index].strip() if index is not None and index < len(row) else ""

    def _no_column(self) -> SourceError:
        return no_column(self._names, self._label, self._settings)
