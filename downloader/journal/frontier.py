"""The frontier of a crawl: queued URLs that are to be fetched, and documents to be read for links.

It is kept in the journal, so that memory does not grow with the site.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from downloader.errors import ErrorKind
from downloader.journal.model import (
    JournalRow,
    PendingWork,
    PublishedFile,
    RowState,
    SavedDocument,
    TargetRole,
    key_of,
)
from downloader.models import Target
from downloader.web.filenames import SafePath
from downloader.web.media_types import PAGE_TYPES, guess_media_type
from downloader.web.urls import Url, without_credentials

_URLS_PER_QUERY = 256
#: The columns of a :class:`JournalRow`, in the order of its attributes.
ROW_COLUMNS = (
    "id, run, origin, base, growth, state, admitted, path, saved, characters, sha256, etag, "
    "last_modified, part_path, validator, part_url, total, published, published_sha256, "
    "withdrawn, role, todo, depth, nesting, final_url, packed_at, media_type, charset, texts"
)
#: The columns of a :class:`SavedDocument`, in the order of its attributes but ``start``.
_DOCUMENT_COLUMNS = (
    "id, url, coalesce(final_url, url), path, saved, coalesce(media_type, ''), "
    "coalesce(charset, ''), published_sha256, withdrawn, role, coalesce(root, url), line, depth, "
    "nesting, coalesce(page_fields, ''), coalesce(texts, '')"
)


class Frontier:
    """The queue of one run, in the journal's database; called inside a transaction."""

    def __init__(self, db: sqlite3.Connection, run: int) -> None:
        self._db = db
        self._run = run
        db.execute("UPDATE urls SET todo = 0 WHERE todo > 0")

    def queue(self, target: Target, row: JournalRow) -> None:
        """Queue a URL that an earlier run knew."""
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ?, todo = ?, role = ?, parent = ?, root = ?, "
            "line = ?, depth = ?, nesting = ?, hops = ? WHERE id = ?",
            (self._run, *queue_values(target), row.id),
        )

    def update_distance(self, row: JournalRow, depth: int, nesting: int, role: TargetRole) -> None:
        """Record another way to a URL of this run.

        A shorter way may bring its links into reach, so that it is queued to be read again.
        """
        is_shorter = row.depth > depth or row.nesting > nesting
        if not is_shorter and row.role <= role:
            return
        todo = row.todo
        if is_shorter and not todo and row.state == RowState.DONE and row.characters is not None:
            todo = PendingWork.READ
        self._db.execute(
            "UPDATE urls SET depth = min(depth, ?), nesting = min(nesting, ?), "
            "role = min(role, ?), todo = ? WHERE id = ?",
            (depth, nesting, role, todo, row.id),
        )
        if row.state == RowState.MOVED and row.final_url:
            for _, redirected in self.find_rows([row.final_url]):
                self.update_distance(redirected, depth, nesting, role)

    def follow_redirect(self, target: Target, row: JournalRow) -> Target | None:
        """Return the target of a redirect that an earlier run recorded, and dequeue its source."""
        if row.state != RowState.MOVED or not row.final_url:
            return None
        self._db.execute("UPDATE urls SET todo = 0 WHERE id = ?", (row.id,))
        return replace(target, url=Url(row.final_url), redirects=target.redirects + 1)

    def redirect_loops(self, redirects: Iterable[tuple[Url, Url]], max_redirects: int) -> set[Url]:
        """Return the sources of *redirects*, (source, target) pairs, that lead to themselves.

        No more than *max_redirects* recorded redirects are followed from each.
        """
        targets: dict[Url, Url] = {}
        loops: set[Url] = set()
        for source, target in redirects:
            current: Url | None = target
            for _ in range(max_redirects):
                if current is None or current == source:
                    break
                current = targets.get(current) or self._redirect_target(current)
            if current == source:
                loops.add(source)
            else:
                targets[source] = target
        return loops

    def _redirect_target(self, url: Url) -> Url | None:
        query = "SELECT final_url FROM urls WHERE address = ? AND state = ?"
        found = self._db.execute(query, (key_of(url), RowState.MOVED)).fetchone()
        return found and found[0] and Url(found[0])

    def next_to_fetch(self, limit: int) -> list[tuple[Target, JournalRow]]:
        """Return the first queued targets to fetch; they stay in the queue."""
        rows = self._db.execute(
            f"SELECT url, origin, parent, role, root, line, hops, {ROW_COLUMNS} FROM urls "  # noqa: S608 - constants
            "WHERE todo > 0 AND todo = ? ORDER BY depth, id LIMIT ?",
            (PendingWork.FETCH, limit),
        )
        return [
            (_target(*values[:7], depth=row.depth, nesting=row.nesting), row)
            for values in rows.fetchall()
            for row in [JournalRow(*values[7:])]
        ]

    def next_to_read(self, limit: int) -> list[SavedDocument]:
        """Return the first documents to read for links, and remove them from the queue."""
        rows = self._db.execute(
            f"SELECT {_DOCUMENT_COLUMNS} FROM urls "  # noqa: S608 - constants
            "WHERE todo > 0 AND todo = ? ORDER BY depth, id LIMIT ?",
            (PendingWork.READ, limit),
        )
        documents = self._documents(rows.fetchall())
        self._db.executemany(
            "UPDATE urls SET todo = 0 WHERE id = ?", [(each.row,) for each in documents]
        )
        return documents

    def documents(self, after_row: int, limit: int) -> list[SavedDocument]:
        """Return the text documents of this run, in the order of their rows."""
        rows = self._db.execute(
            f"SELECT {_DOCUMENT_COLUMNS} FROM urls "  # noqa: S608 - constants
            "WHERE id > ? AND run = ? AND state = ? AND characters IS NOT NULL AND NOT withdrawn "
            "ORDER BY id LIMIT ?",
            (after_row, self._run, RowState.DONE, limit),
        )
        return self._documents(rows.fetchall())

    def saved_by_role(
        self, after_row: int, limit: int, roles: Sequence[TargetRole]
    ) -> list[SavedDocument]:
        """Return the files of this run with one of *roles*, and all withdrawn ones."""
        marks = ",".join("?" * len(roles))
        rows = self._db.execute(
            f"SELECT {_DOCUMENT_COLUMNS} FROM urls WHERE id > ? AND run = ? AND state = ? "  # noqa: S608
            f"AND (withdrawn OR role IN ({marks})) ORDER BY id LIMIT ?",
            (after_row, self._run, RowState.DONE, *roles, limit),
        )
        return self._documents(rows.fetchall())

    def saved_pages(self, after_row: int, limit: int) -> list[SavedDocument]:
        """Return the pages in the folder, of all runs, in the order of their rows."""
        rows = self._db.execute(
            f"SELECT {_DOCUMENT_COLUMNS} FROM urls WHERE id > ? AND state = ? AND NOT withdrawn "  # noqa: S608
            f"AND media_type IN ({','.join('?' * len(PAGE_TYPES))}) ORDER BY id LIMIT ?",
            (after_row, RowState.DONE, *PAGE_TYPES, limit),
        )
        return self._documents(rows.fetchall())

    def missing_urls(self, urls: Sequence[Url]) -> set[Url]:
        """Return those of *urls* whose servers have answered that they do not exist."""
        keys = {key_of(url): url for url in urls}
        found: set[Url] = set()
        for start in range(0, len(urls), _URLS_PER_QUERY):
            batch = list(keys)[start : start + _URLS_PER_QUERY]
            rows = self._db.execute(
                f"SELECT address FROM urls WHERE address IN ({','.join('?' * len(batch))}) "  # noqa: S608
                f"AND state = {RowState.FAILED} AND kind = '{ErrorKind.HTTP_STATUS}' "
                "AND (message LIKE '404 %' OR message LIKE '410 %')",
                batch,
            )
            found.update(keys[key] for (key,) in rows)
        return found

    def document(self, row: int) -> SavedDocument:
        """Return the saved file of a row."""
        query = f"SELECT {_DOCUMENT_COLUMNS} FROM urls WHERE id = ?"  # noqa: S608 - constants
        return self._documents(self._db.execute(query, (row,)).fetchall())[0]

    def final_urls(self, urls: Collection[Url]) -> dict[Url, Url]:
        """Return the URLs that answered for *urls*, after redirects; unknown ones as they are."""
        keys = {key_of(url): url for url in urls}
        marks = ",".join("?" * len(keys))
        query = f"SELECT address, coalesce(final_url, url) FROM urls WHERE address IN ({marks})"  # noqa: S608
        final = {keys[key]: Url(url) for key, url in self._db.execute(query, list(keys))}
        return {url: final.get(url, url) for url in urls}

    def find_rows(self, urls: Sequence[str]) -> Iterator[tuple[str, JournalRow]]:
        """Yield the rows of *urls*: of the URL itself, or else of one that redirected to it.

        A link is a GET, so that other requests for its URL do not count.
        """
        marks = ",".join("?" * len(urls))
        keys = {key_of(url): url for url in urls}
        query = f"SELECT address, {ROW_COLUMNS} FROM urls WHERE address IN ({marks})"  # noqa: S608
        found: set[str] = set()
        for key, *values in self._db.execute(query, list(keys)).fetchall():
            found.add(keys[key])
            yield keys[key], JournalRow(*values)
        query = (
            f"SELECT final_url, {ROW_COLUMNS} FROM urls WHERE state = 1 "  # noqa: S608
            f"AND final_url IN ({marks}) AND request IS NULL"
        )
        for url, *values in self._db.execute(query, urls).fetchall():
            if url not in found:
                found.add(url)
                yield url, JournalRow(*values)

    def record_published(self, files: Iterable[PublishedFile]) -> None:
        """Record the content that files are about to get."""
        self._db.executemany(
            "UPDATE urls SET published = ?, published_sha256 = ?, withdrawn = ? WHERE id = ?",
            [(file.size, file.sha256, file.withdrawn, file.row) for file in files],
        )

    def _documents(self, rows: Sequence[tuple[Any, ...]]) -> list[SavedDocument]:
        documents = [_document(*values) for values in rows]
        starts = self.final_urls({each.root for each in documents})
        return [replace(each, start=starts[each.root]) for each in documents]


