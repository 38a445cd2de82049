"""``--engine dask``: a list shared by the workers of a cluster, whoever of them dies."""

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Downloaded, Options, Outcome, Skipped
from downloader._version import __version__
from downloader.batch import Batch
from downloader.engine import Campaign, Plan, task
from downloader.engine.executor import LostError
from downloader.engine.partition import Cutter, key_of
from downloader.engine.work import Done, Work, failure_of, line_of, outcomes, target_of
from downloader.engine.worker import Turns
from downloader.errors import BusyError, DiskError, ErrorKind, OutputError, RunError
from downloader.journal import Journal
from downloader.models import Checksum, Failed, Target
from downloader.shards import Shard
from downloader.urls import Url
from tests.support.cluster_runs import ThreadExecutor, cluster_run, write_urls
from tests.support.command import Command, CommandResult, finished, write_list
from tests.support.dask_cluster import DaskCluster
from tests.support.files import contents, saved_files
from tests.support.handlers import delayed, sends
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only
from tests.support.web_server import Site

HTML = {"Content-Type": "text/html"}


# --- a real cluster -------------------------------------------------------------------------------


def told_of(ran: CommandResult) -> Counter[str]:
    """Return how often each address of a run was told of."""
    words = [line.split() for line in ran.out[:-1] + ran.err]
    return Counter(
        row[1].rstrip(":").rpartition("/")[2].removesuffix(".html")
        for row in words
        if row[0] in ("Downloaded", "Skipped", "Failed")
    )


def numbered(many_hosts: ManyHosts, count: int) -> list[str]:
    return [many_hosts.url(number % len(HOSTS) + 1, f"/{number}") for number in range(count)]


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
        "download: the Dask scheduler has dropped what it was to do: scheduler-connection-lost; "
        "run it again: it goes on where it was",
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
    merged = await command("--merge", *(f"out/{name}" for name in folders), "-o", "merged")
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


async def test_a_host_with_most_of_the_list_is_done_in_portions_that_follow_each_other(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": b"page" for number in range(25)}
    addresses = [site.url(f"/{number}") for number in range(25)]
    here = ThreadExecutor()
    found = await cluster_run(write_urls(tmp_path, *addresses), tmp_path / "out", here, portion=10)
    assert [type(outcome) for outcome in found] == [Downloaded] * 25
    assert [work.count for work in here.seen] == [10, 10, 5]
    assert here.most == 1
    assert [outcome.origin for outcome in found] == [f"{tmp_path}/list:{n}" for n in range(1, 26)]


async def test_sizes_are_measured_without_a_folder(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"page", "/2": b"page"}
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    found = await cluster_run(source, tmp_path / "out", ThreadExecutor(), save=False)
    assert [type(outcome) for outcome in found] == [Downloaded] * 2
    assert not (tmp_path / "out").exists()


async def test_a_part_that_is_lost_under_the_run_ends_it(site: Site, tmp_path: Path) -> None:
    def lose(work: Work) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work.shard:05d}").unlink()

    site.pages = {"/1": b"page", "/2": b"page"}
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    with pytest.raises(DiskError, match="No such file"):
        await cluster_run(source, tmp_path / "out", ThreadExecutor(lose), portion=1)
    # What has been lost is cut again.
    found = await cluster_run(source, tmp_path / "out", ThreadExecutor(), portion=1)
    assert sorted(type(each).__name__ for each in found) == ["Downloaded", "Skipped"]


async def test_a_part_of_which_a_crash_left_less_is_cut_again(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"page"}
    source = write_urls(tmp_path, site.url("/1"), "bad address://")
    await cluster_run(source, tmp_path / "out", ThreadExecutor())
    for part in (tmp_path / "out" / ".download" / "shards").glob("[0-9f]*"):
        part.write_bytes(b"")
    found = await cluster_run(source, tmp_path / "out", ThreadExecutor())
    assert [type(outcome) for outcome in found] == [Skipped, Failed]


async def test_a_part_that_is_emptied_under_the_run_ends_it(site: Site, tmp_path: Path) -> None:
    def empty(work: Work) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work.shard:05d}").write_bytes(b"")

    site.pages = {"/1": b"page", "/2": b"page"}
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    with pytest.raises(DiskError, match="is shorter than it was"):
        await cluster_run(source, tmp_path / "out", ThreadExecutor(empty), portion=1)


def test_standard_input_is_no_list_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").touch()
    assert key_of(("-",), None) == ""
    assert key_of(("./-",), None) != ""


def test_what_a_worker_may_log_has_no_secrets(tmp_path: Path) -> None:
    one = work(tmp_path, "http://user:password@127.0.0.1/")
    one = replace(one, options=Options(headers=(("Authorization", "Bearer token"),)))
    assert "password" not in repr(one)
    assert "token" not in repr(one)


