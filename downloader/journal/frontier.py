"""What pages led to: found addresses that are still to be fetched, documents still to be read.

This is the queue of a run that follows links. It stands in the journal, so that memory does not
grow with the site.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from downloader.journal.rows import (
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
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, without_credentials

#: The columns of a :class:`Row`.
ROW = (
    "id, run, origin, base, growth, state, admitted, path, saved, characters, sha256, etag, "
    "last_modified, part_path, validator, part_url, total, published, published_sha256, "
    "withdrawn, role, todo, depth, nesting, final_url, packed_at"
)
_STORED = (
    "id, url, coalesce(final_url, url), path, saved, coalesce(media_type, ''), "
    "coalesce(charset, ''), published_sha256, withdrawn, role, coalesce(root, url), line, depth, "
    "nesting"
)


class Frontier:
    """The queue of one run, in the journal's database."""

    def __init__(self, db: sqlite3.Connection, run: int) -> None:
        self._db = db
        self._run = run
        db.execute("UPDATE urls SET todo = 0 WHERE todo > 0")

    def queue(self, target: Target, row: JournalRow) -> None:
        """Have an address that an earlier run knew fetched in its turn."""
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ?, todo = ?, role = ?, parent = ?, root = ?, "
            "line = ?, depth = ?, nesting = ?, hops = ? WHERE id = ?",
            (self._run, *queued(target), row.id),
        )

    def reach(self, row: JournalRow, depth: int, nesting: int, role: TargetRole) -> None:
        """Note that this run has found a nearer way to an address; it is to be read again then."""
        nearer = row.depth > depth or row.nesting > nesting
        if not nearer and row.role <= role:
            return
        todo = row.todo
        if nearer and not todo and row.state == RowState.DONE and row.characters is not None:
            todo = PendingWork.READ
        self._db.execute(
            "UPDATE urls SET depth = min(depth, ?), nesting = min(nesting, ?), "
            "role = min(role, ?), todo = ? WHERE id = ?",
            (depth, nesting, role, todo, row.id),
        )
        if row.state == RowState.MOVED and row.final_url:
            for _, further in self.known([row.final_url]):
                self.reach(further, depth, nesting, role)

    def follow(self, target: Target, row: JournalRow) -> Target | None:
        """Return where an address leads, if an earlier run was told that it leads elsewhere."""
        if row.state != RowState.MOVED or not row.final_url:
            return None
        self._db.execute("UPDATE urls SET todo = 0 WHERE id = ?", (row.id,))
        return replace(target, url=Url(row.final_url), hops=target.hops + 1)

    def circular(self, moves: Iterable[tuple[Url, Url]], most: int) -> set[Url]:
        """Return which addresses lead back to themselves, if each leads where *moves* says.

        No more than *most* steps are followed.
        """
        leads: dict[Url, Url] = {}
        circular: set[Url] = set()
        for url, to in moves:
            step: Url | None = to
            for _ in range(most):
                if step is None or step == url:
                    break
                step = leads.get(step) or self._leads(step)
            if step == url:
                circular.add(url)
            else:
                leads[url] = to
        return circular

    def _leads(self, url: Url) -> Url | None:
        """Return where an address is said to lead."""
        query = "SELECT final_url FROM urls WHERE address = ? AND state = ?"
        found = self._db.execute(query, (key_of(url), RowState.MOVED)).fetchone()
        return found and found[0] and Url(found[0])

    def to_fetch(self, most: int) -> list[tuple[Target, JournalRow]]:
        """Return what is to be fetched next; it stays in the queue."""
        rows = self._db.execute(
            f"SELECT url, origin, parent, role, root, line, hops, {ROW} FROM urls "  # noqa: S608 - ours
            "WHERE todo > 0 AND todo = ? ORDER BY depth, id LIMIT ?",
            (PendingWork.FETCH, most),
        )
        return [
            (_target(*row[:7], depth=found.depth, nesting=found.nesting), found)
            for row in rows.fetchall()
            for found in [JournalRow(*row[7:])]
        ]

    def to_read(self, most: int) -> list[SavedDocument]:
        """Return documents that are to be read next, and take them out of the queue."""
        rows = self._db.execute(
            f"SELECT {_STORED} FROM urls WHERE todo > 0 AND todo = ? ORDER BY depth, id LIMIT ?",  # noqa: S608 - ours
            (PendingWork.READ, most),
        )
        stored = self._stored(rows.fetchall())
        self._db.executemany("UPDATE urls SET todo = 0 WHERE id = ?", [(s.row,) for s in stored])
        return stored

    def documents(self, after: int, most: int) -> list[SavedDocument]:
        """Return the texts of this run that are there, in the order of their rows."""
        rows = self._db.execute(
            f"SELECT {_STORED} FROM urls WHERE id > ? AND run = ? AND state = ? "  # noqa: S608
            "AND characters IS NOT NULL AND NOT withdrawn ORDER BY id LIMIT ?",
            (after, self._run, RowState.DONE, most),
        )
        return self._stored(rows.fetchall())

    def arranged(self, after: int, most: int, roles: Sequence[TargetRole]) -> list[SavedDocument]:
        """Return what this run has seen of these roles, and what has been withdrawn."""
        marks = ",".join("?" * len(roles))
        rows = self._db.execute(
            f"SELECT {_STORED} FROM urls WHERE id > ? AND run = ? AND state = ? "  # noqa: S608
            f"AND (withdrawn OR role IN ({marks})) ORDER BY id LIMIT ?",
            (after, self._run, RowState.DONE, *roles, most),
        )
        return self._stored(rows.fetchall())

    def stored(self, row: int) -> SavedDocument:
        """Return what is there of a row."""
        found = self._db.execute(f"SELECT {_STORED} FROM urls WHERE id = ?", (row,))  # noqa: S608 - ours
        return self._stored(found.fetchall())[0]

    def starts(self, roots: Collection[Url]) -> dict[Url, Url]:
        """Return where lines were found, after redirects, by their addresses."""
        keys = {key_of(root): root for root in roots}
        marks = ",".join("?" * len(keys))
        query = f"SELECT address, coalesce(final_url, url) FROM urls WHERE address IN ({marks})"  # noqa: S608
        found = {keys[key]: Url(url) for key, url in self._db.execute(query, list(keys))}
        return {root: found.get(root, root) for root in roots}

    def known(self, urls: Sequence[str]) -> Iterator[tuple[str, JournalRow]]:
        """Yield which of *urls* are known, by their own rows or by a redirect's end."""
        marks = ",".join("?" * len(urls))
        keys = {key_of(url): url for url in urls}
        query = f"SELECT address, {ROW} FROM urls WHERE address IN ({marks})"  # noqa: S608
        found: set[str] = set()
        for key, *row in self._db.execute(query, list(keys)).fetchall():
            found.add(keys[key])
            yield keys[key], JournalRow(*row)
        query = f"SELECT final_url, {ROW} FROM urls WHERE state = 1 AND final_url IN ({marks})"  # noqa: S608
        for url, *row in self._db.execute(query, urls).fetchall():
            if url not in found:
                found.add(url)
                yield url, JournalRow(*row)

    def publish(self, notes: Iterable[PublishedFile]) -> None:
        """Note what files are to be, before they are."""
        self._db.executemany(
            "UPDATE urls SET published = ?, published_sha256 = ?, withdrawn = ? WHERE id = ?",
            [(note.size, note.sha256, note.withdrawn, note.row) for note in notes],
        )

    def _stored(self, rows: Sequence[tuple[Any, ...]]) -> list[SavedDocument]:
        made = [_stored(*row) for row in rows]
        starts = self.starts({each.root for each in made})
        return [replace(each, start=starts[each.root]) for each in made]


def role_of(target: Target) -> TargetRole:
    """Return why *target* is fetched."""
    if not target.parent:
        return TargetRole.LISTED
    return (
        TargetRole.OPTIONAL
        if target.optional
        else TargetRole.NEEDED
        if target.needed
        else TargetRole.LINKED
    )


def queued(target: Target) -> tuple[str | int | None, ...]:
    """Return the columns from ``origin`` on of an address that waits to be fetched."""
    role = role_of(target)
    steps = (target.depth, target.nesting, target.hops)
    root = without_credentials(target.root)[0] if target.root else None
    return (target.origin, PendingWork.FETCH, role, target.parent, root, target.index, *steps)


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
        hops=hops,
    )


def _stored(
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
    )
