"""What a run weighs, as tables for a terminal."""

from collections.abc import Iterable, Sequence

from downloader.report.file_kinds import kind_of
from downloader.report.record import Record
from downloader.report.summary import SizeSum, SizeSummary
from downloader.web.text import format_size, printable

_MOST_HOSTS = 10


def size_lines(summary: SizeSummary, *, colour: bool) -> list[str]:
    """Return the largest URLs, and sums by type and by host; nothing if nothing has a size."""
    if not summary.total.urls:
        return []
    kinds = [(kind.label, weight) for kind, weight in summary.by_kind()]
    return [
        *_table(
            ("Size", "Received", "Type", "Largest"), map(_row, summary.largest), ">><<", colour
        ),
        *_table(("Size", "Received", "URLs", "By type"), _rows(kinds), ">>><", colour),
        *_table(
            ("Size", "Received", "URLs", "By host"),
            _rows(summary.by_host(_MOST_HOSTS)),
            ">>><",
            colour,
        ),
    ]


def _row(record: Record) -> Sequence[str]:
    wire = record.wire_bytes
    return (
        format_size(record.decoded_bytes or 0),
        "" if wire is None else format_size(wire),
        kind_of(record).label,
        printable(record.url),
    )


def _rows(weights: Iterable[tuple[str, SizeSum]]) -> Iterable[Sequence[str]]:
    for name, weight in weights:
        yield (
            format_size(weight.decoded),
            format_size(weight.wire),
            f"{weight.urls:,}",
            printable(name),
        )


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], sides: str, colour: bool
) -> list[str]:
    """Return rows as lines, columns aligned, below their heads."""
    table = [heads, *rows]
    # The last column is not padded: addresses may be long, and need not be followed by spaces.
    widths = [max(len(row[at]) for row in table) for at in range(len(heads) - 1)] + [0]
    lines = [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        )
        for row in table
    ]
    lines[0] = f"\x1b[1m{lines[0]}\x1b[0m" if colour else lines[0]
    return ["", *lines]
