"""Take hosts out of a pool, so that another process continues with them.

The limits of a host hold only if one process at a time makes its requests. So its transfers are
taken out of the queues first, and it is released when the last one that was running has ended.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from downloader.core.pool import Pool
from downloader.core.transfer import Transfer
from downloader.models.shards import host_group
from downloader.scheduling import HostState

#: A group of hosts that is not idle after this time stays where it is: it has a large body.
_MAX_DRAIN_SECONDS = 1.0

#: A transfer that continues in another process, after a wait in seconds.
Move = tuple[Transfer, float]


@dataclass(slots=True)
class ReleasedHosts:
    """Groups of hosts that another process may continue with.

    Attributes:
        groups: their numbers, see :func:`.shards.host_group`.
        kept: groups that were to be released, and stay.
        states: what is known of the hosts.
        transfers: transfers that have not been started.
        moves: transfers that have been started.
    """

    groups: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)
    states: list[HostState] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


@dataclass(slots=True)
class _Leaving:
    """A group that is being released.

    Attributes:
        since: when that began.
        hosts: its hosts that had transfers then.
        waiting: their transfers, which have been taken out of the queues.
    """

    since: float
    hosts: set[str]
    waiting: list[Move]


class HostRelease:
    """Releases groups of hosts of a pool; :attr:`.PoolShare.owns` must not own these any more.

    Args:
        pool: the pool.
        clock: seconds.
    """

    def __init__(self, pool: Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._leaving: dict[int, _Leaving] = {}

    @property
    def is_active(self) -> bool:
        """Whether groups are being released."""
        return bool(self._leaving)

    @property
    def waiting(self) -> int:
        """Number of transfers that have been taken out of the pool."""
        return sum(len(each.waiting) for each in self._leaving.values())

    def start(self, groups: Iterable[int]) -> None:
        """Begin to release these groups of hosts."""
        now = self._clock()
        queues = self._pool.queues
        started = {group: _Leaving(now, set(), []) for group in groups}
        self._leaving |= started
        # Hosts whose transfers only wait for their time have no slot, and are found by transfers.
        names = {host for host in queues.names() if host_group(host) in started}
        for host in names:
            started[host_group(host)].hosts.add(host)
        for move in queues.remove(names):
            started[host_group(move[0].host)].waiting.append(move)

    def poll(self) -> ReleasedHosts | None:
        """Return the groups that have become idle, or have not in time; None if there are none."""
        if not self._leaving:
            return None
        released = ReleasedHosts()
        idle: set[str] = set()
        oldest = self._clock() - _MAX_DRAIN_SECONDS
        for group, leaving in [*self._leaving.items()]:
            if not any(map(self._pool.queues.running, leaving.hosts)):
                idle |= leaving.hosts
                self._release(group, released)
            elif leaving.since < oldest:
                self._keep(group, released)
        if not released.groups and not released.kept:
            return None
        # Their server keeps connections for this process no more.
        self._pool.close_idle(idle)
        released.states = self._pool.queues.take_states(
            lambda host: host_group(host) in released.groups
        )
        return released

    def abort(self) -> None:
        """Put the transfers of all groups back into the pool, before it is stopped."""
        for group in [*self._leaving]:
            self._keep(group, ReleasedHosts())

    def _release(self, group: int, released: ReleasedHosts) -> None:
        leaving = self._leaving.pop(group)
        released.groups.add(group)
        for transfer, seconds in leaving.waiting:
            if transfer.attempts:
                released.moves.append((transfer, seconds))
            else:
                released.transfers.append(transfer)

    def _keep(self, group: int, released: ReleasedHosts) -> None:
        leaving = self._leaving.pop(group)
        released.kept.add(group)
        self._pool.add(each for each, _ in leaving.waiting if not each.attempts)
        self._pool.add_moved(each for each in leaving.waiting if each[0].attempts)
