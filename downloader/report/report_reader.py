"""Read the records of reports that earlier runs have written, as JSON or as Parquet."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from downloader import parquet
from downloader.errors import ReportError
from downloader.report.fields import ValueType
from downloader.report.record import FIELD_NAMES, RECORD_FIELDS, Record, from_dict
from downloader.web.text import printable

#: What can be read whole, by the ending of its name. Of Parquet only text and whole numbers can.
ENDINGS = (".jsonl", ".json")
#: Every line of a report begins so, unless it is shorter.
_BEGINNING = b'{"url":'
_HINT = "give a .jsonl, .json or .parquet that --report has written"


def read(path: Path, flag: str, names: Collection[str] = FIELD_NAMES) -> Iterator[Record]:
    """Yield the records of a report; of their fields only those with these *names*.

    What is no value of its field counts as not known.

    Args:
        path: of the report.
        flag: the option that names it, for messages.
        names: of fields; ``url`` and ``outcome`` are always there. With Parquet, only those of
            text and of whole numbers.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".parquet":
                found = _rows(path, file, names)
            else:
                found = _members(path, file, flag)
            for place, members in found:
                yield _record(place, members, flag, names)
    except parquet.ParquetError as error:
        shown = printable(str(path))
        raise ReportError(f"{flag} {shown} {error.message}", hint=error.hint or _HINT) from error
    except OSError as error:
        shown = printable(str(path))
        raise ReportError(f"cannot read {flag} {shown}: {error.strerror}") from error


def _members(path: Path, file: BinaryIO, flag: str) -> Iterator[tuple[str, object]]:
    """Yield where each record stands, and what stands there."""
    if path.suffix.lower() == ".json":
        match _parsed(file.read()):
            case {"records": list(records)}:
                for number, record in enumerate(records, 1):
                    yield f"record {number} of {path}", record
            case _:
                raise _no_report(str(path), flag)
        return
    for number, line in enumerate(file, 1):
        parsed = _parsed(line)
        # A run that was killed, or had no more room, may have left a part of a line.
        part = parsed is None and not line.endswith(b"\n") and _begins(line)
        if line.strip() and not part:
            yield f"{path}:{number}", parsed


def _rows(path: Path, file: BinaryIO, names: Collection[str]) -> Iterator[tuple[str, object]]:
    """Yield the same of the rows of a table."""
    columns = [
        parquet.WantedColumn("url", required=True),
        parquet.WantedColumn("outcome", required=True),
        *(
            parquet.WantedColumn(field.name, integer=field.value_type is ValueType.INTEGER)
            for field in RECORD_FIELDS
            if field.name in names
        ),
    ]
    members = [column.name for column in columns]
    for number, row in enumerate(parquet.read(file, columns), 1):
        yield f"row {number} of {path}", dict(zip(members, row, strict=True))


def _begins(line: bytes) -> bool:
    """Return whether *line* is how a line of a report begins."""
    return line.startswith(_BEGINNING) or _BEGINNING.startswith(line)


def _parsed(data: bytes) -> object:
    try:
        parsed: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return parsed


def _record(place: str, members: object, flag: str, names: Collection[str]) -> Record:
    if not isinstance(members, dict):
        raise _no_report(place, flag)
    try:
        return from_dict(members, names)
    except ValueError:
        raise _no_report(place, flag) from None


def _no_report(place: str, flag: str) -> ReportError:
    return ReportError(
        f"{flag}: {printable(place)} is no record of a report",
        hint=_HINT,
    )
