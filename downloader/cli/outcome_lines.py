"""Outcomes, and a run as a whole, as lines on the terminal."""

from collections.abc import Iterable
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
            length = _size(sizes.saved, sizes.characters)
            if not outcome.path:
                url = printable(_short_url(outcome.url))
                return f"{url}: {length}{_remarks(outcome)}"
            path = printable(_join(folder, outcome.path))
            return f"Downloaded {path}: {length}{_remarks(outcome)}"
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
    # Called for every line, and most have none.
    if outcome.length_verified and not (outcome.note or outcome.resumed_at or outcome.set_aside):
        return ""
    remarks = []
    if not outcome.length_verified:
        remarks.append("length unverified")
    if outcome.note:
        remarks.append(outcome.note)
    if outcome.resumed_at:
        remarks.append(f"resumed at {outcome.resumed_at}")
    if outcome.set_aside:
        remarks.append(f"the existing file is now {printable(outcome.set_aside)}")
    return f" ({'; '.join(remarks)})"


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
    parts.append(f"{count(outcome.sizes.wire, 'byte')} received{coding}")
    if outcome.sizes.charset:
        parts.append(f"{outcome.sizes.charset} ({outcome.sizes.charset_source})")
    if outcome.attempts > 1:
        parts.append(f"{outcome.attempts} attempts")
    parts.append(f"{outcome.seconds:.2f} s")
    return "  " + ", ".join(parts)


def _size(octets: int, characters: int | None) -> str:
    """Return the size of a body: characters for text, bytes for anything else."""
    return count(octets, "byte") if characters is None else count(characters, "character")


def summary_line(tally: Tally, seconds: float, *, others: int = 0, saving: bool = True) -> str:
    """Return the last line: the totals of a run, and the number of *others* in other shards."""
    downloaded = "downloaded" if saving else "measured"
    rest = f"; {count(others, 'URL')} of other shards" if others else ""
    return (
        f"{count(tally.total, 'URL')}: {tally.downloaded} {downloaded}, "
        f"{tally.unchanged} unchanged, {tally.skipped} skipped, {tally.failed} failed; "
        f"{count(tally.saved, 'byte')} in {seconds:.2f} s{rest}"
    )


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
