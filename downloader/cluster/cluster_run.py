"""ONE list, however long, shared by many machines: cut, handed out portion by portion, told.

It is to a cluster what :class:`~downloader.core.local_run.LocalRun` is to one machine, and each
portion is such a run on some worker. Portions of one shard follow each other, so that two workers
never ask the same host; and their size is bounded, however skewed the list is.
"""

import asyncio
import heapq
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from downloader import sources
from downloader._version import __version__
from downloader.cluster.executor import Executor, PortionLostError
from downloader.cluster.messages import (
    ClusterPlan,
    Portion,
    PortionProgress,
    PortionResult,
    outcomes,
    target_of,
)
from downloader.cluster.partition import Partition, Partitioner, folder_of, key_of
from downloader.core.nested_lists import NestedListFetcher
from downloader.core.read_ahead import ReadAhead
from downloader.core.run import RunProgress
from downloader.errors import DiskError, InternalError, RunError
from downloader.journal import Journal, failed_outcome
from downloader.models import Downloaded, InFlight, Options, Outcome
from downloader.sources import Entry, ShardFilter
from downloader.storage import LocalStorage

#: So many lines of a shard are done at once; what a lost worker had is done again at worst.
PORTION = 10_000
_AT_ONCE = 2048
#: For each that is being done there is one that waits, so that nobody has to.
_AHEAD = 2
#: What has been told to stop now, and has not come back, is not waited for any longer.
_STOP_SECONDS = 15.0

Result = TypeVar("Result")
#: Makes who has portions done, from the campaign's name, its plan, and who is told of progress.
MakeExecutor = Callable[[str, ClusterPlan, Callable[[PortionProgress], None]], Executor]


@dataclass(slots=True)
class _ShardState:
    """What is left of a shard.

    Attributes:
        number: which it is.
        offset: up to which byte they have been handed out.
        left: how many lines have not been handed out.
        begun: how many have.
    """

    number: int
    left: int
    offset: int = 0
    begun: int = 0


