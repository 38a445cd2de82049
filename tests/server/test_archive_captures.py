"""Archives of other tools: which of several captures of a URL becomes its file, and how."""

import asyncio
import gzip
import io
import sys
import zipfile
from pathlib import Path

import pytest

from downloader import Downloaded, Options, Outcome, download_sites
from downloader.archive import seeds
from downloader.core.local_run import LocalRun
from downloader.errors import SourceError
from downloader.sources import from_archive, is_archive
from tests.support.archives import answers
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.handmade_archives import HTML, PAGE, URL, http, record, request, warc_gz

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def pair(method: str, response: bytes, second: int) -> list[bytes]:
    return [
        record("request", request(method), second=second),
        record("response", response, second=second),
    ]


async def unpack(tmp_path: Path, data: bytes, name: str = "a.warc.gz") -> list[Outcome]:
    """Do what ``download ARCHIVE`` does, and return the outcomes."""
    (tmp_path / name).write_bytes(data)
    archives = (tmp_path / name,)
    options = Options(output=tmp_path / "out", replay=archives, retries=0)
    run = LocalRun(lambda _: from_archive(seeds(archives)), options)
    return [outcome async for outcome in run.outcomes()]


def saved(folder: Path) -> list[bytes]:
    """Return the saved files, in order of their names."""
    return [(folder / path).read_bytes() for path in sorted(saved_files(folder))]


