"""The event loop that the portions of a worker process share, and their admission to it."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from downloader.core.event_loop import runner, widen_resolver

#: How long a portion takes to reach its full speed.
_RAMP_UP_SECONDS = 0.3
#: The interval over which the CPU use of this process is measured.
_CPU_SAMPLE_SECONDS = 0.1
#: Below this share of one core, the running portions wait for hosts or for their last transfers.
_BUSY_CPU_SHARE = 0.7
_Result = TypeVar("_Result")


class SharedEventLoop:
    """One event loop for all portions of this process; it runs while there are any.

    Dask runs each portion in a thread; event loops of their own would compete for the interpreter.

    Attributes:
        admission: admits portions one after the other; exists while the loop runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.admission: AdmissionControl

    def run(self, coroutine: Coroutine[None, None, _Result]) -> _Result:
        """Run a coroutine on the loop, which is started if need be; it blocks until the end."""
        with self._lock:
            if not self._users:
                self._ready.clear()
                self._thread = threading.Thread(target=self._serve, name="portions", daemon=True)
                self._thread.start()
                self._ready.wait()
            self._users += 1
        loop = self._loop
        if loop is None:
            raise RuntimeError("the event loop has not started")
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._over and self._thread:
                    loop.call_soon_threadsafe(self._over.set)
                    self._thread.join()

    def _serve(self) -> None:
        with runner(debug=False) as loop:
            loop.run(self._until_over())

    async def _until_over(self) -> None:
        widen_resolver(None)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.admission = AdmissionControl()
        self._ready.set()
        await self._over.wait()


class AdmissionControl:
    """Starts portions one after the other, each as soon as there is CPU time for it.

    While the running portions keep this process busy, another one would only slow them down. The
    next one starts when they wait for hosts, or have only a few transfers left.

    Args:
        cpu_seconds: returns the CPU time that this process has used.
        clock: returns monotonic seconds.
        sleep: sleeps for so many seconds.
    """

    def __init__(
        self,
        cpu_seconds: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cpu_seconds = cpu_seconds
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()
        self._idle = asyncio.Event()
        self._running = 0

    async def acquire(self, is_stopped: Callable[[], bool]) -> None:
        """Wait until there is CPU time for one more portion, or until *is_stopped*."""
        async with self._queue:
            if self._running:
                await self._sleep_unless_idle(_RAMP_UP_SECONDS)
            while self._running and not is_stopped():
                cpu_before, clock_before = self._cpu_seconds(), self._clock()
                await self._sleep_unless_idle(_CPU_SAMPLE_SECONDS)
                elapsed = self._clock() - clock_before
                if self._cpu_seconds() - cpu_before < _BUSY_CPU_SHARE * elapsed:
                    break
            self._running += 1
            self._idle.clear()

    def release(self) -> None:
        """Count a portion as ended."""
        self._running -= 1
        if not self._running:
            self._idle.set()

    async def _sleep_unless_idle(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the last running portion."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        idle = asyncio.create_task(self._idle.wait())
        try:
            await asyncio.wait({sleeping, idle}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            idle.cancel()
            await asyncio.gather(sleeping, idle, return_exceptions=True)


SHARED_LOOP = SharedEventLoop()
