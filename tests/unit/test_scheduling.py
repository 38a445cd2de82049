"""Who may start now: simulated by a clock that only the test moves, so nothing is waited for."""

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.scheduling import AutoConcurrency, HostQueues, RateLimiter, ResizableSemaphore
from tests.support.clock import FakeClock


def simulate(
    jobs: list[tuple[str, float]],
    *,
    at_once: int,
    per_host: int,
    window: int = 10_000,
    delay: float = 0.0,
) -> tuple[float, dict[str, int]]:
    """Run (host, seconds) jobs in the order of a list; return the makespan and peaks by host."""
    clock = FakeClock()
    hosts: HostQueues[float] = HostQueues(per_host, delay, clock)
    left = iter(jobs)
    running: list[tuple[float, str]] = []
    peaks: Counter[str] = Counter()
    now_running: Counter[str] = Counter()
    listed = True
    while True:
        while listed and hosts.queued < window:
            job = next(left, None)
            listed = job is not None
            if job is not None:
                hosts.put(*job)
        while len(running) < at_once and (found := hosts.take()) is not None:
            host, seconds = found
            heapq.heappush(running, (clock.now + seconds, host))
            now_running[host] += 1
            peaks[host] = max(peaks[host], now_running[host])
        following = hosts.seconds_to_next()
        full = len(running) == at_once
        if running and (full or following is None or running[0][0] <= clock.now + following):
            ended, host = heapq.heappop(running)
            clock.now = max(clock.now, ended)
            now_running[host] -= 1
            hosts.record_success(host)
            hosts.release(host)
        elif following is not None:
            clock.now += following
        else:
            assert not hosts.queued
            return clock.now, peaks


def uneven(chance: random.Random, pages: int, hosts: int) -> list[tuple[str, float]]:
    """Return jobs of very uneven hosts (Zipf), sorted by host, with log-normal latencies."""
    weights = [1 / rank for rank in range(1, hosts + 1)]
    names = chance.choices([f"host-{n:03}" for n in range(hosts)], weights, k=pages)
    return sorted((name, chance.lognormvariate(-2.5, 0.5)) for name in names)


def lower_bound(jobs: list[tuple[str, float]], at_once: int, per_host: int) -> float:
    """Return the time that no order can beat."""
    work: Counter[str] = Counter()
    for host, seconds in jobs:
        work[host] += seconds  # type: ignore[assignment] # a Counter of seconds
    return max(max(work.values()) / per_host, sum(work.values()) / at_once)


@pytest.mark.parametrize("at_once", [16, 64, 256])
@pytest.mark.parametrize("order", ["sorted", "backwards", "shuffled"])
def test_whatever_the_order_of_the_list_the_run_is_near_the_lower_bound(
    at_once: int, order: str
) -> None:
    chance = random.Random(7)
    jobs = uneven(chance, 8000, 500)
    if order == "shuffled":
        chance.shuffle(jobs)
    elif order == "backwards":
        jobs.reverse()
    makespan, peaks = simulate(jobs, at_once=at_once, per_host=6)
    assert makespan <= 1.10 * lower_bound(jobs, at_once, 6)
    assert max(peaks.values()) <= 6


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 5)), max_size=200),
    st.integers(1, 20),
    st.integers(1, 8),
    st.integers(1, 50),
    st.sampled_from([0.0, 0.5]),
)
def test_everything_is_started_and_no_limit_is_passed(
    jobs: list[tuple[str, float]], at_once: int, per_host: int, window: int, delay: float
) -> None:
    _, peaks = simulate(jobs, at_once=at_once, per_host=per_host, window=window, delay=delay)
    assert set(peaks) == {host for host, _ in jobs}
    assert all(peak <= per_host for peak in peaks.values())


def test_two_requests_to_one_host_are_a_delay_apart() -> None:
    makespan, peaks = simulate([("a", 0.1)] * 10, at_once=10, per_host=6, delay=2.0)
    assert makespan == pytest.approx(9 * 2.0 + 0.1)
    assert peaks == {"a": 1}


def test_a_paused_host_waits_and_the_others_go_on() -> None:
    clock = FakeClock()
    hosts: HostQueues[str] = HostQueues(6, clock=clock)
    hosts.pause("a", 30.0)
    hosts.put("a", "first of a")
    hosts.put("b", "first of b")
    assert hosts.take() == ("b", "first of b")
    assert hosts.take() is None
    assert hosts.seconds_to_next() == 30.0
    clock.now = 30.0
    assert hosts.take() == ("a", "first of a")


