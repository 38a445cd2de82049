"""The archive's side of the event loop: exchanges come in as they happen, one thread writes them.

A transfer waits until its exchange is written before it goes on to give its file a name. So what
has a name in the output folder is in the archive, whenever the run is killed; and no more waits in
memory than there are transfers.
"""

import asyncio
import errno
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import IO, Self

from downloader.archive.file_series import FileSeries
from downloader.archive.previous_captures import PreviousCaptures
from downloader.archive.warc_records import Hash, hasher
from downloader.archive.warc_writer import Payload, WarcWriter
from downloader.errors import DiskError, NoDescriptorError
from downloader.models import TransferOptions
from downloader.models.exchange import Exchange, RecordLocation, Truncation

#: Of a body so much is held in memory; the rest waits in a file until its length is known.
_MOST_HELD = 512 * 1024
#: What answers a request for a part (RFC 9110, section 15.3.7), which nobody has made.
_PARTIAL = 206
#: So many exchanges are written in one hop to the thread.
_AT_ONCE = 64


class ArchiveRecorder:
    """Keeps exchanges in a series of files; an asynchronous context manager.

    It is an ``ExchangeRecorder``. Leaving it gives the last file its name.

    A pack is kept for the bodies in it: so of what fails there is nothing in it, while an archive
    besides the files tells all that happened.

    Raises, on leaving:
        DiskError: the disk refuses.
    """

    def __init__(self, series: FileSeries, options: TransferOptions) -> None:
        self.folder = series.folder
        self.hasher = hasher(options.warc_digest)
        self._packs = options.pack is not None
        self._writer = WarcWriter(series, options, PreviousCaptures(series).find, time.time)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._waiting: list[_ExchangeRecording] = []
        self._hopping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._hopping is not None:
            await asyncio.wait([self._hopping])
        try:
            await self.run(self._writer.close)
        finally:
            self._thread.shutdown()

    def begin(self, exchange: Exchange) -> "_ExchangeRecording | None":
        """Begin to keep an exchange; of what a pack has no use for, keep nothing."""
        if not self._packs:
            return _ExchangeRecording(self, exchange)
        if exchange.status >= 400 or exchange.status == _PARTIAL:
            return None
        return _ExchangeRecording(self, exchange, whole=200 <= exchange.status < 300)

    async def run(self, function: Callable[[], None]) -> None:
        """Run something in the thread that writes.

        Raises:
            DiskError: the disk refuses.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, function)
        except OSError as error:
            raise disk_error(error) from error

    def put(self, recording: "_ExchangeRecording") -> None:
        """Have an exchange that has ended written."""
        self._waiting.append(recording)
        if self._hopping is None:
            self._hopping = asyncio.create_task(self._hop(), name="archive")

    async def _hop(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                await loop.run_in_executor(self._thread, self._write, some)
                for recording in some:
                    recording.tell()
        finally:
            # At once: an exchange that ends when this is over must not rely on it.
            self._hopping = None

    def _write(self, some: list["_ExchangeRecording"]) -> None:
        for recording in some:
            recording.write(self._writer)
        fault = next((recording.error for recording in some if recording.error), None)
        try:
            self._writer.flush()
        except Exception as error:
            fault = fault or error
        for recording in some:
            # What failed for one may have been holding others that were not written yet.
            recording.error = fault


class _ExchangeRecording:
    """One exchange while its body comes in; an ``ExchangeRecording``.

    With *whole*, it is only kept if it comes to its end, and all is well with it.
    """

    __slots__ = (
        "_archive",
        "_cut",
        "_ended",
        "_exchange",
        "_file",
        "_future",
        "_hash",
        "_held",
        "_length",
        "_seconds",
        "_size",
        "_started",
        "_whole",
        "error",
        "place",
    )

    def __init__(
        self, archive: ArchiveRecorder, exchange: Exchange, *, whole: bool = False
    ) -> None:
        self._archive = archive
        self._exchange = exchange
        self._started = time.time()
        self._held: list[bytes] = []
        self._size = 0
        self._length = 0
        self._file: IO[bytes] | None = None
        self._hash: Hash | None = None
        self._ended = False
        self._cut: Truncation | None = None
        self._seconds = 0.0
        self._whole = whole
        self._future: asyncio.Future[RecordLocation] | None = None
        self.place: RecordLocation | None = None
        self.error: Exception | None = None

    async def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        self._held.append(data)
        self._size += len(data)
        if self._size >= _MOST_HELD:
            self._length += self._size
            self._size = 0
            held, self._held = self._held, []
            try:
                await self._archive.run(lambda: self._spool(held))
            except BaseException:
                # Without these bytes, what else there is of it is of no use.
                self.discard()
                raise

    async def finish(self) -> RecordLocation:
        """Take that the body is whole; return when the exchange is written, and where."""
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            self._put(None)
        return await self._future

    def finish_nowait(self, truncation: Truncation | None) -> None:
        """Take that no more comes; do not wait."""
        if self._whole:
            self.discard()
        elif not self._ended:
            self._put(truncation)

    def discard(self) -> None:
        """Keep nothing of it."""
        if not self._ended:
            self._ended = True
            self._held.clear()

    def write(self, writer: WarcWriter) -> None:
        """Write it; this blocks, in the thread that writes."""
        try:
            if self._file is not None:
                self._spool(self._held)
                payload = Payload(self._length + self._size, b"", self._file, self._hash)
            else:
                held = self._held[0] if len(self._held) == 1 else b"".join(self._held)
                payload = Payload(self._size, held)
            self.place = writer.write(self._exchange, payload, self._cut, self._seconds)
        except Exception as error:
            self.error = error
        finally:
            self._held.clear()
            if self._file is not None:
                self._file.close()

    def tell(self) -> None:
        """Let who waits for it go on."""
        if self._future is None or self._future.done():
            return
        if self.error is None and self.place is not None:
            self._future.set_result(self.place)
        elif isinstance(self.error, OSError):
            self._future.set_exception(disk_error(self.error))
        elif self.error is not None:
            self._future.set_exception(self.error)

    def _put(self, why: Truncation | None) -> None:
        self._ended = True
        self._cut = why
        self._seconds = time.time() - self._exchange.started_at
        self._archive.put(self)

    def _spool(self, held: list[bytes]) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._archive.folder)  # noqa: SIM115
            self._hash = self._archive.hasher()
        for data in held:
            self._file.write(data)
            if self._hash is not None:
                self._hash.update(data)


def disk_error(error: OSError) -> DiskError | NoDescriptorError:
    """Return what a failure of the disk means for a run that keeps an archive."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NoDescriptorError("out of file descriptors")
    return DiskError(
        f"cannot write the archive: {error.strerror or error}", hint="see --warc and --pack"
    )
