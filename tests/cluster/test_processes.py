"""``--processes``: what one process would do, done by several, and by others when they die."""

import asyncio
import os
import random
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Options, download_sites
from tests.support.command import Command, CommandResult, finished, limited, write_list
from tests.support.fault_server import save_authority
from tests.support.files import MIB, contents, saved_files, wait_for_size
from tests.support.handlers import delayed, in_turn, keeps, redirect, sends
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only
from tests.support.processes import child_processes, requesting_process, wait_until_ended
from tests.support.web_server import Site

pytestmark = pytest.mark.real_start

TAGGED = {"ETag": '"v1"', "Content-Type": "application/octet-stream"}
LARGE = random.Random(12).randbytes(3 * MIB)
WARNING = re.compile(
    r"download: a worker process ended by signal 9; (another one continues|"
    r"the URL that it was fetching is retried|the \d+ URLs that it was fetching are retried)"
)


# --- the same as with one process ----------------------------------------------------------------


@linux_only
async def test_several_processes_leave_and_say_what_one_does(
    many_hosts: ManyHosts, command: Command
) -> None:
    chance = random.Random(5)
    for number in range(30):
        many_hosts.pages[f"/{number}"] = sends(
            chance.randbytes(3000), {"Content-Type": "text/html"}
        )
    many_hosts.pages["/moved"] = redirect(many_hosts.url(6, "/7"))
    many_hosts.pages["/failing"] = sends(status=403)
    addresses = [
        many_hosts.url(host, path) for host in HOSTS for path in [*many_hosts.pages, "/lost"]
    ]
    write_list(command, [*addresses, *addresses[:5], "no address://", "ftp://127.0.0.1/"])
    one = await command("list", "-o", "one", "--processes", "1")
    several = await command("list", "-o", "several", "--processes", "3")
    assert one.status == several.status == 1
    assert contents(command.folder / "one") == contents(command.folder / "several")
    assert sorted(one.err) == sorted(several.err)
    assert told(one) == told(several)
    many_hosts.requests.clear()
    again = await command("list", "-o", "several", "--processes", "2")
    assert again.status == 1
    assert {request.path for request in many_hosts.requests} == {"/failing", "/lost"}


def told(ran: CommandResult) -> list[str]:
    """Return the lines of a run, without what differs from run to run."""
    text = "\n".join(sorted(ran.out)).replace("several/", "one/")
    text = re.sub(r"list:\d+ repeats list:\d+", "", text)
    return re.sub(r" in \d+\.\d+ s", "", text).splitlines()


