"""Records as a Parquet table, whose columns are those of the JSON Schema."""

import json
from collections.abc import Mapping
from pathlib import Path

from downloader.errors import ReportError
from downloader.parquet import Field, ParquetError, Type, Writer
from downloader.report.files import WholeFile
from downloader.report.record import FIELDS, Record, schema, values
from downloader.report.run import Run, not_tried

_FLAG = "--report"
_TYPES = {
    "string": Type.TEXT,
    "array": Type.TEXTS,
    "integer": Type.INTEGER,
    "number": Type.NUMBER,
    "boolean": Type.TRUTH,
}


class Parquet:
    """A table with types, written in row groups as the run goes on, whole at its end.

    Args:
        path: what it is to be called.

    Raises, when made:
        ReportError: it cannot be written there, or pyarrow is not there.
    """

    def __init__(self, path: Path) -> None:
        self._file = WholeFile(path, _FLAG)
        try:
            self._writer = Writer(self._file, columns())
        except ParquetError as error:
            self._file.abandon()
            raise ReportError(f"{_FLAG} {path} {error.message}", hint=error.hint) from error
        except BaseException:
            self._file.abandon()
            raise

    def add(self, record: Record) -> None:
        """Take one record, which is written with those of its row group."""
        self._writer.add(values(record))

    def finish(self, run: Run) -> None:
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


def columns() -> list[Field]:
    """Return the columns of the table: the members of the JSON Schema, in their order."""
    properties = json.loads(schema())["$defs"]["record"]["properties"]
    return [_field(name, properties[name]) for name in FIELDS]


def _field(name: str, member: Mapping[str, object]) -> Field:
    match member:
        case {"enum": list(choices)}:
            names, type_ = tuple(each for each in choices if each is not None), Type.TEXT
            nullable = None in choices
        case {"format": "date-time"}:
            names, type_, nullable = (), Type.MOMENT, True
        case {"type": [str(kind), "null"]}:
            names, type_, nullable = (), _TYPES[kind], True
        case _:
            names, type_, nullable = (), _TYPES[str(member["type"])], False
    return Field(name, type_, nullable, names, str(member["description"]))


def _text(run: Run) -> str:
    return json.dumps(run.as_dict(), separators=(",", ":"))
