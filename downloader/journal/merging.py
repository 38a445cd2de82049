"""Takes the journals of other folders into one: what shards did becomes one memory."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from downloader.errors import BlockedError, DiskError, OutputError, UrlError
from downloader.journal.database import Value, insert_many, is_in, open_in
from downloader.journal.frontier import ROW
from downloader.journal.inventory import FolderInventory
from downloader.journal.rows import JournalRow, RowState
from downloader.journal.verification import SavedFileVerifier
from downloader.models import Failed
from downloader.web.filenames import SafePath, claim_keys, stays_within

#: Has a file of the other folder here as well.
Place = Callable[[SafePath], None]
_AT_ONCE = 256
#: What is copied of an address. A partial file stays where it is, and so does what was to be done.
_COLUMNS = (
    "address, url, base, growth, state, origin, admitted, path, saved, wire, characters, sha256, "
    "etag, last_modified, attempts, kind, message, finished, media_type, charset, final_url, "
    "published, published_sha256, withdrawn, role, parent, root, line, depth, nesting, hops, "
    "packed_at"
)
_THEIRS = f"SELECT address, url, {ROW} FROM urls WHERE id > ? ORDER BY id LIMIT {_AT_ONCE}"  # noqa: S608
_OURS = "SELECT id, state, path FROM urls WHERE address = ?"


@dataclass(slots=True)
class MergeCounts:
    """How much was taken in.

    Attributes:
        taken: addresses that are new here, or were not done here.
        known: addresses that were here already, at least as far.
        clashes: addresses that could not be taken in.
    """

    taken: int = 0
    known: int = 0
    clashes: int = 0


class JournalMerger:
    """The journal of a folder that takes in those of others; everything here blocks.

    Attributes:
        merged: how much was taken in so far.
        warnings: lines for a person about a journal that was found broken here.

    Raises, when made:
        OutputError: a run is using the folder, or its journal cannot be used.
        DiskError: the disk refuses.
    """

    def __init__(self, root: Path) -> None:
        self.merged = MergeCounts()
        self.warnings: list[str] = []
        self._db = open_in(root, self.warnings)
        cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        self._run = cursor.lastrowid or 0

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()

    def take(self, folder: Path, place: Place) -> Iterator[Failed]:
        """Take in what *folder* has, and yield what could not be: it is left where it is.

        An address that both have is taken from where it is done, and from here if it is in both.

        Args:
            folder: the output folder of another run; it stays as it is.
            place: has a file of it here as well, before that is noted.

        Raises:
            OutputError: a run is using *folder*, or it has no journal.
            DiskError: the disk refuses.
        """
        if not is_in(folder):
            raise OutputError(f"{folder} is no output folder of this program", hint="see --merge")
        broken: list[str] = []
        with closing(open_in(folder, broken)) as theirs:
            if broken:
                raise OutputError(broken[0])
            files, packs = (
                SavedFileVerifier(FolderInventory(folder), verify=False, mirrors=True, packs=packs)
                for packs in (False, True)
            )
            last = 0
            while found := theirs.execute(_THEIRS, (last,)).fetchall():
                rows = [(address, url, JournalRow(*rest)) for address, url, *rest in found]
                last = rows[-1][2].id
                yield from self._take_some(theirs, rows, (files, packs), place)

    def _take_some(
        self,
        theirs: sqlite3.Connection,
        rows: Sequence[tuple[bytes, str, JournalRow]],
        evidence: tuple[SavedFileVerifier, SavedFileVerifier],
        place: Place,
    ) -> Iterator[Failed]:
        clashes: list[Failed] = []
        try:
            self._db.execute("BEGIN")
            try:
                for address, url, row in rows:
                    try:
                        self._take_one(theirs, address, row, evidence, place)
                    except DiskError:
                        raise
                    except UrlError as error:
                        self.merged.clashes += 1
                        clashes.append(_clash(url, row, error))
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise DiskError(f"cannot write the journal: {error}", hint="see --output") from error
        yield from clashes

    def _take_one(
        self,
        theirs: sqlite3.Connection,
        address: bytes,
        row: JournalRow,
        evidence: tuple[SavedFileVerifier, SavedFileVerifier],
        place: Place,
    ) -> None:
        """Take in one address.

        Raises:
            BlockedError: another address has its name, or its file is not there, or it has a name
                that none can have.
        """
        if not all(stays_within(path) for path in (row.base, row.path) if path):
            # Who made the other folder may be anybody.
            raise BlockedError(
                "its file name leads out of the folder", hint="that journal was tampered with"
            )
        ours = self._db.execute(_OURS, (address,)).fetchone()
        if ours is not None and _is_enough(ours[1], ours[2], row):
            self.merged.known += 1
            return
        number = ours[0] if ours is not None else None
        name = row.name
        keys = claim_keys(name) if row.base else None
        if keys is not None and self._is_taken(keys.conflicting, number):
            raise BlockedError(
                f"another URL has the name {name.base!r} in the merged folder",
                hint="merge it into another folder",
            )
        if (file := row.file) is not None:
            if not evidence[file.packed_at is not None].is_there(file):
                raise BlockedError(
                    f"its file {file.path} is not there as it was saved", hint="run the shard again"
                )
            for path in {file.original, *([] if file.withdrawn else [file.path])}:
                place(path)
        self._write(theirs, row, number, keys.claimed if keys is not None else ())
        self.merged.taken += 1

    def _is_taken(self, against: Sequence[str], owner: int | None) -> bool:
        query = "SELECT 1 FROM claims WHERE key IN (%s) AND owner IS NOT ? LIMIT 1"
        query %= ",".join("?" * len(against))
        return self._db.execute(query, (*against, owner)).fetchone() is not None

    def _write(
        self, theirs: sqlite3.Connection, row: JournalRow, number: int | None, keys: Sequence[str]
    ) -> None:
        """Note an address as the other journal has it, in the place of what is here of it."""
        if number is not None:
            # Its folders stay taken, because files of others are in them.
            self._db.execute(
                "DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) != '/'", (number,)
            )
            self._db.execute("DELETE FROM urls WHERE id = ?", (number,))
        values = theirs.execute(
            f"SELECT {_COLUMNS} FROM urls WHERE id = ?",  # noqa: S608 - ours
            (row.id,),
        ).fetchone()
        cursor = self._db.execute(
            f"INSERT INTO urls (id, run, todo, {_COLUMNS}) VALUES "  # noqa: S608 - ours
            f"(?, ?, 0, {','.join('?' * len(values))})",
            (number, self._run, *values),
        )
        owned: list[tuple[Value, ...]] = [(key, cursor.lastrowid) for key in keys]
        insert_many(self._db, "INSERT OR IGNORE INTO claims VALUES", owned)


def _is_enough(state: int, path: str | None, row: JournalRow) -> bool:
    """Return whether what is here of an address is as good as what the other journal has.

    Raises:
        BlockedError: both have it, by different names: pages of the other folder link to theirs.
    """
    if state == RowState.DONE and row.state == RowState.DONE and path != row.path:
        raise BlockedError(
            f"it is in the merged folder as {path}, and here as {row.path}",
            hint="merge it into another folder",
        )
    return state in (RowState.DONE, RowState.MOVED) or row.state not in (
        RowState.DONE,
        RowState.MOVED,
    )


def _clash(url: str, row: JournalRow, error: UrlError) -> Failed:
    return Failed(
        index=0,
        origin=row.origin,
        url=url,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
    )