@pytest.mark.slow
@linux_only
async def test_hosts_have_their_limit_over_all_processes_redirects_and_retries_included(
    many_hosts: ManyHosts, command: Command
) -> None:
    addresses = []
    for number in range(40):
        here, there = number % 6 + 1, (number + 1 + number // 6) % 6 + 1
        many_hosts.pages[f"/{number}"] = redirect(many_hosts.url(there, f"/target-{number}"))
        many_hosts.pages[f"/target-{number}"] = in_turn(sends(status=500), delayed(b"page", 0.01))
        addresses.append(many_hosts.url(here, f"/{number}"))
    write_list(command, addresses)
    ran = await command("list", "--processes", "3", "--per-host", "2", "-v")
    assert (ran.status, ran.err) == (0, [])
    assert len(saved_files(command.folder / "downloaded_sites")) == len(addresses)
    assert max(many_hosts.most.values()) == 2
    assert len(many_hosts.requests) == 4 * len(addresses)


async def test_the_library_shares_out_as_the_command_does(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": "one", "/2": "two"}
    addresses = [site.url("/1"), site.url("/2").replace("127.0.0.1", "localhost")]
    outcomes = await download_sites(addresses, tmp_path, options=Options(processes=2))
    assert [type(outcome) for outcome in outcomes] == [Downloaded, Downloaded]
    assert sorted(contents(tmp_path).values()) == [b"one", b"two"]


@pytest.mark.slow(keep=2)
@linux_only
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
    many_hosts: ManyHosts, command: Command, hosts: int, options: tuple[str, ...], count: int
) -> None:
    release = asyncio.Event()

    async def page(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await sends(b"page")(request)

    many_hosts.pages["/"] = page
    process = await command.start(*map(many_hosts.url, range(1, hosts + 1)), *options)
    await many_hosts.asked(count)
    everyone = [process.pid, *child_processes(process)]
    assert len({requesting_process(request, everyone) for request in many_hosts.requests}) == count
    release.set()
    assert (await finished(process)).status == 0
    assert len(many_hosts.requests) == hosts


async def test_auto_is_as_many_processes_as_cores(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    assert (await command(site.url(), "--processes", "auto")).status == 0
    ran = await command(site.url(), "--processes", "0")
    assert ran.status == 2
    assert "--processes" in ran.err[-1]


@linux_only
async def test_debug_logs_of_every_process(many_hosts: ManyHosts, command: Command) -> None:
    many_hosts.pages["/"] = sends(b"page")
    ran = await command(many_hosts.url(1), many_hosts.url(2), "--processes", "2", "--debug")
    assert ran.status == 0
    assert ran.err.count("asyncio: Using selector: EpollSelector") == 3


@pytest.mark.slow
@linux_only
async def test_all_processes_together_keep_to_the_rate(
    many_hosts: ManyHosts, command: Command
) -> None:
    body = bytes(400_000)
    many_hosts.pages["/"] = sends(body)
    began = time.monotonic()
    addresses = [many_hosts.url(1), many_hosts.url(2), many_hosts.url(3)]
    ran = await command(*addresses, "--processes", "2", "--limit-rate", "600000")
    assert (ran.status, ran.err) == (0, [])
    assert time.monotonic() - began > 3 * len(body) / 600_000 * 0.9


# --- what cannot be used -------------------------------------------------------------------------


async def test_a_file_that_cannot_be_used_is_one_line_and_no_process(
    site: Site, command: Command
) -> None:
    (command.folder / "cookies").write_bytes(b"\xff\xfe no cookies")
    ran = await command(site.url(), "--cookies", "cookies", "--processes", "2")
    assert (ran.status, ran.out, len(ran.err)) == (2, [], 1)
    assert ran.err[0].startswith("download: ")
    (command.folder / "file").touch()
    ran = await command(site.url(), site.url("/b"), "-o", "file", "--processes", "2")
    assert (ran.status, ran.err) == (
        2,
        ["download: file is a file, not a folder; see --output"],
    )


async def test_a_file_that_a_process_cannot_use_any_more_ends_the_run(
    site: Site, command: Command
) -> None:
    authority = command.folder / "authority.pem"
    save_authority(authority)
    process = await command.start("-", "--cacert", "authority.pem", "--processes", "2")
    journal = command.folder / "downloaded_sites" / ".download" / "journal.sqlite3"
    await wait_for_size(journal, 1)
    await asyncio.sleep(0.2)
    authority.unlink()
    ran = await finished(process, f"{site.url()}\n".encode())
    assert (ran.status, site.requests) == (2, [])
    assert ran.err[-1].startswith("download: authority.pem holds no certificates")


@linux_only
async def test_a_disk_that_fails_one_process_ends_the_run(
    many_hosts: ManyHosts, command: Command
) -> None:
    many_hosts.pages = {"/small": sends(b"page"), "/big.bin": keeps(LARGE, TAGGED)}
    addresses = [many_hosts.url(1, "/small"), many_hosts.url(2, "/big.bin"), "-o", "output"]
    size = MIB + MIB // 2
    limit = f"r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))"
    ran = await limited(command, limit, *addresses, "--processes", "2")
    assert ran.status == 3
    part = command.folder / "output" / f"127.0.0.2_{many_hosts.port}" / "big.bin.part"
    parked = part.stat().st_size
    assert MIB <= parked <= size
    ran = await command(*addresses, "--processes", "2")
    assert ran.status == 0
    *_, last = (request for request in many_hosts.requests if request.path == "/big.bin")
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


@linux_only
async def test_when_a_process_is_killed_another_goes_on_and_nothing_is_lost(
    many_hosts: ManyHosts, command: Command
) -> None:
    bodies = {f"/{number}.bin": os.urandom(5000) for number in range(120)}
    many_hosts.pages = {path: delayed(body, 0.02) for path, body in bodies.items()}
    addresses = [many_hosts.url(number % 6 + 1, path) for number, path in enumerate(bodies)]
    write_list(command, addresses)
    process = await command.start("list", "--processes", "2", "-j", "16")
    for count in (20, 50, 80):
        await many_hosts.asked(count)
        await asyncio.sleep(0.05)
        os.kill(random.choice(child_processes(process)), signal.SIGKILL)
    ran = await finished(process)
    assert ran.status == 0
    assert len(ran.err) == 3
    assert all(map(WARNING.fullmatch, ran.err))
    assert ran.out[-1].startswith("120 URLs: 120 downloaded, 0 unchanged, 0 skipped, 0 failed; ")
    assert sorted(contents(command.folder / "downloaded_sites").values()) == sorted(bodies.values())
    many_hosts.requests.clear()
    assert (await command("list", "--processes", "2")).status == 0
    assert many_hosts.requests == []


@linux_only
async def test_a_file_that_was_saved_and_not_told_of_is_replaced_not_set_aside(
    many_hosts: ManyHosts, command: Command
) -> None:
    folder = command.folder / "downloaded_sites" / f"127.0.0.1_{many_hosts.port}"
    file, before = folder / "page.bin", folder / "before.bin"
    fresh = iter(range(1000))

    async def page(request: web.Request) -> web.StreamResponse:
        # Outcomes are told at intervals: that of the first page is, and this one's is not yet.
        await wait_for_size(before, 1)
        return await sends(b"version %d" % next(fresh))(request)

    many_hosts.pages = {"/before.bin": sends(b"page"), "/page.bin": page}
    addresses = [many_hosts.url(1, path) for path in many_hosts.pages]
    process = await command.start(*addresses, "--processes", "2")
    await many_hosts.asked(2)
    child = requesting_process(many_hosts.requests[0], child_processes(process))
    async with asyncio.timeout(20):
        while not file.exists():  # noqa: ASYNC110 - as in gone
            await asyncio.sleep(0)
    os.kill(child, signal.SIGKILL)
    ran = await finished(process)
    assert ran.status == 0
    assert contents(folder) == {
        "before.bin": b"page",
        "page.bin": b"version %d" % (len(many_hosts.requests) - 2),
    }


@linux_only
async def test_a_large_body_is_gone_on_from_where_the_dead_process_was(
    many_hosts: ManyHosts, command: Command
) -> None:
    stalling = keeps(LARGE, TAGGED, cut=2 * MIB, stall=True)
    many_hosts.pages["/big.bin"] = in_turn(stalling, keeps(LARGE, TAGGED))
    process = await command.start(many_hosts.url(1, "/big.bin"), "--processes", "2")
    file = command.folder / "downloaded_sites" / f"127.0.0.1_{many_hosts.port}" / "big.bin"
    await wait_for_size(file.with_name("big.bin.part"), MIB)
    os.kill(requesting_process(many_hosts.requests[0], child_processes(process)), signal.SIGKILL)
    ran = await finished(process)
    assert ran.status == 0
    assert ran.err == [
        "download: a worker process ended by signal 9; the URL that it was fetching is retried"
    ]
    start = re.fullmatch("bytes=([0-9]+)-", many_hosts.requests[1].headers["Range"])
    assert start is not None
    assert MIB <= int(start[1]) <= 2 * MIB
    assert file.read_bytes() == LARGE


@pytest.mark.slow
@linux_only
async def test_an_address_that_brings_processes_down_fails_alone(
    many_hosts: ManyHosts, command: Command
) -> None:
    addresses = []
    for number in range(40):
        many_hosts.pages[f"/{number}"] = delayed(b"page", 0.05)
        addresses.append(many_hosts.url(number % 6 + 1, f"/{number}"))
    poison = many_hosts.url(3, "/poison")
    write_list(command, [*addresses, poison])
    process = await command.start("list", "--processes", "2")

    async def kill(request: web.Request) -> web.StreamResponse:
        os.kill(requesting_process(request, child_processes(process)), signal.SIGKILL)
        await asyncio.sleep(10)
        raise web.HTTPNotFound

    many_hosts.pages["/poison"] = kill
    ran = await finished(process)
    assert ran.status == 1
    failures = [line for line in ran.err if not WARNING.fullmatch(line)]
    assert failures == [
        f"Failed {poison}: 3 worker processes ended while they fetched it (internal); "
        "please report it, if they were not killed on purpose"
    ]
    assert len(ran.err) == 4
    assert len(saved_files(command.folder / "downloaded_sites")) == 40
    assert sum(request.path == "/poison" for request in many_hosts.requests) == 3


@linux_only
async def test_when_every_process_dies_the_run_ends(
    many_hosts: ManyHosts, command: Command
) -> None:
    process = await command.start(many_hosts.url(1), many_hosts.url(2), "--processes", "2")
    killing = asyncio.create_task(kill_all_of(process))
    ran = await finished(process)
    killing.cancel()
    assert ran.status == 2
    assert ran.err[-1] == (
        "download: a worker process ended by signal 9, and 19 before it, without any outcome"
    )


async def kill_all_of(process: asyncio.subprocess.Process) -> None:
    while True:
        for pid in child_processes(process):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.005)


@linux_only
async def test_when_the_command_is_killed_its_processes_end_and_the_next_run_goes_on(
    many_hosts: ManyHosts, command: Command
) -> None:
    bodies = {f"/{number}.bin": os.urandom(2000) for number in range(60)}
    many_hosts.pages = {path: delayed(body, 0.02) for path, body in bodies.items()}
    many_hosts.pages["/big.bin"] = in_turn(
        keeps(LARGE, TAGGED, cut=2 * MIB, stall=True), keeps(LARGE, TAGGED)
    )
    addresses = [many_hosts.url(number % 6 + 1, path) for number, path in enumerate(bodies)]
    write_list(command, [*addresses, many_hosts.url(1, "/big.bin")])
    arguments = ("list", "--processes", "3", "-j", "9")
    process = await command.start(*arguments)
    await many_hosts.asked(20)
    while "/big.bin" not in [request.path for request in many_hosts.requests]:
        await many_hosts.asked(len(many_hosts.requests) + 1)
    children = child_processes(process)
    assert len(children) == 3
    process.kill()
    await wait_until_ended(children)
    await finished(process)
    ran = await command(*arguments)
    assert (ran.status, ran.err) == (0, [])
    saved = contents(command.folder / "downloaded_sites")
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


@linux_only
async def test_the_first_interrupt_lets_transfers_finish_and_the_second_stops_at_once(
    many_hosts: ManyHosts, command: Command
) -> None:
    release = asyncio.Event()

    async def page(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return await sends(b"page")(request)

    many_hosts.pages = {"/done": page, "/slow": sends(b"x" * 100, cut=50, stall=True)}
    addresses = [many_hosts.url(1, "/done"), many_hosts.url(2, "/slow")]
    addresses += [many_hosts.url(host, f"/{number}") for host in (1, 2) for number in range(20)]
    process = await start_as_a_shell_does(command, *addresses, "-j", "2", "--processes", "2")
    await many_hosts.asked(2)
    children = child_processes(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr is not None
    said = await process.stderr.readline()
    assert said.startswith(b"Stopping: 5 s for 2 running transfers to finish")
    release.set()
    assert process.stdout is not None
    assert b"Downloaded" in await process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    ran = await finished(process)
    assert ran.status == 130
    assert ran.err == [
        f"Failed {many_hosts.url(2, '/slow')}: stopped before it was done (interrupted); "
        "run the same command again to continue",
        "Stopped: 40 lines were not tried",
    ]
    assert len(many_hosts.requests) == 2
    await wait_until_ended(children)


@pytest.mark.slow
@linux_only
async def test_sigusr1_tells_what_all_processes_have_in_flight(
    many_hosts: ManyHosts, command: Command
) -> None:
    many_hosts.pages["/slow"] = sends(b"x" * 100, cut=50, stall=True)
    addresses = [many_hosts.url(host, "/slow") for host in (1, 2)]
    process = await command.start(*addresses, "--processes", "2")
    await many_hosts.asked(2)
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
    assert (await finished(process)).status == 130


@linux_only
async def test_an_interrupt_while_a_process_starts_is_heeded_as_any_other(
    many_hosts: ManyHosts, command: Command
) -> None:
    many_hosts.pages["/"] = sends(b"x" * 100, cut=50, stall=True)
    process = await start_as_a_shell_does(
        command, many_hosts.url(1), many_hosts.url(2), "--processes", "2"
    )
    await many_hosts.asked(2)  # so that neither of those that were forked ahead is left
    first = child_processes(process)
    os.kill(requesting_process(many_hosts.requests[0], first), signal.SIGKILL)
    while not set(children := child_processes(process)) - set(first):  # noqa: ASYNC110 - as in gone
        await asyncio.sleep(0)
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGTERM)
    ran = await finished(process)
    assert ran.status == 130
    assert len([line for line in ran.err if WARNING.fullmatch(line)]) == 1
    assert "Traceback (most recent call last):" not in ran.err
    await wait_until_ended(children)


@linux_only
async def test_a_process_that_dies_while_the_run_stops_is_not_replaced(
    many_hosts: ManyHosts, command: Command
) -> None:
    many_hosts.pages["/slow"] = sends(b"x" * 100, cut=50, stall=True)
    addresses = [many_hosts.url(1, "/slow"), many_hosts.url(1, "/next")]
    process = await command.start(*addresses, "-j", "2", "--processes", "2")
    await many_hosts.asked(1)
    child = requesting_process(many_hosts.requests[0], child_processes(process))
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    await process.stderr.readline()
    os.kill(child, signal.SIGKILL)
    ran = await finished(process)
    assert ran.status == 130
    assert ran.err == [
        f"Failed {addresses[0]}: stopped before it was done (interrupted); "
        "run the same command again to continue",
        "download: a worker process ended by signal 9 while stopping",
        "Stopped: 1 line was not tried",
    ]


# --- parts ---------------------------------------------------------------------------------------


# --- requests that are no plain GET ---------------------------------------------------------------


@linux_only
async def test_a_process_sends_methods_and_bodies(many_hosts: ManyHosts, command: Command) -> None:
    many_hosts.pages["/"] = sends(b"page")
    rows = [f"{many_hosts.url(host)},{'PUT' if host % 2 else ''},body {host}" for host in HOSTS]
    (command.folder / "list.csv").write_text("\n".join(["url,method,body", *rows]))
    ran = await command("list.csv", "--processes", "2")
    assert ran.status == 0, ran.err
    seen = sorted([(each.method, await each.read()) for each in many_hosts.requests])
    assert seen == sorted(("PUT" if host % 2 else "POST", b"body %d" % host) for host in HOSTS)


@linux_only
@pytest.mark.parametrize("options", [(), ("--retry-all",)], ids=["", "retry all"])
async def test_what_a_killed_process_has_sent_is_sent_again_only_if_asked_for(
    options: tuple[str, ...], many_hosts: ManyHosts, command: Command
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if len(many_hosts.requests) == 1:
            await asyncio.Event().wait()
        return web.Response(text="done")

    many_hosts.pages["/"] = answer
    process = await command.start(
        *(many_hosts.url(1), "--data", "order=1", "--processes", "2", *options)
    )
    await many_hosts.asked(1)
    (request,) = many_hosts.requests
    os.kill(requesting_process(request, child_processes(process)), signal.SIGKILL)
    ran = await finished(process)
    if options:
        assert (ran.status, len(many_hosts.requests)) == (0, 2)
    else:
        assert (ran.status, len(many_hosts.requests)) == (1, 1)
        assert any("a worker process ended after it sent the request" in each for each in ran.err)
