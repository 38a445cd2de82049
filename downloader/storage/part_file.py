"""A file that is written in pieces under its ``.part`` name, and renamed once it is whole."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from aiofiles.threadpool.binary import AsyncFileIO

from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.output_folder import translate_os_errors
from downloader.web.filenames import SafePath

READ_BYTES = 1024 * 1024
#: Pieces that are written with one call; some systems allow no more.
MAX_PIECES = 1024
#: The write buffer of a file; smaller when many are open, so that all of them together stay below a
#: limit.
MAX_BUFFER_BYTES = 1024 * 1024
MIN_BUFFER_BYTES = 64 * 1024
ALL_BUFFERS_BYTES = 4 * 1024 * 1024
#: While the bytes of this many full buffers are being written, no other buffer is started.
MAX_PENDING_BUFFERS = 2

Publish = Callable[[PublishOptions, os.stat_result], Awaitable[str]]
_Result = TypeVar("_Result")


def do_nothing() -> None:
    """Do nothing before a file is published."""


@dataclass(slots=True)
class WriteBuffers:
    """The memory for files that are written in pieces.

    Attributes:
        files: how many are open.
    """

    files: int = 0

    @property
    def size(self) -> int:
        """Bytes after which the buffer of a file is full."""
        return max(MIN_BUFFER_BYTES, min(MAX_BUFFER_BYTES, ALL_BUFFERS_BYTES // self.files))


class LocalPartFile:
    """A :class:`PartFile` on disk.

    Pieces are gathered in a buffer, and not copied. A full buffer is written in a thread, with one
    call, while the next one is filled.

    Args:
        path: the name of the whole file.
        file: the ``.part`` file, unbuffered, at its beginning.
        executor: the one that *file* uses.
        observers: its threads call the observer.
        buffers: those of all open files, of which this is one.
        publish: gives the closed file its name; it gets what ``fstat`` returned for it.

    Attributes: as of :class:`PartFile`, and
        committed: whether the file has its final name.
    """

    def __init__(
        self,
        path: SafePath,
        file: AsyncFileIO,
        executor: BatchingExecutor,
        observers: Executor,
        buffers: WriteBuffers,
        publish: Publish,
    ) -> None:
        self._identity = os.fstat(file.fileno())
        self.size = self._identity.st_size
        self.keep = False
        self.committed = False
        self._path = path
        self._file = file
        self._executor = executor
        self._observers = observers
        self._publish = publish
        self._buffers = buffers
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._pending: deque[asyncio.Task[object]] = deque()
        self._pending_bytes = 0
        self._write_lock = asyncio.Lock()
        self._failed = False
        self._observer: Callable[[bytes], None] = lambda _: None

    def set_observer(self, observer: Callable[[bytes], None]) -> None:
        """Call *observer* with each piece, in order and in a thread, as it is written."""
        self._observer = observer

    async def read_existing(self) -> AsyncIterator[bytes]:
        """Yield the bytes that an earlier attempt left; what is written then follows them."""
        with translate_os_errors(self._path):
            while block := await self._finish(self._start(self._file.read(READ_BYTES))):
                yield block

    async def write(self, data: bytes) -> None:
        """Append *data*; this may return before it is written, and a later call raise the error.

        Raises:
            DiskError: the disk refuses.
        """
        self._buffer.append(data)
        self._buffered += len(data)
        if self._buffered >= self._buffers.size or len(self._buffer) >= MAX_PIECES:
            await self._start_writing()

    async def flush(self) -> None:
        """Wait until all data has been written.

        Raises:
            DiskError: the disk refuses.
        """
        await self._start_writing()
        while self._pending:
            await self._finish_oldest()

    async def commit(
        self, options: PublishOptions, before_publish: Callable[[], None] = do_nothing
    ) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        *before_publish* is called once everything is written; its errors are raised here.

        Raises:
            DiskError: the disk refuses.
        """
        await self.flush()
        before_publish()
        with translate_os_errors(self._path):
            await self._file.close()
        backup_name = await self._publish(options, self._identity)
        self.committed = True
        return backup_name

    async def close(self) -> None:
        """Close the file, once no thread uses it any more."""
        if not self._file.closed:
            # Shielded: a second cancellation must not leave the descriptor open.
            await asyncio.shield(asyncio.ensure_future(self._close_after_pending()))

    async def _start_writing(self) -> None:
        """Write the buffer in a thread, and begin another one."""
        if not self._buffer:
            return
        limit = MAX_PENDING_BUFFERS * self._buffers.size
        while self._pending and (self._pending[0].done() or self._pending_bytes >= limit):
            await self._finish_oldest()
        pieces, size = self._buffer, self._buffered
        self._buffer, self._buffered = [], 0
        self._pending_bytes += size
        self._start(self._write_pieces(pieces, size))

    async def _write_pieces(self, pieces: list[bytes], size: int) -> None:
        # On a slow disk several threads write: the lock keeps the pieces of a file in order.
        async with self._write_lock:
            if self._failed:
                return
            self._failed = True  # until these are written: none may follow a missing one
            await self._executor.run(partial(self._observe_and_write, pieces))
            self._failed = False
            self._pending_bytes -= size

    def _observe_and_write(self, pieces: list[bytes]) -> None:
        # At the same time, because each takes about as long as the other.
        observing = self._observers.submit(self._observe, pieces)
        try:
            _write_all(self._file.fileno(), pieces)
        finally:
            observing.result()

    def _observe(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._observer(piece)

    def _start(self, operation: Coroutine[None, None, _Result]) -> asyncio.Task[_Result]:
        task = asyncio.create_task(operation, name="part file")
        self._pending.append(task)
        return task

    async def _finish(self, task: asyncio.Task[_Result]) -> _Result:
        # Shielded: when the transfer is cancelled, a thread still uses the file.
        result = await asyncio.shield(task)
        self._pending.remove(task)
        return result

    async def _finish_oldest(self) -> None:
        with translate_os_errors(self._path):
            await self._finish(self._pending[0])

    async def _close_after_pending(self) -> None:
        if self._pending:
            await asyncio.wait(self._pending)
        for task in self._pending:
            if not task.cancelled():
                task.exception()  # raised already, or of no interest to a cancelled transfer
        with suppress(OSError):
            await self._file.close()


def _write_all(fd: int, pieces: Sequence[bytes]) -> None:
    """Write all bytes of up to :data:`MAX_PIECES` pieces."""
    # aiofiles has no function that writes several pieces, and Windows has none at all.
    written = os.writev(fd, pieces) if hasattr(os, "writev") else 0
    for piece in pieces:
        if written >= len(piece):
            written -= len(piece)
            continue
        with memoryview(piece) as view:
            while written < len(piece):
                written += os.write(fd, view[written:])
        written = 0
