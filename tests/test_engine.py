"""``--engine dask``: a list shared by the workers of a cluster, whoever of them dies."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Downloaded, Options, Outcome, Skipped
from downloader._version import __version__
from downloader.cluster import ClusterPlan, ClusterRun, portion_task
from downloader.cluster.executor import PortionLostError
from downloader.cluster.messages import (
    Portion,
    PortionProgress,
    PortionResult,
    decode_failure,
    decode_outcomes,
    decode_target,
    encode_entry,
)
from downloader.cluster.partition import Partitioner, fingerprint_of
from downloader.cluster.worker_loop import AdmissionControl
from downloader.core.local_run import LocalRun
from downloader.errors import BusyError, DiskError, ErrorKind, OutputError, RunError
from downloader.journal import Journal
from downloader.models import Checksum, Failed, Target
from downloader.models.shards import Shard
from downloader.web.urls import Url
from tests import test_processes
from tests.conftest import Command, Ran, Site, ended, saved_files
from tests.runs import sends
from tests.test_processes import HOSTS, Town, linux, slow, tree, write_list

town = test_processes.town
command = test_processes.command
HTML = {"Content-Type": "text/html"}


# --- a real cluster -------------------------------------------------------------------------------


@dataclass
class Cluster:
    """A scheduler and workers, started by their own commands.

    Attributes:
        address: of the scheduler.
        workers: processes.
    """

    folder: Path
    address: str = ""
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    _all: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, count: int) -> None:
        file = self.folder / "scheduler.json"
        host = ("--host", "127.0.0.1", "--no-dashboard")
        await self._dask("scheduler", "--port", "0", "--scheduler-file", str(file), *host)
        async with asyncio.timeout(30):
            while not self.address:
                await asyncio.sleep(0.05)
                with suppress(OSError, ValueError):
                    self.address = json.loads(file.read_text())["address"]
        for number in range(count):
            await self.add(f"worker-{number}")

    async def add(self, name: str) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--name", name, "--host", "127.0.0.1")
        local = ("--local-directory", str(self.folder), "--no-dashboard")
        self.workers.append(await self._dask("worker", self.address, *options, *local))

    async def _dask(self, *arguments: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dask", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
        )
        self._all.append(process)
        return process

    async def close(self) -> None:
        for process in reversed(self._all):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self.address = ""
        (self.folder / "scheduler.json").unlink(missing_ok=True)


@pytest.fixture
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    await cluster.start(2)
    yield cluster
    await cluster.close()


def told_of(ran: Ran) -> Counter[str]:
    """Return how often each address of a run was told of."""
    words = [line.split() for line in ran.out[:-1] + ran.err]
    return Counter(
        row[1].rstrip(":").rpartition("/")[2].removesuffix(".html")
        for row in words
        if row[0] in ("Downloaded", "Skipped", "Failed")
    )


def numbered(town: Town, count: int) -> list[str]:
    return [town.url(number % len(HOSTS) + 1, f"/{number}") for number in range(count)]


@linux
async def test_the_shards_of_a_worker_that_is_killed_are_done_by_others(
    town: Town, command: Command, cluster: Cluster
) -> None:
    count = 300
    town.pages = {f"/{number}": slow(b"<p>page", 0.05) for number in range(count)}
    write_list(command, numbered(town, count))
    process = await command.start(
        *("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "6"),
        *("--per-host", "2"),
    )
    await town.asked(100)
    cluster.workers[0].kill()
    ran = await ended(process)
    assert (ran.status, ran.err) == (0, [])
    # Nothing is lost, and nothing is told or saved twice.
    assert set(told_of(ran).values()) == {1}
    assert len(told_of(ran)) == count
    assert len(saved_files(command.folder / "downloaded_sites")) == count
    # Others fetch only what is missing, and no host ever saw more than it may.
    assert len(town.requests) <= count + 2 * len(HOSTS)
    assert max(town.most.values()) == 2


@linux
async def test_ctrl_c_stops_the_work_of_the_cluster_and_another_run_goes_on(
    town: Town, command: Command, cluster: Cluster
) -> None:
    count = 200
    town.pages = {f"/{number}": slow(b"<p>page", 0.1) for number in range(count)}
    write_list(command, numbered(town, count))
    arguments = ("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "4")
    process = await command.start(*arguments, "--per-host", "1")
    await town.asked(20)
    process.send_signal(signal.SIGINT)
    ran = await ended(process)
    assert ran.status == 130
    untried = int(ran.err[-1].split()[1])
    assert ran.err[-1] == f"Stopped: {untried} lines were not tried"
    done = sum(told_of(ran).values())
    assert done + untried == count
    assert len(saved_files(command.folder / "downloaded_sites")) == done
    town.requests.clear()
    # Each portion may be shared by processes further; what is done stays done.
    again = await command(*arguments, "--processes", "2")
    assert (again.status, again.err) == (0, [])
    assert len(town.requests) == untried
    assert again.out[-1].startswith(f"{count} URLs: {untried} downloaded, 0 unchanged, {done} skip")


@linux
async def test_what_a_killed_command_has_left_at_work_ends_and_another_run_goes_on(
    town: Town, command: Command, cluster: Cluster
) -> None:
    stalls = sends(b"page", cut=2, stall=True)
    town.pages = {f"/{number}": stalls for number in range(12)}
    write_list(command, numbered(town, 12))
    arguments = ("list", "--engine", "dask", "--scheduler", cluster.address, "--shards", "2")
    process = await command.start(*arguments)
    await town.asked(12)
    process.kill()
    await process.communicate()
    town.pages = {f"/{number}": sends(b"page") for number in range(12)}
    ran = await command(*arguments)
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith("12 URLs: 12 downloaded")


@linux
async def test_a_scheduler_that_dies_ends_the_run_with_one_line_and_another_run_goes_on(
    town: Town, command: Command, cluster: Cluster
) -> None:
    count = 24
    town.pages = {f"/{number}": sends(b"page", cut=2, stall=True) for number in range(count)}
    write_list(command, numbered(town, count))
    arguments = ("list", "--engine", "dask", "--shards", "2", "--scheduler")
    process = await command.start(*arguments, cluster.address)
    await town.asked(count)
    await cluster.close()
    ran = await ended(process)
    assert ran.status == 2
    assert ran.err == [
        f"Stopped: {count} lines were not tried",
        "download: the Dask scheduler has dropped the tasks of this run: "
        "scheduler-connection-lost; run the command again to continue",
    ]
    town.pages = {f"/{number}": sends(b"page") for number in range(count)}
    await cluster.start(1)
    ran = await command(*arguments, cluster.address)
    assert (ran.status, ran.err) == (0, [])
    assert len(saved_files(command.folder / "downloaded_sites")) == count


@linux
async def test_without_a_scheduler_one_is_started_and_its_folders_merge_into_the_usual_one(
    town: Town, command: Command
) -> None:
    count = 60
    town.pages = {f"/{number}": sends(b"<p>%d" % number, HTML) for number in range(count)}
    write_list(command, [*numbered(town, count), town.url(1, "/lost"), "no address://"])
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
    assert tree(command.folder / "merged") == tree(command.folder / "whole")


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
    ran = await ended(process)
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
        ran = await ended(process)
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


class Here:
    """Does portions in threads of this process.

    Attributes:
        seen: what was to be done, in order.
        at_once: portions that are being done now, by shard.
        most: how many of one shard there were at most.
        together: how many there were at most in all.
    """

    slots = 2

    def __init__(self, before: Callable[[Portion], None] = lambda _: None) -> None:
        self.seen: list[Portion] = []
        self.warnings: list[str] = []
        self.at_once: Counter[int] = Counter()
        self.most = 0
        self.together = 0
        self._before = before
        self._run = ""

    def __call__(
        self, run: str, _plan: ClusterPlan, _told: Callable[[PortionProgress], None]
    ) -> Self:
        self._run = run
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    async def execute(self, work: Portion) -> PortionResult:
        self.seen.append(work)
        self.at_once[work.shard] += 1
        self.most = max(self.most, *self.at_once.values())
        self.together = max(self.together, self.at_once.total())
        try:
            self._before(work)
            return await asyncio.to_thread(
                portion_task.run_portion, work, lambda _: None, lambda: True
            )
        finally:
            self.at_once[work.shard] -= 1

    async def stop(self, *, now: bool) -> None:
        portion_task.stop_run(self._run, now)


async def campaign(
    source: Path | str, output: Path, here: Here, portion: int = 10_000, **options: object
) -> list[Outcome]:
    made = replace(Options(output=output), **options)  # type: ignore[arg-type]
    one = ClusterRun((str(source),), made, ClusterPlan(shards=4), here, portion)
    found = [outcome async for outcome in one.outcomes()]
    assert one.progress.total == len(found) + one.progress.untried
    return sorted(found, key=lambda outcome: outcome.index)


def listed(folder: Path, *addresses: str) -> Path:
    file = folder / "list"
    file.write_text("\n".join(addresses))
    return file


async def test_a_host_with_most_of_the_list_is_done_in_portions_that_follow_each_other(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": b"page" for number in range(25)}
    addresses = [site.url(f"/{number}") for number in range(25)]
    here = Here()
    found = await campaign(listed(tmp_path, *addresses), tmp_path / "out", here, portion=10)
    assert [type(outcome) for outcome in found] == [Downloaded] * 25
    assert [work.count for work in here.seen] == [10, 10, 5]
    assert here.most == 1
    assert [outcome.origin for outcome in found] == [f"{tmp_path}/list:{n}" for n in range(1, 26)]


async def test_sizes_are_measured_without_a_folder(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"page", "/2": b"page"}
    source = listed(tmp_path, site.url("/1"), site.url("/2"))
    found = await campaign(source, tmp_path / "out", Here(), save=False)
    assert [type(outcome) for outcome in found] == [Downloaded] * 2
    assert not (tmp_path / "out").exists()


async def test_a_part_that_is_lost_under_the_run_ends_it(site: Site, tmp_path: Path) -> None:
    def lose(work: Portion) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work.shard:05d}").unlink()

    site.pages = {"/1": b"page", "/2": b"page"}
    source = listed(tmp_path, site.url("/1"), site.url("/2"))
    with pytest.raises(DiskError, match="No such file"):
        await campaign(source, tmp_path / "out", Here(lose), portion=1)
    # What has been lost is cut again.
    found = await campaign(source, tmp_path / "out", Here(), portion=1)
    assert sorted(type(each).__name__ for each in found) == ["Downloaded", "Skipped"]


async def test_a_part_of_which_a_crash_left_less_is_cut_again(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"page"}
    source = listed(tmp_path, site.url("/1"), "bad address://")
    await campaign(source, tmp_path / "out", Here())
    for part in (tmp_path / "out" / ".download" / "shards").glob("[0-9f]*"):
        part.write_bytes(b"")
    found = await campaign(source, tmp_path / "out", Here())
    assert [type(outcome) for outcome in found] == [Skipped, Failed]


async def test_a_part_that_is_emptied_under_the_run_ends_it(site: Site, tmp_path: Path) -> None:
    def empty(work: Portion) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work.shard:05d}").write_bytes(b"")

    site.pages = {"/1": b"page", "/2": b"page"}
    source = listed(tmp_path, site.url("/1"), site.url("/2"))
    with pytest.raises(DiskError, match="is shorter than it was"):
        await campaign(source, tmp_path / "out", Here(empty), portion=1)


def test_standard_input_is_no_list_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").touch()
    assert fingerprint_of(("-",), None) == ""
    assert fingerprint_of(("./-",), None) != ""


def test_what_a_worker_may_log_has_no_secrets(tmp_path: Path) -> None:
    one = work(tmp_path, "http://user:password@127.0.0.1/")
    one = replace(one, options=Options(headers=(("Authorization", "Bearer token"),)))
    assert "password" not in repr(one)
    assert "token" not in repr(one)


async def test_a_list_is_cut_once_and_again_when_it_has_changed(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"one", "/2": b"two"}
    out = tmp_path / "out"
    source = listed(tmp_path, site.url("/1"), "bad address://")
    parts = out / ".download" / "shards" / "plan.json"
    await campaign(source, out, Here())
    written = parts.stat().st_mtime_ns
    found = await campaign(source, out, Here())
    assert [type(outcome) for outcome in found] == [Skipped, Failed]
    assert parts.stat().st_mtime_ns == written
    source = listed(tmp_path, site.url("/1"), site.url("/2"))
    assert [type(each) for each in await campaign(source, out, Here())] == [Skipped, Downloaded]
    assert parts.stat().st_mtime_ns != written
    assert parts.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(OutputError, match="was cut into 4 shards"):
        [
            each
            async for each in ClusterRun(
                ("x",), Options(output=out), ClusterPlan(shards=5)
            ).outcomes()
        ]


@linux
async def test_a_shard_of_the_list_is_shared_further(town: Town, tmp_path: Path) -> None:
    town.pages["/"] = sends(b"page")
    source = listed(tmp_path, *(town.url(host) for host in HOSTS))
    for number in (1, 2):
        here = Here()
        one = Options(output=tmp_path / "out", shard=Shard(number, 2))
        run = ClusterRun((str(source),), one, ClusterPlan(shards=8), here)
        found = [outcome async for outcome in run.outcomes()]
        assert len(found) + run.progress.other_shards == len(HOSTS)
    assert len(town.requests) == len(HOSTS)


def test_a_shard_fills_all_parts(tmp_path: Path) -> None:
    # The same hash for both would put every host of one shard of four into one part of four.
    shard = Shard(3, 4)
    (tmp_path / ".download").mkdir()
    cutter = Partitioner(tmp_path, 4)
    cutter.begin()
    targets = [Target(url=Url(f"https://{number}.example/")) for number in range(400)]
    cutter.add([target for target in targets if shard.owns(target.url)])
    parts = cutter.finish("", 0)
    assert min(parts.counts) > 10
    assert cutter.find_existing("") is None


async def test_what_everybody_dies_of_fails_line_by_line_and_the_rest_goes_on(
    site: Site, tmp_path: Path
) -> None:
    def die(work: Portion) -> None:
        if work.first_line == 0:
            raise PortionLostError("4 workers died while they had its part of the list")

    site.pages = {f"/{number}": b"page" for number in range(4)}
    source = listed(tmp_path, *(site.url(f"/{number}") for number in range(4)))
    found = await campaign(source, tmp_path / "out", Here(die), portion=2)
    assert [type(each) for each in found] == [Failed, Failed, Downloaded, Downloaded]
    assert isinstance(found[0], Failed)
    assert (found[0].kind, found[0].url) == (ErrorKind.INTERNAL, site.url("/0"))


async def test_limits_of_the_run_are_shared_out(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": b"page"}
    here = Here()
    await campaign(
        listed(tmp_path, site.url()), tmp_path / "out", here, concurrency=9, limit_rate=10_000
    )
    assert [(w.options.concurrency, w.options.limit_rate) for w in here.seen] == [(4, 5000)]


async def test_fewer_transfers_than_threads_are_fewer_portions(town: Town, tmp_path: Path) -> None:
    town.pages = {f"/{number}": sends(b"page") for number in range(20)}
    here = Here()
    source = listed(tmp_path, *numbered(town, 20))
    found = await campaign(source, tmp_path / "out", here, portion=2, concurrency=1)
    assert [type(outcome) for outcome in found] == [Downloaded] * 20
    assert here.together == 1


async def test_a_fault_of_the_run_ends_it_and_what_ended_before_is_told(
    site: Site, tmp_path: Path
) -> None:
    def refuse(work: Portion) -> None:
        if work.first_line:
            raise RunError("the scheduler is gone")

    site.pages = {f"/{number}": b"page" for number in range(3)}
    source = listed(tmp_path, *(site.url(f"/{number}") for number in range(3)))
    run = ClusterRun(
        (str(source),), Options(output=tmp_path / "out"), ClusterPlan(), Here(refuse), 2
    )
    found: list[Outcome] = []
    with pytest.raises(RunError, match="the scheduler is gone"):
        found += [outcome async for outcome in run.outcomes()]
    run = ClusterRun((str(source),), Options(output=tmp_path / "out"), ClusterPlan(), Here(), 2)
    found = [outcome async for outcome in run.outcomes()]
    assert sorted(type(each).__name__ for each in found) == ["Downloaded", "Skipped", "Skipped"]


def work(output: Path, *addresses: str, version: str = __version__) -> Portion:
    lines = b"".join(
        encode_entry(Target(url=Url(address), index=index))
        for index, address in enumerate(addresses)
    )
    return Portion("run", 0, 0, lines, Options(output=output), version)


def do(one: Portion) -> PortionResult:
    return portion_task.run_portion(one, lambda _: None, lambda: True)


def test_a_worker_that_is_not_as_the_others_says_so(tmp_path: Path) -> None:
    done = do(work(tmp_path / "out" / "shard", "http://127.0.0.1/"))
    assert isinstance(done.error, OutputError)
    assert done.error.message == f"a worker does not see the folder {tmp_path / 'out'}"
    assert (done.untried, list(decode_outcomes(done.encoded_outcomes, "shard"))) == (1, [])
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
    monkeypatch.setattr(portion_task, "_LOCK_RETRY_SECONDS", 0.0)
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
    wholly = LocalRun.outcomes
    tries = 0

    async def outcomes_of(batch: LocalRun) -> AsyncGenerator[Outcome]:
        nonlocal tries
        tries += 1
        async with aclosing(wholly(batch)) as told:
            async for outcome in told:
                yield outcome
                if tries == 1:
                    raise BusyError("another run is writing there")

    monkeypatch.setattr(portion_task, "_LOCK_RETRY_SECONDS", 0.0)
    monkeypatch.setattr(LocalRun, "outcomes", outcomes_of)
    done = await asyncio.to_thread(do, work(output / "shard", site.url("/1"), site.url("/2")))
    assert (tries, done.error, done.untried) == (2, None, 0)
    assert sorted(each.index for each in decode_outcomes(done.encoded_outcomes, "shard")) == [0, 1]


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

    turns = AdmissionControl(lambda: used, lambda: now, sleep)
    await turns.acquire(lambda: stopped)
    second = asyncio.create_task(turns.acquire(lambda: stopped))
    await some_time()
    assert not second.done()
    # The first one waits for its hosts.
    busy = 0.2
    await second
    busy = 1.0
    longer.clear()
    third = asyncio.create_task(turns.acquire(lambda: stopped))
    await some_time()
    assert not third.done()
    # Nobody is left: how busy others keep the process does not count, nor is it looked at.
    turns.release()
    turns.release()
    await third
    longer.set()
    fourth = asyncio.create_task(turns.acquire(lambda: stopped))
    await some_time()
    assert not fourth.done()
    stopped = True
    await fourth


def test_what_comes_after_a_stop_is_not_begun(output: Path) -> None:
    one = replace(work(output / "shard", "http://127.0.0.1/"), run_id="stopped")
    portion_task.stop_run("stopped", True)
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
    line = encode_entry(target)
    assert line.count(b"\n") == 1
    assert decode_target(line) == target


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
    assert decode_failure(encode_entry(failed)) == failed