OTHERS = {
    "HEAD": pair("HEAD", http(b"", HTML, f"Content-Length: {len(PAGE)}"), 1),
    "OPTIONS 204": pair("OPTIONS", http(b"", "Allow: GET", status="204 No Content"), 1),
    "OPTIONS 200": pair("OPTIONS", http(b"", "Allow: GET", "Content-Length: 0"), 1),
    "POST": pair("POST", http(b'{"error":1}', "Content-Type: application/json"), 1),
    "304": pair("GET", http(b"", status="304 Not Modified"), 1),
    "206": pair("GET", http(PAGE[5:9], HTML, "Content-Range: bytes 5-8/50", status="206 Part"), 1),
    "429": pair("GET", http(b"slow down", HTML, status="429 Too Many Requests"), 1),
    "403": pair("GET", http(b"no", HTML, status="403 Forbidden"), 1),
    "HEAD without its request": [
        record("response", http(b"", HTML, f"Content-Length: {len(PAGE)}"), second=1)
    ],
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("is_first", [True, False], ids=["before the page", "after the page"])
async def test_the_file_of_a_url_is_the_response_to_its_get(
    tmp_path: Path, other: list[bytes], is_first: bool
) -> None:
    page = pair("GET", http(PAGE, HTML), 0 if not is_first else 2)
    records = [*other, *page] if is_first else [*page, *other]
    await unpack(tmp_path, warc_gz(*records))
    assert saved(tmp_path / "out") == [PAGE]


def related(way: str, method: str, response: bytes, second: int) -> list[bytes]:
    """Return a request and its response, related as various tools do it."""
    other = f"<urn:uuid:11111111-1111-4111-8111-{second:012d}>"
    own, concurrent = f"WARC-Record-ID: {other}", f"WARC-Concurrent-To: {other}"
    metadata = record("metadata", b"fetchTimeMs: 1\r\n", second=second)
    if way == "response refers":
        return [
            record("request", request(method), own, second=second),
            metadata,
            record("response", response, concurrent, second=second),
        ]
    refers = (own, concurrent) if way == "request refers" else ((), ())
    fields = [field for field in refers if field]
    return [
        record("response", response, *fields[:1], second=second),
        metadata,
        record("request", request(method), *fields[1:], second=second),
    ]


@pytest.mark.parametrize("way", ["response refers", "request refers", "request follows"])
async def test_a_response_is_matched_with_its_request_however_the_tool_says_so(
    tmp_path: Path, way: str
) -> None:
    page = related(way, "GET", http(PAGE, HTML), 0)
    post = related(way, "POST", http(b"{}", "Content-Type: application/json"), 1)
    await unpack(tmp_path, warc_gz(*page, *post))
    assert saved(tmp_path / "out") == [PAGE]


async def test_a_part_that_is_the_whole_is_the_file(tmp_path: Path) -> None:
    part = http(PAGE, HTML, f"Content-Range: bytes 0-{len(PAGE) - 1}/{len(PAGE)}", status="206 P")
    await unpack(tmp_path, warc_gz(*pair("GET", part, 0)))
    assert saved(tmp_path / "out") == [PAGE]


async def test_what_is_left_out_of_an_archive_is_counted_and_said(command: Command) -> None:
    records = [
        *pair("GET", http(PAGE, HTML), 0),
        *OTHERS["POST"],
        *OTHERS["HEAD"],
        *OTHERS["206"],
        *OTHERS["304"],
        record("response", b"no head", second=3),
    ]
    (command.folder / "a.warc.gz").write_bytes(warc_gz(*records))
    ran = await command("a.warc.gz")
    assert ran.status == 0
    assert ran.err == [
        "download: a.warc.gz: left out 1 response to POST, 1 response to HEAD, "
        "1 partial response (206), 1 response without a body (304), "
        "1 record without an HTTP head"
    ]


@pytest.mark.parametrize("block", [b"", http(b"", HTML)], ids=["no head", "head"])
@pytest.mark.parametrize("reference", ["date", "record", "digest"])
async def test_a_revisit_has_the_payload_of_its_original(
    tmp_path: Path, block: bytes, reference: str
) -> None:
    own = "<urn:uuid:22222222-2222-4222-8222-222222222222>"
    digest = "WARC-Payload-Digest: sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    other = "http://h.test/other"
    fields = {
        "date": (
            f"WARC-Refers-To-Target-URI: {other}",
            "WARC-Refers-To-Date: 2024-01-01T00:00:00Z",
        ),
        "record": (f"WARC-Refers-To: {own}",),
        "digest": (digest,),
    }[reference]
    profile = "WARC-Profile: http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
    records = [
        record("response", http(PAGE, HTML), f"WARC-Record-ID: {own}", digest, url=other),
        record("revisit", block, profile, *fields, second=1),
    ]
    outcomes = await unpack(tmp_path, warc_gz(*records))
    assert [type(outcome) for outcome in outcomes] == [Downloaded] * 2
    assert saved(tmp_path / "out") == [PAGE] * 2


async def test_interim_responses_before_the_response_are_skipped(tmp_path: Path) -> None:
    block = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    await unpack(tmp_path, warc_gz(record("response", block + http(PAGE, HTML))))
    assert saved(tmp_path / "out") == [PAGE]


@pytest.mark.parametrize("kind", ["resource", "conversion"])
async def test_a_record_without_http_is_a_file(tmp_path: Path, kind: str) -> None:
    await unpack(tmp_path, warc_gz(record(kind, PAGE, "Content-Type: text/html")))
    assert [Path(path).name for path in saved_files(tmp_path / "out")] == ["p.html"]
    assert saved(tmp_path / "out") == [PAGE]


async def test_a_conversion_does_not_replace_the_response_it_was_made_of(tmp_path: Path) -> None:
    converted = record("conversion", b"the page itself", "Content-Type: text/plain", second=9)
    await unpack(tmp_path, warc_gz(record("response", http(PAGE, HTML)), converted))
    assert saved(tmp_path / "out") == [PAGE]


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd"])
async def test_a_body_that_was_stored_decoded_is_not_decoded_again(
    tmp_path: Path, coding: str
) -> None:
    coded = f"Content-Encoding: {coding}"
    await unpack(tmp_path, warc_gz(record("response", http(PAGE, HTML, coded))))
    assert saved(tmp_path / "out") == [PAGE]


async def test_a_body_that_was_stored_coded_is_decoded(tmp_path: Path) -> None:
    coded = http(gzip.compress(PAGE), HTML, "Content-Encoding: gzip")
    await unpack(tmp_path, warc_gz(record("response", coded)))
    assert saved(tmp_path / "out") == [PAGE]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["bare line feeds", "usual line ends"])
async def test_the_record_holds_the_head_and_the_body_that_were_received(
    tmp_path: Path, end: bytes
) -> None:
    body = b"okHTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nEVIL"
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: text/plain", b"Content-Length: %d" % len(body)]

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(end.join([*lines, b"", body]))
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        options = Options(output=tmp_path / "out", warc=tmp_path / "a.warc.gz", retries=0)
        url = f"http://127.0.0.1:{port}/"
        await download_sites([url], tmp_path / "out", options=options)
    (response,) = answers(tmp_path / "a.warc.gz")
    assert response.payload == body
    assert saved(tmp_path / "out") == [body]


# --- containers -----------------------------------------------------------------------------------


