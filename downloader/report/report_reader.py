"""Read the records of reports that earlier runs have written, as JSON or as Parquet."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, get_type_hints

from downloader import parquet
from downloader.errors import ReportError
from downloader.report.record import FIELDS, Record, Result, Value
from downloader.web.text import printable

#: What can be read whole, by the ending of its name. Of Parquet only text and whole numbers can.
ENDINGS = (".jsonl", ".json")
#: No file is larger.
_LARGEST = 2**63
#: Every line of a report begins so, unless it is shorter.
_BEGINNING = b'{"url":'
_DIGEST = re.compile("[0-9a-f]{64}")
_HINT = "give a .jsonl, .json or .parquet that --report has written"


def read(path: Path, flag: str, names: Collection[str] = FIELDS) -> Iterator[Record]:
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
    wanted = {name: _CHECKS[name] for name in names if name not in ("url", "outcome")}
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".parquet":
                found = _rows(path, file, names)
            else:
                found = _members(path, file, flag)
            for place, members in found:
                yield _record(place, members, flag, wanted)
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
        *(parquet.WantedColumn(name, integer=_CHECKS[name] is _integer) for name in names),
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


def _record(place: str, members: object, flag: str, wanted: Mapping[str, "_Check"]) -> Record:
    if not isinstance(members, dict):
        raise _no_report(place, flag)
    url, outcome = members.get("url"), members.get("outcome")
    if not isinstance(url, str) or not isinstance(outcome, str) or outcome not in set(Result):
        raise _no_report(place, flag)
    known: dict[str, Value] = {name: check(members.get(name)) for name, check in wanted.items()}
    # Each has been given the type of its field.
    return Record(url=url, outcome=Result(outcome), **known)  # type: ignore[arg-type]


def _no_report(place: str, flag: str) -> ReportError:
    return ReportError(
        f"{flag}: {printable(place)} is no record of a report",
        hint=_HINT,
    )


_Check = Callable[[object], Value]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _digest(value: object) -> str | None:
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else None


def _integer(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and isinstance(value, int) and 0 <= value < _LARGEST else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < _LARGEST else None


def _truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(text for text in texts if isinstance(text, str))


_BY_TYPE: dict[object, _Check] = {
    str | None: _text,
    int | None: _integer,
    float | None: _number,
    bool | None: _truth,
    tuple[str, ...]: _texts,
}
_CHECKS: dict[str, _Check] = {
    name: _BY_TYPE[type_]
    for name, type_ in get_type_hints(Record).items()
    if name not in ("url", "outcome")
} | {"sha256": _digest}
