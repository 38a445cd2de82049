"""The queue of one host, and what is known of the host."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from downloader.scheduling.latency_limit import LatencyLimit

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class HostState:
    """The state of a host that moves to the queues of another process.

    The concurrency of a host that takes many requests on one connection is left out, because the
    other process makes a new connection.

    Attributes:
        name: the host, with a port.
        download_delay, overloaded_at, pauses, not_before: see :class:`HostQueue`.
        concurrency, max_concurrency: see :class:`HostQueue`; None for those of a new host.
        given_up: see :attr:`.HostQueues.given_up`; None unless it was given up.
    """

    name: str
    download_delay: float
    concurrency: float | None
    max_concurrency: int | None
    overloaded_at: float | None
    pauses: int
    not_before: float
    given_up: tuple[int, float] | None


class HostQueue(Generic[Item]):
    """One host.

    Attributes:
        name: the host, with a port.
        download_delay: seconds between two items.
        waiting: items that may start when the host has a free slot.
        requeued: how many of them, the first ones, have been started before.
        delayed: items that wait for their own time.
        running: items that have been taken, and not been released.
        concurrency: how many may be running; it grows by fractions.
        max_concurrency: the largest concurrency that the host is able to handle.
        overloaded_at: when that was lowered, or last raised again; None if it never was.
        running_before_cut: running items that were taken before the last cut of the concurrency.
        pauses: pauses that the host has asked for since its last success.
        latency: the limit by latency, if the host takes many requests on one connection.
        not_before: when the next item may start.
        heap_length: the length of the queue by which it is in the heap of ready hosts; 0 if not.
        timer_at: the time of its entry among the timers; 0 if it has none.
    """

    __slots__ = (
        "concurrency",
        "delayed",
        "download_delay",
        "heap_length",
        "latency",
        "max_concurrency",
        "name",
        "not_before",
        "overloaded_at",
        "pauses",
        "requeued",
        "running",
        "running_before_cut",
        "timer_at",
        "waiting",
    )

    def __init__(
        self, name: str, concurrency: float, max_concurrency: int, download_delay: float
    ) -> None:
        self.name = name
        self.download_delay = download_delay
        self.waiting: deque[Item] = deque()
        self.requeued = self.delayed = self.running = self.pauses = 0
        self.concurrency = concurrency
        self.max_concurrency = max_concurrency
        self.latency: LatencyLimit | None = None
        self.overloaded_at: float | None = None
        self.running_before_cut = 0
        self.not_before = self.timer_at = 0.0
        self.heap_length = 0

    def state(self, given_up: tuple[int, float] | None) -> HostState:
        """Return what another process needs to know of this host."""
        multiplexed = self.latency is not None
        return HostState(
            self.name,
            self.download_delay,
            None if multiplexed else self.concurrency,
            None if multiplexed else self.max_concurrency,
            self.overloaded_at,
            self.pauses,
            self.not_before,
            given_up,
        )

    def restore(self, state: HostState) -> None:
        """Take over what another process knew of this host."""
        self.download_delay = max(self.download_delay, state.download_delay)
        if state.concurrency is not None and state.max_concurrency is not None:
            self.concurrency, self.max_concurrency = state.concurrency, state.max_concurrency
        self.overloaded_at = state.overloaded_at
        self.pauses = state.pauses
        self.not_before = max(self.not_before, state.not_before)
