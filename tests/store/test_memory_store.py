"""The object store through the public functions, on fsspec's store in memory; and its parts."""

import itertools
import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from downloader import Downloaded, Options, Skipped, TextFormat, download_sites, sources
from downloader.core.local_run import LocalRun
from downloader.errors import ErrorKind, OutputError
from downloader.journal.database import open_journal
from downloader.journal.replica import KEY, JournalReplica
from downloader.models import Outcome, Pack, SkipReason
from downloader.object_store import open_store
from downloader.report.formats import FORMATS
from downloader.report.interface import ReportOptions
from downloader.report.report_reader import read
from downloader.report.reporter import Reporter
from downloader.web.filenames import SafePath
from tests.support.cluster_runs import ThreadExecutor, cluster_run, write_urls
from tests.support.fault_server import fault_server
from tests.support.outcomes import NOT_CAUSED_BY_LISTS, SAVED, list_of_outcomes
from tests.support.web_server import Site

_numbers = itertools.count()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of a fresh prefix in memory, on a machine that has never seen it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return f"memory://bucket-{next(_numbers)}/prefix"


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


async def test_the_library_takes_the_url_of_a_store(site: Site, store: str) -> None:
    site.pages |= {"/": "<p>home", "/data": b"\0" * 3_000_000}
    urls = [site.url(), site.url("/data")]
    assert kinds(await download_sites(urls, store)) == [Downloaded, Downloaded]
    assert kinds(await download_sites(urls, store)) == [Skipped, Skipped]
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    found = bucket.info(SafePath(f"{site.folder}/data.bin"))
    assert found is not None
    assert found.size == 3_000_000


async def test_texts_are_objects_beside_their_pages(site: Site, store: str) -> None:
    site.pages["/a"] = "<main><p>The bridge over the old harbour opened again on Monday.</p></main>"
    options = Options(extract=(TextFormat.TEXT,))
    assert kinds(await download_sites([site.url("/a")], store, options=options)) == [Downloaded]
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    names = [f"{site.folder}/a.html", f"{site.folder}/a.html.txt"]
    assert sorted(found.path for found in bucket.list_objects(site.folder)) == names
    assert kinds(await download_sites([site.url("/a")], store, options=options)) == [Skipped]
    bucket.delete(SafePath(names[1]))
    # The page is not on this machine, so that it is fetched again.
    assert kinds(await download_sites([site.url("/a")], store, options=options)) == [Downloaded]
    assert bucket.info(SafePath(names[1])) is not None


async def test_what_has_another_name_now_takes_the_place_of_the_old(site: Site, store: str) -> None:
    site.pages["/a"] = "<p>page"
    await download_sites([site.url("/a")], store)
    site.pages["/a"] = b"data"
    await download_sites([site.url("/a")], store, options=Options(force=True))
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    assert [found.path for found in bucket.list_objects(site.folder)] == [f"{site.folder}/a.bin"]


async def test_verify_hashes_what_is_there(site: Site, store: str) -> None:
    site.pages["/a"] = b"right"
    await download_sites([site.url("/a")], store)
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    bucket.put(SafePath(f"{site.folder}/a.bin"), b"wrong")
    assert kinds(await download_sites([site.url("/a")], store)) == [Skipped]
    verified = await download_sites([site.url("/a")], store, options=Options(verify=True))
    assert kinds(verified) == [Downloaded]


@pytest.mark.parametrize("pack", [None, Pack.WARC])
async def test_the_shards_of_a_cluster_stand_below_the_prefix(
    site: Site, store: str, tmp_path: Path, pack: Pack | None
) -> None:
    site.pages |= {f"/{number}": f"<p>{number}" for number in range(6)}
    options = {"remote": store, "pack": pack}
    source = write_urls(tmp_path, *(site.url(path) for path in site.pages))
    found = await cluster_run(source, tmp_path / "work", ThreadExecutor(), portion=2, **options)
    assert kinds(found) == [Downloaded] * 6
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    for outcome in found:
        assert isinstance(outcome, Downloaded)
        assert bucket.info(outcome.path) is not None
    site.requests.clear()
    again = await cluster_run(
        source, tmp_path / "elsewhere", ThreadExecutor(), portion=2, **options
    )
    assert kinds(again) == [Skipped] * 6
    assert not site.requests
    # Where they are worked on is this machine's affair.
    assert not list(tmp_path.glob("*/shard-*"))


async def test_a_mirror_is_refused(store: str) -> None:
    with pytest.raises(ValueError, match="a mirror needs a folder"):
        Options(remote=store, mirror=True)


