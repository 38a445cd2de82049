"""Makes the report of a check from the table of its links."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from downloader.errors import ErrorKind
from downloader.link_check.document_links import FragmentTargets
from downloader.link_check.link_table import LinkTable, State
from downloader.models import (
    CheckedPage,
    LinkMention,
    LinkProblem,
    LinkRecord,
    LinkTotals,
    LinkVerdict,
)
from downloader.web.text import printable

#: Links and pages that a report lists; further ones are only counted.
MAX_LISTED_LINKS = 10_000
MAX_LISTED_PAGES = 100_000
_SECONDS_PER_DAY = 86_400
_TARGET_COLUMNS = "targets.id, url, state, external, kind, message, hint, status, final, moved_to"


class _TargetRow(NamedTuple):
    """A target, and how it is named: with any fragment, or with one of them.

    Attributes:
        target, url, state, is_external, kind, message, hint, status, final, moved_to: the columns
            of the table.
        first_link: the id of the first link that names it.
        mentions: how many places name it.
    """

    target: int
    url: str
    state: int
    is_external: int
    kind: str
    message: str
    hint: str
    status: int | None
    final: str
    moved_to: str
    first_link: int
    mentions: int


class ReportBuilder:
    """Reads the table once all links are checked.

    Args:
        table: the links.
        shown: returns a URL as people are to see it.
    """

    def __init__(self, table: LinkTable, shown: Callable[[str], str]) -> None:
        self._table = table
        self._shown = shown
        #: Missing fragments of targets that have a warning of their own.
        self._missing_in_warnings = 0
        table.flush()
        table.write_counts()
        # Only now, because an index makes each insertion slower.
        for _ in table.select("CREATE INDEX IF NOT EXISTS mentioned ON mentions (link)"):
            pass

    def broken(self) -> tuple[list[LinkRecord], int]:
        """Return the broken links, as far as they are listed, and the number of all."""
        listed: list[tuple[int, LinkRecord]] = []
        number = 0
        for row in self._targets_in(State.BROKEN):
            number += 1
            if len(listed) < MAX_LISTED_LINKS:
                listed.append((row.first_link, self._record(row, LinkVerdict.BROKEN)))
        for row, fragment in self._missing_fragments():
            number += 1
            self._missing_in_warnings += row.state == State.WARNING
            if len(listed) < MAX_LISTED_LINKS:
                listed.append((row.first_link, self._missing_fragment(row, fragment)))
        listed.sort(key=lambda item: item[0])
        return [record for _, record in listed], number

    def warnings(
        self, certificate_ends: dict[str, float], now: float, cert_days: int
    ) -> tuple[list[LinkRecord], int]:
        """Return the warnings, as far as they are listed, and the number of all."""
        listed: list[LinkRecord] = []
        number = 0
        for row in self._targets_in(State.WARNING):
            number += 1
            if len(listed) < MAX_LISTED_LINKS:
                listed.append(self._record(row, LinkVerdict.WARNING))
        for host, end in sorted(certificate_ends.items()):
            if end - now < cert_days * _SECONDS_PER_DAY:
                number += 1
                if len(listed) < MAX_LISTED_LINKS:
                    listed.append(self._certificate(host, end, now))
        return listed, number

    def pages(self) -> tuple[CheckedPage, ...]:
        """Return the documents that were read, as far as they are listed."""
        rows = self._table.select(
            "SELECT url, links FROM documents JOIN targets ON targets.id = target "
            "WHERE links >= 0 ORDER BY target LIMIT ?",
            (MAX_LISTED_PAGES,),
        )
        return tuple(CheckedPage(self._shown(url), links) for url, links in rows)

    def totals(self, *, pages: int, requests: int, broken: int, warnings: int) -> LinkTotals:
        """Return the counts; *broken* and *warnings* are those that this object has returned."""
        states = self._table.count_states()
        waiting = (State.WAITING, State.IN_FLIGHT, State.NOT_CHECKED)
        missing_fragments = broken - states.get(State.BROKEN, 0)
        return LinkTotals(
            pages=pages,
            links=sum(states.values()) + self._missing_in_warnings,
            ok=states.get(State.WORKS, 0) - missing_fragments + self._missing_in_warnings,
            warnings=warnings,
            broken=broken,
            excluded=states.get(State.EXCLUDED, 0),
            disallowed=states.get(State.DISALLOWED, 0),
            not_checked=sum(states.get(each, 0) for each in waiting),
            requests=requests,
            unlisted=max(0, broken - MAX_LISTED_LINKS) + max(0, warnings - MAX_LISTED_LINKS),
        )

    def _targets_in(self, state: State) -> Iterator[_TargetRow]:
        rows = self._table.select(
            f"SELECT {_TARGET_COLUMNS}, min(links.id), sum(mentions) FROM targets "  # noqa: S608 - constants
            "JOIN links ON links.target = targets.id WHERE state = ? "
            "GROUP BY targets.id ORDER BY min(links.id)",
            (state,),
        )
        return map(_TargetRow._make, rows)

    def _missing_fragments(self) -> Iterator[tuple[_TargetRow, str]]:
        """Yield the links whose document has no element of their name, with that name."""
        rows = self._table.select(
            f"SELECT {_TARGET_COLUMNS}, links.id, mentions, fragment, documents.target, "  # noqa: S608 - constants
            "documents.targets FROM links JOIN targets ON targets.id = links.target "
            "JOIN documents ON documents.target = coalesce(targets.document, targets.id) "
            "WHERE fragment != '' AND state IN (?, ?) AND documents.targets IS NOT NULL "
            "ORDER BY documents.target",
            (State.WORKS, State.WARNING),
        )
        document, targets = 0, FragmentTargets(b"")
        for *row, fragment, number, hashes in rows:
            if number != document:
                document, targets = number, FragmentTargets(hashes)
            if not targets.has(fragment):
                yield _TargetRow._make(row), fragment

    def _missing_fragment(self, row: _TargetRow, fragment: str) -> LinkRecord:
        record = self._record(row, LinkVerdict.BROKEN, fragment)
        return replace(
            record,
            url=printable(f"{record.url}#{fragment}"),
            kind=LinkProblem.MISSING_FRAGMENT,
            message="no element has this id or name",
            hint="",
            moved_to="",
        )

    def _record(
        self, row: _TargetRow, verdict: LinkVerdict, fragment: str | None = None
    ) -> LinkRecord:
        kind, message, moved_to = row.kind, row.message, self._shown(row.moved_to)
        if verdict is LinkVerdict.WARNING and moved_to:
            kind, message = LinkProblem.MOVED, f"moved: write {moved_to}"
        return LinkRecord(
            url=printable(self._shown(row.url)),
            verdict=verdict,
            kind=_kind(kind),
            message=printable(message),
            hint=row.hint,
            status=row.status,
            final_url=printable(self._shown(row.final)),
            moved_to=printable(moved_to),
            is_external=bool(row.is_external),
            mentions=self._mentions(row.target, fragment),
            mention_count=row.mentions,
        )

    def _mentions(self, target: int, fragment: str | None = None) -> tuple[LinkMention, ...]:
        return tuple(
            replace(each, page=printable(self._shown(each.page)))
            for each in self._table.mentions(target, fragment)
        )

    def _certificate(self, host: str, end: float, now: float) -> LinkRecord:
        """Return the warning about the certificate of a host."""
        origin = f"https://{host}/"
        date = datetime.fromtimestamp(end, UTC).date().isoformat()
        days = max(0, int((end - now) // _SECONDS_PER_DAY))
        # In the order of characters, "0" follows the slash.
        rows = [
            *self._table.select(
                "SELECT targets.id, mentions FROM targets JOIN links ON links.target = targets.id "
                "WHERE url >= ? AND url < ? LIMIT 1",
                (origin, f"https://{host}0"),
            )
        ]
        return LinkRecord(
            url=origin,
            verdict=LinkVerdict.WARNING,
            kind=LinkProblem.CERTIFICATE,
            message=f"the certificate expires on {date}, in {days} day{'' if days == 1 else 's'}",
            is_external=False,
            mentions=self._mentions(rows[0][0]) if rows else (),
            mention_count=rows[0][1] if rows else 0,
        )


def _kind(text: str) -> ErrorKind | LinkProblem | None:
    for choices in (ErrorKind, LinkProblem):
        with suppress(ValueError):
            return choices(text)
    return None
