"""What is below a prefix: more than memory may hold, so SQLite's temporary storage has it."""

import sqlite3
from collections.abc import Iterable, Iterator

from downloader.web.filenames import SafePath

#: Behind every character that a key may have.
_LAST = "\U0010ffff"


class ObjectListing:
    """Names, with their sizes and times; it belongs to one thread."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE TABLE names (path TEXT PRIMARY KEY, size INTEGER, modified REAL) WITHOUT ROWID"
        )

    def add(self, found: Iterable[tuple[str, int, float]]) -> None:
        """Take in names, each with its size in bytes and when it came to be."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO names VALUES (?, ?, ?)", found)
        self._db.execute("COMMIT")

    def size(self, path: str) -> int | None:
        """Return the size of what has that name, or None if nothing has."""
        row = self._db.execute("SELECT size FROM names WHERE path = ?", (path,)).fetchone()
        return None if row is None else int(row[0])

    def beginning(self, start: str) -> Iterator[tuple[SafePath, int, float]]:
        """Yield what has a name that begins so."""
        query = "SELECT path, size, modified FROM names WHERE path >= ? AND path < ?"
        for path, size, modified in self._db.execute(query, (start, start + _LAST)).fetchall():
            yield SafePath(path), size, modified

    def close(self) -> None:
        """Forget them."""
        self._db.close()
