"""``download ARCHIVE``: an archive answers in the network's place."""

import asyncio
import gzip
import random
import shutil
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Outcome
from downloader.archive import gzip_members, seeds
from downloader.core.local_run import LocalRun
from downloader.errors import ErrorKind
from downloader.sources import from_addresses
from tests.archives import contents
from tests.conftest import Command, Site, saved_files
from tests.faultserver import FAULTS, fault_server
from tests.runs import MIB, Clock, fetch, in_turn, keeps, sends

PAGE = "<!doctype html><title>Lights</title><p>The lamp turns.</p>" * 20
LARGE = random.Random(3).randbytes(3 * MIB)


async def unpack(*archives: Path, folder: Path, options: Options | None = None) -> list[Outcome]:
    """Do what ``download ARCHIVE… -o folder`` does."""
    options = replace(options or Options(), output=folder, replay=archives, retries=0)
    clock = Clock()
    batch = LocalRun(
        lambda _: from_addresses(seeds(archives)), options, sleep=clock.sleep, clock=clock
    )
    outcomes = [outcome async for outcome in batch.outcomes()]
    assert clock.waits == [], "no server is to be spared"
    return sorted(outcomes, key=lambda outcome: outcome.index)


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
    stored = await unpack(tmp_path / name, folder=tmp_path / "stored")
    assert len(site.requests) == asked, "nothing came over the network"
    assert contents(tmp_path / "stored") == contents(tmp_path / "live")
    by_url = {outcome.url: told(outcome) for outcome in live}
    assert {outcome.url: told(outcome) for outcome in stored} == by_url
    assert len(stored) == len(live)


async def test_every_fault_gives_the_same_from_the_archive(tmp_path: Path) -> None:
    options = Options(
        warc=tmp_path / "a.warc.gz", retries=0, read_timeout=0.5, timeout=10, max_size=8 * MIB
    )
    async with fault_server() as server:
        urls = [server.url(fault) for fault in FAULTS]
        live = {o.url: o for o in await fetch(urls, tmp_path / "live", options)}
    stored = await unpack(
        tmp_path / "a.warc.gz", folder=tmp_path / "stored", options=Options(max_size=8 * MIB)
    )
    # A body that cannot be decoded at all may have been stored decoded, so an archive gives it.
    undecodable = ("not-at-all", "br-corrupt", "zstd-corrupt")
    kept = contents(tmp_path / "stored")
    for path in [path for path in kept if any(name in path for name in undecodable)]:
        del kept[path]
    assert kept.items() <= contents(tmp_path / "live").items()
    for outcome in stored:
        before = live[outcome.url]
        if any(name in outcome.url for name in undecodable):
            continue
        if isinstance(before, Downloaded):
            assert isinstance(outcome, Downloaded), outcome
            assert (outcome.path, outcome.sizes) == (before.path, before.sizes)
        else:
            assert isinstance(outcome, Failed), outcome


async def test_what_had_not_changed_is_given_from_where_it_had_been_kept(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": keeps(PAGE.encode(), {"ETag": '"1"', "Content-Type": "text/html"})}
    options = Options(warc=tmp_path / "a.warc.gz")
    live = await fetch([site.url("/a")], tmp_path / "live", options)
    await fetch([site.url("/a")], tmp_path / "live", replace(options, refresh=True))
    files = tmp_path / "a.warc.gz", tmp_path / "a-00001.warc.gz"
    (stored,) = await unpack(*files, folder=tmp_path / "stored")
    assert told(stored) == told(live[0])
    (alone,) = await unpack(files[1], folder=tmp_path / "alone")
    assert isinstance(alone, Failed)
    assert alone.kind is ErrorKind.CONNECT


def written(path: Path, *answers: tuple[str, str, list[tuple[str, str]], bytes]) -> Path:
    """Write a file with what other tools may have put in it."""
    records = []
    for url, status, fields, body in answers:
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "", ""]
        block = "\r\n".join(lines).encode() + body
        header = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\n"
            "WARC-Record-ID: <urn:uuid:0>\r\nWARC-Date: 2020-02-02T02:02:02Z\r\n"
            "Content-Type: application/http; msgtype=response\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        record = header.encode() + block + b"\r\n\r\n"
        records.append(gzip.compress(record) if path.name.endswith(".gz") else record)
    path.write_bytes(b"".join(records))
    return path


