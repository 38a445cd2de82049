"""File names and the URLs that have claimed them, looked up and written in batches."""

import sqlite3
from collections.abc import Iterable

from downloader.errors import BlockedError
from downloader.journal.database import insert_many
from downloader.journal.naming import Naming
from downloader.models import Target
from downloader.web.filenames import (
    ClaimKeys,
    ExtensionRule,
    FileName,
    claim_keys,
    fold,
    parent_folders,
)
from downloader.web.url_names import preferred_name

_CLAIMED_KEYS = "SELECT key FROM claims WHERE key IN (%s)"
#: The owners of keys, with the last runs of URLs; a page of this program has none.
_OWNERS = "SELECT DISTINCT owner, run FROM claims LEFT JOIN urls ON id = owner WHERE key IN (%s)"
MAX_KEYS_PER_QUERY = 10_000
#: Folders that are remembered as claimed, so that their keys are not looked up again.
MAX_KNOWN_FOLDERS = 10_000
#: The name of a body that is not saved.
_UNSAVED = FileName("unsaved", ExtensionRule.NEVER)


class NameClaims:
    """The claimed names of an output folder; every URL has a name that it alone has.

    An owner is the id of a URL's row.

    Args:
        db: the journal's database.
        naming: says which names a target may have.
        saves: whether files are saved. If not, only names that the list gives are claimed.
    """

    def __init__(self, db: sqlite3.Connection, naming: Naming, *, saves: bool = True) -> None:
        self._db = db
        self._naming = naming
        self._names_by_url = naming.is_default
        self._saves = saves
        self._known_folders: set[str] = set()
        #: By URL, or by request and URL; None for a line without a name.
        self._preferred: dict[str, tuple[FileName, ClaimKeys] | None] = {}
        self._claimed_keys: set[str] = set()
        self._unwritten: list[tuple[str, int]] = []
        self._displaced: set[int] = set()

    def prefetch(self, targets: Iterable[Target]) -> None:
        """Look up whether the preferred names of *targets*, which are new, are claimed."""
        self._preferred.clear()
        self._claimed_keys.clear()
        self._displaced.clear()
        if not self._saves:
            return
        wanted: set[str] = set()
        for target in targets:
            if target.name is None:
                # Called for every line: the names of URLs are made without a detour.
                key: str = target.url if target.request is None else target.identity
                name: FileName | None
                if not self._names_by_url:
                    # Lines of one URL may have different columns: the first one names it.
                    if key in self._preferred:
                        continue
                    name = self._naming.preferred(target)
                elif target.request is None:
                    name = preferred_name(target.url)
                else:
                    name = preferred_name(target.url, target.request.identity)
                if name is None:
                    self._preferred[key] = None
                    continue
                keys = claim_keys(name, self._known_folders)
                self._preferred[key] = name, keys
                wanted.update(keys.conflicting)
        all_keys = list(wanted)
        for start in range(0, len(all_keys), MAX_KEYS_PER_QUERY):
            batch = all_keys[start : start + MAX_KEYS_PER_QUERY]
            query = _CLAIMED_KEYS % ",".join("?" * len(batch))
            self._claimed_keys.update(key for (key,) in self._db.execute(query, batch))

    def claim_preferred(self, target: Target, owner: int) -> FileName | None:
        """Claim the preferred name of *target*, which was prefetched; None if it is claimed."""
        if not self._saves:
            return _UNSAVED if target.name is None else None
        key = target.url if target.request is None else target.identity
        preferred = self._preferred.get(key)
        if preferred is None or target.name is not None:
            return None
        name, keys = preferred
        if not self._claimed_keys.isdisjoint(keys.conflicting):
            return None
        self._unwritten += [(key, owner) for key in keys.claimed if key not in self._claimed_keys]
        self._claimed_keys.update(keys.claimed)
        if keys.folder not in self._known_folders:
            if len(self._known_folders) > MAX_KNOWN_FOLDERS:
                self._known_folders.clear()
            self._known_folders.update(parent_folders(fold(name.base)))
        return name

    def was_displaced(self, owner: int) -> bool:
        """Return whether a URL lost its name to another since the last :meth:`prefetch`."""
        return owner in self._displaced

    def write(self) -> None:
        """Write new claims to the database; called before the transaction ends."""
        if self._unwritten:
            insert_many(self._db, "INSERT OR IGNORE INTO claims VALUES", self._unwritten)
            self._unwritten.clear()

    def claim_available(
        self, target: Target, owner: int, run: int, *, renames: bool = False
    ) -> FileName:
        """Claim the best available name for *target*.

        With *renames* the owner gives up its present name.

        Raises:
            BlockedError: the list gives it a name that leads out, or a template gives it none.
        """
        self.write()
        name = self._available_name(target, owner, run)
        self._claim(name, owner, renames=renames)
        return name

    def claim_first(self, names: Iterable[FileName], owner: int) -> FileName | None:
        """Claim the first of *names* that no other owner has, instead of the owner's present name.

        Returns None if there is none.
        """
        self.write()
        for name in names:
            if not self._other_owners(name, owner):
                self._claim(name, owner, renames=True)
                return name
        return None

    def _claim(self, name: FileName, owner: int, *, renames: bool) -> None:
        if renames:
            self._release([owner])
        claimed = claim_keys(name).claimed
        self._claimed_keys.update(claimed)
        self._unwritten += [(key, owner) for key in claimed]
        self.write()

    def _available_name(self, target: Target, owner: int, run: int) -> FileName:
        names = self._naming.candidates(target)
        if target.name is not None:
            return self._name_from_list(names, run)
        for name in names:
            if not self._other_owners(name, owner):
                return name
        raise BlockedError("every name for this URL is taken")

    def _name_from_list(self, names: Iterable[FileName], run: int) -> FileName:
        """Return the name that the list gives, taken from URLs of earlier runs that had it.

        A URL of this run keeps its name; the next of *names* is tried then.
        """
        for name in names:
            owners = self._owners(name)
            if not any(last_run in (run, None) for _, last_run in owners):
                break
        else:
            raise BlockedError("every name for this URL is taken")
        # Their URLs get other names when they are admitted again.
        displaced = [owner for owner, _ in owners]
        self._displaced.update(displaced)
        self._release(displaced)
        self._db.executemany(
            "UPDATE urls SET base = '', state = 0 WHERE id = ?", [(owner,) for owner in displaced]
        )
        return name

    def _other_owners(self, name: FileName, owner: int) -> list[int]:
        return [other for other, _ in self._owners(name) if other != owner]

    def _owners(self, name: FileName) -> list[tuple[int, int | None]]:
        """Return the owners of names that could be the same file, with their last runs."""
        keys = claim_keys(name).conflicting
        query = _OWNERS % ",".join("?" * len(keys))
        return self._db.execute(query, keys).fetchall()

    def _release(self, owners: Iterable[int]) -> None:
        """Release the names of files; folders stay claimed, because other files are in them."""
        self._db.executemany(
            "DELETE FROM claims WHERE owner = ? AND substr(key, 1, 1) != '/'",
            [(owner,) for owner in owners],
        )
        self._preferred.clear()  # what was looked up may no longer be true
