"""ALL URLs of one process: one session, one semaphore, ``create_task``, ``gather``.

Transfers wait in a queue for each host. A permit of the semaphore is taken before a task is made
for the one whose turn it is, so that no more tasks are alive than the limit. Finished tasks are
gathered in batches with ``return_exceptions=True``: a failure, even a defect, is the outcome of its
URL and never stops the rest.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Self

from downloader.download import Again, Meter, Redirected, Rooms, Transfer, download, failed
from downloader.errors import ErrorKind
from downloader.fetch import Client
from downloader.governor import MOST_AT_ONCE, Adaptive, Bandwidth, Hosts, Permits, affordable
from downloader.journal import Job, Parked
from downloader.models import Failed, InFlight, Options, Outcome
from downloader.storage import Storage

#: Waits so many seconds; tests put something quicker in its place.
Sleep = Callable[[float], Awaitable[None]]
#: Notes in the journal that a partial file is begun, and returns when that is written.
Park = Callable[[Job, Parked], Awaitable[None]]
#: While so many finished transfers wait to be collected, none is started.
_UNCOLLECTED = 1000
#: Failures that fewer transfers at once might avoid.
_STRAIN = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECT, ErrorKind.DNS})

Ended = tuple[Transfer, Outcome | Redirected]
_Task = asyncio.Task[Outcome | Redirected | Again]


class Pool:
    """The workers of one process; an asynchronous context manager.

    Args:
        options: how the run is made.
        park: see :data:`Park`.
        wake: set whenever there is something to :meth:`collect`.
        sleep, clock: time, for tests.

    Attributes:
        warnings: lines for a person.
        client: what lists that lists name are fetched with, once it is entered.

    Raises, on entering:
        RunError: the output folder, or a file that an option names, cannot be used.
    """

    client: Client

    def __init__(
        self,
        options: Options,
        park: Park,
        wake: asyncio.Event,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.warnings: list[str] = []
        self._options = options
        self._wake = wake
        self._sleep = sleep
        self._clock = clock
        self._hosts: Hosts[Transfer] = Hosts(options.per_host, options.delay, clock)
        self._meter = Meter()
        self._adaptive = Adaptive(
            self._most_at_once(), clock, lambda: self.received, fixed=bool(options.concurrency)
        )
        self._permits = Permits(self._adaptive.limit)
        self._park = park
        self._stack = AsyncExitStack()
        self._tasks: dict[_Task, Transfer] = {}
        self._done: list[_Task] = []
        self._given_up: list[Ended] = []
        self._stopped = False
        self._short = False
        self._may_start = asyncio.Event()
        self._starter: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0

    async def __aenter__(self) -> Self:
        options = self._options
        self.client = Client(options)
        storage = Storage(options.output, self.client.close_idle)
        await self._stack.enter_async_context(storage)
        await self._stack.enter_async_context(self.client)
        rate = options.limit_rate
        bandwidth = Bandwidth(rate, self._sleep, self._clock) if rate else None
        rooms = Rooms(
            self.client, storage, self._hosts, bandwidth, self._meter, options, self._park
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
            self._hosts.put(transfer.host, transfer)
        self._may_start.set()

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        for transfer in self._hosts.drain():
            if transfer.attempts:
                self._give_up(transfer)
        if now:
            for task in self._tasks:
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
            if not isinstance(result, Again):
                ended.append((transfer, result))
        if len(tasks) >= _UNCOLLECTED:
            self._may_start.set()
        return ended

    async def _start_in_turn(self, rooms: Rooms) -> None:
        """Make a task for each transfer whose turn it is, never more than there are permits."""
        while True:
            self._short = True
            await self._permits.acquire()
            self._short = False
            while len(self._done) >= _UNCOLLECTED or (found := self._hosts.take()) is None:
                await self._until_one_may_start()
            host, transfer = found
            task: _Task = asyncio.create_task(
                download(transfer, rooms), name=transfer.job.target.shown
            )
            self._tasks[task] = transfer
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
        if not isinstance(result, Again):
            self._done.append(task)
            self._wake.set()
        else:
            transfer = self._tasks.pop(task)
            if self._stopped:
                self._give_up(transfer)
            else:
                self._hosts.put_back(transfer.host, transfer, result.seconds)
        self._may_start.set()
        kind = result.kind if isinstance(result, Again | Failed) else None
        self._adaptive.ended(short=self._short, strained=kind in _STRAIN)
        if self._permits.limit != self._adaptive.limit:
            self._permits.resize(self._adaptive.limit)

    def _give_up(self, transfer: Transfer) -> None:
        """Have it known that a transfer that had been tried is not tried again."""
        self._given_up.append((transfer, failed(transfer, asyncio.CancelledError())))
        self._wake.set()

    def _most_at_once(self) -> int:
        """Return how many transfers may run at once, which the system may not allow."""
        wanted = self._options.concurrency
        most = affordable(wanted or MOST_AT_ONCE)
        if wanted is not None and most < wanted:
            self.warnings.append(
                f"no more than {most} at once, as the limit of open files is low; see ulimit -n"
            )
        return most
