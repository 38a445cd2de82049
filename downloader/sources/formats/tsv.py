"""TSV: the same tables as CSV, with cells separated by tabs."""

from collections.abc import Iterator

from downloader.sources.entries import ListLine
from downloader.sources.formats.csv import parse_table
from downloader.sources.list_input import ListInput


def parse(source: ListInput) -> Iterator[ListLine]:
    """Yield the rows of a table; see :func:`downloader.sources.formats.csv.parse`.

    Raises:
        SourceError: there is no column of addresses, or a row has no end.
    """
    return parse_table(source, "\t")
