"""Outcomes, and a run as a whole, as lines on the terminal."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.models import (
    Downloaded,
    Failed,
    InFlight,
    Outcome,
    Skipped,
    Tally,
    Unchanged,
)
from downloader.web.filenames import SafePath
from downloader.web.text import format_size, printable

#: Archive files that are named one by one; of more, the first and the last are.
_MAX_NAMED = 10


def outcome_line(outcome: Outcome, folder: Path | str) -> str:
    """Return the line of one outcome, without line feed; *folder* may be a URL."""
    match outcome:
        case Downloaded():
            sizes = outcome.sizes
            size = f"{_size(sizes.saved, sizes.characters)}{_remarks(outcome)}"
            if not outcome.path:
                return f"{printable(_short_url(outcome.url))}: {size}"
            return f"Downloaded {printable(_join(folder, outcome.path))}: {size}"
        case Unchanged():
            path = printable(_join(folder, outcome.path))
            return f"Unchanged {path}: {_size(outcome.size, outcome.characters)}"
        case Skipped():
            return f"Skipped {printable(outcome.url)}: {printable(outcome.detail)}"
        case Failed():
            return _failure(outcome)


def _short_url(url: str) -> str:
    """Return a URL as people write it: without the slash after a host alone."""
    return url[:-1] if url.endswith("/") and url.count("/") == len("://") else url


def _join(folder: Path | str, path: SafePath) -> str:
    # Called for every line, of which Path.joinpath() would be most of the cost.
    return path if (prefix := str(folder)) == "." else f"{prefix}/{path}"


def _remarks(outcome: Downloaded) -> str:
    sizes = outcome.sizes
    # Called for every line, and many have none.
    if (
        outcome.length_verified
        and sizes.wire == sizes.saved
        and not (outcome.note or outcome.resumed_at or outcome.set_aside)
    ):
        return ""
    remarks = []
    if outcome.content_coding and sizes.wire != sizes.saved:
        remarks.append(f"{format_size(sizes.wire)} received")
    if not outcome.length_verified:
        remarks.append("length unverified")
    if outcome.note:
        remarks.append(outcome.note)
    if outcome.resumed_at:
        remarks.append(f"resumed at {format_size(outcome.resumed_at)}")
    if outcome.set_aside:
        remarks.append(f"the existing file is now {printable(outcome.set_aside)}")
    return f" ({'; '.join(remarks)})" if remarks else ""


def _failure(outcome: Failed) -> str:
    shown = printable(outcome.url)
    if outcome.kind is ErrorKind.BAD_URL:
        shown = f"{printable(outcome.origin)}: {shown!r}" if shown else printable(outcome.origin)
    hint = f"; {outcome.hint}" if outcome.hint else ""
    relation = "needed by" if outcome.needed else "linked from"
    page = f", {relation} {printable(outcome.parent)}" if outcome.parent else ""
    return f"Failed {shown}: {printable(outcome.message)} ({outcome.kind}){page}{printable(hint)}"


def detail_line(outcome: Outcome) -> str:
    """Return the line that ``-v`` adds after an outcome, or an empty string."""
    if isinstance(outcome, Failed) and outcome.attempts:
        return f"  {count(outcome.attempts, 'attempt')}, {outcome.seconds:.2f} s"
    if not isinstance(outcome, Downloaded):
        return ""
    parts = [f"{outcome.status} from {printable(outcome.final_url)}"]
    if outcome.redirects:
        parts.append(f"after {count(len(outcome.redirects), 'redirect')}")
    coding = f" as {printable(outcome.content_coding)}" if outcome.content_coding else ""
    parts.append(f"{format_size(outcome.sizes.wire)} received{coding}")
    if outcome.sizes.charset:
        parts.append(f"{outcome.sizes.charset} ({outcome.sizes.charset_source})")
    if outcome.attempts > 1:
        parts.append(f"{outcome.attempts} attempts")
    parts.append(f"{outcome.seconds:.2f} s")
    return "  " + ", ".join(parts)


def _size(octets: int, characters: int | None) -> str:
    """Return the size of a body: in bytes, and of a text in characters before them."""
    size = format_size(octets)
    return size if characters is None else f"{count(characters, 'character')}, {size}"


def summary_line(tally: Tally, seconds: float, *, others: int = 0, saving: bool = True) -> str:
    """Return the totals of a run on one line, with the number of *others* in other shards."""
    downloaded = "downloaded" if saving else "measured"
    kinds = ", ".join(
        f"{number} {kind}" for kind, number in sorted(tally.kinds.items(), key=_most_frequent)
    )
    failed = f"{tally.failed} failed" + (f" ({kinds})" if kinds else "")
    received = (
        f" ({format_size(tally.received)} received)"
        if format_size(tally.received) != format_size(tally.saved)
        else ""
    )
    rest = f"; {count(others, 'URL')} of other shards" if others else ""
    return (
        f"{count(tally.total, 'URL')}: {tally.downloaded} {downloaded}, "
        f"{tally.unchanged} unchanged, {tally.skipped} skipped, {failed}; "
        f"{format_size(tally.saved)}{received} in {seconds:.2f} s{rest}"
    )


def _most_frequent(item: tuple[ErrorKind, int]) -> tuple[int, str]:
    """Return the sort key by which the most frequent kind comes first."""
    kind, number = item
    return -number, kind


def reports_line(files: Sequence[Path]) -> str:
    """Return the line that names the reports of a run."""
    names = ", ".join(printable(str(file)) for file in files)
    return f"Report{'' if len(files) == 1 else 's'}: {names}"


def archived_line(files: Iterable[str]) -> str:
    """Return the line that names the archive files of a run."""
    names = list(map(printable, files))
    if len(names) > _MAX_NAMED:
        return f"Archived in {len(names)} files, from {names[0]} to {names[-1]}"
    return f"Archived in {', '.join(names)}"


def in_flight_lines(rows: Iterable[InFlight]) -> list[str]:
    """Return a heading and a line for each transfer in flight."""
    lines = [
        f"  {row.seconds:7.1f} s {format_size(row.received):>10}  {printable(row.url)}"
        for row in rows
    ]
    return [f"{count(len(lines), 'URL')} in flight", *lines]


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless the number is 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
