"""Which request starts next: a queue for each host, and what each host may be asked.

The host with the most requests waiting goes first. Its own limit keeps it from taking all permits,
so this is fair where it matters, and it ends the run soonest: what takes longest is never begun
last. For the same reason a list sorted by host runs like a shuffled one.
"""

import heapq
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")

#: A host is first asked for so much at once; more, up to the limit, as its answers come.
FIRST_AT_ONCE = 6
#: A host that was overloaded is not asked for more at once than it stood, for so many seconds.
_PROBE_SECONDS = 10.0
#: Of so many hosts it is remembered what they stand, while nothing is waiting for them.
_MOST_IDLE = 10_000
#: What has been begun goes before what has not: its time runs, and it holds memory.
_BEGUN = 1_000_000_000


class _HostQueue(Generic[Item]):
    """What is known of one host."""

    __slots__ = (
        "began_before_cut",
        "ceiling",
        "ceiling_since",
        "delay",
        "limit",
        "listed",
        "name",
        "not_before",
        "refusals",
        "returned",
        "ripening",
        "running",
        "timer",
        "waiting",
    )

    def __init__(self, name: str, limit: float, ceiling: int, delay: float) -> None:
        self.name = name
        self.delay = delay  # seconds between two items
        self.waiting: deque[Item] = deque()
        self.returned = 0  # how many of those that wait, the first ones, have been out before
        self.refusals = 0  # pauses that it has asked for since it last answered well
        self.ripening = 0  # items that wait for their time
        self.running = 0
        self.limit = limit
        self.ceiling = ceiling
        self.ceiling_since: float | None = None  # when it was lowered
        self.began_before_cut = 0
        self.not_before = 0.0
        self.listed = 0  # how many were waiting when it was put among the ready ones
        self.timer = 0.0  # for when it has an entry among the timers


