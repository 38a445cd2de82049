"""Admit each address and each name once, and note what became of it."""

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from downloader.errors import BlockedError, DiskError, ErrorKind, UrlError
from downloader.journal.database import open_in, open_temporary
from downloader.journal.files import digest, grown, is_solid, regular
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
from downloader.paths import Name, candidates, claims, given

#: File systems keep time by a coarser clock, which may be behind ours by this many seconds.
_CLOCK_SLACK = 0.05
_KNOWN = """
SELECT address, id, run, origin, base, growth, state, admitted, path, saved, characters, sha256,
       etag, last_modified, part_path, validator, part_url, total
FROM urls WHERE address IN (%s)
"""
_TAKERS = "SELECT DISTINCT owner, run FROM claims JOIN urls ON id = owner WHERE key IN (%s)"
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
        with self._transaction():
            for job, note in notes:
                match note:
                    case Downloaded():
                        self._record_done(job, note)
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

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()

    def _record_done(self, job: Job, done: Downloaded) -> None:
        self._db.execute(
            "UPDATE urls SET state = ?, path = ?, saved = ?, wire = ?, characters = ?, "
            "sha256 = ?, etag = ?, last_modified = ?, part_path = NULL, validator = NULL, "
            "part_url = NULL, total = NULL, attempts = ?, kind = NULL, message = NULL, "
            "finished = ? WHERE id = ?",
            (
                State.DONE,
                done.path,
                done.sizes.saved,
                done.sizes.wire,
                done.sizes.characters,
                bytes.fromhex(done.sha256),
                done.etag,
                done.last_modified,
                done.attempts,
                done.started + done.seconds,
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
        before: dict[bytes, Target] = {}
        for key, entry in zip(keys, entries, strict=True):
            if isinstance(entry, Failed):
                yield entry
            elif key in before:
                yield _repeated(entry, before[key].origin)
            else:
                admitted = self._admit(entry, key, known.get(key))
                if _is_first(admitted):
                    before[key] = entry
                yield admitted

    def _admit(self, target: Target, address: bytes, row: Row | None) -> Admitted:
        try:
            if row is not None:
                return self._admit_again(target, row)
            name = self._free_name(target)
            cursor = self._db.execute(
                "INSERT INTO urls (address, url, base, growth, state, run, origin, admitted) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    address,
                    target.shown,
                    name.base,
                    name.growth.value,
                    State.CLAIMED,
                    self._run,
                    target.origin,
                    time.time(),
                ),
            )
            row_id = cursor.lastrowid or 0
            self._take(name, row_id)
            return Job(target, name, row_id)
        except UrlError as error:
            return Failed(
                index=target.index,
                origin=target.origin,
                url=target.shown,
                kind=error.kind,
                message=error.message,
                hint=error.hint,
            )

    def _admit_again(self, target: Target, row: Row) -> Admitted:
        """Return what is left to do for an address that was seen before."""
        if row.run == self._run:
            return _repeated(target, row.origin)
        renamed = not row.base or (target.name is not None and target.name != row.base)
        saved = None if renamed else row.file or self._orphan(row)
        if saved is None or not self._is_there(saved):
            name = self._rename(target, row.id) if renamed else row.name
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
        return _skipped(target, SkipReason.DONE, f"already saved as {saved.path}")

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
            if found.st_ctime < row.admitted - _CLOCK_SLACK:
                continue
            sha256 = digest(self._root / path, "sha256")
            self._db.execute(
                "UPDATE urls SET state = ?, path = ?, saved = ?, sha256 = ?, finished = ? "
                "WHERE id = ?",
                (State.DONE, path, found.st_size, sha256, found.st_ctime, row.id),
            )
            return Saved(path, found.st_size, sha256, "", "", None)
        return None

    def _free_name(self, target: Target) -> Name:
        """Return the name for *target* that nobody has.

        Raises:
            BlockedError: the list gives it a name that is taken, or that is not safe.
        """
        if target.name is not None:
            name = given(target.name)
            taken = self._takers(name)
            if any(run == self._run for _, run in taken):
                raise BlockedError(
                    f"another URL has the file name {target.name!r}", hint="give each its own name"
                )
            # Names that an earlier list gave give way to those that this one gives; their addresses
            # get others when they are seen again.
            owners = [(owner,) for owner, _ in taken]
            self._db.executemany("DELETE FROM claims WHERE owner = ?", owners)
            self._db.executemany("UPDATE urls SET base = '', state = 0 WHERE id = ?", owners)
            return name
        for name in candidates(target.url):
            if not self._takers(name):
                return name
        raise BlockedError("every name for this URL is taken")

    def _takers(self, name: Name) -> list[tuple[int, int]]:
        """Return who has taken what could ever be the same file: id, and the run that saw it."""
        wanted = claims(name).against
        query = _TAKERS % ",".join("?" * len(wanted))
        return self._db.execute(query, wanted).fetchall()

    def _take(self, name: Name, owner: int) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO claims VALUES (?, ?)", [(key, owner) for key in claims(name).own]
        )

    def _see(self, target: Target, row: Row) -> None:
        """Note that this run has seen an address."""
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ? WHERE id = ?", (self._run, target.origin, row.id)
        )

    def _rename(self, target: Target, owner: int) -> Name:
        """Give an address the name that the list gives it now."""
        name = self._free_name(target)
        self._db.execute("DELETE FROM claims WHERE owner = ?", (owner,))
        self._take(name, owner)
        return name

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


def _skipped(target: Target, reason: SkipReason, detail: str) -> Skipped:
    return Skipped(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        reason=reason,
        detail=detail,
    )
