"""The replica of the journal in an object store, from which another machine can continue.

It is uploaded at intervals. It is downloaded when it is not the one that the journal here
continues.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from downloader.errors import BusyError, DiskError
from downloader.journal.database import (
    DATABASE_NAME,
    STATE_FOLDER,
    database_files,
    open_replica,
)
from downloader.object_store.protocol import ObjectStore
from downloader.web.filenames import SafePath

#: Where the replica is, below the prefix.
KEY = SafePath(f"{STATE_FOLDER}/{DATABASE_NAME}")
_DOWNLOADED = "fetched.sqlite3"
_SNAPSHOT = "copy.sqlite3"
_VERSIONS = "copy.json"


@dataclass(frozen=True, slots=True)
class _ReplicaVersions:
    """The replica that the journal here continues; kept in a file between runs.

    Attributes:
        seen: the ETag of the replica that was last downloaded or uploaded here.
        sent: the SHA-256 of the replica that was last made here, recorded before its upload.
    """

    seen: str = ""
    sent: str = ""


class JournalReplica:
    """The replica of the journal below one prefix.

    Args:
        store: the prefix.
        root: the work folder.
    """

    def __init__(self, store: ObjectStore, root: Path) -> None:
        self._store = store
        self._folder = root / STATE_FOLDER
        self._versions = _read_versions(self._folder / _VERSIONS)

    def restore(self, db: sqlite3.Connection, warnings: list[str]) -> None:
        """Replace the content of *db* by that of the replica, unless *db* continues it.

        Raises:
            StoreError: the store refuses.
            OutputError: it was written by a newer version.
        """
        replica = self._store.info(KEY)
        if replica is None:
            self._save_versions(_ReplicaVersions())
            return
        # A journal that was broken and replaced by a new one has no runs.
        (runs,) = db.execute("SELECT count(*) FROM runs").fetchone()
        if runs and replica.etag == self._versions.seen:
            return
        file = self._folder / _DOWNLOADED
        try:
            _remove_database(file)
            self._store.download(KEY, file)
            # A killed run may have uploaded it without learning its ETag.
            if not runs or self._versions.sent != _sha256(file):
                with closing(open_replica(file)) as source:
                    source.backup(db)
        except sqlite3.Error as error:
            warnings.append(
                f"the copy of the journal in {self._store.display_url} is broken ({error}); "
                "saved files are fetched again and compared"
            )
        finally:
            _remove_database(file)
        self._save_versions(_ReplicaVersions(replica.etag, self._versions.sent))

    def snapshot(self, db: sqlite3.Connection) -> None:
        """Make a consistent copy of *db* on disk, for :meth:`upload`.

        Raises:
            DiskError: there is no room for it.
        """
        file = self._folder / _SNAPSHOT
        _remove(file)
        try:
            db.execute("VACUUM INTO ?", (str(file),))
        except sqlite3.Error as error:
            raise DiskError(f"cannot copy the journal: {error}", hint="see --output") from error

    def upload(self) -> None:
        """Upload the last snapshot; this may be called in another thread.

        Raises:
            BusyError: another run has uploaded its own meanwhile.
            StoreError: the store refuses.
        """
        file = self._folder / _SNAPSHOT
        current = self._store.info(KEY)
        if (current.etag if current else "") != self._versions.seen:
            raise BusyError(
                f"another run is writing to {self._store.display_url}",
                hint="let it finish, then run this one again",
            )
        self._save_versions(_ReplicaVersions(self._versions.seen, _sha256(file)))
        self._store.upload(file, KEY)
        uploaded = self._store.info(KEY)
        etag = uploaded.etag if uploaded else ""
        self._save_versions(_ReplicaVersions(etag, self._versions.sent))
        _remove(file)

    def _save_versions(self, versions: _ReplicaVersions) -> None:
        if versions == self._versions:
            return
        self._versions = versions
        file = self._folder / _VERSIONS
        new = file.with_suffix(".new")

        def write() -> None:
            new.write_text(json.dumps(asdict(versions)), encoding="utf-8")
            new.replace(file)

        _on_disk(file, write)


def _read_versions(file: Path) -> _ReplicaVersions:
    """Return the recorded versions; empty ones if the file is missing or damaged."""
    with suppress(OSError, ValueError, TypeError):
        return _ReplicaVersions(**json.loads(file.read_text(encoding="utf-8")))
    return _ReplicaVersions()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _remove_database(file: Path) -> None:
    """Remove a database with its WAL, which SQLite would apply to the next one of that name."""
    for each in database_files(file):
        _remove(each)


def _remove(file: Path) -> None:
    _on_disk(file, lambda: file.unlink(missing_ok=True))


def _on_disk(file: Path, operation: Callable[[], None]) -> None:
    """Call *operation*.

    Raises:
        DiskError: the disk refuses.
    """
    try:
        operation()
    except OSError as error:
        raise DiskError(f"cannot write {file}: {error.strerror}", hint="see --output") from error
