"""``--processes``: what one process would do, done by several, and by others when they die."""

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from hypothesis import given
from hypothesis import strategies as st

from downloader import Downloaded, Options, download_sites
from downloader.core.processes.in_flight_table import InFlightTable, create_table_file
from downloader.core.processes.ipc import (
    AddTransfers,
    Frame,
    FrameDecoder,
    ProgressUpdate,
    Reassign,
    Start,
    Stop,
    TransfersEnded,
    encode,
)
from downloader.core.transfer import Transfer
from downloader.errors import ErrorKind
from downloader.http import RedirectTrail
from downloader.journal import Job
from downloader.models import Failed, InFlight, Target
from downloader.models.shards import HostAssignment, shard_of
from downloader.scheduling import RateLimiter
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.urls import Url
from tests.conftest import Command, Handler, Ran, Site, ended, saved_files
from tests.runs import MIB, Clock, grown, in_turn, keeps, sends
from tests.test_disk import limited

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127/8, and /proc to look into"
)
TAGGED = {"ETag": '"v1"', "Content-Type": "application/octet-stream"}
LARGE = random.Random(12).randbytes(3 * MIB)
WARNING = re.compile(
    r"download: a worker process ended by signal 9; (another one continues|"
    r"the URL that it was fetching is retried|the \d+ URLs that it was fetching are retried)"
)


@dataclass
class Town:
    """One server that is several hosts.

    Attributes:
        pages: path to handler, at every host.
        requests: the requests that came, in order.
        most: how many there were at once of each host.
    """

    port: int
    pages: dict[str, Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    most: Counter[str] = field(default_factory=Counter)
    _now: Counter[str] = field(default_factory=Counter)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def url(self, host: int, path: str = "/") -> str:
        return f"http://127.0.0.{host}:{self.port}{path}"

    async def asked(self, times: int) -> None:
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(lambda: len(self.requests) >= times), 30)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self._now[request.host] += 1
        self.most[request.host] = max(self.most[request.host], self._now[request.host])
        try:
            async with self._came:
                self._came.notify_all()
            page = self.pages.get(request.path)
            if page is None:
                raise web.HTTPNotFound
            return await page(request)
        finally:
            self._now[request.host] -= 1


HOSTS = range(1, 7)