class HostQueues(Generic[Item]):
    """Queues of items by host; every item that is taken is to be given back by :meth:`done`.

    Args:
        per_host: so many items of one host are out at once, at most.
        delay: seconds between two items of one host, unless it wants more.
        clock: seconds, as :func:`time.monotonic`.

    Attributes:
        queued: how many items wait.
    """

    def __init__(
        self, per_host: int, delay: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.queued = 0
        self._per_host = per_host
        self._delay = delay
        self._clock = clock
        self._hosts: dict[str, _HostQueue[Item]] = {}
        self._order = count()
        # Heaps: what waits longest first, and what comes soonest first.
        self._ready: list[tuple[int, int, _HostQueue[Item]]] = []
        self._timers: list[tuple[float, int, _HostQueue[Item], Item | None]] = []

    def put(self, name: str, item: Item, delay: float = 0.0) -> None:
        """Add an item behind the others of its host, which may want a longer *delay*."""
        host = self._host(name)
        host.delay = max(host.delay, delay)
        host.waiting.append(item)
        self.queued += 1
        self._list(host, self._clock())

    def put_back(self, name: str, item: Item, seconds: float) -> None:
        """Add an item that is to go before the others of its host, after so many seconds."""
        host = self._host(name)
        self.queued += 1
        now = self._clock()
        if seconds > 0:
            host.ripening += 1
            heapq.heappush(self._timers, (now + seconds, next(self._order), host, item))
        else:
            host.returned += 1
            host.waiting.appendleft(item)
            self._list(host, now)

    def take(self) -> tuple[str, Item] | None:
        """Return a host and one item of it that may start now, if there is one."""
        now = self._clock()
        if self._timers and self._timers[0][0] <= now:
            self._wake(now)
        while self._ready:
            length, _, host = heapq.heappop(self._ready)
            if -length != host.listed:
                continue  # it has been listed anew since
            host.listed = 0
            if not self._may_start(host, now):
                continue
            host.running += 1
            if host.delay:
                host.not_before = now + host.delay
            item = host.waiting.popleft()
            host.returned -= host.returned > 0
            self.queued -= 1
            self._list(host, now)
            return host.name, item
        return None

    def seconds_to_next(self) -> float | None:
        """Return in how many seconds something that waits for its time may start, if anything."""
        return max(0.0, self._timers[0][0] - self._clock()) if self._timers else None

    def done(self, name: str) -> None:
        """Take back the permit of one item of that host."""
        host = self._hosts[name]
        host.running -= 1
        if host.began_before_cut:
            host.began_before_cut -= 1
        if host.waiting:
            self._list(host, self._clock())
        else:
            self._forget_if_idle(host)

    def pause(self, name: str, seconds: float) -> None:
        """Start nothing of that host for so many seconds, as its ``Retry-After`` wants."""
        if seconds <= 0:
            return
        host = self._host(name)
        host.refusals += 1
        now = self._clock()
        host.not_before = max(host.not_before, now + seconds)
        self._set_timer(host)
        if len(self._hosts) > _MOST_IDLE + self.queued:
            self._forget_idle()

    def paused_for(self, name: str) -> float:
        """Return for how many seconds nothing of that host is started."""
        host = self._hosts.get(name)
        return 0.0 if host is None else max(0.0, host.not_before - self._clock())

    def refusals(self, name: str) -> int:
        """Return how many pauses the host has asked for since it last answered well."""
        host = self._hosts.get(name)
        return 0 if host is None else host.refusals

    def take_all(self, name: str) -> list[Item]:
        """Take all items that wait for that host; none of them is to be given back."""
        host = self._hosts.get(name)
        if host is None:
            return []
        items = [*host.waiting]
        host.waiting.clear()
        host.returned = host.listed = 0
        self.queued -= len(items)
        return items

    def overloaded(self, name: str) -> None:
        """Ask that host for half as much at once, since it says that it has too much to do.

        Several requests that were out together count once. It then grows back to what it stood.
        """
        host = self._host(name)
        if host.began_before_cut:
            return
        at_once = max(host.running, 1)
        host.limit = max(1.0, min(host.limit, at_once) / 2)
        host.ceiling = max(1, min(host.ceiling, at_once - 1))
        host.ceiling_since = self._clock()
        host.began_before_cut = host.running

    def served(self, name: str) -> None:
        """Note that the host answered well: it may be asked for a little more at once."""
        host = self._hosts[name]
        host.refusals = 0
        if host.limit < host.ceiling:
            # Doubles in each round until the first overload, and adds one in each after it.
            host.limit += 1.0 if host.ceiling_since is None else 1.0 / host.limit
            host.limit = min(host.limit, float(host.ceiling))
        elif (
            host.ceiling_since is not None
            and self._clock() - host.ceiling_since > _PROBE_SECONDS
            and host.ceiling < self._per_host
        ):
            host.ceiling += 1
            host.ceiling_since = self._clock()

    def drain(self) -> list[Item]:
        """Take all items that wait, whatever they wait for; none of them is to be given back."""
        items = [item for host in self._hosts.values() for item in host.waiting]
        items += [item for _, _, _, item in self._timers if item is not None]
        self._hosts = {name: host for name, host in self._hosts.items() if host.running}
        for host in self._hosts.values():
            host.waiting.clear()
            host.ripening = host.listed = host.returned = 0
            host.timer = 0.0
        self._ready.clear()
        self._timers.clear()
        self.queued = 0
        return items

    def _host(self, name: str) -> _HostQueue[Item]:
        host = self._hosts.get(name)
        if host is None:
            first = float(min(FIRST_AT_ONCE, self._per_host))
            host = self._hosts[name] = _HostQueue(name, first, self._per_host, self._delay)
        return host

    def _may_start(self, host: _HostQueue[Item], now: float) -> bool:
        """Return whether an item of *host* may start; set a timer where only time is missing."""
        if not host.waiting or host.running >= int(host.limit):
            return False
        if host.not_before <= now:
            return True
        self._set_timer(host)
        return False

    def _list(self, host: _HostQueue[Item], now: float) -> None:
        """Put *host* among the ready ones, at the place that the length of its queue gives it.

        One that is there already keeps its place until its queue is twice as long.
        """
        length = len(host.waiting) + (_BEGUN if host.returned else 0)
        if (not host.listed or length >= 2 * host.listed) and self._may_start(host, now):
            host.listed = length
            heapq.heappush(self._ready, (-length, next(self._order), host))

    def _set_timer(self, host: _HostQueue[Item]) -> None:
        if host.timer != host.not_before:
            host.timer = host.not_before
            heapq.heappush(self._timers, (host.not_before, next(self._order), host, None))

    def _wake(self, now: float) -> None:
        """Do what is due: items whose time has come, and hosts whose pause is over."""
        while self._timers and self._timers[0][0] <= now:
            due, _, host, item = heapq.heappop(self._timers)
            if item is not None:
                host.ripening -= 1
                host.returned += 1
                host.waiting.appendleft(item)
            elif due == host.timer:
                host.timer = 0.0
            self._list(host, now)
            self._forget_if_idle(host)

    def _forget_if_idle(self, host: _HostQueue[Item]) -> None:
        """Forget a host of which nothing is to be remembered, and when there are many, more."""
        if len(self._hosts) > 2 * _MOST_IDLE + self.queued:
            self._forget_idle()
        if (
            self._hosts.get(host.name) is host
            and not host.waiting
            and not host.running
            and not host.ripening
            and not host.timer
            and host.ceiling_since is None
            and host.not_before <= self._clock()
        ):
            del self._hosts[host.name]

    def _forget_idle(self) -> None:
        """Forget what idle hosts stand, and their pauses, before they fill memory."""
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if host.waiting or host.running or host.ripening
        }
