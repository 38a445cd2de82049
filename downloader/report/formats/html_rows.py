"""The rows of the HTML page's table: compressed columns of plain values, with links to files."""

import base64
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from downloader.models.url_record import Record, Result
from downloader.report.file_kinds import kind_of
from downloader.web.file_kinds import FileKind
from downloader.web.text import printable

_KINDS = list(FileKind)
_RESULTS = list(Result)
#: The phases of a request, in their order.
PHASES = ("dns", "connect", "tls", "first byte", "transfer")
_COLUMNS = (
    *("url", "link", "kind", "result", "decoded", "wire", "characters", "status", "message"),
    *("start", "total", *PHASES),
)


class RecordLinks(Protocol):
    """Tells where the page finds what was saved."""

    def link_to(self, record: Record) -> str:
        """Return the reference to what was saved for *record*; empty if there is nothing."""


class FileLinks:
    """Links from the page to the saved files, relative so that both can be moved together.

    Args:
        page: the path of the page.
        output: the folder of the saved files; None if they are not on this machine.
    """

    def __init__(self, page: Path, output: Path | None) -> None:
        self._output = output.absolute() if output is not None else None
        self._relative = ""
        if self._output is not None:
            # On Windows there is no relative path between drives.
            with suppress(ValueError):
                relative = os.path.relpath(self._output, page.absolute().parent)
                # "./", because a name before a colon would be taken for a scheme.
                self._relative = f"./{Path(relative).as_posix()}"

    def link_to(self, record: Record) -> str:
        """Return the reference to the file of *record*; empty if there is none."""
        if self._output is None or record.path is None or record.outcome is Result.FAILED:
            return ""
        if not self._relative:
            return (self._output / record.path).as_uri()
        return quote(f"{self._relative}/{record.path}", errors="surrogatepass")


class TableRows:
    """The rows, column by column.

    Args:
        links: to the saved files.
        run_started: when the run began, as in a record.
    """

    def __init__(self, links: RecordLinks, run_started: str) -> None:
        self._links = links
        self._run_started = datetime.fromisoformat(run_started)
        self._columns: list[list[str | int | None]] = [[] for _ in _COLUMNS]

    def add(self, record: Record) -> None:
        """Add a row."""
        row = _row(record, self._links, self._run_started)
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)

    def packed(self) -> str:
        """Return the rows as base64 of gzip of JSON, which the page's script unpacks."""
        data = {
            "kinds": [kind.label for kind in _KINDS],
            "results": [result.value for result in _RESULTS],
            "columns": dict(zip(_COLUMNS, self._columns, strict=True)),
        }
        text = json.dumps(data, separators=(",", ":")).encode()
        return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode()


def _row(record: Record, links: RecordLinks, run_started: datetime) -> Iterator[str | int | None]:
    # Characters that are invisible or change the direction of text are escaped.
    yield printable(record.url)
    yield links.link_to(record)
    yield _KINDS.index(kind_of(record))
    yield _RESULTS.index(record.outcome)
    yield record.decoded_bytes
    yield record.wire_bytes
    yield record.characters
    yield record.status
    message = f"{record.kind}: {record.message or ''}" if record.kind else record.reason
    yield printable(message) if message else None
    started = record.started and datetime.fromisoformat(record.started)
    yield _in_tenths_of_ms((started - run_started).total_seconds()) if started else None
    for seconds in (
        record.seconds,
        record.dns_seconds,
        record.connect_seconds,
        record.tls_seconds,
        record.first_byte_seconds,
        record.transfer_seconds,
    ):
        yield _in_tenths_of_ms(seconds)


def _in_tenths_of_ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 10_000)
