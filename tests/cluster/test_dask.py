"""``--engine dask``: a list shared by the workers of a cluster, whoever of them dies."""

import asyncio
import os
import signal
import socket
from collections import Counter
from contextlib import ExitStack, suppress

import pytest

from downloader.cluster.dask import _is_plaintext
from tests.support.command import Command, CommandResult, finished, write_list
from tests.support.dask_cluster import DaskCluster
from tests.support.files import contents, saved_files
from tests.support.handlers import delayed, sends
from tests.support.many_hosts import HOSTS, ManyHosts, numbered
from tests.support.marks import linux_only

pytestmark = pytest.mark.real_start

HTML = {"Content-Type": "text/html"}
#: For tests with a cluster of their own.
needs_prompt_workers = pytest.mark.timing_sensitive(
    reason="a scheduler that gets no CPU takes workers that are alive for lost"
)


# --- a real cluster -------------------------------------------------------------------------------


def told_of(ran: CommandResult) -> Counter[str]:
    """Return how often each address of a run was told of."""
    words = [line.split() for line in ran.out[:-1] + ran.err]
    return Counter(
        row[1].rstrip(":").rpartition("/")[2].removesuffix(".html")
        for row in words
        if row[0] in ("Downloaded", "Skipped", "Failed")
    )


@pytest.mark.slow
@needs_prompt_workers
@linux_only
async def test_the_shards_of_a_worker_that_is_killed_are_done_by_others(
    many_hosts: ManyHosts, command: Command, cluster: DaskCluster
) -> None:
    count = 300
    many_hosts.pages = {f"/{number}": delayed(b"<p>page", 0.05) for number in range(count)}
    write_list(command, numbered(many_hosts, count))
    process = await command.start(
        *("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "6"),
        *("--per-host", "2"),
    )
    await many_hosts.asked(100)
    cluster.workers[0].kill()
    ran = await finished(process)
    assert (ran.status, ran.err) == (0, [])
    # Nothing is lost, and nothing is told or saved twice.
    assert set(told_of(ran).values()) == {1}
    assert len(told_of(ran)) == count
    assert len(saved_files(command.folder / "downloaded_sites")) == count
    # Others fetch only what is missing, and no host ever saw more than it may.
    assert len(many_hosts.requests) <= count + 2 * len(HOSTS)
    assert max(many_hosts.most.values()) == 2


@pytest.mark.slow
@needs_prompt_workers
@linux_only
async def test_ctrl_c_stops_the_work_of_the_cluster_and_another_run_goes_on(
    many_hosts: ManyHosts, command: Command, cluster: DaskCluster
) -> None:
    count = 200
    many_hosts.pages = {f"/{number}": delayed(b"<p>page", 0.1) for number in range(count)}
    write_list(command, numbered(many_hosts, count))
    arguments = ("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "4")
    process = await command.start(*arguments, "--per-host", "1")
    await many_hosts.asked(20)
    process.send_signal(signal.SIGINT)
    ran = await finished(process)
    assert ran.status == 130
    untried = int(ran.err[-1].split()[1])
    assert ran.err[-1] == f"Stopped: {untried} lines were not tried"
    done = sum(told_of(ran).values())
    assert done + untried == count
    assert len(saved_files(command.folder / "downloaded_sites")) == done
    many_hosts.requests.clear()
    # Each portion may be shared by processes further; what is done stays done.
    again = await command(*arguments, "--processes", "2")
    assert (again.status, again.err) == (0, [])
    assert len(many_hosts.requests) == untried
    assert again.out[-1].startswith(f"{count} URLs: {untried} downloaded, 0 unchanged, {done} skip")


@needs_prompt_workers
@linux_only
async def test_what_a_killed_command_has_left_at_work_ends_and_another_run_goes_on(
    many_hosts: ManyHosts, command: Command, cluster: DaskCluster
) -> None:
    stalls = sends(b"page", cut=2, stall=True)
    many_hosts.pages = {f"/{number}": stalls for number in range(12)}
    write_list(command, numbered(many_hosts, 12))
    arguments = ("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "2")
    process = await command.start(*arguments)
    await many_hosts.asked(12)
    process.kill()
    await process.communicate()
    many_hosts.pages = {f"/{number}": sends(b"page") for number in range(12)}
    ran = await command(*arguments)
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith("12 URLs: 12 downloaded")


@pytest.mark.slow
@needs_prompt_workers
@linux_only
async def test_a_scheduler_that_dies_ends_the_run_with_one_line_and_another_run_goes_on(
    many_hosts: ManyHosts, command: Command, cluster: DaskCluster
) -> None:
    count = 24
    many_hosts.pages = {f"/{number}": sends(b"page", cut=2, stall=True) for number in range(count)}
    write_list(command, numbered(many_hosts, count))
    arguments = ("list", "--engine", "dask", "--shards", "2", "--scheduler")
    process = await command.start(*arguments, cluster.address)
    await many_hosts.asked(count)
    await cluster.close()
    ran = await finished(process)
    assert ran.status == 2
    assert ran.err == [
        f"Stopped: {count} lines were not tried",
        "download: the Dask scheduler has dropped the tasks of this run: "
        "scheduler-connection-lost; run the command again to continue",
    ]
    many_hosts.pages = {f"/{number}": sends(b"page") for number in range(count)}
    await cluster.start(1)
    ran = await command(*arguments, cluster.address)
    assert (ran.status, ran.err) == (0, [])
    assert len(saved_files(command.folder / "downloaded_sites")) == count


@linux_only
async def test_without_a_scheduler_one_is_started_and_its_folders_merge_into_the_usual_one(
    many_hosts: ManyHosts, command: Command
) -> None:
    count = 60
    many_hosts.pages = {f"/{number}": sends(b"<p>%d" % number, HTML) for number in range(count)}
    write_list(command, [*numbered(many_hosts, count), many_hosts.url(1, "/lost"), "no address://"])
    whole = await command("list", "-o", "whole")
    with ExitStack() as stack:
        # What other clusters have is no affair of ours; somebody may have it at this moment.
        with suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", 8787)))
        ran = await command("list", "-o", "out", "--engine", "dask", "--processes", "2")
    assert (ran.status, sorted(ran.err)) == (1, sorted(whole.err))
    assert len(told_of(ran)) == count + 2
    folders = sorted(path.name for path in (command.folder / "out").glob("shard-*"))
    merged = await command("merge", *(f"out/{name}" for name in folders), "-o", "merged")
    assert (merged.status, merged.err) == (0, [])
    assert contents(command.folder / "merged") == contents(command.folder / "whole")


async def test_a_list_that_never_ends_can_be_stopped(command: Command) -> None:
    process = await command.start("-", "--engine", "dask")
    assert process.stdin is not None
    process.stdin.write(b"http://127.0.0.1/\nhttp://127.0.0.1/2\n")
    new = command.folder / "downloaded_sites" / ".download" / "shards.new"
    async with asyncio.timeout(20):
        while not new.exists():  # noqa: ASYNC110 - no event comes from another process
            await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        await process.wait()
    assert process.returncode == 130
    ran = await finished(process)
    assert ran.err[-1].startswith("Stopped before the end of the list: ")


async def test_a_scheduler_that_is_not_there_is_named(command: Command) -> None:
    ran = await command("http://127.0.0.1/", "--engine", "dask", "--scheduler", "no scheduler")
    assert ran.status == 2
    assert "cannot reach a Dask scheduler at no scheduler: " in ran.err[-1]
    assert ran.err[-1].endswith("; start one with: dask scheduler")
    assert "Traceback" not in "".join(ran.err)


@pytest.mark.parametrize(
    ("address", "is_plaintext"),
    [
        ("tcp://192.0.2.1:8786", True),
        ("192.0.2.1:8786", True),
        ("scheduler.example:8786", True),
        ("ws://scheduler.example:8786", True),
        ("tcp://[2001:db8::1]:8786", True),
        ("tls://scheduler.example:8786", False),
        ("wss://scheduler.example:8786", False),
        ("tcp://127.0.0.1:8786", False),
        ("tcp://[::1]:8786", False),
        ("localhost:8786", False),
    ],
)
def test_a_scheduler_elsewhere_without_tls_is_known(address: str, *, is_plaintext: bool) -> None:
    assert _is_plaintext(address) is is_plaintext


async def test_a_scheduler_without_the_keys_it_takes_is_named_and_nothing_else_said(
    command: Command,
) -> None:
    ran = await command("http://127.0.0.1/", "--engine", "dask", "--scheduler", "tls://127.0.0.1:1")
    assert (ran.status, len(ran.err)) == (2, 2)
    assert "cannot reach a Dask scheduler at tls://127.0.0.1:1: TLS expects" in ran.err[-1]


async def test_ctrl_c_while_nobody_answers_ends_the_run(command: Command) -> None:
    connected = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        address = f"tcp://127.0.0.1:{port}"
        process = await command.start("http://x/", "--engine", "dask", "--scheduler", address)
        async with asyncio.timeout(30):
            await connected.wait()
        process.send_signal(signal.SIGINT)
        ran = await finished(process)
    assert ran.status == 130
    assert ran.err[1:] == ["Stopped: 1 line was not tried"]


async def test_without_dask_the_way_to_install_it_is_told(command: Command) -> None:
    (command.folder / "sitecustomize.py").write_text(
        "import sys\nsys.modules['distributed'] = None"
    )
    command.environment["PYTHONPATH"] = os.pathsep.join(
        [str(command.folder), command.environment.get("PYTHONPATH", "")]
    )
    ran = await command("http://127.0.0.1/", "--engine", "dask")
    assert ran.status == 2
    assert ran.err == [
        "download: --engine dask needs Dask, which is not installed; "
        "install it with: pip install 'download-sites[dask]'"
    ]
    assert not (command.folder / "downloaded_sites").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--scheduler", "tcp://127.0.0.1:8786"), "--scheduler needs --engine dask"),
        (("--engine", "dask", "-m"), "--engine dask does not mirror pages; see --shard"),
        (("--engine", "ray"), "'ray' is not one of 'local', 'dask'"),
        (("--engine", "dask", "--shards", "0"), "--shards"),
    ],
)
async def test_options_that_do_not_go_together_are_refused(
    command: Command, options: tuple[str, ...], said: str
) -> None:
    ran = await command("http://127.0.0.1/", *options)
    assert ran.status == 2
    assert said in ran.err[-1]


# --- without one ----------------------------------------------------------------------------------
