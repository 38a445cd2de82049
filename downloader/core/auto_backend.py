"""A transfer backend that begins with one process, and adds others when that one is saturated.

A run that waits for its hosts, or is over in a second, never has another process. One that the
CPU limits gets some, up to the cores of the machine, if hosts can be shared among them.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self

from downloader.core.cores import usable_cores
from downloader.core.pool import Pool, PoolShare
from downloader.core.saturation import SaturationMonitor
from downloader.core.transfer import Transfer, TransferJournal
from downloader.core.transfer_backend import EndedTransfer
from downloader.http import CookieJar
from downloader.models import InFlight, TransferOptions

if TYPE_CHECKING:
    from downloader.core.processes import ProcessExtension

#: How often the CPU time is measured, and hosts are moved.
_TICK_SECONDS = 0.25
#: Another process is started only if at least this many hosts have transfers that wait.
_MIN_HOSTS = 2


class AutoBackend:
    """A :class:`~downloader.core.transfer_backend.TransferBackend` of as many processes as needed.

    Args:
        options: the options of the run.
        journal: records steps, and claims names.
        wake: set when there is something to :meth:`collect`.
        fail: called with an error that ends the run; it has to stop this backend.
        jar: the cookies of the run, which all processes share; None for a run without cookies.
    """

    def __init__(
        self,
        options: TransferOptions,
        journal: TransferJournal,
        wake: asyncio.Event,
        fail: Callable[[Exception], None],
        jar: CookieJar | None = None,
    ) -> None:
        self._options = options
        self._journal = journal
        self._wake = wake
        self._fail = fail
        self._jar = jar
        self._pool = Pool(options, journal, wake, PoolShare(owns=self._is_local), jar=jar)
        self.warnings = self._pool.warnings
        self._ended = 0
        self._stopped = False
        self._extension: ProcessExtension | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        self._watcher = asyncio.create_task(self._watch(), name="saturation")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._extension is not None:
            await self._extension.workers.close()
        await self._pool.__aexit__(kind, error, traceback)

    @property
    def unfinished(self) -> int:
        """Number of transfers that have been added and not been collected."""
        others = self._extension.unfinished if self._extension else 0
        return self._pool.unfinished + others

    @property
    def running(self) -> int:
        """Number of them that are being fetched now, as far as is known."""
        return self._pool.running + (self._extension.workers.running if self._extension else 0)

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._pool.received + (self._extension.workers.received if self._extension else 0)

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first; of very many, not all."""
        others = self._extension.workers.in_flight() if self._extension else []
        return sorted([*self._pool.in_flight(), *others], key=lambda row: -row.seconds)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers; ignored after :meth:`stop`."""
        if self._extension is None:
            self._pool.add(transfers)
        elif not self._stopped:
            self._extension.add(transfers)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        if self._extension is not None:
            self._extension.stop(now=now)
        self._pool.stop(now=now)

    async def collect(self) -> list[EndedTransfer]:
        """Return the transfers that have ended since the last call."""
        ended = await self._pool.collect()
        self._ended += len(ended)
        return ended if self._extension is None else self._extension.collect(ended)

    def _is_local(self, host: str) -> bool:
        return self._extension is None or self._extension.balancer.is_local(host)

    async def _watch(self) -> None:
        """Add processes when this one is saturated, and keep all of them busy."""
        saturation = SaturationMonitor()
        recent = self._ended
        try:
            while not self._stopped:
                await asyncio.sleep(_TICK_SECONDS)
                all_busy = self._extension is None or self._extension.balance()
                rate, recent = (self._ended - recent) / _TICK_SECONDS, self._ended
                if saturation.is_saturated() and all_busy and self._has_work(rate):
                    self._grow(rate)
        except Exception as error:
            self._fail(error)

    def _has_work(self, rate: float) -> bool:
        """Return whether what waits would take this process a second or more, on several hosts."""
        hosts = sum(1 for _ in islice(self._pool.queues.waiting(), _MIN_HOSTS))
        return hosts == _MIN_HOSTS and self._pool.queues.queued > rate

    def _grow(self, rate: float) -> None:
        if self._extension is None:
            # Imported only now: most runs need one process.
            from downloader.core.processes import ProcessExtension

            self._extension = ProcessExtension(
                self._options,
                self._pool,
                rate,
                max_processes(self._options),
                self._journal,
                self._wake,
                self._fail,
                self._jar,
            )
        self._extension.grow()


def max_processes(options: TransferOptions) -> int:
    """Return how many processes a run may have that starts with one.

    A rate limit is not divided, because it leaves the CPU idle. Web archives are written and read
    by one process, so that their files do not depend on the speed of the machine.
    """
    uses_archives = options.archiving or options.pack or options.replay
    if sys.platform == "win32" or options.limit_rate or uses_archives:
        return 1
    return min(usable_cores(), options.concurrency or usable_cores())
