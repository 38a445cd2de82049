"""What is done, partial and failed: the memory of an output folder.

One SQLite file below the folder holds, for every address that was ever seen, the name that it
alone has and what became of it; so a second run knows what is left to do. It is written in
batches, off the event loop, in WAL mode, and held exclusively, so that a second run on the same
folder is refused. A killed run loses no more than the last fraction of a second of it; what was
saved in that fraction is known by the file itself, because a name in the folder means a whole file.
"""

import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from downloader.errors import BlockedError, DiskError, OutputError, UrlError
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
from downloader.paths import PART, Growth, Name, SafePath, candidates, claims, given
from downloader.resume import Partial

#: The folder of this program's own files; no saved name begins with a dot.
FOLDER = ".download"
_FILE = "journal.sqlite3"
_VERSION = 1
_CACHE_KIB = 8 * 1024
#: File systems keep time by a coarser clock, which may be behind ours by this many seconds.
_CLOCK_SLACK = 0.05
_SCHEMA = """
CREATE TABLE IF NOT EXISTS urls (
    address BLOB PRIMARY KEY,       -- of the address without password: BLAKE2b, 16 bytes
    url TEXT NOT NULL,              -- the address itself, without password
    base TEXT NOT NULL,             -- its name before the content type is known
    growth TEXT NOT NULL,           -- which extension the content type may add
    state INTEGER NOT NULL,         -- 0 claimed, 1 done, 2 failed
    run INTEGER NOT NULL,           -- the last run that admitted it
    origin TEXT NOT NULL,           -- where that run read it
    admitted REAL NOT NULL,         -- when, in seconds since the epoch
    path TEXT,                      -- its file
    saved INTEGER,                  -- bytes of that
    wire INTEGER,                   -- bytes received for it
    characters INTEGER,             -- of text
    sha256 BLOB,
    etag TEXT,
    last_modified TEXT,
    validator TEXT,                 -- of a partial file: what If-Range may say
    part_url TEXT,                  -- of a partial file: where it came from
    total INTEGER,                  -- of a partial file: bytes of the whole
    attempts INTEGER,
    kind TEXT,                      -- of a failure
    message TEXT,                   -- of a failure
    finished REAL                   -- when, in seconds since the epoch
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, started REAL NOT NULL);
"""
_KNOWN = """
SELECT run, origin, base, growth, state, admitted, path, saved, characters, sha256, etag,
       last_modified, validator, part_url, total
FROM urls WHERE address = ?
"""


