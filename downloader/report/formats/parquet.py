"""Parquet: a table with typed columns, which follow from the declaration of the record."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from downloader import parquet
from downloader.errors import ReportError
from downloader.parquet import ColumnField, ColumnType, ParquetError, TableWriter, WantedColumn
from downloader.report.field_declarations import RecordField, ValueType
from downloader.report.json_schema import SCHEMA_ID
from downloader.report.output_files import REPORT_OPTION, AtomicFile
from downloader.report.run_record import RunRecord, not_tried
from downloader.report.url_record import RECORD_FIELDS, Record, values
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


class ParquetReport:
    """A table with types, written in row groups while the run goes on.

    Args:
        path: of the finished file.

    Raises, when made:
        ReportError: it cannot be written there, or pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        try:
            self._writer = TableWriter(self._file, columns())
        except ParquetError as error:
            self._file.abandon()
            raise _report_error(f"{REPORT_OPTION} {printable(str(path))}", error) from error
        except BaseException:
            self._file.abandon()
            raise

    def add(self, record: Record) -> None:
        """Take one record, which is written with its row group."""
        self._writer.add(values(record))

    def finish(self, run: RunRecord) -> None:
        """Write the rest, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        self._writer.close({"download.schema": SCHEMA_ID, "download.run": run.as_json()})
        self._file.commit()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._writer.abandon()
        self._file.abandon()


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