@pytest.fixture
def command(command: Command) -> Command:
    """The real command, without lines of progress when this machine is slow."""
    command.environment["DOWNLOAD_NO_PROGRESS"] = "1"
    return command


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A running server at several addresses of loopback."""
    town = Town(unused_port())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", town.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    for host in HOSTS:
        await web.TCPSite(runner, f"127.0.0.{host}", town.port).start()
    yield town
    await runner.cleanup()


def slow(body: bytes, seconds: float) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await sends(body)(request)

    return answer


def redirect(address: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(address)

    return answer


def write_list(command: Command, addresses: list[str], *, seed: int = 0) -> None:
    random.Random(seed).shuffle(addresses)
    (command.folder / "list").write_text("\n".join(addresses))


def tree(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in saved_files(folder)}


def workers(process: asyncio.subprocess.Process) -> list[int]:
    """Return the processes that a command has started."""
    with suppress(OSError):
        return list(
            map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
        )
    return []


async def gone(pids: list[int]) -> None:
    """Wait until processes have ended."""
    async with asyncio.timeout(10):
        while any(map(alive, pids)):  # noqa: ASYNC110 - no event comes from another's children
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def asks(request: web.Request, pids: list[int]) -> int:
    """Return which of the processes has made a request."""
    assert request.transport is not None
    port = request.transport.get_extra_info("peername")[1]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}")}
    (pid,) = (pid for pid in pids if inodes & sockets(pid))
    return pid


def sockets(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found


# --- the same as with one process ----------------------------------------------------------------


@linux
async def test_several_processes_leave_and_say_what_one_does(town: Town, command: Command) -> None:
    chance = random.Random(5)
    for number in range(30):
        town.pages[f"/{number}"] = sends(chance.randbytes(3000), {"Content-Type": "text/html"})
    town.pages["/moved"] = redirect(town.url(6, "/7"))
    town.pages["/failing"] = sends(status=403)
    addresses = [town.url(host, path) for host in HOSTS for path in [*town.pages, "/lost"]]
    write_list(command, [*addresses, *addresses[:5], "no address://", "ftp://127.0.0.1/"])
    one = await command("list", "-o", "one", "--processes", "1")
    several = await command("list", "-o", "several", "--processes", "3")
    assert one.status == several.status == 1
    assert tree(command.folder / "one") == tree(command.folder / "several")
    assert sorted(one.err) == sorted(several.err)
    assert told(one) == told(several)
    town.requests.clear()
    again = await command("list", "-o", "several", "--processes", "2")
    assert again.status == 1
    assert {request.path for request in town.requests} == {"/failing", "/lost"}


def told(ran: Ran) -> list[str]:
    """Return the lines of a run, without what differs from run to run."""
    text = "\n".join(sorted(ran.out)).replace("several/", "one/")
    text = re.sub(r"list:\d+ repeats list:\d+", "", text)
    return re.sub(r" in \d+\.\d+ s", "", text).splitlines()


@linux
async def test_hosts_have_their_limit_over_all_processes_redirects_and_retries_included(
    town: Town, command: Command
) -> None:
    addresses = []
    for number in range(40):
        here, there = number % 6 + 1, (number + 1 + number // 6) % 6 + 1
        town.pages[f"/{number}"] = redirect(town.url(there, f"/target-{number}"))
        town.pages[f"/target-{number}"] = in_turn(sends(status=500), slow(b"page", 0.01))
        addresses.append(town.url(here, f"/{number}"))
    write_list(command, addresses)
    ran = await command("list", "--processes", "3", "--per-host", "2", "-v")
    assert (ran.status, ran.err) == (0, [])
    assert len(saved_files(command.folder / "downloaded_sites")) == len(addresses)
    assert max(town.most.values()) == 2
    assert len(town.requests) == 4 * len(addresses)


async def test_the_library_shares_out_as_the_command_does(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": "one", "/2": "two"}
    addresses = [site.url("/1"), site.url("/2").replace("127.0.0.1", "localhost")]
    outcomes = await download_sites(addresses, tmp_path, options=Options(processes=2))
    assert [type(outcome) for outcome in outcomes] == [Downloaded, Downloaded]
    assert sorted(tree(tmp_path).values()) == [b"one", b"two"]


@linux
@pytest.mark.parametrize(
    ("hosts", "options", "count"),
    [
        (1, ("--processes", "4"), 1),
        (2, ("--processes", "4"), 2),
        (3, ("--processes", "3", "-j", "2"), 2),
        (2, ("--processes", "4", "-j", "1"), 1),
    ],
)
async def test_so_many_processes_ask_as_there_are_hosts_and_permits(
    town: Town, command: Command, hosts: int, options: tuple[str, ...], count: int
) -> None:
    release = asyncio.Event()

    async def page(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await sends(b"page")(request)

    town.pages["/"] = page
    process = await command.start(*map(town.url, range(1, hosts + 1)), *options)
    await town.asked(count)
    everyone = [process.pid, *workers(process)]
    assert len({asks(request, everyone) for request in town.requests}) == count
    release.set()
    assert (await ended(process)).status == 0
    assert len(town.requests) == hosts


async def test_auto_is_as_many_processes_as_cores(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    assert (await command(site.url(), "--processes", "auto")).status == 0
    ran = await command(site.url(), "--processes", "0")
    assert ran.status == 2
    assert "--processes" in ran.err[-1]


@linux
async def test_debug_logs_of_every_process(town: Town, command: Command) -> None:
    town.pages["/"] = sends(b"page")
    ran = await command(town.url(1), town.url(2), "--processes", "2", "--debug")
    assert ran.status == 0
    assert ran.err.count("asyncio: Using selector: EpollSelector") == 3


@linux
async def test_all_processes_together_keep_to_the_rate(town: Town, command: Command) -> None:
    body = bytes(400_000)
    town.pages["/"] = sends(body)
    began = time.monotonic()
    addresses = [town.url(1), town.url(2), town.url(3)]
    ran = await command(*addresses, "--processes", "2", "--limit-rate", "600000")
    assert (ran.status, ran.err) == (0, [])
    assert time.monotonic() - began > 3 * len(body) / 600_000 * 0.9


async def test_a_new_rate_is_heeded_by_who_sleeps_by_the_old_one() -> None:
    clock = Clock()
    bandwidth = RateLimiter(1000, clock.sleep, clock, max_sleep=0.1)
    spending = asyncio.create_task(bandwidth.throttle(1_000_000))
    while clock.now < 1:  # noqa: ASYNC110 - the clock is no event
        await asyncio.sleep(0)
    bandwidth.rate = 999_000
    await spending
    assert clock.now == pytest.approx(2, abs=0.2)


# --- what cannot be used -------------------------------------------------------------------------


async def test_a_file_that_cannot_be_used_is_one_line_and_no_process(
    site: Site, command: Command
) -> None:
    (command.folder / "cookies").write_bytes(b"\xff\xfe no cookies")
    ran = await command(site.url(), "--cookies", "cookies", "--processes", "2")
    assert (ran.status, ran.out, len(ran.err)) == (2, [], 1)
    assert ran.err[0].startswith("download: ")
    (command.folder / "file").touch()
    ran = await command(site.url(), "-o", "file", "--processes", "2")
    assert (ran.status, ran.err) == (
        2,
        ["download: file is a file, not a folder; see --output"],
    )


async def test_a_file_that_a_process_cannot_use_any_more_ends_the_run(
    site: Site, command: Command
) -> None:
    cookies = command.folder / "cookies"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    process = await command.start("-", "--cookies", "cookies", "--processes", "2")
    journal = command.folder / "downloaded_sites" / ".download" / "journal.sqlite3"
    await grown(journal, 1)
    await asyncio.sleep(0.2)
    cookies.unlink()
    ran = await ended(process, f"{site.url()}\n".encode())
    assert (ran.status, site.requests) == (2, [])
    assert ran.err[-1].startswith("download: cannot read cookies from cookies: ")


@linux
async def test_a_disk_that_fails_one_process_ends_the_run(town: Town, command: Command) -> None:
    town.pages = {"/small": sends(b"page"), "/big.bin": keeps(LARGE, TAGGED)}
    addresses = [town.url(1, "/small"), town.url(2, "/big.bin"), "-o", "output"]
    size = MIB + MIB // 2
    limit = f"r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))"
    ran = await limited(command, limit, *addresses, "--processes", "2")
    assert ran.status == 3
    part = command.folder / "output" / f"127.0.0.2_{town.port}" / "big.bin.part"
    parked = part.stat().st_size
    assert MIB <= parked <= size
    ran = await command(*addresses, "--processes", "2")
    assert ran.status == 0
    *_, last = (request for request in town.requests if request.path == "/big.bin")
    assert last.headers["Range"] == f"bytes={parked}-"
    assert part.with_suffix("").read_bytes() == LARGE


async def test_descriptors_are_few_for_each_process(site: Site, command: Command) -> None:
    bodies = {f"/{number}.bin": os.urandom(1000 + number) for number in range(100)}
    site.pages = dict(bodies)
    addresses = [site.url(path) for path in bodies]
    addresses += [address.replace("127.0.0.1", "localhost") for address in addresses]
    write_list(command, addresses)
    limit = "r.setrlimit(r.RLIMIT_NOFILE, (40, 40))"
    ran = await limited(command, limit, "list", "-o", "output", "-j", "64", "--processes", "2")
    assert (ran.status, ran.err) == (
        0,
        ["download: no more than 16 at once, as the limit of open files is low; see ulimit -n"],
    )
    assert len(saved_files(command.folder / "output")) == 200


# --- deaths --------------------------------------------------------------------------------------


@linux
async def test_when_a_process_is_killed_another_goes_on_and_nothing_is_lost(
    town: Town, command: Command
) -> None:
    bodies = {f"/{number}.bin": os.urandom(5000) for number in range(120)}
    town.pages = {path: slow(body, 0.02) for path, body in bodies.items()}
    addresses = [town.url(number % 6 + 1, path) for number, path in enumerate(bodies)]
    write_list(command, addresses)
    process = await command.start("list", "--processes", "2", "-j", "16")
    for count in (20, 50, 80):
        await town.asked(count)
        await asyncio.sleep(0.05)
        os.kill(random.choice(workers(process)), signal.SIGKILL)
    ran = await ended(process)
    assert ran.status == 0
    assert len(ran.err) == 3
    assert all(map(WARNING.fullmatch, ran.err))
    assert ran.out[-1].startswith("120 URLs: 120 downloaded, 0 unchanged, 0 skipped, 0 failed; ")
    assert sorted(tree(command.folder / "downloaded_sites").values()) == sorted(bodies.values())
    town.requests.clear()
    assert (await command("list", "--processes", "2")).status == 0
    assert town.requests == []


@linux
async def test_a_file_that_was_saved_and_not_told_of_is_replaced_not_set_aside(
    town: Town, command: Command
) -> None:
    folder = command.folder / "downloaded_sites" / f"127.0.0.1_{town.port}"
    file, before = folder / "page.bin", folder / "before.bin"
    fresh = iter(range(1000))

    async def page(request: web.Request) -> web.StreamResponse:
        # Outcomes are told at intervals: that of the first page is, and this one's is not yet.
        await grown(before, 1)
        return await sends(b"version %d" % next(fresh))(request)

    town.pages = {"/before.bin": sends(b"page"), "/page.bin": page}
    addresses = [town.url(1, path) for path in town.pages]
    process = await command.start(*addresses, "--processes", "2")
    await town.asked(2)
    child = asks(town.requests[0], workers(process))
    async with asyncio.timeout(20):
        while not file.exists():  # noqa: ASYNC110 - as in gone
            await asyncio.sleep(0)
    os.kill(child, signal.SIGKILL)
    ran = await ended(process)
    assert ran.status == 0
    assert tree(folder) == {
        "before.bin": b"page",
        "page.bin": b"version %d" % (len(town.requests) - 2),
    }


@linux
async def test_a_large_body_is_gone_on_from_where_the_dead_process_was(
    town: Town, command: Command
) -> None:
    stalling = keeps(LARGE, TAGGED, cut=2 * MIB, stall=True)
    town.pages["/big.bin"] = in_turn(stalling, keeps(LARGE, TAGGED))
    process = await command.start(town.url(1, "/big.bin"), "--processes", "2")
    file = command.folder / "downloaded_sites" / f"127.0.0.1_{town.port}" / "big.bin"
    await grown(file.with_name("big.bin.part"), 2 * MIB)
    os.kill(asks(town.requests[0], workers(process)), signal.SIGKILL)
    ran = await ended(process)
    assert ran.status == 0
    assert ran.err == [
        "download: a worker process ended by signal 9; the URL that it was fetching is retried"
    ]
    assert town.requests[1].headers["Range"] == f"bytes={2 * MIB}-"
    assert file.read_bytes() == LARGE


@linux
async def test_an_address_that_brings_processes_down_fails_alone(
    town: Town, command: Command
) -> None:
    addresses = []
    for number in range(40):
        town.pages[f"/{number}"] = slow(b"page", 0.05)
        addresses.append(town.url(number % 6 + 1, f"/{number}"))
    poison = town.url(3, "/poison")
    write_list(command, [*addresses, poison])
    process = await command.start("list", "--processes", "2")

    async def kill(request: web.Request) -> web.StreamResponse:
        os.kill(asks(request, workers(process)), signal.SIGKILL)
        await asyncio.sleep(10)
        raise web.HTTPNotFound

    town.pages["/poison"] = kill
    ran = await ended(process)
    assert ran.status == 1
    failures = [line for line in ran.err if not WARNING.fullmatch(line)]
    assert failures == [
        f"Failed {poison}: 3 worker processes ended while they fetched it (internal); "
        "please report it, if they were not killed on purpose"
    ]
    assert len(ran.err) == 4
    assert len(saved_files(command.folder / "downloaded_sites")) == 40
    assert sum(request.path == "/poison" for request in town.requests) == 3


@linux
async def test_when_every_process_dies_the_run_ends(town: Town, command: Command) -> None:
    process = await command.start(town.url(1), town.url(2), "--processes", "2")
    killing = asyncio.create_task(kill_all_of(process))
    ran = await ended(process)
    killing.cancel()
    assert ran.status == 2
    assert ran.err[-1] == (
        "download: a worker process ended by signal 9, and 19 before it, without any outcome"
    )


async def kill_all_of(process: asyncio.subprocess.Process) -> None:
    while True:
        for pid in workers(process):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.005)


@linux
async def test_when_the_command_is_killed_its_processes_end_and_the_next_run_goes_on(
    town: Town, command: Command
) -> None:
    bodies = {f"/{number}.bin": os.urandom(2000) for number in range(60)}
    town.pages = {path: slow(body, 0.02) for path, body in bodies.items()}
    town.pages["/big.bin"] = in_turn(
        keeps(LARGE, TAGGED, cut=2 * MIB, stall=True), keeps(LARGE, TAGGED)
    )
    addresses = [town.url(number % 6 + 1, path) for number, path in enumerate(bodies)]
    write_list(command, [*addresses, town.url(1, "/big.bin")])
    arguments = ("list", "--processes", "3", "-j", "9")
    process = await command.start(*arguments)
    await town.asked(20)
    while "/big.bin" not in [request.path for request in town.requests]:
        await town.asked(len(town.requests) + 1)
    children = workers(process)
    assert len(children) == 3
    process.kill()
    await gone(children)
    await ended(process)
    ran = await command(*arguments)
    assert (ran.status, ran.err) == (0, [])
    saved = tree(command.folder / "downloaded_sites")
    assert sorted(saved.values()) == sorted([*bodies.values(), LARGE])


# --- signals -------------------------------------------------------------------------------------


async def start_as_a_shell_does(command: Command, *arguments: str) -> asyncio.subprocess.Process:
    """Start the command as the leader of a group of its own, all of which Ctrl-C reaches."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "downloader", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.folder,
        env=command.environment,
        start_new_session=True,
    )


