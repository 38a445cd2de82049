"""Comparison of a run's records with those of an earlier report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from pathlib import Path

from downloader.errors import ErrorKind
from downloader.models import SkipReason
from downloader.models.url_record import Record, Result
from downloader.web.text import format_size, printable

#: The fields that a comparison needs of both reports.
COMPARED_FIELDS = ("kind", "decoded_bytes", "sha256", "reason", "parent", "request")
#: Changes kept for each kind of change; further ones are only counted.
_MAX_KEPT = 200
_REFRESH_HINT = "skipped as done; --refresh asks the server"


class ChangeKind(StrEnum):
    """How a URL differs from the earlier report."""

    FAILS = "fails now"
    WORKS = "works again"
    DISALLOWED = "disallowed by robots.txt"
    ALLOWED = "allowed again"
    NEW = "new"
    GONE = "gone"
    SIZE = "changed in size"
    CONTENT = "changed in content"


class _Availability(Enum):
    """The fields of a record about the server's copy."""

    FETCHED = auto()
    FAILED = auto()
    DISALLOWED = auto()
    #: The file was saved by an earlier run, and the server was not asked.
    NOT_CHECKED = auto()


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """The fields of an earlier record that are compared.

    Attributes:
        availability: whether it could be fetched.
        size: of its body in bytes, if known.
        sha256: of those bytes, if known.
        parent: the page that it was found on, if any.
        is_request: whether its request was no plain GET.
    """

    availability: _Availability
    size: int | None
    sha256: bytes | None
    parent: str | None
    is_request: bool


@dataclass(frozen=True, slots=True)
class UrlChange:
    """The change of one URL.

    Attributes:
        url: that changed.
        before, after: size of its body in bytes, if known.
    """

    url: str
    before: int | None
    after: int | None

    @property
    def sizes(self) -> str:
        """The sizes before and after, for a person; empty if neither is known."""
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

    def add(self, change: UrlChange) -> None:
        """Add one change."""
        self.count += 1
        if len(self.shown) < _MAX_KEPT:
            self.shown.append(change)