class ClusterRun:
    """One run over SOURCEs by an executor; :meth:`outcomes` is to be consumed once.

    Args:
        source: the SOURCEs of a command line.
        options: how it is made; limits of the whole run are shared out.
        plan: how the list is shared.
        executor: makes who has portions done; Dask, unless a test says otherwise.
        portion: how many lines are done at once.
    """

    def __init__(
        self,
        source: Sequence[str],
        options: Options,
        plan: ClusterPlan,
        executor: MakeExecutor | None = None,
        portion: int = PORTION,
    ) -> None:
        self._warnings: list[str] = []
        self._source = source
        self._plan = plan
        self._portion = portion
        self._make = executor or _dask
        self._run = uuid.uuid4().hex
        self._options = _anywhere(options)
        self._share = ShardFilter(options.shard)
        self._parts: Partition | None = None
        self._give_up: Callable[[], object] | None = None
        self._reader: ReadAhead[Entry] | None = None
        self._made: Executor | None = None
        self._executor: Executor | None = None
        self._progress: dict[int, PortionProgress] = {}
        self._received = 0
        self._yielded = 0
        self._stopped = False
        self._stopping: set[asyncio.Task[None]] = set()
        self._tasks: dict[asyncio.Task[PortionResult], tuple[_ShardState, Portion]] = {}
        self._fault: Exception | None = None

    @property
    def warnings(self) -> list[str]:
        """Lines for a person, as they become known."""
        return [*(self._made.warnings if self._made else ()), *self._warnings]

    @property
    def archive_files(self) -> Sequence[Path]:
        """No archive of the whole run is kept."""
        return ()

    @property
    def progress(self) -> RunProgress:
        """How far the run is, as far as workers have reported."""
        reports = self._progress.values()
        total = self._parts.total if self._parts is not None else None
        read = self._reader.count if self._reader is not None else 0
        return RunProgress(
            total=total,
            untried=(read if total is None else total) - self._yielded,
            other_shards=(self._parts or self._share).others,
            received=self._received + sum(each.received for each in reports),
            running=sum(each.running for each in reports),
            unreported=sum(each.done for each in reports),
            unreported_failures=sum(each.failed for each in reports),
        )

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched, the longest first; of many, not all."""
        rows = [row for each in self._progress.values() for row in each.rows]
        return sorted(rows, key=lambda row: -row.seconds)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        if self._give_up is not None:
            # The list may come from where nothing comes any more, and no worker may come either.
            self._give_up()
        if self._executor is not None and self._tasks:
            stopping = asyncio.create_task(self._executor.stop(now=now), name="stopping")
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)
            if now:
                asyncio.get_running_loop().call_later(_STOP_SECONDS, self._abandon)

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as portions end.

        Raises:
            RunError: a list cannot be read, the output folder not be used, or nobody be found to do
                anything; what was running has been finished and yielded before.
            DiskError: a disk failed.
        """
        async with AsyncExitStack() as stack:
            cutter = Partitioner(await self._held(stack), self._plan.shards)
            parts = self._parts = await self._prepared(self._cut(cutter))
            if parts is None:
                return
            for failure in parts.failures():
                self._yielded += 1
                yield failure
            if sum(parts.counts):
                executor = self._made = self._make(self._run, self._plan, self._told)
                self._executor = await self._prepared(stack.enter_async_context(executor))
                if self._executor is None:
                    return
                stack.push_async_callback(self._end)
                async for outcome in self._hand_out(parts, self._executor):
                    self._yielded += 1
                    yield outcome
        if self._fault is not None:
            raise self._fault

    async def _prepared(self, work: Coroutine[None, None, Result]) -> Result | None:
        """Return what *work* makes, or None when the run is stopped before that is there."""
        task = asyncio.create_task(work, name="preparing")
        self._give_up = task.cancel
        try:
            if not self._stopped:
                await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._give_up = None
        # What it could not do while it was being stopped, nobody wants to know.
        failed = task.cancelled() or task.exception() is not None
        return None if self._stopped and failed else task.result()

    async def _held(self, stack: AsyncExitStack) -> Path:
        """Return a folder that this run has for itself: that of its output, if it has one."""
        if not self._options.save:
            return Path(stack.enter_context(TemporaryDirectory(prefix="download-")))
        # What would refuse it is found here, once, and not by each worker.
        await stack.enter_async_context(LocalStorage(self._options.output))
        journal = await asyncio.to_thread(Journal, self._options.output, self._options)
        stack.callback(journal.close)
        return self._options.output

    async def _cut(self, cutter: Partitioner) -> Partition:
        """Return the parts of the list."""
        key = key_of(self._source, self._share.shard)
        if (parts := cutter.known(key)) is not None:
            return parts
        await asyncio.to_thread(cutter.begin)
        async with NestedListFetcher(self._options) as lists:
            entries = self._share.of(sources.read(self._source, lists.fetcher()))
            self._reader = ReadAhead(entries, ahead=_AT_ONCE, name="reader of lists")
            while batch := await self._reader.take(_AT_ONCE):
                await asyncio.to_thread(cutter.add, batch)
            # What was fetched for it may be another tomorrow.
            known_as = "" if lists.asked else key
            return await asyncio.to_thread(cutter.finish, known_as, self._share.others)

    async def _hand_out(self, parts: Partition, executor: Executor) -> AsyncGenerator[Outcome]:
        """Have all shards done, those first that have most left: what takes longest, begins."""
        queue = [
            (-count, number, _ShardState(number, count))
            for number, count in enumerate(parts.counts)
            if count
        ]
        heapq.heapify(queue)
        while True:
            while queue and not self._stopped and len(self._tasks) < self._most(executor):
                self._begin(heapq.heappop(queue)[2], parts, executor)
            if not self._tasks:
                return
            ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                shard, work = self._tasks.pop(task)
                self._progress.pop(shard.number, None)
                for outcome in self._results(task, work):
                    yield outcome
                if shard.left:
                    heapq.heappush(queue, (-shard.left, shard.number, shard))

    def _most(self, executor: Executor) -> int:
        """Return how many portions may be on their way: each fetches one URL at once, or more."""
        slots, limit = executor.slots, self._options.concurrency
        return limit if limit is not None and limit < slots else slots * _AHEAD

    def _begin(self, shard: _ShardState, parts: Partition, executor: Executor) -> None:
        lines = parts.portion(shard.number, shard.offset, self._portion)
        shard.offset += len(lines)
        whole, folder = self._options, folder_of(shard.number)
        options = replace(
            _part_of(whole, executor.slots),
            output=whole.output / folder,
            remote=whole.remote and f"{whole.remote}/{folder}",
        )
        if self._plan.address is None:
            options = replace(options, processes=1)
        work = Portion(self._run, shard.number, shard.begun, lines, options, __version__)
        shard.begun += work.count
        shard.left -= work.count
        self._tasks[asyncio.create_task(executor.do(work), name=f"shard {shard.number}")] = (
            shard,
            work,
        )

    def _results(self, task: asyncio.Task[PortionResult], work: Portion) -> Iterator[Outcome]:
        """Yield what became of a portion."""
        try:
            done = task.result()
        except asyncio.CancelledError:
            return
        except PortionLostError as error:
            fault = InternalError(str(error), hint="run it again: it goes on where it was")
            yield from (failed_outcome(target_of(line), fault) for line in work.lines.splitlines())
            return
        except RunError as error:
            self._end_with(error)
            return
        self._warnings += [each for each in done.warnings if each not in self._warnings]
        if done.error is not None:
            self._end_with(done.error)
        for outcome in outcomes(done.frames, folder_of(work.shard)):
            if isinstance(outcome, Downloaded):
                self._received += outcome.sizes.wire
            yield outcome

    def _end_with(self, fault: Exception) -> None:
        """Have the run end, because of the first such fault."""
        if self._fault is None:
            self._fault = fault
            self.stop(now=isinstance(fault, DiskError))

    def _told(self, progress: PortionProgress) -> None:
        if any(shard.number == progress.shard for shard, _ in self._tasks.values()):
            self._progress[progress.shard] = progress

    def _abandon(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _end(self) -> None:
        """Leave nothing behind when the consumer goes before the end."""
        if self._tasks and self._executor is not None:
            self._stopped = True
            await self._executor.stop(now=True)
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            self._abandon()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._stopping, return_exceptions=True)


def _dask(run: str, plan: ClusterPlan, told: Callable[[PortionProgress], None]) -> Executor:
    # It takes a second to load, and is an extra.
    from downloader.cluster.dask import DaskExecutor

    return DaskExecutor(run, plan, told)


def _anywhere(options: Options) -> Options:
    """Return options whose files have the same names in another process's folder."""
    return replace(
        options,
        output=options.output.absolute(),
        cookies=options.cookies and options.cookies.absolute(),
        cacert=options.cacert and options.cacert.absolute(),
        shard=None,
    )


def _part_of(options: Options, slots: int) -> Options:
    """Return what each of so many portions at once is told, so that all keep to *options*."""
    return replace(
        options,
        concurrency=options.concurrency and max(1, options.concurrency // slots),
        limit_rate=options.limit_rate and max(1, options.limit_rate // slots),
    )
