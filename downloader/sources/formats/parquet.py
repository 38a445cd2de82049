"""Apache Parquet: a column of addresses, and the columns ``name`` and ``sha256``, row by row."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

from downloader import parquet
from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.kept_columns import KeptColumns
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import MAX_LINE_LENGTH, TOO_LONG
from downloader.sources.url_column import (
    find_by_content,
    find_by_name,
    is_report,
    no_column,
)

#: Rows, and columns, in which the column of addresses is looked for.
_MAX_ROWS_BEFORE_ADDRESS = 100
_MAX_COLUMNS = 100


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the rows of a Parquet file.

    Raises:
        SourceError: the file is not Parquet, is incomplete or has no column of addresses; the rows
            before the error were yielded.
    """
    try:
        with source.seekable() as file:
            columns = parquet.table_columns(file)
            names = [_folded(column.name) for column in columns]
            address = _address_column(source, file, columns)
            # The hash of an earlier run is no promise about this one; --locked holds it to that.
            report = is_report(names)
            wanted = [
                parquet.WantedColumn(address, required=True),
                parquet.WantedColumn("name"),
                *([] if report else [parquet.WantedColumn("sha256")]),
            ]
            keeper = KeptColumns(source.label, source.settings)
            kept: list[parquet.TableColumn] = []
            if not report or source.settings.keep_columns is not None:
                positions = keeper.positions(names, names.index(address))
                kept = [columns[index] for index in positions if columns[index].is_scalar]
            wanted_too = [
                parquet.WantedColumn(_folded(column.name), any_type=True) for column in kept
            ]
            file.seek(0)
            for number, row in enumerate(parquet.read(file, [*wanted, *wanted_too]), 1):
                line = _line(
                    f"{source.label}:{number}",
                    row[: len(wanted)],
                    takes_name=source.settings.takes_names,
                )
                cells = zip(kept, row[len(wanted) :], strict=True)
                line.columns = keeper.bounded((column.name, cell) for column, cell in cells)
                # A report of a stopped run has a record of what was not tried.
                if line.text or not report:
                    yield line
    except parquet.ParquetError as error:
        raise SourceError(f"{source.label} {error.message}", hint=error.hint) from error


def _folded(name: str) -> str:
    return name.strip().lower()


def _address_column(
    source: ListInput, file: BinaryIO, columns: Sequence[parquet.TableColumn]
) -> str:
    """Return the name of the column of addresses, in lower case.

    Args:
        source: the list.
        file: its bytes.
        columns: all of its columns.

    Raises:
        SourceError: there is none, or several may be it.
    """
    names = [column.name for column in columns]
    candidates = names
    found = find_by_name(candidates, source.settings.url_column)
    if found is None and source.settings.url_column is None:
        candidates = [column.name for column in columns if column.is_text][:_MAX_COLUMNS]
        found = _find_in_rows(source, file, candidates)
    if found is None:
        raise no_column(names, source.label, source.settings)
    return _folded(candidates[found])


def _find_in_rows(source: ListInput, file: BinaryIO, names: list[str]) -> int | None:
    """Return the position of the only one of these columns that holds addresses, or None."""
    if len(names) == 1:
        # A list of one column and any name: there is no other place for the addresses.
        return 0
    file.seek(0)
    columns = [parquet.WantedColumn(_folded(name)) for name in names]
    for row in islice(parquet.read(file, columns), _MAX_ROWS_BEFORE_ADDRESS):
        found = find_by_content(names, row, source.label, source.settings)
        if found is not None:
            return found
    return None


def _line(origin: str, row: Sequence[parquet.Scalar], *, takes_name: bool) -> ListLine:
    cells = [None if cell is None else str(cell) for cell in row]
    url, name, checksum = [*cells, None][:3]
    line = ListLine(
        origin, (url or "")[:MAX_LINE_LENGTH], name=name if takes_name else None, checksum=checksum
    )
    if url is None:
        line.error = BadUrlError("no url in the row")
    elif any(len(cell or "") > MAX_LINE_LENGTH for cell in cells):
        line.error = BadUrlError(TOO_LONG)
    return line


def check_requirements() -> None:
    """Check that pyarrow is installed.

    Raises:
        SourceError: it is not; the message continues the name of the list.
    """
    try:
        parquet.load()
    except parquet.ParquetError as error:
        raise SourceError(error.message, hint=error.hint) from error
