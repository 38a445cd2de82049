"""Admit each address and each name once, and note what became of it."""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from downloader.errors import DiskError, ErrorKind, UrlError
from downloader.journal.database import Value, insert_many, open_in, open_temporary
from downloader.journal.files import CLOCK_SLACK, digest, grown, is_solid, regular
from downloader.journal.names import Names
from downloader.journal.records import Admitted, Job, Parked, Row, Saved, State
from downloader.models import (
    Downloaded,
    Failed,
    Options,
    Outcome,
    Skipped,
    SkipReason,
    Target,
    Unchanged,
)

_KNOWN = """
SELECT address, id, run, origin, base, growth, state, admitted, path, saved, characters, sha256,
       etag, last_modified, part_path, validator, part_url, total
FROM urls WHERE address IN (%s)
"""
_CLAIMED = "INSERT INTO urls (id, address, url, base, growth, state, run, origin, admitted) VALUES"
_DONE = """
UPDATE urls SET state = 1, path = v.path, saved = v.saved, wire = v.wire,
    characters = v.characters, sha256 = v.sha256, etag = v.etag, last_modified = v.last_modified,
    part_path = NULL, validator = NULL, part_url = NULL, total = NULL, attempts = v.attempts,
    kind = NULL, message = NULL, finished = v.finished
FROM (
    SELECT column1 id, column2 path, column3 saved, column4 wire, column5 characters,
        column6 sha256, column7 etag, column8 last_modified, column9 attempts, column10 finished
    FROM (VALUES"""
_DONE_REST = ")) v WHERE urls.id = v.id"
#: Of so many folders it is remembered that no link leads to them.
_MOST_FOLDERS = 1000
#: So many addresses are looked up by one query.
_LOOKUP = 256