@linux
async def test_the_first_interrupt_lets_transfers_finish_and_the_second_stops_at_once(
    town: Town, command: Command
) -> None:
    release = asyncio.Event()

    async def page(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await sends(b"page")(request)

    town.pages = {"/done": page, "/slow": sends(b"x" * 100, cut=50, stall=True)}
    addresses = [town.url(1, "/done"), town.url(2, "/slow")]
    addresses += [town.url(host, f"/{number}") for host in (1, 2) for number in range(20)]
    process = await start_as_a_shell_does(command, *addresses, "-j", "2", "--processes", "2")
    await town.asked(2)
    children = workers(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr is not None
    said = await process.stderr.readline()
    assert said.startswith(b"Stopping: 5 s for 2 running transfers to finish")
    release.set()
    assert process.stdout is not None
    assert b"Downloaded" in await process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    ran = await ended(process)
    assert ran.status == 130
    assert ran.err == [
        f"Failed {town.url(2, '/slow')}: stopped before it was done (interrupted); "
        "run the same command again to continue",
        "Stopped: 40 lines were not tried",
    ]
    assert len(town.requests) == 2
    await gone(children)


@linux
async def test_sigusr1_tells_what_all_processes_have_in_flight(
    town: Town, command: Command
) -> None:
    town.pages["/slow"] = sends(b"x" * 100, cut=50, stall=True)
    addresses = [town.url(host, "/slow") for host in (1, 2)]
    process = await command.start(*addresses, "--processes", "2")
    await town.asked(2)
    assert process.stderr is not None
    rows = [b""]
    while not all(b" 50 B" in row for row in rows):
        process.send_signal(signal.SIGUSR1)
        count = int((await process.stderr.readline()).split()[0])
        rows = [await process.stderr.readline() for _ in range(count)] or [b""]
        await asyncio.sleep(0.01)
    assert sorted(row.split()[-1].decode() for row in rows) == addresses
    for number in (signal.SIGTERM, signal.SIGTERM):
        process.send_signal(number)
    assert (await ended(process)).status == 130


@linux
async def test_an_interrupt_while_a_process_starts_is_heeded_as_any_other(
    town: Town, command: Command
) -> None:
    town.pages["/"] = sends(b"x" * 100, cut=50, stall=True)
    process = await start_as_a_shell_does(command, town.url(1), town.url(2), "--processes", "2")
    await town.asked(2)  # so that neither of those that were forked ahead is left
    first = workers(process)
    os.kill(asks(town.requests[0], first), signal.SIGKILL)
    while not set(children := workers(process)) - set(first):  # noqa: ASYNC110 - as in gone
        await asyncio.sleep(0)
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGTERM)
    ran = await ended(process)
    assert ran.status == 130
    assert len([line for line in ran.err if WARNING.fullmatch(line)]) == 1
    assert "Traceback (most recent call last):" not in ran.err
    await gone(children)


@linux
async def test_a_process_that_dies_while_the_run_stops_is_not_replaced(
    town: Town, command: Command
) -> None:
    town.pages["/slow"] = sends(b"x" * 100, cut=50, stall=True)
    addresses = [town.url(1, "/slow"), town.url(1, "/next")]
    process = await command.start(*addresses, "-j", "2", "--processes", "2")
    await town.asked(1)
    child = asks(town.requests[0], workers(process))
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    await process.stderr.readline()
    os.kill(child, signal.SIGKILL)
    ran = await ended(process)
    assert ran.status == 130
    assert ran.err == [
        f"Failed {addresses[0]}: stopped before it was done (interrupted); "
        "run the same command again to continue",
        "download: a worker process ended by signal 9 while stopping",
        "Stopped: 1 line was not tried",
    ]


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "of_2", "of_7", "of_1000"),
    [
        ("www.python.org", 0, 0, 96),
        ("docs.python.org", 1, 3, 979),
        ("127.0.0.1:8081", 1, 0, 283),
        ("[::1]:80", 1, 5, 985),
        ("xn--bcher-kva.example", 1, 6, 121),
    ],
)
def test_the_shard_of_a_host_never_changes(host: str, of_2: int, of_7: int, of_1000: int) -> None:
    assert (shard_of(host, 2), shard_of(host, 7), shard_of(host, 1000)) == (of_2, of_7, of_1000)