async def test_files_of_other_tools_are_read_whatever_became_of_their_chunks(
    tmp_path: Path,
) -> None:
    html, chunks = ("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")
    path = written(
        tmp_path / "a.warc.gz",
        ("http://h/a", "200 OK", [html, chunks], b"3;x=y\r\none\r\n4\r\ntwo!\r\n0\r\n\r\n"),
        ("http://h/b", "200 OK", [html, chunks], b"removed, but still said"),
        ("http://h/c", "301 Moved", [("Location", "/d")], b""),
        ("http://h/d", "200 OK", [html], b"there"),
        ("ftp://h/e", "200 OK", [html], b"not of the web"),
        ("http://h/f", "200 OK", [html, chunks], b"ff\r\ncut"),
    )
    outcomes = await unpack(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {
        "h/a.html": b"onetwo!",
        "h/b.html": b"removed, but still said",
        "h/c.html": b"there",
        "h/f.html": b"cut",
    }
    assert len(outcomes) == 4, "where only a redirect leads to is no target"


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
    await unpack(tmp_path / "a.warc.gz", folder=tmp_path / "out")
    # Whoever asked for the page by itself as well is not in an archive of wget's.
    expected = contents(tmp_path / "live")
    del expected[f"{site.folder}/page.html"]
    assert contents(tmp_path / "out") == expected
    assert len(live) == 3


async def test_a_wacz_gives_what_its_folder_of_archives_holds(command: Command) -> None:
    path = written(command.folder / "a.warc.gz", ("http://h/a", "200 OK", [], b"body"))
    for name, how in (("a.wacz", zipfile.ZIP_STORED), ("b.wacz", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(command.folder / name, "w", how) as packed:
            packed.writestr("../../evil", "nothing is unpacked by its name")
            packed.write(path, "archive/a.warc.gz")
    await command("a.wacz", "-o", "out")
    assert contents(command.folder / "out") == {"h/a.bin": b"body"}
    ran = await command("b.wacz", "-o", "out")
    assert ran.status == 2
    assert "compressed within the WACZ, which the format forbids; unzip it" in ran.err[0]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.warc.gz", b"no archive", "is not a WARC file, or is damaged"),
        ("a.warc.gz", gzip.compress(b"no archive", mtime=0), "is not a WARC file, or is damaged"),
        ("a.warc", b"WARC/1.0\r\nX: " + bytes(5 * MIB), "a header is over 1048576 bytes long"),
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


async def test_a_cut_archive_gives_what_is_whole(tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(20_000)
    nothing: list[tuple[str, str]] = []
    answers = [(f"http://h/{n}", "200 OK", nothing, noise + bytes([n])) for n in range(3)]
    path = written(tmp_path / "a.warc.gz", *answers)
    path.write_bytes(path.read_bytes()[:-8000])
    outcomes = await unpack(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h/0.bin": noise + b"\0", "h/1.bin": noise + b"\1"}
    assert isinstance(outcomes[2], Failed)
    assert outcomes[2].kind is ErrorKind.TRUNCATED


async def test_hostile_heads_are_bounded(tmp_path: Path) -> None:
    fields = [(f"X-{number}", "y" * 50) for number in range(5000)]
    path = written(
        tmp_path / "a.warc.gz",
        ("http://h/many", "200 OK", fields, b"many"),
        ("http://h/long", "200 OK", [("X", "y" * 300_000)], b"long"),
        ("http://h/../../../etc/passwd", "200 OK", [], b"no way out"),
        ("http://h/escape\x1b[31m", "200 OK", [], b"red"),
    )
    await unpack(path, folder=tmp_path / "out")
    assert all("\x1b" not in file for file in saved_files(tmp_path / "out"))
    assert contents(tmp_path / "out")["h/etc/passwd.bin"] == b"no way out"
    assert {file.name for file in tmp_path.iterdir()} == {"a.warc.gz", "out"}


async def test_a_length_without_end_is_no_length(tmp_path: Path) -> None:
    fields = [("Content-Length", "9" * 5000)]
    path = written(tmp_path / "a.warc.gz", ("http://h/a", "200 OK", fields, b"all of it"))
    await unpack(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h/a.bin": b"all of it"}


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
    written(command.folder / "a.warc.gz", page)
    ran = await command("-r", "a.warc.gz")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[-1].startswith("1 URL: 1 downloaded")


async def test_an_archive_is_read_alone_and_not_archived_again(command: Command) -> None:
    written(command.folder / "a.warc.gz", ("http://h/a", "200 OK", [], b"body"))
    ran = await command("a.warc.gz", "http://h/")
    assert (ran.status, "name no other SOURCE" in ran.err[-1]) == (2, True)
    ran = await command("a.warc.gz", "--warc", "b.warc.gz")
    assert (ran.status, "not from another" in ran.err[-1]) == (2, True)
    ran = await command("b.warc.gz")
    assert ran.status == 2
    ran = await command("a.warc.gz")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[0] == "Downloaded downloaded_sites/h/a.bin: 4 bytes (length unverified)"
    ran = await command("a.warc.gz")
    assert ran.out[0].startswith("Skipped http://h/a")


def test_zlib_and_isal_give_the_same_members(monkeypatch: pytest.MonkeyPatch) -> None:
    data = PAGE.encode()
    for module in (zlib, gzip_members._zlib):
        monkeypatch.setattr(gzip_members, "_zlib", module)
        assert gzip.decompress(gzip_members.gzip_member(data)) == data
        for compress in (True, False):
            member = b"".join(
                gzip_members.iter_gzip_member((data[:7], data[7:]), compress=compress)
            )
            assert gzip.decompress(member) == data
