"""Outcomes as lines for a person."""

from collections.abc import Iterable
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.models import Downloaded, Failed, Outcome, Sizes, Skipped, Tally, Unchanged
from downloader.pool import InFlight
from downloader.text import format_size, printable


def outcome_line(outcome: Outcome, folder: Path) -> str:
    """Return what happened to one URL, as one line without its end."""
    match outcome:
        case Downloaded():
            path = printable(str(folder / outcome.path))
            return f"Downloaded {path}: {size(outcome.sizes)}{_remarks(outcome)}"
        case Unchanged():
            path = printable(str(folder / outcome.path))
            return f"Unchanged {path}: {_size(outcome.size, outcome.characters)}"
        case Skipped():
            return f"Skipped {printable(outcome.url)}: {printable(outcome.detail)}"
        case Failed():
            return _failure(outcome)


def _remarks(outcome: Downloaded) -> str:
    remarks = []
    if not outcome.length_verified:
        remarks.append("length unverified")
    if outcome.resumed_at:
        remarks.append(f"resumed at {outcome.resumed_at}")
    if outcome.set_aside:
        remarks.append(f"what was there is now {printable(outcome.set_aside)}")
    return f" ({'; '.join(remarks)})" if remarks else ""


def _failure(outcome: Failed) -> str:
    shown = printable(outcome.url)
    if outcome.kind is ErrorKind.BAD_URL:
        shown = f"{printable(outcome.origin)}: {shown!r}" if shown else printable(outcome.origin)
    hint = f"; {outcome.hint}" if outcome.hint else ""
    return f"Failed {shown}: {printable(outcome.message)} ({outcome.kind}){printable(hint)}"


def detail_line(outcome: Outcome) -> str:
    """Return what ``-v`` adds below an outcome, or an empty string."""
    if not isinstance(outcome, Downloaded):
        return ""
    parts = [f"{outcome.status} from {printable(outcome.final_url)}"]
    if outcome.redirects:
        parts.append(f"after {_count(len(outcome.redirects), 'redirect')}")
    coding = f" as {printable(outcome.content_coding)}" if outcome.content_coding else ""
    parts.append(f"{_count(outcome.sizes.wire, 'byte')} received{coding}")
    if outcome.sizes.charset:
        parts.append(f"{outcome.sizes.charset} ({outcome.sizes.charset_source})")
    if outcome.attempts > 1:
        parts.append(f"{outcome.attempts} attempts")
    parts.append(f"{outcome.seconds:.2f} s")
    return "  " + ", ".join(parts)


def size(sizes: Sizes) -> str:
    """Return the size of a body: characters for text, bytes for anything else."""
    return _size(sizes.saved, sizes.characters)


def _size(count: int, characters: int | None) -> str:
    return _count(count, "byte") if characters is None else _count(characters, "character")


def summary_line(tally: Tally, seconds: float) -> str:
    """Return the last line: what became of all URLs."""
    return (
        f"{_count(tally.total, 'URL')}: {tally.downloaded} downloaded, "
        f"{tally.unchanged} unchanged, {tally.skipped} skipped, {tally.failed} failed; "
        f"{_count(tally.saved, 'byte')} in {seconds:.2f} s"
    )


def progress_line(done: int, total: int | None, failed: int, received: int, rate: float) -> str:
    """Return how far the run is, for where no bar can be drawn."""
    known = f"/{total}" if total is not None else ""
    return f"{done}{known} URLs, {failed} failed, {format_size(received)}, {format_size(rate)}/s"


def in_flight_lines(rows: Iterable[InFlight]) -> list[str]:
    """Return what is being fetched now, one line each, the longest first."""
    lines = [
        f"  {row.seconds:7.1f} s {format_size(row.received):>10}  {printable(row.url)}"
        for row in rows
    ]
    return [f"{_count(len(lines), 'URL')} in flight", *lines]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
