"""Web archives that are cut, wrong or made to harm: nothing is silently wrong, work is linear."""

import gzip
import random
import sys
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader import Downloaded, Failed
from downloader.archive import archive_index, cdxj, replay_warnings, seeds, warcio_reader
from downloader.archive.archive_index import ArchiveIndex
from downloader.archive.http_responses import iter_body
from downloader.archive.index_entries import IndexEntry
from downloader.archive.warc_reader import iter_records
from downloader.errors import ErrorKind, SourceError, TruncatedError
from downloader.http.replay import ReplayBody
from downloader.models import Options
from downloader.web.urls import parse
from tests.support.archives import download_archives
from tests.support.files import contents
from tests.support.handmade_archives import HTML, PAGE, URL, http, record, warc_gz

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOOD = record("response", http(PAGE, HTML), url=f"{URL}/good")
#: Its first bytes can be decompressed.
CORRUPT = (
    bytes.fromhex("1f8b08000000000002ff") + zlib.compress(b"WARC/1.0\r\n" * 9)[2:-9] + b"\xff" * 99
)
SAVED = {"h.test/p/good.html": PAGE}


async def failures(path: Path, folder: Path) -> dict[str, ErrorKind]:
    """Unpack an archive, of which ``GOOD`` is the only record that is saved."""
    outcomes = await download_archives(path, folder=folder)
    assert contents(folder) == SAVED
    return {outcome.url: outcome.kind for outcome in outcomes if isinstance(outcome, Failed)}


@pytest.mark.parametrize("length", ["", "-5", "x", "9" * 18, "9" * 5000])
async def test_a_record_of_unknown_or_impossible_length_fails(tmp_path: Path, length: str) -> None:
    bad = record("response", http(PAGE, HTML), f"Content-Length: {length}")
    if not length:
        bad = bad.replace(b"Content-Length: \r\n", b"")
    (tmp_path / "a.warc.gz").write_bytes(warc_gz(bad, GOOD))
    assert await failures(tmp_path / "a.warc.gz", tmp_path / "o") == {URL: ErrorKind.TRUNCATED}
    (tmp_path / "a.warc").write_bytes(GOOD + bad)
    assert await failures(tmp_path / "a.warc", tmp_path / "p") == {URL: ErrorKind.TRUNCATED}


async def test_a_record_that_is_longer_than_it_says_fails(tmp_path: Path) -> None:
    block = http(PAGE, HTML)
    bad = record("response", block, f"Content-Length: {len(block) - 5}")
    for name, data in (("a.warc.gz", warc_gz(bad, GOOD)), ("a.warc", bad + GOOD)):
        (tmp_path / name).write_bytes(data)
        found = await failures(tmp_path / name, tmp_path / f"{name}.out")
        assert found == {URL: ErrorKind.TRUNCATED}


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhello\r\nff\r\ncut",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\nZZ\r\nmore\r\n0\r\n\r\n",
        b"3\r\nabcdef\r\n0\r\n\r\n",
    ],
    ids=["cut in a chunk", "no last chunk", "no size", "longer than its size"],
)
async def test_a_stored_body_with_broken_chunks_fails(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "a.warc.gz"
    coded = http(body, HTML, "Transfer-Encoding: chunked")
    path.write_bytes(warc_gz(record("response", coded), GOOD))
    assert await failures(path, tmp_path / "out") == {URL: ErrorKind.TRUNCATED}


@pytest.mark.parametrize(
    "rest",
    [CORRUPT, b"junk\x1b[31m\r\n" * 100, b"\x28\xb5\x2f\xfd" * 9],
    ids=["corrupt gzip", "plain text", "zstd"],
)
async def test_what_comes_before_damage_is_saved_and_the_damage_is_said(
    tmp_path: Path, rest: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_gz(GOOD) + rest)
    with pytest.raises(
        SourceError, match=r"a\.warc\.gz is not a WARC file, or is damaged"
    ) as raised:
        await download_archives(path, folder=tmp_path / "out")
    assert len(raised.value.message) < 400
    assert "\x1b" not in raised.value.message
    assert contents(tmp_path / "out") == SAVED
    assert capfd.readouterr().err == "", "warcio writes to stderr"


async def test_urls_of_an_archive_do_not_reach_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_gz(record("response", http(PAGE, HTML), url="http://h/ \x1b[31m"), GOOD))
    assert list((await failures(path, tmp_path / "out")).values()) == [ErrorKind.BAD_URL]
    assert capfd.readouterr().err == ""


