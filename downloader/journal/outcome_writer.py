"""Write the outcomes of jobs to the journal."""

import sqlite3
import time
from collections.abc import Iterable

from downloader.errors import ErrorKind
from downloader.journal.database import Value, insert_many
from downloader.journal.mirror_checkpoint import MirrorCheckpoint
from downloader.journal.model import (
    Job,
    PartialFile,
    PendingWork,
    Redirect,
    RowState,
    Submission,
)
from downloader.models import (
    Downloaded,
    ExtractedPage,
    Failed,
    Outcome,
    Skipped,
    Unchanged,
)
from downloader.web.charset import CharsetSource

_UPDATE_DOWNLOADED = """
UPDATE urls SET state = 1, path = v.path, saved = v.saved, wire = v.wire,
    characters = v.characters, sha256 = v.sha256, etag = v.etag, last_modified = v.last_modified,
    part_path = NULL, validator = NULL, part_url = NULL, total = NULL, attempts = v.attempts,
    kind = NULL, message = NULL, finished = v.finished, media_type = v.media_type,
    charset = v.charset, final_url = v.final_url, published = NULL, published_sha256 = NULL,
    withdrawn = 0, todo = v.todo, packed_at = v.packed_at,
    page_fields = v.page_fields, texts = v.texts
FROM (
    SELECT column1 id, column2 path, column3 saved, column4 wire, column5 characters,
        column6 sha256, column7 etag, column8 last_modified, column9 attempts, column10 finished,
        column11 media_type, column12 charset, column13 final_url, column14 todo,
        column15 packed_at, column16 page_fields, column17 texts
    FROM (VALUES"""
_UPDATE_DOWNLOADED_END = ")) v WHERE urls.id = v.id"


#: What is recorded of a job.
JournalEntry = Outcome | PartialFile | Redirect | Submission


