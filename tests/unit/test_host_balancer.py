"""Hosts that move between the processes of a run, and when a process needs others."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from downloader.core import cores
from downloader.core.host_release import Move, ReleasedHosts
from downloader.core.processes.host_balancer import HostBalancer
from downloader.core.saturation import SaturationMonitor
from downloader.core.transfer import Transfer
from downloader.journal import Job
from downloader.models import Target
from downloader.models.shards import host_group
from downloader.scheduling import HostQueues, HostState
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.urls import Url
from tests.support.clock import FakeClock

# --- saturation ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shares", "saturated"),
    [
        ([1.0] * 8, [False, True] * 4),
        ([0.5] * 8, [False] * 8),
        ([0.2, 0.2, 1.0, 1.0, 1.0], [False, False, False, True, False]),
    ],
    ids=["always", "half of the time", "in the end"],
)
def test_a_process_is_saturated_after_half_a_second_of_cpu_time(
    shares: list[float], saturated: list[bool]
) -> None:
    clock, used = FakeClock(), FakeClock()
    monitor = SaturationMonitor(clock, used)
    found = []
    for share in shares:
        clock.now += 0.25
        used.now += 0.25 * share
        found.append(monitor.is_saturated())
    assert found == saturated


# --- what moves with a host ----------------------------------------------------------------------


def moved(queues: HostQueues[str], clock: FakeClock, name: str) -> HostQueues[str]:
    """Return new queues, to which a host has moved with all that waits."""
    others: HostQueues[str] = HostQueues(4, 0.0, clock)
    items = queues.remove({name})
    others.restore(queues.take_states(lambda host: host == name))
    for item, seconds in items:
        others.requeue(name, item, seconds)
    return others


def test_items_that_wait_leave_a_host_with_the_rest_of_their_time() -> None:
    clock = FakeClock()
    queues: HostQueues[str] = HostQueues(4, 0.0, clock)
    for item in "abc":
        queues.put("host", item)
    queues.put("other", "x")
    queues.requeue("host", "retry", 5.0)
    queues.requeue("other", "later", 1.0)
    clock.now = 2.0
    assert sorted(queues.remove({"host"})) == [("a", 0), ("b", 0), ("c", 0), ("retry", 3.0)]
    assert queues.queued == 2
    assert {queues.take(), queues.take()} == {("other", "x"), ("other", "later")}
    assert queues.take() is None


def test_a_pause_goes_on_in_other_queues() -> None:
    clock = FakeClock()
    queues: HostQueues[str] = HostQueues(4, 0.0, clock)
    queues.put("host", "a")
    queues.pause("host", 10.0)
    clock.now = 4.0
    others = moved(queues, clock, "host")
    assert (others.take(), others.paused_for("host"), others.pauses("host")) == (None, 6.0, 1)
    clock.now = 10.0
    assert others.take() == ("host", "a")


def test_a_delay_and_what_overload_taught_go_on_in_other_queues() -> None:
    clock = FakeClock()
    queues: HostQueues[str] = HostQueues(4, 0.0, clock)
    for item in "abcd":
        queues.put("host", item, 1.0)
    assert queues.take() == ("host", "a")
    queues.record_overload("host")
    queues.release("host")
    others = moved(queues, clock, "host")
    assert others.take() is None
    clock.now = 1.0
    assert others.take() is not None
    clock.now = 2.0
    # One at a time is all that the host was able to handle.
    assert others.take() is None


def test_a_host_that_was_given_up_stays_so_even_if_nothing_waits_for_it() -> None:
    clock = FakeClock()
    queues: HostQueues[str] = HostQueues(4, 0.0, clock)
    queues.given_up["host"] = 503, 9000.0
    others = moved(queues, clock, "host")
    assert others.given_up == {"host": (503, 9000.0)}
    assert queues.given_up == {}


# --- balance -------------------------------------------------------------------------------------


class FakeMember:
    """A process that fetches nothing; it releases hosts when the test says so."""

    def __init__(self) -> None:
        self.ended = 0
        self.transfers: list[Transfer] = []
        self.moves: list[Move] = []
        self.states: list[HostState] = []
        self.leaving: set[int] = set()

    @property
    def load(self) -> int:
        return len(self.transfers) + len(self.moves)

    def waiting_by_group(self) -> Counter[int]:
        return Counter(host_group(transfer.host) for transfer in self.transfers)

    def add(self, transfers: Sequence[Transfer]) -> None:
        self.transfers += transfers

    def add_moved(self, moves: Sequence[Move]) -> None:
        self.moves += moves

    def restore(self, states: Sequence[HostState]) -> None:
        self.states += states

    def release(self, groups: Collection[int]) -> None:
        self.leaving |= {*groups}

    def released(self) -> ReleasedHosts:
        """Return what is leaving."""
        groups, self.leaving = self.leaving, set()
        transfers = [each for each in self.transfers if host_group(each.host) in groups]
        self.transfers = [each for each in self.transfers if each not in transfers]
        return ReleasedHosts(groups=groups, transfers=transfers)

    @property
    def hosts(self) -> set[str]:
        return {transfer.host for transfer in self.transfers}


def transfers(hosts: int, count: int) -> list[Transfer]:
    return [
        Transfer(
            Job(
                Target(url=Url(f"http://h{host}/{number}"), index=number, origin="list:1"),
                FileName("name", ExtensionRule.MARKUP),
                number,
            ),
            None,
        )
        for number in range(count)
        for host in range(hosts)
    ]


class Balanced:
    """A balancer of two members, the second of which has just joined."""

    def __init__(self, hosts: int, count: int) -> None:
        self.clock = FakeClock()
        self.local, self.worker = FakeMember(), FakeMember()
        self.balancer = HostBalancer(self.local, 100.0, self.clock)
        self.balancer.add(transfers(hosts, count))
        self.balancer.join(self.worker)


def test_all_hosts_are_the_first_members_until_another_one_needs_some() -> None:
    run = Balanced(hosts=10, count=40)
    assert run.local.load == 400
    assert run.balancer.balance() is False
    assert run.worker.load == 0
    run.balancer.released(run.local.released())
    # As many as it ends in a second, which is as many as the other one does.
    assert 0 < run.worker.load <= 100
    assert run.local.hosts.isdisjoint(run.worker.hosts)
    assert all(not run.balancer.is_local(host) for host in run.worker.hosts)


def test_what_comes_for_a_host_on_its_way_arrives_after_it() -> None:
    run = Balanced(hosts=2, count=40)
    run.balancer.balance()
    run.balancer.add(transfers(2, 1))
    assert run.balancer.waiting == 1
    run.balancer.released(run.local.released())
    assert run.balancer.waiting == 0
    assert (run.worker.load, run.local.load) == (41, 41)


def test_one_host_is_never_moved() -> None:
    run = Balanced(hosts=1, count=400)
    run.balancer.balance()
    assert run.local.leaving == set()


def test_a_host_that_did_not_become_idle_stays_and_another_one_moves() -> None:
    run = Balanced(hosts=2, count=40)
    run.balancer.balance()
    (kept,) = run.local.leaving
    run.local.leaving.clear()
    run.balancer.add(transfers(2, 1))
    run.balancer.released(ReleasedHosts(kept={kept}))
    assert run.local.load == 82
    run.balancer.balance()
    assert kept not in run.local.leaving
    assert len(run.local.leaving) == 1


def test_a_host_comes_back_when_the_first_member_runs_out() -> None:
    run = Balanced(hosts=10, count=40)
    run.balancer.balance()
    run.balancer.released(run.local.released())
    run.balancer.add(transfers(10, 100))
    run.local.transfers.clear()
    run.clock.now += 1
    run.balancer.balance()
    moving = run.worker.leaving
    assert moving
    run.balancer.released(run.worker.released())
    assert run.local.load > 0
    assert {host_group(host) for host in run.local.hosts} == moving
    assert all(map(run.balancer.is_local, run.local.hosts))


# --- cores ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "20000 100000\n"}, 1),
        ({"quota": "-1\n", "period": "100000\n"}, 8),
        ({"quota": "400000\n", "period": "100000\n"}, 4),
        ({"quota": "1600000\n", "period": "100000\n"}, 8),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_a_container_may_use_as_many_cores_as_its_quota_has(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(cores, "_QUOTA_V1", tmp_path / "quota")
    monkeypatch.setattr(cores, "_PERIOD_V1", tmp_path / "period")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8), raising=False)
    assert cores.usable_cores() == expected
