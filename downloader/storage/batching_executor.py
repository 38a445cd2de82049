"""Run blocking calls in threads, many of them in one switch of threads.

Handing a call to a thread and its result back costs more than saving a small file does.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, ParamSpec, Protocol, TypeVar

MAX_THREADS = 4
#: Calls that one batch may hold, so that the first one does not wait long for its result.
MAX_BATCH_CALLS = 64
#: Seconds a call may take on average before more threads are used: it waits for the disk then.
SLOW_CALL_SECONDS = 0.01

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Call(Protocol):
    def run(self) -> None:
        """Call the function, in a thread."""

    def deliver(self) -> None:
        """Hand the result to the caller, in the event loop."""


class _QueuedCall(Generic[Result]):
    """A function to call in a thread, and the future that gets its result."""

    def __init__(
        self, function: Callable[[], Result], future: asyncio.Future[Result] | Future[Result]
    ) -> None:
        self._function = function
        self._future = future
        self._result: Result
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error

    def deliver(self) -> None:
        if self._future.cancelled():
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result(self._result)


class BatchingExecutor(Executor):
    """An executor for one event loop; calls that arrive while its thread is busy form a batch.

    Calls are made in the order in which they arrive while the disk is quick. On a slow disk several
    threads take batches, and calls may overtake each other.
    """

    def __init__(self) -> None:
        # One warm thread is quicker than several that take turns; the others are for a slow disk.
        self._first_thread = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._other_threads = ThreadPoolExecutor(MAX_THREADS - 1, thread_name_prefix="storage")
        self._queue: list[_Call] = []
        self._runners: set[asyncio.Task[None] | None] = set()
        self._is_slow = False

    async def close(self) -> None:
        """Make the queued calls, also of cancelled callers, and end the threads."""
        while runners := [task for task in self._runners if task is not None]:
            await asyncio.wait(runners)
        self._first_thread.shutdown()
        self._other_threads.shutdown()

    def run(self, function: Callable[[], Result]) -> asyncio.Future[Result]:
        """Call *function* in a thread; return the future of its result."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._enqueue(_QueuedCall(function, future))
        return future

    def submit(
        self,
        function: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Do as :meth:`run`, for ``loop.run_in_executor`` and so for aiofiles."""
        future: Future[Result] = Future()
        self._enqueue(_QueuedCall(partial(function, *args, **kwargs), future))
        return future

    def _enqueue(self, call: _Call) -> None:
        self._queue.append(call)
        if not self._runners:
            threads = self._first_thread
        elif self._is_slow and len(self._runners) < MAX_THREADS:
            threads = self._other_threads
        else:
            return
        self._runners.add(asyncio.create_task(self._run_queue(threads), name="storage"))

    async def _run_queue(self, threads: ThreadPoolExecutor) -> None:
        try:
            while self._queue:
                await self._run_batch(threads)
        finally:
            # Without awaiting: the next call must not rely on a runner that has ended.
            self._runners.discard(asyncio.current_task())

    async def _run_batch(self, threads: ThreadPoolExecutor) -> None:
        share = -(-len(self._queue) // (MAX_THREADS if self._is_slow else 1))
        size = min(MAX_BATCH_CALLS, share)
        batch, self._queue = self._queue[:size], self._queue[size:]
        began, cpu_began = time.monotonic(), time.thread_time()
        await asyncio.get_running_loop().run_in_executor(threads, _run_all, batch)
        seconds, cpu_seconds = time.monotonic() - began, time.thread_time() - cpu_began
        # When the event loop was busy meanwhile, the calls waited for the interpreter's lock and
        # not for the disk.
        self._is_slow = seconds > SLOW_CALL_SECONDS * size and cpu_seconds < seconds / 2
        for call in batch:
            call.deliver()


def _run_all(calls: Sequence[_Call]) -> None:
    for call in calls:
        call.run()