class OutcomeWriter:
    """Writes outcomes, inside a transaction of the journal.

    Args:
        db: the journal's database.
        checkpoint: gets to know what changes.
        mirrors: whether text documents are queued to be read for links.
        links_missing: whether links to what does not exist lead to a page of this program.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        checkpoint: MirrorCheckpoint,
        *,
        mirrors: bool,
        links_missing: bool = False,
    ) -> None:
        self._db = db
        self._checkpoint = checkpoint
        self._mirrors = mirrors
        self._links_missing = links_missing

    def record(self, results: Iterable[tuple[Job, JournalEntry]]) -> None:
        """Record what became of jobs."""
        downloaded: list[tuple[Value, ...]] = []
        for job, result in results:
            match result:
                case Downloaded():
                    downloaded.append(_downloaded_values(job, result, mirrors=self._mirrors))
                    if not _replaces_same_file(job, result):
                        self._checkpoint.note_change()
                case Failed():
                    self._record_failed(job, result)
                case Unchanged():
                    reads = self._checkpoint.reads_saved_documents
                    todo = work_after_saving(result.characters, mirrors=reads)
                    self._db.execute(
                        "UPDATE urls SET finished = ?, todo = ? WHERE id = ?",
                        (time.time(), todo, job.row),
                    )
                    self._record_texts(job, result.page)
                case Redirect():
                    self._record_redirect(job, result)
                case PartialFile():
                    self._record_partial(job, result)
                case Submission():
                    self._db.execute(
                        "UPDATE urls SET state = ? WHERE id = ? AND state != ?",
                        (RowState.SENT, job.row, RowState.DONE),
                    )
                case Skipped() if job.target.request is not None:
                    # Left out by a filter, once its response was there.
                    self._db.execute(
                        "UPDATE urls SET state = ? WHERE id = ? AND state = ?",
                        (RowState.CLAIMED, job.row, RowState.SENT),
                    )
                case Skipped():
                    self._record_texts(job, result.page)
        insert_many(self._db, _UPDATE_DOWNLOADED, downloaded, _UPDATE_DOWNLOADED_END)

    def _record_texts(self, job: Job, page: ExtractedPage | None) -> None:
        """Record in which formats the text of a page is saved, if it was extracted."""
        if page is not None and page.saved:
            self._db.execute(
                "UPDATE urls SET texts = ? WHERE id = ?", (",".join(page.saved), job.row)
            )

    def _record_redirect(self, job: Job, redirect: Redirect) -> None:
        # A row that led there before is claimed while it is asked for again.
        known = self._db.execute(
            "SELECT 1 FROM urls WHERE id = ? AND state != ? AND final_url IS ?",
            (job.row, RowState.DONE, redirect.to),
        )
        if known.fetchone() is None:
            self._checkpoint.note_change()
        self._db.execute(
            "UPDATE urls SET state = ?, final_url = ? WHERE id = ?",
            (RowState.MOVED, redirect.to, job.row),
        )

    def _record_partial(self, job: Job, partial: PartialFile) -> None:
        body = partial.body
        self._db.execute(
            "UPDATE urls SET part_path = ?, validator = ?, part_url = ?, total = ? WHERE id = ?",
            (partial.path, body.validator, body.url, body.total, job.row),
        )

    def _record_failed(self, job: Job, failed: Failed) -> None:
        # A file that an earlier run saved still exists, so its row stays done. An interrupted
        # transfer may have saved its file nevertheless, so its row stays claimed; or stays sent.
        interrupted = failed.kind is ErrorKind.INTERRUPTED
        redirected = self._db.execute(
            "UPDATE urls SET final_url = NULL "
            "WHERE id = ? AND state != ? AND final_url IS NOT NULL",
            (job.row, RowState.DONE),
        )
        if redirected.rowcount or (self._links_missing and self._is_new_failure(job, failed)):
            self._checkpoint.note_change()
        self._db.execute(
            "UPDATE urls SET state = CASE WHEN state IN (?, ?) THEN state ELSE ? END, "
            "attempts = ?, kind = ?, message = ?, finished = ? WHERE id = ?",
            (
                RowState.DONE,
                RowState.SENT if interrupted else RowState.DONE,
                RowState.CLAIMED if interrupted else RowState.FAILED,
                failed.attempts,
                failed.kind,
                failed.message,
                time.time(),
                job.row,
            ),
        )

    def _is_new_failure(self, job: Job, failed: Failed) -> bool:
        known = self._db.execute(
            "SELECT 1 FROM urls WHERE id = ? AND message IS ?", (job.row, failed.message)
        )
        return known.fetchone() is None


def _downloaded_values(job: Job, outcome: Downloaded, *, mirrors: bool) -> tuple[Value, ...]:
    """Return the row of VALUES in the statement above."""
    sizes = outcome.sizes
    return (
        job.row,
        outcome.path,
        sizes.saved,
        sizes.wire,
        sizes.characters,
        bytes.fromhex(outcome.sha256),
        outcome.etag,
        outcome.last_modified,
        outcome.attempts,
        outcome.started + outcome.seconds,
        outcome.media_type,
        sizes.charset if sizes.charset_source is CharsetSource.HEADER else "",
        # Both are without a password, so that they differ only after a redirect.
        outcome.final_url if outcome.final_url != outcome.url else None,
        work_after_saving(sizes.characters, mirrors=mirrors),
        outcome.packed_at,
        outcome.page_fields or None,
        ",".join(outcome.page.saved) or None if outcome.page is not None else None,
    )


def _replaces_same_file(job: Job, outcome: Downloaded) -> bool:
    """Return whether links to the file stay, and it has none itself."""
    is_same = job.saved is not None and job.saved.path == outcome.path
    return is_same and outcome.sizes.characters is None


def work_after_saving(characters: int | None, *, mirrors: bool) -> PendingWork:
    """Return what is left to do for a saved file: a mirror reads text for links."""
    return PendingWork.READ if mirrors and characters is not None else PendingWork.NOTHING
