"""A body whose type the server does not name is classified by its first bytes, as in a browser."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from downloader import ErrorKind, Failed, Options, Skipped
from tests.support.command import Command
from tests.support.files import MIB, contents, saved_files
from tests.support.handlers import in_turn, keeps, sends, typed
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import downloaded, fetch
from tests.support.web_server import Site

PAGE = b"<!DOCTYPE html><title>The lamp</title><p>It turns, caf\xc3\xa9. <a href=/next>next</a>"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)
APACHE = "text/plain; charset=ISO-8859-1"


@pytest.mark.parametrize(
    ("body", "types", "extension", "media_type"),
    [
        (PAGE, (), ".html", "text/html"),
        (PAGE, ("*/*",), ".html", "text/html"),
        (PAGE, ("unknown/unknown",), ".html", "text/html"),
        (PAGE, ("html",), ".html", "text/html"),
        (PNG, (), ".png", "image/png"),
        (b"%PDF-1.7\n%\xe2\xe3\n" + bytes(9), (), ".pdf", "application/pdf"),
        (b"PK\3\4" + bytes(9), ("application/unknown",), ".zip", "application/zip"),
        (b"plain text", (), ".txt", "text/plain"),
        (b"", (), ".txt", "text/plain"),
        (b"\0\1\2", (), ".bin", "application/octet-stream"),
        # What Apache sends for files of any type it does not know.
        (PNG, (APACHE,), ".bin", "application/octet-stream"),
        (PNG, ("text/html", "text/plain"), ".bin", "application/octet-stream"),
        (b"caf\xe9", (APACHE,), ".txt", "text/plain"),
        (PAGE, ("text/plain",), ".txt", "text/plain"),
        # What nobody mislabels by mistake.
        (PNG, ("text/plain; charset=utf-8",), ".txt", "text/plain"),
        (PAGE, ("image/png",), ".png", "image/png"),
        # Two fields, as in the Fetch standard.
        (PAGE, ("text/plain", "text/html"), ".html", "text/html"),
        (PAGE, ("text/html", "*/*"), ".html", "text/html"),
        (PAGE, ("text/html", ""), ".html", "text/html"),
        (PAGE, ("*/*", "junk"), ".html", "text/html"),
    ],
)
async def test_the_name_and_the_report_have_the_type_that_a_browser_finds(
    site: Site,
    tmp_path: Path,
    body: bytes,
    types: tuple[str, ...],
    extension: str,
    media_type: str,
) -> None:
    site.pages = {"/a": typed(body, *types)}
    outcome = downloaded(*await fetch([site.url("/a")], tmp_path))
    assert outcome.media_type == media_type
    assert contents(tmp_path) == {f"{site.folder}/a{extension}": body}
    assert (outcome.sizes.characters is None) == (extension not in (".html", ".txt"))


async def test_a_second_run_knows_the_file_and_force_gives_it_the_same_name(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": typed(PAGE), "/a.html": typed(PNG), "/b.php": typed(PAGE)}
    addresses = [site.url(path) for path in site.pages]
    first = await fetch(addresses, tmp_path)
    assert len({downloaded(each).path for each in first}) == 3
    before = contents(tmp_path)
    assert f"{site.folder}/b.php.html" in before
    assert all(isinstance(each, Skipped) for each in await fetch(addresses, tmp_path))
    again = await fetch(addresses, tmp_path, Options(force=True))
    assert [downloaded(each).path for each in again] == [downloaded(each).path for each in first]
    assert contents(tmp_path) == before


async def test_a_server_can_ask_not_to_take_a_body_for_a_page(site: Site, tmp_path: Path) -> None:
    nosniff = {"X-Content-Type-Options": "NoSniff"}
    site.pages = {"/a": typed(PAGE, headers=nosniff), "/b": typed(PNG, headers=nosniff)}
    outcomes = await fetch([site.url("/a"), site.url("/b")], tmp_path)
    assert [downloaded(each).media_type for each in outcomes] == ["text/plain", "image/png"]


async def test_a_mirror_reads_a_page_without_a_type(site: Site, command: Command) -> None:
    site.pages = {
        "/": typed(PAGE.replace(b"<p>", b"<img src=/i><p>")),
        "/next": typed(b"<html><a href=/>back</a>", "*/*"),
        "/i": typed(PNG),
    }
    ran = await command("-r", site.url("/"))
    assert ran.status == 0, ran.err
    folder = command.folder / "downloaded_sites"
    pages = contents(folder)
    assert set(pages) == {
        f"{site.folder}.html",
        f"{site.folder}/next.html",
        f"{site.folder}/i.png",
    }
    assert f"href={site.folder}/next.html".encode() in pages[f"{site.folder}.html"]
    assert f"src={site.folder}/i.png".encode() in pages[f"{site.folder}.html"]


async def test_the_first_bytes_are_those_without_a_content_coding(
    site: Site, tmp_path: Path
) -> None:
    coded = {"Content-Encoding": "gzip"}
    twice = gzip.compress(gzip.compress(b"a file"))
    site.pages = {
        "/page": typed(gzip.compress(PAGE), headers=coded),
        "/file": typed(twice, headers=coded),
        "/a.tar.gz": typed(gzip.compress(b"a file"), headers=coded),
        "/broken": typed(b"\x1f\x8b\x08 no gzip", headers=coded),
    }
    options = Options(retries=0)
    *saved, broken = await fetch([site.url(path) for path in site.pages], tmp_path, options)
    assert isinstance(broken, Failed)
    assert broken.kind is ErrorKind.DECODE
    assert [downloaded(each).path.partition("/")[2] for each in saved] == [
        "page.html",
        "file.gz",
        "a.tar.gz",
    ]
    files = contents(tmp_path)
    assert files[f"{site.folder}/page.html"] == PAGE
    assert gzip.decompress(files[f"{site.folder}/file.gz"]) == b"a file"
    assert gzip.decompress(files[f"{site.folder}/a.tar.gz"]) == b"a file"


@pytest.mark.parametrize(
    ("field", "name", "media_type"),
    [("*/*", "a.png", "image/png"), ("text/plain", "a.bin", "application/octet-stream")],
)
async def test_a_large_body_is_resumed_under_its_name(
    site: Site, tmp_path: Path, field: str, name: str, media_type: str
) -> None:
    body = PNG + bytes(3 * MIB)
    fields = {"ETag": '"v1"', "Content-Type": field}
    site.pages = {"/a": keeps(body, fields, cut=2 * MIB)}
    (failed,) = await fetch([site.url("/a")], tmp_path, Options(retries=0))
    assert isinstance(failed, Failed)
    assert saved_files(tmp_path) == {f"{site.folder}/{name}.part"}
    site.pages = {"/a": keeps(body, fields)}
    outcome = downloaded(*await fetch([site.url("/a")], tmp_path))
    assert outcome.resumed_at >= MIB
    assert outcome.media_type == media_type
    assert contents(tmp_path) == {f"{site.folder}/{name}": body}


async def test_a_body_that_breaks_off_or_drips_at_its_start_fails(
    site: Site, tmp_path: Path
) -> None:
    broken = sends(PAGE, {"Content-Type": "*/*"}, cut=20)
    site.pages = {"/a": broken, "/b": in_turn(broken, typed(PAGE))}
    once, twice = await fetch([site.url("/a"), site.url("/b")], tmp_path, Options(retries=1))
    assert isinstance(once, Failed)
    assert once.kind is ErrorKind.TRUNCATED
    assert downloaded(twice).attempts == 2
    stalled = sends(PAGE, {"Content-Type": "*/*"}, cut=20, stall=True)
    site.pages = {"/c": stalled}
    options = Options(retries=0, read_timeout=0.2)
    (outcome,) = await fetch([site.url("/c")], tmp_path, options)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TIMEOUT


async def test_archives_hold_the_body_and_list_the_page(site: Site, command: Command) -> None:
    site.pages = {"/a": typed(PAGE), "/b": typed(PNG), "/c": typed(b"<p>no page", "text/plain")}
    ran = await command(*map(site.url, site.pages), "--wacz", "a.wacz", "--warc", "a.warc.gz")
    assert ran.status == 0, ran.err
    with zipfile.ZipFile(command.folder / "a.wacz") as packed:
        _, *pages = map(json.loads, packed.read("pages/pages.jsonl").splitlines())
    assert [(page["url"], page["title"]) for page in pages] == [(site.url("/a"), "The lamp")]
    assert [page["text"] for page in pages] == ["It turns, caf\xe9. next"]
    live = contents(command.folder / "downloaded_sites")
    ran = await command("a.wacz", "-o", "unpacked")
    assert ran.status == 0, ran.err
    assert contents(command.folder / "unpacked") == live
    assert len(live) == 3


async def test_a_body_over_http2_is_classified_as_well(tmp_path: Path) -> None:
    body = PAGE + b"x" * MIB

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.respond(stream_id, body if path == "/long" else PAGE)

    async with http2_server(answer) as server:
        addresses = [server.url("/short"), server.url("/long")]
        options = Options(http2_prior_knowledge=True)
        short, long = map(downloaded, await fetch(addresses, tmp_path, options))
    assert (short.media_type, short.sizes.saved) == ("text/html", len(PAGE))
    assert (long.media_type, long.sizes.saved) == ("text/html", len(body))
    assert (tmp_path / long.path).read_bytes() == body