async def test_a_list_is_cut_once_and_again_when_it_has_changed(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"one", "/2": b"two"}
    out = tmp_path / "out"
    source = write_urls(tmp_path, site.url("/1"), "bad address://")
    parts = out / ".download" / "shards" / "plan.json"
    await cluster_run(source, out, ThreadExecutor())
    written = parts.stat().st_mtime_ns
    found = await cluster_run(source, out, ThreadExecutor())
    assert [type(outcome) for outcome in found] == [Skipped, Failed]
    assert parts.stat().st_mtime_ns == written
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    assert [type(each) for each in await cluster_run(source, out, ThreadExecutor())] == [
        Skipped,
        Downloaded,
    ]
    assert parts.stat().st_mtime_ns != written
    assert parts.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(OutputError, match="was cut into 4 shards"):
        [each async for each in Campaign(("x",), Options(output=out), Plan(shards=5)).outcomes()]


@linux_only
async def test_a_shard_of_the_list_is_shared_further(many_hosts: ManyHosts, tmp_path: Path) -> None:
    many_hosts.pages["/"] = sends(b"page")
    source = write_urls(tmp_path, *(many_hosts.url(host) for host in HOSTS))
    for number in (1, 2):
        here = ThreadExecutor()
        one = Options(output=tmp_path / "out", shard=Shard(number, 2))
        run = Campaign((str(source),), one, Plan(shards=8), here)
        found = [outcome async for outcome in run.outcomes()]
        assert len(found) + run.others == len(HOSTS)
    assert len(many_hosts.requests) == len(HOSTS)


def test_a_shard_fills_all_parts(tmp_path: Path) -> None:
    # The same hash for both would put every host of one shard of four into one part of four.
    shard = Shard(3, 4)
    (tmp_path / ".download").mkdir()
    cutter = Cutter(tmp_path, 4)
    cutter.begin()
    targets = [Target(url=Url(f"https://{number}.example/")) for number in range(400)]
    cutter.add([target for target in targets if shard.owns(target.url)])
    parts = cutter.finish("", 0)
    assert min(parts.counts) > 10
    assert cutter.known("") is None


async def test_what_everybody_dies_of_fails_line_by_line_and_the_rest_goes_on(
    site: Site, tmp_path: Path
) -> None:
    def die(work: Work) -> None:
        if work.first == 0:
            raise LostError("4 workers died while they had its part of the list")

    site.pages = {f"/{number}": b"page" for number in range(4)}
    source = write_urls(tmp_path, *(site.url(f"/{number}") for number in range(4)))
    found = await cluster_run(source, tmp_path / "out", ThreadExecutor(die), portion=2)
    assert [type(each) for each in found] == [Failed, Failed, Downloaded, Downloaded]
    assert isinstance(found[0], Failed)
    assert (found[0].kind, found[0].url) == (ErrorKind.INTERNAL, site.url("/0"))


