"""A transfer backend of several processes: hosts are assigned to them, and limits are shared."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from downloader import object_store
from downloader.core.host_release import Move, ReleasedHosts
from downloader.core.processes.supervisor import Supervisor, SupervisorCallbacks
from downloader.core.processes.worker_group import WorkerGroup
from downloader.core.transfer import Transfer, TransferJournal
from downloader.core.transfer_backend import EndedTransfer
from downloader.core.transfer_outcomes import failed
from downloader.errors import RunError
from downloader.http import Client, CookieJar
from downloader.models import InFlight, TransferOptions
from downloader.models.shards import HostAssignment
from downloader.scheduling import MAX_CONCURRENCY, affordable_concurrency
from downloader.storage import open_storage

#: The share of the rate that an idle process keeps, for its next transfer.
_IDLE_RATE_SHARE = 0.02
#: A rate is sent to a process only if it changes by this factor.
_MIN_RATE_CHANGE = 1.05


class ProcessBackend:
    """Fetches in several processes; a :class:`~downloader.core.transfer_backend.TransferBackend`.

    Each process is started with its first transfer.

    Args:
        options: the options of the run.
        journal: records steps, and claims names.
        wake: set when there is something to :meth:`collect`.
        fail: called with an error that ends the run; it has to stop this backend.
        jar: the cookies of the run, which the processes share; None for a run without cookies.

    Attributes:
        warnings: warnings so far, one line each.
    """

    def __init__(
        self,
        options: TransferOptions,
        journal: TransferJournal,
        wake: asyncio.Event,
        fail: Callable[[Exception], None],
        jar: CookieJar | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self._options = options
        self._assignment = HostAssignment()
        self._workers = WorkerGroup(wake, lambda _, error: fail(error), jar)
        callbacks = SupervisorCallbacks(
            journal,
            self._workers.add_ended,
            self._reassign,
            _never_released,
            self._workers.cookies_set,
            self._share_rate,
            self.warnings.append,
            time.time(),
        )
        shares = share_options(options, self.warnings)
        max_concurrency = MAX_CONCURRENCY // len(shares)
        self._workers.supervisors += [
            Supervisor(share, max_concurrency, callbacks, jar) for share in shares
        ]
        self._stopped = False

    async def __aenter__(self) -> Self:
        if sys.platform == "win32":
            raise RunError("several processes need another system", hint="see --processes")
        # What the processes cannot use is found here, once, before the first one is started.
        store = object_store.open_store(self._options)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(open_storage(self._options, store=store))
            await stack.enter_async_context(Client(self._options))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        await self._workers.close()

    @property
    def unfinished(self) -> int:
        """Number of transfers that have been added and not been collected."""
        return self._workers.unfinished

    @property
    def running(self) -> int:
        """Number of them that are being fetched now, or have ended without being reported yet."""
        return self._workers.running

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return self._workers.received

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first; of very many, not all."""
        return sorted(self._workers.in_flight(), key=lambda row: -row.seconds)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers; ignored after :meth:`stop`."""
        if self._stopped:
            return
        # Those that came with robots.txt or a sitemap.
        self._workers.share_cookies()
        assigned: dict[int, list[Transfer]] = {}
        loads = self._loads()
        for transfer in transfers:
            owner = self._assignment.owner(transfer.host, loads)
            loads[owner] += 1
            assigned.setdefault(owner, []).append(transfer)
        for owner, part in assigned.items():
            self._started_supervisor(owner).add(part)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        self._workers.stop(now=now)

    async def collect(self) -> list[EndedTransfer]:
        """Return the transfers that have ended since the last call."""
        return self._workers.take_ended()

    def _loads(self) -> list[int]:
        return [supervisor.load for supervisor in self._workers.supervisors]

    def _started_supervisor(self, owner: int) -> Supervisor:
        supervisor = self._workers.supervisors[owner]
        self._workers.start(supervisor)
        return supervisor

    def _reassign(self, moves: Sequence[Move]) -> None:
        """Send transfers to the owners of their next hosts."""
        loads = self._loads()
        for transfer, seconds in moves:
            if self._stopped:
                self._workers.add_ended([(transfer, failed(transfer, asyncio.CancelledError()))])
            else:
                owner = self._assignment.owner(transfer.host, loads)
                self._started_supervisor(owner).add_moved([(transfer, seconds)])

    def _share_rate(self) -> None:
        """Share the rate limit among the processes, in proportion to their running transfers."""
        if not self._options.limit_rate:
            return
        running = [supervisor.progress.running for supervisor in self._workers.supervisors]
        idle = max(1, sum(running)) * _IDLE_RATE_SHARE
        total = sum(running) + idle * len(running)
        rates = [(each + idle) / total * self._options.limit_rate for each in running]
        changes = [
            (rate - supervisor.rate, rate, supervisor)
            for rate, supervisor in zip(rates, self._workers.supervisors, strict=True)
            if not 1 / _MIN_RATE_CHANGE < rate / supervisor.rate < _MIN_RATE_CHANGE
        ]
        # Reductions first, so that the total never exceeds the limit.
        for _, rate, supervisor in sorted(changes, key=lambda change: change[0]):
            supervisor.set_rate_limit(rate)


def _never_released(released: ReleasedHosts) -> None:
    raise AssertionError(f"not asked for: {released.groups}")


def share_options(options: TransferOptions, warnings: list[str]) -> list[TransferOptions]:
    """Return the options of each process, so that all together keep the limits of *options*."""
    concurrency, count = options.concurrency, options.process_count
    rate = options.limit_rate and max(1, options.limit_rate // count)
    share = replace(options, processes=1, limit_rate=rate)
    if concurrency is None:
        return [share] * count
    wanted = [concurrency // count + (number < concurrency % count) for number in range(count)]
    affordable = list(map(affordable_concurrency, wanted))
    if sum(affordable) < concurrency:
        warnings.append(
            f"no more than {sum(affordable)} at once, as the limit of open files is low; "
            "see ulimit -n"
        )
    return [replace(share, concurrency=each) for each in affordable]
