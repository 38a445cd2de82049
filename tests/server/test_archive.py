"""``--warc``: every exchange as it happened, in files that other tools read."""

import asyncio
import base64
import errno
import gzip
import hashlib
import json
import os
import random
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import IO

import pytest
from aiohttp import web

from downloader import Downloaded, Options, download_sites
from downloader.archive.file_series import FileSeries
from downloader.archive.recorder import ArchiveRecorder
from downloader.errors import DiskError, ErrorKind
from downloader.models import Failed, WarcDigest
from downloader.models.exchange import Exchange
from downloader.web.urls import Url
from tests.support.archives import about, answers, count_gzip_members, read
from tests.support.command import Command, finished
from tests.support.fault_server import FAULTS, fault_server
from tests.support.files import MIB, contents, wait_for_size
from tests.support.handlers import in_turn, keeps, sends
from tests.support.library import fetch
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Site

PAGE = "<!doctype html><title>Lights</title><p>The lamp turns.</p>" * 20
LARGE = random.Random(3).randbytes(3 * MIB)


def kinds(path: Path) -> list[str]:
    return [record.kind for record in read(path)]


def index(path: Path) -> list[tuple[str, str, dict[str, str]]]:
    """Return key, time and fields of each line of an index."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    parts = [line.split(" ", 2) for line in lines]
    return [(key, stamp, json.loads(said)) for key, stamp, said in parts]


async def test_an_exchange_is_kept_as_it_happened(tmp_path: Path) -> None:
    sent = bytearray()
    head = (
        b"HTTP/1.1 200 Fine by me\r\nServer:odd\r\nX-Odd:   spaced  \r\n"
        b"content-TYPE: text/html\r\nX-Latin: caf\xe9\r\nContent-Length: 5\r\n\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + head + b"whole")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
    options = Options(warc=tmp_path / "a.warc.gz", headers=(("X-Mine", "yes"),))
    await download_sites([url], tmp_path / "out", options=options)
    server.close()

    info, response, request, metadata = read(tmp_path / "a.warc.gz")
    assert (info.kind, info.fields["WARC-Filename"]) == ("warcinfo", "a.warc.gz")
    assert b"software: download/" in info.block
    assert response.block == head + b"whole"
    assert request.block == bytes(sent)
    assert b"\r\nX-Mine: yes\r\n" in request.block
    assert response.fields["WARC-IP-Address"] == "127.0.0.1"
    digest = base64.b32encode(hashlib.sha1(b"whole").digest()).decode()
    assert response.fields["WARC-Payload-Digest"] == f"sha1:{digest}"
    assert b"fetchTimeMs: " in metadata.block
    for record in (request, metadata):
        assert record.fields["WARC-Concurrent-To"] == response.fields["WARC-Record-ID"]
    assert {record.url for record in (response, request, metadata)} == {url}


@pytest.mark.parametrize(
    "fault",
    ["PHP Warning:  no such file\r\nContent-Length: 5", "Content-Length: 5, 5", "X: \0\r\nA: b"],
)
async def test_a_head_that_had_to_be_repaired_is_kept_as_it_came(
    fault: str, tmp_path: Path
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fault}\r\n\r\n".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"whole")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a"
    warc = tmp_path / "a.warc.gz"
    [saved] = await fetch([url], tmp_path / "out", Options(warc=warc))
    server.close()
    [record] = answers(warc)
    assert record.block == head + b"whole"
    [replayed] = await fetch([url], tmp_path / "replayed", Options(replay=(warc,)))
    assert isinstance(saved, Downloaded)
    assert isinstance(replayed, Downloaded)
    assert saved.sha256 == replayed.sha256 == hashlib.sha256(b"whole").hexdigest()


async def test_each_record_is_a_member_of_its_own_and_the_index_points_at_it(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}?b=2&A=1": f"{PAGE}{number}" for number in range(20)}
    path = tmp_path / "a.warc.gz"
    await fetch(map(site.url, site.pages), tmp_path / "out", Options(warc=path))
    records = read(path)
    assert count_gzip_members(path.read_bytes()) == len(records) == 1 + 3 * 20
    places = {record.url: (record.offset, record.length) for record in answers(path)}
    lines = index(tmp_path / "a.cdxj")
    assert len(lines) == 20
    for key, stamp, said in lines:
        assert key.startswith(f"1,0,0,127:{site.server.port})/")
        assert key.endswith("?a=1&b=2")
        assert len(stamp) == 14
        assert (int(said["offset"]), int(said["length"])) == places[said["url"]]
        assert (said["status"], said["mime"]) == ("200", "text/html")
        assert said["filename"] == path.name


async def test_redirects_and_failures_are_kept_hop_by_hop(site: Site, tmp_path: Path) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/there", text="this way")

    site.pages = {"/here": away, "/there": PAGE, "/gone": sends(b"nothing", status=410)}
    path = tmp_path / "a.warc.gz"
    await fetch([site.url("/here"), site.url("/gone")], tmp_path / "out", Options(warc=path))
    (hop,) = about(path, site.url("/here"))
    assert hop.head.startswith(b"HTTP/1.1 302 Found\r\n")
    assert hop.payload == b"this way"
    (gone,) = about(path, site.url("/gone"))
    assert gone.payload == b"nothing"
    said = {record.url: record.block for record in read(path) if record.kind == "metadata"}
    assert b"seed: 1" in said[site.url("/here")]
    assert f"via: {site.url('/here')}\r\nhopsFromSeed: R\r\n".encode() in said[site.url("/there")]


async def test_too_many_redirects_and_a_redirect_to_nowhere_are_kept(
    site: Site, tmp_path: Path
) -> None:
    async def round_about(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/round")

    site.pages = {
        "/round": round_about,
        "/nowhere": sends(b"off", {"Location": "mailto:a@b.example"}, status=301),
    }
    path = tmp_path / "a.warc.gz"
    options = Options(warc=path, max_redirects=2)
    await fetch(map(site.url, site.pages), tmp_path / "out", options)
    assert Counter(record.url for record in answers(path)) == {
        site.url("/round"): 3,
        site.url("/nowhere"): 1,
    }


async def test_the_content_coding_stays_and_the_transfer_coding_goes(
    site: Site, tmp_path: Path
) -> None:
    coded = gzip.compress(PAGE.encode())

    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for start in range(0, len(coded), 10):
            await response.write(coded[start : start + 10])
        return response

    site.pages = {"/a": chunked}
    path = tmp_path / "a.warc.gz"
    await fetch([site.url("/a")], tmp_path / "out", Options(warc=path))
    (record,) = answers(path)
    assert record.payload == coded
    assert b"\r\nX-Crawler-Transfer-Encoding: chunked\r\n" in record.head
    assert b"\nTransfer-Encoding" not in record.head
    assert record.head.endswith(b"\r\nContent-Length: %d\r\n\r\n" % len(coded))


@pytest.mark.parametrize("ending", [".warc.gz", ".warc"])
async def test_a_large_body_is_kept_whole(site: Site, tmp_path: Path, ending: str) -> None:
    text = b"the sea at noon is calm " * 100_000
    site.pages = {
        "/noise": sends(LARGE, {"Content-Type": "application/zip"}),
        "/text": sends(text, {"Content-Type": "text/plain"}),
    }
    path = tmp_path / f"a{ending}"
    await fetch(map(site.url, site.pages), tmp_path / "out", Options(warc=path))
    assert about(path, site.url("/noise"))[0].payload == LARGE
    assert about(path, site.url("/text"))[0].payload == text
    assert (path.stat().st_size < len(LARGE) + len(text)) == (ending == ".warc.gz")
    assert {entry.name for entry in tmp_path.iterdir()} == {"out", path.name, "a.cdxj"}


async def test_the_same_payload_again_is_a_revisit(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE, "/c": sends(PAGE.encode(), status=404)}
    path = tmp_path / "a.warc.gz"
    options = Options(warc=path, concurrency=1)
    await fetch(map(site.url, site.pages), tmp_path / "out", options)
    first, second, failure = answers(path)
    assert (first.kind, second.kind, failure.kind) == ("response", "revisit", "response")
    assert second.payload == b""
    assert second.head.startswith(b"HTTP/1.1 200 OK\r\n")
    said = second.fields
    assert said["WARC-Profile"].endswith("/revisit/identical-payload-digest")
    assert said["WARC-Refers-To-Target-URI"] == first.url
    assert said["WARC-Refers-To-Date"] == first.fields["WARC-Date"]
    assert said["WARC-Refers-To"] == first.fields["WARC-Record-ID"]
    assert said["WARC-Payload-Digest"] == first.fields["WARC-Payload-Digest"]
    assert [line[2]["mime"] for line in index(tmp_path / "a.cdxj")].count("warc/revisit") == 1


async def test_what_has_not_changed_is_a_revisit_of_what_an_earlier_run_kept(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": keeps(PAGE.encode(), {"ETag": '"1"', "Content-Type": "text/html"})}
    options = Options(warc=tmp_path / "a.warc.gz")
    await fetch([site.url("/a")], tmp_path / "out", options)
    again = Options(warc=options.warc, refresh=True)
    await fetch([site.url("/a")], tmp_path / "out", again)
    (first,) = answers(tmp_path / "a.warc.gz")
    (second,) = answers(tmp_path / "a-00001.warc.gz")
    assert second.kind == "revisit"
    assert second.head.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert second.fields["WARC-Profile"].endswith("/revisit/server-not-modified")
    assert second.fields["WARC-Refers-To-Target-URI"] == first.url
    assert second.fields["WARC-Refers-To-Date"][:19] == first.fields["WARC-Date"][:19]
    assert second.fields["WARC-Payload-Digest"] == first.fields["WARC-Payload-Digest"]


async def test_files_roll_over_each_with_its_index(site: Site, tmp_path: Path) -> None:
    noise = random.Random(5)
    site.pages = {f"/{number}": noise.randbytes(4000) for number in range(12)}
    options = Options(warc=tmp_path / "a.warc.gz", warc_max_size=10_000)
    await fetch(map(site.url, site.pages), tmp_path / "out", options)
    files = sorted(tmp_path.glob("*.warc.gz"))
    assert [file.name for file in files][:2] == ["a-00001.warc.gz", "a-00002.warc.gz"]
    assert (tmp_path / "a.warc.gz") in files
    urls = [record.url for file in files for record in answers(file)]
    assert sorted(urls) == sorted(map(site.url, site.pages))
    for file in files:
        assert read(file)[0].kind == "warcinfo"
        assert file.stat().st_size < 10_000 + 5000
        listed = index(file.with_name(file.name.replace(".warc.gz", ".cdxj")))
        assert {line[2]["filename"] for line in listed} == {file.name}
        assert len(listed) == len(answers(file))


async def test_a_file_that_is_there_is_never_written_to(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE}
    (tmp_path / "a.warc.gz").write_bytes(b"something else")
    await fetch([site.url("/a")], tmp_path / "out", Options(warc=tmp_path / "a.warc.gz"))
    assert (tmp_path / "a.warc.gz").read_bytes() == b"something else"
    assert kinds(tmp_path / "a-00001.warc.gz") == ["warcinfo", "response", "request", "metadata"]


async def test_digests_may_be_sha256(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE}
    options = Options(warc=tmp_path / "a.warc.gz", warc_digest=WarcDigest.SHA256)
    await fetch([site.url("/a")], tmp_path / "out", options)
    (record,) = answers(tmp_path / "a.warc.gz")
    digest = hashlib.sha256(PAGE.encode()).hexdigest()
    assert record.fields["WARC-Payload-Digest"] == f"sha256:{digest}"


async def test_of_a_broken_attempt_what_was_received_is_kept_and_said_to_be_cut(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": in_turn(sends(LARGE, cut=1000), sends(b"busy", status=503), sends(LARGE))}
    path = tmp_path / "a.warc.gz"
    await fetch([site.url("/a")], tmp_path / "out", Options(warc=path))
    cut, busy, whole = answers(path)
    assert cut.fields["WARC-Truncated"] == "disconnect"
    assert cut.payload == LARGE[:1000]
    assert busy.payload == b"busy"
    assert whole.payload == LARGE
    assert "WARC-Truncated" not in whole.fields
    assert sorted("truncated" in line[2] for line in index(tmp_path / "a.cdxj")) == [0, 0, 1]


async def test_a_body_that_is_too_large_is_cut_by_length(site: Site, tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"more " * 1000)

    site.pages = {"/a": endless}
    options = Options(warc=tmp_path / "a.warc.gz", max_size=50_000)
    (outcome,) = await fetch([site.url("/a")], tmp_path / "out", options)
    assert isinstance(outcome, Failed)
    (record,) = answers(tmp_path / "a.warc.gz")
    assert record.fields["WARC-Truncated"] == "length"


async def test_a_partial_file_is_not_continued_because_an_archive_wants_the_whole(
    site: Site, tmp_path: Path
) -> None:
    tagged = {"ETag": '"v1"', "Content-Type": "application/octet-stream"}
    site.pages = {"/a": keeps(LARGE, tagged, cut=2 * MIB)}
    await fetch([site.url("/a")], tmp_path / "out", Options(retries=0))
    assert [*(tmp_path / "out").rglob("*.part")]
    site.pages = {"/a": keeps(LARGE, tagged)}
    await fetch([site.url("/a")], tmp_path / "out", Options(warc=tmp_path / "a.warc.gz"))
    assert "Range" not in site.requests[-1].headers
    (record,) = answers(tmp_path / "a.warc.gz")
    assert record.payload == LARGE


@pytest.mark.slow
async def test_every_fault_leaves_an_archive_that_is_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    options = Options(warc=path, retries=0, max_size=8 * MIB, read_timeout=0.5, timeout=10)
    async with fault_server() as server:
        urls = [server.url(fault) for fault in FAULTS]
        outcomes = await fetch(urls, tmp_path / "out", options)
    assert len(outcomes) == len(urls)
    assert not [o for o in outcomes if isinstance(o, Failed) and o.kind is ErrorKind.INTERNAL]
    assert len({record.url for record in answers(path)}) > len(urls) / 2


async def test_processes_write_a_file_each(
    many_hosts: ManyHosts,
    command: Command,
) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.host}{request.path}{PAGE}")

    many_hosts.pages = dict.fromkeys(map("/{}".format, range(10)), page)
    urls = [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages]
    (command.folder / "list").write_text("\n".join(urls))
    ran = await command("list", "--processes", "2", "--warc", "a.warc.gz", "--wacz", "a.wacz")
    assert ran.status == 0
    files = [command.folder / name for name in ("a.warc.gz", "a-00001.warc.gz")]
    assert ran.out[-1] == "Archived in a-00001.warc.gz, a.warc.gz, a.wacz"
    kept = [record.url for file in files for record in answers(file)]
    assert sorted(kept) == sorted(urls)
    again = await command("a.wacz", "-o", "again", "--processes", "2")
    assert again.status == 0
    assert contents(command.folder / "again") == contents(command.folder / "downloaded_sites")


async def test_an_interrupted_run_leaves_an_archive_of_what_is_done(
    site: Site, command: Command
) -> None:
    stall = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await stall.wait()
        return web.Response(text="late")

    site.pages = {"/a": PAGE, "/b": slow, "/c": PAGE}
    arguments = ("-j", "2", *map(site.url, site.pages), "--warc", "a.warc.gz")
    process = await command.start(*arguments)
    await site.asked(3)
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    ran = await finished(process)
    assert ran.status == 130
    path = command.folder / "a.warc.gz"
    assert {record.url for record in answers(path)} <= {site.url("/a"), site.url("/c")}
    assert about(path, site.url("/a"))


async def test_after_a_kill_every_whole_record_is_kept_and_the_cut_one_dropped(
    site: Site, command: Command
) -> None:
    never = asyncio.Event()

    async def stuck(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    noise = random.Random(9)
    pages = {f"/{number}": noise.randbytes(3000) for number in range(20)}
    site.pages = {**pages, "/stuck": stuck}
    arguments = (*map(site.url, site.pages), "-j", "4", "--warc", "a.warc.gz")
    process = await command.start(*arguments)
    unfinished = command.folder / "a.warc.gz.open"
    await site.asked(len(site.pages))
    await wait_for_size(unfinished, 3000 * 19)
    process.kill()
    await finished(process)
    saved = {
        path.relative_to(command.folder / "downloaded_sites").name
        for path in (command.folder / "downloaded_sites" / site.folder).glob("*.bin")
    }
    with unfinished.open("ab") as file:
        file.write(unfinished.read_bytes()[:200])

    site.pages["/stuck"] = b"at last"
    ran = await command(*arguments)
    assert ran.status == 0
    assert any("recovered a.warc.gz of a killed run" in line for line in ran.err)
    assert any("bytes of an incomplete record" in line for line in ran.err)
    first = answers(command.folder / "a.warc.gz")
    assert {record.payload for record in first} <= set(pages.values())
    assert len(first) >= len(saved), "what has a name is in the archive"
    assert len(index(command.folder / "a.cdxj")) == len(first)
    both = first + answers(command.folder / "a-00001.warc.gz")
    assert {record.url for record in both} == {site.url(path) for path in site.pages}
    assert not list(command.folder.glob("*.open"))


@pytest.mark.parametrize("ending", [".warc.gz", ".warc"])
async def test_wherever_a_file_is_cut_what_is_whole_is_recovered(
    site: Site, tmp_path: Path, ending: str
) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE + "b", "/c": PAGE + "c"}
    path = tmp_path / f"a{ending}"
    await fetch(map(site.url, site.pages), tmp_path / "out", Options(warc=path))
    data, records = path.read_bytes(), read(path)
    ends = [record.offset + record.length for record in records]
    if ending == ".warc":
        ends = [record.offset for record in records[1:]] + [len(data)]
    for cut in random.Random(1).sample(range(len(data)), 60):
        path.unlink()
        (tmp_path / "a.cdxj").unlink(missing_ok=True)
        (tmp_path / f"a{ending}.open").write_bytes(data[:cut])
        await fetch([], tmp_path / "out", Options(warc=path))
        whole = max((end for end in ends[1:] if end <= cut), default=0)
        assert (path.read_bytes() if path.exists() else b"") == data[:whole]
        assert not list(tmp_path.glob("*.open"))
        path.touch()


async def test_a_full_disk_ends_the_run_and_leaves_what_is_whole(
    site: Site,
    command: Command,
    disk: SmallDisk,
) -> None:
    noise = random.Random(4)
    site.pages = {f"/{number}": noise.randbytes(100_000) for number in range(40)}
    ran = await command(
        *map(site.url, site.pages), "-o", "out", "--warc", disk.folder / "a.warc.gz", "-j", "2"
    )
    assert ran.status == 3
    assert "cannot write the archive: No space left on device" in "\n".join(ran.err)
    assert not any("Traceback" in line for line in ran.err)


async def test_without_a_free_descriptor_a_large_body_is_tried_again(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, failures = tempfile.TemporaryFile, [errno.EMFILE]

    def sometimes(dir: Path) -> IO[bytes]:  # noqa: A002 - the name that is called
        if failures:
            number = failures.pop()
            raise OSError(number, os.strerror(number))
        return made(dir=dir)

    monkeypatch.setattr("downloader.archive.recorder.tempfile.TemporaryFile", sometimes)
    site.pages = {"/a": LARGE}
    (outcome,) = await fetch([site.url("/a")], tmp_path, Options(warc=tmp_path / "a.warc.gz"))
    assert isinstance(outcome, Downloaded)
    assert not failures
    assert [record.payload for record in answers(tmp_path / "a.warc.gz")] == [LARGE]


async def test_nobody_is_told_that_something_is_kept_which_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = random.Random(6)
    bodies = [noise.randbytes(300_000) for _ in range(20)]
    write, written, unfinished = os.write, 0, tmp_path / "a.warc.gz.open"

    def until_full(fd: int, data: bytes) -> int:
        nonlocal written
        if unfinished.exists() and os.path.samestat(os.fstat(fd), unfinished.stat()):
            written += len(data)
            if written > 3_000_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    monkeypatch.setattr("downloader.archive.warc_writer.os.write", until_full)
    options = Options(warc=tmp_path / "a.warc.gz")
    async with ArchiveRecorder(FileSeries(tmp_path / "a.warc.gz"), options) as archive:
        # All at once, so that they are written together.
        told = await asyncio.gather(
            *(keep(archive, number, body) for number, body in enumerate(bodies)),
            return_exceptions=True,
        )
    assert any(isinstance(result, DiskError) for result in told)
    assert not any(isinstance(result, AssertionError) for result in told)
    kept = {record.payload for record in answers(tmp_path / "a.warc.gz")}
    assert {body for body, result in zip(bodies, told, strict=True) if result is None} <= kept


async def keep(archive: ArchiveRecorder, number: int, body: bytes) -> None:
    """Have one answer written."""
    url, head = Url(f"http://h/{number}"), b"HTTP/1.1 200 OK\r\n\r\n"
    exchange = Exchange(url, None, "", 0.0, "127.0.0.1", b"GET", head, "", 200, "", "", "")
    recording = archive.begin(exchange)
    assert recording is not None
    await recording.feed(body)
    await recording.finish()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--warc", "a.zip"), "it must end with .warc.gz or .warc"),
        (("--wacz", ".wacz"), "it must end with .wacz"),
        (("--warc", "file/a.warc.gz"), "cannot write the archive file/a.warc.gz"),
    ],
)
async def test_a_place_that_cannot_be_used_is_said_at_once(
    site: Site, command: Command, arguments: tuple[str, ...], said: str
) -> None:
    (command.folder / "file").write_text("no folder")
    ran = await command(site.url(), *arguments)
    assert ran.status == 2
    assert said in ran.err[-1]
    assert not site.requests


async def test_a_mirror_can_be_made_again_from_its_archive(site: Site, command: Command) -> None:
    async def moved(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/s.css")

    site.pages = {
        "/": "<link rel=stylesheet href=/moved.css><a href=b.html>b</a><a href=/no/>no</a>",
        "/b.html": "<img src=i.gif>",
        "/s.css": "p { color: red }",
        "/moved.css": moved,
        "/i.gif": b"GIF89a",
        "/robots.txt": "User-agent: *\nDisallow: /no/",
    }
    ran = await command("-r", site.url(), "-o", "live", "--warc", "site.warc.gz")
    assert ran.status == 0, ran.err
    records = read(command.folder / "site.warc.gz")
    said = {one.url: one.block.decode() for one in records if one.kind == "metadata"}
    assert f"via: {site.url()}\r\nhopsFromSeed: L\r\n" in said[site.url("/b.html")]
    assert f"via: {site.url('/b.html')}\r\nhopsFromSeed: LE\r\n" in said[site.url("/i.gif")]
    assert f"via: {site.url()}\r\nhopsFromSeed: ER\r\n" in said[site.url("/s.css")]
    site.requests.clear()
    again = await command("-r", "site.warc.gz", "-o", "again")
    assert again.status == 1, "what pages lead to and is not in the archive has failed"
    assert site.requests == []
    made = command.folder / "again" / site.folder
    assert (made / "b.html").read_text() == "<img src=i.gif>"
    assert (made / "i.gif").read_bytes() == b"GIF89a"
    assert f"<a href={site.folder}/b.html>" in made.with_name(f"{made.name}.html").read_text()


async def test_an_archive_alone_can_be_all_that_is_kept(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    ran = await command("--no-save", site.url(), "--warc", "only.warc.gz")
    assert ran.status == 0, ran.err
    assert {path.name for path in command.folder.iterdir()} == {"only.warc.gz", "only.cdxj"}
