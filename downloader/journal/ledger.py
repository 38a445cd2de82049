"""Admit each address and each name once, and note what became of it."""

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from downloader.charset import is_text
from downloader.errors import DiskError, ErrorKind, UrlError
from downloader.journal.database import Value, insert_many, open_in, open_temporary
from downloader.journal.files import CLOCK_SLACK, digest, grown, is_solid, regular
from downloader.journal.frontier import ROW, Frontier, queued, role_of
from downloader.journal.names import Names
from downloader.journal.records import (
    Admitted,
    Alias,
    Job,
    Parked,
    Place,
    Published,
    Role,
    Row,
    Saved,
    State,
    Stored,
    Todo,
    guessed_type,
    key_of,
)
from downloader.models import (
    CharsetSource,
    Downloaded,
    Failed,
    Options,
    Outcome,
    Skipped,
    SkipReason,
    Target,
    Unchanged,
)
from downloader.urls import Url

_KNOWN = f"SELECT address, {ROW} FROM urls WHERE address IN (%s)"  # noqa: S608 - ours
_CLAIMED = (
    "INSERT INTO urls (id, address, url, base, growth, state, run, admitted, origin, todo, role, "
    "parent, root, line, depth, nesting, hops) VALUES"
)
_DONE = """
UPDATE urls SET state = 1, path = v.path, saved = v.saved, wire = v.wire,
    characters = v.characters, sha256 = v.sha256, etag = v.etag, last_modified = v.last_modified,
    part_path = NULL, validator = NULL, part_url = NULL, total = NULL, attempts = v.attempts,
    kind = NULL, message = NULL, finished = v.finished, media_type = v.media_type,
    charset = v.charset, final_url = v.final_url, published = NULL, published_sha256 = NULL,
    withdrawn = 0, todo = v.todo
FROM (
    SELECT column1 id, column2 path, column3 saved, column4 wire, column5 characters,
        column6 sha256, column7 etag, column8 last_modified, column9 attempts, column10 finished,
        column11 media_type, column12 charset, column13 final_url, column14 todo
    FROM (VALUES"""
