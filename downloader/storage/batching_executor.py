"""Run blocking calls in threads, many of them in one switch of threads.

Handing a call to a thread and its result back costs more than saving a small file does.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, ParamSpec, TypeVar

MAX_THREADS = 4
#: Calls that one batch may hold, so that the first one does not wait long for its result.
MAX_BATCH_CALLS = 64
#: Seconds a call may take on average before more threads are used: it waits for the disk then.
SLOW_CALL_SECONDS = 0.01

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

#: A function to call in a thread, and the future that gets its result, of any type.
_Call = tuple[Callable[[], object], asyncio.Future[Any] | Future[Any]]
#: The result of a function, and the exception that it raised instead, or None.
_Ended = tuple[object, BaseException | None]


class _Batch(NamedTuple):
    """Calls for one thread.

    Attributes:
        calls: in their order.
        loop: gets the results.
        began, cpu_began: time, and CPU time of the event loop's thread, when they were handed over.
    """

    calls: Sequence[_Call]
    loop: asyncio.AbstractEventLoop
    began: float
    cpu_began: float


class BatchingExecutor(Executor):
    """An executor for one event loop; calls that arrive while its thread is busy form a batch.

    Calls are made in the order in which they arrive while the disk is quick. On a slow disk several
    threads take batches, and calls may overtake each other.
    """

    def __init__(self) -> None:
        self._queue: list[_Call] = []
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._busy_threads = 0
        #: Whether the queue will be handed over once what runs in the event loop now has run.
        self._is_scheduled = False
        self._is_slow = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def close(self) -> None:
        """Make the queued calls, also of cancelled callers, and end the threads."""
        await self._idle.wait()
        for _ in self._threads:
            self._batches.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def run(self, function: Callable[[], Result]) -> asyncio.Future[Result]:
        """Call *function* in a thread; return the future of its result."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._enqueue((function, future), loop)
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
        self._enqueue((partial(function, *args, **kwargs), future), asyncio.get_running_loop())
        return future

    def _enqueue(self, call: _Call, loop: asyncio.AbstractEventLoop) -> None:
        self._queue.append(call)
        if not self._is_scheduled and self._has_free_thread():
            self._is_scheduled = True
            self._idle.clear()
            # Not at once: other transfers that are about to run may add calls.
            loop.call_soon(self._hand_over, loop)

    def _has_free_thread(self) -> bool:
        return self._busy_threads < (MAX_THREADS if self._is_slow else 1)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give queued calls to the free threads."""
        self._is_scheduled = False
        share = -(-len(self._queue) // (MAX_THREADS if self._is_slow else 1))
        size = min(MAX_BATCH_CALLS, share)
        while self._queue and self._has_free_thread():
            calls, self._queue = self._queue[:size], self._queue[size:]
            if self._busy_threads == len(self._threads):
                # Only a slow disk needs several: one warm thread is quicker than some in turn.
                name = f"storage_{self._busy_threads}"
                thread = Thread(target=self._run_batches, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._busy_threads += 1
            self._batches.put(_Batch(calls, loop, time.monotonic(), time.thread_time()))
        if not self._busy_threads:
            self._idle.set()

    def _run_batches(self) -> None:
        """Run batches in this thread until there is None."""
        while (batch := self._batches.get()) is not None:
            ended = _call_all(batch.calls)
            # A closed loop has no one who waits for results.
            with suppress(RuntimeError):
                batch.loop.call_soon_threadsafe(self._deliver, batch, ended)

    def _deliver(self, batch: _Batch, ended: Sequence[_Ended]) -> None:
        """Hand the results of a batch to the callers, and the next one to the thread."""
        self._busy_threads -= 1
        seconds = time.monotonic() - batch.began
        cpu_seconds = time.thread_time() - batch.cpu_began
        # When the event loop was busy meanwhile, the calls waited for the interpreter's lock and
        # not for the disk.
        self._is_slow = seconds > SLOW_CALL_SECONDS * len(batch.calls) and cpu_seconds < seconds / 2
        for (_, future), (result, error) in zip(batch.calls, ended, strict=True):
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if not self._is_scheduled:
            self._hand_over(batch.loop)


def _call_all(calls: Sequence[_Call]) -> list[_Ended]:
    """Call each function."""
    ended: list[_Ended] = []
    for function, _ in calls:
        try:
            ended.append((function(), None))
        except BaseException as error:
            ended.append((None, error))
    return ended
