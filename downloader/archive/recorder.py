"""Records exchanges: the event loop hands them over, and one thread writes them.

A transfer waits until its exchange is written before it names its file. So every named file of the
output folder is in the archive, whenever the run is killed, and at most one body per transfer
waits in memory.
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
from downloader.archive.warc_records import Hash, hash_constructor
from downloader.archive.warc_writer import Payload, WarcWriter
from downloader.errors import DiskError, NoDescriptorError
from downloader.models import TransferOptions
from downloader.models.exchange import Exchange, RecordLocation, Truncation

#: Longer bodies are spooled to a temporary file until their length is known.
_MAX_BYTES_IN_MEMORY = 512 * 1024
_PARTIAL_CONTENT = 206
#: Exchanges that the thread writes before it is handed the next ones.
_MAX_EXCHANGES_PER_BATCH = 64


class ArchiveRecorder:
    """Writes exchanges to a series of WARC files; an asynchronous context manager.

    It implements ``ExchangeRecorder``. Leaving it publishes the last file.

    A pack holds the complete responses that files would be saved for, and redirects. An archive
    beside the files holds every exchange, failures included.

    Raises, on leaving:
        DiskError: the archive cannot be written.
    """

    def __init__(self, series: FileSeries, options: TransferOptions) -> None:
        self.folder = series.folder
        self.new_hash = hash_constructor(options.warc_digest)
        self._is_pack = options.pack is not None
        self._writer = WarcWriter(series, options, PreviousCaptures(series).find, time.time)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._queue: list[_ExchangeRecording] = []
        self._write_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._write_task is not None:
            await asyncio.wait([self._write_task])
        try:
            await self.run_in_thread(self._writer.close)
        finally:
            self._thread.shutdown()

    def begin(self, exchange: Exchange) -> "_ExchangeRecording | None":
        """Start the recording of an exchange; return None for one that a pack leaves out."""
        if not self._is_pack:
            return _ExchangeRecording(self, exchange)
        if exchange.status >= 400 or exchange.status == _PARTIAL_CONTENT:
            return None
        return _ExchangeRecording(self, exchange, only_complete=200 <= exchange.status < 300)

    async def run_in_thread(self, function: Callable[[], None]) -> None:
        """Call a function in the writing thread.

        Raises:
            DiskError: the archive cannot be written.
        """
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, function)
        except OSError as error:
            raise disk_error(error) from error

    def enqueue(self, recording: "_ExchangeRecording") -> None:
        """Queue an exchange that has ended for writing."""
        self._queue.append(recording)
        if self._write_task is None:
            self._write_task = asyncio.create_task(self._write_queue(), name="archive")

    async def _write_queue(self) -> None:
        loop = asyncio.get_running_loop()
        size = _MAX_EXCHANGES_PER_BATCH
        try:
            while self._queue:
                batch, self._queue = self._queue[:size], self._queue[size:]
                await loop.run_in_executor(self._thread, self._write_batch, batch)
                for recording in batch:
                    recording.resolve()
        finally:
            # In the same step as the last look at the queue: a later exchange starts a new task.
            self._write_task = None

    def _write_batch(self, batch: list["_ExchangeRecording"]) -> None:
        """Write some exchanges, in the writing thread."""
        for recording in batch:
            recording.write(self._writer)
        failure = next((recording.error for recording in batch if recording.error), None)
        try:
            self._writer.flush()
        except Exception as error:
            failure = failure or error
        for recording in batch:
            # A failed write drops the records that were buffered with it.
            recording.error = failure


class _ExchangeRecording:
    """The recording of one exchange; it implements ``ExchangeRecording``.

    With *only_complete*, it is discarded unless the body ends normally.
    """

    __slots__ = (
        "_archive",
        "_chunks",
        "_chunks_bytes",
        "_ended",
        "_exchange",
        "_fetch_seconds",
        "_file",
        "_file_bytes",
        "_future",
        "_hash",
        "_only_complete",
        "_truncation",
        "error",
        "location",
    )

    def __init__(
        self, archive: ArchiveRecorder, exchange: Exchange, *, only_complete: bool = False
    ) -> None:
        self._archive = archive
        self._exchange = exchange
        self._chunks: list[bytes] = []
        self._chunks_bytes = 0
        self._file: IO[bytes] | None = None
        self._file_bytes = 0
        self._hash: Hash | None = None
        self._ended = False
        self._truncation: Truncation | None = None
        self._fetch_seconds = 0.0
        self._only_complete = only_complete
        self._future: asyncio.Future[RecordLocation] | None = None
        self.location: RecordLocation | None = None
        self.error: Exception | None = None

    async def feed(self, data: bytes) -> None:
        """Append bytes of the body; a long body is spooled to a temporary file."""
        self._chunks.append(data)
        self._chunks_bytes += len(data)
        if self._chunks_bytes >= _MAX_BYTES_IN_MEMORY:
            self._file_bytes += self._chunks_bytes
            self._chunks_bytes = 0
            chunks, self._chunks = self._chunks, []
            try:
                await self._archive.run_in_thread(lambda: self._spool(chunks))
            except BaseException:
                # The body has a gap now.
                self.discard()
                raise

    async def finish(self) -> RecordLocation:
        """Mark the body complete; return the record's location once it is written."""
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            self._enqueue(None)
        return await self._future

    def finish_nowait(self, truncation: Truncation | None) -> None:
        """End the recording without waiting for the write."""
        if self._only_complete:
            self.discard()
        elif not self._ended:
            self._enqueue(truncation)

    def discard(self) -> None:
        """Record nothing of this exchange."""
        if not self._ended:
            self._ended = True
            self._chunks.clear()

    def write(self, writer: WarcWriter) -> None:
        """Write the records, in the writing thread; keep the outcome for :meth:`resolve`."""
        try:
            if self._file is not None:
                self._spool(self._chunks)
                length = self._file_bytes + self._chunks_bytes
                payload = Payload(length, b"", self._file, self._hash)
            else:
                data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
                payload = Payload(self._chunks_bytes, data)
            self.location = writer.write(
                self._exchange, payload, self._truncation, self._fetch_seconds
            )
        except Exception as error:
            self.error = error
        finally:
            self._chunks.clear()
            if self._file is not None:
                self._file.close()

    def resolve(self) -> None:
        """Hand the outcome of the write to the transfer that awaits it."""
        if self._future is None or self._future.done():
            return
        if self.error is None and self.location is not None:
            self._future.set_result(self.location)
        elif isinstance(self.error, OSError):
            self._future.set_exception(disk_error(self.error))
        elif self.error is not None:
            self._future.set_exception(self.error)

    def _enqueue(self, truncation: Truncation | None) -> None:
        self._ended = True
        self._truncation = truncation
        self._fetch_seconds = time.time() - self._exchange.started_at
        self._archive.enqueue(self)

    def _spool(self, chunks: list[bytes]) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._archive.folder)  # noqa: SIM115
            self._hash = self._archive.new_hash()
        for chunk in chunks:
            self._file.write(chunk)
            if self._hash is not None:
                self._hash.update(chunk)


def disk_error(error: OSError) -> DiskError | NoDescriptorError:
    """Map a failure to write the archive to an error of this package."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NoDescriptorError("out of file descriptors")
    return DiskError(
        f"cannot write the archive: {error.strerror or error}", hint="see --warc and --pack"
    )
