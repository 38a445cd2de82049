"""When the journal is replicated to an object store: at the start, at intervals, and at the end."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from downloader.errors import DownloadError, OutputError, StoreError

#: Seconds between replicas, which is how much of a run another machine would repeat. The interval
#: doubles from the first to the last value, so that runs that are killed early make progress too.
FIRST_INTERVAL_SECONDS = 1.0
MAX_INTERVAL_SECONDS = 30.0
#: The least interval as a multiple of the time that the last replica took, so that a large journal
#: does not spend the run on being copied.
INTERVAL_PER_DURATION = 20.0

_Upload = Callable[[], None]


class _Replicate(Protocol):
    def __call__(self) -> Awaitable[_Upload | None]:
        """Make a snapshot; return the function that uploads it, or None if nothing has changed."""


class ReplicaSchedule:
    """Makes and uploads replicas, one after the other.

    Args:
        replicate: makes a snapshot.
        on_failed: called with the error that ends the run.
        sleep: waits for a number of seconds; replaced in tests.
    """

    def __init__(
        self,
        replicate: _Replicate,
        on_failed: Callable[[DownloadError], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._replicate = replicate
        self._on_failed = on_failed
        self._task: asyncio.Task[None] | None = None
        self._has_failed = False
        self._last_seconds = 0.0

    async def start(self) -> None:
        """Upload the first replica, which shows that the store can be written to.

        Raises:
            OutputError: it cannot, or another run is writing there.
            DiskError: there is no room for a snapshot here.
        """
        try:
            await self._upload()
        except StoreError as error:
            raise OutputError(error.message, hint=error.hint) from error
        self._task = asyncio.create_task(self._upload_at_intervals(), name="journal replicas")

    async def finish(self) -> None:
        """Upload the last replica."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._try_upload()

    async def _upload_at_intervals(self) -> None:
        interval = FIRST_INTERVAL_SECONDS
        while not self._has_failed:
            await self._sleep(max(interval, INTERVAL_PER_DURATION * self._last_seconds))
            interval = min(2 * interval, MAX_INTERVAL_SECONDS)
            # A cancellation waits for the upload that is running.
            uploading = asyncio.create_task(self._try_upload(), name="journal replica")
            try:
                await asyncio.shield(uploading)
            except asyncio.CancelledError:
                await uploading
                raise

    async def _try_upload(self) -> None:
        if self._has_failed:
            return
        try:
            await self._upload()
        except DownloadError as error:
            self._has_failed = True
            self._on_failed(error)

    async def _upload(self) -> None:
        began = time.monotonic()
        upload = await self._replicate()
        if upload is not None:
            await asyncio.to_thread(upload)
        self._last_seconds = time.monotonic() - began
