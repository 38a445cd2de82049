"""All links of a check, in a temporary database: memory does not grow with the site.

A *target* is a URL without its fragment, which is asked once; a *link* is a target with a fragment.
Recently used ones are cached, because the pages of a site have most links in common.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from downloader.errors import DiskError
from downloader.models import LinkMention
from downloader.web.urls import Url

#: Mentions of a link that are kept; further ones are only counted.
MAX_MENTIONS = 20
#: Links that are cached; of usual length, they take some 50 MB.
_MAX_CACHED = 100_000
_CACHE_KIB = 16 * 1024
_SCHEMA = """
CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,       -- without credentials and fragment
    state INTEGER NOT NULL,         -- a State
    rank INTEGER NOT NULL,          -- which of those that wait goes first
    purpose INTEGER NOT NULL,       -- a Purpose
    external INTEGER NOT NULL,
    listed INTEGER NOT NULL,        -- whether a source names it
    depth INTEGER NOT NULL,         -- links between a source and the page
    nesting INTEGER NOT NULL,       -- levels of requisites between that page and this
    root TEXT NOT NULL,             -- the source that led to it
    parent TEXT NOT NULL,           -- the page that led to it; empty for a source
    kind TEXT NOT NULL DEFAULT '',  -- of a failure
    message TEXT NOT NULL DEFAULT '',
    hint TEXT NOT NULL DEFAULT '',
    status INTEGER,
    final TEXT NOT NULL DEFAULT '', -- the URL that answered, if that is another one
    moved_to TEXT NOT NULL DEFAULT '',
    document INTEGER                -- the target under which its document was read
);
CREATE INDEX waiting ON targets (rank, id) WHERE state = 0;
CREATE INDEX problems ON targets (id) WHERE state IN (4, 5);
CREATE TABLE links (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    fragment TEXT NOT NULL,
    mentions INTEGER NOT NULL,
    UNIQUE (target, fragment)
);
CREATE TABLE mentions (
    link INTEGER NOT NULL, page INTEGER NOT NULL, line INTEGER, construct TEXT NOT NULL
);
CREATE TABLE documents (
    target INTEGER PRIMARY KEY,
    links INTEGER NOT NULL,         -- references that were checked; -1 if it was not read for links
    targets BLOB                    -- hashes of what fragments lead to
);
CREATE TABLE places (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
"""
#: Ids of places that are no targets, such as list files, begin here.
_FIRST_PLACE = 1 << 40


class State(IntEnum):
    """What has become of a target."""

    WAITING = 0
    IN_FLIGHT = 1
    WORKS = 2
    #: It works, and something is worth a warning.
    WARNING = 4
    BROKEN = 5
    EXCLUDED = 6
    DISALLOWED = 7
    NOT_CHECKED = 8


class Purpose(IntEnum):
    """Why a target is asked; a later one includes those before it."""

    EXISTENCE = 0
    FRAGMENTS = 1
    LINKS = 2


@dataclass(slots=True)
class TargetEntry:
    """A target, as far as the discovery of links needs it."""

    id: int
    state: State
    purpose: Purpose
    rank: int


@dataclass(slots=True)
class LinkEntry:
    """A link: its target, and how often it was named so far."""

    id: int
    target: TargetEntry
    mentions: int
    is_changed: bool = False


class QueuedTarget(NamedTuple):
    """A target that is to be asked; see the columns of the table."""

    id: int
    url: Url
    rank: int
    purpose: Purpose
    is_external: bool
    is_listed: bool
    depth: int
    nesting: int
    root: Url
    parent: str


class Answer(NamedTuple):
    """What a request has found out about a target."""

    state: State
    kind: str = ""
    message: str = ""
    hint: str = ""
    status: int | None = None
    final: str = ""
    moved_to: str = ""
    document: int | None = None


class LinkTable:
    """The links of one check; its methods block for as long as a small write to a temporary file.

    Raises, in every method:
        DiskError: the temporary file cannot be written.
    """

    def __init__(self) -> None:
        # An empty name is a private database in a temporary file, which SQLite removes.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
            f"PRAGMA cache_size = -{_CACHE_KIB}; {_SCHEMA} BEGIN;"
        )
        self._targets: dict[str, TargetEntry] = {}
        self._links: dict[tuple[int, str], LinkEntry] = {}
        self._last_target = self._last_link = 0
        self._last_place = _FIRST_PLACE
        self._new_targets: list[tuple[Any, ...]] = []
        self._new_links: list[tuple[int, int, str, int]] = []
        self._new_mentions: list[tuple[int, int, int | None, str]] = []

    def close(self) -> None:
        """Remove the database."""
        self._db.close()

    def target(self, url: Url) -> TargetEntry | None:
        """Return a target; None if it is new."""
        entry = self._targets.get(url)
        if entry is None:
            row = self._first("SELECT id, state, purpose, rank FROM targets WHERE url = ?", (url,))
            if row is not None:
                entry = TargetEntry(row[0], State(row[1]), Purpose(row[2]), row[3])
                self._targets[url] = entry
        return entry

    def add_target(
        self,
        url: Url,
        purpose: Purpose,
        *,
        rank: int,
        is_external: bool,
        is_listed: bool = False,
        depth: int = 0,
        nesting: int = 0,
        root: Url,
        parent: str = "",
        state: State = State.WAITING,
    ) -> TargetEntry:
        """Add a new target."""
        self._last_target += 1
        entry = TargetEntry(self._last_target, state, purpose, rank)
        self._targets[url] = entry
        values = (entry.id, url, state, rank, purpose, is_external, is_listed)
        self._new_targets.append((*values, depth, nesting, root, parent))
        return entry

    def reopen(
        self,
        entry: TargetEntry,
        purpose: Purpose,
        *,
        rank: int,
        is_external: bool,
        is_listed: bool = False,
        depth: int = 0,
        nesting: int = 0,
        root: Url,
    ) -> None:
        """Ask a target for another purpose; again, if it was asked and works."""
        entry.purpose, entry.rank = purpose, rank
        if entry.state in (State.WORKS, State.WARNING):
            entry.state = State.WAITING
        self.flush()
        self._execute(
            "UPDATE targets SET purpose = ?, rank = ?, external = ?, listed = max(listed, ?), "
            "depth = ?, nesting = ?, root = ?, state = ? WHERE id = ?",
            (purpose, rank, is_external, is_listed, depth, nesting, root, entry.state, entry.id),
        )

    def mention(
        self, target: TargetEntry, fragment: str, page: int, line: int | None, construct: str
    ) -> None:
        """Count one more place that names a link; the first places are kept."""
        key = (target.id, fragment)
        link = self._links.get(key) or self._load_link(target, fragment)
        link.mentions += 1
        link.is_changed = True
        if link.mentions <= MAX_MENTIONS:
            self._new_mentions.append((link.id, page, line, construct))

    def _load_link(self, target: TargetEntry, fragment: str) -> LinkEntry:
        row = self._first(
            "SELECT id, mentions FROM links WHERE target = ? AND fragment = ?",
            (target.id, fragment),
        )
        if row is None:
            self._last_link += 1
            row = (self._last_link, 0)
            self._new_links.append((self._last_link, target.id, fragment, 0))
        link = self._links[target.id, fragment] = LinkEntry(row[0], target, row[1])
        return link

    def place(self, name: str) -> int:
        """Return the id, for mentions, of a list file or another place that is no target."""
        row = self._first("SELECT id FROM places WHERE name = ?", (name,))
        if row is None:
            self._last_place += 1
            self._execute("INSERT INTO places VALUES (?, ?)", (self._last_place, name))
            row = (self._last_place,)
        return int(row[0])

    def add_document(self, target: int, links: int, targets: bytes | None) -> None:
        """Record that the document of a target was read; -1 *links* if only for fragments."""
        self._execute(
            "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (target) DO UPDATE "
            "SET links = max(links, excluded.links), targets = excluded.targets",
            (target, links, targets),
        )

    def was_read(self, target: int) -> bool:
        """Return whether the document of a target was read for links."""
        row = self._first("SELECT links FROM documents WHERE target = ?", (target,))
        return row is not None and row[0] >= 0

    def flush(self) -> None:
        """Write what is new; empty the cache if it is large."""
        if self._new_targets:
            self._execute_many(
                "INSERT INTO targets (id, url, state, rank, purpose, external, listed, depth, "
                "nesting, root, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._new_targets,
            )
            self._new_targets = []
        if self._new_links:
            self._execute_many("INSERT INTO links VALUES (?, ?, ?, ?)", self._new_links)
            self._new_links = []
        if self._new_mentions:
            self._execute_many("INSERT INTO mentions VALUES (?, ?, ?, ?)", self._new_mentions)
            self._new_mentions = []
        if len(self._links) > _MAX_CACHED or len(self._targets) > _MAX_CACHED:
            self.write_counts()
            self._links.clear()
            self._targets.clear()

    def write_counts(self) -> None:
        """Write how often links are named."""
        changed = [link for link in self._links.values() if link.is_changed]
        self._execute_many(
            "UPDATE links SET mentions = ? WHERE id = ?",
            [(link.mentions, link.id) for link in changed],
        )
        for link in changed:
            link.is_changed = False

    def take(self, max_rank: int, limit: int) -> list[QueuedTarget]:
        """Return the first targets that wait, up to this rank; they are then in flight."""
        self.flush()
        rows = self._execute(
            "SELECT id, url, rank, purpose, external, listed, depth, nesting, root, parent "
            "FROM targets WHERE state = 0 AND rank <= ? ORDER BY rank, id LIMIT ?",
            (max_rank, limit),
        ).fetchall()
        taken = [
            QueuedTarget(
                row[0],
                Url(row[1]),
                row[2],
                Purpose(row[3]),
                bool(row[4]),
                bool(row[5]),
                row[6],
                row[7],
                Url(row[8]),
                row[9],
            )
            for row in rows
        ]
        self._execute_many(
            "UPDATE targets SET state = 1 WHERE id = ?", [(each.id,) for each in taken]
        )
        for each in taken:
            if (entry := self._targets.get(each.url)) is not None:
                entry.state = State.IN_FLIGHT
        return taken

    def first_rank(self) -> int | None:
        """Return the rank of the first target that waits; None if there is none."""
        self.flush()
        row = self._first("SELECT min(rank) FROM targets WHERE state = 0", ())
        return None if row is None else row[0]

    def set_answer(self, url: Url, target: int, answer: Answer) -> None:
        """Record what has become of a target."""
        entry = self._targets.get(url)
        if entry is not None:
            entry.state = answer.state
        self._execute(
            "UPDATE targets SET state = ?, kind = ?, message = ?, hint = ?, status = ?, "
            "final = ?, moved_to = ?, document = ? WHERE id = ?",
            (*answer, target),
        )

    def count_states(self) -> dict[State, int]:
        """Return how many links there are in each state.

        A target counts with each of its fragments if it works, and otherwise once.
        """
        self.flush()
        rows = self._execute(
            "SELECT state, iif(state = ?, count(*), count(DISTINCT target)) FROM links "
            "JOIN targets ON targets.id = links.target GROUP BY state",
            (State.WORKS,),
        )
        return {State(state): number for state, number in rows}

    def select(self, query: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, for the report."""
        yield from self._execute(query, parameters)

    def mentions(self, target: int, fragment: str | None = None) -> tuple[LinkMention, ...]:
        """Return the first places that name a target, with this fragment or with any."""
        rows = self._execute(
            "SELECT coalesce(targets.url, places.name), line, construct FROM mentions "
            "LEFT JOIN targets ON targets.id = page LEFT JOIN places ON places.id = page "
            "WHERE link IN (SELECT id FROM links WHERE target = ?1 "
            "AND (?2 IS NULL OR fragment = ?2)) ORDER BY mentions.rowid LIMIT ?3",
            (target, fragment, MAX_MENTIONS),
        )
        return tuple(LinkMention(*row) for row in rows)

    def _first(self, query: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._execute(query, parameters).fetchone()
        return row

    def _execute(self, query: str, parameters: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, parameters)
        except sqlite3.Error as error:
            raise _disk_error(error) from error

    def _execute_many(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._db.executemany(query, rows)
        except sqlite3.Error as error:
            raise _disk_error(error) from error


def _disk_error(error: sqlite3.Error) -> DiskError:
    return DiskError(
        f"cannot write the temporary table of links: {error}",
        hint="make room, or set SQLITE_TMPDIR to another folder",
    )
