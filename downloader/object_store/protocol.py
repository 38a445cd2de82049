"""The protocol of an object store: the operations on the objects below one prefix."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from downloader.web.filenames import SafePath


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The properties of one object in a store.

    Attributes:
        path: the key, relative to the prefix.
        size: in bytes.
        modified: when it was last modified, by the store's clock, in seconds since the epoch; 0 if
            the store does not say.
        etag: the ETag, or a substitute that changes with the object.
    """

    path: SafePath
    size: int
    modified: float
    etag: str


class ObjectStore(Protocol):
    """The objects below one prefix; every method blocks and is thread-safe.

    Attributes:
        display_url: the URL of the prefix without a password.

    Every method raises :class:`~downloader.errors.StoreError` when the store fails or refuses.
    """

    display_url: str

    def is_empty(self) -> bool:
        """Return whether no object is below the prefix."""

    def info(self, path: SafePath) -> StoredObject | None:
        """Describe an object; return None if it does not exist."""

    def list_objects(self, folder: str) -> Iterator[StoredObject]:
        """Yield all objects below a folder; for an empty *folder*, those directly in the prefix."""

    def digest(self, path: SafePath, algorithm: str) -> bytes:
        """Download an object and return its hash; return no bytes if it does not exist."""

    def put(self, path: SafePath, data: bytes) -> None:
        """Write an object atomically; an existing object is replaced."""

    def upload(self, file: Path, path: SafePath) -> None:
        """Write an object from a local file, as :meth:`put` does."""

    def download(self, path: SafePath, file: Path) -> None:
        """Write an object to a local file."""

    def copy(self, path: SafePath, target: SafePath) -> None:
        """Copy an object to another key."""

    def delete(self, path: SafePath) -> None:
        """Delete an object, if it exists."""
