"""What is there of what was saved: files of a folder, or objects of a store."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from downloader.journal.object_listing import ObjectListing
from downloader.journal.saved_files import CLOCK_SLACK, digest, grown, is_solid, regular
from downloader.object_store.protocol import ObjectStore, StoredObject
from downloader.web.filenames import FileName, SafePath

#: Of so many folders it is remembered that no link leads to them.
_MOST_FOLDERS = 1000
#: Stores tell whole seconds.
_STORE_SLACK = 1.0
#: So many folders are listed at once.
_AT_ONCE = 16
#: For fewer a thread is not worth it.
_WORTH_THREADS = 2


@dataclass(frozen=True, slots=True)
class CandidateFile:
    """Something that an address may have become.

    Attributes:
        path: its name.
        size: in bytes.
        since: when it came to be at the latest, in seconds since the epoch.
    """

    path: SafePath
    size: int
    since: float


class Inventory(Protocol):
    """What is there below an output folder, or a prefix."""

    def expect(self, paths: Iterable[SafePath]) -> None:
        """Make ready for questions about these names."""

    def size(self, path: SafePath) -> int | None:
        """Return how many bytes are there of that name; None if it is not there."""

    def volume(self, path: SafePath) -> int | None:
        """Return how many bytes of the volume of a pack are there; None if none are."""

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the hash of what is there; of what cannot be read, nothing."""

    def grown(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield what *name* may have become."""

    def is_free(self, name: FileName) -> bool:
        """Return whether it is known that nothing is there that *name* may become."""

    def close(self) -> None:
        """Answer no more questions."""


class FolderInventory:
    """The files of a folder; symbolic links are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._solid: dict[str, bool] = {}

    def expect(self, paths: Iterable[SafePath]) -> None:
        """Do nothing: to ask for one file at a time is quick."""

    def size(self, path: SafePath) -> int | None:
        """Return how long a regular file is; None if there is none."""
        folder = path.rpartition("/")[0]
        if folder not in self._solid:
            if len(self._solid) >= _MOST_FOLDERS:
                self._solid.clear()
            self._solid[folder] = is_solid(self._root, folder)
        found = regular(f"{self._root}/{path}") if self._solid[folder] else None
        return None if found is None else found.st_size

    def volume(self, path: SafePath) -> int | None:
        """Return how long a regular file is; None if there is none."""
        return self.size(path)

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the hash of a file; of one that cannot be read, nothing."""
        return digest(self._root / path, algorithm)

    def grown(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield the files that *name* may have become."""
        for path, found in grown(self._root, name):
            yield CandidateFile(path, found.st_size, found.st_ctime + CLOCK_SLACK)

    def is_free(self, name: FileName) -> bool:
        """Return False: who saves looks again anyway, and nothing is known before."""
        return False

    def close(self) -> None:
        """Do nothing: nothing is held."""


class StoreInventory:
    """The objects below a prefix, listed folder by folder when the first of each is asked for.

    What was put there since then is not seen: the journal knows what this run has put there.

    Args:
        bucket: the prefix.
        work: the work folder, where volumes wait to be sent.

    Raises, when made:
        StoreError: the store refuses.
    """

    def __init__(self, bucket: ObjectStore, work: Path) -> None:
        self._bucket = bucket
        self._waiting = FolderInventory(work)
        self._volumes: dict[SafePath, int | None] = {}
        self._empty = bucket.is_empty()
        self._listing = ObjectListing()
        self._listed: set[str] = set()

    def expect(self, paths: Iterable[SafePath]) -> None:
        """List the folders of these names, several at once: each is a request, or many."""
        wanted = [] if self._empty else sorted({_top(path) for path in paths} - self._listed)
        if len(wanted) < _WORTH_THREADS:
            return
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="listing") as threads:
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                for folder, found in zip(some, threads.map(self._below, some), strict=True):
                    self._listing.add(found)
                    self._listed.add(folder)

    def size(self, path: SafePath) -> int | None:
        """Return how large an object is; None if there is none."""
        self._list(path)
        return self._listing.size(path)

    def volume(self, path: SafePath) -> int | None:
        """Return how large a volume is, which may still be on its way; None if there is none."""
        if path not in self._volumes:
            # Here first: it is only removed here when it is there.
            size = self._waiting.size(path)
            if size is not None:
                return size
            found = self._bucket.info(path)
            self._volumes[path] = None if found is None else found.size
        return self._volumes[path]

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the hash of an object; of one that is not there, nothing."""
        return self._bucket.digest(path, algorithm)

    def grown(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield the objects that *name* may have become."""
        self._list(name.base)
        for path, size, modified in self._listing.beginning(name.base):
            if name.may_become(path):
                yield CandidateFile(path, size, modified + _STORE_SLACK)

    def is_free(self, name: FileName) -> bool:
        """Return whether it is known that no object is there that *name* may become."""
        listed = self._empty or _top(name.base) in self._listed
        return listed and not any(self.grown(name))

    def close(self) -> None:
        """Forget what is there."""
        self._listing.close()

    def _list(self, path: str) -> None:
        """Have the first folder of *path* listed; to ask for each object would take far longer."""
        folder = _top(path)
        if self._empty or folder in self._listed:
            return
        self._listing.add(self._below(folder))
        self._listed.add(folder)

    def _below(self, folder: str) -> list[tuple[str, int, float]]:
        return list(map(_row, self._bucket.list_objects(folder)))


def _top(path: str) -> str:
    """Return the first folder of *path*; nothing if it is in none."""
    return path.partition("/")[0] if "/" in path else ""


def _row(found: StoredObject) -> tuple[str, int, float]:
    return found.path, found.size, found.modified
