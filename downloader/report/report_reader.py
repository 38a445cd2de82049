"""Reading the reports that earlier runs have written."""

from collections.abc import Collection, Iterator
from pathlib import Path

from downloader.errors import ReportError
from downloader.models.url_record import FIELD_NAMES, Record, from_dict
from downloader.report.formats import FORMATS, endings, format_of
from downloader.web.text import printable


def read(path: Path, names: Collection[str] = FIELD_NAMES) -> Iterator[Record]:
    """Yield the records of a report; values that their field cannot have count as unknown.

    Args:
        path: of the report; a file with an unknown ending is read as JSON Lines.
        names: the fields to read besides ``url`` and ``outcome``. Of Parquet, only fields of text
            and of integers can be read.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    report_format = format_of(path)
    if report_format is None or not report_format.is_readable:
        report_format = FORMATS[".jsonl"]
    wanted = frozenset(names)
    try:
        with path.open("rb") as file:
            for position, members in report_format.read_members(path, file, names):
                yield _record(position, members, wanted)
    except ReportError as error:
        raise ReportError(error.message, hint=error.hint or _hint()) from error
    except OSError as error:
        raise ReportError(f"cannot read {printable(str(path))}: {error.strerror}") from error


def _record(position: str, members: object, names: frozenset[str]) -> Record:
    try:
        if isinstance(members, dict):
            return from_dict(members, names)
    except ValueError:
        pass
    raise ReportError(f"{printable(position)} is no record of a report")


def _hint() -> str:
    readable = [each for each in FORMATS.values() if each.is_readable]
    return f"give a {endings(readable)} that --report has written"
