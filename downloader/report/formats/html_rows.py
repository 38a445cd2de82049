"""The rows of the page's table: columns of plain values, compressed, with links to the files."""

import base64
import gzip
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from downloader.report.file_kinds import FileKind, kind_of
from downloader.report.record import Record, Result
from downloader.web.text import printable

_KINDS = list(FileKind)
_RESULTS = list(Result)
#: Phases of the last request, in their order.
PHASES = ("dns", "connect", "tls", "first byte", "transfer")
_COLUMNS = (
    *("url", "link", "kind", "result", "decoded", "wire", "characters", "status", "said"),
    *("start", "total", *PHASES),
)


class FileLinks:
    """Leads from the page to the saved files, wherever both are moved together."""

    def __init__(self, page: Path, output: Path | None) -> None:
        self._there = output.absolute() if output is not None else None
        if self._there is None:
            return
        # On Windows there is no relative way from one drive to another.
        try:
            self._way = os.path.relpath(self._there, page.absolute().parent)
        except ValueError:
            self._way = ""
        # "./", because what comes before a colon would be taken for a scheme.
        self._way = f"./{Path(self._way).as_posix()}" if self._way else ""

    def to(self, record: Record) -> str:
        """Return the reference to the file of *record*; empty if there is none."""
        if self._there is None or record.path is None or record.outcome is Result.FAILED:
            return ""
        if not self._way:
            return (self._there / record.path).as_uri()
        return quote(f"{self._way}/{record.path}", errors="surrogatepass")


class TableRows:
    """Gathers rows, column by column.

    Args:
        links: to their files.
        began: when the run began, as in a record.
    """

    def __init__(self, links: FileLinks, began: str) -> None:
        self._links = links
        self._began = datetime.fromisoformat(began)
        self._columns: list[list[str | int | None]] = [[] for _ in _COLUMNS]

    def add(self, record: Record) -> None:
        """Add a row."""
        row = _row(record, self._links, self._began)
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)

    def packed(self) -> str:
        """Return the rows as the page unpacks them: base64 of gzip of JSON."""
        data = {
            "kinds": [kind.label for kind in _KINDS],
            "results": [result.value for result in _RESULTS],
            "columns": dict(zip(_COLUMNS, self._columns, strict=True)),
        }
        text = json.dumps(data, separators=(",", ":")).encode()
        return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode()


def _row(record: Record, links: FileLinks, began: datetime) -> Iterator[str | int | None]:
    # Nothing in them turns the direction of what follows, or does not show.
    yield printable(record.url)
    yield links.to(record)
    yield _KINDS.index(kind_of(record))
    yield _RESULTS.index(record.outcome)
    yield record.decoded_bytes
    yield record.wire_bytes
    yield record.characters
    yield record.status
    said = f"{record.kind}: {record.message or ''}" if record.kind else record.reason
    yield printable(said) if said else None
    # Tenths of milliseconds.
    start = record.started and datetime.fromisoformat(record.started)
    yield _tenths((start - began).total_seconds()) if start else None
    for seconds in (
        record.seconds,
        record.dns_seconds,
        record.connect_seconds,
        record.tls_seconds,
        record.first_byte_seconds,
        record.transfer_seconds,
    ):
        yield _tenths(seconds)


def _tenths(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 10_000)
