"""A list in portions, done by threads of this process in the place of a cluster."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from downloader import Downloaded, Options, Outcome, Request, Skipped, Target
from downloader.cluster import ClusterPlan, ClusterRun, portion_task
from downloader.cluster.executor import PortionLostError
from downloader.cluster.messages import (
    Portion,
    decode_outcomes,
    encode_entry,
)
from downloader.core.local_run import LocalRun
from downloader.errors import BusyError, DiskError, ErrorKind, OutputError, RunError
from downloader.journal import Job, Journal, Submission
from downloader.models import Failed
from downloader.models.shards import Shard
from downloader.web.urls import Url
from tests.support.cluster_runs import ThreadExecutor, cluster_run, do_work, work_for, write_urls
from tests.support.handlers import sends
from tests.support.many_hosts import HOSTS, ManyHosts, numbered
from tests.support.marks import linux_only
from tests.support.web_server import Site


async def test_a_host_with_most_of_the_list_is_done_in_portions_that_follow_each_other(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": b"page" for number in range(25)}
    addresses = [site.url(f"/{number}") for number in range(25)]
    here = ThreadExecutor()
    found = await cluster_run(write_urls(tmp_path, *addresses), tmp_path / "out", here, portion=10)
    assert [type(outcome) for outcome in found] == [Downloaded] * 25
    assert [work_for.count for work_for in here.seen] == [10, 10, 5]
    assert here.most == 1
    assert [outcome.origin for outcome in found] == [f"{tmp_path}/list:{n}" for n in range(1, 26)]


async def test_a_limit_and_a_sample_are_of_the_whole_list(site: Site, tmp_path: Path) -> None:
    site.pages = {f"/{number}": b"page" for number in range(25)}
    source = write_urls(tmp_path, *(site.url(f"/{number}") for number in range(25)))
    # Of the list that was cut before, no other limit takes the lines.
    for limit, sample, expected in ((12, None, 12), (15, None, 15), (15, 4, 4)):
        here = ThreadExecutor()
        found = await cluster_run(
            source, tmp_path / "out", here, portion=5, limit=limit, sample=sample
        )
        assert len(found) == expected
        assert max(outcome.index for outcome in found) < limit


async def test_sizes_are_measured_without_a_folder(site: Site, tmp_path: Path) -> None:
    site.pages = {"/1": b"page", "/2": b"page"}
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    found = await cluster_run(source, tmp_path / "out", ThreadExecutor(), save=False)
    assert [type(outcome) for outcome in found] == [Downloaded] * 2
    assert not (tmp_path / "out").exists()


async def test_a_part_that_is_lost_under_the_run_ends_it(site: Site, tmp_path: Path) -> None:
    def lose(work_for: Portion) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work_for.shard:05d}").unlink()

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
    def empty(work_for: Portion) -> None:
        (tmp_path / "out" / ".download" / "shards" / f"{work_for.shard:05d}").write_bytes(b"")

    site.pages = {"/1": b"page", "/2": b"page"}
    source = write_urls(tmp_path, site.url("/1"), site.url("/2"))
    with pytest.raises(DiskError, match="is shorter than it was"):
        await cluster_run(source, tmp_path / "out", ThreadExecutor(empty), portion=1)


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
        [
            each
            async for each in ClusterRun(
                ("x",), Options(output=out), ClusterPlan(shards=5)
            ).outcomes()
        ]


@linux_only
async def test_a_shard_of_the_list_is_shared_further(many_hosts: ManyHosts, tmp_path: Path) -> None:
    many_hosts.pages["/"] = sends(b"page")
    source = write_urls(tmp_path, *(many_hosts.url(host) for host in HOSTS))
    for number in (1, 2):
        here = ThreadExecutor()
        one = Options(output=tmp_path / "out", shard=Shard(number, 2))
        run = ClusterRun((str(source),), one, ClusterPlan(shards=8), here)
        found = [outcome async for outcome in run.outcomes()]
        assert len(found) + run.progress.other_shards == len(HOSTS)
    assert len(many_hosts.requests) == len(HOSTS)


async def test_what_everybody_dies_of_fails_line_by_line_and_the_rest_goes_on(
    site: Site, tmp_path: Path
) -> None:
    def die(work_for: Portion) -> None:
        if work_for.first_line == 0:
            raise PortionLostError("4 workers died while they had its part of the list")

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
    def refuse(work_for: Portion) -> None:
        if work_for.first_line:
            raise RunError("the scheduler is gone")

    site.pages = {f"/{number}": b"page" for number in range(3)}
    source = write_urls(tmp_path, *(site.url(f"/{number}") for number in range(3)))
    run = ClusterRun(
        (str(source),), Options(output=tmp_path / "out"), ClusterPlan(), ThreadExecutor(refuse), 2
    )
    found: list[Outcome] = []
    with pytest.raises(RunError, match="the scheduler is gone"):
        found += [outcome async for outcome in run.outcomes()]
    run = ClusterRun(
        (str(source),), Options(output=tmp_path / "out"), ClusterPlan(), ThreadExecutor(), 2
    )
    found = [outcome async for outcome in run.outcomes()]
    assert sorted(type(each).__name__ for each in found) == ["Downloaded", "Skipped", "Skipped"]


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    """An output folder that a run has for itself."""
    (tmp_path / "out").mkdir()
    journal = Journal(tmp_path / "out")
    yield tmp_path / "out"
    journal.close()


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
    done = await asyncio.to_thread(
        do_work, work_for(output / "shard", site.url("/1"), site.url("/2"))
    )
    assert (tries, done.error, done.untried) == (2, None, 0)
    assert sorted(each.index for each in decode_outcomes(done.encoded_outcomes, "shard")) == [0, 1]


async def test_portions_have_methods_and_bodies_and_a_changed_body_is_another_list(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/"] = sends(b"page")
    source = tmp_path / "list.csv"
    source.write_text(
        f"url,method,headers,body\n{site.url('/')},PUT,X-A: 1,own\n{site.url('/')},,,\n"
    )
    for body in (b"one", b"two"):
        found = await cluster_run(source, tmp_path / "out", ThreadExecutor(), body=body)
        assert not any(isinstance(outcome, Failed) for outcome in found), found
    asked = [(request.method, await request.read()) for request in site.requests]
    assert sorted(asked) == [("POST", b"one"), ("POST", b"two"), ("PUT", b"own")]


async def test_a_worker_that_follows_a_lost_one_does_not_send_a_post_again(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/"] = sends(b"page")
    target = Target(url=Url(site.url("/")), request=Request("POST", b"order=1"))
    work = replace(work_for(tmp_path / "out"), lines=encode_entry(target))
    folder = tmp_path / "out"
    folder.mkdir()
    Journal(tmp_path, Options()).close()
    # The lost one had recorded that it sends the request.
    journal = Journal(folder, Options())
    (job,) = journal.admit([target])
    assert isinstance(job, Job)
    journal.record([(job, Submission())])
    journal.close()
    (outcome,) = decode_outcomes((await asyncio.to_thread(do_work, work)).encoded_outcomes, "")
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.INTERRUPTED
    assert site.requests == []
