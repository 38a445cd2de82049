"""What is new, gone or changed since an earlier report."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from downloader.errors import ReportError
from downloader.report.record import Record, Result
from downloader.text import format_size, printable

_FLAG = "--compare"
#: Of each kind of change so many are kept, and the others counted.
_MOST_KEPT = 200
#: No file is larger.
_LARGEST = 2**63
_THERE = frozenset({Result.DOWNLOADED, Result.MEASURED, Result.UNCHANGED, Result.SKIPPED})


class Change(StrEnum):
    """How a URL differs from what it was."""

    FAILS = "fails now"
    WORKS = "works again"
    NEW = "new"
    GONE = "gone"
    SIZE = "changed in size"
    CONTENT = "changed in content"


@dataclass(frozen=True, slots=True)
class Before:
    """What an earlier report says of a URL.

    Attributes:
        there: whether it could be fetched.
        size: bytes of its body, if they are known.
        sha256: of those bytes, if it is known.
    """

    there: bool
    size: int | None
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Changed:
    """One change.

    Attributes:
        url: what has changed.
        before, after: bytes of its body, if they are known.
    """

    url: str
    before: int | None
    after: int | None

    @property
    def said(self) -> str:
        """What it was and is, for a person; empty if that is not known."""
        if self.before is None or self.after is None:
            known = self.after if self.before is None else self.before
            return "" if known is None else format_size(known)
        sizes = f"{format_size(self.before)} → {format_size(self.after)}"
        return f"{sizes} ({self.after - self.before:+,} bytes)"


@dataclass(slots=True)
class Changes:
    """All changes of one kind, of which the first are kept."""

    count: int = 0
    shown: list[Changed] = field(default_factory=list)

    def add(self, changed: Changed) -> None:
        """Add one."""
        self.count += 1
        if len(self.shown) < _MOST_KEPT:
            self.shown.append(changed)


class Comparison:
    """Holds each record against what an earlier report says of its URL.

    Args:
        path: of that report, JSONL or JSON; it is read at once, and may then be written anew.

    Attributes:
        path: of that report.
        changes: by kind, those that there are.
        same: how many URLs are as they were.
        complete: whether what is gone could be told.

    Raises, when made:
        ReportError: it cannot be read, or is no report.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes: dict[Change, Changes] = {}
        self.same = 0
        self.complete = True
        self._before = dict(_read(path))

    def add(self, record: Record) -> None:
        """Take one record; of several lines with one URL the first counts."""
        if record.outcome is Result.SKIPPED and record.reason == "duplicate":
            return
        before = self._before.pop(record.url, None)
        after = record.decoded_bytes
        change = _change(before, record)
        if change is None:
            self.same += 1
        else:
            self._note(change, Changed(record.url, before.size if before else None, after))

    def finish(self, *, complete: bool) -> None:
        """Take in that this was all; what a stopped run did not come to is not gone."""
        self.complete = complete
        if complete:
            for url, before in self._before.items():
                self._note(Change.GONE, Changed(url, before.size, None))
        self._before.clear()

    def lines(self, most: int = 20) -> list[str]:
        """Return what has changed, as lines for a person."""
        counts = [f"{self.changes[kind].count} {kind}" for kind in Change if kind in self.changes]
        unknown = "" if self.complete else "; what is gone is not known, as the run was stopped"
        said = ", ".join([*counts, f"{self.same} the same"])
        lines = [f"Since {printable(str(self.path))}: {said}{unknown}"]
        for kind in Change:
            changes = self.changes.get(kind, Changes())
            for changed in changes.shown[:most]:
                about = f": {changed.said}" if changed.said else ""
                lines.append(f"  {kind}: {printable(changed.url)}{about}")
            if changes.count > most:
                lines.append(f"  {kind}: and {changes.count - most} more")
        return lines

    def _note(self, change: Change, changed: Changed) -> None:
        self.changes.setdefault(change, Changes()).add(changed)


def _change(before: Before | None, record: Record) -> Change | None:
    there = record.outcome in _THERE
    if before is None:
        return Change.NEW
    if there != before.there:
        return Change.WORKS if there else Change.FAILS
    if not there or before.size is None or record.decoded_bytes is None:
        return None
    if before.size != record.decoded_bytes:
        return Change.SIZE
    known = before.sha256 and record.sha256
    if known and before.sha256 != bytes.fromhex(record.sha256 or ""):
        return Change.CONTENT
    return None


def _read(path: Path) -> Iterator[tuple[str, Before]]:
    """Yield what a report says of each URL.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".json":
                yield from _whole(path, file.read())
                return
            for number, line in enumerate(file, 1):
                # A run that was killed may have left a part of a line.
                if line.endswith(b"\n") and line.strip():
                    yield from _record(f"{path}:{number}", line)
    except OSError as error:
        raise ReportError(f"cannot read {_FLAG} {path}: {error.strerror}") from error


def _whole(path: Path, data: bytes) -> Iterator[tuple[str, Before]]:
    try:
        report = json.loads(data)
    except (ValueError, RecursionError):
        report = None
    match report:
        case {"records": list(records)}:
            for number, record in enumerate(records, 1):
                yield from _before(f"record {number} of {path}", record)
        case _:
            raise _no_report(str(path))


def _record(place: str, line: bytes) -> Iterator[tuple[str, Before]]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise _no_report(place) from None
    yield from _before(place, record)


def _before(place: str, record: object) -> Iterator[tuple[str, Before]]:
    if not isinstance(record, dict):
        raise _no_report(place)
    match record:
        case {"url": str(url), "outcome": str(outcome)} if outcome in set(Result):
            size, sha256 = record.get("decoded_bytes"), record.get("sha256")
        case _:
            raise _no_report(place)
    repeated = outcome == Result.SKIPPED and record.get("reason") == "duplicate"
    if outcome == Result.NOT_TRIED or repeated:
        return
    try:
        digest = bytes.fromhex(sha256) if isinstance(sha256, str) else None
    except ValueError:
        raise _no_report(place) from None
    known = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < _LARGEST
    yield url, Before(Result(outcome) in _THERE, size if known else None, digest)


def _no_report(place: str) -> ReportError:
    return ReportError(
        f"{_FLAG}: {printable(place)} is no record of a report",
        hint="give a .jsonl or .json that --report has written",
    )