class State(IntEnum):
    """How far an address has come."""

    CLAIMED = 0
    DONE = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that an earlier run saved whole.

    Attributes:
        path: relative to the output folder.
        size: in bytes.
        sha256: of those bytes; empty if not known.
        etag, last_modified: the validators, as sent; empty if none.
        characters: for text, how many.
    """

    path: SafePath
    size: int
    sha256: bytes
    etag: str
    last_modified: str
    characters: int | None


@dataclass(frozen=True, slots=True)
class Parked:
    """The beginning of a body that an earlier attempt left in a ``.part`` file.

    Attributes:
        path: the file it is to become.
        partial: what is known of the body.
    """

    path: SafePath
    partial: Partial


@dataclass(frozen=True, slots=True)
class Job:
    """A target that is to be fetched, and the name that it alone has.

    Attributes:
        target: what to fetch.
        name: the name of its file, before the content type is known.
        address: its key in the journal.
        saved: what an earlier run saved for it.
        conditional: whether that is to be kept unless it has changed.
        parked: what an earlier run began.
    """

    target: Target
    name: Name
    address: bytes
    saved: Saved | None = None
    conditional: bool = False
    parked: Parked | None = None


Admitted = Job | Skipped | Failed


@dataclass(frozen=True, slots=True)
class _Row:
    """What the journal knows of an address."""

    run: int
    origin: str
    base: str
    growth: str
    state: int
    admitted: float
    path: str | None
    saved: int | None
    characters: int | None
    sha256: bytes | None
    etag: str | None
    last_modified: str | None
    validator: str | None
    part_url: str | None
    total: int | None

    @property
    def name(self) -> Name:
        return Name(self.base, Growth(self.growth))

    @property
    def file(self) -> Saved | None:
        if self.state != State.DONE or self.path is None or self.saved is None:
            return None
        return Saved(
            SafePath(self.path),
            self.saved,
            self.sha256 or b"",
            self.etag or "",
            self.last_modified or "",
            self.characters,
        )

    @property
    def parked(self) -> Parked | None:
        if self.path is None or not self.validator or self.part_url is None:
            return None
        return Parked(SafePath(self.path), Partial(self.part_url, self.validator, self.total))


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
        self._db = _temporary() if root is None else self._open(root)
        with self._transaction():
            cursor = self._db.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
        self._run = cursor.lastrowid or 0

    def admit(self, entries: Iterable[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry; claims of names are safe before it returns."""
        with self._transaction():
            return [entry if isinstance(entry, Failed) else self._admit(entry) for entry in entries]

    def park(self, job: Job, parked: Parked) -> None:
        """Note that a ``.part`` file is being written which a later attempt may continue."""
        self._db.execute(
            "UPDATE urls SET path = ?, validator = ?, part_url = ?, total = ? WHERE address = ?",
            (
                parked.path,
                parked.partial.validator,
                parked.partial.url,
                parked.partial.total,
                job.address,
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
                            "UPDATE urls SET finished = ? WHERE address = ?",
                            (time.time(), job.address),
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
            "sha256 = ?, etag = ?, last_modified = ?, validator = NULL, part_url = NULL, "
            "total = NULL, attempts = ?, kind = NULL, message = NULL, finished = ? "
            "WHERE address = ?",
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
                job.address,
            ),
        )

    def _record_failed(self, job: Job, failed: Failed) -> None:
        # What an earlier run saved whole is still there, so it stays done.
        self._db.execute(
            "UPDATE urls SET state = CASE state WHEN ? THEN state ELSE ? END, attempts = ?, "
            "kind = ?, message = ?, finished = ? WHERE address = ?",
            (
                State.DONE,
                State.FAILED,
                failed.attempts,
                failed.kind,
                failed.message,
                time.time(),
                job.address,
            ),
        )

    def _admit(self, target: Target) -> Admitted:
        shown = target.shown
        address = hashlib.blake2b(shown.encode(), digest_size=16).digest()
        found = self._db.execute(_KNOWN, (address,)).fetchone()
        try:
            if found is None:
                name = self._claim(target)
                self._db.execute(
                    "INSERT INTO urls (address, url, base, growth, state, run, origin, admitted) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        address,
                        shown,
                        name.base,
                        name.growth.value,
                        State.CLAIMED,
                        self._run,
                        target.origin,
                        time.time(),
                    ),
                )
                return Job(target, name, address)
            return self._admit_again(target, shown, address, _Row(*found))
        except UrlError as error:
            return Failed(
                index=target.index,
                origin=target.origin,
                url=shown,
                kind=error.kind,
                message=error.message,
                hint=error.hint,
            )

    def _admit_again(self, target: Target, shown: str, address: bytes, row: _Row) -> Admitted:
        """Return what is left to do for an address that was seen before."""
        if row.run == self._run:
            return self._skipped(
                target, shown, SkipReason.DUPLICATE, f"{target.origin} repeats {row.origin}"
            )
        renamed = target.name is not None and target.name != row.base
        name = self._claim(target) if renamed else row.name
        saved = None if renamed else row.file or self._orphan(row, address)
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ?, base = ?, growth = ? WHERE address = ?",
            (self._run, target.origin, name.base, name.growth.value, address),
        )
        if saved is None or not self._is_there(saved):
            self._db.execute(
                "UPDATE urls SET state = ?, admitted = ? WHERE address = ?",
                (State.CLAIMED, time.time(), address),
            )
            parked = None if renamed or self._options.force else row.parked
            return Job(target, name, address, parked=parked)
        if self._options.force or self._promised_otherwise(target, saved):
            return Job(target, name, address, saved)
        if self._options.refresh:
            return Job(target, name, address, saved, conditional=True)
        return self._skipped(target, shown, SkipReason.DONE, f"already saved as {saved.path}")

    def _skipped(self, target: Target, shown: str, reason: SkipReason, detail: str) -> Skipped:
        return Skipped(
            index=target.index, origin=target.origin, url=shown, reason=reason, detail=detail
        )

    def _promised_otherwise(self, target: Target, saved: Saved) -> bool:
        """Return whether the list now promises another body than the one that is there."""
        promise = target.checksum
        if promise is None or self._root is None:
            return False
        if promise.algorithm == "sha256" and saved.sha256:
            return promise.digest != saved.sha256.hex()
        return promise.digest != _digest(self._root / saved.path, promise.algorithm).hex()

    def _is_there(self, saved: Saved) -> bool:
        """Return whether the file is there as it was saved."""
        if self._root is None:
            return False
        found = _regular(f"{self._root}/{saved.path}")
        if found is None or found.st_size != saved.size:
            return False
        if not self._options.verify or not saved.sha256:
            return True
        return _digest(self._root / saved.path, "sha256") == saved.sha256

    def _orphan(self, row: _Row, address: bytes) -> Saved | None:
        """Return the file that a killed run saved after its last note, and note it now.

        It is known by having come to be after its name was claimed: what was there before is not
        ours.
        """
        if row.state != State.CLAIMED or self._root is None:
            return None
        folder, _, leaf = row.base.rpartition("/")
        names: list[str] = []
        with suppress(OSError):
            names = [entry.name for entry in (self._root / folder).iterdir()]
        for found_name in names:
            if not found_name.startswith(leaf) or found_name.endswith(PART):
                continue
            path = SafePath(f"{folder}/{found_name}" if folder else found_name)
            found = _regular(f"{self._root}/{path}")
            if row.name.may_become(path) and found is not None:
                if found.st_ctime < row.admitted - _CLOCK_SLACK:
                    continue
                digest = _digest(self._root / path, "sha256")
                self._db.execute(
                    "UPDATE urls SET state = ?, path = ?, saved = ?, sha256 = ?, finished = ? "
                    "WHERE address = ?",
                    (State.DONE, path, found.st_size, digest, found.st_ctime, address),
                )
                return Saved(path, found.st_size, digest, "", "", None)
        return None

    def _claim(self, target: Target) -> Name:
        if target.name is not None:
            name = given(target.name)
            if self._take(name):
                return name
            raise BlockedError(
                f"another URL has the file name {target.name!r}", hint="give each its own name"
            )
        for name in candidates(target.url):
            if self._take(name):
                return name
        raise BlockedError("every name for this URL is taken")

    def _take(self, name: Name) -> bool:
        """Take *name* if nothing that was taken could ever be the same file."""
        wanted = claims(name)
        marks = ",".join("?" * len(wanted.against))
        taken = self._db.execute(
            f"SELECT 1 FROM claims WHERE key IN ({marks}) LIMIT 1",  # noqa: S608 - only marks
            wanted.against,
        ).fetchone()
        if taken:
            return False
        self._db.executemany(
            "INSERT OR IGNORE INTO claims VALUES (?)", [(key,) for key in wanted.own]
        )
        return True

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

    def _open(self, root: Path) -> sqlite3.Connection:
        """Open the journal below *root*; one that is broken is set aside, not deleted."""
        folder = root / FOLDER
        file = folder / _FILE
        try:
            folder.mkdir(exist_ok=True)
            if folder.is_symlink() or file.is_symlink():
                raise OutputError(f"{folder} is, or holds, a symbolic link", hint="remove it")
            try:
                return _connect(file)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                aside = _set_aside(file)
                self.warnings.append(
                    f"the journal {file} was broken and is now {aside.name}; "
                    "what is there is fetched again and compared"
                )
                return _connect(file)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise OutputError(
                    f"another run is using the folder {root}",
                    hint="wait for it, or choose another --output",
                ) from error
            raise OutputError(f"cannot use the journal {file}: {error}") from error
        except OSError as error:
            raise OutputError(f"cannot use the journal {file}: {error.strerror}") from error


