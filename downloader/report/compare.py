"""Comparison of a run's records with those of an earlier report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from sys import intern

from downloader.errors import ErrorKind
from downloader.models import SkipReason
from downloader.models.changes import Aspect, ChangeGroup, ChangeKind, UrlChange
from downloader.models.url_record import Record, Result
from downloader.report.diagnostics import CheckResult
from downloader.report.fail_on import ChangeCheck, FailOn
from downloader.report.text_table import table_lines
from downloader.web.text import printable

#: The fields that a comparison needs of both reports.
COMPARED_FIELDS = (
    *("kind", "message", "reason", "parent", "request", "status", "final_url"),
    *("content_type", "title", "decoded_bytes", "sha256"),
)
_REFRESH_HINT = "skipped as done; --refresh asks the server"


class _Availability(Enum):
    """The fields of a record about the server's copy."""

    FETCHED = auto()
    FAILED = auto()
    DISALLOWED = auto()
    #: The file was saved by an earlier run, and the server was not asked.
    NOT_CHECKED = auto()


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """The fields of an earlier record that are compared; None for what is not known.

    Attributes:
        availability: whether it could be fetched.
        size: of its body in bytes.
        sha256: of those bytes.
        parent: the page that it was found on.
        is_request: whether its request was no plain GET.
        status: the HTTP status.
        content_type: the media type.
        title: of a page.
        redirect: the address that answered; empty if it is the URL.
    """

    availability: _Availability
    size: int | None
    sha256: bytes | None
    parent: str | None
    is_request: bool
    status: int | None
    content_type: str | None
    title: str | None
    redirect: str | None

    @classmethod
    def of(cls, record: Record) -> "EarlierRecord":
        """Return what is compared of *record*."""
        return cls(
            _availability(record),
            record.decoded_bytes,
            bytes.fromhex(record.sha256) if record.sha256 else None,
            record.parent,
            record.request is not None,
            # 304 says nothing of the copy.
            None if record.outcome is Result.UNCHANGED else record.status,
            intern(record.content_type) if record.content_type is not None else None,
            record.title,
            "" if record.final_url == record.url else record.final_url,
        )


