"""Makes the report of a check from the table of its links."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

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
_LINK_COLUMNS = (
    "links.id, url, fragment, mentions, external, kind, message, hint, status, final, moved_to"
)


class ReportBuilder:
    """Reads the table once all links are checked.

    Args:
        table: the links.
        shown: returns a URL as people are to see it.
    """

    def __init__(self, table: LinkTable, shown: Callable[[str], str]) -> None:
        self._table = table
        self._shown = shown
        #: Links whose fragments lead to nothing.
        self._without_target: set[int] = set()
        self._warned_links = 0
        table.flush()
        table.write_counts()
        # Only now, because an index makes each insertion slower.
        for _ in table.select("CREATE INDEX IF NOT EXISTS mentioned ON mentions (link)"):
            pass

    def broken(self) -> tuple[list[LinkRecord], int]:
        """Return the broken links, as far as they are listed, and the number of all."""
        listed: list[tuple[int, LinkRecord]] = []
        number = 0
        self._without_target.clear()
        for row in self._links_in(State.BROKEN):
            number += 1
            if len(listed) < MAX_LISTED_LINKS:
                listed.append((row[0], self._record(row, LinkVerdict.BROKEN)))
        for row in self._missing_fragments():
            number += 1
            self._without_target.add(row[0])
            if len(listed) < MAX_LISTED_LINKS:
                record = replace(
                    self._record(row, LinkVerdict.BROKEN),
                    kind=LinkProblem.MISSING_FRAGMENT,
                    message="no element has this id or name",
                    hint="",
                    moved_to="",
                )
                listed.append((row[0], record))
        listed.sort(key=lambda item: item[0])
        return [record for _, record in listed], number

    def warnings(
        self, certificate_ends: dict[str, float], now: float, cert_days: int
    ) -> tuple[list[LinkRecord], int]:
        """Return the warnings, as far as they are listed, and the number of all."""
        listed: list[LinkRecord] = []
        number = 0
        for row in self._links_in(State.WARNING):
            if row[0] in self._without_target:
                continue
            number += 1
            if len(listed) < MAX_LISTED_LINKS:
                listed.append(self._record(row, LinkVerdict.WARNING))
        self._warned_links = number
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
        links = sum(states.values())
        waiting = (State.WAITING, State.IN_FLIGHT, State.NOT_CHECKED)
        excluded, disallowed = states.get(State.EXCLUDED, 0), states.get(State.DISALLOWED, 0)
        not_checked = sum(states.get(each, 0) for each in waiting)
        return LinkTotals(
            pages=pages,
            links=links,
            ok=max(0, links - broken - self._warned_links - excluded - disallowed - not_checked),
            warnings=warnings,
            broken=broken,
            excluded=excluded,
            disallowed=disallowed,
            not_checked=not_checked,
            requests=requests,
            unlisted=max(0, broken - MAX_LISTED_LINKS) + max(0, warnings - MAX_LISTED_LINKS),
        )

    def _links_in(self, state: State) -> Iterator[tuple[Any, ...]]:
        return self._table.select(
            f"SELECT {_LINK_COLUMNS} FROM targets JOIN links ON links.target = targets.id "  # noqa: S608 - constants
            f"WHERE state = {int(state)} ORDER BY links.id"
        )

    def _missing_fragments(self) -> Iterator[tuple[Any, ...]]:
        """Yield the links whose document has no element of their name."""
        works = f"({int(State.WORKS)}, {int(State.WARNING)})"
        rows = self._table.select(
            f"SELECT {_LINK_COLUMNS}, documents.target, documents.targets FROM links "  # noqa: S608 - constants
            "JOIN targets ON targets.id = links.target "
            "JOIN documents ON documents.target = coalesce(targets.document, targets.id) "
            f"WHERE fragment != '' AND state IN {works} AND documents.targets IS NOT NULL "
            "ORDER BY documents.target"
        )
        document, targets = 0, FragmentTargets(b"")
        for *row, number, hashes in rows:
            if number != document:
                document, targets = number, FragmentTargets(hashes)
            if not targets.has(row[2]):
                yield tuple(row)

    def _record(self, row: tuple[Any, ...], verdict: LinkVerdict) -> LinkRecord:
        link, url, fragment, number, external, kind, message, hint, status, final, moved_to = row
        end = f"#{fragment}" if fragment else ""
        if verdict is LinkVerdict.WARNING and moved_to:
            moved_to = self._shown(moved_to) + end
            kind, message = LinkProblem.MOVED, f"moved: write {moved_to}"
        return LinkRecord(
            url=printable(self._shown(url) + end),
            verdict=verdict,
            kind=_kind(kind),
            message=printable(message),
            hint=hint,
            status=status,
            final_url=printable(self._shown(final)),
            moved_to=printable(moved_to),
            is_external=bool(external),
            mentions=self._mentions(link),
            mention_count=number,
        )

    def _mentions(self, link: int) -> tuple[LinkMention, ...]:
        return tuple(
            replace(each, page=printable(self._shown(each.page)))
            for each in self._table.mentions(link)
        )

    def _certificate(self, host: str, end: float, now: float) -> LinkRecord:
        """Return the warning about the certificate of a host."""
        origin = f"https://{host}/"
        date = datetime.fromtimestamp(end, UTC).date().isoformat()
        days = max(0, int((end - now) // _SECONDS_PER_DAY))
        # In the order of characters, "0" follows the slash.
        rows = [
            *self._table.select(
                "SELECT links.id, mentions FROM targets JOIN links ON links.target = targets.id "
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
