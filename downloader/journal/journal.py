"""The journal of a run: admits targets, records outcomes, and hands out what is next."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from downloader.errors import DiskError
from downloader.journal.admission import MAX_URLS_PER_QUERY, Admission
from downloader.journal.database import is_damage, open_journal, open_temporary_journal
from downloader.journal.expected_checksums import ExpectedChecksums
from downloader.journal.filesystem import max_name_bytes
from downloader.journal.frontier import Frontier
from downloader.journal.inventory import FolderInventory, Inventory, StoreInventory
from downloader.journal.mirror_checkpoint import MirrorCheckpoint
from downloader.journal.model import (
    AdmissionResult,
    FileLocation,
    Job,
    PublishedFile,
    RowState,
    SavedDocument,
    TargetRole,
)
from downloader.journal.naming import Naming
from downloader.journal.outcome_writer import JournalEntry, OutcomeWriter
from downloader.journal.own_pages import OwnPage, OwnPageKind
from downloader.journal.replica import JournalReplica
from downloader.journal.saved_file_verifier import SavedFileVerifier
from downloader.models import Downloaded, Failed, Options, Target
from downloader.object_store.protocol import ObjectStore
from downloader.web.filenames import FileName
from downloader.web.path_parts import MAX_NAME_BYTES
from downloader.web.urls import Url

MAX_DOCUMENTS_TO_READ = 32


class Journal:
    """The journal of one output folder; everything here blocks, and belongs to one thread.

    Without a folder nothing outlives the run: a temporary database of SQLite is used, which moves
    to disk when it grows. If nothing is saved, it only serves to recognise duplicates.

    Attributes:
        warnings: messages for the user about what was found broken and what was done about it.
        own_pages: the pages that this program is to write itself.

    Args:
        root: the output folder.
        options: of the run.
        store: holds the whole files, if the folder does not; a replica of the journal is kept
            there.

    Raises, on creation:
        OutputError: another run holds the folder, or the journal cannot be used.
        SourceError: the file of expected checksums cannot be used.
        StoreError: the store refuses.
    """

    def __init__(
        self,
        root: Path | None = None,
        options: Options | None = None,
        store: ObjectStore | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self.own_pages: dict[OwnPageKind, OwnPage] = {}
        options = options or Options()
        self._max_requests = options.max_redirects + 1
        self._saves = options.save
        self._checksums = _expected_checksums(options)
        self._db = open_temporary_journal() if root is None else open_journal(root, self.warnings)
        self._replica: JournalReplica | None = None
        self._replicated_changes = -1
        try:
            if store is not None and root is not None:
                self._replica = JournalReplica(store, root)
                self._replica.restore(self._db, self.warnings)
            self._inventory = _open_inventory(root, store)
            with self._transaction():
                self._start_run(options, root if store is None else None)
        except BaseException:
            self._db.close()
            raise

    def _start_run(self, options: Options, root: Path | None) -> None:
        cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        run = cursor.lastrowid or 0
        self._frontier = Frontier(self._db, run)
        self._verifier = SavedFileVerifier(
            self._inventory,
            verify_hashes=options.verify,
            mirrors=options.mirrors,
            packs=options.pack is not None,
        )
        limit = MAX_NAME_BYTES if root is None else max_name_bytes(root)
        naming = Naming(options, limit)
        self._checkpoint = MirrorCheckpoint(self._db, run, options)
        self._admission = Admission(
            self._db,
            run,
            options,
            self._frontier,
            self._verifier,
            naming,
            self._checkpoint,
            self.warnings,
            self._checksums,
        )
        self._writer = OutcomeWriter(
            self._db,
            self._checkpoint,
            mirrors=options.mirrors,
            links_missing=options.missing_page,
        )
        wanted = {OwnPageKind.INDEX: options.index, OwnPageKind.MISSING: options.missing_page}
        self.own_pages = {
            kind: self._admission.claim_own_page(kind)
            for kind, is_wanted in wanted.items()
            if is_wanted
        }

    def admit(self, entries: Sequence[Target | Failed]) -> list[AdmissionResult]:
        """Return a job or an outcome for each entry; its name is claimed on disk before that."""
        with self._transaction():
            self._checkpoint.add_lines(entries)
            return self._admission.admit(entries)

    def enqueue(self, targets: Sequence[Target]) -> list[Failed]:
        """Queue new targets that pages refer to; return the outcomes of those that cannot be."""
        with self._transaction():
            return self._admission.enqueue(targets)

    def next_work(self, max_jobs: int) -> tuple[list[Job | Failed], list[SavedDocument]]:
        """Return up to *max_jobs* queued targets to fetch, and documents to read for links."""
        with self._transaction():
            jobs = self._admission.queued_jobs(max_jobs)
            if self._checkpoint.is_undecided:
                return jobs, []
            return jobs, self._frontier.next_to_read(MAX_DOCUMENTS_TO_READ)

    def end_list(self) -> None:
        """Note that all lines are admitted; a run that repeats the last one queues its URLs."""
        with self._transaction():
            self._checkpoint.end_list()

    @property
    def is_mirror_current(self) -> bool:
        """Whether all links are as the last run has written them."""
        return self._checkpoint.is_current

    def record_mirror(self) -> None:
        """Record that this run has finished its mirror, and left nothing out."""
        with self._transaction():
            self._checkpoint.record()

    def documents(self, after_row: int, limit: int) -> list[SavedDocument]:
        """Return the text documents of this run, in the order of their rows."""
        with self._transaction():
            return self._frontier.documents(after_row, limit)

    def saved_by_role(
        self, after_row: int, limit: int, roles: Sequence[TargetRole]
    ) -> list[SavedDocument]:
        """Return the files of this run with one of *roles*, and all withdrawn ones."""
        with self._transaction():
            return self._frontier.saved_by_role(after_row, limit, roles)

    def final_urls(self, urls: Collection[Url]) -> dict[Url, Url]:
        """Return the URLs that answered for *urls*, after redirects."""
        with self._transaction():
            return self._frontier.final_urls(urls)

    def redirect_loops(self, redirects: Sequence[tuple[Url, Url]]) -> set[Url]:
        """Return the sources of *redirects*, (source, target) pairs, that lead to themselves."""
        with self._transaction():
            return self._frontier.redirect_loops(redirects, self._max_requests)

    def document(self, row: int) -> SavedDocument:
        """Return the saved file of a row."""
        with self._transaction():
            return self._frontier.document(row)

    def locations(self, urls: Sequence[Url], *, withdrawn: bool = False) -> dict[Url, FileLocation]:
        """Return the files of those *urls* that are saved, following recorded redirects.

        *withdrawn* is whether withdrawn files are returned too.
        """
        with self._transaction():
            return self._locations(urls, withdrawn=withdrawn)

    def _locations(self, urls: Sequence[Url], *, withdrawn: bool) -> dict[Url, FileLocation]:
        locations: dict[Url, FileLocation] = {}
        #: Each URL to look up, with those of *urls* that redirect to it.
        sources = {str(url): [url] for url in urls}
        for _ in range(self._max_requests):
            redirected: dict[str, list[Url]] = {}
            wanted = list(sources)
            for start in range(0, len(wanted), MAX_URLS_PER_QUERY):
                batch = wanted[start : start + MAX_URLS_PER_QUERY]
                for url, row in self._frontier.find_rows(batch):
                    file = row.file
                    if (
                        file is not None
                        and file.withdrawn <= withdrawn
                        and self._verifier.is_intact(file)
                    ):
                        locations |= dict.fromkeys(sources[url], FileLocation(row.id, file.path))
                    elif row.state == RowState.MOVED and row.final_url:
                        redirected.setdefault(row.final_url, []).extend(sources[url])
            sources = redirected
        return locations

    def saved_pages(self, after_row: int, limit: int) -> list[SavedDocument]:
        """Return the pages in the folder, of all runs, in the order of their rows."""
        with self._transaction():
            return self._frontier.saved_pages(after_row, limit)

    def missing_urls(self, urls: Sequence[Url]) -> set[Url]:
        """Return those of *urls* that do not exist on their servers."""
        with self._transaction():
            return self._frontier.missing_urls(urls)

    def claim_name(self, row: int, names: Sequence[FileName]) -> FileName | None:
        """Give a URL the first of *names* that no other has; None if every one is taken.

        Args:
            row: the row of the URL, which keeps its present name then.
            names: best first.
        """
        with self._transaction():
            return self._admission.claim_first(row, names)

    def record_published(self, files: Sequence[PublishedFile]) -> None:
        """Record the content that files are about to get."""
        with self._transaction():
            self._frontier.record_published(files)

    def record(self, results: Sequence[tuple[Job, JournalEntry]]) -> None:
        """Record what became of jobs, in one transaction."""
        if self._checksums is not None:
            for job, outcome in results:
                if isinstance(outcome, Downloaded) and job.target.checksum is None:
                    self._checksums.note_unverified(job.target)
        if not self._saves:
            # Nothing outlives the run, and duplicates are recognised by their rows.
            return
        with self._transaction():
            self._writer.record(results)

    def replicate(self) -> Callable[[], None] | None:
        """Make a snapshot for the store, if the journal has changed since the last one.

        Returns the function that uploads it, for another thread. That raises OutputError when
        another run has uploaded its own meanwhile, and StoreError when the store refuses.

        Raises:
            DiskError: there is no room for it.
        """
        if self._replica is None or self._replicated_changes == self._db.total_changes:
            return None
        self._replicated_changes = self._db.total_changes
        self._replica.snapshot(self._db)
        return self._replica.upload

    def close(self) -> None:
        """Close the database, which unlocks the folder."""
        if self._checksums is not None:
            self.warnings += self._checksums.notes()
        if self._inventory is not None:
            self._inventory.close()
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the block does, or roll it back.

        Raises:
            DiskError: the journal cannot be read or written, or was damaged during the run.
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
            if is_damage(error):
                # Set aside when the next run opens it. Until then nothing more is recorded: files
                # that are saved after their last record are recognised by themselves.
                raise DiskError(
                    f"the journal was damaged during the run: {error}",
                    hint="run the same command again: what is saved is kept",
                ) from error
            raise DiskError(f"cannot write the journal: {error}", hint="see --output") from error


def _expected_checksums(options: Options) -> ExpectedChecksums | None:
    return None if options.checksums is None else ExpectedChecksums(options.checksums)


def _open_inventory(root: Path | None, store: ObjectStore | None) -> Inventory | None:
    if store is not None and root is not None:
        return StoreInventory(store, root)
    return None if root is None else FolderInventory(root)