class Journal:
    """The memory of one output folder; everything here blocks, and belongs to one thread.

    Without a folder nothing outlives the run: SQLite's temporary storage is used, which moves to
    disk by itself when it grows.

    Attributes:
        warnings: lines for a person about what was found broken, and what was done about it.

    Raises, when made:
        OutputError: another run holds the folder, or the journal cannot be used.
    """

    def __init__(self, root: Path | None = None, options: Options | None = None) -> None:
        self.warnings: list[str] = []
        self._root = root
        self._options = options or Options()
        self._solid: dict[str, bool] = {}
        self._db = open_temporary() if root is None else open_in(root, self.warnings)
        with self._transaction():
            cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        self._run = cursor.lastrowid or 0
        (self._last_row,) = self._db.execute("SELECT coalesce(max(id), 0) FROM urls").fetchone()
        self._names = Names(self._db)
        self._claimed: list[tuple[Value, ...]] = []

    def admit(self, entries: Sequence[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry; claims of names are safe before it returns."""
        admitted: list[Admitted] = []
        with self._transaction():
            for start in range(0, len(entries), _LOOKUP):
                admitted += self._admit_batch(entries[start : start + _LOOKUP])
        return admitted

    def park(self, job: Job, parked: Parked) -> None:
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

    def record(self, notes: Iterable[tuple[Job, Outcome | Parked]]) -> None:
        """Note what became of jobs, all at once."""
        done: list[tuple[Value, ...]] = []
        with self._transaction():
            for job, note in notes:
                match note:
                    case Downloaded():
                        done.append(_done(job, note))
                    case Failed():
                        self._record_failed(job, note)
                    case Unchanged():
                        self._db.execute(
                            "UPDATE urls SET finished = ? WHERE id = ?",
                            (time.time(), job.row),
                        )
                    case Parked():
                        self.park(job, note)
                    case Skipped():
                        pass
            insert_many(self._db, _DONE, done, _DONE_REST)

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()

    def _record_failed(self, job: Job, failed: Failed) -> None:
        # What an earlier run saved whole is still there, so it stays done; and what was stopped
        # may have been saved while it was, so it stays claimed.
        stopped = failed.kind is ErrorKind.INTERRUPTED
        self._db.execute(
            "UPDATE urls SET state = CASE state WHEN ? THEN state ELSE ? END, attempts = ?, "
            "kind = ?, message = ?, finished = ? WHERE id = ?",
            (
                State.DONE,
                State.CLAIMED if stopped else State.FAILED,
                failed.attempts,
                failed.kind,
                failed.message,
                time.time(),
                job.row,
            ),
        )

    def _admit_batch(self, entries: Sequence[Target | Failed]) -> Iterator[Admitted]:
        keys = [b"" if isinstance(entry, Failed) else _key(entry) for entry in entries]
        wanted = list(filter(None, keys))
        query = _KNOWN % ",".join("?" * len(wanted))
        known = {row[0]: Row(*row[1:]) for row in self._db.execute(query, wanted)}
        self._names.prepare(
            entry
            for key, entry in zip(keys, entries, strict=True)
            if isinstance(entry, Target) and key not in known
        )
        before: dict[bytes, Target] = {}
        for key, entry in zip(keys, entries, strict=True):
            if isinstance(entry, Failed):
                yield entry
            elif key in before:
                yield _repeated(entry, before[key].origin)
            else:
                row = known.get(key)
                if row is not None and self._names.displaced(row.id):
                    row = replace(row, base="", state=State.CLAIMED)
                admitted = self._admit(entry, key, row)
                if _is_first(admitted):
                    before[key] = entry
                yield admitted
        self._write_claimed()

    def _admit(self, target: Target, address: bytes, row: Row | None) -> Admitted:
        try:
            if row is not None:
                self._write_claimed()
                return self._admit_again(target, row)
            return self._admit_new(target, address)
        except UrlError as error:
            return Failed(
                index=target.index,
                origin=target.origin,
                url=target.shown,
                kind=error.kind,
                message=error.message,
                hint=error.hint,
            )

    def _admit_new(self, target: Target, address: bytes) -> Job:
        row = self._last_row + 1
        name = self._names.take_usual(target, row)
        if name is None:
            self._write_claimed()
            name = self._names.take_free(target, row, self._run)
        self._last_row = row
        self._claimed.append(
            (
                row,
                address,
                target.shown,
                name.base,
                name.growth.value,
                State.CLAIMED,
                self._run,
                target.origin,
                time.time(),
            )
        )
        return Job(target, name, row)

    def _write_claimed(self) -> None:
        """Note the addresses that are new, and their names."""
        claimed, self._claimed = self._claimed, []
        insert_many(self._db, _CLAIMED, claimed)
        self._names.write()

    def _admit_again(self, target: Target, row: Row) -> Admitted:
        """Return what is left to do for an address that was seen before."""
        if row.run == self._run:
            return _repeated(target, row.origin)
        renamed = not row.base or (target.name is not None and target.name != row.base)
        saved = None if renamed else row.file or self._orphan(row)
        if saved is None or not self._is_there(saved):
            name = row.name
            if renamed:
                name = self._names.take_free(target, row.id, self._run, again=True)
            self._see(target, row)
            self._db.execute(
                "UPDATE urls SET state = ?, admitted = ?, base = ?, growth = ? WHERE id = ?",
                (State.CLAIMED, time.time(), name.base, name.growth.value, row.id),
            )
            parked = None if renamed or self._options.force else row.parked
            return Job(target, name, row.id, parked=parked)
        self._see(target, row)
        if self._options.force or self._promised_otherwise(target, saved):
            return Job(target, row.name, row.id, saved)
        if self._options.refresh:
            return Job(target, row.name, row.id, saved, conditional=True, parked=row.parked)
        detail = f"already saved as {saved.path}"
        return _skipped(target, SkipReason.DONE, detail, saved)

    def _promised_otherwise(self, target: Target, saved: Saved) -> bool:
        """Return whether the list now promises another body than the one that is there."""
        promise = target.checksum
        if promise is None or self._root is None:
            return False
        if promise.algorithm == "sha256" and saved.sha256:
            return promise.digest != saved.sha256.hex()
        return promise.digest != digest(self._root / saved.path, promise.algorithm).hex()

    def _is_there(self, saved: Saved) -> bool:
        """Return whether the file is there as it was saved."""
        if self._root is None:
            return False
        folder = saved.path.rpartition("/")[0]
        if folder not in self._solid:
            if len(self._solid) >= _MOST_FOLDERS:
                self._solid.clear()
            self._solid[folder] = is_solid(self._root, folder)
        found = regular(f"{self._root}/{saved.path}") if self._solid[folder] else None
        if found is None or found.st_size != saved.size:
            return False
        if not self._options.verify or not saved.sha256:
            return True
        return digest(self._root / saved.path, "sha256") == saved.sha256

    def _orphan(self, row: Row) -> Saved | None:
        """Return the file that a killed run saved after its last note, and note it now.

        It is known by having come to be after its name was claimed: what was there before is not
        ours.
        """
        if row.state != State.CLAIMED or self._root is None:
            return None
        for path, found in grown(self._root, row.name):
            if found.st_ctime < row.admitted - CLOCK_SLACK:
                continue
            sha256 = digest(self._root / path, "sha256")
            self._db.execute(
                "UPDATE urls SET state = ?, path = ?, saved = ?, sha256 = ?, finished = ? "
                "WHERE id = ?",
                (State.DONE, path, found.st_size, sha256, found.st_ctime, row.id),
            )
            return Saved(path, found.st_size, sha256, "", "", None)
        return None

    def _see(self, target: Target, row: Row) -> None:
        """Note that this run has seen an address."""
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ? WHERE id = ?", (self._run, target.origin, row.id)
        )

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


def _done(job: Job, done: Downloaded) -> tuple[Value, ...]:
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
    )


def _is_first(admitted: Admitted) -> bool:
    """Return whether later lines with the same address repeat this one."""
    if isinstance(admitted, Skipped):
        return admitted.reason is not SkipReason.DUPLICATE
    return isinstance(admitted, Job)


def _key(target: Target) -> bytes:
    """Return the address's key: a hash, because an address may be as long as it likes."""
    return hashlib.blake2b(target.shown.encode(), digest_size=16).digest()


def _repeated(target: Target, origin: str) -> Skipped:
    return _skipped(target, SkipReason.DUPLICATE, f"{target.origin} repeats {origin}")


def _skipped(
    target: Target, reason: SkipReason, detail: str, saved: Saved | None = None
) -> Skipped:
    skipped = Skipped(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        reason=reason,
        detail=detail,
    )
    if saved is None:
        return skipped
    return replace(
        skipped,
        path=saved.path,
        size=saved.size,
        characters=saved.characters,
        sha256=saved.sha256.hex(),
        etag=saved.etag,
        last_modified=saved.last_modified,
    )
