"""ALL URLs: one session, one semaphore, ``create_task`` workers, ``gather(return_exceptions)``.

A reader thread hands over admitted jobs; a permit of the semaphore is taken before each task is
made, so that no more tasks are alive than the limit, however long the list. Finished tasks are
gathered in batches with ``return_exceptions=True``: a failure, even a defect, is the outcome of
its URL and never stops the rest.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack

from downloader.decode import decoder_for
from downloader.download import Rooms, Transfer, download, failed
from downloader.errors import DiskError, ErrorKind, TimedOutError, TooLargeError
from downloader.fetch import Client
from downloader.fetch.client import require_success
from downloader.governor import Governor, Sleep, affordable
from downloader.journal import Job
from downloader.models import Failed, InFlight, Options, Outcome
from downloader.notes import Notes
from downloader.reader import Reader
from downloader.sources import Entry, FetchList
from downloader.storage import Storage
from downloader.urls import Url

#: Makes the entries of a run; it is given the way to fetch lists that lists name.
Entries = Callable[[FetchList], Iterator[Entry]]
#: How many lines are admitted in one transaction of the journal, at most.
_BATCH = 256
#: Bytes of a sitemap that an index names; the protocol allows 50 MB.
_LARGEST_LIST = 1024**3
#: How many outcomes may wait for the consumer.
_WAITING = 1000


class Pool:
    """One run over a list; :meth:`outcomes` is to be consumed once.

    Attributes:
        warnings: lines for a person about the output folder, as they become known.
    """

    def __init__(
        self,
        entries: Entries,
        options: Options,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.warnings: list[str] = []
        self._entries = entries
        self._options = options
        self._governor = Governor(sleep, clock)
        concurrency = affordable(options.concurrency)
        if concurrency < options.concurrency:
            self.warnings.append(
                f"no more than {concurrency} at once, as the limit of open files is low; "
                "see ulimit -n"
            )
        self._permits = asyncio.Semaphore(concurrency)
        # A slow consumer stops the run, instead of having its outcomes pile up.
        self._slots = asyncio.Semaphore(options.concurrency + _WAITING)
        self._yielded = 0
        self._stopped = False
        self._tasks: dict[asyncio.Task[Outcome], tuple[Job, Transfer]] = {}
        self._finished: list[asyncio.Task[Outcome] | Outcome] = []
        self._wake = asyncio.Event()
        self._fed = False
        self._reader: Reader[Entry] | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._fault: Exception | None = None
        self._received = 0

    @property
    def total(self) -> int | None:
        """How many lines there are, once the whole list has been read."""
        return self._reader.count if self._reader and self._reader.finished else None

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far, unfinished ones included."""
        return self._received + sum(transfer.received for _, transfer in self._tasks.values())

    @property
    def untried(self) -> int:
        """How many of the lines that have been read have no outcome."""
        return self._reader.count - self._yielded if self._reader else 0

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest first."""
        rows = [
            InFlight(transfer.target.shown, transfer.seconds, transfer.received)
            for task, (_, transfer) in self._tasks.items()
            if not task.done()
        ]
        return sorted(rows, key=lambda row: -row.seconds)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        if self._feeder is not None:
            self._feeder.cancel()
        if now:
            for task in self._tasks:
                task.cancel()

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as they become known.

        Raises:
            RunError: a list cannot be read, or the output folder not be used; what was running
                has been finished and yielded before.
            DiskError: the disk failed; what was running has been stopped and yielded before, and
                the rest of the list was not tried.
        """
        async with AsyncExitStack() as stack:
            client = Client(self._options)
            storage = Storage(self._options.output, client.close_idle)
            await stack.enter_async_context(storage)
            notes = await stack.enter_async_context(Notes(self._options, self._disk_failed))
            self.warnings += notes.warnings
            await stack.enter_async_context(client)
            stack.push_async_callback(self._abandon, notes)
            rooms = Rooms(client, storage, self._governor, self._options, notes.park)
            if self._stopped:
                return
            self._feeder = asyncio.create_task(self._feed(rooms, notes), name="reader of lists")
            self._feeder.add_done_callback(self._feeder_done)
            while not (self._fed and not self._tasks and not self._finished):
                await self._wake.wait()
                self._wake.clear()
                for outcome in await self._gather(notes):
                    self._yielded += 1
                    yield outcome
                    self._slots.release()
        if self._fault is not None:
            raise self._fault

    async def _feed(self, rooms: Rooms, notes: Notes) -> None:
        """Make a task for each job, never more than there are permits."""
        try:
            entries = self._entries(self._fetch_list(rooms.client))
            self._reader = Reader(entries, name="reader of lists")
            while batch := await self._reader.take(_BATCH):
                for admitted in await notes.admit(batch):
                    await self._slots.acquire()
                    if isinstance(admitted, Job):
                        await self._permits.acquire()
                        self._start(admitted, rooms)
                    else:
                        self._finish(admitted)
        except Exception as error:
            self._fault = self._fault or error

    def _feeder_done(self, _feeder: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs no "finally".
        self._fed = True
        self._wake.set()

    def _start(self, job: Job, rooms: Rooms) -> None:
        transfer = Transfer(job.target)
        task: asyncio.Task[Outcome] = asyncio.create_task(
            download(job, rooms, transfer), name=job.target.shown
        )
        self._tasks[task] = job, transfer
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[Outcome]) -> None:
        self._permits.release()
        self._finish(task)

    def _finish(self, result: asyncio.Task[Outcome] | Outcome) -> None:
        self._finished.append(result)
        self._wake.set()

    async def _gather(self, notes: Notes) -> list[Outcome]:
        """Return the outcomes of finished tasks; an exception becomes its URL's outcome."""
        finished, self._finished = self._finished, []
        tasks = [item for item in finished if isinstance(item, asyncio.Task)]
        results = iter(await asyncio.gather(*tasks, return_exceptions=True))
        outcomes: list[Outcome] = []
        for item in finished:
            if not isinstance(item, asyncio.Task):
                outcomes.append(item)
                continue
            job, transfer = self._tasks.pop(item)
            self._received += transfer.received
            result = next(results)
            if isinstance(result, BaseException):
                result = failed(job.target, result, transfer)
            if isinstance(result, Failed) and result.kind is ErrorKind.DISK:
                self._disk_failed(DiskError(result.message, hint=result.hint))
            notes.add(job, result)
            outcomes.append(result)
        return outcomes

    def _disk_failed(self, error: DiskError) -> None:
        self._fault = self._fault or error
        self.stop(now=True)

    async def _abandon(self, notes: Notes) -> None:
        """Leave nothing behind when the consumer goes before the end."""
        self.stop(now=True)
        running = [*self._tasks, *([self._feeder] if self._feeder else [])]
        await asyncio.gather(*running, return_exceptions=True)
        await self._gather(notes)

    def _fetch_list(self, client: Client) -> FetchList:
        """Return a blocking function for the reader's thread that fetches a list by its URL."""
        loop = asyncio.get_running_loop()

        def fetch(url: Url) -> Iterator[bytes]:
            with tempfile.TemporaryFile() as file:
                copy = _copy(client, url, file.write, self._options)
                asyncio.run_coroutine_threadsafe(copy, loop).result()
                file.seek(0)
                while data := file.read(64 * 1024):
                    yield data

        return fetch


async def _copy(client: Client, url: Url, write: Callable[[bytes], int], options: Options) -> None:
    """Fetch a list that a list names, within the limits of any other body."""
    most = _LARGEST_LIST if options.max_size is None else options.max_size
    try:
        async with asyncio.timeout(options.timeout), client.get(url) as response:
            require_success(response)
            decoder = decoder_for(response.header("Content-Encoding"), response.media_type)
            async for data in response.chunks():
                for piece in decoder.feed(data) if decoder else (data,):
                    most -= write(piece)
                    if most < 0:
                        raise TooLargeError("the list is too large", hint="see --max-size")
            if decoder:
                decoder.finish()
    except TimeoutError as error:
        raise TimedOutError("the list is not done in time", hint="see --timeout") from error
