"""CSV (RFC 4180): a table with a header row."""

import csv
from collections.abc import Iterator

from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import TOO_LONG, NumberedLine

#: Characters in one row; a longer one has an unclosed quote, or is there to fill memory.
_MAX_ROW_LENGTH = 1024 * 1024


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
        self._last_line = 0
        self._length = 0

    def begin_row(self) -> None:
        """Prepare for the next row."""
        self.first_line = self._last_line + 1
        self.complete = True
        self._length = 0

    def __iter__(self) -> Iterator[str]:
        for number, text, complete in self._lines:
            self._last_line = number
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
    """Yield the rows of a table: the columns ``url``, ``name`` and ``sha256``.

    Raises:
        SourceError: there is no column ``url``, or a row has no end.
    """
    return parse_table(source, ",")


def parse_table(source: ListInput, delimiter: str) -> Iterator[ListLine]:
    """Yield the rows of a table with any delimiter; see :func:`parse`."""
    label = source.label
    texts = _RowTexts(source.lines(), label)
    rows = csv.reader(texts, delimiter=delimiter)
    columns: list[str] | None = None
    while True:
        texts.begin_row()
        try:
            row = next(rows, None)
        except csv.Error as error:
            broken = BadUrlError(f"broken row: {error}")
            yield ListLine(f"{label}:{texts.first_line}", "", error=broken)
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = [cell.strip().lower() for cell in row]
            if "url" not in columns:
                raise SourceError(f"{label} has no column named url", hint="name it in line 1")
            continue
        cells = dict(zip(columns, row, strict=False))
        yield ListLine(
            f"{label}:{texts.first_line}",
            cells.get("url", "").strip(),
            name=cells.get("name", "").strip() or None,
            checksum=cells.get("sha256", "").strip() or None,
            error=None if texts.complete else BadUrlError(TOO_LONG),
        )
