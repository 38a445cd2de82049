"""ONE list, however long: read, admitted by the journal, handed to a crew, noted and told.

A thread reads ahead, the journal admits each address and each name once, and the crew gets a
bounded number of transfers more than it can start, among which it finds hosts that are free.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from downloader import archive, object_store
from downloader.core.backend import TransferBackend
from downloader.core.nested_lists import NestedListFetcher
from downloader.core.pool import Pool, Sleep
from downloader.core.read_ahead import ReadAhead
from downloader.core.transfer import Redirected, Transfer
from downloader.errors import DiskError, ErrorKind
from downloader.journal import Admitted, Job
from downloader.journal.async_journal import AsyncJournal
from downloader.models import Failed, InFlight, Options, Outcome, StorageOptions
from downloader.sources import Entry, FetchList, ShardFilter
from downloader.storage import VolumeUploader, prepare

if TYPE_CHECKING:
    from downloader.mirror import Mirror

#: Makes the entries of a run; it is given the way to fetch lists that lists name.
Entries = Callable[[FetchList], Iterator[Entry]]
#: How many lines are admitted in one transaction of the journal, at most.
_MAX_LINES_PER_TRANSACTION = 2048
#: How many lines the thread that reads may be ahead of the journal.
_MAX_LINES_AHEAD = 2048
#: So many lines are read ahead of what can be started: among them are hosts that are free.
_MAX_UNFINISHED = 10_000
#: How many outcomes may wait for the consumer.
_MAX_PENDING_OUTCOMES = 1000


class LocalRun:
    """One run over a list; :meth:`outcomes` is to be consumed once."""

    def __init__(
        self,
        entries: Entries,
        options: Options,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        whole: archive.Whole | None = None,
    ) -> None:
        self._entries = entries
        self._options = options
        self._sleep = sleep
        self._wake = asyncio.Event()
        self._notes = AsyncJournal(options, self._failed)
        self._crew = self._made_crew(sleep, clock)
        self._archives = archive.open_session(options, whole or _handover(options), self._failed)
        self._lists = NestedListFetcher(options)
        self._room = asyncio.Event()
        self._told: list[Outcome] = []
        self._yielded = 0
        self._stopped = False
        self._fed = False
        self._mirror: Mirror | None = None
        self._found = 0
        self._share = ShardFilter(options.shard)
        self._reader: ReadAhead[Entry] | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._fault: Exception | None = None

    def _made_crew(self, sleep: Sleep, clock: Callable[[], float]) -> TransferBackend:
        options, park, wake = self._options, self._notes.park, self._wake
        if options.processes > 1:
            from downloader.core import processes

            if processes.process_count(options) > 1:
                return processes.ProcessBackend(options, park, wake, self._failed)
        return Pool(options, park, wake, sleep=sleep, clock=clock)

    @property
    def warnings(self) -> list[str]:
        """Lines for a person about the run, as they become known."""
        mirror = self._mirror.warnings if self._mirror else []
        archived = self._archives.warnings if self._archives else []
        return [*self._crew.warnings, *self._notes.warnings, *mirror, *archived]

    @property
    def archived(self) -> list[Path]:
        """The archive files of this run that are whole; all of them, once it is over."""
        return self._archives.files if self._archives else []

    @property
    def total(self) -> int | None:
        """How many lines there are, once the whole list has been read."""
        if self._reader is None or not self._reader.finished:
            return None
        return self._reader.count + self._found

    @property
    def others(self) -> int:
        """How many lines have been read that other shards have."""
        return self._share.others

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far, unfinished ones included."""
        return self._crew.received

    @property
    def untried(self) -> int:
        """How many of the lines that have been read have no outcome."""
        return self._reader.count + self._found - self._yielded if self._reader else 0

    @property
    def rewritten(self) -> int | None:
        """In how many documents links were replaced, which is done last; None before."""
        return self._mirror.rewritten if self._mirror is not None else None

    @property
    def running(self) -> int:
        """How many URLs are being fetched now."""
        return self._crew.running

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest first."""
        return self._crew.in_flight()

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        if self._feeder is not None:
            self._feeder.cancel()
        if self._mirror is not None:
            self._mirror.stop()
        self._crew.stop(now=now)
        self._wake.set()

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as they become known.

        Raises:
            RunError: a list cannot be read, or the output folder not be used; what was running
                has been finished and yielded before.
            DiskError: the disk failed; what was running has been stopped and yielded before, and
                the rest of the list was not tried.
        """
        async with AsyncExitStack() as stack:
            await asyncio.to_thread(prepare, self._options)
            # Before what looks at the folder, because it keeps other runs from it.
            await stack.enter_async_context(self._notes)
            if self._archives is not None:
                await stack.enter_async_context(self._archives)
            await stack.enter_async_context(self._crew)
            await stack.enter_async_context(self._lists)
            stack.push_async_callback(self._abandon)
            if self._stopped:
                return
            if self._options.mirrors:
                self._mirror = await self._follow(stack)
            self._feeder = asyncio.create_task(self._feed(), name="reader of lists")
            self._feeder.add_done_callback(self._feeder_done)
            while not self._is_done():
                await self._wake.wait()
                self._wake.clear()
                for outcome in await self._collect():
                    self._yielded += 1
                    yield outcome
                self._room.set()
            if self._mirror is not None:
                await self._mirror.finish()
        if self._fault is not None:
            raise self._fault

    async def _feed(self) -> None:
        """Hand on what the journal admits, no further ahead than the window and the consumer."""
        try:
            entries = self._share.of(self._entries(self._lists.fetcher()))
            self._reader = ReadAhead(entries, ahead=_MAX_LINES_AHEAD, name="reader of lists")
            while batch := await self._reader.take(_MAX_LINES_PER_TRANSACTION):
                transfers: list[Transfer] = []
                if self._mirror is not None:
                    self._mirror.learn(batch)
                for admitted in await self._notes.admit(batch):
                    if isinstance(admitted, Job):
                        transfers.append(Transfer(admitted, admitted.parked))
                    else:
                        self._told.append(admitted)
                        self._wake.set()
                self._crew.add(transfers)
                if self._mirror is not None:
                    self._mirror.stir()
                while (
                    self._crew.unfinished >= _MAX_UNFINISHED
                    or len(self._told) >= _MAX_PENDING_OUTCOMES
                ):
                    self._room.clear()
                    await self._room.wait()
        except Exception as error:
            self._fault = self._fault or error

    async def _follow(self, stack: AsyncExitStack) -> "Mirror":
        """Have a mirror made, and follow what documents refer to."""
        # What reads documents takes a while to load, and most runs do without.
        from downloader.mirror import Mirror

        mirror = Mirror(
            self._options, self._notes, self._begin, self._more, self._wake, self._sleep
        )
        await stack.enter_async_context(mirror)
        follower = asyncio.create_task(self._guarded(mirror.run()), name="mirror")
        stack.push_async_callback(_end, follower)
        return mirror

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception as error:
            self._fault = self._fault or error
            self.stop(now=isinstance(error, DiskError))

    def _more(self) -> int:
        """Return how much more of what was found may be begun now; it goes before the list."""
        return max(0, _MAX_UNFINISHED + _MAX_LINES_PER_TRANSACTION - self._crew.unfinished)

    def _begin(self, found: Sequence[Admitted]) -> None:
        """Have what was found fetched."""
        self._found += len(found)
        self._told += [each for each in found if not isinstance(each, Job)]
        self._crew.add([Transfer(each, each.parked) for each in found if isinstance(each, Job)])

    def _is_done(self) -> bool:
        """Return whether every line, and all that was found, has its outcome."""
        waiting = self._crew.unfinished or self._told
        following = self._mirror is not None and not self._mirror.idle and not self._stopped
        return self._fed and not waiting and not following

    def _feeder_done(self, _feeder: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs no "finally".
        self._fed = True
        self._wake.set()

    async def _collect(self) -> list[Outcome]:
        """Return what has become known, and have it noted."""
        outcomes, self._told = self._told, []
        ended = await self._crew.collect()
        for transfer, outcome in ended:
            if isinstance(outcome, Failed) and outcome.kind is ErrorKind.DISK:
                self._failed(DiskError(outcome.message, hint=outcome.hint))
            if isinstance(outcome, Redirected):
                self._found -= 1
                if self._mirror is not None:
                    self._mirror.moved(transfer.job, outcome.to)
                continue
            self._notes.add(transfer.job, outcome)
            if self._mirror is None:
                outcomes.append(outcome)
            elif self._mirror.spares(transfer.job.target, outcome):
                self._found -= 1
            else:
                outcomes.append(self._mirror.placed(transfer.job.target, outcome))
        if self._mirror is not None and ended:
            self._mirror.stir()
        return outcomes

    def _failed(self, error: Exception) -> None:
        self._fault = self._fault or error
        self.stop(now=True)

    async def _abandon(self) -> None:
        """Leave nothing behind when the consumer goes before the end."""
        self.stop(now=True)
        if self._feeder is not None:
            await asyncio.gather(self._feeder, return_exceptions=True)
        while self._crew.unfinished:
            self._wake.clear()
            await self._collect()
            if self._crew.unfinished:
                await self._wake.wait()


def _handover(options: StorageOptions) -> VolumeUploader | None:
    """Return what takes volumes to an object store, if there are volumes and a store."""
    bucket = object_store.open_store(options) if options.pack is not None else None
    return None if bucket is None else VolumeUploader(bucket)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
