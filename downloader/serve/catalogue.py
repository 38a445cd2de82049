"""A catalogue of saved URLs, in a temporary database, so that memory does not grow with them."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from downloader.serve.site_names import host_folder, label_of
from downloader.web.urls import Url, host

#: Rows that are inserted in one statement, and rows of a page of results.
_ROWS_PER_INSERT = 1000
ROWS_PER_PAGE = 50
#: Words of a search that count, and characters of each.
_MAX_WORDS, _MAX_WORD_CHARACTERS = 8, 200
_SCHEMA = """
CREATE TABLE sites (id INTEGER PRIMARY KEY, label TEXT UNIQUE, host TEXT UNIQUE,
    scheme TEXT, folder TEXT);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    site INTEGER NOT NULL,
    url TEXT NOT NULL,
    state INTEGER NOT NULL,
    path TEXT,
    media_type TEXT NOT NULL,
    charset TEXT NOT NULL,
    size INTEGER,
    wire_size INTEGER,
    saved_at REAL,
    final_url TEXT,
    message TEXT NOT NULL,
    title TEXT,
    is_page INTEGER NOT NULL,
    has_original_links INTEGER NOT NULL
);
"""
#: Made when all rows are there, which takes less time.
_INDEXES = """
CREATE INDEX urls ON entries (url);
CREATE INDEX paths ON entries (path) WHERE path IS NOT NULL;
CREATE INDEX finals ON entries (final_url) WHERE final_url IS NOT NULL;
CREATE INDEX sites_entries ON entries (site);
CREATE INDEX untitled ON entries (id) WHERE title IS NULL;
"""
_COLUMNS = (
    "id, site, url, state, path, media_type, charset, size, wire_size, saved_at, final_url, "
    "message, title, is_page, has_original_links"
)


class EntryState(IntEnum):
    """The result of a URL."""

    SAVED = 0
    REDIRECTED = 1
    SKIPPED = 2
    FAILED = 3


class Listing(StrEnum):
    """Which URLs a page of results shows."""

    PAGES = "pages"
    FILES = "files"
    FAILED = "failed"
    SKIPPED = "skipped"


_CONDITIONS = {
    Listing.PAGES: f"state = {EntryState.SAVED} AND is_page",
    Listing.FILES: f"state = {EntryState.SAVED}",
    Listing.FAILED: f"state = {EntryState.FAILED}",
    Listing.SKIPPED: f"state = {EntryState.SKIPPED}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A URL, and the file that was saved of it.

    Attributes:
        url: without password; with the method before it, if that is not GET.
        state: its result.
        path: its file, relative to the folder; None if it is in an archive, or not saved.
        media_type: of the file; empty if it is not known.
        charset: as the server sent it; empty if it sent none.
        size: of the file, in bytes.
        wire_size: bytes received over the network.
        saved_at: when, in seconds since the epoch.
        final_url: the URL that answered, after redirects; None if it is the same.
        message: why it was skipped, or how it failed.
        title: of a page; None until it has been looked for.
        is_page: whether it is, or may be, a page.
        has_original_links: whether the links of the file are as the server sent them.
        id: of its row.
        site: the id of its site.
    """

    url: str
    state: EntryState
    path: str | None = None
    media_type: str = ""
    charset: str = ""
    size: int | None = None
    wire_size: int | None = None
    saved_at: float | None = None
    final_url: str | None = None
    message: str = ""
    title: str | None = ""
    is_page: bool = False
    has_original_links: bool = False
    id: int = 0
    site: int = 0


@dataclass(frozen=True, slots=True)
class SavedSite:
    """A host of which something was saved.

    Attributes:
        id: of its row.
        label: the name of its root; see :func:`~downloader.serve.site_names.label_of`.
        host: with its port; empty for files whose URLs are not known.
        scheme: of the first of its URLs.
        folder: the first folder of its files; empty if they have none.
    """

    id: int
    label: str
    host: str
    scheme: str
    folder: str


@dataclass(frozen=True, slots=True)
class SiteTotals:
    """The numbers of a site's pages, files and failures, and the bytes of its files."""

    site: SavedSite
    pages: int
    files: int
    failed: int
    size: int


