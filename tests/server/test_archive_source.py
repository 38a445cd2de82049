"""``download ARCHIVE``: an archive answers in the network's place."""

import asyncio
import gzip
import random
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Outcome
from downloader.errors import ErrorKind
from tests.support.archives import download_archives, write_warc
from tests.support.command import Command
from tests.support.fault_server import FAULTS, fault_server
from tests.support.files import MIB, contents
from tests.support.handlers import in_turn, keeps, sends
from tests.support.library import fetch
from tests.support.web_server import Site

PAGE = "<!doctype html><title>Lights</title><p>The lamp turns.</p>" * 20
LARGE = random.Random(3).randbytes(3 * MIB)


def told(outcome: Outcome) -> object:
    """Return what a report says of an outcome, but for when and how long."""
    if isinstance(outcome, Downloaded):
        return replace(outcome, index=0, origin="", started=0, seconds=0, attempts=1)
    if isinstance(outcome, Failed):
        return replace(outcome, index=0, origin="", started=0, seconds=0, attempts=1)
    return outcome


@pytest.mark.parametrize("name", ["a.warc.gz", "a.warc", "a.wacz"])
async def test_an_archive_gives_the_files_and_outcomes_of_the_run_that_made_it(
    site: Site, tmp_path: Path, name: str
) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    coded = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    site.pages = {
        "/": away,
        "/page": PAGE,
        "/again": PAGE,
        "/coded": sends(gzip.compress(PAGE.encode()), coded),
        "/large.bin": LARGE,
        "/busy": in_turn(sends(status=503), sends(b"at last")),
        "/lost": sends(b"no", status=404),
        "/refused": sends(b"no", {"Retry-After": "60"}, status=503),
        "/nowhere": sends(headers={"Location": "gopher://a/"}, status=301),
    }
    options = Options(retries=1)
    packed = name.endswith(".wacz")
    options = replace(options, wacz=tmp_path / name if packed else None)
    options = replace(options, warc=None if packed else tmp_path / name)
    live = await fetch(map(site.url, site.pages), tmp_path / "live", options)
    asked = len(site.requests)
    stored = await download_archives(tmp_path / name, folder=tmp_path / "stored")
    assert len(site.requests) == asked, "nothing came over the network"
    assert contents(tmp_path / "stored") == contents(tmp_path / "live")
    by_url = {outcome.url: told(outcome) for outcome in live}
    assert {outcome.url: told(outcome) for outcome in stored} == by_url
    assert len(stored) == len(live)


@pytest.mark.slow
async def test_every_fault_gives_the_same_from_the_archive(tmp_path: Path) -> None:
    options = Options(
        warc=tmp_path / "a.warc.gz", retries=0, read_timeout=0.5, timeout=10, max_size=8 * MIB
    )
    async with fault_server() as server:
        urls = [server.url(fault) for fault in FAULTS]
        live = {o.url: o for o in await fetch(urls, tmp_path / "live", options)}
    stored = await download_archives(
        tmp_path / "a.warc.gz", folder=tmp_path / "stored", options=Options(max_size=8 * MIB)
    )
    assert contents(tmp_path / "stored").items() <= contents(tmp_path / "live").items()
    for outcome in stored:
        before = live[outcome.url]
        if isinstance(before, Downloaded):
            assert isinstance(outcome, Downloaded), outcome
            assert (outcome.path, outcome.sizes) == (before.path, before.sizes)
        else:
            assert isinstance(outcome, Failed), outcome


async def test_a_redirect_whose_body_was_cut_is_followed_from_the_archive(
    site: Site, tmp_path: Path
) -> None:
    cut = sends(bytes(1000), {"Location": "/page"}, status=302, cut=10)
    site.pages = {"/from": cut, "/page": PAGE}
    options = Options(warc=tmp_path / "a.warc.gz")
    live = await fetch([site.url("/from")], tmp_path / "live", options)
    stored = await download_archives(tmp_path / "a.warc.gz", folder=tmp_path / "stored")
    assert [told(outcome) for outcome in stored] == [told(outcome) for outcome in live]
    assert isinstance(stored[0], Downloaded)


