"""What the portions of one process share: an event loop, and turns to begin."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from downloader.core.event_loop import runner, widen_resolver

#: So long a portion takes to have begun in earnest, in seconds.
_SETTLE_SECONDS = 0.3
#: And so long it is looked how busy this process is.
_LOOK_SECONDS = 0.1
#: Of a core; with less to do a process waits for hosts, or for the last of a portion.
_BUSY = 0.7
_Result = TypeVar("_Result")


class SharedEventLoop:
    """The event loop that all portions of this process share, from the first of them to the last.

    With one for each thread that Dask has, they would fight for the interpreter.

    Attributes:
        turns: who may begin; there while it runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self.turns: AdmissionControl

    def run(self, coroutine: Coroutine[None, None, _Result]) -> _Result:
        """Run a coroutine to its end; it blocks until then."""
        with self._lock:
            if not self._users:
                self._ready.clear()
                self._thread = threading.Thread(target=self._serve, name="portions", daemon=True)
                self._thread.start()
                self._ready.wait()
            self._users += 1
        loop = self._loop
        if loop is None:
            raise RuntimeError("the loop has not begun")
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
        self.turns = AdmissionControl()
        self._ready.set()
        await self._over.wait()


class AdmissionControl:
    """Lets portions begin one after the other, each as soon as there is CPU for it.

    While one keeps this process busy, another would only take more of the same CPU. When hosts
    hold it back, or it is at its last addresses, the next one begins.

    Args:
        cpu: seconds of CPU that this process has used.
        clock: seconds from whatever moment on.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        cpu: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cpu = cpu
        self._clock = clock
        self._sleep = sleep
        self._one_by_one = asyncio.Lock()
        self._none = asyncio.Event()
        self._begun = 0

    async def wait(self, stopped: Callable[[], bool]) -> None:
        """Return when there is CPU for one more, or when *stopped* says so."""
        async with self._one_by_one:
            if self._begun:
                await self._pause(_SETTLE_SECONDS)
            while self._begun and not stopped():
                cpu, clock = self._cpu(), self._clock()
                await self._pause(_LOOK_SECONDS)
                if self._cpu() - cpu < _BUSY * (self._clock() - clock):
                    break
            self._begun += 1
            self._none.clear()

    def end(self) -> None:
        """Take that one has ended."""
        self._begun -= 1
        if not self._begun:
            self._none.set()

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until none is under way."""
        pause = asyncio.ensure_future(self._sleep(seconds))
        none = asyncio.create_task(self._none.wait())
        try:
            await asyncio.wait({pause, none}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            none.cancel()
            await asyncio.gather(pause, none, return_exceptions=True)


LOOP = SharedEventLoop()