async def test_an_absurd_date_does_not_make_a_capture_the_latest(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    absurd = [
        record("response", http(b"absurd", HTML), f"WARC-Date: {date}", url=f"{URL}/good")
        for date in ("x", "9" * 3000, "2024-01-01T00:00:00Z" * 9, "")
    ]
    path.write_bytes(warc_gz(*absurd[:2], GOOD, *absurd[2:]))
    assert await failures(path, tmp_path / "out") == {}


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone", "500 Error"])
async def test_a_later_refusal_does_not_hide_an_earlier_page(tmp_path: Path, status: str) -> None:
    path = tmp_path / "a.warc.gz"
    later = record("response", http(b"no", HTML, status=status), url=f"{URL}/good", second=9)
    path.write_bytes(warc_gz(GOOD, later))
    assert await failures(path, tmp_path / "out") == {}


def test_records_of_other_schemes_and_without_a_type_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    others = [record("response", b"x", url=url) for url in ("ftp://h/a", "dns:h", "urn:x:y")]
    path.write_bytes(warc_gz(*others, GOOD.replace(b"WARC-Type: response\r\n", b""), GOOD))
    assert [url for _, url in seeds((path,))] == [f"{URL}/good"]
    assert replay_warnings(Options(replay=(path,))) == [
        f"{path}: left out 3 records whose URL is neither http nor https, 1 record without a type"
    ]


# --- ARC ------------------------------------------------------------------------------------------


def arc(version: int, *lines: str) -> bytes:
    """Return an ARC file with a record of the page for each line, which ends before its length."""
    fields = "URL IP-address Archive-date Content-type"
    more = " Result-code Checksum Location Offset Filename" if version > 1 else ""
    values = " 200 - - 0 x.arc" if version > 1 else ""
    about = f"{version} 0 tool\n{fields}{more} Archive-length\n\n"
    block = http(PAGE, HTML)
    first = f"filedesc://x.arc 0.0.0.0 20080101000000 text/plain{values} {len(about)}\n{about}"
    records = (f"\n{line} {len(block)}\n".encode() + block for line in lines)
    return first.encode() + b"".join(records)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        (1, f"{URL} 1.2.3.4 20080101000000 text/html"),
        (1, f"{URL} 1.2.3.4 20080101000000 text/html; charset=utf-8"),
        (1, f"{URL} 1.2.3.4 99999999999999 no-type"),
        (1, f"{URL} 1.2.3.4 x text/html"),
        (1, f"{URL} 0:0::1 2008010100 -"),
        (2, f"{URL} 1.2.3.4 20080101000000 text/html 200 ABC - 123 x.arc"),
        (2, f"{URL} 1.2.3.4 20080101000000 text/html 200 ABC http://h/ 123 x y.arc"),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["arc", "arc.gz"])
