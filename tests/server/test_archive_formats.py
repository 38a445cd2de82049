"""Archives by other tools' eyes: keys, indexes, FastWARC, the package wacz."""

import asyncio
import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Options
from tests.support.archives import answers
from tests.support.command import Command, finished
from tests.support.handlers import sends
from tests.support.library import fetch
from tests.support.web_server import Site

PAGE = (
    "<!doctype html><html><head><title>The &amp; lamp</title><style>p {}</style></head>"
    "<body><script>let a = '<p>no</p>'</script><!-- no --><p>It turns, caf\xe9.</p></body></html>"
)


@pytest.fixture(scope="session")
def theirs() -> Callable[[str], str]:
    """What replay makes keys with."""
    module = pytest.importorskip("surt", reason="replay makes keys with it")
    function: Callable[[str], str] = module.surt
    return function


async def test_an_index_is_what_the_packages_of_webrecorder_make_of_the_file(
    site: Site, tmp_path: Path
) -> None:
    indexer = pytest.importorskip("cdxj_indexer.main", reason="it makes the index to compare with")
    noise = random.Random(2)
    site.pages = {f"/{number}/": noise.randbytes(100) for number in range(20)}
    site.pages |= {"/a": PAGE, "/b": PAGE, "/c": sends(b"gone", status=410)}
    path = tmp_path / "a.warc.gz"
    await fetch(map(site.url, site.pages), tmp_path / "out", Options(warc=path))
    output = io.StringIO()
    indexer.CDXJIndexer(output, [str(path)], sort=True, records="response,revisit").process_all()
    theirs = [line.split(" ", 2) for line in output.getvalue().splitlines()]
    ours = [line.split(" ", 2) for line in (tmp_path / "a.cdxj").read_text().splitlines()]
    assert [line[:2] for line in ours] == [line[:2] for line in theirs]
    for (_, _, said), (_, _, expected) in zip(ours, theirs, strict=True):
        known = {
            key: value for key, value in json.loads(expected).items() if key in json.loads(said)
        }
        assert json.loads(said) | {"mime": ""} == known | {"mime": ""}


async def test_fastwarc_reads_what_was_written(site: Site, tmp_path: Path) -> None:
    fastwarc = pytest.importorskip("fastwarc", reason="it is the second reader")
    bodies = {f"/{number}": random.Random(number).randbytes(5000) for number in range(10)}
    site.pages = {**bodies, "/page": PAGE}
    for name in ("a.warc.gz", "b.warc"):
        await fetch(map(site.url, site.pages), tmp_path / name[0], Options(warc=tmp_path / name))
        with (tmp_path / name).open("rb") as file:
            found = {}
            for record in fastwarc.ArchiveIterator(file, parse_http=True):
                if record.record_type == fastwarc.WarcRecordType.response:
                    assert record.http_headers.status_code == 200
                    assert record.verify_payload_digest(consume=False)
                    found[record.headers["WARC-Target-URI"]] = record.reader.read()
        assert found == {
            site.url(path): body.encode() if isinstance(body, str) else body
            for path, body in site.pages.items()
            if not callable(body)
        }


async def test_a_wacz_is_valid_and_lists_its_pages(site: Site, command: Command) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    site.pages = {"/": away, "/page": PAGE, "/image": b"\x89PNG", "/lost": sends(status=404)}
    ran = await command(*map(site.url, site.pages), "--wacz", "new/a.wacz")
    assert ran.out[-1] == "Archived in new/a.wacz"
    folder = command.folder / "new"
    assert [path.name for path in folder.iterdir()] == ["a.wacz"], "nothing else is left"
    with zipfile.ZipFile(folder / "a.wacz") as packed:
        assert packed.testzip() is None
        package = json.loads(packed.read("datapackage.json"))
        assert package["wacz_version"] == "1.1.1"
        first, *pages = map(json.loads, packed.read("pages/pages.jsonl").splitlines())
        assert first["format"] == "json-pages-1.0"
        packed.extract("archive/data.warc.gz", command.folder)
    assert {page["url"] for page in pages} == {site.url("/page")}
    assert {page["title"] for page in pages} == {"The & lamp"}
    assert {page["text"] for page in pages} == {"It turns, caf\xe9."}
    kept = answers(command.folder / "archive/data.warc.gz")
    assert {record.url for record in kept} == set(map(site.url, site.pages))
    validate(folder / "a.wacz")


@pytest.mark.slow
async def test_a_wacz_that_is_there_is_not_overwritten(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE}
    for name in ("a.wacz", "a-00001.wacz"):
        ran = await command(site.url("/a"), "--wacz", "a.wacz", "--force")
        assert ran.out[-1] == f"Archived in {name}"
        validate(command.folder / name)


@pytest.mark.slow
async def test_of_two_runs_at_once_one_makes_the_wacz(site: Site, command: Command) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(_request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response(text=PAGE)

    site.pages = {"/a": late}
    first = await command.start(site.url("/a"), "--wacz", "a.wacz")
    await asked.wait()
    second = await command(site.url("/a"), "--wacz", "a.wacz", "-o", "other")
    go.set()
    assert second.status == 2
    assert "another run is writing it" in second.err[-1]
    assert (await finished(first)).status == 0
    validate(command.folder / "a.wacz")
    third = await command(site.url("/a"), "--wacz", "a.wacz", "-o", "other")
    assert third.out[-1] == "Archived in a-00001.wacz"
    assert not (command.folder / "a.wacz.lock").exists()


@pytest.mark.slow
async def test_what_a_killed_run_kept_goes_into_the_next_wacz(site: Site, command: Command) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE + "b"}
    parts = command.folder / "a.wacz.parts"
    await fetch([site.url("/a")], command.folder / "out", Options(warc=parts / "data.warc.gz"))
    (parts / "data.cdxj").unlink()
    whole = (parts / "data.warc.gz").read_bytes()
    (parts / "data.warc.gz").rename(parts / "data.warc.gz.open")
    with (parts / "data.warc.gz.open").open("ab") as file:
        file.write(whole[:100])
    await command(site.url("/b"), "--wacz", "a.wacz")
    assert not parts.exists()
    validate(command.folder / "a.wacz")
    again = await command("a.wacz", "-o", "again")
    assert again.out[-1].startswith("2 URLs: 2 downloaded")


def validate(path: Path) -> None:
    """Do what ``wacz validate`` does; in a process of its own, because it leaves files open."""
    pytest.importorskip("wacz", reason="it judges the file")
    code = "import sys; from wacz.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "validate", "-f", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Version detected as 1.1.1" in ran.stdout
    assert "the passed WACZ is valid" in ran.stdout
