"""Decide what is left to do for each target, and claim the file name that it alone has."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from downloader.errors import InterruptedRunError, UrlError
from downloader.journal.database import Value, insert_many
from downloader.journal.expected_checksums import ExpectedChecksums
from downloader.journal.frontier import ROW_COLUMNS, Frontier, queue_values, role_of
from downloader.journal.mirror_checkpoint import MirrorCheckpoint
from downloader.journal.model import (
    AdmissionResult,
    Job,
    JournalRow,
    PendingWork,
    RowState,
    SavedFile,
    SavedPage,
    TargetRole,
    key_of,
)
from downloader.journal.name_claims import NameClaims
from downloader.journal.naming import Naming
from downloader.journal.outcome_writer import work_after_saving
from downloader.journal.own_pages import OwnPage, OwnPageKind, claim_own_page
from downloader.journal.saved_file_verifier import SavedFileVerifier
from downloader.journal.unfetched_outcomes import (
    duplicate_outcome,
    failed_outcome,
    skipped_outcome,
)
from downloader.models import Failed, Options, Skipped, SkipReason, Target
from downloader.web.filenames import FileName, stays_within
from downloader.web.media_types import guess_media_type, is_text

_SELECT_ROWS = f"SELECT address, {ROW_COLUMNS} FROM urls WHERE address IN (%s)"  # noqa: S608 - constants
_INSERT_ROWS = (
    "INSERT INTO urls (id, address, url, base, growth, state, run, admitted, origin, todo, role, "
    "parent, root, line, depth, nesting, hops) VALUES"
)
_UPDATE_SEEN = """
UPDATE urls SET run = v.run, origin = v.origin, line = v.line, todo = v.todo, role = 0,
    parent = NULL, root = NULL, depth = 0, nesting = 0