def role_of(target: Target) -> TargetRole:
    """Return why *target* is fetched."""
    if not target.parent:
        return TargetRole.LISTED
    if target.optional:
        return TargetRole.OPTIONAL
    return TargetRole.NEEDED if target.needed else TargetRole.LINKED


def queue_values(target: Target) -> tuple[str | int | None, ...]:
    """Return the columns ``origin`` to ``hops`` of a target that is queued to be fetched."""
    role = role_of(target)
    distance = (target.depth, target.nesting, target.redirects)
    root = without_credentials(target.root)[0] if target.root else None
    return (target.origin, PendingWork.FETCH, role, target.parent, root, target.index, *distance)


def _target(
    url: str,
    origin: str,
    parent: str | None,
    role: int,
    root: str | None,
    line: int,
    hops: int,
    *,
    depth: int,
    nesting: int,
) -> Target:
    return Target(
        url=Url(url),
        index=line,
        origin=origin,
        parent=parent or "",
        needed=role in (TargetRole.NEEDED, TargetRole.OPTIONAL),
        optional=role == TargetRole.OPTIONAL,
        root=Url(root or url),
        depth=depth,
        nesting=nesting,
        redirects=hops,
    )


def _document(
    row: int,
    address: str,
    url: str,
    path: str,
    size: int,
    media_type: str,
    charset: str,
    published: bytes | None,
    withdrawn: int,
    role: int,
    root: str,
    line: int,
    depth: int,
    nesting: int,
    page_fields: str,
    texts: str,
) -> SavedDocument:
    return SavedDocument(
        row,
        Url(address),
        Url(url),
        SafePath(path),
        size,
        media_type or guess_media_type(path),
        charset,
        published,
        bool(withdrawn),
        TargetRole(role),
        without_credentials(Url(root))[0],
        line,
        depth,
        nesting,
        Url(url),
        page_fields,
        texts,
    )
