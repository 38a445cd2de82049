"""``--processes auto``: others join a run of one process, which changes nothing but its speed."""

import asyncio
import os
import random
import re
import signal
from typing import Self

import pytest
from aiohttp import web

from downloader import Options
from tests.support.command import Command, CommandResult, finished, prepared, write_list
from tests.support.cookies import sets
from tests.support.fault_server import save_authority
from tests.support.files import contents
from tests.support.handlers import delayed, in_turn, redirect, sends
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only
from tests.support.processes import child_processes, wait_until_ended

pytestmark = pytest.mark.real_start

#: Makes a process of three cores take itself for saturated, however fast this machine is, and says
#: on stderr whenever another one joins or gets hosts.
SATURATED = """
import sys
from downloader.core import auto_backend, saturation
from downloader.core.processes import host_balancer
auto_backend.usable_cores = lambda: 3
auto_backend._TICK_SECONDS = 0.05
saturation._WINDOW_SECONDS, saturation._SATURATED_SHARE = 0.01, 0.0
auto_backend.AutoBackend._has_work = lambda backend, rate: (
    sum(1 for _ in backend._pool.queues.waiting()) >= auto_backend._MIN_HOSTS
)
def say(function, word):
    def said(*arguments):
        print("TEST", word, file=sys.stderr, flush=True)
        return function(*arguments)
    return said
auto_backend.AutoBackend._grow = say(auto_backend.AutoBackend._grow, "grows")
host_balancer.HostBalancer.join = say(host_balancer.HostBalancer.join, "joins")
host_balancer.HostBalancer.released = say(host_balancer.HostBalancer.released, "moves")
"""


class SaturatedRun:
    """The command on a list, which is answered only when another process has joined.

    Attributes:
        process: the command.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._err: list[str] = []

    @classmethod
    async def start(cls, many_hosts: ManyHosts, command: Command, *arguments: str) -> Self:
        """Start the command, and wait until another process has joined."""
        many_hosts.open.clear()
        run = cls(await prepared(command, SATURATED, *arguments, new_group=True))
        await run.until("joins")
        many_hosts.open.set()
        return run

    async def until(self, word: str) -> None:
        """Wait until the command says this word of :data:`SATURATED`."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            while f"TEST {word}" not in self._err:
                line = await self.process.stderr.readline()
                assert line, self._err
                self._err.append(line.decode().rstrip("\n"))

    async def result(self) -> CommandResult:
        """Wait for the end; return what the command left, without the words of the test."""
        ran = await finished(self.process)
        err = [line for line in [*self._err, *ran.err] if not line.startswith("TEST ")]
        return CommandResult(ran.status, ran.out, err)


async def saturated(many_hosts: ManyHosts, command: Command, *arguments: str) -> CommandResult:
    """Run the command to its end; hosts have moved to another process meanwhile."""
    run = await SaturatedRun.start(many_hosts, command, *arguments)
    await run.until("moves")
    return await run.result()


def without_times(ran: CommandResult) -> list[str]:
    """Return the lines of stdout, without what differs from run to run."""
    text = "\n".join(sorted(ran.out)).replace("auto/", "one/")
    text = re.sub(r"list:\d+ repeats list:\d+", "", text)
    return re.sub(r" in \d+\.\d+ s", "", text).splitlines()


@linux_only
async def test_a_run_that_others_join_leaves_and_says_what_one_process_does(
    many_hosts: ManyHosts, command: Command
) -> None:
    chance = random.Random(5)
    for number in range(60):
        many_hosts.pages[f"/{number}"] = delayed(chance.randbytes(3000), 0.02)
    many_hosts.pages["/moved"] = redirect(many_hosts.url(6, "/7"))
    many_hosts.pages["/failing"] = sends(status=403)
    addresses = [
        many_hosts.url(host, path) for host in HOSTS for path in [*many_hosts.pages, "/lost"]
    ]
    write_list(command, [*addresses, *addresses[:5], "no address://", "ftp://127.0.0.1/"])
    one = await command("list", "-o", "one", "--processes", "1")
    auto = await saturated(many_hosts, command, "list", "-o", "auto")
    assert one.status == auto.status == 1
    assert contents(command.folder / "one") == contents(command.folder / "auto")
    assert sorted(one.err) == sorted(auto.err)
    assert without_times(one) == without_times(auto)
    many_hosts.requests.clear()
    assert (await command("list", "-o", "auto")).status == 1
    assert {request.path for request in many_hosts.requests} == {"/failing", "/lost"}


