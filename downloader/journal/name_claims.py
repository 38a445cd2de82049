"""Which address has which name: claims of names, asked for and noted by the batch."""

import sqlite3
from collections.abc import Iterable

from downloader.errors import BlockedError
from downloader.journal.database import insert_many
from downloader.models import Target
from downloader.web.filenames import (
    ClaimKeys,
    FileName,
    candidates,
    claim_keys,
    fold,
    name_from_list,
    parent_folders,
)

_TAKEN = "SELECT key FROM claims WHERE key IN (%s)"
_TAKERS = "SELECT DISTINCT owner, run FROM claims JOIN urls ON id = owner WHERE key IN (%s)"
#: So many keys are asked for by one query.
_LOOKUP = 10_000
#: Of so many folders it is remembered that they are taken as folders.
_MOST_FOLDERS = 10_000


class NameClaims:
    """The claims of an output folder's names; every address has a name that it alone has."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._folders: set[str] = set()
        self._usual: dict[str, tuple[FileName, ClaimKeys]] = {}
        self._taken: set[str] = set()
        self._fresh: list[tuple[str, int]] = []
        self._displaced: set[int] = set()

    def prepare(self, targets: Iterable[Target]) -> None:
        """Find out which of the usual names of *targets*, new addresses, are taken."""
        self._usual.clear()
        self._taken.clear()
        self._displaced.clear()
        wanted: set[str] = set()
        for target in targets:
            if target.name is None:
                name = next(candidates(target.url))
                claimed = claim_keys(name, self._folders)
                self._usual[target.url] = name, claimed
                wanted.update(claimed.conflicting)
        keys = list(wanted)
        for start in range(0, len(keys), _LOOKUP):
            some = keys[start : start + _LOOKUP]
            query = _TAKEN % ",".join("?" * len(some))
            self._taken.update(key for (key,) in self._db.execute(query, some))

    def take_usual(self, target: Target, owner: int) -> FileName | None:
        """Give *target*, one of those prepared, its usual name, if nobody has that."""
        name, claimed = self._usual.get(target.url, (None, None))
        if name is None or claimed is None or target.name is not None:
            return None
        if not self._taken.isdisjoint(claimed.conflicting):
            return None
        self._fresh += [(key, owner) for key in claimed.claimed if key not in self._taken]
        self._taken.update(claimed.claimed)
        if len(self._folders) > _MOST_FOLDERS:
            self._folders.clear()
        self._folders.update(parent_folders(fold(name.base)))
        return name

    def displaced(self, owner: int) -> bool:
        """Return whether an address lost its name since the last :meth:`prepare`."""
        return owner in self._displaced

    def write(self) -> None:
        """Note the names that were given; to be done before the transaction ends."""
        if self._fresh:
            insert_many(self._db, "INSERT OR IGNORE INTO claims VALUES", self._fresh)
            self._fresh.clear()

    def take_free(self, target: Target, owner: int, run: int, *, again: bool = False) -> FileName:
        """Give *target* the best name that nobody has, *again* when it had another before.

        Raises:
            BlockedError: the list gives it a name that is taken, or that is not safe.
        """
        self.write()
        name = self._free_name(target, run)
        if again:
            self._give_up([owner])
        own = claim_keys(name).claimed
        self._taken.update(own)
        self._fresh += [(key, owner) for key in own]
        self.write()
        return name

    def _free_name(self, target: Target, run: int) -> FileName:
        if target.name is not None:
            name = name_from_list(target.name)
            taken = self._takers(name)
            if any(last == run for _, last in taken):
                raise BlockedError(
                    f"another URL has the file name {target.name!r}", hint="give each its own name"
                )
            # Names that an earlier list gave give way to those that this one gives; their addresses
            # get others when they are seen again.
            owners = [owner for owner, _ in taken]
            self._displaced.update(owners)
            self._give_up(owners)
            self._db.executemany(
                "UPDATE urls SET base = '', state = 0 WHERE id = ?", [(owner,) for owner in owners]
            )
            return name
        for name in candidates(target.url):
            if not self._takers(name):
                return name
        raise BlockedError("every name for this URL is taken")

    def _takers(self, name: FileName) -> list[tuple[int, int]]:
        """Return who has taken what could ever be the same file: id, and the run that saw it."""
        wanted = claim_keys(name).conflicting
        query = _TAKERS % ",".join("?" * len(wanted))
        return self._db.execute(query, wanted).fetchall()

    def _give_up(self, owners: Iterable[int]) -> None:
        """Give up the names of files; folders stay taken, because other files are in them."""
        self._db.executemany(
            "DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) != '/'",
            [(owner,) for owner in owners],
        )
        self._usual.clear()  # what was found out may not hold any more
