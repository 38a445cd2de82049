"""A queue for each host, and the choice of the transfer that starts next.

The host with the longest queue goes first. Its own limit keeps it from taking all slots, so this
is fair where it matters, and the run ends soonest: what takes longest is never started last. For
the same reason a list sorted by host runs as fast as a shuffled one.
"""

import heapq
import time
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import count
from typing import Generic

from downloader.scheduling.auto_concurrency import MAX_CONCURRENCY
from downloader.scheduling.host_queue import HostQueue, HostState, Item
from downloader.scheduling.latency_limit import LatencyLimit

#: The concurrency of a new host; it grows up to the limit as the host responds.
INITIAL_HOST_CONCURRENCY = 6
#: Wait before an overloaded host gets one request more than it was able to handle.
_PROBE_SECONDS = 10.0
#: Idle hosts whose limits and pauses are remembered.
_MAX_IDLE_HOSTS = 10_000
#: Added to the length of a queue with requeued items, which go first: their timeouts run, and they
#: hold memory.
_REQUEUED_PRIORITY = 1_000_000_000


class HostQueues(Generic[Item]):
    """Queues of items by host. Every item taken occupies a slot of its host until released.

    Args:
        per_host: the largest number of slots of one host; None for six, or, if a host takes many
            requests on one connection, for as many as it allows.
        download_delay: seconds between two items of one host, unless it wants more.
        clock: seconds, as :func:`time.monotonic`.
        delay_factor: returns what the next delay is multiplied by; None for 1.

    Attributes:
        queued: how many items wait.
        given_up: hosts that get no more requests, with the status of their last response and the
            seconds that it asks to wait.
    """

    def __init__(
        self,
        per_host: int | None,
        download_delay: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        delay_factor: Callable[[], float] | None = None,
    ) -> None:
        self.queued = 0
        self.given_up: dict[str, tuple[int, float]] = {}
        self._per_host = per_host or INITIAL_HOST_CONCURRENCY
        self._max_multiplexed = per_host or MAX_CONCURRENCY
        self._download_delay = download_delay
        self._clock = clock
        self._delay_factor = delay_factor
        self._hosts: dict[str, HostQueue[Item]] = {}
        # Heap entries with equal keys keep the order in which they were pushed.
        self._order = count()
        # Heaps: the longest queue first, and the earliest timer first.
        self._ready: list[tuple[int, int, HostQueue[Item]]] = []
        self._timers: list[tuple[float, int, HostQueue[Item], Item | None]] = []

    def put(self, name: str, item: Item, download_delay: float = 0.0) -> None:
        """Append an item to the queue of its host; *download_delay* raises that of the host."""
        host = self._hosts.get(name) or self._add_host(name)
        if download_delay > host.download_delay:
            host.download_delay = download_delay
        host.waiting.append(item)
        self.queued += 1
        if host.running < host.concurrency:
            self._push_ready(host)

    def requeue(self, name: str, item: Item, seconds: float) -> None:
        """Put an item before the others of its host, after a wait of *seconds*."""
        host = self._host(name)
        self.queued += 1
        now = self._clock()
        if seconds > 0:
            host.delayed += 1
            heapq.heappush(self._timers, (now + seconds, next(self._order), host, item))
        else:
            host.requeued += 1
            host.waiting.appendleft(item)
            self._push_ready(host)

    def take(self) -> tuple[str, Item] | None:
        """Return a host and an item that may start now, or None if there is none."""
        if self._timers and self._timers[0][0] <= (now := self._clock()):
            self._fire_timers(now)
        while self._ready:
            length, _, host = heapq.heappop(self._ready)
            if -length != host.heap_length:
                continue  # a newer entry has replaced this one
            host.heap_length = 0
            if not self._may_start(host):
                continue
            host.running += 1
            if host.download_delay:
                factor = 1.0 if self._delay_factor is None else self._delay_factor()
                host.not_before = self._clock() + host.download_delay * factor
            item = host.waiting.popleft()
            host.requeued -= host.requeued > 0
            self.queued -= 1
            if host.running < host.concurrency:
                self._push_ready(host)
            return host.name, item
        return None

    def seconds_to_next(self) -> float | None:
        """Return the seconds until the next timer, or None if there is none."""
        return max(0.0, self._timers[0][0] - self._clock()) if self._timers else None

    def release(self, name: str) -> None:
        """Free the slot of one item of the host."""
        host = self._hosts[name]
        host.running -= 1
        if host.running_before_cut:
            host.running_before_cut -= 1
        if host.waiting:
            self._push_ready(host)
        else:
            self._forget_if_idle(host)

    def pause(self, name: str, seconds: float) -> None:
        """Start nothing of the host for *seconds*, as its ``Retry-After`` asks."""
        if seconds <= 0:
            return
        host = self._host(name)
        host.pauses += 1
        now = self._clock()
        host.not_before = max(host.not_before, now + seconds)
        self._set_timer(host)
        if len(self._hosts) > _MAX_IDLE_HOSTS + self.queued:
            self._forget_idle()

    def paused_for(self, name: str) -> float:
        """Return the seconds until the host's pause is over."""
        host = self._hosts.get(name)
        return 0.0 if host is None else max(0.0, host.not_before - self._clock())

    def pauses(self, name: str) -> int:
        """Return how many pauses the host has asked for since its last success."""
        host = self._hosts.get(name)
        return 0 if host is None else host.pauses

    def remove_waiting(self, name: str) -> list[Item]:
        """Remove and return the items that wait for a slot of the host."""
        host = self._hosts.get(name)
        if host is None:
            return []
        items = [*host.waiting]
        host.waiting.clear()
        host.requeued = host.heap_length = 0
        self.queued -= len(items)
        return items

    def names(self) -> list[str]:
        """Return the hosts that have items, or limits or pauses."""
        return [*self._hosts]

    def waiting(self) -> Iterator[tuple[str, int]]:
        """Yield each host of which items wait for a slot, and how many of them."""
        for host in self._hosts.values():
            if host.waiting:
                yield host.name, len(host.waiting)

    def running(self, name: str) -> int:
        """Return how many items of the host have been taken, and not been released."""
        host = self._hosts.get(name)
        return 0 if host is None else host.running

    def remove(self, names: Container[str]) -> list[tuple[Item, float]]:
        """Remove all items of these hosts that wait; return each with the seconds that are left."""
        now = self._clock()
        removed: list[tuple[Item, float]] = []
        kept = []
        for timer in self._timers:
            due, _, host, item = timer
            if item is not None and host.name in names:
                host.delayed -= 1
                removed.append((item, max(0.0, due - now)))
            else:
                kept.append(timer)
        if removed:
            heapq.heapify(kept)
            self._timers = kept
        for host in self._hosts.values():
            if host.name in names:
                removed += [(item, 0.0) for item in host.waiting]
                host.waiting.clear()
                host.requeued = host.heap_length = 0
        self.queued -= len(removed)
        return removed

    def take_states(self, belongs: Callable[[str], bool]) -> list[HostState]:
        """Forget the hosts for which *belongs* is true, none of which has items; return them."""
        states = []
        for name in [*filter(belongs, {**self._hosts, **self.given_up})]:
            host = self._hosts.pop(name, None)
            given_up = self.given_up.pop(name, None)
            if host is None:
                host = self._new_host(name)
            states.append(host.state(given_up))
        return states

    def restore(self, states: Iterable[HostState]) -> None:
        """Remember hosts that the queues of another process have forgotten."""
        for state in states:
            host = self._host(state.name)
            host.restore(state)
            if host.not_before > self._clock():
                self._set_timer(host)
            if state.given_up is not None:
                self.given_up[state.name] = state.given_up

    def record_overload(self, name: str) -> None:
        """Halve the concurrency of a host that reports overload; it grows back step by step.

        Items that were running at the last cut report the same overload, and cut it no further.
        """
        host = self._host(name)
        if host.running_before_cut:
            return
        running = max(host.running, 1)
        host.concurrency = max(1.0, min(host.concurrency, running) / 2)
        host.max_concurrency = max(1, min(host.max_concurrency, running - 1))
        host.overloaded_at = self._clock()
        host.running_before_cut = host.running

    def record_success(self, name: str) -> None:
        """Raise the concurrency of a host that responds."""
        host = self._hosts[name]
        host.pauses = 0
        if host.concurrency < host.max_concurrency:
            # It doubles in each round trip until the first overload; later it grows by one.
            host.concurrency += 1.0 if host.overloaded_at is None else 1.0 / host.concurrency
            host.concurrency = min(host.concurrency, float(host.max_concurrency))
        elif (
            host.overloaded_at is not None
            and self._clock() - host.overloaded_at > _PROBE_SECONDS
            and host.max_concurrency < self._most(host)
        ):
            host.max_concurrency += 1
            host.overloaded_at = self._clock()

    def record_latency(self, name: str, seconds: float, allowed: int) -> None:
        """Adapt the concurrency of a host that takes many requests on one connection.

        Args:
            name: the host.
            seconds: from a request to the head of its response.
            allowed: how many requests the host takes at once.
        """
        host = self._hosts[name]
        allowed = max(1, min(allowed, self._max_multiplexed))
        if host.latency is None:
            host.latency = LatencyLimit(host.concurrency)
        host.latency.record(seconds, host.running, allowed)
        if host.overloaded_at is None:
            host.max_concurrency = max(1, int(min(host.latency.limit, allowed)))
            host.concurrency = float(host.max_concurrency)
        else:
            host.max_concurrency = min(host.max_concurrency, allowed)
            host.concurrency = min(host.concurrency, float(host.max_concurrency))

    def drain(self) -> list[Item]:
        """Remove and return all items that wait, for a slot or for their time."""
        items = [item for host in self._hosts.values() for item in host.waiting]
        items += [item for _, _, _, item in self._timers if item is not None]
        self._hosts = {name: host for name, host in self._hosts.items() if host.running}
        for host in self._hosts.values():
            host.waiting.clear()
            host.delayed = host.heap_length = host.requeued = 0
            host.timer_at = 0.0
        self._ready.clear()
        self._timers.clear()
        self.queued = 0
        return items

    def _host(self, name: str) -> HostQueue[Item]:
        return self._hosts.get(name) or self._add_host(name)

    def _add_host(self, name: str) -> HostQueue[Item]:
        host = self._hosts[name] = self._new_host(name)
        return host

    def _new_host(self, name: str) -> HostQueue[Item]:
        concurrency = float(min(INITIAL_HOST_CONCURRENCY, self._per_host))
        return HostQueue(name, concurrency, self._per_host, self._download_delay)

    def _most(self, host: HostQueue[Item]) -> int:
        """Return the largest concurrency that is ever right for a host."""
        return self._per_host if host.latency is None else int(host.latency.limit)

    def _may_start(self, host: HostQueue[Item]) -> bool:
        """Return whether an item may start; set a timer if only the time has not come."""
        # The concurrency grows by fractions, of which only whole ones count.
        if not host.waiting or host.running + 1 > host.concurrency:
            return False
        if not host.not_before or host.not_before <= self._clock():
            return True
        self._set_timer(host)
        return False

    def _push_ready(self, host: HostQueue[Item]) -> None:
        """Push a host that may start an item onto the heap, by the length of its queue.

        A host that is on the heap is pushed again only once its queue has doubled.
        """
        length = len(host.waiting) + (_REQUEUED_PRIORITY if host.requeued else 0)
        is_stale = not host.heap_length or length >= 2 * host.heap_length
        if is_stale and self._may_start(host):
            host.heap_length = length
            heapq.heappush(self._ready, (-length, next(self._order), host))

    def _set_timer(self, host: HostQueue[Item]) -> None:
        if host.timer_at != host.not_before:
            host.timer_at = host.not_before
            heapq.heappush(self._timers, (host.not_before, next(self._order), host, None))

    def _fire_timers(self, now: float) -> None:
        """Queue the items whose time has come, and push the hosts whose pause is over."""
        while self._timers and self._timers[0][0] <= now:
            due, _, host, item = heapq.heappop(self._timers)
            if item is not None:
                host.delayed -= 1
                host.requeued += 1
                host.waiting.appendleft(item)
            elif due == host.timer_at:
                host.timer_at = 0.0
            self._push_ready(host)
            self._forget_if_idle(host)

    def _forget_if_idle(self, host: HostQueue[Item]) -> None:
        """Forget an idle host that has no limits or pauses; when hosts are many, all idle ones."""
        if len(self._hosts) > 2 * _MAX_IDLE_HOSTS + self.queued:
            self._forget_idle()
        if (
            self._hosts.get(host.name) is host
            and not host.waiting
            and not host.running
            and not host.delayed
            and not host.timer_at
            and host.overloaded_at is None
            and host.not_before <= self._clock()
        ):
            del self._hosts[host.name]

    def _forget_idle(self) -> None:
        """Forget all idle hosts, with their limits and pauses, before they fill memory."""
        self._hosts = {
            name: host
            for name, host in self._hosts.items()
            if host.waiting or host.running or host.delayed
        }
