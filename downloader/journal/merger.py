"""Merge the journals of several output folders, such as those of shards, into one."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from downloader.errors import BlockedError, DiskError, OutputError, UrlError
from downloader.journal.database import Value, has_journal, insert_many, open_journal
from downloader.journal.frontier import ROW_COLUMNS
from downloader.journal.inventory import FolderInventory
from downloader.journal.model import JournalRow, RowState
from downloader.journal.saved_file_verifier import SavedFileVerifier
from downloader.models import Failed
from downloader.web.filenames import SafePath, claim_keys, stays_within

#: Copies a file of the other folder into this one.
CopyFile = Callable[[SafePath], None]
ROWS_PER_TRANSACTION = 256
#: The columns that are copied. Partial files and queued work stay with the other folder.
_COPIED_COLUMNS = (
    "address, url, base, growth, state, origin, admitted, path, saved, wire, characters, sha256, "
    "etag, last_modified, attempts, kind, message, finished, media_type, charset, final_url, "
    "published, published_sha256, withdrawn, role, parent, root, line, depth, nesting, hops, "
    "packed_at, page_fields, request, texts"
)
_OTHER_ROWS = (
    f"SELECT address, url, {ROW_COLUMNS} FROM urls WHERE id > ? "  # noqa: S608 - constants
    f"ORDER BY id LIMIT {ROWS_PER_TRANSACTION}"
)
_OWN_ROW = "SELECT id, state, path FROM urls WHERE address = ?"


@dataclass(slots=True)
class MergeCounts:
    """Numbers of URLs.

    Attributes:
        merged: new in this journal, or not done in it before.
        known: in this journal already, with the same or a later state.
        conflicts: left out.
    """

    merged: int = 0
    known: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class _OtherFolder:
    """Another output folder, while it is merged into this one.

    Attributes:
        db: its journal.
        copy_file: copies one of its files.
        files, packs: check that its files, and its volumes, exist as recorded.
        inventory: its files.
    """

    db: sqlite3.Connection
    copy_file: CopyFile
    files: SavedFileVerifier
    packs: SavedFileVerifier
    inventory: FolderInventory


class JournalMerger:
    """The journal of a folder that others are merged into; everything here blocks.

    Attributes:
        counts: of the URLs merged so far.
        warnings: messages for the user about this journal, if it was found broken.

    Raises, on creation:
        OutputError: a run is using the folder, or its journal cannot be used.
        DiskError: the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self.counts = MergeCounts()
        self.warnings: list[str] = []
        self._db = open_journal(root, self.warnings)
        cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        self._run = cursor.lastrowid or 0

    def close(self) -> None:
        """Close the database, which unlocks the folder."""
        self._db.close()

    def merge(self, folder: Path, copy_file: CopyFile) -> Iterator[Failed]:
        """Merge another folder, and yield an outcome for each URL that is left out.

        The other folder is not changed. A URL in both is taken from where it is done, and from
        this one if it is done in both.

        Args:
            folder: the output folder of another run.
            copy_file: copies a file of it into this folder, before the file is recorded here.

        Raises:
            OutputError: a run is using *folder*, or its journal is missing or broken.
            DiskError: the disk refuses.
        """
        if not has_journal(folder):
            raise OutputError(
                f"{folder} is no output folder of this program", hint="name the --output of a run"
            )
        with closing(open_journal(folder)) as db:
            inventory = FolderInventory(folder)
            files, packs = (
                SavedFileVerifier(inventory, verify_hashes=False, mirrors=True, packs=packs)
                for packs in (False, True)
            )
            other = _OtherFolder(db, copy_file, files, packs, inventory)
            last_row = 0
            while found := db.execute(_OTHER_ROWS, (last_row,)).fetchall():
                rows = [(address, url, JournalRow(*rest)) for address, url, *rest in found]
                last_row = rows[-1][2].id
                yield from self._merge_rows(other, rows)

    def _merge_rows(
        self, other: _OtherFolder, rows: Sequence[tuple[bytes, str, JournalRow]]
    ) -> list[Failed]:
        conflicts: list[Failed] = []
        try:
            self._db.execute("BEGIN")
            try:
                for address, url, row in rows:
                    try:
                        self._merge_row(other, address, row)
                    except DiskError:
                        raise
                    except UrlError as error:
                        self.counts.conflicts += 1
                        conflicts.append(_conflict_outcome(url, row, error))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise DiskError(f"cannot write the journal: {error}", hint="see --output") from error
        return conflicts

    def _merge_row(self, other: _OtherFolder, address: bytes, row: JournalRow) -> None:
        """Merge one URL.

        Raises:
            BlockedError: another URL has its name, its file does not exist as recorded, or its
                name leads out of the folder.
        """
        if not all(stays_within(path) for path in (row.base, row.path) if path):
            # The other folder may come from anybody.
            raise BlockedError(
                "its file name leads out of the folder", hint="that journal was tampered with"
            )
        own = self._db.execute(_OWN_ROW, (address,)).fetchone()
        if own is not None and _is_enough(own[1], own[2], row):
            self.counts.known += 1
            return
        own_id = own[0] if own is not None else None
        keys = claim_keys(row.name) if row.base else None
        if keys is not None and self._is_claimed(keys.conflicting, own_id):
            raise BlockedError(
                f"another URL has the name {row.base!r} in the merged folder",
                hint="merge it into another folder",
            )
        if (file := row.file) is not None:
            verifier = other.files if file.packed_at is None else other.packs
            if not verifier.is_intact(file):
                raise BlockedError(
                    f"its file {file.path} is missing or has changed since it was saved",
                    hint="run the shard again",
                )
            for path in {file.original_path, *([] if file.withdrawn else [file.path])}:
                other.copy_file(path)
            for path in () if file.withdrawn else row.text_paths:
                # A text that is missing is extracted again by the next run that wants it.
                if other.inventory.size(path) is not None:
                    other.copy_file(path)
        self._copy_row(other.db, row.id, own_id, keys.claimed if keys is not None else ())
        self.counts.merged += 1

    def _is_claimed(self, keys: Sequence[str], owner: int | None) -> bool:
        query = "SELECT 1 FROM claims WHERE key IN (%s) AND owner IS NOT ? LIMIT 1"
        query %= ",".join("?" * len(keys))
        return self._db.execute(query, (*keys, owner)).fetchone() is not None

    def _copy_row(
        self, other: sqlite3.Connection, other_id: int, own_id: int | None, keys: Sequence[str]
    ) -> None:
        """Copy a row and its claims from the other journal; it replaces the row *own_id*."""
        if own_id is not None:
            # Its folders stay claimed, because other files are in them.
            self._db.execute(
                "DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) != '/'", (own_id,)
            )
            self._db.execute("DELETE FROM urls WHERE id = ?", (own_id,))
        values = other.execute(
            f"SELECT {_COPIED_COLUMNS} FROM urls WHERE id = ?",  # noqa: S608 - constants
            (other_id,),
        ).fetchone()
        cursor = self._db.execute(
            f"INSERT INTO urls (id, run, todo, {_COPIED_COLUMNS}) VALUES "  # noqa: S608
            f"(?, ?, 0, {','.join('?' * len(values))})",
            (own_id, self._run, *values),
        )
        claims: list[tuple[Value, ...]] = [(key, cursor.lastrowid) for key in keys]
        insert_many(self._db, "INSERT OR IGNORE INTO claims VALUES", claims)


def _is_enough(state: int, path: str | None, other: JournalRow) -> bool:
    """Return whether the URL has come at least as far here as in the *other* journal.

    Raises:
        BlockedError: it is done in both under different names, and pages of the other folder link
            to the other name.
    """
    if state == RowState.DONE and other.state == RowState.DONE and path != other.path:
        raise BlockedError(
            f"it is in the merged folder as {path}, and here as {other.path}",
            hint="merge it into another folder",
        )
    return state in (RowState.DONE, RowState.MOVED) or other.state not in (
        RowState.DONE,
        RowState.MOVED,
    )


def _conflict_outcome(url: str, row: JournalRow, error: UrlError) -> Failed:
    return Failed(
        index=0,
        origin=row.origin,
        url=url,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
    )
