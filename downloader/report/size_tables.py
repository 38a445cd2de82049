"""Tables of sizes for a terminal."""

from collections.abc import Iterable, Sequence

from downloader.models.url_record import Record
from downloader.report.file_kinds import kind_of
from downloader.report.summary import SizeSum, SizeSummary
from downloader.web.text import format_size, printable

_MAX_HOSTS = 10


def size_lines(summary: SizeSummary, *, colour: bool) -> list[str]:
    """Return tables of the largest bodies and of sums by type and host; empty without sizes."""
    if not summary.total.urls:
        return []
    kinds = [(kind.label, size) for kind, size in summary.by_kind()]
    return [
        *_table(
            ("Size", "Received", "Type", "Largest"),
            map(_record_row, summary.largest),
            ">><<",
            colour,
        ),
        *_table(("Size", "Received", "URLs", "By type"), _sum_rows(kinds), ">>><", colour),
        *_table(
            ("Size", "Received", "URLs", "By host"),
            _sum_rows(summary.by_host(_MAX_HOSTS)),
            ">>><",
            colour,
        ),
    ]


def _record_row(record: Record) -> Sequence[str]:
    wire = record.wire_bytes
    return (
        format_size(record.decoded_bytes or 0),
        "" if wire is None else format_size(wire),
        kind_of(record).label,
        printable(record.url),
    )


def _sum_rows(sums: Iterable[tuple[str, SizeSum]]) -> Iterable[Sequence[str]]:
    for name, size in sums:
        yield (
            format_size(size.decoded),
            format_size(size.wire),
            f"{size.urls:,}",
            printable(name),
        )


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], alignments: str, colour: bool
) -> list[str]:
    """Return the lines of a table; *alignments* has ``<`` or ``>`` for each column."""
    table = [headings, *rows]
    # The last column is not padded, because URLs may be long.
    widths = [max(len(row[at]) for row in table) for at in range(len(headings) - 1)] + [0]
    lines = [
        "  ".join(
            f"{cell:{alignment}{width}}"
            for cell, alignment, width in zip(row, alignments, widths, strict=True)
        )
        for row in table
    ]
    lines[0] = f"\x1b[1m{lines[0]}\x1b[0m" if colour else lines[0]
    return ["", *lines]
