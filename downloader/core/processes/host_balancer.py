"""Spread hosts over this process and its workers, so that all of them stay busy.

Every host is this process's own at first. A member that is about to run out of transfers gets
hosts of the one that has the most, a group of hosts at a time.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from downloader.core.host_release import HostRelease, Move, ReleasedHosts
from downloader.core.pool import Pool
from downloader.core.transfer import Transfer
from downloader.models.shards import host_group
from downloader.scheduling import HostState

#: A member with fewer transfers than it ends in this time gets more hosts.
_LOW_SECONDS = 0.5
#: It gets as many transfers as it ends in this time, so that few have to move later.
_SUPPLY_SECONDS = 1.0
#: Outcomes of a shorter time say little: they come in batches.
_MIN_MEASURED_SECONDS = 0.2
#: A group of hosts that did not become idle in time is left alone for this time.
_KEPT_SECONDS = 10.0


class Member(Protocol):
    """A process that fetches: this one, or a worker."""

    ended: int

    @property
    def load(self) -> int:
        """Number of transfers without an outcome."""

    def waiting_by_group(self) -> Counter[int]:
        """Return how many transfers wait, by group of hosts."""

    def add(self, transfers: Sequence[Transfer]) -> None:
        """Queue transfers."""

    def add_moved(self, moves: Sequence[Move]) -> None:
        """Queue transfers that have been started."""

    def restore(self, states: Sequence[HostState]) -> None:
        """Take over what others know of hosts."""

    def release(self, groups: Collection[int]) -> None:
        """Release groups of hosts; the answer is given to :meth:`HostBalancer.released`."""


class LocalMember:
    """The pool of this process.

    Attributes:
        ended: how many transfers have had an outcome.
        hosts: hosts that are being released.
    """

    def __init__(self, pool: Pool) -> None:
        self.ended = 0
        self.hosts = HostRelease(pool)
        self._pool = pool

    @property
    def load(self) -> int:
        """Number of transfers without an outcome."""
        return self._pool.unfinished + self.hosts.waiting

    def waiting_by_group(self) -> Counter[int]:
        """Return how many transfers wait, by group of hosts."""
        counts: Counter[int] = Counter()
        for host, count in self._pool.queues.waiting():
            counts[host_group(host)] += count
        return counts

    def add(self, transfers: Sequence[Transfer]) -> None:
        """Queue transfers."""
        self._pool.add(transfers)

    def add_moved(self, moves: Sequence[Move]) -> None:
        """Queue transfers that have been started."""
        self._pool.add_moved(moves)

    def restore(self, states: Sequence[HostState]) -> None:
        """Take over what others know of hosts."""
        self._pool.queues.restore(states)

    def release(self, groups: Collection[int]) -> None:
        """Release groups of hosts."""
        self.hosts.start(groups)


@dataclass(slots=True, eq=False)
class _Balance:
    """A member, and how fast it is.

    Attributes:
        rate: transfers that it ends in a second.
        ended: how many it had ended when that was measured.
        expected: groups of hosts that it is about to get.
    """

    member: Member
    rate: float
    ended: int
    expected: set[int] = field(default_factory=set)

    @property
    def is_low(self) -> bool:
        """Whether it needs more hosts."""
        return not self.expected and self.member.load <= self.rate * _LOW_SECONDS


@dataclass(slots=True)
class _Transit:
    """A group of hosts on its way from one member to another.

    Attributes:
        to: who gets it.
        transfers, moves: transfers that came meanwhile, not started or started.
    """

    to: _Balance
    transfers: list[Transfer] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


class HostBalancer:
    """Assigns groups of hosts to members; all groups are the first member's at the start.

    Args:
        local: the first member.
        rate: transfers that it has ended in the last second.
        clock: seconds.
    """

    def __init__(
        self, local: Member, rate: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._local = _Balance(local, rate, local.ended)
        self._members: list[_Balance] = [self._local]
        self._owners: dict[int, _Balance] = {}
        self._transits: dict[int, _Transit] = {}
        self._kept_until: dict[int, float] = {}
        self._clock = clock
        self._measured_at = clock()

    @property
    def waiting(self) -> int:
        """Number of transfers that belong to no member now."""
        return sum(len(each.transfers) + len(each.moves) for each in self._transits.values())

    def is_local(self, host: str) -> bool:
        """Return whether the first member may make requests to a host."""
        group = host_group(host)
        return group not in self._owners and group not in self._transits

    def join(self, member: Member) -> None:
        """Let a member get hosts."""
        self._measure()
        rate = max(each.rate for each in self._members)
        self._members.append(_Balance(member, rate, member.ended))

    def add(self, transfers: Iterable[Transfer]) -> None:
        """Queue transfers at the owners of their hosts."""
        parts: defaultdict[_Balance, list[Transfer]] = defaultdict(list)
        for transfer in transfers:
            group = host_group(transfer.host)
            if (transit := self._transits.get(group)) is not None:
                transit.transfers.append(transfer)
            else:
                parts[self._owners.get(group, self._local)].append(transfer)
        for owner, part in parts.items():
            owner.member.add(part)

    def add_moved(self, moves: Iterable[Move]) -> None:
        """Queue transfers that have been started at the owners of their next hosts."""
        parts: defaultdict[_Balance, list[Move]] = defaultdict(list)
        for move in moves:
            group = host_group(move[0].host)
            if (transit := self._transits.get(group)) is not None:
                transit.moves.append(move)
            else:
                parts[self._owners.get(group, self._local)].append(move)
        for owner, part in parts.items():
            owner.member.add_moved(part)

    def balance(self) -> bool:
        """Let members that are about to run out get hosts; return whether there is no such."""
        self._measure()
        low = [each for each in self._members if each.is_low]
        for balance in low:
            self._supply(balance)
        return not low

    def released(self, released: ReleasedHosts) -> None:
        """Give released groups to those that need them."""
        now = self._clock()
        transits: list[_Transit] = []
        for group in released.kept | released.groups:
            transit = self._transits.pop(group)
            transit.to.expected.discard(group)
            transits.append(transit)
            if group in released.kept:
                self._kept_until[group] = now + _KEPT_SECONDS
            elif transit.to is self._local:
                self._owners.pop(group, None)
            else:
                self._owners[group] = transit.to
        states: defaultdict[_Balance, list[HostState]] = defaultdict(list)
        for state in released.states:
            states[self._owners.get(host_group(state.name), self._local)].append(state)
        for owner, part in states.items():
            owner.member.restore(part)
        self.add(released.transfers)
        self.add_moved(released.moves)
        for transit in transits:
            self.add(transit.transfers)
            self.add_moved(transit.moves)

    def abort(self) -> list[Move]:
        """Remove and return the transfers that have been started and belong to no member."""
        moves = [move for transit in self._transits.values() for move in transit.moves]
        for transit in self._transits.values():
            transit.transfers.clear()
            transit.moves.clear()
        return moves

    def _measure(self) -> None:
        """Measure how fast the members are; the mean of now and before is less erratic."""
        now = self._clock()
        seconds = now - self._measured_at
        if seconds < _MIN_MEASURED_SECONDS:
            return
        self._measured_at = now
        for each in self._members:
            rate = (each.member.ended - each.ended) / seconds
            each.ended = each.member.ended
            each.rate = (each.rate + rate) / 2

    def _supply(self, balance: _Balance) -> None:
        """Let the member that has the most release some of its hosts, if it can spare them."""
        donor = max(self._members, key=lambda each: each.member.load)
        surplus = donor.member.load - balance.member.load
        if donor is balance or donor.is_low or donor.member.load <= donor.rate * _LOW_SECONDS:
            return
        wanted = min(max(balance.rate, 1.0) * _SUPPLY_SECONDS, surplus / 2)
        groups = self._choose(donor.member.waiting_by_group(), wanted, surplus)
        if not groups:
            return
        for group in groups:
            self._transits[group] = _Transit(balance)
        balance.expected.update(groups)
        donor.member.release(groups)

    def _choose(self, waiting: Counter[int], wanted: float, surplus: int) -> list[int]:
        """Return groups with about *wanted* transfers, all but one at most.

        The group with the most takes longest, and waits while it moves, so that it is chosen last.
        The others are chosen by their number, which is as good as random: a few large hosts would
        not keep the other process busy.

        Args:
            waiting: how many transfers wait, by group.
            wanted: a number of transfers.
            surplus: a single group is chosen even if it has more than wanted, but not this many.
        """
        now = self._clock()
        movable = [
            group
            for group in sorted(waiting)
            if group not in self._transits and self._kept_until.get(group, 0.0) <= now
        ]
        if len(waiting) < 2 or not movable:
            return []
        longest = max(waiting, key=waiting.__getitem__)
        chosen: list[int] = []
        for group in movable:
            if waiting[group] <= wanted and group != longest:
                chosen.append(group)
                wanted -= waiting[group]
        smallest = min(movable, key=waiting.__getitem__)
        return chosen or ([smallest] if waiting[smallest] < surplus else [])