def test_hosts_are_dealt_out_evenly_and_once() -> None:
    dealer = HostAssignment()
    loads = [0, 0, 0]
    owners = {}
    for number in range(30):
        owner = owners[number] = dealer.owner(f"host-{number}", loads)
        loads[owner] += 1
    assert loads == [10, 10, 10]
    assert owners == {number: dealer.owner(f"host-{number}", [9, 0, 0]) for number in range(30)}


def transfer(row: int, path: str, *, moved: bool) -> Transfer:
    url = Url(f"http://h{row}/{path}")
    job = Job(
        Target(url=url, index=row, origin="list:1"), FileName("name", ExtensionRule.MARKUP), row
    )
    return Transfer(job, None, RedirectTrail(url, redirects=(url,)) if moved else None, row)


transfer_at_random = st.builds(transfer, st.integers(1, 2**40), st.text(), moved=st.booleans())
frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(AddTransfers, st.lists(transfer_at_random, max_size=5)),
    st.builds(Reassign, st.lists(st.tuples(transfer_at_random, st.floats(0, 9)))),
    st.builds(Stop, st.booleans()),
    st.builds(Start, st.builds(Options), st.integers(), st.none() | st.integers(), st.booleans()),
    st.builds(
        TransfersEnded,
        st.lists(
            st.tuples(
                st.integers(),
                st.builds(
                    Failed,
                    index=st.integers(),
                    origin=st.text(),
                    url=st.text(),
                    kind=st.sampled_from(ErrorKind),
                    message=st.text(),
                ),
            )
        ),
    ),
    st.builds(
        ProgressUpdate,
        st.integers(),
        st.integers(),
        st.lists(st.builds(InFlight, st.text(), st.floats(0, 9), st.integers())),
    ),
)


