"""Apache Parquet: the columns ``url``, ``name`` and ``sha256`` of a file, row by row."""

from collections.abc import Iterator

from downloader import parquet
from downloader.errors import BadUrlError, SourceError
from downloader.sources.entries import ListLine
from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import MAX_LINE_LENGTH, TOO_LONG

_COLUMNS = (
    parquet.WantedColumn("url", required=True),
    parquet.WantedColumn("name"),
    parquet.WantedColumn("sha256"),
)


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the rows of a Parquet file.

    Raises:
        SourceError: the file is not Parquet, is incomplete or has no column ``url``; the rows
            before the error were yielded.
    """
    try:
        with source.seekable() as file:
            for number, row in enumerate(parquet.read(file, _COLUMNS), 1):
                url, name, checksum = (None if cell is None else str(cell) for cell in row)
                line = ListLine(f"{source.label}:{number}", (url or "")[:MAX_LINE_LENGTH])
                line.name, line.checksum = name, checksum
                if url is None:
                    line.error = BadUrlError("no url in the row")
                elif any(len(cell or "") > MAX_LINE_LENGTH for cell in (url, name, checksum)):
                    line.error = BadUrlError(TOO_LONG)
                yield line
    except parquet.ParquetError as error:
        raise SourceError(f"{source.label} {error.message}", hint=error.hint) from error


def check_requirements() -> None:
    """Check that pyarrow is installed.

    Raises:
        SourceError: it is not; the message continues the name of the list.
    """
    try:
        parquet.load()
    except parquet.ParquetError as error:
        raise SourceError(error.message, hint=error.hint) from error
