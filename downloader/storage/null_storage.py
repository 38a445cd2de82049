"""A storage that saves nothing: bodies are only measured, or go into a pack."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Self

from downloader.errors import DiskError
from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.part_file import MAX_PIECES, WriteBuffers, do_nothing
from downloader.storage.storage import FileContents, PartFile
from downloader.web.filenames import SafePath


class NullStorage:
    """A :class:`Storage` without files; bodies are measured in a thread, as when saved.

    It is also the base of those that send bodies elsewhere.
    """

    def __init__(self) -> None:
        self._executor = BatchingExecutor()
        self._buffers = WriteBuffers()

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
        self._buffers.files += 1
        try:
            yield _NullPartFile(self._executor, self._buffers)
        finally:
            self._buffers.files -= 1

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

    async def link(self, path: SafePath, to: SafePath) -> bool:
        """Return False: there is no file."""
        return False

    async def remove_empty_folders(self, path: SafePath) -> None:
        """Do nothing: there is no folder."""


class _NullPartFile:
    """A :class:`PartFile` that keeps nothing.

    Pieces are gathered, and observed in a thread while more are received.

    Args:
        executor: calls the observer.
        buffers: those of all open files, of which this is one.
    """

    def __init__(self, executor: BatchingExecutor, buffers: WriteBuffers) -> None:
        self.size = 0
        self.keep = False
        self._executor = executor
        self._buffers = buffers
        self._observer: Callable[[bytes], None] = lambda _: None
        self._pieces: list[bytes] = []
        self._gathered = 0
        self._observing: asyncio.Future[None] | None = None

    def set_observer(self, observer: Callable[[bytes], None]) -> None:
        """Call *observer* with each piece."""
        self._observer = observer

    async def read_existing(self) -> AsyncIterator[bytes]:
        """Yield nothing."""
        nothing: tuple[bytes, ...] = ()
        for block in nothing:
            yield block

    async def write(self, data: bytes) -> None:
        """Pass *data* to the observer, with others."""
        self._pieces.append(data)
        self._gathered += len(data)
        if self._gathered >= self._buffers.size or len(self._pieces) >= MAX_PIECES:
            await self._start_observing()

    async def flush(self) -> None:
        """Wait until the observer has got all data."""
        await self._start_observing()
        if self._observing is not None:
            await self._observing

    async def commit(
        self, options: PublishOptions, before_publish: Callable[[], None] = do_nothing
    ) -> str:
        """Call *before_publish*, and save nothing."""
        await self.flush()
        before_publish()
        return ""

    async def _start_observing(self) -> None:
        # One call at a time, because the executor may have several threads.
        if self._observing is not None:
            await self._observing
        pieces, self._pieces, self._gathered = self._pieces, [], 0
        self._observing = self._executor.run(partial(_observe, self._observer, pieces))


def _observe(observer: Callable[[bytes], None], pieces: Sequence[bytes]) -> None:
    for piece in pieces:
        observer(piece)