@given(st.lists(frames, max_size=6), st.lists(st.integers(0, 5000)), st.integers(0, 100))
def test_frames_are_the_same_however_their_bytes_are_cut(
    said: list[Frame], cuts: list[int], missing: int
) -> None:
    whole = [encode(frame) for frame in said]
    data = b"".join(whole)
    end = max(0, len(data) - missing)
    ends = sorted({0, *(cut for cut in cuts if cut < end), end})
    decoder = FrameDecoder()
    heard = [frame for start, stop in pairwise(ends) for frame in decoder.feed(data[start:stop])]
    assert heard == said[: len(heard)]
    assert len(b"".join(whole[: len(heard)])) <= end
    assert len(heard) == len(said) or end < len(b"".join(whole[: len(heard) + 1]))


def test_what_is_no_frame_is_a_defect() -> None:
    with pytest.raises(TypeError, match="no frame: Options"):
        list(FrameDecoder().feed(encode(Options())))  # type: ignore[arg-type]


def test_a_roll_is_read_by_another_while_it_is_written() -> None:
    with create_table_file(3) as file:
        written, read = InFlightTable(file), InFlightTable(file.fileno())
    for row in (5, 6, 6, 7, 8):
        written.add(row)
    assert sorted(read) == [5, 6, 7]
    written.remove(6)
    written.remove(8)
    written.add(9)
    assert sorted(read) == [5, 7, 9]
    written.close()
    read.close()
