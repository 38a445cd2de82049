"""Further processes beside the pool of this one, for a run that one process is too slow for."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from downloader.core.host_release import Move, ReleasedHosts
from downloader.core.pool import Pool
from downloader.core.processes.host_balancer import HostBalancer, LocalMember
from downloader.core.processes.supervisor import Supervisor, SupervisorCallbacks
from downloader.core.processes.worker_group import WorkerGroup
from downloader.core.transfer import Transfer, TransferJournal
from downloader.core.transfer_backend import EndedTransfer
from downloader.core.transfer_outcomes import failed
from downloader.http import CookieJar
from downloader.models import TransferOptions
from downloader.scheduling import MAX_CONCURRENCY


class ProcessExtension:
    """Worker processes that share the hosts with the pool of this process.

    Of a concurrency that the user has set, each worker gets its share when it is started, and the
    pool keeps the rest, so that it is never exceeded. What ``-j auto`` allows at most is divided
    again whenever a worker is started.

    Args:
        options: the options of the run.
        pool: the pool of this process.
        rate: transfers that it has ended in the last second.
        max_processes: how many processes there may be, this one included.
        journal: records steps, and claims names.
        wake: set when there is something to :meth:`collect`.
        fail: called with an error that ends the run.
        jar: the cookies of the run; None for a run without cookies.

    Attributes:
        balancer: assigns the hosts.
        workers: the processes.
    """

    def __init__(
        self,
        options: TransferOptions,
        pool: Pool,
        rate: float,
        max_processes: int,
        journal: TransferJournal,
        wake: asyncio.Event,
        fail: Callable[[Exception], None],
        jar: CookieJar | None = None,
    ) -> None:
        self._pool = pool
        self._local = LocalMember(pool)
        self.balancer = HostBalancer(self._local, rate)
        self.workers = WorkerGroup(wake, self._worker_failed, jar)
        self._max_processes = max_processes
        self._fail = fail
        self._stopped = False
        self._joined: set[Supervisor] = set()
        self._concurrency = options.concurrency
        share = options.concurrency and options.concurrency // max_processes
        self._options = replace(options, processes=1, concurrency=share)
        self._callbacks = SupervisorCallbacks(
            journal,
            self.workers.add_ended,
            self._reassign,
            self._released,
            self.workers.cookies_set,
            self._join_ready,
            pool.warnings.append,
            time.time(),
        )

    @property
    def unfinished(self) -> int:
        """Number of transfers that are neither in the pool nor collected."""
        return self.workers.unfinished + self.balancer.waiting + self._local.hosts.waiting

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers."""
        self.workers.share_cookies()
        self.balancer.add(transfers)

    def grow(self) -> None:
        """Start as many processes as there are already, if there may be so many."""
        supervisors = self.workers.supervisors
        count = 1 + len(supervisors)
        if count >= self._max_processes:
            return
        for _ in range(min(count, self._max_processes - count)):
            supervisor = Supervisor(
                self._options, MAX_CONCURRENCY, self._callbacks, self.workers.jar
            )
            supervisors.append(supervisor)
            self.workers.start(supervisors[-1])
        self._divide_concurrency()

    def balance(self) -> bool:
        """Move hosts to processes that need some; return whether all processes have enough."""
        self.poll()
        if self._concurrency is not None and self._pool.running > self._pool_concurrency():
            # The workers may use their share when the pool has stopped using it.
            return False
        return self.balancer.balance() and len(self._joined) == len(self.workers.supervisors)

    def poll(self) -> None:
        """Move what the pool has given up: redirected transfers, and hosts that are idle now."""
        self.workers.share_cookies()
        if foreign := self._pool.take_foreign():
            self._reassign(foreign)
        if released := self._local.hosts.poll():
            self._released(released)

    def collect(self, ended: list[EndedTransfer]) -> list[EndedTransfer]:
        """Return the transfers that have ended since the last call, after those of the pool."""
        self._local.ended += len(ended)
        self.poll()
        return ended + self.workers.take_ended()

    def stop(self, *, now: bool) -> None:
        """Start nothing more, before the pool is stopped; with *now*, also cancel what runs."""
        self._stopped = True
        self._local.hosts.abort()
        self._interrupt(self.balancer.abort())
        self.workers.stop(now=now)

    def _pool_concurrency(self) -> int:
        """Return how many transfers the pool may run at once."""
        count = len(self.workers.supervisors)
        if self._concurrency is None:
            return MAX_CONCURRENCY // (1 + count)
        return self._concurrency - count * (self._options.concurrency or 0)

    def _divide_concurrency(self) -> None:
        cap = self._pool_concurrency()
        self._pool.cap_concurrency(cap)
        if self._concurrency is None:
            for supervisor in self.workers.supervisors:
                supervisor.cap_concurrency(cap)

    def _join_ready(self) -> None:
        """Let processes get hosts as soon as they are ready."""
        for supervisor in self.workers.supervisors:
            if supervisor.ready and supervisor not in self._joined:
                self._joined.add(supervisor)
                self.balancer.join(supervisor)
                self.balance()

    def _reassign(self, moves: Sequence[Move]) -> None:
        if self._stopped:
            self._interrupt(moves)
        else:
            self.balancer.add_moved(moves)

    def _released(self, released: ReleasedHosts) -> None:
        if self._stopped:
            self._interrupt(released.moves)
        else:
            self.balancer.released(released)

    def _interrupt(self, moves: Sequence[Move]) -> None:
        """End transfers that have been started."""
        self.workers.add_ended(
            (transfer, failed(transfer, asyncio.CancelledError())) for transfer, _ in moves
        )

    def _worker_failed(self, supervisor: Supervisor, error: Exception) -> None:
        if supervisor.ready or supervisor.load:
            self._fail(error)
        else:
            # The others do its work: the system may refuse a process, or it finds a file gone.
            self.workers.supervisors.remove(supervisor)
            self._max_processes = 1 + len(self.workers.supervisors)
            self._divide_concurrency()
