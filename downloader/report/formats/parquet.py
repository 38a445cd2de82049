"""Records as a Parquet table, whose columns are those of the JSON Schema."""

import json
from collections.abc import Mapping
from pathlib import Path

from downloader.errors import ReportError
from downloader.parquet import ColumnField, ColumnType, ParquetError, TableWriter
from downloader.report.output_files import AtomicFile
from downloader.report.record import FIELDS, Record, schema, values
from downloader.report.run_record import RunRecord, not_tried

_FLAG = "--report"
_TYPES = {
    "string": ColumnType.TEXT,
    "array": ColumnType.TEXT_LIST,
    "integer": ColumnType.INTEGER,
    "number": ColumnType.FLOAT,
    "boolean": ColumnType.BOOLEAN,
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
        about = {"download.schema": "urn:download:record:1", "download.run": _text(run)}
        self._writer.close(about)
        self._file.commit()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._writer.abandon()
        self._file.abandon()


def columns() -> list[ColumnField]:
    """Return the columns of the table: the members of the JSON Schema, in their order."""
    properties = json.loads(schema())["$defs"]["record"]["properties"]
    return [_field(name, properties[name]) for name in FIELDS]


def _field(name: str, member: Mapping[str, object]) -> ColumnField:
    match member:
        case {"enum": list(choices)}:
            names, type_ = tuple(each for each in choices if each is not None), ColumnType.TEXT
            nullable = None in choices
        case {"format": "date-time"}:
            names, type_, nullable = (), ColumnType.TIMESTAMP, True
        case {"type": [str(kind), "null"]}:
            names, type_, nullable = (), _TYPES[kind], True
        case _:
            names, type_, nullable = (), _TYPES[str(member["type"])], False
    return ColumnField(name, type_, nullable, names, str(member["description"]))


def _text(run: RunRecord) -> str:
    return json.dumps(run.as_dict(), separators=(",", ":"))
