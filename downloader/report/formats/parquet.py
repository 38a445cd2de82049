"""Parquet: a table with typed columns, which follow from the declaration of the record."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from downloader import parquet
from downloader.errors import ReportError
from downloader.models import ColumnValue
from downloader.models.field_declarations import RecordField, ValueType
from downloader.models.url_record import RECORD_FIELDS, Record, values
from downloader.parquet import ColumnField, ColumnType, ParquetError, TableWriter, WantedColumn
from downloader.report.json_schema import SCHEMA_ID
from downloader.report.list_columns import ListColumns
from downloader.report.output_files import REPORT_OPTION, AtomicFile
from downloader.report.run_record import RunRecord, not_tried
from downloader.web.text import printable

_COLUMN_TYPES = {
    ValueType.TEXT: ColumnType.TEXT,
    ValueType.CHOICE: ColumnType.TEXT,
    ValueType.TIMESTAMP: ColumnType.TIMESTAMP,
    ValueType.TEXT_LIST: ColumnType.TEXT_LIST,
    ValueType.INTEGER: ColumnType.INTEGER,
    ValueType.FLOAT: ColumnType.FLOAT,
    ValueType.BOOLEAN: ColumnType.BOOLEAN,
}
_REQUIRED = ("url", "outcome")
#: Integers of a column of a list are smaller; others make it a column of text.
_MAX_INTEGER = 2**63


class ParquetReport:
    """A table with types, written in row groups while the run goes on.

    Args:
        path: of the finished file.

    Raises, when made:
        ReportError: it cannot be written there, or pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        self._writer: TableWriter | None = None
        self._records = ListColumns(self._begin)
        try:
            parquet.load()
        except ParquetError as error:
            self._file.abandon()
            raise _report_error(f"{REPORT_OPTION} {printable(str(path))}", error) from error
        except BaseException:
            self._file.abandon()
            raise

    def add(self, record: Record) -> None:
        """Take one record, which is written with its row group."""
        self._records.add(record)

    def finish(self, run: RunRecord) -> None:
        """Write the rest, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._records.flush()
        if self._writer is not None:
            self._writer.close({"download.schema": SCHEMA_ID, "download.run": run.as_json()})
        self._file.commit()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        if self._writer is not None:
            self._writer.abandon()
        self._file.abandon()

    def _begin(self, columns_of_lists: Mapping[str, Sequence[ColumnValue]]) -> "_ParquetRows":
        types = {name: _type_of(column) for name, column in columns_of_lists.items()}
        fields = [
            ColumnField(name, column_type, description="a column of the list")
            for name, column_type in types.items()
        ]
        self._writer = TableWriter(self._file, [*columns(), *fields])
        return _ParquetRows(self._writer, list(types.values()))


class _ParquetRows:
    """The rows of the table.

    Args:
        writer: of the table.
        types: of the columns of lists.
    """

    def __init__(self, writer: TableWriter, types: Sequence[ColumnType]) -> None:
        self._writer = writer
        self._types = types

    def add(self, record: Record, columns: Sequence[ColumnValue]) -> None:
        """Write one row: the fields of a record, and the columns of its line."""
        cells = [
            _converted(value, column_type)
            for value, column_type in zip(columns, self._types, strict=True)
        ]
        self._writer.add((*values(record), *cells))


def _type_of(column: Sequence[ColumnValue]) -> ColumnType:
    """Return the type of a column of a list, by its first values: text if they differ."""
    found = {type(value) for value in column if value is not None}
    if found == {bool}:
        return ColumnType.BOOLEAN
    if found == {int}:
        is_small = all(abs(int(value or 0)) < _MAX_INTEGER for value in column)
        return ColumnType.INTEGER if is_small else ColumnType.TEXT
    return ColumnType.FLOAT if found and found <= {int, float} else ColumnType.TEXT


def _converted(value: ColumnValue, column_type: ColumnType) -> ColumnValue:
    """Return a value as the type of its column has it; None if that cannot be."""
    if value is None:
        return None
    match column_type:
        case ColumnType.TEXT:
            return json.dumps(value) if not isinstance(value, str) else value
        case ColumnType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case ColumnType.FLOAT:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return _as_float(value) if is_number else None
        case _:
            is_integer = isinstance(value, int) and not isinstance(value, bool)
            return value if is_integer and abs(int(value)) < _MAX_INTEGER else None


def _as_float(value: ColumnValue) -> float | None:
    """Return a number as a float; None if it is too large for one."""
    try:
        return float(value or 0)
    except OverflowError:
        return None


def columns() -> list[ColumnField]:
    """Return the columns of the table, one for each field of a record."""
    return [_column(field) for field in RECORD_FIELDS]


def _column(field: RecordField) -> ColumnField:
    choices = tuple(map(str, field.choices)) if field.choices is not None else ()
    return ColumnField(
        field.name,
        _COLUMN_TYPES[field.value_type],
        field.nullable,
        choices,
        field.plain_description,
    )


def read_members(
    path: Path, file: BinaryIO, names: Collection[str]
) -> Iterator[tuple[str, object]]:
    """Yield the position of each row, and its values by the names of their columns.

    Args:
        path: of the report, for messages.
        file: the open report.
        names: of the columns to read besides ``url`` and ``outcome``; only those of text and of
            integers can be read.

    Raises:
        ReportError: it is no Parquet file with these columns, or pyarrow is not installed.
    """
    wanted = [
        WantedColumn(
            field.name,
            required=field.name in _REQUIRED,
            integer=field.value_type is ValueType.INTEGER,
        )
        for field in RECORD_FIELDS
        if field.name in names or field.name in _REQUIRED
    ]
    column_names = [column.name for column in wanted]
    try:
        for number, row in enumerate(parquet.read(file, wanted), 1):
            yield f"row {number} of {path}", dict(zip(column_names, row, strict=True))
    except ParquetError as error:
        raise _report_error(printable(str(path)), error) from error


def _report_error(file: str, error: ParquetError) -> ReportError:
    return ReportError(f"{file} {error.message}", hint=error.hint)
