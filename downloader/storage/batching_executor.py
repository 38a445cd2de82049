"""Hops to the threads that save: many small jobs in one, because a hop costs more than a save."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from aiofiles.base import wrap

_THREADS = 4
#: So many jobs go in one hop, so that the first of them need not wait for long.
_MOST = 64
#: Jobs that take longer, in seconds, wait for the disk: then several threads do.
_SLOW_SECONDS = 0.01

Result = TypeVar("Result")


class _Runnable(Protocol):
    def do(self) -> None:
        """Run in a thread."""

    def tell(self) -> None:
        """Give the result to who waits for it, in the event loop."""


class _QueuedCall(Generic[Result]):
    """A function to be run in a thread, and who waits for its result."""

    def __init__(self, function: Callable[[], Result], future: asyncio.Future[Result]) -> None:
        self._function = function
        self._future = future
        self._result: Result
        self._error: Exception | None = None

    def do(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error

    def tell(self) -> None:
        if self._future.cancelled():
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result(self._result)


class BatchingExecutor:
    """Runs blocking functions in threads; what comes while one is busy goes in its next hop."""

    def __init__(self) -> None:
        # One that is warm is quicker than several in turn; the others are for a slow disk.
        self._first = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._others = ThreadPoolExecutor(_THREADS - 1, thread_name_prefix="storage")
        self._in_thread = wrap(_do_all)
        self._waiting: list[_Runnable] = []
        self._hopping: set[asyncio.Task[None] | None] = set()
        self._slow = False

    async def close(self) -> None:
        """End the threads, when they have done all that was asked for, also by who has given up."""
        while hopping := [task for task in self._hopping if task is not None]:
            await asyncio.wait(hopping)
        self._first.shutdown()
        self._others.shutdown()

    def run(self, function: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have *function* run in a thread, soon; the future has its result."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_QueuedCall(function, future))
        if not self._hopping:
            self._hopping.add(asyncio.create_task(self._hop(self._first), name="storage"))
        elif self._slow and len(self._hopping) < _THREADS:
            self._hopping.add(asyncio.create_task(self._hop(self._others), name="storage"))
        return future

    async def _hop(self, threads: ThreadPoolExecutor) -> None:
        try:
            await self._hop_while_jobs_wait(threads)
        finally:
            # At once: a job that comes when this is over must not rely on it.
            self._hopping.discard(asyncio.current_task())

    async def _hop_while_jobs_wait(self, threads: ThreadPoolExecutor) -> None:
        while self._waiting:
            share = -(-len(self._waiting) // (_THREADS if self._slow else 1))
            size = min(_MOST, share)
            jobs, self._waiting = self._waiting[:size], self._waiting[size:]
            began, busy = time.monotonic(), time.thread_time()
            await self._in_thread(jobs, executor=threads)
            seconds, busy = time.monotonic() - began, time.thread_time() - busy
            # What is slow while the event loop is busy waits for the interpreter, not for the disk.
            self._slow = seconds > _SLOW_SECONDS * size and busy < seconds / 2
            for job in jobs:
                job.tell()


def _do_all(jobs: Sequence[_Runnable]) -> None:
    for job in jobs:
        job.do()
