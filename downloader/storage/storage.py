"""The interface that saves bodies: in a folder, in an object store, or nowhere."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from downloader.storage.atomic_rename import PublishOptions
from downloader.web.filenames import SafePath


@dataclass(frozen=True, slots=True)
class FileContents:
    """A whole file.

    Attributes:
        data: its bytes.
        modified: its modification time, in seconds since the epoch.
    """

    data: bytes
    modified: float


class PartFile(Protocol):
    """A file that is written in pieces, under its ``.part`` name until it is whole.

    Attributes:
        size: bytes that an earlier attempt left.
        keep: whether the file stays when it is not committed, so that a later attempt can resume.
    """

    size: int
    keep: bool

    def set_observer(self, observer: Callable[[bytes], None]) -> None:
        """Call *observer* with each piece, in order, as it is written."""

    def read_existing(self) -> AsyncIterator[bytes]:
        """Yield the bytes that an earlier attempt left; what is written then follows them."""

    async def write(self, data: bytes) -> None:
        """Append *data*; this may return before it is written, and a later call raise the error.

        Raises:
            DiskError: the disk refuses.
        """

    async def flush(self) -> None:
        """Wait until all data has been written.

        Raises:
            DiskError: the disk refuses.
        """

    async def commit(
        self, options: PublishOptions, before_publish: Callable[[], None] = ...
    ) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        *before_publish* is called once everything is written; its errors are raised here.

        Raises:
            DiskError: the disk refuses.
        """


class Storage(Protocol):
    """Saves files by their paths; an asynchronous context manager."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None] = ...,
    ) -> str:
        """Save a small file whole.

        *before_publish* is called in the same thread; its errors are raised here, and nothing is
        saved then. Returns the backup name of another file that had the name, or an empty string.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
            StoreError: the object store refuses.
        """

    def open_part(
        self, path: SafePath, *, resume: bool = False
    ) -> AbstractAsyncContextManager[PartFile]:
        """Open a file that is written in pieces.

        With *resume* it is the one that an earlier attempt left, if it still exists. When the
        context ends without a commit, the file is removed unless its ``keep`` is set.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """

    async def part_size(self, path: SafePath) -> int:
        """Return the size of the ``.part`` file in bytes; 0 if there is none."""

    async def read_part_head(self, path: SafePath, max_bytes: int) -> bytes:
        """Return the first bytes of the ``.part`` file, up to *max_bytes*; none without a file."""

    async def remove_part(self, path: SafePath) -> None:
        """Remove a ``.part`` file that nothing can resume."""

    async def remove(self, path: SafePath) -> None:
        """Remove a file that has been replaced by one of another name."""

    async def read(self, path: SafePath, max_bytes: int) -> FileContents:
        """Return a whole file.

        Raises:
            TooLargeError: it has more than *max_bytes*.
            DiskError: it does not exist, or the disk refuses.
            BlockedError: it is no regular file, or a link leads to it.
        """

    async def move(self, path: SafePath, to: SafePath) -> bool:
        """Rename a file; return whether it existed.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """

    async def link(self, path: SafePath, to: SafePath) -> bool:
        """Give a file a second name, in place of what had it; return whether that is possible.

        Raises:
            DiskError: the disk refuses.
            BlockedError: something in the folder is in the way.
        """

    async def remove_empty_folders(self, path: SafePath) -> None:
        """Remove the folders above *path* that are empty."""