class Comparison:
    """Compares records with those of an earlier report.

    Args:
        path: of the earlier report.
        earlier: its records, with at least the :data:`COMPARED_FIELDS`. All are read at once, so
            that the new report may take the file's place.

    Attributes:
        path: of the earlier report.
        changes: by kind.
        same: the number of URLs that have not changed.
        not_checked: the number of URLs that the server was not asked for, because an earlier run
            had saved them.
        complete: whether it is known which URLs are gone.
        partial: whether the earlier run was stopped, so that a URL may be new only because that
            run did not reach it.
    """

    def __init__(self, path: Path, earlier: Iterable[Record]) -> None:
        self.path = path
        self.changes: dict[ChangeKind, ChangeGroup] = {}
        self.same = 0
        self.not_checked = 0
        self.complete = True
        self.partial = False
        self._earlier: dict[str, EarlierRecord] = {}
        # Repeated lines that are no URLs are not reported as duplicates.
        self._bad_urls: set[str] = set()
        # The requisites of a page that was skipped as done are not reported.
        self._done_pages: set[str] = set()
        for record in earlier:
            if record.outcome is Result.NOT_TRIED:
                self.partial = True
            elif record.reason is not SkipReason.DUPLICATE:
                self._earlier[_key(record)] = EarlierRecord(
                    _availability(record),
                    record.decoded_bytes,
                    _digest(record),
                    record.parent,
                    record.request is not None,
                )

    def add(self, record: Record) -> None:
        """Compare one record; of several lines with one URL, the first counts."""
        if record.reason is SkipReason.DUPLICATE or record.url in self._bad_urls:
            return
        if record.kind is ErrorKind.BAD_URL:
            self._bad_urls.add(record.url)
        if record.reason is SkipReason.DONE:
            self._done_pages.add(record.url)
        earlier = self._earlier.pop(_key(record), None)
        change = ChangeKind.NEW if earlier is None else _change(earlier, record)
        if change is not None:
            before = earlier.size if earlier else None
            self._add_change(change, UrlChange(record.url, before, record.decoded_bytes))
        elif _availability(record) is _Availability.NOT_CHECKED:
            self.not_checked += 1
        else:
            self.same += 1

    def finish(self, *, complete: bool) -> None:
        """Find the URLs that are gone, once all records were added.

        Args:
            complete: whether the run reached its end; otherwise, no URL is known to be gone.
        """
        self.complete = complete
        if complete:
            for key, earlier in self._earlier.items():
                url = key.rpartition(" ")[2] if earlier.is_request else key
                if self._is_linked_from_done_page(earlier):
                    self.not_checked += 1
                else:
                    self._add_change(ChangeKind.GONE, UrlChange(url, earlier.size, None))
        self._earlier.clear()

    def summary(self) -> str:
        """Return the counts of changes and, after semicolons, the limits of the comparison."""
        counts = [
            f"{self.changes[kind].count} {kind}" for kind in ChangeKind if kind in self.changes
        ]
        counts.append(f"{self.same} the same")
        if self.not_checked:
            counts.append(f"{self.not_checked} not checked ({_REFRESH_HINT})")
        parts = [", ".join(counts)]
        if not self.complete:
            parts.append("gone URLs are not known, because the run was stopped")
        if self.partial:
            parts.append("new URLs may be known ones that the earlier, stopped run did not reach")
        return "; ".join(parts)

    def lines(self, max_shown: int = 20) -> list[str]:
        """Return the summary and up to *max_shown* changes of each kind, as lines for a person."""
        lines = [f"Since {printable(str(self.path))}: {self.summary()}"]
        for kind in ChangeKind:
            group = self.changes.get(kind, ChangeGroup())
            for change in group.shown[:max_shown]:
                sizes = f": {change.sizes}" if change.sizes else ""
                lines.append(f"  {kind}: {printable(change.url)}{sizes}")
            if group.count > max_shown:
                lines.append(f"  {kind}: and {group.count - max_shown} more")
        return lines

    def _is_linked_from_done_page(self, earlier: EarlierRecord) -> bool:
        """Return whether it was found through a page that this run skipped as done."""
        seen = set()
        parent = earlier.parent
        while parent is not None and parent not in seen:
            if parent in self._done_pages:
                return True
            seen.add(parent)
            grandparent = self._earlier.get(parent)
            parent = grandparent.parent if grandparent else None
        return False

    def _add_change(self, kind: ChangeKind, change: UrlChange) -> None:
        self.changes.setdefault(kind, ChangeGroup()).add(change)


def _key(record: Record) -> str:
    """Return what is compared: a URL; behind another request than a plain GET, if it has one."""
    return record.url if record.request is None else f"{record.request} {record.url}"


def _availability(record: Record) -> _Availability:
    if record.outcome is Result.FAILED:
        return _Availability.FAILED
    if record.reason is SkipReason.ROBOTS:
        return _Availability.DISALLOWED
    if record.outcome is Result.SKIPPED:
        return _Availability.NOT_CHECKED
    return _Availability.FETCHED


def _digest(record: Record) -> bytes | None:
    return bytes.fromhex(record.sha256) if record.sha256 else None


def _change(earlier: EarlierRecord, record: Record) -> ChangeKind | None:
    """Return how *record* differs, or None if it does not or the server was not asked."""
    before, now = earlier.availability, _availability(record)
    had_body = before in (_Availability.FETCHED, _Availability.NOT_CHECKED)
    if now is _Availability.NOT_CHECKED:
        # Another run may have saved a newer version in the meantime.
        return _body_change(earlier, record) if had_body else None
    if now is _Availability.FETCHED and had_body:
        return _body_change(earlier, record)
    if now is before:
        return None
    if now is _Availability.FETCHED:
        return ChangeKind.WORKS if before is _Availability.FAILED else ChangeKind.ALLOWED
    return ChangeKind.FAILS if now is _Availability.FAILED else ChangeKind.DISALLOWED


def _body_change(earlier: EarlierRecord, record: Record) -> ChangeKind | None:
    if earlier.size is None or record.decoded_bytes is None:
        return None
    if earlier.size != record.decoded_bytes:
        return ChangeKind.SIZE
    digest = _digest(record)
    if earlier.sha256 and digest and earlier.sha256 != digest:
        return ChangeKind.CONTENT
    return None
