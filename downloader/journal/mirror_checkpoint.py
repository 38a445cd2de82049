"""Remembers that a mirror is whole, so that the same run over it again reads and rewrites nothing.

The links of a document depend on its bytes and on the options; what replaces them depends on the
files of the folder. Where nothing of that has changed since a run finished, its documents need not
be read again: what they refer to is queued from its rows.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import fields

from downloader._version import __version__
from downloader.journal.model import PendingWork, RowState, key_of
from downloader.models import Failed, FilterOptions, MirrorOptions, NamingOptions, Options, Target

_DIGEST_BYTES = 16


class MirrorCheckpoint:
    """What the last run left of a mirror, and whether this run repeats it.

    Called inside a transaction of the journal.

    Args:
        db: the journal's database.
        run: the id of this run.
        options: of this run.

    Attributes:
        is_undecided: whether it shows only at the end of the list if this run repeats the last one.
            No document is read until then.
        repeats: whether it does; documents that the last run has saved are not read then.
    """

    def __init__(self, db: sqlite3.Connection, run: int, options: Options) -> None:
        self._db = db
        self._run = run
        self._mirrors = options.mirrors
        self._plan = hashlib.blake2b(_described(options).encode(), digest_size=_DIGEST_BYTES)
        self._has_changes = False
        self._last_run, self._last_plan = db.execute(
            "SELECT max(r.run), m.plan FROM runs r LEFT JOIN finished_mirrors m ON m.run = r.run "
            "WHERE r.run < ?",
            (run,),
        ).fetchone()
        self.repeats = False
        self.is_undecided = (
            self._last_plan is not None
            and options.mirrors
            and not (options.force or options.refresh)
            and options.max_urls is None
        )

    @property
    def reads_saved_documents(self) -> bool:
        """Whether documents that an earlier run has saved are to be read now."""
        return self._mirrors and not self.repeats and not self.is_undecided

    def add_lines(self, lines: Sequence[Target | Failed]) -> None:
        """Take the next lines of the list into the plan."""
        if not self._mirrors:
            return
        for line in lines:
            identity = "" if isinstance(line, Failed) else line.identity
            self._plan.update(key_of(identity) + key_of(line.origin))

    def end_list(self) -> None:
        """Queue what the last run had queued if this run repeats it; else have documents read."""
        if not self.is_undecided:
            return
        self.is_undecided = False
        self.repeats = self._plan.digest() == self._last_plan
        if self.repeats:
            # What a recorded redirect leads to has a row of its own.
            self._db.execute(
                "UPDATE urls SET run = ?, todo = iif(state = ? AND final_url IS NOT NULL, ?, ?) "
                "WHERE run = ?",
                (
                    *(self._run, RowState.MOVED, PendingWork.NOTHING, PendingWork.FETCH),
                    self._last_run,
                ),
            )
        else:
            self._db.execute(
                "UPDATE urls SET todo = ? "
                "WHERE run = ? AND state = ? AND characters IS NOT NULL AND todo = ?",
                (PendingWork.READ, self._run, RowState.DONE, PendingWork.NOTHING),
            )

    def note_change(self) -> None:
        """Note that a file of the folder, or where a URL leads, has changed."""
        self._has_changes = True

    @property
    def is_current(self) -> bool:
        """Whether the links of all documents are as the last run has written them."""
        return self._plan.digest() == self._last_plan and not self._has_changes

    def record(self) -> None:
        """Record that this run has finished its mirror."""
        self._db.execute("DELETE FROM finished_mirrors")
        self._db.execute(
            "INSERT INTO finished_mirrors VALUES (?, ?)", (self._run, self._plan.digest())
        )


def _described(options: Options) -> str:
    """Return everything but the list and the files that decides which links there are."""
    groups = (*fields(MirrorOptions), *fields(NamingOptions), *fields(FilterOptions))
    chosen = [(each.name, getattr(options, each.name)) for each in groups]
    return repr((__version__, chosen, options.shard, options.user_agent))