def test_what_is_tried_again_goes_first_when_its_time_has_come() -> None:
    clock = FakeClock()
    hosts: HostQueues[str] = HostQueues(1, clock=clock)
    hosts.put("a", "new")
    hosts.requeue("a", "again", 5.0)
    clock.now = 5.0
    assert hosts.take() == ("a", "again")
    assert hosts.take() is None
    hosts.release("a")
    assert hosts.take() == ("a", "new")


def refusals(most: int, per_host: int, pages: int = 2000) -> int:
    """Return how often a host refuses that can do no more than *most* at once."""
    clock = FakeClock()
    hosts: HostQueues[int] = HostQueues(per_host, clock=clock)
    for page in range(pages):
        hosts.put("busy", page)
    refused = out = 0
    chance = random.Random(3)
    while hosts.queued or out:
        refusals: list[int] = []
        while (found := hosts.take()) is not None:
            out += 1
            if out > most:
                refusals.append(found[1])
        clock.now += 0.05
        for page in refusals:
            out -= 1
            refused += 1
            hosts.record_overload("busy")
            hosts.requeue("busy", page, chance.random())
            hosts.release("busy")
        for _ in range(max(1, out // 2) if out else 0):
            out -= 1
            hosts.record_success("busy")
            hosts.release("busy")
    return refused


def test_a_host_that_says_that_it_is_overloaded_is_soon_asked_for_no_more_than_it_stands() -> None:
    assert 0 < refusals(20, per_host=64) < 60, "of 2000 pages"


def test_refusals_of_requests_that_were_out_together_count_once() -> None:
    hosts: HostQueues[int] = HostQueues(6, clock=FakeClock())
    for page in range(20):
        hosts.put("a", page)
    taken = [hosts.take() for _ in range(6)]
    assert None not in taken
    for _ in range(6):
        hosts.record_overload("a")
        hosts.release("a")
    assert [hosts.take() is not None for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("paused", [True, False])
@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_memory_does_not_grow_with_the_hosts_that_have_been(paused: bool, delay: float) -> None:
    clock = FakeClock()
    hosts: HostQueues[int] = HostQueues(6, delay, clock)
    for number in range(50_000):
        name = f"host-{number}"
        hosts.put(name, number)
        assert hosts.take() == (name, number)
        hosts.record_overload(name)
        if paused:
            hosts.pause(name, 60.0)
        hosts.release(name)
    assert len(hosts._hosts) <= 20_001


def test_what_has_been_begun_goes_before_longer_queues() -> None:
    hosts: HostQueues[str] = HostQueues(6, clock=FakeClock())
    for number in range(100):
        hosts.put("long", f"new {number}")
    hosts.requeue("short", "begun", 0.0)
    assert hosts.take() == ("short", "begun")


def test_what_waits_can_be_taken_back() -> None:
    hosts: HostQueues[int] = HostQueues(1, clock=FakeClock())
    hosts.put("a", 1)
    hosts.put("a", 2)
    hosts.requeue("a", 3, 60.0)
    hosts.pause("b", 60.0)
    hosts.put("b", 4)
    assert hosts.take() == ("a", 1)
    assert sorted(hosts.drain()) == [2, 3, 4]
    assert (hosts.take(), hosts.queued, hosts.seconds_to_next()) == (None, 0, None)
    hosts.release("a")


# --- how many at once ----------------------------------------------------------------------------


def found_limit(
    rate: Callable[[int], float],
    *,
    failures: Callable[[int], float] = lambda _: 0.0,
    busy: Callable[[int], float] = lambda _: 0.1,
    seconds: float = 20.0,
    most: int = 1024,
) -> list[int]:
    """Run a world in which *limit* transfers at once end at *rate* of them; return the limits."""
    clock, worked = FakeClock(), FakeClock()
    adaptive = AutoConcurrency(most, clock, lambda: 0, cpu_seconds=worked)
    limits = []
    chance = random.Random(5)
    while clock.now < seconds:
        step = 1 / rate(adaptive.limit)
        clock.now += step
        worked.now += step * busy(adaptive.limit)
        strained = chance.random() < failures(adaptive.limit)
        adaptive.transfer_ended(permits_short=True, overload=strained)
        limits.append(adaptive.limit)
    return limits


def test_it_grows_while_that_brings_more() -> None:
    limits = found_limit(lambda limit: limit / 0.08, seconds=1.0)
    assert limits[-1] == 1024


def test_it_stays_where_more_brings_nothing() -> None:
    limits = found_limit(lambda limit: min(limit, 100) / 0.08)
    assert 60 <= limits[-1] <= 250
    assert max(limits) <= 512


def test_it_goes_back_when_more_brings_failures() -> None:
    limits = found_limit(
        lambda limit: limit / 0.08, failures=lambda limit: 0.5 if limit > 200 else 0.0
    )
    assert 64 <= limits[-1] <= 300


def test_a_list_of_dead_hosts_is_no_reason_to_go_slower() -> None:
    limits = found_limit(lambda limit: limit / 0.5, failures=lambda _: 0.5, seconds=10)
    assert limits[-1] >= 512


def test_dead_hosts_that_come_later_are_no_reason_to_stay_slow() -> None:
    clock = FakeClock()
    adaptive = AutoConcurrency(1024, clock, lambda: 0, cpu_seconds=lambda: 0.0)
    chance = random.Random(5)
    while clock.now < 60:
        clock.now += 0.1 / adaptive.limit
        dead = clock.now > 0.25 and chance.random() < 0.3
        adaptive.transfer_ended(permits_short=True, overload=dead)
    assert adaptive.limit > 512


def test_a_process_that_has_no_time_left_gains_nothing_by_more() -> None:
    limits = found_limit(lambda limit: min(limit, 70) / 0.02, busy=lambda _: 1.0)
    assert limits[-1] <= 256


def test_a_number_that_is_given_stays() -> None:
    clock = FakeClock()
    adaptive = AutoConcurrency(16, clock, lambda: 0, fixed=True)
    for _ in range(1000):
        clock.now += 0.01
        adaptive.transfer_ended(permits_short=True, overload=True)
    assert adaptive.limit == 16


def test_permits_can_be_fewer_or_more_while_they_are_out() -> None:
    permits = ResizableSemaphore(3)
    assert [permits.try_acquire() for _ in range(4)] == [True, True, True, False]
    permits.limit = 1
    permits.release()
    permits.release()
    assert not permits.try_acquire()
    permits.release()
    permits.limit = 2
    assert [permits.try_acquire() for _ in range(3)] == [True, True, False]
    permits.limit = 8
    permits.limit = 4
    assert [permits.try_acquire() for _ in range(3)] == [True, True, False]


# --- how fast ------------------------------------------------------------------------------------


async def test_the_total_of_all_transfers_keeps_to_the_rate_and_is_shared_fairly() -> None:
    clock = FakeClock()
    waiting: list[tuple[float, int, asyncio.Event]] = []

    async def sleep(seconds: float) -> None:
        awake = asyncio.Event()
        heapq.heappush(waiting, (clock.now + seconds, len(waiting), awake))
        await awake.wait()

    bandwidth = RateLimiter(1_000_000, sleep, clock)
    received = [0, 0, 0]

    async def transfer(number: int) -> None:
        while True:
            received[number] += 10_000
            await bandwidth.throttle(10_000)

    transfers = [asyncio.create_task(transfer(number)) for number in range(3)]
    while clock.now < 10:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if waiting:
            clock.now, _, awake = heapq.heappop(waiting)
            awake.set()
    for task in transfers:
        task.cancel()
    await asyncio.gather(*transfers, return_exceptions=True)
    assert sum(received) == pytest.approx(10_000_000, rel=0.05)
    assert max(received) - min(received) <= 20_000


def test_a_random_wait_varies_each_delay_of_a_host() -> None:
    clock, factors = FakeClock(), iter([0.5, 1.5, 1.0])
    hosts: HostQueues[int] = HostQueues(6, 2.0, clock, lambda: next(factors))
    starts = []
    for item in range(3):
        hosts.put("example.org", item)
    while hosts.queued:
        if hosts.take() is None:
            clock.now += hosts.seconds_to_next() or 0.0
        else:
            starts.append(clock.now)
    assert [later - first for first, later in pairwise(starts)] == [1.0, 3.0]