async def test_both_versions_of_arc_are_read(
    tmp_path: Path, version: int, line: str, compress: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "a.arc"
    path.write_bytes(compress(arc(version, line)))
    await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h.test/p.html": PAGE}


async def test_urls_of_an_arc_may_have_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.arc"
    path.write_bytes(arc(1, f"{URL} a b 1.2.3.4 20080101000000 text/html"))
    await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out") == {"h.test/p a b.html": PAGE}


@pytest.mark.parametrize("length", [5, -1, 10_000])
async def test_an_arc_record_of_a_wrong_length_is_not_saved(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.arc"
    line = f"{URL} 1.2.3.4 20080101000000 text/html"
    right = f"text/html {len(http(PAGE, HTML))}".encode()
    path.write_bytes(arc(1, line).replace(right, f"text/html {length}".encode()))
    try:
        outcomes = await download_archives(path, folder=tmp_path / "out")
    except SourceError:
        outcomes = []
    assert not any(isinstance(outcome, Downloaded) for outcome in outcomes)


# --- cut anywhere ---------------------------------------------------------------------------------

LONG_PAGE = PAGE + random.Random(2).randbytes(300)
#: How many bytes at the end hold nothing of the last block.
END_BYTES = {"a.warc": 4, "a.warc.gz": 20, "a.arc": 0}
WHOLE = {
    "a.warc": GOOD + record("response", http(LONG_PAGE, HTML), url=f"{URL}/2"),
    "a.warc.gz": warc_gz(GOOD, record("response", http(LONG_PAGE, HTML), url=f"{URL}/2")),
    "a.arc": arc(1, f"{URL} 1.2.3.4 20080101000000 text/html", f"{URL}/2 1.2.3.4 20080101 x"),
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_wherever_an_archive_is_cut_nothing_is_saved_that_is_not_whole(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / name
    path.write_bytes(WHOLE[name])
    pages = {url: body_of(ArchiveIndex([path]), url) for _, url in ArchiveIndex([path]).seeds()}
    size = data.draw(st.integers(0, len(WHOLE[name]) - END_BYTES[name] - 1))
    path.write_bytes(WHOLE[name][:size])
    try:
        index = ArchiveIndex([path])
        found = {url: body_of(index, url) for _, url in index.seeds()}
    except SourceError:
        return
    whole = {url: body for url, body in found.items() if body is not None}
    assert whole.items() <= pages.items()
    assert whole != pages


def body_of(index: ArchiveIndex, url: str) -> bytes | None:
    """Return the body that is replayed for a URL; None if it fails."""
    response = index.find(parse(url))
    if response is None or response.truncated:
        return None
    try:
        return b"".join(response.body)
    except TruncatedError:
        return None
    finally:
        response.close()


# --- work and memory ------------------------------------------------------------------------------


def captures_of_one_url(number: int) -> list[bytes]:
    return [record("response", http(PAGE, HTML), second=n % 60) for n in range(number)]


def revisits_of_one_url(number: int) -> list[bytes]:
    fields = f"WARC-Refers-To-Target-URI: {URL}", "WARC-Refers-To-Date: 2024-01-01T00:00:61Z"
    revisits = [record("revisit", b"", *fields, url=f"{URL}/{n}") for n in range(number)]
    return [*captures_of_one_url(number), *revisits]


def revisits_without_original(number: int) -> list[bytes]:
    return [record("revisit", b"", second=n % 60) for n in range(number)]


def redirects_to_one_url(number: int) -> list[bytes]:
    moved = http(b"", f"Location: {URL}", status="302 Found")
    redirects = [record("response", moved, url=f"{URL}/{n}") for n in range(number)]
    return [*captures_of_one_url(number), *redirects]


@pytest.mark.parametrize(
    "corpus",
    [
        captures_of_one_url,
        revisits_of_one_url,
        revisits_without_original,
        redirects_to_one_url,
    ],
)
def test_twice_as_many_captures_are_twice_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: Callable[[int], list[bytes]]
) -> None:
    parsed = 0
    parse_entry = IndexEntry.parse

    def count(line: bytes) -> IndexEntry:
        nonlocal parsed
        parsed += 1
        return parse_entry(line)

    monkeypatch.setattr(IndexEntry, "parse", count)
    monkeypatch.setattr(archive_index, "_MAX_TRIED_CAPTURES", 10)
    work = []
    for number in (300, 600):
        path = tmp_path / f"{number}.warc"
        path.write_bytes(b"".join(corpus(number)))
        parsed = 0
        index = ArchiveIndex([path])
        for _, url in index.seeds():
            for asked in (url, URL):
                if (response := index.find(parse(asked))) is not None:
                    response.close()
        work.append(parsed)
    assert work[1] < 2.2 * work[0]


def test_millions_of_empty_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_gz(GOOD) + gzip.compress(b"") * 2000 + warc_gz(GOOD))
    with pytest.raises(SourceError, match="1000 gzip members in a row are empty"):
        list(seeds((path,)))
    path.write_bytes(gzip.compress(b"") * 3 + warc_gz(GOOD) + gzip.compress(b"") * 9)
    assert len(list(seeds((path,)))) == 1


def test_a_record_that_is_a_bomb_is_read_in_small_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(warc_gz(record("response", http(bytes(30_000_000), HTML)), GOOD))
    with path.open("rb") as file:
        tracemalloc.start()
        records = iter_records(file, "a")
        first = next(records)
        head = first.read_http_head()
        assert head is not None
        total = sum(map(len, iter_body(head, first.raw.raw_stream)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert total == 30_000_000
    assert peak < 2_000_000


def test_long_header_lines_and_urls_end_in_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a.warc"
    long_url = "http://h/" + "a" * 65_490
    path.write_bytes(GOOD + record("response", http(PAGE, HTML), url=long_url))
    assert [len(url) for _, url in seeds((path,))] == [len(URL) + 5, len(long_url)]
    path.write_bytes(GOOD + record("response", http(PAGE, HTML), url=long_url + "a" * 100))
    with pytest.raises(SourceError, match="a header line is over 65536 bytes long"):
        list(seeds((path,)))


def test_long_lines_are_sorted_in_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdxj, "_BYTES_PER_RUN", 1_000_000)
    monkeypatch.setattr(cdxj, "_FILES_PER_LEVEL", 4)
    rng = random.Random(1)
    keys = [rng.randbytes(4).hex().encode() for _ in range(1000)]
    with (tmp_path / "sorted").open("w+b") as output:
        tracemalloc.start()
        cdxj.sort_lines((key + b" " * 60_000 + b"\n" for key in keys), output)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        output.seek(0)
        assert [line[:8] for line in output] == sorted(keys)
    assert peak < 6_000_000


async def test_small_pieces_of_a_body_are_joined() -> None:
    body = ReplayBody(iter([b"x"] * 200_000), truncated=False)
    calls = 0
    while await body.readany():
        calls += 1
    assert calls == 4


def test_a_line_of_a_version_2_record_is_parsed_in_linear_time() -> None:
    for line in ("http://h" + " 1.2.3.4 1" * 6000, " 1.2.3.4 20080101000000 " * 2500, "1 " * 30000):
        warcio_reader._arc_version_1(line + "x")


# --- containers -----------------------------------------------------------------------------------


def write_wacz(path: Path, *members: tuple[str, bytes]) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as wacz:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, data in members:
            wacz.writestr(name, data)
    return path


async def test_of_members_of_one_name_the_last_counts_and_others_are_named(tmp_path: Path) -> None:
    hidden = record("response", http(b"hidden", HTML), url=f"{URL}/hidden")
    path = write_wacz(
        tmp_path / "a.wacz",
        ("archive/a.warc", hidden),
        ("archive/a.warc", GOOD),
        ("archive/b.warc.zst", zstd.compress(hidden)),
        ("archive/../../\x1b.arc", hidden),
    )
    assert await failures(path, tmp_path / "out") == {}
    assert replay_warnings(Options(replay=(path,))) == [
        f"{path}: left out 2 members of another format than WARC, such as archive/b.warc.zst",
        f"{path}: left out 1 member with the name of another",
    ]
    assert {file.name for file in tmp_path.iterdir()} == {"a.wacz", "out"}


async def test_a_member_with_a_path_out_of_the_archive_is_read_in_place(tmp_path: Path) -> None:
    path = write_wacz(tmp_path / "a.wacz", ("archive/../../\x1b[31m.warc", GOOD))
    assert await failures(path, tmp_path / "out") == {}
    assert {file.name for file in tmp_path.iterdir()} == {"a.wacz", "out"}


def test_a_directory_of_a_million_members_is_not_loaded(tmp_path: Path) -> None:
    path = write_wacz(tmp_path / "a.wacz", ("archive/a.warc", GOOD))
    whole = path.read_bytes()
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    directory = whole[start:end] * 100_000
    ending = bytearray(whole[end:])
    ending[8:12] = b"\xff\xff\xff\xff"
    ending[12:16] = len(directory).to_bytes(4, "little")
    path.write_bytes(whole[:start] + directory + ending)
    del directory
    tracemalloc.start()
    with pytest.raises(SourceError, match="its directory is over 4194304 bytes long"):
        list(seeds((path,)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", ["corrupt", "empty members"])
async def test_of_a_damaged_compressed_archive_the_beginning_is_saved(
    tmp_path: Path, coding: str, damage: str
) -> None:
    compress = gzip.compress if coding == "gzip" else zstd.compress
    data = GOOD + record("resource", random.Random(3).randbytes(200_000), url=f"{URL}/2")
    member = compress(data)
    if damage == "corrupt":
        data = member + member[:8] + b"\xff" * 1000
    else:
        data = member + compress(b"") * 2000 + member
    path = tmp_path / "a.warc"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="damaged"):
        await download_archives(path, folder=tmp_path / "out")
    assert contents(tmp_path / "out").items() >= SAVED.items()


def test_a_dictionary_that_is_a_bomb_is_not_decompressed(tmp_path: Path) -> None:
    bomb = zstd.compress(bytes(100_000_000))
    path = tmp_path / "a.warc.zst"
    path.write_bytes(b"\x5d\x2a\x4d\x18" + len(bomb).to_bytes(4, "little") + bomb)
    tracemalloc.start()
    with pytest.raises(SourceError, match="damaged"):
        list(seeds((path,)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40_000_000