def _connect(file: Path) -> sqlite3.Connection:
    """Open or make a journal, held exclusively and found sound.

    Raises:
        sqlite3.OperationalError: another process holds it.
        sqlite3.DatabaseError: it is broken.
    """
    db = sqlite3.connect(file, timeout=0, check_same_thread=False, isolation_level=None)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; only a power failure might.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute("BEGIN EXCLUSIVE")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (sound,) = db.execute("PRAGMA quick_check(1)").fetchone()
        db.execute("COMMIT")
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)
        if version > _VERSION:
            raise OutputError(
                f"{file} was written by a newer version of this program",
                hint="update it, or choose another --output",
            )
        db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
    except BaseException:
        db.close()
        raise
    return db


def _temporary() -> sqlite3.Connection:
    db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.executescript(_SCHEMA)
    return db


def _set_aside(file: Path) -> Path:
    """Rename a broken journal and what belongs to it; return its new name."""
    number = 1
    while (aside := file.with_name(f"{file.name}.broken-{number}")).exists():
        number += 1
    file.rename(aside)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def _regular(path: str) -> os.stat_result | None:
    """Return what is known of a regular file, or None if there is none; links are not followed."""
    try:
        # On the way of every line of a second run: a Path would cost more than the call.
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _digest(file: Path, algorithm: str) -> bytes:
    """Return the hash of a file; of one that cannot be read, nothing."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, algorithm).digest()
    except OSError:
        return b""
