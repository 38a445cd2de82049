"""Tables of sizes for a terminal."""

from collections.abc import Iterable, Sequence

from downloader.models.url_record import Record
from downloader.report.file_kinds import kind_of
from downloader.report.summary import SizeSum, SizeSummary
from downloader.report.text_table import table_lines
from downloader.web.text import format_size, printable

_MAX_HOSTS = 10


def size_lines(summary: SizeSummary, *, colour: bool) -> list[str]:
    """Return tables of the largest bodies and of sums by type and host; empty without sizes."""
    if not summary.total.urls:
        return []
    kinds = [(kind.label, size) for kind, size in summary.by_kind()]
    return [
        *table_lines(
            ("Size", "Received", "Type", "Largest"),
            map(_record_row, summary.largest),
            ">><<",
            colour,
        ),
        *table_lines(("Size", "Received", "URLs", "By type"), _sum_rows(kinds), ">>><", colour),
        *table_lines(
            ("Size", "Received", "URLs", "By host"),
            _sum_rows(summary.by_host(_MAX_HOSTS)),
            ">>><",
            colour,
        ),
        *(["", summary.note] if summary.note else []),
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