FROM (
    SELECT column1 id, column2 run, column3 origin, column4 line, column5 todo FROM (VALUES"""
_UPDATE_SEEN_END = ")) v WHERE urls.id = v.id"
MAX_URLS_PER_QUERY = 256


class Admission:
    """Admits targets, inside a transaction of the journal.

    Args:
        db: the journal's database.
        run: the id of this run.
        options: of this run.
        frontier: the queue of targets that pages refer to.
        verifier: checks saved files.
        naming: says which names targets may have.
        checkpoint: what the last run left of a mirror.
        warnings: messages for the user are added to it.
        checksums: the checksums that a file promises, or None.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        run: int,
        options: Options,
        frontier: Frontier,
        verifier: SavedFileVerifier,
        naming: Naming,
        checkpoint: MirrorCheckpoint,
        warnings: list[str],
        checksums: ExpectedChecksums | None,
    ) -> None:
        self._db = db
        self._run = run
        (self._started,) = db.execute("SELECT started FROM runs WHERE run = ?", (run,)).fetchone()
        self._options = options
        self._frontier = frontier
        self._verifier = verifier
        self._checkpoint = checkpoint
        self._warnings = warnings
        self._naming = naming
        self._checksums = checksums
        #: Whether a URL may have to be renamed although its line gives it no name.
        self._may_rename = not naming.is_default
        self._names = NameClaims(db, naming, saves=options.save)
        (self._last_row_id,) = db.execute("SELECT coalesce(max(id), 0) FROM urls").fetchone()
        self._followed_urls = 0
        self._unwritten_rows: list[tuple[Value, ...]] = []
        self._unwritten_seen: list[tuple[Value, ...]] = []
        self._unwritten_requests: list[tuple[str, int]] = []
        #: When the current batch was admitted, in seconds since the epoch.
        self._now = 0.0

    def admit(self, entries: Sequence[Target | Failed]) -> list[AdmissionResult]:
        """Return a job or an outcome for each entry of the list."""
        admitted: list[AdmissionResult] = []
        for start in range(0, len(entries), MAX_URLS_PER_QUERY):
            admitted += self._admit_batch(entries[start : start + MAX_URLS_PER_QUERY])
        return admitted

    def enqueue(self, targets: Sequence[Target]) -> list[Failed]:
        """Queue new targets that pages refer to; return the outcomes of those that cannot be."""
        failed: list[Failed] = []
        while targets:
            redirected: list[Target] = []
            for start in range(0, len(targets), MAX_URLS_PER_QUERY):
                batch = _merge_by_url(targets[start : start + MAX_URLS_PER_QUERY])
                failed += self._enqueue_batch(batch, redirected)
            targets = redirected
        return failed

    def queued_jobs(self, limit: int) -> list[Job | Failed]:
        """Return up to *limit* queued targets that have to be fetched; [] if there are none."""
        jobs: list[Job | Failed] = []
        while not jobs and (queued := self._frontier.next_to_fetch(limit)):
            for target, row in queued:
                admitted = self._admit_known(target, row)
                if not isinstance(admitted, Skipped):
                    jobs.append(admitted)
            self._write_rows()
        return jobs

    def claim_first(self, row: int, names: Sequence[FileName]) -> FileName | None:
        """Give the URL of *row* the first of *names* that no other has; None if all are taken."""
        name = self._names.claim_first(names, row)
        if name is not None:
            self._db.execute(
                "UPDATE urls SET base = ?, growth = ? WHERE id = ?",
                (name.base, name.extension_rule, row),
            )
        return name

    def claim_own_page(self, kind: OwnPageKind) -> OwnPage:
        """Claim the name of a page that this program writes itself."""
        return claim_own_page(self._db, self._names, kind, self._options)

    def _enqueue_batch(
        self, targets: dict[bytes, Target], redirected: list[Target]
    ) -> Iterator[Failed]:
        """Queue *targets*, by their keys; add targets of recorded redirects to *redirected*."""
        self._now = time.time()
        key_by_url = {target.shown: key for key, target in targets.items()}
        rows = {key_by_url[url]: row for url, row in self._frontier.find_rows(list(key_by_url))}
        self._names.prefetch(target for key, target in targets.items() if key not in rows)
        for key, target in targets.items():
            row = rows.get(key)
            if (row is None or row.run != self._run) and not self._count_followed_url():
                continue
            if row is None:
                try:
                    self._admit_new(target, key, queue_values(target))
                except UrlError as error:
                    yield failed_outcome(target, error)
            elif row.run == self._run:
                self._frontier.update_distance(row, target.depth, target.nesting, role_of(target))
            else:
                self._frontier.queue(target, row)
                asks_server = self._options.force or self._options.refresh
                if not asks_server and (to := self._frontier.follow_redirect(target, row)):
                    redirected.append(to)
        self._write_rows()

    def _count_followed_url(self) -> bool:
        """Count another URL that a page refers to; return whether ``--max-urls`` allows it."""
        limit = self._options.max_urls
        if limit is None or self._followed_urls < limit:
            self._followed_urls += 1
            return True
        if self._followed_urls == limit:
            # Counted beyond the limit, so that the warning is given once.
            self._followed_urls += 1
            self._warnings.append(f"--max-urls {limit} is reached: more is not fetched")
        return False

    def _admit_batch(self, entries: Sequence[Target | Failed]) -> list[AdmissionResult]:
        self._now = time.time()
        keys = [
            b""
            if isinstance(entry, Failed)
            else key_of(entry.shown if entry.request is None else entry.identity)
            for entry in entries
        ]
        wanted = list(filter(None, keys))
        query = _SELECT_ROWS % ",".join("?" * len(wanted))
        rows = {
            values[0]: JournalRow._make(values[1:]) for values in self._db.execute(query, wanted)
        }
        self._verifier.prefetch(rows.values())
        self._names.prefetch(
            [
                entry
                for key, entry in zip(keys, entries, strict=True)
                if key not in rows and isinstance(entry, Target)
            ]
        )
        first: dict[bytes, Target] = {}
        results: list[AdmissionResult] = []
        for key, entry in zip(keys, entries, strict=True):
            admitted: AdmissionResult
            if isinstance(entry, Failed):
                admitted = entry
            elif key in first:
                admitted = duplicate_outcome(entry, first[key].origin)
            else:
                row = rows.get(key)
                if row is not None and self._names.was_displaced(row.id):
                    row = row._replace(base="", state=RowState.CLAIMED)
                admitted = self._admit(entry, key, row)
                if isinstance(admitted, Job) or _is_saved(admitted):
                    first[key] = entry
            results.append(admitted)
        self._write_rows()
        return results

    def _admit(self, target: Target, key: bytes, row: JournalRow | None) -> AdmissionResult:
        """Admit a target of the list; *row* is that of its URL, if it has been seen before."""
        try:
            if row is None:
                origin, todo, role = target.origin, PendingWork.NOTHING, TargetRole.LISTED
                parent = root = None
                depth = nesting = hops = 0
                queue_columns = (origin, todo, role, parent, root, target.index)
                return self._admit_new(target, key, (*queue_columns, depth, nesting, hops))
            if row.run == self._run and row.todo != PendingWork.FETCH:
                self._write_rows()
                self._frontier.update_distance(row, 0, 0, TargetRole.LISTED)
                return duplicate_outcome(target, row.origin)
            return self._admit_known(target, row)
        except UrlError as error:
            return failed_outcome(target, error)

    def _admit_new(self, target: Target, key: bytes, queue_columns: tuple[Value, ...]) -> Job:
        """Admit a target whose URL is new; *queue_columns* are ``origin`` to ``hops``."""
        row_id = self._last_row_id + 1
        name = self._names.claim_preferred(target, row_id)
        if name is None:
            # Owners of names are looked up in the database.
            self._write_rows()
            name = self._names.claim_available(target, row_id, self._run)
        self._last_row_id = row_id
        self._unwritten_rows.append(
            (
                row_id,
                key,
                target.shown if self._options.save else "",
                name.base,
                name.extension_rule,
                RowState.CLAIMED,
                self._run,
                self._now,
                *queue_columns,
            )
        )
        if target.request is not None:
            self._unwritten_requests.append((target.request.identity, row_id))
        is_name_free = self._verifier.is_name_free(name)
        if self._checksums is not None:
            target = self._with_checksum(target, name)
        return Job(target, name, row_id, is_name_free=is_name_free)

    def _with_checksum(self, target: Target, name: FileName) -> Target:
        """Return *target* with the checksum that is expected of its file, if there is one."""
        if self._checksums is None or target.checksum is not None:
            return target
        return replace(target, checksum=self._checksums.find(target.url, name))

    def _write_rows(self) -> None:
        """Insert the rows of new URLs, and their claims; update those of known ones."""
        rows, self._unwritten_rows = self._unwritten_rows, []
        insert_many(self._db, _INSERT_ROWS, rows)
        if self._unwritten_requests:
            requests, self._unwritten_requests = self._unwritten_requests, []
            self._db.executemany("UPDATE urls SET request = ? WHERE id = ?", requests)
        seen, self._unwritten_seen = self._unwritten_seen, []
        insert_many(self._db, _UPDATE_SEEN, seen, _UPDATE_SEEN_END)
        self._names.write()

    def _admit_known(self, target: Target, row: JournalRow) -> AdmissionResult:
        """Admit a target whose URL has a row, but was not begun by this run."""
        paths = (row.base, row.path, row.part_path)
        if [path for path in paths if path and not stays_within(path)]:
            # The journal, in the folder or in a store, may come from anybody.
            row = row._replace(base="", path=None, part_path=None, state=RowState.CLAIMED)
        renames = not row.base or (
            (target.name is not None or self._may_rename)
            and target.name != row.base
            and not self._naming.allows(target, row.name)
        )
        if not renames and self._checksums is not None:
            target = self._with_checksum(target, row.name)
        saved = None if renames else row.file or self._adopt_unrecorded_file(row)
        if saved is None and row.state == RowState.SENT:
            self._require_repetition(target)
        if saved is None or not self._verifier.is_intact(saved):
            return self._job_without_file(target, row, saved, renames=renames)
        # A mirror needs to know the final URL of a document, which was not recorded, either.
        is_unrecorded_document = (
            self._options.mirrors and row.file is None and is_text(guess_media_type(saved.path))
        )
        fetches_again = is_unrecorded_document or self._options.force
        unextracted = self._unextracted(target, row, saved)
        # The files of an object store are not on this machine.
        fetches_again |= unextracted is not None and self._options.remote is not None
        if fetches_again or self._verifier.has_other_checksum(target, saved):
            self._record_seen(target, row)
            return Job(target, row.name, row.id, saved, old_texts=row.text_paths)
        if self._options.refresh:
            self._record_seen(target, row)
            return Job(
                target,
                row.name,
                row.id,
                saved,
                # Only a plain GET can be conditional; other requests are made again.
                revalidate=target.request is None,
                partial=row.partial,
                unextracted=unextracted,
                old_texts=row.text_paths,
            )
        reads = self._checkpoint.reads_saved_documents
        todo = work_after_saving(saved.characters, mirrors=reads)
        self._record_seen(target, row, todo)
        if self._checksums is not None and target.checksum is None:
            self._checksums.note_unverified(target)
        if unextracted is not None:
            return Job(target, row.name, row.id, saved, unextracted=unextracted)
        preposition = "as" if saved.packed_at is None else "in"
        detail = f"already saved {preposition} {saved.path}"
        return skipped_outcome(target, SkipReason.DONE, detail, saved)

    def _unextracted(self, target: Target, row: JournalRow, saved: SavedFile) -> SavedPage | None:
        """Return the saved page, if its text is wanted and missing."""
        missing = self._verifier.missing_texts(row, saved, self._options.extract)
        if not missing:
            return None
        media_type = row.media_type or guess_media_type(saved.path)
        return SavedPage(
            saved.path,
            saved.original_path,
            media_type,
            row.charset or "",
            row.final_url or target.url,
            missing,
        )

    def _require_repetition(self, target: Target) -> None:
        """Check that a request may be made that an earlier run has sent.

        Raises:
            InterruptedRunError: it may not.
        """
        options = self._options
        if target.request is not None and not (options.retry_all or options.force):
            raise InterruptedRunError(
                f"an earlier run sent this {target.request.method}, and was stopped before its "
                "response",
                hint="--retry-all sends it again",
            )

    def _job_without_file(
        self, target: Target, row: JournalRow, saved: SavedFile | None, *, renames: bool
    ) -> Job:
        """Return the job of a known URL without an intact file.

        Args:
            target: what to fetch.
            row: the row of its URL.
            saved: its file, which is missing or has changed; None if it never had one, or if it
                gets a new name.
            renames: whether it gets a new name.
        """
        name = row.name
        if renames:
            # Owners of names are looked up in the database.
            self._write_rows()
            name = self._names.claim_available(target, row.id, self._run, renames=True)
            target = self._with_checksum(target, name)
        self._record_seen(target, row)
        if row.state == RowState.DONE:
            self._checkpoint.note_change()
        unrecorded_since = self._unrecorded_since(target, row)
        admitted = time.time() if unrecorded_since is None else unrecorded_since
        self._db.execute(
            "UPDATE urls SET state = ?, admitted = ?, base = ?, growth = ? WHERE id = ?",
            (RowState.CLAIMED, admitted, name.base, name.extension_rule, row.id),
        )
        # A file that this program rewrote is replaced; any other one is kept under a backup name.
        replaced = saved if saved is not None and self._verifier.is_rewritten(saved) else None
        return Job(
            target,
            name,
            row.id,
            replaced,
            partial=None if renames or self._options.force else row.partial,
            unrecorded_since=unrecorded_since,
            is_name_free=self._verifier.is_name_free(name),
            old_texts=row.text_paths,
        )

    def _unrecorded_since(self, target: Target, row: JournalRow) -> float | None:
        """Return the time from which a killed run may have packed the URL without recording it."""
        packs = self._options.pack is not None and not self._options.force
        is_get = target.request is None
        return row.admitted if packs and is_get and row.state == RowState.CLAIMED else None

    def _adopt_unrecorded_file(self, row: JournalRow) -> SavedFile | None:
        """Return the file that a killed run saved without recording it, and record it now.

        There is none for a name that this run has claimed.
        """
        if row.admitted >= self._started:
            return None
        unrecorded = self._verifier.find_unrecorded_file(row)
        if unrecorded is None:
            return None
        saved, seconds = unrecorded
        self._checkpoint.note_change()
        self._db.execute(
            "UPDATE urls SET state = ?, path = ?, saved = ?, sha256 = ?, finished = ?, "
            "packed_at = NULL WHERE id = ?",
            (RowState.DONE, saved.path, saved.size, saved.sha256, seconds, row.id),
        )
        return saved

    def _record_seen(
        self, target: Target, row: JournalRow, todo: PendingWork = PendingWork.NOTHING
    ) -> None:
        """Record that this run has admitted the URL; a line of the list is at no distance."""
        if target.parent:
            self._db.execute("UPDATE urls SET todo = ? WHERE id = ?", (todo, row.id))
        else:
            self._unwritten_seen.append((row.id, self._run, target.origin, target.index, todo))


def _is_saved(outcome: Skipped | Failed) -> bool:
    return isinstance(outcome, Skipped) and outcome.reason is not SkipReason.DUPLICATE


def _merge_by_url(targets: Iterable[Target]) -> dict[bytes, Target]:
    """Return one target for each URL, by its key, with the shortest distance of any."""
    merged: dict[bytes, Target] = {}
    for target in targets:
        key = key_of(target.shown)
        first = merged.setdefault(key, target)
        if first is not target:
            depth = min(target.depth, first.depth)
            nesting = min(target.nesting, first.nesting)
            merged[key] = replace(first, depth=depth, nesting=nesting)
    return merged