def arc() -> bytes:
    body = http(PAGE, HTML)
    head = (
        b"filedesc://x.arc 0.0.0.0 20080101000000 text/plain 76\n1 0 InternetArchive\n"
        b"URL IP-address Archive-date Content-type Archive-length\n\n\n"
    )
    first = f"{URL} 1.2.3.4 20080101000000 text/html {len(body)}\n".encode()
    return head + first + body + b"\n"


def one_response() -> bytes:
    return record("response", http(PAGE, HTML))


CONTAINERS = {
    "a.arc": lambda: arc(),
    "a.arc.gz": lambda: gzip.compress(arc()),
    "renamed.gz": lambda: warc_gz(one_response()),
    "A.WARC.GZ": lambda: warc_gz(one_response()),
    "no-suffix": lambda: one_response(),
    "one-member.warc.gz": lambda: gzip.compress(
        b"".join([record("warcinfo", b"software: x\r\n"), one_response()])
    ),
    "a.warc.zst": lambda: zstd.compress(one_response()) + zstd.compress(one_response()),
}


@pytest.mark.parametrize("name", CONTAINERS)
async def test_archives_are_known_by_their_first_bytes(command: Command, name: str) -> None:
    (command.folder / name).write_bytes(CONTAINERS[name]())
    ran = await command(name)
    assert (ran.status, ran.err) == (0, [])
    assert saved(command.folder / "downloaded_sites")[0] == PAGE


def test_a_zstd_archive_with_a_dictionary_is_read(tmp_path: Path) -> None:
    samples = [record("response", http(PAGE * 3, HTML), url=f"{URL}{n}") for n in range(500)]
    dictionary = zstd.train_dict(samples, 4096)
    content = dictionary.dict_content
    skippable = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content
    frames = [zstd.compress(each, zstd_dict=dictionary) for each in samples]
    path = tmp_path / "a.warc.zst"
    path.write_bytes(skippable + b"".join(frames))
    assert len(list(seeds((path,)))) == 500


@pytest.mark.parametrize(
    "data",
    [b"http://h.test/a\n", b"", b"\x1f\x8b", gzip.compress(b"http://h.test/a\n"), b"PK\x03\x04"],
    ids=["list", "empty", "cut", "compressed list", "zip"],
)
def test_a_list_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    assert not is_archive(str(tmp_path / "list.txt"))


# --- hostile archives -----------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b" a\r\n", b"X: a\r\n"], ids=["folded", "fields"])
async def test_a_long_head_takes_no_long_time(command: Command, line: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nX: a\r\n" + line * (4 * 2**20 // len(line))
    (command.folder / "a.warc.gz").write_bytes(
        warc_gz(
            record("response", head + b"\r\nhello"),
            record("response", http(PAGE, HTML), url=URL + "2"),
        )
    )
    process = await command.start("a.warc.gz")
    _, err = await process.communicate()
    assert b"1 record without an HTTP head" in err
    assert saved(command.folder / "downloaded_sites") == [PAGE]


async def test_members_of_a_wacz_that_overlap_are_refused(command: Command) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wacz:
        wacz.writestr("archive/a.warc", one_response())
        first = wacz.infolist()[0]
        again = zipfile.ZipInfo("archive/a.warc")
        again.header_offset, again.file_size = first.header_offset, first.file_size
        again.compress_size, again.CRC = first.compress_size, first.CRC
        wacz.filelist.append(again)
    (command.folder / "a.wacz").write_bytes(buffer.getvalue())
    ran = await command("a.wacz")
    assert ran.status == 2
    assert "a.wacz is not a WACZ: its members overlap" in ran.err[-1]


@pytest.mark.parametrize("name", ["WARC-Payload-Digest", "WARC-Record-ID", "WARC-Concurrent-To"])
@pytest.mark.parametrize("value", ["a\tb", "a\r\n b", "a\r\n\tb\r\n\tc", "\ud800"])
async def test_white_space_in_a_header_makes_no_entries_of_its_own(
    tmp_path: Path, name: str, value: str
) -> None:
    field = f"{name}: {value.encode('utf-8', 'replace').decode()}"
    await unpack(tmp_path, warc_gz(record("response", http(PAGE, HTML), field)))
    assert saved(tmp_path / "out") == [PAGE]


def test_an_archive_that_decompresses_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.archive.warc_files._MIN_DECOMPRESSED_LIMIT_BYTES", 10_000)
    file = tmp_path / "bomb.warc.zst"
    file.write_bytes(zstd.compress(record("resource", bytes(1_000_000), HTML)))
    with pytest.raises(SourceError, match=r"bomb\.warc\.zst .* more than 200 times as large"):
        list(seeds((file,)))
