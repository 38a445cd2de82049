"""What is new, gone or changed since an earlier report."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.models import SkipReason
from downloader.report.record import Record, Result
from downloader.report.report_reader import read
from downloader.web.text import format_size, printable

_FLAG = "--compare"
#: Of each kind of change so many are kept, and the others counted.
_MOST_KEPT = 200
#: What is needed of a record.
_NEEDED = ("decoded_bytes", "sha256", "reason", "parent")
_THERE = frozenset({Result.DOWNLOADED, Result.MEASURED, Result.UNCHANGED, Result.SKIPPED})


class ChangeKind(StrEnum):
    """How a URL differs from what it was."""

    FAILS = "fails now"
    WORKS = "works again"
    NEW = "new"
    GONE = "gone"
    SIZE = "changed in size"
    CONTENT = "changed in content"


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """What an earlier report says of a URL.

    Attributes:
        there: whether it could be fetched.
        size: bytes of its body, if they are known.
        sha256: of those bytes, if it is known.
        parent: the page that it was found on, if it was.
    """

    there: bool
    size: int | None
    sha256: bytes | None
    parent: str | None


@dataclass(frozen=True, slots=True)
class UrlChange:
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
class ChangeGroup:
    """All changes of one kind, of which the first are kept."""

    count: int = 0
    shown: list[UrlChange] = field(default_factory=list)

    def add(self, changed: UrlChange) -> None:
        """Add one."""
        self.count += 1
        if len(self.shown) < _MOST_KEPT:
            self.shown.append(changed)


class Comparison:
    """Holds each record against what an earlier report says of its URL.

    Args:
        path: of that report, JSONL, JSON or Parquet; it is read at once, and may then be
            written anew.

    Attributes:
        path: of that report.
        changes: by kind, those that there are.
        same: how many URLs are as they were.
        complete: whether what is gone could be told.
        partial: whether the earlier run was stopped, so that what is new may only not have come.

    Raises, when made:
        ReportError: it cannot be read, or is no report.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes: dict[ChangeKind, ChangeGroup] = {}
        self.same = 0
        self.complete = True
        self.partial = False
        self._before: dict[str, EarlierRecord] = {}
        # Lines that are no addresses are not known to repeat each other.
        self._bad: set[str] = set()
        # Pages that are there already are not read again, and what they need is not told of.
        self._unread: set[str] = set()
        for record in read(path, _FLAG, _NEEDED):
            if record.outcome is Result.NOT_TRIED:
                self.partial = True
            elif record.reason != SkipReason.DUPLICATE.value:
                there = record.outcome in _THERE
                digest = bytes.fromhex(record.sha256) if record.sha256 else None
                self._before[record.url] = EarlierRecord(
                    there, record.decoded_bytes, digest, record.parent
                )

    def add(self, record: Record) -> None:
        """Take one record; of several lines with one URL the first counts."""
        if record.reason == SkipReason.DUPLICATE.value or record.url in self._bad:
            return
        if record.kind == ErrorKind.BAD_URL:
            self._bad.add(record.url)
        if record.outcome is Result.SKIPPED:
            self._unread.add(record.url)
        before = self._before.pop(record.url, None)
        after = record.decoded_bytes
        change = _change(before, record)
        if change is None:
            self.same += 1
        else:
            self._note(change, UrlChange(record.url, before.size if before else None, after))

    def finish(self, *, complete: bool) -> None:
        """Take in that this was all; what a stopped run did not come to is not gone."""
        self.complete = complete
        if complete:
            for url, before in self._before.items():
                if self._of_unread(before):
                    self.same += 1
                else:
                    self._note(ChangeKind.GONE, UrlChange(url, before.size, None))
        self._before.clear()

    def lines(self, most: int = 20) -> list[str]:
        """Return what has changed, as lines for a person."""
        counts = [
            f"{self.changes[kind].count} {kind}" for kind in ChangeKind if kind in self.changes
        ]
        unknown = "" if self.complete else "; what is gone is not known, as the run was stopped"
        said = ", ".join([*counts, f"{self.same} the same"])
        if self.partial:
            unknown += "; the earlier run was stopped, and had not come to all that is new"
        lines = [f"Since {printable(str(self.path))}: {said}{unknown}"]
        for kind in ChangeKind:
            changes = self.changes.get(kind, ChangeGroup())
            for changed in changes.shown[:most]:
                about = f": {changed.said}" if changed.said else ""
                lines.append(f"  {kind}: {printable(changed.url)}{about}")
            if changes.count > most:
                lines.append(f"  {kind}: and {changes.count - most} more")
        return lines

    def _of_unread(self, before: EarlierRecord) -> bool:
        """Return whether *before* was found on a page that was not read this time."""
        seen = set()
        parent = before.parent
        while parent is not None and parent not in seen:
            if parent in self._unread:
                return True
            seen.add(parent)
            above = self._before.get(parent)
            parent = above.parent if above else None
        return False

    def _note(self, change: ChangeKind, changed: UrlChange) -> None:
        self.changes.setdefault(change, ChangeGroup()).add(changed)


def _change(before: EarlierRecord | None, record: Record) -> ChangeKind | None:
    there = record.outcome in _THERE
    if before is None:
        return ChangeKind.NEW
    if there != before.there:
        return ChangeKind.WORKS if there else ChangeKind.FAILS
    if not there or before.size is None or record.decoded_bytes is None:
        return None
    if before.size != record.decoded_bytes:
        return ChangeKind.SIZE
    known = before.sha256 and record.sha256
    if known and before.sha256 != bytes.fromhex(record.sha256 or ""):
        return ChangeKind.CONTENT
    return None
