"""A run over one list on many machines: partition the list, run its shards, yield the outcomes.

It is a :class:`~downloader.core.run.Run`, like :class:`~downloader.core.local_run.LocalRun`, which
runs each portion on some worker. Portions of one shard follow each other, so that no host is asked
by two workers at once; their size is bounded, however skewed the list is.
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
    decode_outcomes,
    decode_target,
)
from downloader.cluster.partition import Partition, Partitioner, fingerprint_of, shard_folder
from downloader.core.read_ahead import ReadAhead
from downloader.core.run import RunProgress
from downloader.core.sitemap_fetcher import SitemapFetcher
from downloader.errors import DiskError, InternalError, RunError
from downloader.journal import Journal, failed_outcome
from downloader.models import Downloaded, InFlight, ListOptions, Options, Outcome
from downloader.sources import Entry, ShardFilter
from downloader.storage import LocalStorage

#: Lines of a shard that one task fetches; a lost worker repeats at most that many.
MAX_LINES_PER_PORTION = 10_000
_ENTRIES_PER_BATCH = 2048
#: Portions submitted for each slot: one runs, and one waits so that the slot is never idle.
_PORTIONS_PER_SLOT = 2
#: How long to wait for the results of portions after a request to stop now.
_STOP_SECONDS = 15.0

Result = TypeVar("Result")
#: Creates an executor from the run's identifier, its plan, and a callback for progress.
ExecutorFactory = Callable[[str, ClusterPlan, Callable[[PortionProgress], None]], Executor]


@dataclass(slots=True)
class _ShardState:
    """The lines of a shard that have not been submitted.

    Attributes:
        number: the number of the shard, from 0.
        remaining: lines that have not been submitted.
        submitted: lines that have.
        offset: where the next line begins in the shard file, in bytes.
    """

    number: int
    remaining: int
    submitted: int = 0
    offset: int = 0


class ClusterRun:
    """A run over SOURCEs on the workers of an executor; :meth:`outcomes` is consumed once.

    Args:
        source: the SOURCEs of a command line.
        options: the options of the run; limits of the whole run are divided among its portions.
        plan: how the list is distributed.
        executor_factory: creates the executor; Dask's by default.
        portion_lines: the most lines of a portion.
    """

    def __init__(
        self,
        source: Sequence[str],
        options: Options,
        plan: ClusterPlan,
        executor_factory: ExecutorFactory | None = None,
        portion_lines: int = MAX_LINES_PER_PORTION,
    ) -> None:
        self._warnings: list[str] = []
        self._source = source
        self._plan = plan
        self._portion_lines = portion_lines
        self._executor_factory = executor_factory or _dask_executor
        self._run_id = uuid.uuid4().hex
        self._list_options: ListOptions = options
        self._options = _for_other_processes(options)
        self._shard_filter = ShardFilter(options.shard)
        self._partition: Partition | None = None
        self._cancel_preparation: Callable[[], object] | None = None
        self._reader: ReadAhead[Entry] | None = None
        #: The executor, which may have warnings while it is being opened; and the open one.
        self._new_executor: Executor | None = None
        self._executor: Executor | None = None
        self._progress_by_shard: dict[int, PortionProgress] = {}
        self._received = 0
        self._yielded = 0
        self._stopped = False
        self._stop_tasks: set[asyncio.Task[None]] = set()
        self._tasks: dict[asyncio.Task[PortionResult], tuple[_ShardState, Portion]] = {}
        self._error: Exception | None = None

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        return [*(self._new_executor.warnings if self._new_executor else ()), *self._warnings]

    @property
    def archive_files(self) -> Sequence[Path]:
        """No archive of the whole run is kept."""
        return ()

    @property
    def progress(self) -> RunProgress:
        """How far the run is, as far as workers have reported."""
        reports = self._progress_by_shard.values()
        partition = self._partition
        read = self._reader.count if self._reader is not None else 0
        return RunProgress(
            total=partition.total if partition else None,
            untried=(partition.total if partition else read) - self._yielded,
            other_shards=partition.other_shards if partition else self._shard_filter.others,
            received=self._received + sum(report.received for report in reports),
            running=sum(report.running for report in reports),
            unreported=sum(report.done for report in reports),
            unreported_failures=sum(report.failed for report in reports),
        )

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched, the longest-running first; of very many, not all."""
        rows = [row for report in self._progress_by_shard.values() for row in report.in_flight]
        return sorted(rows, key=lambda row: -row.seconds)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        if self._cancel_preparation is not None:
            # A pipe may never deliver the rest of the list, and no worker may ever appear.
            self._cancel_preparation()
        if self._executor is not None and self._tasks:
            stopping = asyncio.create_task(self._executor.stop(now=now), name="stopping")
            self._stop_tasks.add(stopping)
            stopping.add_done_callback(self._stop_tasks.discard)
            if now:
                asyncio.get_running_loop().call_later(_STOP_SECONDS, self._cancel_tasks)

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as portions end.

        Raises:
            RunError: a list cannot be read, the output folder cannot be used, or no worker can be
                had; portions that were running have been finished and yielded before.
            DiskError: a disk failed.
        """
        async with AsyncExitStack() as stack:
            partitioner = Partitioner(await self._lock_output(stack), self._plan.shards)
            partition = await self._unless_stopped(self._cut_list(partitioner))
            self._partition = partition
            if partition is None:
                return
            for failure in partition.failures():
                self._yielded += 1
                yield failure
            if sum(partition.counts):
                executor = self._executor_factory(self._run_id, self._plan, self._on_progress)
                self._new_executor = executor
                self._executor = await self._unless_stopped(stack.enter_async_context(executor))
                if self._executor is None:
                    return
                stack.push_async_callback(self._shut_down)
                async for outcome in self._run_shards(partition, self._executor):
                    self._yielded += 1
                    yield outcome
        if self._error is not None:
            raise self._error

    async def _unless_stopped(self, preparation: Coroutine[None, None, Result]) -> Result | None:
        """Return the result of a coroutine; None if the run is stopped before."""
        task = asyncio.create_task(preparation, name="preparing")
        self._cancel_preparation = task.cancel
        try:
            if not self._stopped:
                await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
            self._cancel_preparation = None
        # After a stop, a failure of the preparation does not matter.
        failed = task.cancelled() or task.exception() is not None
        return None if self._stopped and failed else task.result()

    async def _lock_output(self, stack: AsyncExitStack) -> Path:
        """Return a folder for the shards: the locked output folder, or else a temporary one."""
        if not self._options.save:
            return Path(stack.enter_context(TemporaryDirectory(prefix="download-")))
        # An unusable folder is found here, once, and not by each worker.
        await stack.enter_async_context(LocalStorage(self._options.output))
        journal = await asyncio.to_thread(Journal, self._options.output, self._options)
        stack.callback(journal.close)
        return self._options.output

    async def _cut_list(self, partitioner: Partitioner) -> Partition:
        """Return the partition of the list: an existing one, or else a new one."""
        options = self._list_options
        fingerprint = fingerprint_of(self._source, self._shard_filter.shard)
        if fingerprint:
            fingerprint += f"{options.url_column or ''} {options.base or ''}"
            fingerprint += f" {options.limit} {options.sample} {options.seed}"
            fingerprint += f" {options.keep_input} {options.keep_columns}"
            fingerprint += f" {self._options.template_columns}"
        if fingerprint and (request := self._options.request) is not None:
            fingerprint += f" {request.identity}"
        if options.sitemap:
            # What is on the network may change between runs.
            fingerprint = ""
        if (existing := partitioner.find_existing(fingerprint)) is not None:
            return existing
        await asyncio.to_thread(partitioner.begin)
        async with SitemapFetcher(self._options) as lists:
            settings = sources.ListSettings.of(self._options, self._warnings.append)
            lines = sources.read(self._source, lists.blocking_fetch(), settings)
            entries = self._shard_filter.select(sources.select_lines(lines, options))
            self._reader = ReadAhead(
                entries, max_buffered=_ENTRIES_PER_BATCH, name="reader of lists"
            )
            while batch := await self._reader.take(_ENTRIES_PER_BATCH):
                await asyncio.to_thread(partitioner.add, batch)
            # Nested lists on the network may change between runs.
            reusable = "" if lists.was_used else fingerprint
            return await asyncio.to_thread(partitioner.finish, reusable, self._shard_filter.others)

    async def _run_shards(
        self, partition: Partition, executor: Executor
    ) -> AsyncGenerator[Outcome]:
        """Run all shards, those with most remaining lines first, and yield their outcomes."""
        queue = [
            (-count, number, _ShardState(number, count))
            for number, count in enumerate(partition.counts)
            if count
        ]
        heapq.heapify(queue)
        while True:
            while queue and not self._stopped and len(self._tasks) < self._max_portions(executor):
                self._submit_next(heapq.heappop(queue)[2], partition, executor)
            if not self._tasks:
                return
            ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                shard, portion = self._tasks.pop(task)
                self._progress_by_shard.pop(shard.number, None)
                for outcome in self._results(task, portion):
                    yield outcome
                if shard.remaining:
                    heapq.heappush(queue, (-shard.remaining, shard.number, shard))

    def _max_portions(self, executor: Executor) -> int:
        """Return how many portions may be submitted at once.

        A portion has at least one transfer at a time, so a low ``concurrency`` means fewer portions
        than slots.
        """
        slots, limit = executor.slots, self._options.concurrency
        return limit if limit is not None and limit < slots else slots * _PORTIONS_PER_SLOT

    def _submit_next(self, shard: _ShardState, partition: Partition, executor: Executor) -> None:
        """Submit the next portion of a shard."""
        lines = partition.read_lines(shard.number, shard.offset, self._portion_lines)
        shard.offset += len(lines)
        folder = shard_folder(shard.number)
        options = replace(
            _divide_limits(self._options, executor.slots),
            output=self._options.output / folder,
            remote=self._options.remote and f"{self._options.remote}/{folder}",
        )
        if self._plan.scheduler is None or options.processes is None:
            # A local cluster has one worker per process already, and others have many workers.
            options = replace(options, processes=1)
        portion = Portion(self._run_id, shard.number, shard.submitted, lines, options, __version__)
        shard.submitted += portion.count
        shard.remaining -= portion.count
        task = asyncio.create_task(executor.execute(portion), name=f"shard {shard.number}")
        self._tasks[task] = shard, portion

    def _results(self, task: asyncio.Task[PortionResult], portion: Portion) -> Iterator[Outcome]:
        """Yield the outcomes of a portion that has ended."""
        try:
            result = task.result()
        except asyncio.CancelledError:
            return
        except PortionLostError as lost:
            error = InternalError(str(lost), hint="run the command again to continue")
            for line in portion.lines.splitlines():
                yield failed_outcome(decode_target(line), error)
            return
        except RunError as error:
            self._fail(error)
            return
        self._warnings += [each for each in result.warnings if each not in self._warnings]
        if result.error is not None:
            self._fail(result.error)
        for outcome in decode_outcomes(result.encoded_outcomes, shard_folder(portion.shard)):
            if isinstance(outcome, Downloaded):
                self._received += outcome.sizes.wire
            yield outcome

    def _fail(self, error: Exception) -> None:
        """Stop the run; :meth:`outcomes` raises the first such error at its end."""
        if self._error is None:
            self._error = error
            self.stop(now=isinstance(error, DiskError))

    def _on_progress(self, progress: PortionProgress) -> None:
        # A report may arrive after the result of its portion.
        if any(shard.number == progress.shard for shard, _ in self._tasks.values()):
            self._progress_by_shard[progress.shard] = progress

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _shut_down(self) -> None:
        """Stop the workers' portions, if the consumer leaves before the end."""
        if self._tasks and self._executor is not None:
            self._stopped = True
            await self._executor.stop(now=True)
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
            self._cancel_tasks()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._stop_tasks, return_exceptions=True)


def _dask_executor(
    run_id: str, plan: ClusterPlan, on_progress: Callable[[PortionProgress], None]
) -> Executor:
    # Dask takes a second to import, and is an optional dependency.
    from downloader.cluster.dask import DaskExecutor

    return DaskExecutor(run_id, plan, on_progress)


def _for_other_processes(options: Options) -> Options:
    """Return options with absolute paths, and without what the list is filtered by."""
    return replace(
        options,
        output=options.output.absolute(),
        cookies=options.cookies and options.cookies.absolute(),
        cacert=options.cacert and options.cacert.absolute(),
        cert=options.cert and options.cert.absolute(),
        key=options.key and options.key.absolute(),
        limit=None,
        sample=None,
        shard=None,
    )


def _divide_limits(options: Options, portions: int) -> Options:
    """Return the options of one of so many concurrent portions."""
    return replace(
        options,
        concurrency=options.concurrency and max(1, options.concurrency // portions),
        limit_rate=options.limit_rate and max(1, options.limit_rate // portions),
    )
