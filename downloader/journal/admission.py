"""Admits each address once, with the name that it alone has."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from downloader.errors import UrlError
from downloader.journal.database import Value, insert_many
from downloader.journal.frontier import ROW, Frontier, queued, role_of
from downloader.journal.immediate_outcomes import refused, repeated, skipped
from downloader.journal.name_claims import NameClaims
from downloader.journal.outcome_writer import todo_of
from downloader.journal.rows import (
    Admitted,
    Job,
    JournalRow,
    PendingWork,
    RowState,
    SavedFile,
    TargetRole,
    key_of,
)
from downloader.journal.verification import SavedFileVerifier
from downloader.models import Failed, Options, Skipped, SkipReason, Target
from downloader.web.filenames import stays_within
from downloader.web.media_types import guess_media_type, is_text

_KNOWN = f"SELECT address, {ROW} FROM urls WHERE address IN (%s)"  # noqa: S608 - ours
_CLAIMED = (
    "INSERT INTO urls (id, address, url, base, growth, state, run, admitted, origin, todo, role, "
    "parent, root, line, depth, nesting, hops) VALUES"
)
#: So many addresses are looked up by one query.
LOOKUP = 256


class Admission:
    """Decides what is left to do for addresses, inside a transaction of the journal.

    Args:
        db: the journal's database.
        run: which run this is.
        options: how it is made.
        frontier: the queue of what pages led to.
        evidence: says which files are there.

    Attributes:
        warnings: lines for a person.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        run: int,
        options: Options,
        frontier: Frontier,
        evidence: SavedFileVerifier,
    ) -> None:
        self.warnings: list[str] = []
        self._db = db
        self._run = run
        self._options = options
        self._frontier = frontier
        self._evidence = evidence
        self._names = NameClaims(db)
        (self._last_row,) = db.execute("SELECT coalesce(max(id), 0) FROM urls").fetchone()
        self._followed = 0
        self._claimed: list[tuple[Value, ...]] = []

    def admit(self, entries: Sequence[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry."""
        admitted: list[Admitted] = []
        for start in range(0, len(entries), LOOKUP):
            admitted += self._admit_batch(entries[start : start + LOOKUP])
        return admitted

    def find(self, found: Sequence[Target]) -> list[Failed]:
        """Take in what pages refer to; what is new is queued, and what cannot be is returned."""
        failed: list[Failed] = []
        while found:
            further: list[Target] = []
            for start in range(0, len(found), LOOKUP):
                merged = _merged(found[start : start + LOOKUP])
                failed += self._find_batch(merged, further)
            found = further
        return failed

    def queued(self, most: int) -> list[Job | Failed]:
        """Return up to *most* queued addresses that are to be fetched; none if there are none."""
        jobs: list[Job | Failed] = []
        while not jobs and (queued := self._frontier.to_fetch(most)):
            for target, row in queued:
                admitted = self._admit_known(target, row)
                if not isinstance(admitted, Skipped):
                    jobs.append(admitted)
        return jobs

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
                    yield refused(target, error)
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

    def _admit_batch(self, entries: Sequence[Target | Failed]) -> Iterator[Admitted]:
        keys = [b"" if isinstance(entry, Failed) else _key(entry) for entry in entries]
        wanted = list(filter(None, keys))
        query = _KNOWN % ",".join("?" * len(wanted))
        known = {row[0]: JournalRow(*row[1:]) for row in self._db.execute(query, wanted)}
        self._evidence.expect(known.values())
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
                yield repeated(entry, before[key].origin)
            else:
                row = known.get(key)
                if row is not None and self._names.displaced(row.id):
                    row = replace(row, base="", state=RowState.CLAIMED)
                admitted = self._admit(entry, key, row)
                if _is_first(admitted):
                    before[key] = entry
                yield admitted
        self._write_claimed()

    def _admit(self, target: Target, address: bytes, row: JournalRow | None) -> Admitted:
        try:
            if row is not None:
                self._write_claimed()
                return self._admit_again(target, row)
            listed = (
                target.origin,
                PendingWork.NOTHING,
                TargetRole.LISTED,
                None,
                None,
                target.index,
                0,
                0,
                0,
            )
            return self._admit_new(target, address, listed)
        except UrlError as error:
            return refused(target, error)

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
                name.extension_rule.value,
                RowState.CLAIMED,
                self._run,
                time.time(),
                *place,
            )
        )
        return Job(target, name, row, free=self._evidence.is_free(name))

    def _write_claimed(self) -> None:
        """Note the addresses that are new, and their names."""
        claimed, self._claimed = self._claimed, []
        insert_many(self._db, _CLAIMED, claimed)
        self._names.write()

    def _admit_again(self, target: Target, row: JournalRow) -> Admitted:
        """Return what is left to do for an address that was seen before."""
        if row.run == self._run and row.todo != PendingWork.FETCH:
            self._frontier.reach(row, 0, 0, TargetRole.LISTED)
            return repeated(target, row.origin)
        return self._admit_known(target, row)

    def _admit_known(self, target: Target, row: JournalRow) -> Admitted:
        """Return what is left to do for an address that this run has not begun with."""
        if not all(map(stays_within, filter(None, (row.base, row.path, row.part_path)))):
            # Who made the journal, here or in a store, may be anybody.
            row = replace(row, base="", path=None, part_path=None, state=RowState.CLAIMED)
        renamed = not row.base or (target.name is not None and target.name != row.base)
        saved = None if renamed else row.file or self._adopted(row)
        if saved is None or not self._evidence.is_there(saved):
            name = row.name
            if renamed:
                name = self._names.take_free(target, row.id, self._run, again=True)
            self._see(target, row)
            left_since = self._left_since(row)
            admitted = time.time() if left_since is None else left_since
            self._db.execute(
                "UPDATE urls SET state = ?, admitted = ?, base = ?, growth = ? WHERE id = ?",
                (RowState.CLAIMED, admitted, name.base, name.extension_rule.value, row.id),
            )
            parked = None if renamed or self._options.force else row.parked
            ours = saved if saved is not None and self._evidence.is_ours(saved) else None
            free = self._evidence.is_free(name)
            return Job(target, name, row.id, ours, parked=parked, left_since=left_since, free=free)
        self._see(target, row)
        # Of what a killed run did not note, a mirror needs to know where it was found.
        unknown = (
            self._options.mirrors and row.file is None and is_text(guess_media_type(saved.path))
        )
        if unknown or self._options.force or self._evidence.promised_otherwise(target, saved):
            return Job(target, row.name, row.id, saved)
        if self._options.refresh:
            return Job(target, row.name, row.id, saved, conditional=True, parked=row.parked)
        todo = todo_of(saved.characters, mirrors=self._options.mirrors)
        if todo:
            self._db.execute("UPDATE urls SET todo = ? WHERE id = ?", (todo, row.id))
        how = "as" if saved.packed_at is None else "in"
        return skipped(target, SkipReason.DONE, f"already saved {how} {saved.path}", saved)

    def _left_since(self, row: JournalRow) -> float | None:
        """Return since when a killed run may have packed an address after its last note."""
        packs = self._options.pack is not None and not self._options.force
        return row.admitted if packs and row.state == RowState.CLAIMED else None

    def _adopted(self, row: JournalRow) -> SavedFile | None:
        """Return the file that a killed run saved after its last note, and note it now."""
        orphan = self._evidence.orphan(row)
        if orphan is None:
            return None
        saved, when = orphan
        self._db.execute(
            "UPDATE urls SET state = ?, path = ?, saved = ?, sha256 = ?, finished = ?, "
            "packed_at = NULL WHERE id = ?",
            (RowState.DONE, saved.path, saved.size, saved.sha256, when, row.id),
        )
        return saved

    def _see(self, target: Target, row: JournalRow) -> None:
        """Note that this run has seen an address."""
        if target.parent:
            self._db.execute("UPDATE urls SET todo = 0 WHERE id = ?", (row.id,))
            return
        self._db.execute(
            "UPDATE urls SET run = ?, origin = ?, todo = 0, role = 0, parent = NULL, root = NULL, "
            "line = ?, depth = 0, nesting = 0 WHERE id = ?",
            (self._run, target.origin, target.index, row.id),
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