@dataclass(frozen=True, slots=True)
class PageDetails:
    """The facts that reading a page gives."""

    id: int
    title: str
    media_type: str
    size: int | None
    is_page: bool


class Catalogue:
    """The saved URLs of a source; safe for threads. Empty until :meth:`fill` is called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.executescript(_SCHEMA)

    def fill(self, entries: Iterable[CatalogueEntry]) -> None:
        """Add *entries*, and make the indexes."""
        with self._transaction() as db:
            rows: list[tuple[object, ...]] = []
            for entry in entries:
                rows.append(self._row(entry))
                if len(rows) == _ROWS_PER_INSERT:
                    self._insert(rows)
            self._insert(rows)
            for statement in filter(None, map(str.strip, _INDEXES.split(";"))):
                db.execute(statement)

    def close(self) -> None:
        """Discard the database."""
        self._db.close()

    def site(self, *, label: str = "", id: int = 0) -> SavedSite | None:  # noqa: A002
        """Return a site by its label or its id."""
        with self._transaction() as db:
            row = db.execute(
                "SELECT id, label, host, scheme, folder FROM sites WHERE label = ? OR id = ?",
                (label, id),
            ).fetchone()
        return None if row is None else SavedSite(*row)

    def by_url(self, urls: Sequence[str]) -> CatalogueEntry | None:
        """Return the entry of the first of *urls* that is known, saved ones before others."""
        found = [
            entry
            for column in ("url", "final_url")
            for url in urls
            for entry in self._select(f"WHERE {column} = ? ORDER BY state, id LIMIT 1", url)
        ]
        return min(found, key=lambda entry: entry.state is not EntryState.SAVED, default=None)

    def start_page(self, site: SavedSite) -> CatalogueEntry | None:
        """Return the page of a site that was asked for first; None if it has none."""
        condition = f"WHERE site = ? AND {_CONDITIONS[Listing.PAGES]} ORDER BY id LIMIT 1"
        return next(iter(self._select(condition, site.id)), None)

    def by_path(self, path: str) -> CatalogueEntry | None:
        """Return the entry whose file is *path*."""
        return next(iter(self._select("WHERE path = ? ORDER BY state, id LIMIT 1", path)), None)

    def totals(self) -> tuple[int, int, int, int]:
        """Return the numbers of sites, pages, files and failures."""
        with self._transaction() as db:
            (sites,) = db.execute("SELECT count(*) FROM sites").fetchone()
            row = db.execute(
                f"SELECT total({_CONDITIONS[Listing.PAGES]}), "  # noqa: S608 - constants
                f"total({_CONDITIONS[Listing.FILES]}), total({_CONDITIONS[Listing.FAILED]}) "
                "FROM entries"
            ).fetchone()
        return sites, *map(int, row)

    def largest_sites(self, start: int = 0) -> list[SiteTotals]:
        """Return a page of the sites, those with the most pages first."""
        with self._transaction() as db:
            rows = db.execute(
                "SELECT sites.id, label, host, scheme, folder, "  # noqa: S608 - constants
                f"total({_CONDITIONS[Listing.PAGES]}) pages, "
                f"total({_CONDITIONS[Listing.FILES]}) files, "
                f"total({_CONDITIONS[Listing.FAILED]}), "
                f"total(CASE WHEN {_CONDITIONS[Listing.FILES]} THEN size END) "
                "FROM sites JOIN entries ON site = sites.id GROUP BY sites.id "
                "ORDER BY pages DESC, files DESC, label LIMIT ? OFFSET ?",
                (ROWS_PER_PAGE, start),
            ).fetchall()
        return [SiteTotals(SavedSite(*row[:5]), *map(int, row[5:])) for row in rows]

    def search(
        self, listing: Listing, words: str = "", site: int | None = None, start: int = 0
    ) -> tuple[int, list[CatalogueEntry]]:
        """Return how many URLs have all *words* in their address or title, and a page of them."""
        conditions, values = [_CONDITIONS[listing]], list[object]()
        for word in words.split()[:_MAX_WORDS]:
            conditions.append("(url LIKE ? ESCAPE '!' OR title LIKE ? ESCAPE '!')")
            values += [_containing(_storable(word[:_MAX_WORD_CHARACTERS]))] * 2
        if site is not None:
            conditions.append("site = ?")
            values.append(site)
        where = f"WHERE {' AND '.join(conditions)}"
        with self._transaction() as db:
            (count,) = db.execute(f"SELECT count(*) FROM entries {where}", values).fetchone()  # noqa: S608
        order = f"{where} ORDER BY id LIMIT {ROWS_PER_PAGE} OFFSET ?"
        return count, self._select(order, *values, start)

    def entries(self, after: int = 0) -> list[CatalogueEntry]:
        """Return the next entries in the order of their rows."""
        return self._select(f"WHERE id > ? ORDER BY id LIMIT {_ROWS_PER_INSERT}", after)

    def untitled(self, limit: int) -> list[CatalogueEntry]:
        """Return entries whose titles are not read yet."""
        return self._select("WHERE title IS NULL ORDER BY id LIMIT ?", limit)

    def count_untitled(self) -> int:
        """Return the number of entries whose titles are not read yet."""
        with self._transaction() as db:
            query = "SELECT count(*) FROM entries WHERE title IS NULL"
            return int(db.execute(query).fetchone()[0])

    def set_details(self, details: Iterable[PageDetails]) -> None:
        """Record the facts that reading pages has given."""
        rows = [(each.title, each.media_type, each.size, each.is_page, each.id) for each in details]
        with self._transaction() as db:
            db.executemany(
                "UPDATE entries SET title = ?, media_type = ?, size = ?, is_page = ? WHERE id = ?",
                rows,
            )

    def _row(self, entry: CatalogueEntry) -> tuple[object, ...]:
        return (
            self._site_id(entry),
            entry.url,
            entry.state,
            entry.path,
            entry.media_type,
            entry.charset,
            entry.size,
            entry.wire_size,
            entry.saved_at,
            entry.final_url,
            entry.message,
            entry.title,
            entry.is_page,
            entry.has_original_links,
        )

    def _insert(self, rows: list[tuple[object, ...]]) -> None:
        self._db.executemany(
            f"INSERT INTO entries ({_COLUMNS.partition(', ')[2]}) "  # noqa: S608 - constants
            f"VALUES ({','.join('?' * 14)})",
            rows,
        )
        rows.clear()

    def _site_id(self, entry: CatalogueEntry) -> int:
        """Return the id of the site of *entry*, which is added if it is new."""
        url = Url(entry.url.rpartition(" ")[2])
        name = host(url) if url.startswith(("http://", "https://")) else ""
        row = self._db.execute("SELECT id FROM sites WHERE host = ?", (name,)).fetchone()
        if row is not None:
            return int(row[0])
        label = label_of(name)
        (taken,) = self._db.execute(
            "SELECT count(*) FROM sites WHERE label = ?", (label,)
        ).fetchone()
        folder = host_folder(url) if name else ""
        cursor = self._db.execute(
            "INSERT INTO sites (label, host, scheme, folder) VALUES (?, ?, ?, ?)",
            (
                label_of(name, is_taken=True) if taken else label,
                name,
                url.partition(":")[0] if name else "",
                folder,
            ),
        )
        return int(cursor.lastrowid or 0)

    def _select(self, rest: str, *values: object) -> list[CatalogueEntry]:
        storable = [_storable(each) if isinstance(each, str) else each for each in values]
        with self._transaction() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM entries {rest}", storable).fetchall()  # noqa: S608
        return [_entry(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                self._db.execute("COMMIT")


def _entry(row: tuple[object, ...]) -> CatalogueEntry:
    names = _COLUMNS.split(", ")
    members = dict(zip(names, row, strict=True))
    members["state"] = EntryState(members["state"])  # type: ignore[arg-type]
    members["is_page"] = bool(members["is_page"])
    members["has_original_links"] = bool(members["has_original_links"])
    return CatalogueEntry(**members)  # type: ignore[arg-type]


def _storable(text: str) -> str:
    """Return *text* without the lone surrogates of bytes that are not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _containing(word: str) -> str:
    """Return the pattern of LIKE for texts that contain *word*."""
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
