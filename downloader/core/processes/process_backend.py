"""A crew of processes: hosts are dealt out among its members, and limits are shared."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from downloader import object_store
from downloader.core import backend
from downloader.core.processes.ipc import Move
from downloader.core.processes.supervisor import Supervisor, SupervisorCallbacks
from downloader.core.transfer import Transfer, failed
from downloader.errors import RunError
from downloader.http import Client
from downloader.models import InFlight, TransferOptions
from downloader.models.shards import HostDealer
from downloader.scheduling import MOST_AT_ONCE, affordable
from downloader.storage import open_storage

#: A process that is to stop now has so many seconds before it is killed.
_STOP_SECONDS = 10.0
#: A process without transfers keeps such a share of the rate, for when one begins.
_IDLE_SHARE = 0.02
#: A change of a share by less than this factor is not worth telling.
_SAME_RATE = 1.05


class ProcessBackend:
    """Does transfers in several processes; a :class:`~downloader.core.backend.TransferBackend`.

    A process is started, or taken from those that are ready, when there is something for it.

    Args:
        options: how the run is made.
        park, wake: as in :class:`~downloader.core.backend.TransferBackend`.
        fault: told of what ends the run; it is to stop the crew.

    Attributes:
        warnings: lines for a person.
    """

    def __init__(
        self,
        options: TransferOptions,
        park: backend.Park,
        wake: asyncio.Event,
        fault: Callable[[Exception], None],
    ) -> None:
        self.warnings: list[str] = []
        self._options = options
        self._wake = wake
        self._fault = fault
        self._dealer = HostDealer()
        ties = SupervisorCallbacks(
            park, self._take, self._route, self._share_rate, self.warnings.append, time.time()
        )
        parts = shares(options, self.warnings)
        most = MOST_AT_ONCE // len(parts)
        self._members = [Supervisor(part, most, ties) for part in parts]
        self._tasks: dict[Supervisor, asyncio.Task[None]] = {}
        self._ended: list[backend.Ended] = []
        self._stopped = False
        self._killer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        if sys.platform == "win32":
            raise RunError("several processes need another system", hint="see --processes")
        # What processes could not use is found here, once, and before the first one is started.
        bucket = object_store.open_store(self._options)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(open_storage(self._options, store=bucket))
            await stack.enter_async_context(Client(self._options))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        for member in self._members:
            member.close()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._killer is not None:
            self._killer.cancel()

    @property
    def unfinished(self) -> int:
        """How many transfers are here that have not been collected."""
        return sum(len(member.out) for member in self._members) + len(self._ended)

    @property
    def running(self) -> int:
        """How many of them are being fetched, or have been and were not told of yet."""
        return sum(member.running for member in self._members)

    @property
    def received(self) -> int:
        """Bytes of bodies over the wire so far."""
        return sum(member.received for member in self._members)

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched, the longest first; of very many, not all."""
        now = asyncio.get_running_loop().time()
        rows = [
            replace(row, seconds=row.seconds + now - member.told_at)
            for member in self._members
            for row in member.told.rows
        ]
        return sorted(rows, key=lambda row: -row.seconds)

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Have these fetched when their turn comes; once stopped, never."""
        if self._stopped:
            return
        dealt: dict[int, list[Transfer]] = {}
        loads = [len(member.out) for member in self._members]
        for transfer in transfers:
            owner = self._dealer.owner(transfer.host, loads)
            loads[owner] += 1
            dealt.setdefault(owner, []).append(transfer)
        for owner, part in dealt.items():
            self._member(owner).give(part)

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, end what is running as well."""
        self._stopped = True
        for member in self._members:
            member.stop(now=now)
        if now and self._killer is None and self.unfinished:
            loop = asyncio.get_running_loop()
            self._killer = loop.call_later(_STOP_SECONDS, self._kill)

    async def collect(self) -> list[backend.Ended]:
        """Return what has finished since."""
        ended, self._ended = self._ended, []
        return ended

    def _kill(self) -> None:
        for member in self._members:
            if member.out:
                member.kill()

    def _member(self, owner: int) -> Supervisor:
        """Return a member, whose process is started if it has none."""
        member = self._members[owner]
        if member not in self._tasks:
            name = f"process {owner + 1}"
            self._tasks[member] = asyncio.create_task(self._see_to(member), name=name)
        return member

    async def _see_to(self, member: Supervisor) -> None:
        """Keep a member at work; what it cannot do is the fault of the run."""
        try:
            await member.work(debug=asyncio.get_running_loop().get_debug())
        except Exception as error:
            self._fault(error)
        finally:
            self._wake.set()

    def _take(self, ended: Iterable[backend.Ended]) -> None:
        self._ended += ended
        self._wake.set()

    def _route(self, moves: Sequence[Move]) -> None:
        """Hand transfers on to who has their next host."""
        loads = [len(member.out) for member in self._members]
        for transfer, seconds in moves:
            if self._stopped:
                self._take([(transfer, failed(transfer, asyncio.CancelledError()))])
            else:
                owner = self._dealer.owner(transfer.host, loads)
                self._member(owner).give_back([(transfer, seconds)])

    def _share_rate(self) -> None:
        """Give each member that part of the rate that it has of the running transfers."""
        if not self._options.limit_rate:
            return
        running = [member.told.running for member in self._members]
        idle = max(1, sum(running)) * _IDLE_SHARE
        whole = sum(running) + idle * len(running)
        rates = [(each + idle) / whole * self._options.limit_rate for each in running]
        changes = [
            (rate - member.rate, rate, member)
            for rate, member in zip(rates, self._members, strict=True)
            if not 1 / _SAME_RATE < rate / member.rate < _SAME_RATE
        ]
        # Who is to receive less is told first.
        for _, rate, member in sorted(changes, key=lambda change: change[0]):
            member.limit(rate)


def shares(options: TransferOptions, warnings: list[str]) -> list[TransferOptions]:
    """Return what each process is told, so that all together keep to *options*."""
    wanted, count = options.concurrency, options.process_count
    rate = options.limit_rate and max(1, options.limit_rate // count)
    alike = replace(options, processes=1, limit_rate=rate)
    if wanted is None:
        return [alike] * count
    each = [wanted // count + (number < wanted % count) for number in range(count)]
    possible = [affordable(at_once) for at_once in each]
    if sum(possible) < wanted:
        warnings.append(
            f"no more than {sum(possible)} at once, as the limit of open files is low; "
            "see ulimit -n"
        )
    return [replace(alike, concurrency=at_once) for at_once in possible]
