"""Pure: what is asked of an object store, as the protocol of one prefix of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from downloader.web.filenames import SafePath


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store knows of one object.

    Attributes:
        path: its key below the prefix.
        size: in bytes.
        modified: when it came to be, by the store's clock, in seconds since the epoch; 0 if the
            store does not tell.
        mark: changes whenever the object does.
    """

    path: SafePath
    size: int
    modified: float
    mark: str


class ObjectStore(Protocol):
    """The objects below one prefix; everything here blocks, and is safe for threads.

    Attributes:
        shown: its URL without a password.

    Every method raises :class:`~downloader.errors.StoreError` when the store refuses.
    """

    shown: str

    def is_empty(self) -> bool:
        """Return whether there is no object below the prefix."""

    def find(self, path: SafePath) -> StoredObject | None:
        """Return what is known of an object, or None if there is none."""

    def below(self, folder: str) -> Iterator[StoredObject]:
        """Yield the objects below a folder; of the prefix itself only those that are in none."""

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Return the hash of an object; of one that is not there, nothing."""

    def put(self, path: SafePath, data: bytes) -> None:
        """Make an object of *data*, whole or not at all; what is there is replaced."""

    def upload(self, file: Path, path: SafePath) -> None:
        """Make an object of a local file in the same way."""

    def fetch(self, path: SafePath, file: Path) -> None:
        """Write an object to a local file."""

    def copy(self, path: SafePath, to: SafePath) -> None:
        """Copy an object to another key."""

    def remove(self, path: SafePath) -> None:
        """Remove an object, if it is there."""
