"""Outcomes as lines for a person."""

from collections.abc import Iterable
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.models import (
    Downloaded,
    Failed,
    InFlight,
    Outcome,
    Sizes,
    Skipped,
    Tally,
    Unchanged,
)
from downloader.web.filenames import SafePath
from downloader.web.text import format_size, printable

#: So many files of an archive are named one by one.
_MOST_NAMED = 10


def outcome_line(outcome: Outcome, folder: Path | str) -> str:
    """Return what happened to one URL, as one line without its end; *folder* may be a URL."""
    match outcome:
        case Downloaded():
            if not outcome.path:
                return (
                    f"{printable(_address(outcome.url))}: {size(outcome.sizes)}{_remarks(outcome)}"
                )
            path = printable(_place(folder, outcome.path))
            return f"Downloaded {path}: {size(outcome.sizes)}{_remarks(outcome)}"
        case Unchanged():
            path = printable(_place(folder, outcome.path))
            return f"Unchanged {path}: {_size(outcome.size, outcome.characters)}"
        case Skipped():
            return f"Skipped {printable(outcome.url)}: {printable(outcome.detail)}"
        case Failed():
            return _failure(outcome)


def _address(url: str) -> str:
    """Return an address as people write it: a host alone has no slash behind it."""
    return url[:-1] if url.endswith("/") and url.count("/") == len("://") else url


def _place(folder: Path | str, path: SafePath) -> str:
    # On the way of every line: to join them as paths would take longer than all the rest.
    return path if (where := str(folder)) == "." else f"{where}/{path}"


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
    by = "needed by" if outcome.needed else "linked from"
    page = f", {by} {printable(outcome.parent)}" if outcome.parent else ""
    return f"Failed {shown}: {printable(outcome.message)} ({outcome.kind}){page}{printable(hint)}"


def detail_line(outcome: Outcome) -> str:
    """Return what ``-v`` adds below an outcome, or an empty string."""
    if isinstance(outcome, Failed) and outcome.attempts:
        return f"  {count(outcome.attempts, 'attempt')}, {outcome.seconds:.2f} s"
    if not isinstance(outcome, Downloaded):
        return ""
    parts = [f"{outcome.status} from {printable(outcome.final_url)}"]
    if outcome.redirects:
        parts.append(f"after {count(len(outcome.redirects), 'redirect')}")
    coding = f" as {printable(outcome.content_coding)}" if outcome.content_coding else ""
    parts.append(f"{count(outcome.sizes.wire, 'byte')} received{coding}")
    if outcome.sizes.charset:
        parts.append(f"{outcome.sizes.charset} ({outcome.sizes.charset_source})")
    if outcome.attempts > 1:
        parts.append(f"{outcome.attempts} attempts")
    parts.append(f"{outcome.seconds:.2f} s")
    return "  " + ", ".join(parts)


def size(sizes: Sizes) -> str:
    """Return the size of a body: characters for text, bytes for anything else."""
    return _size(sizes.saved, sizes.characters)


def _size(octets: int, characters: int | None) -> str:
    return count(octets, "byte") if characters is None else count(characters, "character")


def summary_line(tally: Tally, seconds: float, *, others: int = 0, saving: bool = True) -> str:
    """Return the last line: what became of all URLs, and how many *others* are of other shards."""
    done = "downloaded" if saving else "measured"
    rest = f"; {count(others, 'URL')} of other shards" if others else ""
    return (
        f"{count(tally.total, 'URL')}: {tally.downloaded} {done}, "
        f"{tally.unchanged} unchanged, {tally.skipped} skipped, {tally.failed} failed; "
        f"{count(tally.saved, 'byte')} in {seconds:.2f} s{rest}"
    )


def archived_line(files: Iterable[str]) -> str:
    """Return which archive files a run has made; of many, how many, and the first and the last."""
    names = list(map(printable, files))
    if len(names) > _MOST_NAMED:
        return f"Archived in {len(names)} files, from {names[0]} to {names[-1]}"
    return f"Archived in {', '.join(names)}"


def in_flight_lines(rows: Iterable[InFlight]) -> list[str]:
    """Return what is being fetched now, one line each, the longest first."""
    lines = [
        f"  {row.seconds:7.1f} s {format_size(row.received):>10}  {printable(row.url)}"
        for row in rows
    ]
    return [f"{count(len(lines), 'URL')} in flight", *lines]


def count(number: int, noun: str) -> str:
    """Return a number with its noun, which gets an s unless there is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
