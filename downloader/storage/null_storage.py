"""A storage that saves nothing: bodies are only measured, or go into a pack."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from downloader.errors import DiskError
from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.part_file import do_nothing
from downloader.storage.storage import FileContents, PartFile
from downloader.web.filenames import SafePath


class NullStorage:
    """A :class:`Storage` without files; small bodies are measured in a thread, as when saved."""

    def __init__(self) -> None:
        self._executor = BatchingExecutor()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._executor.close()

    async def save(
        self,
        path: SafePath,
        data: bytes,
        options: PublishOptions,
        before_publish: Callable[[], None] = do_nothing,
    ) -> str:
        """Call *before_publish*, and save nothing."""
        await self._executor.run(before_publish)
        return ""

    @asynccontextmanager
    async def open_part(self, path: SafePath, *, resume: bool = False) -> AsyncIterator[PartFile]:
        """Open a file that passes what is written to its observer only."""
        yield _NullPartFile()

    async def part_size(self, path: SafePath) -> int:
        """Return 0: there is nothing to resume."""
        return 0

    async def read_part_head(self, path: SafePath, max_bytes: int) -> bytes:
        """Return nothing: there is nothing to resume."""
        return b""

    async def remove_part(self, path: SafePath) -> None:
        """Do nothing: there is no file."""

    async def remove(self, path: SafePath) -> None:
        """Do nothing: there is no file."""

    async def read(self, path: SafePath, max_bytes: int) -> FileContents:
        """Raise DiskError: there is no file."""
        raise DiskError(f"cannot read {path}: nothing is saved")

    async def move(self, path: SafePath, to: SafePath) -> bool:
        """Return False: there is no file."""
        return False

    async def remove_empty_folders(self, path: SafePath) -> None:
        """Do nothing: there is no folder."""


class _NullPartFile:
    """A :class:`PartFile` that keeps nothing.

    Its observer is called in the event loop: pieces are at most 1 MiB, which is measured quickly.
    """

    def __init__(self) -> None:
        self.size = 0
        self.keep = False
        self._observer: Callable[[bytes], None] = lambda _: None

    def set_observer(self, observer: Callable[[bytes], None]) -> None:
        """Call *observer* with each piece."""
        self._observer = observer

    async def read_existing(self) -> AsyncIterator[bytes]:
        """Yield nothing."""
        nothing: tuple[bytes, ...] = ()
        for block in nothing:
            yield block

    async def write(self, data: bytes) -> None:
        """Pass *data* to the observer."""
        self._observer(data)

    async def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    async def commit(
        self, options: PublishOptions, before_publish: Callable[[], None] = do_nothing
    ) -> str:
        """Call *before_publish*, and save nothing."""
        before_publish()
        return ""
