"""The files that exist in an output folder, or the objects in a store."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from downloader.journal.filesystem import (
    CLOCK_SLACK_SECONDS,
    hash_file,
    is_free_of_links,
    list_files,
    stat_regular_file,
)
from downloader.journal.object_listing import ObjectListing
from downloader.object_store.protocol import ObjectStore, StoredObject
from downloader.web.filenames import FileName, SafePath, filesystem_path

#: Folders for which it is remembered whether a link leads to them.
MAX_CHECKED_FOLDERS = 1000
#: Stores round times to whole seconds.
STORE_CLOCK_SLACK_SECONDS = 1.0
#: Prefixes that are listed concurrently.
MAX_LISTING_THREADS = 16
#: Prefixes below which starting threads does not pay.
MIN_PREFIXES_FOR_THREADS = 2


@dataclass(frozen=True, slots=True)
class CandidateFile:
    """A file that a URL may have been saved as.

    Attributes:
        path: its path.
        size: in bytes.
        newest: the latest time at which it can have been created, in seconds since the epoch.
    """

    path: SafePath
    size: int
    newest: float


class Inventory(Protocol):
    """The files below an output folder, or the objects below a prefix of a store."""

    def prefetch(self, paths: Iterable[SafePath]) -> None:
        """Prepare for questions about these paths."""

    def size(self, path: SafePath) -> int | None:
        """Return the size of a file in bytes; None if there is none."""

    def volume_size(self, path: SafePath) -> int | None:
        """Return the size of a volume of a pack in bytes; None if there is none."""

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the digest of a file; empty if it cannot be read."""

    def possible_files(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield the files that the URL with *name* may have been saved as."""

    def is_name_free(self, name: FileName) -> bool:
        """Return whether it is known that no file exists that *name* may become."""

    def close(self) -> None:
        """Free what is held; no more questions may be asked."""


class FolderInventory:
    """The files of a folder; symbolic links are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        #: The same as text: paths are joined for every line, and a Path would be slow.
        self._root_text = str(root)
        self._is_free_of_links: dict[str, bool] = {}
        self._listing: ObjectListing | None = None

    def prefetch(self, paths: Iterable[SafePath]) -> None:
        """Do nothing: asking for one file at a time is quick."""

    def size(self, path: SafePath) -> int | None:
        """Return the size of a regular file in bytes; None if there is none."""
        if not self._is_reachable(path.rpartition("/")[0]):
            return None
        status = stat_regular_file(f"{self._root_text}/{filesystem_path(path)}")
        return None if status is None else status.st_size

    def volume_size(self, path: SafePath) -> int | None:
        """Return the size of a regular file in bytes; None if there is none."""
        return self.size(path)

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the digest of a file; empty if it cannot be read."""
        return hash_file(self._root / filesystem_path(path), algorithm)

    def possible_files(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield the files that the URL with *name* may have been saved as.

        A folder is listed once, on the first question about it: files that are saved later are
        those of this run.
        """
        for path in self._listed_paths(name):
            status = (
                stat_regular_file(f"{self._root_text}/{filesystem_path(path)}")
                if name.may_become(path)
                else None
            )
            if status is not None:
                yield CandidateFile(path, status.st_size, status.st_ctime + CLOCK_SLACK_SECONDS)

    def is_name_free(self, name: FileName) -> bool:
        """Return False: saving looks for a file of that name anyway."""
        return False

    def close(self) -> None:
        """Discard the listing."""
        if self._listing is not None:
            self._listing.close()

    def _is_reachable(self, folder: str) -> bool:
        """Return whether no symbolic link leads to *folder*."""
        if folder not in self._is_free_of_links:
            if len(self._is_free_of_links) >= MAX_CHECKED_FOLDERS:
                self._is_free_of_links.clear()
            self._is_free_of_links[folder] = is_free_of_links(self._root, folder)
        return self._is_free_of_links[folder]

    def _listed_paths(self, name: FileName) -> list[SafePath]:
        """Return *name*, and what is in its folder with an extension more."""
        folder = name.base.rpartition("/")[0]
        if not self._is_reachable(folder):
            return []
        if self._listing is None:
            self._listing = ObjectListing()
        # A folder that has been listed is an entry of its own, so that memory does not grow.
        if self._listing.size(f"{folder}/") is None:
            paths = (f"{folder}/", *list_files(self._root, folder))
            self._listing.add((path, 0, 0.0) for path in paths)
        extended = self._listing.with_prefix(f"{name.base}.")
        return [SafePath(name.base), *(path for path, _, _ in extended)]


class StoreInventory:
    """The objects below a prefix, listed folder by folder on the first question about each.

    Objects that are created later are not seen; those of this run are in the journal.

    Args:
        store: the prefix.
        work: the work folder, where volumes wait to be uploaded.

    Raises, on creation:
        StoreError: the store refuses.
    """

    def __init__(self, store: ObjectStore, work: Path) -> None:
        self._store = store
        self._work_files = FolderInventory(work)
        self._volume_sizes: dict[SafePath, int | None] = {}
        self._is_empty = store.is_empty()
        self._listing = ObjectListing()
        self._listed_folders: set[str] = set()

    def prefetch(self, paths: Iterable[SafePath]) -> None:
        """List the folders of these paths concurrently: each takes a request, or many."""
        folders = (
            [] if self._is_empty else sorted({_top(path) for path in paths} - self._listed_folders)
        )
        if len(folders) < MIN_PREFIXES_FOR_THREADS:
            return
        with ThreadPoolExecutor(MAX_LISTING_THREADS, thread_name_prefix="listing") as threads:
            for start in range(0, len(folders), MAX_LISTING_THREADS):
                batch = folders[start : start + MAX_LISTING_THREADS]
                listings = threads.map(self._list_objects, batch)
                for folder, objects in zip(batch, listings, strict=True):
                    self._listing.add(objects)
                    self._listed_folders.add(folder)

    def size(self, path: SafePath) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        self._list_folder_of(path)
        return self._listing.size(path)

    def volume_size(self, path: SafePath) -> int | None:
        """Return the size of a volume, uploaded or not, in bytes; None if there is none."""
        if path not in self._volume_sizes:
            # The work folder first: a volume is removed there once it has been uploaded.
            size = self._work_files.size(path)
            if size is not None:
                return size
            info = self._store.info(path)
            self._volume_sizes[path] = None if info is None else info.size
        return self._volume_sizes[path]

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the digest of an object; empty if there is none."""
        return self._store.digest(path, algorithm)

    def possible_files(self, name: FileName) -> Iterator[CandidateFile]:
        """Yield the objects that the URL with *name* may have been saved as."""
        self._list_folder_of(name.base)
        for path, size, modified in self._listing.with_prefix(name.base):
            if name.may_become(path):
                yield CandidateFile(path, size, modified + STORE_CLOCK_SLACK_SECONDS)

    def is_name_free(self, name: FileName) -> bool:
        """Return whether it is known that no object exists that *name* may become."""
        is_listed = self._is_empty or _top(name.base) in self._listed_folders
        return is_listed and not any(self.possible_files(name))

    def close(self) -> None:
        """Discard the listing."""
        self._listing.close()

    def _list_folder_of(self, path: str) -> None:
        """List the first folder of *path*: a request for each object would take far longer."""
        folder = _top(path)
        if self._is_empty or folder in self._listed_folders:
            return
        self._listing.add(self._list_objects(folder))
        self._listed_folders.add(folder)

    def _list_objects(self, folder: str) -> list[tuple[str, int, float]]:
        return list(map(_listing_row, self._store.list_objects(folder)))


def _top(path: str) -> str:
    """Return the first folder of *path*; an empty string if it is in none."""
    return path.partition("/")[0] if "/" in path else ""


def _listing_row(found: StoredObject) -> tuple[str, int, float]:
    return found.path, found.size, found.modified
