"""What this run has taken: every address once, every file name once.

Kept in SQLite's temporary storage, which moves to disk by itself when it grows, so that memory
does not grow with the list.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from downloader.errors import BlockedError, UrlError
from downloader.models import Failed, Skipped, SkipReason, Target
from downloader.paths import Name, candidates, claims, given

_CACHE_KIB = 8 * 1024


@dataclass(frozen=True, slots=True)
class Job:
    """A target that is to be fetched, and the name that it alone has."""

    target: Target
    name: Name


Admitted = Job | Skipped | Failed


class Journal:
    """Admits targets; to be used by one thread at a time."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._db.executescript(
            f"""
            PRAGMA cache_size = -{_CACHE_KIB};
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE seen (address BLOB PRIMARY KEY, origin TEXT) WITHOUT ROWID;
            CREATE TABLE claims (key TEXT PRIMARY KEY) WITHOUT ROWID;
            BEGIN;
            """
        )

    def admit_all(self, entries: Iterable[Target | Failed]) -> Iterator[Admitted]:
        """Yield what is to be done for each entry; failures pass through."""
        for entry in entries:
            yield entry if isinstance(entry, Failed) else self.admit(entry)

    def admit(self, target: Target) -> Admitted:
        """Return the job for *target*, or why there is none."""
        shown = target.shown
        address = hashlib.blake2b(shown.encode(), digest_size=16).digest()
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)", (address, target.origin)
        )
        if not cursor.rowcount:
            (origin,) = self._db.execute(
                "SELECT origin FROM seen WHERE address = ?", (address,)
            ).fetchone()
            return Skipped(
                index=target.index,
                origin=target.origin,
                url=shown,
                reason=SkipReason.DUPLICATE,
                detail=f"{target.origin} repeats {origin}",
            )
        try:
            return Job(target, self._claim(target))
        except UrlError as error:
            return Failed(
                index=target.index,
                origin=target.origin,
                url=shown,
                kind=error.kind,
                message=error.message,
                hint=error.hint,
            )

    def _claim(self, target: Target) -> Name:
        if target.name is not None:
            name = given(target.name)
            if self._take(name):
                return name
            raise BlockedError(
                f"another URL has the file name {target.name!r}", hint="give each its own name"
            )
        for name in candidates(target.url):
            if self._take(name):
                return name
        raise BlockedError("every name for this URL is taken")

    def _take(self, name: Name) -> bool:
        """Take *name* if nothing that was taken could ever be the same file."""
        wanted = claims(name)
        marks = ",".join("?" * len(wanted.against))
        taken = self._db.execute(
            f"SELECT 1 FROM claims WHERE key IN ({marks}) LIMIT 1",  # noqa: S608 - only marks
            wanted.against,
        ).fetchone()
        if taken:
            return False
        self._db.executemany(
            "INSERT OR IGNORE INTO claims VALUES (?)", [(key,) for key in wanted.own]
        )
        return True

    def close(self) -> None:
        """Let go of the storage."""
        self._db.close()
