"""Copies of the journal for an object store: at the start, now and then, and at the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from downloader.errors import DownloadError, OutputError, StoreError

#: Seconds from one copy to the next: so much of a run another machine would do again. At first
#: they are fewer, twice as many each time, so that runs that are killed soon get on, too.
_FIRST_SECONDS = 1.0
_SECONDS = 30.0
#: And so many times as long as the last one took, so that a large journal is not copied all day.
_TIMES = 20.0

_Send = Callable[[], None]


class _Make(Protocol):
    def __call__(self) -> Awaitable[_Send | None]:
        """Make a copy; return what sends it, or None if nothing has changed."""


class ReplicaSchedule:
    """Has copies made and sent, one after the other.

    Args:
        make: makes one.
        failed: told of what ends the run.
        pause: waits so many seconds; for tests.
    """

    def __init__(
        self,
        make: _Make,
        failed: Callable[[DownloadError], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pause = pause
        self._make = make
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._lost = False
        self._took = 0.0

    async def begin(self) -> None:
        """Send the first one, by which it is known that the store takes what it is given.

        Raises:
            OutputError: it does not, or another run is writing there.
            DiskError: there is no room for it here.
        """
        try:
            await self._copy()
        except StoreError as error:
            raise OutputError(error.message, hint=error.hint) from error
        self._task = asyncio.create_task(self._now_and_then(), name="copies of the journal")

    async def finish(self) -> None:
        """Send the last one."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._try()

    async def _now_and_then(self) -> None:
        seconds = _FIRST_SECONDS
        while not self._lost:
            await self._pause(max(seconds, _TIMES * self._took))
            seconds = min(2 * seconds, _SECONDS)
            # Whoever cancels this waits for the one that is under way.
            copying = asyncio.create_task(self._try(), name="copy of the journal")
            try:
                await asyncio.shield(copying)
            except asyncio.CancelledError:
                await copying
                raise

    async def _try(self) -> None:
        if self._lost:
            return
        try:
            await self._copy()
        except DownloadError as error:
            self._lost = True
            self._failed(error)

    async def _copy(self) -> None:
        began = time.monotonic()
        send = await self._make()
        if send is not None:
            await asyncio.to_thread(send)
        self._took = time.monotonic() - began