def _urls(db: sqlite3.Connection) -> int:
    (number,) = db.execute("SELECT count(*) FROM runs").fetchone()
    return int(number)


@pytest.mark.parametrize("known", [False, True])
def test_a_run_killed_before_it_learnt_that_its_copy_arrived_keeps_its_journal(
    tmp_path: Path, store: str, known: bool
) -> None:
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    db = open_journal(tmp_path, [])
    db.execute("INSERT INTO runs (started) VALUES (1)")
    twin = JournalReplica(bucket, tmp_path)
    twin.snapshot(db)
    twin.upload()
    db.execute("INSERT INTO runs (started) VALUES (2)")
    marks = tmp_path / ".download" / "copy.json"
    noted = json.loads(marks.read_text())
    marks.write_text(json.dumps({"seen": "", "sent": noted["sent"] if known else ""}))
    JournalReplica(bucket, tmp_path).restore(db, [])
    # What another machine has sent takes the place of what is here.
    assert _urls(db) == (2 if known else 1)
    db.close()


def test_a_copy_that_was_sent_by_another_meanwhile_is_not_replaced(
    tmp_path: Path, store: str
) -> None:
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    db = open_journal(tmp_path, [])
    db.execute("INSERT INTO runs (started) VALUES (1)")
    twin = JournalReplica(bucket, tmp_path)
    twin.snapshot(db)
    twin.upload()
    bucket.put(KEY, b"of another")
    twin.snapshot(db)
    with pytest.raises(OutputError, match="another run is writing"):
        twin.upload()
    db.close()


async def test_what_is_there_with_the_same_bytes_is_left_alone(site: Site, store: str) -> None:
    bucket = open_store(Options(remote=store))
    assert bucket is not None
    site.pages |= {"/small": b"small", "/large": b"x" * 2_000_000}
    for name, body in (("small", b"small"), ("large", b"x" * 2_000_000)):
        bucket.put(SafePath(f"{site.folder}/{name}.bin"), body)
    before = [found.modified for found in bucket.list_objects(site.folder)]
    outcomes = await download_sites([site.url("/small"), site.url("/large")], store)
    assert kinds(outcomes) == [Downloaded, Downloaded]
    assert [found.modified for found in bucket.list_objects(site.folder)] == before


async def test_a_journal_that_is_broken_here_is_had_from_the_store(
    site: Site, store: str, tmp_path: Path
) -> None:
    site.pages["/a"] = b"a"
    await download_sites([site.url("/a")], store)
    (journal,) = tmp_path.rglob("journal.sqlite3")
    journal.write_bytes(b"no journal")
    assert kinds(await download_sites([site.url("/a")], store)) == [Skipped]


@pytest.mark.parametrize("way", ["this machine", "cluster of one"])
async def test_every_outcome_is_reported_alike_when_bodies_go_into_a_store(
    way: str, store: str, tmp_path: Path
) -> None:
    source = tmp_path / "list.csv"
    options: dict[str, Any] = {
        "remote": store,
        "retries": 0,
        "read_timeout": 1,
        "max_size": 4 * 1024 * 1024,
        "max_redirects": 5,
    }
    async with fault_server() as server:
        source.write_text("\n".join(list_of_outcomes(server)))
        for number in range(2):
            if way == "this machine":
                run = LocalRun(
                    lambda fetch_list: sources.read((str(source),), fetch_list),
                    Options(output=tmp_path / "work", **options),
                )
                found = [outcome async for outcome in run.outcomes()]
            else:
                found = await cluster_run(source, tmp_path / "work", ThreadExecutor(), **options)
            report = tmp_path / f"{number}.jsonl"
            reports = [
                report,
                *(tmp_path / f"{number}{ending}" for ending in FORMATS if ending != ".jsonl"),
            ]
            compared = tmp_path / "0.parquet" if number else None
            with Reporter(
                ReportOptions(files=reports, sizes=True, compare=compared, lock=tmp_path / "lock"),
                None,
            ) as reporter:
                for outcome in found:
                    reporter.add(outcome)
                summary = await reporter.finish(untried=0, list_read=True)
            assert "was not written" in summary.notes[0]
            records = list(read(tmp_path / f"{number}.jsonl"))
            kinds = Counter(record.kind for record in records if record.kind)
            assert kinds == Counter({*ErrorKind} - {*NOT_CAUSED_BY_LISTS})
            reasons = Counter(record.reason for record in records if record.reason)
            assert reasons[SkipReason.DUPLICATE] == 1
            assert reasons[SkipReason.DONE] == number * len(SAVED)