async def test_limits_of_the_run_are_shared_out(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": b"page"}
    here = ThreadExecutor()
    await cluster_run(
        write_urls(tmp_path, site.url()), tmp_path / "out", here, concurrency=9, limit_rate=10_000
    )
    assert [(w.options.concurrency, w.options.limit_rate) for w in here.seen] == [(4, 5000)]


async def test_fewer_transfers_than_threads_are_fewer_portions(
    many_hosts: ManyHosts, tmp_path: Path
) -> None:
    many_hosts.pages = {f"/{number}": sends(b"page") for number in range(20)}
    here = ThreadExecutor()
    source = write_urls(tmp_path, *numbered(many_hosts, 20))
    found = await cluster_run(source, tmp_path / "out", here, portion=2, concurrency=1)
    assert [type(outcome) for outcome in found] == [Downloaded] * 20
    assert here.together == 1


async def test_a_fault_of_the_run_ends_it_and_what_ended_before_is_told(
    site: Site, tmp_path: Path
) -> None:
    def refuse(work: Work) -> None:
        if work.first:
            raise RunError("the scheduler is gone")

    site.pages = {f"/{number}": b"page" for number in range(3)}
    source = write_urls(tmp_path, *(site.url(f"/{number}") for number in range(3)))
    run = Campaign(
        (str(source),), Options(output=tmp_path / "out"), Plan(), ThreadExecutor(refuse), 2
    )
    found: list[Outcome] = []
    with pytest.raises(RunError, match="the scheduler is gone"):
        found += [outcome async for outcome in run.outcomes()]
    run = Campaign((str(source),), Options(output=tmp_path / "out"), Plan(), ThreadExecutor(), 2)
    found = [outcome async for outcome in run.outcomes()]
    assert sorted(type(each).__name__ for each in found) == ["Downloaded", "Skipped", "Skipped"]


def work(output: Path, *addresses: str, version: str = __version__) -> Work:
    lines = b"".join(
        line_of(Target(url=Url(address), index=index)) for index, address in enumerate(addresses)
    )
    return Work("run", 0, 0, lines, Options(output=output), version)


def do(one: Work) -> Done:
    return task.do(one, lambda _: None, lambda: True)


def test_a_worker_that_is_not_as_the_others_says_so(tmp_path: Path) -> None:
    done = do(work(tmp_path / "out" / "shard", "http://127.0.0.1/"))
    assert isinstance(done.error, OutputError)
    assert done.error.message == f"a worker does not see the folder {tmp_path / 'out'}"
    assert (done.untried, list(outcomes(done.frames, "shard"))) == (1, [])
    assert not (tmp_path / "out").exists()
    done = do(work(tmp_path / "out" / "shard", "http://127.0.0.1/", version="0"))
    assert isinstance(done.error, RunError)
    assert "and not 0" in done.error.message


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    """An output folder that a run has for itself."""
    (tmp_path / "out").mkdir()
    journal = Journal(tmp_path / "out")
    yield tmp_path / "out"
    journal.close()


def test_a_planted_link_is_not_followed(output: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (output / "shard").symlink_to(tmp_path / "elsewhere")
    done = do(work(output / "shard", "http://127.0.0.1/"))
    assert isinstance(done.error, OutputError)
    assert "is a symbolic link" in done.error.message
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_shard_that_somebody_still_has_is_asked_for_again_and_then_given_up(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "_BUSY_SECONDS", 0.0)
    (output / "shard").mkdir()
    held = Journal(output / "shard")
    done = do(work(output / "shard", "http://127.0.0.1/"))
    held.close()
    assert isinstance(done.error, BusyError)
    assert done.untried == 1


async def test_what_was_told_before_somebody_else_was_found_there_is_told_once(
    site: Site, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages = {"/1": b"page", "/2": b"page"}
    wholly = Batch.outcomes
    tries = 0

    async def outcomes_of(batch: Batch) -> AsyncGenerator[Outcome]:
        nonlocal tries
        tries += 1
        async with aclosing(wholly(batch)) as told:
            async for outcome in told:
                yield outcome
                if tries == 1:
                    raise BusyError("another run is writing there")

    monkeypatch.setattr(task, "_BUSY_SECONDS", 0.0)
    monkeypatch.setattr(Batch, "outcomes", outcomes_of)
    done = await asyncio.to_thread(do, work(output / "shard", site.url("/1"), site.url("/2")))
    assert (tries, done.error, done.untried) == (2, None, 0)
    assert sorted(each.index for each in outcomes(done.frames, "shard")) == [0, 1]


async def test_a_portion_begins_when_there_is_cpu_for_it() -> None:
    now, used, busy, stopped, longer = 0.0, 0.0, 1.0, False, asyncio.Event()
    longer.set()

    async def sleep(seconds: float) -> None:
        nonlocal now, used
        now, used = now + seconds, used + seconds * busy
        await asyncio.sleep(0)
        await longer.wait()

    async def some_time() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    turns = Turns(lambda: used, lambda: now, sleep)
    await turns.wait(lambda: stopped)
    second = asyncio.create_task(turns.wait(lambda: stopped))
    await some_time()
    assert not second.done()
    # The first one waits for its hosts.
    busy = 0.2
    await second
    busy = 1.0
    longer.clear()
    third = asyncio.create_task(turns.wait(lambda: stopped))
    await some_time()
    assert not third.done()
    # Nobody is left: how busy others keep the process does not count, nor is it looked at.
    turns.end()
    turns.end()
    await third
    longer.set()
    fourth = asyncio.create_task(turns.wait(lambda: stopped))
    await some_time()
    assert not fourth.done()
    stopped = True
    await fourth


def test_what_comes_after_a_stop_is_not_begun(output: Path) -> None:
    one = replace(work(output / "shard", "http://127.0.0.1/"), run="stopped")
    task.stop("stopped", True)
    done = do(one)
    assert (done.error, done.untried) == (None, 1)
    assert not (output / "shard").exists()


texts = st.text(max_size=20)


@given(
    st.builds(
        Target,
        url=texts.map(Url),
        index=st.integers(0),
        origin=texts,
        name=st.none() | texts,
        checksum=st.none() | st.builds(Checksum, texts, texts),
        headers=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    )
)
def test_a_line_is_the_same_after_it_was_put_aside(target: Target) -> None:
    line = line_of(target)
    assert line.count(b"\n") == 1
    assert target_of(line) == target


@given(
    st.builds(
        Failed,
        index=st.integers(0),
        origin=texts,
        url=texts,
        kind=st.sampled_from(ErrorKind),
        message=texts,
        hint=texts,
    )
)
def test_a_line_that_is_none_is_the_same_after_it_was_put_aside(failed: Failed) -> None:
    assert failure_of(line_of(failed)) == failed
