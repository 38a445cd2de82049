"""The transfers of one process: one session, one semaphore, ``create_task``, ``gather``.

Transfers wait in a queue for each host. A permit of the semaphore is acquired before a task is
created for the next one, so that there are never more tasks than permits. Ended tasks are gathered
in batches with ``return_exceptions=True``: an exception, even a bug, becomes the outcome of its
URL and never stops the rest.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

from downloader import archive, object_store
from downloader.core.answer_names import answer_naming
from downloader.core.fetch import attempt_download, fetch, fetch_and_extract
from downloader.core.page_extractor import PageExtractor, check_libraries
from downloader.core.response_filter import ResponseFilter
from downloader.core.transfer import (
    Attempt,
    Redirected,
    Requeue,
    Transfer,
    TransferContext,
    TransferJournal,
    TransferMeter,
)
from downloader.core.transfer_backend import EndedTransfer
from downloader.core.transfer_outcomes import failed
from downloader.errors import ErrorKind, HttpStatusError
from downloader.http import Client, CookieJar
from downloader.models import Failed, InFlight, Outcome, TransferOptions
from downloader.scheduling import (
    MAX_CONCURRENCY,
    AutoConcurrency,
    HostQueues,
    RateLimiter,
    ResizableSemaphore,
    affordable_concurrency,
)
from downloader.storage import open_storage

#: Waits this many seconds; replaced by a simulated clock in tests.
Sleep = Callable[[float], Awaitable[None]]
#: While this many ended tasks wait to be collected, none is started.
MAX_UNCOLLECTED_TASKS = 1000
#: Pauses that a host may ask for without a success in between, or as many as ``--retries`` if that
#: is more; a failure after more pauses gives the host up.
_MIN_PAUSES_BEFORE_GIVING_UP = 3
#: Follows the status in the message, in place of a reason phrase: "503 to all earlier requests…".
_GIVEN_UP_REASON = "to all earlier requests to this host, so that this one was not made"
#: Failures that fewer transfers at once might avoid.
_OVERLOAD_KINDS = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECT, ErrorKind.DNS})
#: Longest sleep, so that a changed share of the rate takes effect quickly.
_MAX_RATE_SLEEP_SECONDS = 0.1

#: The smallest and the largest factor of a random delay, as in wget.
_RANDOM_FACTORS = (0.5, 1.5)

_Task = asyncio.Task[Outcome | Redirected | Requeue]
_Fetch = Callable[
    [Transfer, str, TransferContext], Coroutine[Any, Any, Outcome | Redirected | Requeue]
]


@dataclass(frozen=True, slots=True)
class PoolShare:
    """The share of a pool that is one of several.

    Attributes:
        owns: whether a host belongs to this pool; transfers that redirects lead to other hosts
            are handed over by :meth:`Pool.take_foreign`.
        max_concurrency: the largest number of transfers at once, unless ``--concurrency`` fixes it.
        concurrency_cap: a smaller maximum until :meth:`Pool.cap_concurrency`, or None.
        on_start: called with each transfer that starts, if given.
        on_requeue: called with each transfer that has stopped running without an outcome.
    """

    owns: Callable[[str], bool]
    max_concurrency: int = MAX_CONCURRENCY
    concurrency_cap: int | None = None
    on_start: Callable[[Transfer], None] | None = None
    on_requeue: Callable[[Transfer], None] | None = None


class Pool:
    """The transfers of one process; a :class:`~downloader.core.transfer_backend.TransferBackend`.

    Args:
        options: the options of the run.
        journal: records steps, and claims names.
        wake: set whenever there is something to :meth:`collect`.
        share: see :class:`PoolShare`; None when this is the only pool.
        jar: the cookies of the run; None for a run without cookies.
        attempt: makes one attempt at a transfer; by default, it downloads.
        sleep, clock: for tests.

    Attributes:
        warnings: warnings so far, one line each.
        untried: transfers that had not been started when the pool was stopped.
        queues: the transfers that wait.
    """

    def __init__(
        self,
        options: TransferOptions,
        journal: TransferJournal,
        wake: asyncio.Event,
        share: PoolShare | None = None,
        *,
        jar: CookieJar | None = None,
        attempt: Attempt = attempt_download,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.warnings: list[str] = []
        self.untried: list[Transfer] = []
        self._options = options
        self._journal = journal
        self._wake = wake
        self._share = share
        self._jar = jar
        self._attempt = attempt
        self._sleep = sleep
        self._clock = clock
        self.queues: HostQueues[Transfer] = HostQueues(
            options.per_host, options.delay, clock, _random_factor if options.random_wait else None
        )
        self._meter = TransferMeter()
        self._auto_concurrency = AutoConcurrency(
            self._max_concurrency(), clock, lambda: self.received, fixed=bool(options.concurrency)
        )
        self._concurrency_cap = share.concurrency_cap if share else None
        self._permits = ResizableSemaphore(self._concurrency)
        self._rate_limiter: RateLimiter | None = None
        self._client: Client | None = None
        self._stack = AsyncExitStack()
        self._tasks: dict[_Task, Transfer] = {}
        #: Tasks whose result is an outcome, and no :class:`~downloader.core.transfer.Requeue`.
        self._ended_tasks: list[_Task] = []
        self._ended_without_task: list[EndedTransfer] = []
        self._foreign: list[tuple[Transfer, float]] = []
        self._stopped = False
        #: Whether the starter waits, and whether it waits for a permit, and not for a transfer.
        self._starter_waits = False
        self._waits_for_permit = False
        self._max_pauses = max(options.retries, _MIN_PAUSES_BEFORE_GIVING_UP)
        self._may_start = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0.0

    async def __aenter__(self) -> Self:
        options = self._options
        check_libraries(options)
        recorder = archive.open_recorder(options)
        if recorder is not None:
            # Entered first and so left last: transfers that end until then are recorded.
            await self._stack.enter_async_context(recorder)
        replay_source = (
            await asyncio.to_thread(archive.open_replay_source, options) if options.replay else None
        )
        orphans = archive.open_orphan_source(options)
        client = Client(options, recorder, replay_source, orphans, jar=self._jar)
        storage = open_storage(options, client.close_idle, object_store.open_store(options))
        self._client = client
        await self._stack.enter_async_context(storage)
        await self._stack.enter_async_context(client)
        if options.limit_rate:
            max_sleep = _MAX_RATE_SLEEP_SECONDS if self._share else math.inf
            self._rate_limiter = RateLimiter(
                options.limit_rate, self._sleep, self._clock, max_sleep
            )
        extractor = None
        if options.extract:
            extractor = await self._stack.enter_async_context(PageExtractor(options, storage))
        context = TransferContext(
            client,
            storage,
            self.queues,
            self._rate_limiter,
            self._meter,
            options,
            self._journal,
            self._attempt,
            answer_naming(options),
            ResponseFilter(options) if options.filters else None,
            extractor,
        )
        self._starter = asyncio.create_task(self._start_transfers(context), name="starter")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop(now=True)
        helpers = [task for task in (self._starter, self._timer) if task is not None]
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*self._tasks, *helpers, return_exceptions=True)
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def unfinished(self) -> int:
        """Number of transfers that have been added and not been collected."""
        waiting = self.queues.queued + len(self._foreign)
        return waiting + len(self._tasks) + len(self._ended_without_task)

    @property
    def running(self) -> int:
        """Number of them that are being fetched now."""
        return len(self._tasks) - len(self._ended_tasks)

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._meter.received

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first."""
        rows = [
            InFlight(transfer.job.target.shown, transfer.seconds, transfer.received)
            for task, transfer in self._tasks.items()
            if not task.done()
        ]
        return sorted(rows, key=lambda row: -row.seconds)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers; ignored after :meth:`stop`."""
        if self._stopped:
            return
        for transfer in transfers:
            self.queues.put(transfer.host, transfer, transfer.job.target.delay)
        self._may_start.set()

    def add_moved(self, moves: Iterable[tuple[Transfer, float]]) -> None:
        """Queue started transfers from other pools, each before others of its host, after a wait.

        Args:
            moves: transfers, each with its wait in seconds.
        """
        for transfer, seconds in moves:
            if self._stopped:
                self._end_interrupted(transfer)
            else:
                self.queues.requeue(transfer.host, transfer, seconds)
        self._may_start.set()

    def take_foreign(self) -> list[tuple[Transfer, float]]:
        """Remove and return transfers for hosts of other pools, each with a wait in seconds."""
        foreign, self._foreign = self._foreign, []
        return foreign

    def cap_concurrency(self, cap: int | None) -> None:
        """Start no transfer beyond *cap* at once; None for the usual maximum."""
        self._concurrency_cap = cap
        self._permits.limit = self._concurrency
        self._may_start.set()

    def close_idle(self, hosts: Container[str]) -> None:
        """Close the idle connections to *hosts*."""
        if self._client is not None:
            self._client.close_idle(hosts)

    def set_rate_limit(self, rate: float) -> None:
        """Change the rate limit, in bytes per second, if there is one."""
        if self._rate_limiter is not None:
            self._rate_limiter.rate = rate

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        for transfer in self.queues.drain():
            if transfer.attempts:
                self._end_interrupted(transfer)
            else:
                self.untried.append(transfer)
        if now:
            for task in self._tasks:
                # Cancelled once only: a second time would interrupt its cleanup.
                if not task.cancelling():
                    task.cancel()

    async def collect(self) -> list[EndedTransfer]:
        """Return the transfers that have ended since the last call.

        An exception becomes the outcome of its URL.
        """
        ended, self._ended_without_task = self._ended_without_task, []
        tasks, self._ended_tasks = self._ended_tasks, []
        gathered = await asyncio.gather(*tasks, return_exceptions=True)
        results = cast("list[Outcome | Redirected | BaseException]", gathered)
        for task, result in zip(tasks, results, strict=True):
            transfer = self._tasks.pop(task)
            if isinstance(result, BaseException):
                result = failed(transfer, result)
            ended.append((transfer, result))
        if len(tasks) >= MAX_UNCOLLECTED_TASKS:
            self._may_start.set()
        return ended

    async def _start_transfers(self, context: TransferContext) -> None:
        """Create a task for each transfer whose turn it is, within the limit of the semaphore."""
        create_task = asyncio.get_running_loop().create_task
        # Without an extractor, one coroutine less for each URL.
        fetches = cast("_Fetch", fetch) if context.extractor is None else fetch_and_extract
        on_start = self._share.on_start if self._share else None
        while True:
            found = None
            self._waits_for_permit = not self._permits.try_acquire()
            if not self._waits_for_permit and len(self._ended_tasks) < MAX_UNCOLLECTED_TASKS:
                found = self.queues.take()
            if found is None:
                if not self._waits_for_permit:
                    self._permits.release()
                await self._wait_until_one_may_start()
                continue
            host, transfer = found
            task: _Task = create_task(
                fetches(transfer, host, context), name=transfer.job.target.shown
            )
            self._tasks[task] = transfer
            if on_start is not None:
                on_start(transfer)
            task.add_done_callback(partial(self._task_done, host))

    async def _wait_until_one_may_start(self) -> None:
        self._may_start.clear()
        self._starter_waits = True
        seconds = self.queues.seconds_to_next()
        if seconds is not None:
            at = self._clock() + seconds
            if self._timer is None or self._timer.done() or at < self._timer_at:
                if self._timer is not None:
                    self._timer.cancel()
                self._timer_at = at
                self._timer = asyncio.create_task(self._wake_starter(seconds), name="timer")
        await self._may_start.wait()

    async def _wake_starter(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._may_start.set()

    def _task_done(self, host: str, task: _Task) -> None:
        self._permits.release()
        self.queues.release(host)
        try:
            result = task.result()
        except BaseException:
            # Also a cancellation: collect() makes it the outcome of its URL.
            result = None
        may_be_overload = False
        if isinstance(result, Requeue):
            may_be_overload = result.kind in _OVERLOAD_KINDS
            self._requeue(self._tasks.pop(task), result.seconds)
        else:
            if not self._ended_tasks:
                self._wake.set()
            self._ended_tasks.append(task)
        if self._starter_waits:
            self._starter_waits = False
            self._may_start.set()
        if isinstance(result, Failed):
            # A failure before the last attempt is not transient, or it would have been retried.
            is_last = result.attempts > self._options.retries
            may_be_overload = is_last and result.kind in _OVERLOAD_KINDS
            if self.queues.pauses(host) > self._max_pauses:
                self._give_up_host(host, result)
        permits_short = self._waits_for_permit and self.queues.queued > 0
        self._auto_concurrency.transfer_ended(permits_short=permits_short, overload=may_be_overload)
        if self._permits.limit != self._auto_concurrency.limit:
            self._permits.limit = self._concurrency

    def _requeue(self, transfer: Transfer, seconds: float) -> None:
        """Queue a transfer at its next host, which may belong to another pool."""
        if self._share is not None and self._share.on_requeue is not None:
            self._share.on_requeue(transfer)
        if self._stopped:
            self._end_interrupted(transfer)
        elif self._share is None or self._share.owns(transfer.host):
            self.queues.requeue(transfer.host, transfer, seconds)
        else:
            self._foreign.append((transfer, seconds))
            self._wake.set()

    @property
    def _concurrency(self) -> int:
        """Number of transfers that may run at once now."""
        limit, cap = self._auto_concurrency.limit, self._concurrency_cap
        return limit if cap is None else min(limit, cap)

    def _give_up_host(self, host: str, last: Failed) -> None:
        """Fail the transfers that wait for a host that keeps asking for pauses.

        Otherwise each of them in turn would wait for as long, which may be days.
        """
        for transfer in self.queues.remove_waiting(host):
            error = HttpStatusError(last.status or 0, _GIVEN_UP_REASON)
            self._ended_without_task.append((transfer, failed(transfer, error)))
        self._wake.set()

    def _end_interrupted(self, transfer: Transfer) -> None:
        """End a started transfer that is not continued, because the pool was stopped."""
        outcome = failed(transfer, asyncio.CancelledError())
        self._ended_without_task.append((transfer, outcome))
        self._wake.set()

    def _max_concurrency(self) -> int:
        """Return how many transfers may run at once; warn if the system allows fewer than asked."""
        wanted = self._options.concurrency
        maximum = self._share.max_concurrency if self._share else MAX_CONCURRENCY
        affordable = affordable_concurrency(wanted or maximum)
        if wanted is not None and affordable < wanted:
            self.warnings.append(
                f"no more than {affordable} at once, as the limit of open files is low; "
                "see ulimit -n"
            )
        return affordable


def _random_factor() -> float:
    """Return the factor of the next delay."""
    return random.uniform(*_RANDOM_FACTORS)  # noqa: S311 - no secret