@linux_only
async def test_a_host_that_moves_takes_its_cookies_along(
    many_hosts: ManyHosts, command: Command
) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        if "Cookie" not in request.headers:
            return await sets(f"host={request.host}; Path=/")(request)
        return await delayed(b"page", 0.02)(request)

    paths = [f"/{number}" for number in range(60)]
    many_hosts.pages = dict.fromkeys(paths, page)
    write_list(command, [many_hosts.url(host, path) for host in HOSTS for path in paths])
    ran = await saturated(many_hosts, command, "list", "--per-host", "1", "--save-cookies", "jar")
    assert (ran.status, ran.err) == (0, [])
    told = [(request.host, request.headers.get("Cookie")) for request in many_hosts.requests]
    assert [told.count((host, None)) for host in sorted({host for host, _ in told})] == [1] * 6
    assert all(cookie in (None, f"host={host}") for host, cookie in told)
    assert len((command.folder / "jar").read_text().splitlines()) == 3 + 6


@linux_only
async def test_hosts_keep_their_limit_while_they_move_redirects_and_retries_included(
    many_hosts: ManyHosts, command: Command
) -> None:
    addresses = []
    for number in range(240):
        here, there = number % 6 + 1, (number + 1 + number // 6) % 6 + 1
        many_hosts.pages[f"/{number}"] = redirect(many_hosts.url(there, f"/target-{number}"))
        answers = [delayed(b"page", 0.01)]
        if number % 10 == 0:
            answers.insert(0, sends(status=500))
        many_hosts.pages[f"/target-{number}"] = in_turn(*answers)
        addresses.append(many_hosts.url(here, f"/{number}"))
    write_list(command, addresses)
    ran = await saturated(many_hosts, command, "list", "--per-host", "2", "-q")
    assert (ran.status, ran.err) == (0, [])
    assert max(many_hosts.most.values()) == 2
    assert len(contents(command.folder / "downloaded_sites")) == len(addresses)


@linux_only
async def test_all_processes_together_keep_to_the_concurrency(
    many_hosts: ManyHosts, command: Command
) -> None:
    running = most = 0

    async def page(request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await delayed(b"page", 0.01)(request)
        finally:
            running -= 1

    many_hosts.pages = {f"/{number}": page for number in range(50)}
    write_list(command, [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages])
    ran = await saturated(many_hosts, command, "list", "-j", "7", "-q")
    assert (ran.status, ran.err) == (0, [])
    assert most <= 7


@linux_only
async def test_a_host_with_a_long_transfer_stays_where_it_is(
    many_hosts: ManyHosts, command: Command
) -> None:
    many_hosts.pages = {f"/{number}": delayed(b"page", 0.02) for number in range(100)}
    many_hosts.pages["/long"] = delayed(b"long", 3)
    addresses = [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages]
    # The long ones are first, so that each host has one running when it is to move.
    addresses.sort(key=lambda address: not address.endswith("/long"))
    (command.folder / "list").write_text("\n".join(addresses))
    ran = await saturated(many_hosts, command, "list")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith(f"{len(addresses)} URLs: {len(addresses)} downloaded, ")
    assert len(many_hosts.requests) == len(addresses)


@linux_only
@pytest.mark.parametrize(
    ("hosts", "options"),
    [
        (2, ("--processes", "1")),
        (1, ()),
        (2, ("-j", "1")),
        (2, ("--limit-rate", "100M")),
        (2, ("--warc", "sites.warc.gz")),
        (2, ("--pack", "warc")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
async def test_no_process_joins_where_none_may_or_could_help(
    many_hosts: ManyHosts, command: Command, hosts: int, options: tuple[str, ...]
) -> None:
    many_hosts.pages = {f"/{number}": delayed(b"page", 0.01) for number in range(40)}
    addresses = [
        many_hosts.url(host, path) for host in range(1, hosts + 1) for path in many_hosts.pages
    ]
    write_list(command, addresses)
    ran = await finished(await prepared(command, SATURATED, "list", *options))
    assert (ran.status, ran.err) == (0, [])


def test_the_library_has_one_process() -> None:
    assert Options().processes == 1


@linux_only
async def test_a_run_goes_on_alone_if_no_process_can_join(
    many_hosts: ManyHosts, command: Command
) -> None:
    authority = command.folder / "authority.pem"
    save_authority(authority)
    many_hosts.pages = {f"/{number}": delayed(b"page", 0.05) for number in range(100)}
    write_list(command, [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages])
    process = await prepared(command, SATURATED, "list", "--cacert", "authority.pem")
    await many_hosts.asked(1)
    authority.unlink()
    ran = await finished(process)
    assert (ran.status, set(ran.err)) == (0, {"TEST grows"})


# --- deaths and signals --------------------------------------------------------------------------


def slow_pages(many_hosts: ManyHosts, command: Command) -> list[bytes]:
    """Serve pages that take their time, write their list, and return their bodies."""
    bodies = {f"/{number}.bin": os.urandom(3000) for number in range(600)}
    many_hosts.pages = {path: delayed(body, 0.05) for path, body in bodies.items()}
    addresses = [many_hosts.url(number % 6 + 1, path) for number, path in enumerate(bodies)]
    write_list(command, addresses)
    return sorted(bodies.values())


@linux_only
async def test_a_process_that_has_joined_may_be_killed(
    many_hosts: ManyHosts, command: Command
) -> None:
    bodies = slow_pages(many_hosts, command)
    run = await SaturatedRun.start(many_hosts, command, "list")
    await run.until("moves")
    for child in child_processes(run.process):
        os.kill(child, signal.SIGKILL)
    ran = await run.result()
    assert ran.status == 0
    assert all(line.startswith("download: a worker process ended by signal 9") for line in ran.err)
    assert ran.out[-1].startswith("600 URLs: 600 downloaded, 0 unchanged, 0 skipped, 0 failed; ")
    assert sorted(contents(command.folder / "downloaded_sites").values()) == bodies


@linux_only
async def test_after_the_command_was_killed_the_next_run_goes_on(
    many_hosts: ManyHosts, command: Command
) -> None:
    bodies = slow_pages(many_hosts, command)
    run = await SaturatedRun.start(many_hosts, command, "list")
    await run.until("moves")
    children = child_processes(run.process)
    run.process.kill()
    await wait_until_ended(children)
    await run.result()
    ran = await command("list")
    assert (ran.status, ran.err) == (0, [])
    assert sorted(contents(command.folder / "downloaded_sites").values()) == bodies


@linux_only
@pytest.mark.parametrize("signals", [1, 2])
async def test_an_interrupt_stops_all_processes(
    many_hosts: ManyHosts, command: Command, signals: int
) -> None:
    bodies = slow_pages(many_hosts, command)
    run = await SaturatedRun.start(many_hosts, command, "list")
    await run.until("moves")
    children = child_processes(run.process)
    for _ in range(signals):
        os.killpg(run.process.pid, signal.SIGINT)
    ran = await run.result()
    assert ran.status == 130
    await wait_until_ended(children)
    failed = sum(line.startswith("Failed ") for line in ran.err)
    untried = re.fullmatch(r"Stopped: (\d+) lines were not tried", ran.err[-1])
    assert untried is not None
    downloaded = sum(line.startswith("Downloaded ") for line in ran.out)
    assert downloaded + failed + int(untried[1]) == len(bodies)
    assert (await command("list")).status == 0
    assert sorted(contents(command.folder / "downloaded_sites").values()) == bodies
