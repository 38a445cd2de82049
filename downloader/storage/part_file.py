"""A file that is being written under its ``.part`` name, in pieces."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial

from downloader.storage.batching_executor import BatchingExecutor
from downloader.storage.folder import Folder, translated
from downloader.storage.publish import PublishOptions, publish, set_time
from downloader.web.filenames import SafePath

#: What is read at once.
_BLOCK = 1024 * 1024
#: So many pieces of a file may wait to be written while the next one is filled.
_WAITING_PIECES = 2


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write *data* to an open file."""
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def nothing() -> None:
    """Do nothing before a piece is written."""


class PartFile:
    """A file that is being written under its ``.part`` name, in pieces.

    Bytes are gathered in buffers that are used again, which costs less than new ones, and a full
    buffer is written while the next one is filled.

    Args:
        hops: runs functions in threads.
        piece: how large a buffer is.

    Attributes:
        size: how many bytes an earlier attempt has left.
        keep: whether it can be continued later, and so stays when it is left unfinished.
        committed: whether it has its final name.
    """

    def __init__(
        self,
        path: SafePath,
        opened: tuple[int, int],
        hops: BatchingExecutor,
        folder: Folder,
        piece: int,
    ) -> None:
        self._fd: int | None
        self._fd, self.size = opened
        self.keep = False
        self.committed = False
        self._path = path
        self._hops = hops
        self._folder = folder
        self._filling = bytearray(piece)
        self._filled = 0
        self._free: list[bytearray] = []
        self._full: deque[tuple[bytearray, int]] = deque()
        self._writes: deque[asyncio.Future[None]] = deque()
        self._in_order = threading.Lock()
        self._broken = self._closing = False
        self._before: Callable[[memoryview], None] = lambda _: None

    def observed_by(self, before: Callable[[memoryview], None]) -> None:
        """Have *before* called with each piece, in the same thread, before it is written."""
        self._before = before

    async def existing(self) -> AsyncIterator[bytes]:
        """Yield what an earlier attempt has left; what is written then goes behind it."""
        fd = self._opened()
        with translated(self._path):
            while block := await self._hops.run(lambda: os.read(fd, _BLOCK)):
                yield block

    async def write(self, data: bytes) -> None:
        """Append *data*; it may return before that is written.

        What goes wrong then is raised by a later call.

        Raises:
            DiskError: the disk refuses.
        """
        start = 0
        while start < len(data):
            taken = min(len(data) - start, len(self._filling) - self._filled)
            end = self._filled + taken
            self._filling[self._filled : end] = memoryview(data)[start : start + taken]
            self._filled = end
            start += taken
            if end == len(self._filling):
                await self._pass_on()

    async def flush(self) -> None:
        """Write all that was given.

        Raises:
            DiskError: the disk refuses.
        """
        await self._pass_on()
        while self._writes:
            await self._oldest()

    async def _pass_on(self) -> None:
        """Have the buffer written that was filled last, and take another."""
        if not self._filled:
            return
        while len(self._writes) >= _WAITING_PIECES:
            await self._oldest()
        self._full.append((self._filling, self._filled))
        self._filling = self._free.pop() if self._free else bytearray(len(self._filling))
        self._filled = 0
        self._writes.append(self._hops.run(self._write_next))

    async def _oldest(self) -> None:
        """Wait until the oldest of the pieces that wait has been written."""
        with translated(self._path):
            # Who is cancelled here must not close the file under the hands of the thread.
            await asyncio.shield(self._writes[0])
        self._writes.popleft()

    def _write_next(self) -> None:
        # On a slow disk several threads save: the pieces of one file must keep their order.
        with self._in_order:
            buffer, size = self._full.popleft()
            if self._broken:
                return
            self._broken = True  # until this piece is there: none may follow one that is not
            with memoryview(buffer)[:size] as piece:
                self._before(piece)
                write_all(self._opened(), piece)
            self._broken = False
            self._free.append(buffer)

    async def commit(self, how: PublishOptions, before: Callable[[], None] = nothing) -> str:
        """Close the file and give it its name; return what :meth:`Storage.save` does.

        *before* is called when all is written; what it raises is raised here.

        Raises:
            DiskError: the disk refuses.
        """
        await self.flush()
        before()
        fd, self._fd = self._opened(), None
        set_aside = await self._name(fd, how)
        self.committed = True
        return set_aside

    async def close(self) -> None:
        """Close the file, when what is being written to it is done."""
        if self._fd is None or self._closing:
            return
        self._closing = True
        await asyncio.shield(asyncio.ensure_future(self._close_behind_the_threads(self._fd)))

    async def _close_behind_the_threads(self, fd: int) -> None:
        if self._writes:
            await asyncio.wait(self._writes)
        for written in self._writes:
            written.exception()  # reported already, or of no interest to who gives up
        self._fd = None
        with suppress(OSError):
            await self._hops.run(lambda: os.close(fd))

    def _opened(self) -> int:
        if self._fd is None:
            raise ValueError("the file is closed")
        return self._fd

    async def _name(self, fd: int, how: PublishOptions) -> str:
        """Close the file, and give it its name."""
        return await self._hops.run(partial(self._publish, fd, how))

    def _publish(self, fd: int, how: PublishOptions) -> str:
        with translated(self._path):
            try:
                set_time(fd, how)
                written = os.fstat(fd)
            finally:
                os.close(fd)
            with self._folder.of(self._path, create=False) as (folder, leaf):
                return publish(folder, leaf, how, written)
