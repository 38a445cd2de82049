"""The columns of lists in tables: which ones a report has, beside the fields of its records.

A table names its columns before its first row. So the first records are kept until the columns of
their lines are known.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from downloader.models import ColumnValue
from downloader.models.url_record import FIELD_NAMES, Record

#: Records in which columns are looked for.
_MAX_RECORDS = 1000


class Rows(Protocol):
    """The rows of a table."""

    def add(self, record: Record, columns: Sequence[ColumnValue]) -> None:
        """Write one row: the fields of a record, and the columns of its line."""


class ListColumns:
    """Passes records on to a table that is begun with their columns.

    Args:
        begin: begins the table with the names of the columns and some values of each.
    """

    def __init__(self, begin: Callable[[dict[str, list[ColumnValue]]], Rows]) -> None:
        self._begin = begin
        self._rows: Rows | None = None
        self._first: list[Record] = []
        self._names: list[str] = []

    def add(self, record: Record) -> None:
        """Take one record."""
        if self._rows is not None:
            self._write(self._rows, record)
            return
        self._first.append(record)
        if len(self._first) >= _MAX_RECORDS:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        if self._rows is not None:
            return
        values: dict[str, list[ColumnValue]] = {}
        for record in self._first:
            for name, value in record.columns:
                values.setdefault(name, []).append(value)
        self._names = list(values)
        titles = _titles(self._names)
        self._rows = self._begin({titles[name]: column for name, column in values.items()})
        first, self._first = self._first, []
        for record in first:
            self._write(self._rows, record)

    def _write(self, rows: Rows, record: Record) -> None:
        if not self._names:
            rows.add(record, ())
            return
        columns = dict(record.columns)
        rows.add(record, [columns.get(name) for name in self._names])


def _titles(names: Sequence[str]) -> dict[str, str]:
    """Return the titles of columns by their names: those of fields get ``input_`` before them."""
    taken = set(FIELD_NAMES)
    titles: dict[str, str] = {}
    for name in names:
        title = name
        while title in taken:
            title = f"input_{title}"
        taken.add(title)
        titles[name] = title
    return titles
