"""Portions of a list for a cluster: how lists are cut, and what a worker does with a portion."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Options
from downloader.cluster import portion_task
from downloader.cluster.messages import (
    decode_failure,
    decode_outcomes,
    decode_target,
    encode_entry,
)
from downloader.cluster.partition import Partitioner, fingerprint_of
from downloader.cluster.worker_loop import AdmissionControl
from downloader.errors import BusyError, ErrorKind, OutputError, RunError
from downloader.journal import Journal
from downloader.models import Checksum, Failed, Target
from downloader.models.shards import Shard
from downloader.web.urls import Url
from tests.support.cluster_runs import do_work, work_for


def test_standard_input_is_no_list_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").touch()
    assert fingerprint_of(("-",), None) == ""
    assert fingerprint_of(("./-",), None) != ""


def test_what_a_worker_may_log_has_no_secrets(tmp_path: Path) -> None:
    one = work_for(tmp_path, "http://user:password@127.0.0.1/")
    one = replace(one, options=Options(headers=(("Authorization", "Bearer token"),)))
    assert "password" not in repr(one)
    assert "token" not in repr(one)


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


def test_a_worker_that_is_not_as_the_others_says_so(tmp_path: Path) -> None:
    done = do_work(work_for(tmp_path / "out" / "shard", "http://127.0.0.1/"))
    assert isinstance(done.error, OutputError)
    assert done.error.message == f"a worker does not see the folder {tmp_path / 'out'}"
    assert (done.untried, list(decode_outcomes(done.encoded_outcomes, "shard"))) == (1, [])
    assert not (tmp_path / "out").exists()
    done = do_work(work_for(tmp_path / "out" / "shard", "http://127.0.0.1/", version="0"))
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
    done = do_work(work_for(output / "shard", "http://127.0.0.1/"))
    assert isinstance(done.error, OutputError)
    assert "is a symbolic link" in done.error.message
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_shard_that_somebody_still_has_is_asked_for_again_and_then_given_up(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portion_task, "_LOCK_RETRY_SECONDS", 0.0)
    (output / "shard").mkdir()
    held = Journal(output / "shard")
    done = do_work(work_for(output / "shard", "http://127.0.0.1/"))
    held.close()
    assert isinstance(done.error, BusyError)
    assert done.untried == 1


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
    one = replace(work_for(output / "shard", "http://127.0.0.1/"), run_id="stopped")
    portion_task.stop_run("stopped", True)
    done = do_work(one)
    assert (done.error, done.untried) == (None, 1)
    assert not (output / "shard").exists()


texts = st.text(max_size=20)


@given(
    st.builds(
        Target,
        url=texts.map(lambda text: Url(f"http://u:p@h/{text}")),
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
