"""The journal of a run: admits, notes, and gives out what is next."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from downloader.errors import DiskError
from downloader.journal.admission import LOOKUP, Admission
from downloader.journal.database import open_in, open_temporary
from downloader.journal.frontier import Frontier
from downloader.journal.inventory import FolderInventory, Inventory, StoreInventory
from downloader.journal.outcome_writer import OutcomeWriter
from downloader.journal.replica import JournalReplica
from downloader.journal.rows import (
    Admitted,
    Alias,
    FileLocation,
    Job,
    PartialFile,
    PublishedFile,
    RowState,
    SavedDocument,
    TargetRole,
)
from downloader.journal.verification import SavedFileVerifier
from downloader.models import Failed, Options, Outcome, Target
from downloader.object_store.protocol import ObjectStore
from downloader.web.urls import Url

#: So many documents are handed out at once to be read.
_READ_AT_ONCE = 32


class Journal:
    """The memory of one output folder; everything here blocks, and belongs to one thread.

    Without a folder nothing outlives the run: SQLite's temporary storage is used, which moves to
    disk by itself when it grows.

    Attributes:
        warnings: lines for a person about what was found broken, and what was done about it.

    Args:
        root: the folder.
        options: how the run is made.
        bucket: where whole files are, if they are not in the folder; a copy of the journal is kept
            there.

    Raises, when made:
        OutputError: another run holds the folder, or the journal cannot be used.
        StoreError: the store refuses.
    """

    def __init__(
        self,
        root: Path | None = None,
        options: Options | None = None,
        bucket: ObjectStore | None = None,
    ) -> None:
        broken: list[str] = []
        options = options or Options()
        self._most_redirects = options.max_redirects
        self._db = open_temporary() if root is None else open_in(root, broken)
        self._twin = (
            JournalReplica(bucket, root) if bucket is not None and root is not None else None
        )
        try:
            if self._twin is not None:
                self._twin.restore(self._db, broken)
            self._there = _there(root, bucket)
        except BaseException:
            self._db.close()
            raise
        with self._transaction():
            cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        run = cursor.lastrowid or 0
        self._copied = -1
        self._frontier = Frontier(self._db, run)
        self._evidence = SavedFileVerifier(
            self._there,
            verify=options.verify,
            mirrors=options.mirrors,
            packs=options.pack is not None,
        )
        self._admission = Admission(self._db, run, options, self._frontier, self._evidence)
        self._recorder = OutcomeWriter(self._db, mirrors=options.mirrors)
        self.warnings = self._admission.warnings = broken

    def admit(self, entries: Sequence[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry; claims of names are safe before it returns."""
        with self._transaction():
            return self._admission.admit(entries)

    def find(self, found: Sequence[Target]) -> list[Failed]:
        """Take in what pages refer to; what is new is queued, and what cannot be is returned."""
        with self._transaction():
            return self._admission.find(found)

    def work(self, most: int) -> tuple[list[Job | Failed], list[SavedDocument]]:
        """Return up to *most* queued addresses that are to be fetched, and documents to read."""
        with self._transaction():
            return self._admission.queued(most), self._frontier.to_read(_READ_AT_ONCE)

    def documents(self, after: int, most: int) -> list[SavedDocument]:
        """Return the texts that this run has seen, in the order of their rows, from a row on."""
        return self._frontier.documents(after, most)

    def arranged(self, after: int, most: int, roles: Sequence[TargetRole]) -> list[SavedDocument]:
        """Return what this run has seen of these roles, and what has been withdrawn."""
        return self._frontier.arranged(after, most, roles)

    def starts(self, roots: Collection[Url]) -> dict[Url, Url]:
        """Return where lines were found, after redirects, by their addresses."""
        return self._frontier.starts(roots)

    def circular(self, moves: Sequence[tuple[Url, Url]]) -> set[Url]:
        """Return which addresses lead back to themselves, if each leads where *moves* says."""
        return self._frontier.circular(moves, self._most_redirects + 1)

    def stored(self, row: int) -> SavedDocument:
        """Return what is there of a row."""
        return self._frontier.stored(row)

    def places(self, urls: Sequence[Url], *, withdrawn: bool = False) -> dict[Url, FileLocation]:
        """Return the files of those addresses that are saved, wherever redirects have led.

        Those that were withdrawn are given only if that is asked for.
        """
        places: dict[Url, FileLocation] = {}
        leads = {str(url): [url] for url in urls}
        for _ in range(self._most_redirects + 1):
            further: dict[str, list[Url]] = {}
            wanted = list(leads)
            for start in range(0, len(wanted), LOOKUP):
                for url, row in self._frontier.known(wanted[start : start + LOOKUP]):
                    file = row.file
                    if (
                        file is not None
                        and file.withdrawn <= withdrawn
                        and self._evidence.is_there(file)
                    ):
                        places |= dict.fromkeys(leads[url], FileLocation(row.id, file.path))
                    elif row.state == RowState.MOVED and row.final_url:
                        further.setdefault(row.final_url, []).extend(leads[url])
            leads = further
        return places

    def publish(self, notes: Sequence[PublishedFile]) -> None:
        """Note what files are to be, before they are."""
        with self._transaction():
            self._frontier.publish(notes)

    def park(self, job: Job, parked: PartialFile) -> None:
        """Note that a ``.part`` file is being written which a later attempt may continue."""
        self._recorder.park(job, parked)

    def record(self, notes: Iterable[tuple[Job, Outcome | PartialFile | Alias]]) -> None:
        """Note what became of jobs, all at once."""
        with self._transaction():
            self._recorder.record(notes)

    def copy(self) -> Callable[[], None] | None:
        """Make a copy of the journal for the store, if anything has changed since the last one.

        Returns what sends it, for another thread; that raises OutputError when another run has
        sent its own meanwhile, and StoreError when the store refuses.

        Raises:
            DiskError: there is no room for it.
        """
        if self._twin is None or self._copied == self._db.total_changes:
            return None
        self._copied = self._db.total_changes
        self._twin.make(self._db)
        return self._twin.send

    def close(self) -> None:
        """Let go of the folder."""
        if self._there is not None:
            self._there.close()
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Do all of it or nothing.

        Raises:
            DiskError: the journal cannot be written.
        """
        try:
            self._db.execute("BEGIN")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise DiskError(f"cannot write the journal: {error}", hint="see --output") from error


def _there(root: Path | None, bucket: ObjectStore | None) -> Inventory | None:
    """Return what is asked for what is there: the store, or the folder, if there is one."""
    if bucket is not None and root is not None:
        return StoreInventory(bucket, root)
    return None if root is None else FolderInventory(root)
