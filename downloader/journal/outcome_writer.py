"""Notes what became of addresses."""

import sqlite3
import time
from collections.abc import Iterable

from downloader.errors import ErrorKind
from downloader.journal.database import Value, insert_many
from downloader.journal.rows import Alias, Job, PartialFile, PendingWork, RowState
from downloader.models import Downloaded, Failed, Outcome, Skipped, Unchanged
from downloader.web.charset import CharsetSource

_DONE = """
UPDATE urls SET state = 1, path = v.path, saved = v.saved, wire = v.wire,
    characters = v.characters, sha256 = v.sha256, etag = v.etag, last_modified = v.last_modified,
    part_path = NULL, validator = NULL, part_url = NULL, total = NULL, attempts = v.attempts,
    kind = NULL, message = NULL, finished = v.finished, media_type = v.media_type,
    charset = v.charset, final_url = v.final_url, published = NULL, published_sha256 = NULL,
    withdrawn = 0, todo = v.todo, packed_at = v.packed_at
FROM (
    SELECT column1 id, column2 path, column3 saved, column4 wire, column5 characters,
        column6 sha256, column7 etag, column8 last_modified, column9 attempts, column10 finished,
        column11 media_type, column12 charset, column13 final_url, column14 todo,
        column15 packed_at
    FROM (VALUES"""
_DONE_REST = ")) v WHERE urls.id = v.id"


class OutcomeWriter:
    """Writes outcomes down, inside a transaction of the journal.

    Args:
        db: the journal's database.
        mirrors: whether texts are to be read once they are there.
    """

    def __init__(self, db: sqlite3.Connection, *, mirrors: bool) -> None:
        self._db = db
        self._mirrors = mirrors

    def record(self, notes: Iterable[tuple[Job, Outcome | PartialFile | Alias]]) -> None:
        """Note what became of jobs, all at once."""
        done: list[tuple[Value, ...]] = []
        for job, note in notes:
            match note:
                case Downloaded():
                    done.append(_done(job, note, mirrors=self._mirrors))
                case Failed():
                    self._record_failed(job, note)
                case Unchanged():
                    self._db.execute(
                        "UPDATE urls SET finished = ?, todo = ? WHERE id = ?",
                        (time.time(), todo_of(note.characters, mirrors=self._mirrors), job.row),
                    )
                case Alias():
                    self._db.execute(
                        "UPDATE urls SET state = ?, final_url = ? WHERE id = ?",
                        (RowState.MOVED, note.to, job.row),
                    )
                case PartialFile():
                    self.park(job, note)
                case Skipped():
                    pass
        insert_many(self._db, _DONE, done, _DONE_REST)

    def park(self, job: Job, parked: PartialFile) -> None:
        """Note that a ``.part`` file is being written which a later attempt may continue."""
        self._db.execute(
            "UPDATE urls SET part_path = ?, validator = ?, part_url = ?, total = ? WHERE id = ?",
            (
                parked.path,
                parked.partial.validator,
                parked.partial.url,
                parked.partial.total,
                job.row,
            ),
        )

    def _record_failed(self, job: Job, failed: Failed) -> None:
        # What an earlier run saved whole is still there, so it stays done; and what was stopped
        # may have been saved while it was, so it stays claimed.
        stopped = failed.kind is ErrorKind.INTERRUPTED
        self._db.execute(
            "UPDATE urls SET state = CASE state WHEN ? THEN state ELSE ? END, attempts = ?, "
            "kind = ?, message = ?, finished = ? WHERE id = ?",
            (
                RowState.DONE,
                RowState.CLAIMED if stopped else RowState.FAILED,
                failed.attempts,
                failed.kind,
                failed.message,
                time.time(),
                job.row,
            ),
        )


def _done(job: Job, done: Downloaded, *, mirrors: bool) -> tuple[Value, ...]:
    return (
        job.row,
        done.path,
        done.sizes.saved,
        done.sizes.wire,
        done.sizes.characters,
        bytes.fromhex(done.sha256),
        done.etag,
        done.last_modified,
        done.attempts,
        done.started + done.seconds,
        done.media_type,
        done.sizes.charset if done.sizes.charset_source is CharsetSource.HEADER else "",
        # An address with a password is found without it.
        done.final_url if done.final_url != done.url else None,
        todo_of(done.sizes.characters, mirrors=mirrors),
        done.packed_at,
    )


def todo_of(characters: int | None, *, mirrors: bool) -> PendingWork:
    """Return what is to be done with a file that is there."""
    return PendingWork.READ if mirrors and characters is not None else PendingWork.NOTHING
