"""Parquet: a table with typed columns, which follow from the declaration of the record."""

import json
from pathlib import Path

from downloader.errors import ReportError
from downloader.parquet import ColumnField, ColumnType, ParquetError, TableWriter
from downloader.report.fields import RecordField, ValueType
from downloader.report.json_schema import SCHEMA_ID
from downloader.report.output_files import AtomicFile
from downloader.report.record import RECORD_FIELDS, Record, values
from downloader.report.run_record import RunRecord, not_tried

_FLAG = "--report"
_TYPES = {
    ValueType.TEXT: ColumnType.TEXT,
    ValueType.CHOICE: ColumnType.TEXT,
    ValueType.MOMENT: ColumnType.MOMENT,
    ValueType.TEXTS: ColumnType.TEXTS,
    ValueType.INTEGER: ColumnType.INTEGER,
    ValueType.NUMBER: ColumnType.NUMBER,
    ValueType.BOOLEAN: ColumnType.TRUTH,
}


class ParquetReport:
    """A table with types, written in row groups as the run goes on, whole at its end.

    Args:
        path: what it is to be called.

    Raises, when made:
        ReportError: it cannot be written there, or pyarrow is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path, _FLAG)
        try:
            self._writer = TableWriter(self._file, columns())
        except ParquetError as error:
            self._file.abandon()
            raise ReportError(f"{_FLAG} {path} {error.message}", hint=error.hint) from error
        except BaseException:
            self._file.abandon()
            raise

    def add(self, record: Record) -> None:
        """Take one record, which is written with those of its row group."""
        self._writer.add(values(record))

    def finish(self, run: RunRecord) -> None:
        """Write the rest, and give the file its name."""
        if not run.complete:
            self.add(not_tried(run))
        about = {"download.schema": SCHEMA_ID, "download.run": _text(run)}
        self._writer.close(about)
        self._file.commit()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._writer.abandon()
        self._file.abandon()


def columns() -> list[ColumnField]:
    """Return the columns of the table, one for each field of a record."""
    return [_column(field) for field in RECORD_FIELDS]


def _column(field: RecordField) -> ColumnField:
    choices = tuple(map(str, field.choices)) if field.choices is not None else ()
    return ColumnField(
        field.name, _TYPES[field.value_type], field.nullable, choices, field.plain_description
    )


def _text(run: RunRecord) -> str:
    return json.dumps(run.as_dict(), separators=(",", ":"))
