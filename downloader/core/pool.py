"""ALL URLs of one process: one session, one semaphore, ``create_task``, ``gather``.

Transfers wait in a queue for each host. A permit of the semaphore is taken before a task is made
for the one whose turn it is, so that no more tasks are alive than the limit. Finished tasks are
gathered in batches with ``return_exceptions=True``: a failure, even a defect, is the outcome of its
URL and never stops the rest.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from downloader import archive, object_store
from downloader.core.backend import Ended, Park
from downloader.core.transfer import (
    Redirected,
    Requeue,
    Transfer,
    TransferContext,
    TransferMeter,
    download,
    failed,
)
from downloader.errors import ErrorKind, HttpStatusError
from downloader.http import Client
from downloader.models import Failed, InFlight, Outcome, TransferOptions
from downloader.scheduling import (
    MOST_AT_ONCE,
    AutoConcurrency,
    HostQueues,
    RateLimiter,
    ResizableSemaphore,
    affordable,
)
from downloader.storage import open_storage

#: Waits so many seconds; tests put something quicker in its place.
Sleep = Callable[[float], Awaitable[None]]
#: While so many finished transfers wait to be collected, none is started.
UNCOLLECTED = 1000
#: Failures that fewer transfers at once might avoid.
#: So many pauses are waited for, one after the other, until the host is given up.
_LEAST_PATIENCE = 3
_HOPELESS = "to all requests before this one, which was not made any more"
_STRAIN = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECT, ErrorKind.DNS})
#: A rate that is one's share of several changes: nobody sleeps for longer by what it was.
_SHARE_SECONDS = 0.1

_Task = asyncio.Task[Outcome | Redirected | Requeue]


@dataclass(frozen=True, slots=True)
class PoolShare:
    """What a pool has to know that is one of several.

    Attributes:
        owns: whether a host is asked by this pool; what leads to others is to be handed over.
        most: no more transfers than that at once, where the number is found out.
        at_once: no more than that until :meth:`Pool.hurry`; None for no such limit.
        began: told of each transfer that starts.
        waits: told of each that does not run any more, and has no outcome yet.
    """

    owns: Callable[[str], bool]
    most: int
    at_once: int | None
    began: Callable[[Transfer], None]
    waits: Callable[[Transfer], None]


class Pool:
    """The workers of one process; a :class:`~downloader.core.backend.TransferBackend`.

    Args:
        options: how the run is made.
        park: see :data:`Park`.
        wake: set whenever there is something to :meth:`collect`.
        part: see :class:`PoolShare`; None when this pool does it all.
        sleep, clock: time, for tests.

    Attributes:
        warnings: lines for a person.
        untried: what had not been started when the pool was stopped, and never will be.
    """

    def __init__(
        self,
        options: TransferOptions,
        park: Park,
        wake: asyncio.Event,
        part: PoolShare | None = None,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.warnings: list[str] = []
        self.untried: list[Transfer] = []
        self._options = options
        self._part = part
        self._careful = part.at_once if part else None
        self._wake = wake
        self._sleep = sleep
        self._clock = clock
        self._hosts: HostQueues[Transfer] = HostQueues(options.per_host, options.delay, clock)
        self._meter = TransferMeter()
        self._adaptive = AutoConcurrency(
            self._most_at_once(), clock, lambda: self.received, fixed=bool(options.concurrency)
        )
        self._permits = ResizableSemaphore(self._limit)
        self._park = park
        self._stack = AsyncExitStack()
        self._tasks: dict[_Task, Transfer] = {}
        self._done: list[_Task] = []
        self._given_up: list[Ended] = []
        self._foreign: list[tuple[Transfer, float]] = []
        self._bandwidth: RateLimiter | None = None
        self._stopped = False
        self._short = False
        self._patience = max(options.retries, _LEAST_PATIENCE)
        self._may_start = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0

    async def __aenter__(self) -> Self:
        options = self._options
        recorder = archive.open_recorder(options)
        if recorder is not None:
            # Left last: until then the transfers that end have something to be written.
            await self._stack.enter_async_context(recorder)
        holdings = (
            await asyncio.to_thread(archive.open_replay_source, options) if options.replay else None
        )
        client = Client(options, recorder, holdings, archive.open_orphan_source(options))
        storage = open_storage(options, client.close_idle, object_store.open_store(options))
        await self._stack.enter_async_context(storage)
        await self._stack.enter_async_context(client)
        if options.limit_rate:
            longest = _SHARE_SECONDS if self._part else math.inf
            self._bandwidth = RateLimiter(options.limit_rate, self._sleep, self._clock, longest)
        rooms = TransferContext(
            client, storage, self._hosts, self._bandwidth, self._meter, options, self._park
        )
        self._starter = asyncio.create_task(self._start_in_turn(rooms), name="starter")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop(now=True)
        helpers = [task for task in (self._starter, self._alarm) if task is not None]
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*self._tasks, *helpers, return_exceptions=True)
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def unfinished(self) -> int:
        """How many transfers are here that have not been collected."""
        return self._hosts.queued + len(self._tasks) + len(self._given_up)

    @property
    def running(self) -> int:
        """How many of them are being fetched now."""
        return len(self._tasks) - len(self._done)

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._meter.received

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest first."""
        rows = [
            InFlight(transfer.job.target.shown, transfer.seconds, transfer.received)
            for task, transfer in self._tasks.items()
            if not task.done()
        ]
        return sorted(rows, key=lambda row: -row.seconds)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Have these fetched when their turn comes; once stopped, never."""
        if self._stopped:
            return
        for transfer in transfers:
            self._hosts.put(transfer.host, transfer, transfer.job.target.delay)
        self._may_start.set()

    def put_back(self, moves: Iterable[tuple[Transfer, float]]) -> None:
        """Have these go on, each after so many seconds, before others of their hosts."""
        for transfer, seconds in moves:
            if self._stopped:
                self._give_up(transfer)
            else:
                self._hosts.put_back(transfer.host, transfer, seconds)
        self._may_start.set()

    def hand_over(self) -> list[tuple[Transfer, float]]:
        """Return what another pool is to go on with, each after so many seconds."""
        moves, self._foreign = self._foreign, []
        return moves

    def hurry(self) -> None:
        """Start as many at once as is best, where that was limited."""
        self._careful = None
        self._resize()

    def set_rate(self, rate: float) -> None:
        """Receive no more bytes per second from now on, where there is a limit."""
        if self._bandwidth is not None:
            self._bandwidth.rate = rate

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        for transfer in self._hosts.drain():
            if transfer.attempts:
                self._give_up(transfer)
            else:
                self.untried.append(transfer)
        if now:
            for task in self._tasks:
                if not task.cancelling():
                    # Once: what it leaves in good order must not be interrupted again.
                    task.cancel()

    async def collect(self) -> list[Ended]:
        """Return what has finished since; an exception becomes its URL's outcome."""
        ended, self._given_up = self._given_up, []
        tasks, self._done = self._done, []
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for task, result in zip(tasks, results, strict=True):
            transfer = self._tasks.pop(task)
            if isinstance(result, BaseException):
                result = failed(transfer, result)
            if not isinstance(result, Requeue):
                ended.append((transfer, result))
        if len(tasks) >= UNCOLLECTED:
            self._may_start.set()
        return ended

    async def _start_in_turn(self, rooms: TransferContext) -> None:
        """Make a task for each transfer whose turn it is, never more than there are permits."""
        while True:
            self._short = True
            await self._permits.acquire()
            self._short = False
            while len(self._done) >= UNCOLLECTED or (found := self._hosts.take()) is None:
                await self._until_one_may_start()
            host, transfer = found
            task: _Task = asyncio.create_task(
                download(transfer, rooms), name=transfer.job.target.shown
            )
            self._tasks[task] = transfer
            if self._part is not None:
                self._part.began(transfer)
            task.add_done_callback(partial(self._task_done, host))

    async def _until_one_may_start(self) -> None:
        self._may_start.clear()
        seconds = self._hosts.seconds_to_next()
        if seconds is not None:
            at = self._clock() + seconds
            if self._alarm is None or self._alarm.done() or at < self._alarm_at:
                if self._alarm is not None:
                    self._alarm.cancel()
                self._alarm_at = at
                self._alarm = asyncio.create_task(self._ring(seconds), name="alarm")
        await self._may_start.wait()

    async def _ring(self, seconds: float) -> None:
        await self._sleep(seconds)
        self._may_start.set()

    def _task_done(self, host: str, task: _Task) -> None:
        self._permits.release()
        self._hosts.done(host)
        result = None if task.cancelled() or task.exception() else task.result()
        if not isinstance(result, Requeue):
            self._done.append(task)
            self._wake.set()
        else:
            self._go_on(self._tasks.pop(task), result.seconds)
        self._may_start.set()
        if isinstance(result, Failed) and self._hosts.refusals(host) > self._patience:
            self._give_up_on(host, result)
        strained = isinstance(result, Requeue) and result.kind in _STRAIN
        self._adaptive.ended(short=self._short and self._hosts.queued > 0, strained=strained)
        self._resize()

    def _go_on(self, transfer: Transfer, seconds: float) -> None:
        """Have a transfer wait for its turn at the host that it has come to."""
        if self._part is not None:
            self._part.waits(transfer)
        if self._stopped:
            self._give_up(transfer)
        elif self._part is None or self._part.owns(transfer.host):
            self._hosts.put_back(transfer.host, transfer, seconds)
        else:
            self._foreign.append((transfer, seconds))
            self._wake.set()

    @property
    def _limit(self) -> int:
        """How many may run at once now."""
        limit = self._adaptive.limit
        return limit if self._careful is None else min(limit, self._careful)

    def _resize(self) -> None:
        if self._permits.limit != self._limit:
            self._permits.resize(self._limit)

    def _give_up_on(self, host: str, last: Failed) -> None:
        """Fail what waits for a host that has only asked for pauses for as long as is waited.

        Otherwise each URL in turn would wait for as long, which may be days.
        """
        for transfer in self._hosts.take_all(host):
            error = HttpStatusError(last.status or 0, _HOPELESS)
            self._given_up.append((transfer, failed(transfer, error)))
        self._wake.set()

    def _give_up(self, transfer: Transfer) -> None:
        """Have it known that a transfer that had been tried is not tried again."""
        self._given_up.append((transfer, failed(transfer, asyncio.CancelledError())))
        self._wake.set()

    def _most_at_once(self) -> int:
        """Return how many transfers may run at once, which the system may not allow."""
        wanted = self._options.concurrency
        most = affordable(wanted or (self._part.most if self._part else MOST_AT_ONCE))
        if wanted is not None and most < wanted:
            self.warnings.append(
                f"no more than {most} at once, as the limit of open files is low; see ulimit -n"
            )
        return most
