"""The objects below a prefix, kept in a temporary database because memory may not hold them."""

import sqlite3
from collections.abc import Iterable, Iterator

from downloader.web.filenames import SafePath

#: Sorts behind every character that a key may have.
_LAST_CHARACTER = "\U0010ffff"


class ObjectListing:
    """Paths of objects, with their sizes and times; it belongs to one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE names (path TEXT PRIMARY KEY, size INTEGER, modified REAL) WITHOUT ROWID"
        )

    def add(self, objects: Iterable[tuple[str, int, float]]) -> None:
        """Add objects: path, size in bytes, and time of creation in seconds since the epoch."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", objects)
        self._db.execute("COMMIT")

    def size(self, path: str) -> int | None:
        """Return the size of an object; None if there is none."""
        row = self._db.execute("SELECT size FROM names WHERE path = ?", (path,)).fetchone()
        return None if row is None else int(row[0])

    def with_prefix(self, prefix: str) -> Iterator[tuple[SafePath, int, float]]:
        """Yield the objects whose path begins with *prefix*."""
        query = "SELECT path, size, modified FROM names WHERE path >= ? AND path < ?"
        for path, size, modified in self._db.execute(
            query, (prefix, prefix + _LAST_CHARACTER)
        ).fetchall():
            yield SafePath(path), size, modified

    def close(self) -> None:
        """Discard the listing."""
        self._db.close()
