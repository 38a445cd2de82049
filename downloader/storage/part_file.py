"""A file that is written in pieces under its ``.part`` name, and renamed once it is whole."""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TypeVar

from aiofiles.threadpool.binary import AsyncFileIO

from downloader.storage.atomic_rename import PublishOptions
from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.output_folder import translate_os_errors
from downloader.web.filenames import SafePath

READ_BYTES = 1024 * 1024
#: Full buffers of a file that may wait to be written while the next one is filled.
MAX_PENDING_BUFFERS = 2

Publish = Callable[[PublishOptions, os.stat_result], Awaitable[str]]
_Result = TypeVar("_Result")


def do_nothing() -> None:
    """Do nothing before a file is published."""


class LocalPartFile:
    """A :class:`PartFile` on disk.

    Bytes are gathered in buffers that are reused, which costs less than new ones. A full buffer is
    written in a thread while the next one is filled.

    Args:
        path: the name of the whole file.
        file: the ``.part`` file, unbuffered, at its beginning.
        executor: the one that *file* uses.
        buffer_bytes: the size of a buffer.
        publish: gives the closed file its name; it gets what ``fstat`` returned for it.

    Attributes: as of :class:`PartFile`, and
        committed: whether the file has its final name.
    """

    def __init__(
        self,
        path: SafePath,
        file: AsyncFileIO,
        executor: BatchingExecutor,
        buffer_bytes: int,
        publish: Publish,
    ) -> None:
        self._identity = os.fstat(file.fileno())
        self.size = self._identity.st_size
        self.keep = False
        self.committed = False
        self._path = path
        self._file = file
        self._executor = executor
        self._publish = publish
        self._buffer = bytearray(buffer_bytes)
        self._filled = 0
        self._free_buffers: list[bytearray] = []
        self._pending: deque[asyncio.Task[object]] = deque()
        self._write_lock = asyncio.Lock()
        self._failed = False
        self._observer: Callable[[memoryview], None] = lambda _: None

    def set_observer(self, observer: Callable[[memoryview], None]) -> None:
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
        start = 0
        while start < len(data):
            taken = min(len(data) - start, len(self._buffer) - self._filled)
            end = self._filled + taken
            self._buffer[self._filled : end] = memoryview(data)[start : start + taken]
            self._filled = end
            start += taken
            if end == len(self._buffer):
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
        """Write the buffer in a thread, and take another one."""
        if not self._filled:
            return
        while len(self._pending) >= MAX_PENDING_BUFFERS:
            await self._finish_oldest()
        self._start(self._write_buffer(self._buffer, self._filled))
        self._buffer = (
            self._free_buffers.pop() if self._free_buffers else bytearray(len(self._buffer))
        )
        self._filled = 0

    async def _write_buffer(self, buffer: bytearray, size: int) -> None:
        # On a slow disk several threads write: the lock keeps the pieces of a file in order.
        async with self._write_lock:
            if self._failed:
                return
            self._failed = True  # until this piece is written: none may follow a missing one
            with memoryview(buffer)[:size] as piece:
                # Queued together, so that one thread does both in turn.
                observed = self._executor.run(partial(self._observer, piece))
                try:
                    written = await self._file.write(piece)
                    while written < size:
                        written += await self._file.write(piece[written:])
                finally:
                    await observed
            self._failed = False
        self._free_buffers.append(buffer)

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