async def test_what_had_not_changed_is_given_from_where_it_had_been_kept(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": keeps(PAGE.encode(), {"ETag": '"1"', "Content-Type": "text/html"})}
    options = Options(warc=tmp_path / "a.warc.gz")
    live = await fetch([site.url("/a")], tmp_path / "live", options)
    await fetch([site.url("/a")], tmp_path / "live", replace(options, refresh=True))
    files = tmp_path / "a.warc.gz", tmp_path / "a-00001.warc.gz"
    (stored,) = await download_archives(*files, folder=tmp_path / "stored")
    assert told(stored) == told(live[0])
    (alone,) = await download_archives(files[1], folder=tmp_path / "alone")
    assert isinstance(alone, Failed)
    assert alone.kind is ErrorKind.CONNECT


async def test_an_archive_of_wget_is_read(site: Site, tmp_path: Path) -> None:
    if shutil.which("wget") is None:
        pytest.skip("wget is not installed")

    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    site.pages = {"/": away, "/page": PAGE, "/large": LARGE}
    command = ["wget", "-q", "--warc-file=a", *map(site.url, site.pages)]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path)
    assert await process.wait() == 0
    live = await fetch(map(site.url, site.pages), tmp_path / "live")
    await download_archives(tmp_path / "a.warc.gz", folder=tmp_path / "out")
    # Whoever asked for the page by itself as well is not in an archive of wget's.
    expected = contents(tmp_path / "live")
    del expected[f"{site.folder}/page.html"]
    assert contents(tmp_path / "out") == expected
    assert len(live) == 3


async def test_a_wacz_gives_what_its_folder_of_archives_holds(command: Command) -> None:
    path = write_warc(command.folder / "a.warc.gz", ("http://h/a", "200 OK", [], b"body"))
    for name, how in (("a.wacz", zipfile.ZIP_STORED), ("b.wacz", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(command.folder / name, "w", how) as packed:
            packed.writestr("../../evil", "nothing is unpacked by its name")
            packed.write(path, "archive/a.warc.gz")
    await command("a.wacz", "-o", "out")
    assert contents(command.folder / "out") == {"h/a.txt": b"body"}
    ran = await command("b.wacz", "-o", "out")
    assert ran.status == 2
    assert "compressed within the WACZ, which the format forbids; unzip it" in ran.err[0]


@pytest.mark.slow(keep=4)
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.warc.gz", b"no archive", "is not a WARC file, or is damaged"),
        ("a.warc.gz", gzip.compress(b"no archive", mtime=0), "is not a WARC file, or is damaged"),
        ("a.warc", b"WARC/1.0\r\nX: " + bytes(5 * MIB), "a header line is over 65536 bytes"),
        ("a.warc", b"WARC/1.0\r\n" + b"X: y\r\n" * MIB, "a header is over 1048576 bytes long"),
        ("a.warc", bytes(10_000), "is not a WARC file, or is damaged"),
        ("a.warc", b"", "a.warc holds no URL"),
        ("a.wacz", b"PK no zip", "is not a WACZ"),
        ("a.wacz", b"PK\x05\x06" + bytes(18), "holds no WARC file"),
    ],
)
async def test_what_is_no_archive_is_said_to_be_none(
    command: Command, name: str, data: bytes, said: str
) -> None:
    (command.folder / name).write_bytes(data)
    ran = await command(name)
    assert ran.status == 2
    assert len(ran.err) == 1
    assert said in ran.err[0]


@pytest.mark.parametrize(("offset", "value"), [(6, 200), (46, 0xFF)], ids=["version", "name"])
async def test_a_wacz_that_cannot_be_understood_is_said_to_be_none(
    command: Command, offset: int, value: int
) -> None:
    path = command.folder / "a.wacz"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("archive/d\N{DIAERESIS}.warc", b"")
    data = bytearray(path.read_bytes())
    data[data.rfind(b"PK\x01\x02") + offset] = value
    path.write_bytes(data)
    ran = await command("a.wacz")
    assert (ran.status, len(ran.err)) == (2, 1)
    assert "a.wacz is not a WACZ" in ran.err[0]


async def test_an_archive_without_an_icon_that_no_page_names_lacks_nothing(
    command: Command,
) -> None:
    page = ("http://h/", "200 OK", [("Content-Type", "text/html")], PAGE.encode())
    write_warc(command.folder / "a.warc.gz", page)
    ran = await command("-r", "a.warc.gz")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith("1 URL: 1 downloaded")


@pytest.mark.slow
async def test_an_archive_is_read_alone_and_not_archived_again(command: Command) -> None:
    write_warc(command.folder / "a.warc.gz", ("http://h/a", "200 OK", [], b"body"))
    ran = await command("a.warc.gz", "http://h/")
    assert (ran.status, "name no other SOURCE" in ran.err[-1]) == (2, True)
    ran = await command("a.warc.gz", "--warc", "b.warc.gz")
    assert (ran.status, "cannot copy another archive" in ran.err[-1]) == (2, True)
    ran = await command("b.warc.gz")
    assert ran.status == 2
    ran = await command("a.warc.gz")
    assert (ran.status, ran.err) == (0, [])
    assert (
        ran.out[0] == "Downloaded downloaded_sites/h/a.txt: 4 characters, 4 B (length unverified)"
    )
    ran = await command("a.warc.gz")
    assert ran.out[0].startswith("Skipped http://h/a")
