"""The external links that worked in an earlier run, so that the next one need not ask again."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from downloader.web.urls import Url

#: Entries that are older are removed, whatever age is asked for.
_MAX_AGE_SECONDS = 90 * 86_400
#: Entries that are kept; some 100 bytes each.
_MAX_ENTRIES = 1_000_000
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    url TEXT PRIMARY KEY,
    checked REAL NOT NULL,          -- when, in seconds since the epoch
    status INTEGER NOT NULL,
    final TEXT NOT NULL,
    moved_to TEXT NOT NULL,
    certificate_end REAL            -- in seconds since the epoch
) WITHOUT ROWID;
"""


class CachedResult(NamedTuple):
    """A link that worked.

    Attributes:
        status: HTTP status of the last response.
        final: the URL that answered, if that was another one; or empty.
        moved_to: where it has moved for good; or empty.
        certificate_end: when the host's certificate expires, in seconds since the epoch, or None.
    """

    status: int
    final: str
    moved_to: str
    certificate_end: float | None


def default_path() -> Path:
    """Return the file in the user's cache folder."""
    # Imported only for this, because it takes a while.
    import platformdirs

    return Path(platformdirs.user_cache_dir("download")) / "links.sqlite3"


class ResultCache:
    """The cache; without it, every link is asked. Its methods block for a moment.

    Args:
        path: of its file.
        max_age: seconds for which a result is used.
        clock: seconds since the epoch.

    Attributes:
        warning: why it is not used; empty if it is.
    """

    def __init__(self, path: Path, max_age: float, clock: Callable[[], float] = time.time) -> None:
        self.warning = ""
        self._clock = clock
        self._max_age = max_age
        self._db: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = _opened(path)
        except (OSError, sqlite3.Error) as error:
            self._fail(path, error)
        self._path = path

    def get(self, url: Url) -> CachedResult | None:
        """Return the result of an earlier run, unless it is too old."""
        if self._db is None:
            return None
        now = self._clock()
        try:
            row = self._db.execute(
                "SELECT status, final, moved_to, certificate_end FROM results "
                "WHERE url = ? AND checked BETWEEN ? AND ?",
                (url, now - self._max_age, now),
            ).fetchone()
        except sqlite3.Error as error:
            self._fail(self._path, error)
            return None
        return None if row is None else CachedResult(*row)

    def put(self, url: Url, result: CachedResult) -> None:
        """Remember that a link works."""
        if self._db is None:
            return
        try:
            self._db.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)",
                (url, self._clock(), *result),
            )
        except sqlite3.Error as error:
            self._fail(self._path, error)

    def close(self) -> None:
        """Remove what is old, and close the file."""
        if self._db is None:
            return
        with suppress(sqlite3.Error):
            self._db.execute(
                "DELETE FROM results WHERE checked < ?", (self._clock() - _MAX_AGE_SECONDS,)
            )
            self._db.execute(
                "DELETE FROM results WHERE checked < (SELECT checked FROM results "
                "ORDER BY checked DESC LIMIT 1 OFFSET ?)",
                (_MAX_ENTRIES,),
            )
        self._db.close()
        self._db = None

    def _fail(self, path: Path, error: Exception) -> None:
        self.warning = f"results are not cached: {path}: {error}"
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None


def _opened(path: Path) -> sqlite3.Connection:
    """Open the cache; one of another version is begun anew.

    Raises:
        sqlite3.Error: it is no database, or another run is writing to it.
    """
    db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            db.execute("DROP TABLE IF EXISTS results")
        db.executescript(
            f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_SCHEMA}"
            f"PRAGMA user_version = {_VERSION};"
        )
    except BaseException:
        db.close()
        raise
    return db
