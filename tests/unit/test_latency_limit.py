"""The limit of a host by its latency, on simulated servers."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest

from downloader.scheduling.host_queues import HostQueues
from downloader.scheduling.latency_limit import LatencyLimit

ALLOWED = 100


@dataclass
class Run:
    """Requests to one server, as many at once as the limit allows.

    Attributes:
        latency: seconds that a request takes, by the number that run when it starts.
        limits: the limit after each response.
    """

    latency: Callable[[int], float]
    limit: LatencyLimit = field(default_factory=lambda: LatencyLimit(6.0))
    now: float = 0.0
    limits: list[float] = field(default_factory=list)
    _running: list[tuple[float, int, float]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def responses(self, number: int, allowed: int = ALLOWED) -> "Run":
        """Receive so many responses."""
        for _ in range(number):
            while len(self._running) < int(self.limit.limit):
                seconds = self.latency(len(self._running) + 1)
                heapq.heappush(self._running, (self.now + seconds, next(self._order), seconds))
            self.now, _, seconds = heapq.heappop(self._running)
            self.limit.record(seconds, len(self._running) + 1, allowed)
            self.limits.append(self.limit.limit)
        return self


def overloaded_beyond(capacity: int) -> Callable[[int], float]:
    """Return the latency of a server that works at so many requests at once: others wait."""
    return lambda running: 0.08 * max(1.0, running / capacity)


def test_a_server_that_stays_quick_gets_all_it_allows_within_four_round_trips() -> None:
    run = Run(lambda running: 0.08).responses(6 + 18 + 54 + 1)
    assert run.limit.limit == ALLOWED
    assert run.now == pytest.approx(4 * 0.08)


@pytest.mark.parametrize("capacity", [5, 12, 40])
def test_a_server_gets_little_more_than_it_can_do_at_once(capacity: int) -> None:
    run = Run(overloaded_beyond(capacity)).responses(3000)
    late = run.limits[-1000:]
    assert max(late) <= 3.5 * capacity + 6
    assert min(late) >= min(capacity, 6)


def test_a_limit_settles() -> None:
    late = Run(overloaded_beyond(20)).responses(5000).limits[-1000:]
    assert max(late) < 2 * min(late)


@pytest.mark.parametrize("seed", range(5))
def test_latency_that_varies_by_itself_does_not_stop_the_growth(seed: int) -> None:
    chance = random.Random(seed)
    run = Run(lambda running: chance.lognormvariate(-2.5, 0.5)).responses(1000)
    assert run.limit.limit == ALLOWED


def test_a_quick_server_is_not_slow_because_this_machine_is_busy() -> None:
    # Each response costs 0.3 ms here, so that requests wait for each other.
    run = Run(lambda running: 0.0003 * running).responses(2000)
    assert run.limits[-1] > 30


def test_latency_never_takes_more_than_what_a_host_starts_with() -> None:
    run = Run(lambda running: 0.08).responses(500)
    run.latency = lambda running: 10.0
    assert run.responses(300).limit.limit >= 6


def test_a_server_that_has_become_slower_for_good_is_used_fully_again() -> None:
    run = Run(lambda running: 0.08).responses(1000)
    run.latency = lambda running: 0.8
    assert run.responses(10_000).limit.limit == ALLOWED


def test_few_requests_do_not_raise_the_limit() -> None:
    limit = LatencyLimit(6.0)
    for _ in range(1000):
        limit.record(0.08, running=1, maximum=ALLOWED)
    assert limit.limit == 6


# --- in the queues --------------------------------------------------------------------------------


def taken(queues: HostQueues[int]) -> int:
    """Take all items that may start; return how many."""
    number = 0
    while queues.take() is not None:
        number += 1
    return number


def filled(per_host: int | None) -> HostQueues[int]:
    queues: HostQueues[int] = HostQueues(per_host, clock=lambda: 0.0)
    for item in range(1000):
        queues.put("h", item)
    return queues


def answer(queues: HostQueues[int], number: int, allowed: int | None) -> None:
    """Let so many items end; the host takes *allowed* at once, or speaks HTTP/1.1."""
    for _ in range(number):
        if allowed is not None:
            queues.record_latency("h", 0.08, allowed)
        queues.record_success("h")
        queues.release("h")


def rounds(queues: HostQueues[int], allowed: int | None, number: int = 6) -> list[int]:
    """Return how many items run at once in each round trip."""
    running = taken(queues)
    sizes = [running]
    for _ in range(number - 1):
        answer(queues, running, allowed)
        running = taken(queues)
        sizes.append(running)
    return sizes


def test_a_host_of_http1_keeps_six() -> None:
    assert rounds(filled(None), None) == [6] * 6


def test_a_host_that_multiplexes_gets_what_it_allows() -> None:
    assert rounds(filled(None), 100) == [6, 18, 54, 100, 100, 100]


def test_per_host_is_the_most_for_both() -> None:
    assert rounds(filled(20), 100) == [6, 18, 20, 20, 20, 20]
    assert max(rounds(filled(20), None)) == 20
    assert rounds(filled(2), 100) == [2] * 6


def test_a_host_that_takes_one_request_at_once_gets_one() -> None:
    assert rounds(filled(None), 1)[1:] == [1] * 5


def test_a_host_that_lowers_what_it_allows_gets_no_more() -> None:
    queues = filled(None)
    assert rounds(queues, 100)[-1] == 100
    answer(queues, 100, 10)
    assert taken(queues) == 10


def test_an_overload_halves_what_a_host_gets_and_it_grows_slowly() -> None:
    queues = filled(None)
    running = rounds(queues, 100)[-1]
    queues.record_overload("h")
    answer(queues, running, 100)
    sizes = rounds(queues, 100)
    assert 50 <= sizes[0] <= 52
    assert sizes == sorted(sizes)
    assert sizes[-1] < 60