class Comparison:
    """Compares records with those of an earlier report.

    Args:
        path: of the earlier report.
        earlier: its records, with at least the :data:`COMPARED_FIELDS`. All are read at once, so
            that the new report may take the file's place.
        fail_on: the changes that are unwanted.

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

    def __init__(
        self, path: Path, earlier: Iterable[Record], fail_on: FailOn | None = None
    ) -> None:
        self.path = path
        self.changes: dict[ChangeKind, ChangeGroup] = {}
        self.same = 0
        self.not_checked = 0
        self.complete = True
        self.partial = False
        self._check = ChangeCheck(fail_on or FailOn())
        self._earlier: dict[str, EarlierRecord] = {}
        # Repeated lines that are no URLs are not reported as duplicates.
        self._bad_urls: set[str] = set()
        # The requisites of a page that was skipped as done are not reported.
        self._done_pages: set[str] = set()
        for record in earlier:
            if record.outcome is Result.NOT_TRIED:
                self.partial = True
            elif record.reason is not SkipReason.DUPLICATE:
                self._earlier[_key(record)] = EarlierRecord.of(record)

    def add(self, record: Record) -> UrlChange | None:
        """Compare one record; of several lines with one URL, the first counts.

        Returns:
            How it differs; None if its URL was compared before.
        """
        if record.reason is SkipReason.DUPLICATE or record.url in self._bad_urls:
            return None
        if record.kind is ErrorKind.BAD_URL:
            self._bad_urls.add(record.url)
        if record.reason is SkipReason.DONE:
            self._done_pages.add(record.url)
        change = _change(self._earlier.pop(_key(record), None), record)
        self._count(change)
        return change

    def finish(self, *, complete: bool) -> None:
        """Find the URLs that are gone, once all records were added.

        Args:
            complete: whether the run reached its end; otherwise, no URL is known to be gone.
        """
        self.complete = complete
        if complete:
            for key, earlier in self._earlier.items():
                url = key.rpartition(" ")[2] if earlier.is_request else key
                not_checked = self._is_linked_from_done_page(earlier)
                kind = ChangeKind.NOT_CHECKED if not_checked else ChangeKind.GONE
                self._count(UrlChange(url=url, kind=kind, before=earlier.size))
        self._earlier.clear()
        # The order in which URLs end differs from run to run.
        for group in self.changes.values():
            group.shown.sort(key=_sort_key)

    def result(self) -> CheckResult:
        """Return the unwanted changes, and others as notes, once the comparison is finished."""
        return self._check.result(self.path)

    def counts(self) -> Iterator[tuple[ChangeKind, int]]:
        """Yield the number of URLs of each kind that occurs, and of those that are the same."""
        for kind, group in self._groups():
            yield kind, group.count
        yield ChangeKind.SAME, self.same
        if self.not_checked:
            yield ChangeKind.NOT_CHECKED, self.not_checked

    def summary(self) -> str:
        """Return the counts of changes and, after semicolons, the limits of the comparison."""
        aspects = {kind: group.by_aspect for kind, group in self._groups()}
        aspects[ChangeKind.NOT_CHECKED] = f" ({_REFRESH_HINT})"
        counts = [f"{count} {kind}{aspects.get(kind, '')}" for kind, count in self.counts()]
        return "; ".join([", ".join(counts), *self.reservations])

    @property
    def reservations(self) -> list[str]:
        """What the comparison cannot tell, because a run was stopped."""
        parts = []
        if not self.complete:
            parts.append("gone URLs are not known, because the run was stopped")
        if self.partial:
            parts.append("new URLs may be known ones that the earlier, stopped run did not reach")
        return parts

    def lines(self, max_shown: int = 20, *, colour: bool = False) -> list[str]:
        """Return the summary, and a table of up to *max_shown* changes of each kind."""
        lines = [f"Since {printable(str(self.path))}: {self.summary()}"]
        rows: list[tuple[str, str, str]] = []
        for kind, group in self._groups():
            rows += [_row(change) for change in group.shown[:max_shown]]
            if group.count > max_shown:
                rows.append((kind.value, "", f"and {group.count - max_shown} more"))
        return (
            [*lines, *table_lines(("Change", "Size", "URL"), rows, "<<<", colour)]
            if rows
            else lines
        )

    def _groups(self) -> Iterator[tuple[ChangeKind, ChangeGroup]]:
        return ((kind, self.changes[kind]) for kind in ChangeKind if kind in self.changes)

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

    def _count(self, change: UrlChange) -> None:
        match change.kind:
            case ChangeKind.SAME:
                self.same += 1
            case ChangeKind.NOT_CHECKED:
                self.not_checked += 1
            case _:
                self.changes.setdefault(change.kind, ChangeGroup()).add(change)
                self._check.add(change)


def _sort_key(change: UrlChange) -> tuple[list[int], str]:
    order = list(Aspect)
    return [order.index(each) for each in change.aspects], change.url


def _row(change: UrlChange) -> tuple[str, str, str]:
    details = f": {printable('; '.join(change.details))}" if change.details else ""
    return change.label, change.sizes, f"{printable(change.url)}{details}"


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


def _change(earlier: EarlierRecord | None, record: Record) -> UrlChange:
    """Return how *record* differs."""
    now = EarlierRecord.of(record)
    kind, aspects = ChangeKind.NEW, dict[Aspect, str]()
    if earlier is not None:
        kind, aspects = _kind(earlier, now)
    details = [text for text in aspects.values() if text]
    if kind is ChangeKind.BROKEN and record.message:
        details.append(record.message)
    return UrlChange(
        url=record.url,
        kind=kind,
        aspects=tuple(each for each in Aspect if each in aspects),
        details=tuple(details),
        before=earlier.size if earlier else None,
        after=record.decoded_bytes,
    )


def _kind(earlier: EarlierRecord, now: EarlierRecord) -> tuple[ChangeKind, dict[Aspect, str]]:
    """Return the kind of a change, and what has changed."""
    before, after = earlier.availability, now.availability
    had_body = before in (_Availability.FETCHED, _Availability.NOT_CHECKED)
    aspects: dict[Aspect, str] = {}
    if after is _Availability.NOT_CHECKED:
        # Another run may have saved a newer version in the meantime.
        aspects = _body_aspects(earlier, now) if had_body else {}
        return (ChangeKind.CHANGED if aspects else ChangeKind.NOT_CHECKED), aspects
    if after is _Availability.FETCHED:
        if had_body:
            aspects = {**_body_aspects(earlier, now), **_head_aspects(earlier, now)}
            return (ChangeKind.CHANGED if aspects else ChangeKind.SAME), aspects
        kind = ChangeKind.WORKS if before is _Availability.FAILED else ChangeKind.ALLOWED
        return kind, aspects
    if after is before:
        aspects = _status_aspect(earlier, now)
        return (ChangeKind.CHANGED if aspects else ChangeKind.SAME), aspects
    kind = ChangeKind.BROKEN if after is _Availability.FAILED else ChangeKind.DISALLOWED
    return kind, aspects


def _body_aspects(earlier: EarlierRecord, now: EarlierRecord) -> dict[Aspect, str]:
    if earlier.size is None or now.size is None:
        return {}
    if earlier.size != now.size:
        return {Aspect.SIZE: ""}
    differs = earlier.sha256 and now.sha256 and earlier.sha256 != now.sha256
    return {Aspect.BYTES: ""} if differs else {}


def _head_aspects(earlier: EarlierRecord, now: EarlierRecord) -> dict[Aspect, str]:
    """Return what has changed beside the body; what one of them does not know has not."""
    aspects = _status_aspect(earlier, now)
    if earlier.content_type and now.content_type and earlier.content_type != now.content_type:
        aspects[Aspect.TYPE] = f"type {earlier.content_type} → {now.content_type}"
    # A report without titles may be of a version that did not look for them.
    if earlier.title and now.title and earlier.title != now.title:
        aspects[Aspect.TITLE] = f'title "{earlier.title}" → "{now.title}"'
    if None not in (earlier.redirect, now.redirect) and earlier.redirect != now.redirect:
        before, after = earlier.redirect or "none", now.redirect or "none"
        aspects[Aspect.REDIRECT] = f"redirect {before} → {after}"
    return aspects


def _status_aspect(earlier: EarlierRecord, now: EarlierRecord) -> dict[Aspect, str]:
    if earlier.status is None or now.status is None or earlier.status == now.status:
        return {}
    return {Aspect.STATUS: f"status {earlier.status} → {now.status}"}
