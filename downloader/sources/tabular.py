"""Records with named fields: tables (CSV, TSV and Parquet) and JSON lines."""

import csv
import json
from collections.abc import Iterator
from typing import BinaryIO

from downloader import parquet
from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.line_reader import LONGEST_LINE, TOO_LONG, Numbered

#: A row that is longer is there to fill memory.
_LONGEST_ROW = 1024 * 1024


def parse_table(lines: Iterator[Numbered], shown: str, separator: str) -> Iterator[ListLine]:
    """Yield the rows of CSV or TSV (RFC 4180): ``url``, and perhaps ``name`` and ``sha256``.

    Raises:
        SourceError: there is no column ``url``, or a row has no end.
    """
    reached = first = held = 0
    complete = True

    def texts() -> Iterator[str]:
        nonlocal reached, held, complete
        for reached, text, whole in lines:  # noqa: B007 - it is read below
            complete = complete and whole
            held += len(text)
            if held > _LONGEST_ROW:
                raise SourceError(f"the row at {shown}:{first} has no end", hint="check its quotes")
            # A quote whose end was cut off must not swallow the lines that follow.
            yield f"{text}\n" if whole else text.replace('"', "") + "\n"

    rows = csv.reader(texts(), delimiter=separator)
    columns: list[str] | None = None
    while True:
        first, held, complete = reached + 1, 0, True
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield ListLine(f"{shown}:{first}", "", error=BadUrlError(f"broken row: {error}"))
            continue
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = [cell.strip().lower() for cell in row]
            if "url" not in columns:
                raise SourceError(f"{shown} has no column named url", hint="name it in line 1")
            continue
        cells = dict(zip(columns, row, strict=False))
        yield ListLine(
            f"{shown}:{first}",
            cells.get("url", "").strip(),
            name=cells.get("name", "").strip() or None,
            checksum=cells.get("sha256", "").strip() or None,
            error=None if complete else BadUrlError(TOO_LONG),
        )


def parse_json_lines(lines: Iterator[Numbered], shown: str) -> Iterator[ListLine]:
    """Yield what each line holds: a JSON object with a member ``url``, or a JSON string."""
    for number, text, whole in lines:
        if not text.strip():
            continue
        origin = f"{shown}:{number}"
        if not whole:
            yield ListLine(origin, text, error=BadUrlError(TOO_LONG))
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            yield ListLine(origin, text, error=BadUrlError("not a JSON value"))
            continue
        members = {"url": value} if isinstance(value, str) else value
        if not isinstance(members, dict) or not isinstance(members.get("url"), str):
            yield ListLine(origin, text, error=BadUrlError("no member url in the JSON value"))
            continue
        line = ListLine(origin, members["url"])
        line.name, line.checksum = members.get("name"), members.get("sha256")
        if not all(isinstance(value, str | None) for value in (line.name, line.checksum)):
            line.error = BadUrlError("name and sha256 must be strings")
        yield line


def parse_parquet(file: BinaryIO, shown: str) -> Iterator[ListLine]:
    """Yield the rows of a Parquet file: ``url``, and perhaps ``name`` and ``sha256``.

    Raises:
        SourceError: it is no such file, or not whole; what came before was yielded.
    """
    columns = (
        parquet.WantedColumn("url", required=True),
        *map(parquet.WantedColumn, ("name", "sha256")),
    )
    try:
        for number, row in enumerate(parquet.read(file, columns), 1):
            url, name, checksum = (None if cell is None else str(cell) for cell in row)
            line = ListLine(f"{shown}:{number}", (url or "")[:LONGEST_LINE])
            line.name, line.checksum = name, checksum
            if url is None:
                line.error = BadUrlError("no url in the row")
            elif any(len(text) > LONGEST_LINE for text in (url, name or "", checksum or "")):
                line.error = BadUrlError(TOO_LONG)
            yield line
    except parquet.ParquetError as error:
        raise SourceError(f"{shown} {error.message}", hint=error.hint) from error