_DONE_REST = ")) v WHERE urls.id = v.id"
#: Of so many folders it is remembered that no link leads to them.
_MOST_FOLDERS = 1000
#: So many addresses are looked up by one query.
_LOOKUP = 256
#: So many documents are handed out at once to be read.
_READ_AT_ONCE = 32


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
        self._frontier = Frontier(self._db, self._run)
        self._mirrors = self._options.mirrors
        self._followed = 0
        self._claimed: list[tuple[Value, ...]] = []

    def admit(self, entries: Sequence[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry; claims of names are safe before it returns."""
        admitted: list[Admitted] = []
        with self._transaction():
            for start in range(0, len(entries), _LOOKUP):
                admitted += self._admit_batch(entries[start : start + _LOOKUP])
        return admitted

    def find(self, found: Sequence[Target]) -> list[Failed]:
        """Take in what pages refer to; what is new is queued, and what cannot be is returned."""
        failed: list[Failed] = []
        with self._transaction():
            while found:
                further: list[Target] = []
                for start in range(0, len(found), _LOOKUP):
                    merged = _merged(found[start : start + _LOOKUP])
                    failed += self._find_batch(merged, further)
                found = further
        return failed

    def work(self, most: int) -> tuple[list[Job | Failed], list[Stored]]:
        """Return up to *most* queued addresses that are to be fetched, and documents to read."""
        jobs: list[Job | Failed] = []
        with self._transaction():
            for target, row in self._frontier.to_fetch(most):
                admitted = self._admit_known(target, row)
                if not isinstance(admitted, Skipped):
                    jobs.append(admitted)
            return jobs, self._frontier.to_read(_READ_AT_ONCE)

    def documents(self, after: int, most: int) -> list[Stored]:
        """Return the texts that this run has seen, in the order of their rows, from a row on."""
        return self._frontier.documents(after, most)

    def arranged(self, after: int, most: int, roles: Sequence[Role]) -> list[Stored]:
        """Return what this run has seen of these roles, and what has been withdrawn."""
        return self._frontier.arranged(after, most, roles)

    def starts(self, roots: Collection[Url]) -> dict[Url, Url]:
        """Return where lines were found, after redirects, by their addresses."""
        return self._frontier.starts(roots)

    def stored(self, row: int) -> Stored:
        """Return what is there of a row."""
        return self._frontier.stored(row)

    def places(self, urls: Sequence[Url], *, withdrawn: bool = False) -> dict[Url, Place]:
        """Return the files of those addresses that are saved, wherever redirects have led.

        Those that were withdrawn are given only if that is asked for.
        """
        places: dict[Url, Place] = {}
        leads = {str(url): [url] for url in urls}
        for _ in range(self._options.max_redirects + 1):
            further: dict[str, list[Url]] = {}
            wanted = list(leads)
            for start in range(0, len(wanted), _LOOKUP):
                for url, row in self._frontier.known(wanted[start : start + _LOOKUP]):
                    file = row.file
                    if file is not None and file.withdrawn <= withdrawn and self._is_there(file):
                        places |= dict.fromkeys(leads[url], Place(row.id, file.path))
                    elif row.state == State.MOVED and row.final_url:
                        further.setdefault(row.final_url, []).extend(leads[url])
            leads = further
        return places

    def publish(self, notes: Sequence[Published]) -> None:
        """Note what files are to be, before they are."""
        with self._transaction():
            self._frontier.publish(notes)

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

    def record(self, notes: Iterable[tuple[Job, Outcome | Parked | Alias]]) -> None:
        """Note what became of jobs, all at once."""
        done: list[tuple[Value, ...]] = []
        with self._transaction():
            for job, note in notes:
                match note:
                    case Downloaded():
                        done.append(_done(job, note, mirrors=self._mirrors))
                    case Failed():
                        self._record_failed(job, note)
                    case Unchanged():
                        self._db.execute(
                            "UPDATE urls SET finished = ?, todo = ? WHERE id = ?",
                            (time.time(), self._todo(note.characters), job.row),
                        )
                    case Alias():
                        self._db.execute(
                            "UPDATE urls SET state = ?, final_url = ? WHERE id = ?",
                            (State.MOVED, note.to, job.row),
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

    def _find_batch(self, found: dict[bytes, Target], further: list[Target]) -> Iterator[Failed]:
        urls = {target.shown: key for key, target in found.items()}
        known = {urls[url]: row for url, row in self._frontier.known(list(urls))}
        self._names.prepare(target for key, target in found.items() if key not in known)
        for key, target in found.items():
            row = known.get(key)
            if (row is None or row.run != self._run) and not self._may_follow():
                continue
            if row is None:
                try:
                    self._admit_new(target, key, queued(target))
                except UrlError as error:
                    yield _refused(target, error)
            elif row.run == self._run:
                self._frontier.reach(row, target.depth, target.nesting, role_of(target))
            else:
                self._frontier.queue(target, row)
                again = self._options.force or self._options.refresh
                if not again and (to := self._frontier.follow(target, row)):
                    further.append(to)
        self._write_claimed()

    def _may_follow(self) -> bool:
        """Return whether one more address may be fetched because a page refers to it."""
        most = self._options.max_urls
        if most is None or self._followed < most:
            self._followed += 1
            return True
        if self._followed == most:
            self._followed += 1
            self.warnings.append(f"--max-urls {most} is reached: more is not fetched")
        return False

    def _todo(self, characters: int | None) -> Todo:
        """Return what is to be done with a file that is there."""
        return Todo.READ if self._mirrors and characters is not None else Todo.NOTHING

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
            listed = (target.origin, Todo.NOTHING, Role.LISTED, None, None, target.index, 0, 0, 0)
            return self._admit_new(target, address, listed)
        except UrlError as error:
            return _refused(target, error)

    def _admit_new(self, target: Target, address: bytes, place: tuple[Value, ...]) -> Job:
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
                time.time(),
                *place,
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
        if row.run == self._run and row.todo != Todo.FETCH:
            self._frontier.reach(row, 0, 0, Role.LISTED)
            return _repeated(target, row.origin)
        return self._admit_known(target, row)

    def _admit_known(self, target: Target, row: Row) -> Admitted:
        """Return what is left to do for an address that this run has not begun with."""
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
        # Of what a killed run did not note, a mirror needs to know where it was found.
        unknown = self._mirrors and row.file is None and is_text(guessed_type(saved.path))
        if unknown or self._options.force or self._promised_otherwise(target, saved):
            return Job(target, row.name, row.id, saved)
        if self._options.refresh:
            return Job(target, row.name, row.id, saved, conditional=True, parked=row.parked)
        todo = self._todo(saved.characters)
        if todo:
            self._db.execute("UPDATE urls SET todo = ? WHERE id = ?", (todo, row.id))
        return _skipped(target, SkipReason.DONE, f"already saved as {saved.path}")

    def _promised_otherwise(self, target: Target, saved: Saved) -> bool:
        """Return whether the list now promises another body than the one that is there."""
        promise = target.checksum
        if promise is None or self._root is None:
            return False
        if promise.algorithm == "sha256" and saved.sha256:
            return promise.digest != saved.sha256.hex()
        return promise.digest != digest(self._root / saved.original, promise.algorithm).hex()

    def _is_there(self, saved: Saved) -> bool:
        """Return whether the file is there as it was saved."""
        if self._root is None:
            return False
        if saved.withdrawn:
            kept = regular(f"{self._root}/{saved.original}")
            return kept is not None and kept.st_size == saved.size
        if saved.published is not None and regular(f"{self._root}/{saved.original}") is None:
            return False
        folder = saved.path.rpartition("/")[0]
        if folder not in self._solid:
            if len(self._solid) >= _MOST_FOLDERS:
                self._solid.clear()
            self._solid[folder] = is_solid(self._root, folder)
        found = regular(f"{self._root}/{saved.path}") if self._solid[folder] else None
        # A killed run may have noted what a file was to be, and not have replaced it.
        versions = [(saved.size, saved.sha256), *([saved.published] if saved.published else [])]
        if found is None or all(found.st_size != size for size, _ in versions):
            return False
        if not self._options.verify or not saved.sha256:
            return True
        return digest(self._root / saved.path, "sha256") in [sha256 for _, sha256 in versions]

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
        if target.parent:
            self._db.execute("UPDATE urls SET todo = 0 WHERE id = ?", (row.id,))
            return
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ?, todo = 0, role = 0, parent = NULL, root = NULL, "
            "line = ?, depth = 0, nesting = 0 WHERE id = ?",
            (self._run, target.origin, target.index, row.id),
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


def _done(job: Job, done: Downloaded, *, mirrors: bool) -> tuple[Value, ...]:
    read = mirrors and done.sizes.characters is not None
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
        Todo.READ if read else Todo.NOTHING,
    )


def _is_first(admitted: Admitted) -> bool:
    """Return whether later lines with the same address repeat this one."""
    if isinstance(admitted, Skipped):
        return admitted.reason is not SkipReason.DUPLICATE
    return isinstance(admitted, Job)


def _key(target: Target) -> bytes:
    return key_of(target.shown)


def _merged(found: Iterable[Target]) -> dict[bytes, Target]:
    """Return each address once, by its key, with the nearest way to it."""
    merged: dict[bytes, Target] = {}
    for item in found:
        key = _key(item)
        other = merged.setdefault(key, item)
        if other is not item:
            depth, nesting = min(item.depth, other.depth), min(item.nesting, other.nesting)
            merged[key] = replace(other, depth=depth, nesting=nesting)
    return merged


def _refused(target: Target, error: UrlError) -> Failed:
    return Failed(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        parent=target.parent,
        needed=target.needed,
    )


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
