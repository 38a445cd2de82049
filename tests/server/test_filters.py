"""Filters leave out bodies by type, size and date; each such URL has an outcome, and none fails."""

import gzip
import json
import os
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Options, Outcome, Skipped
from downloader.models import SkipReason
from tests.support.archives import answers
from tests.support.command import Command
from tests.support.files import MIB, contents, saved_files
from tests.support.handlers import keeps, sends, typed
from tests.support.library import downloaded, fetch
from tests.support.web_server import Handler, Site

#: So much that a run would stall if it read it.
HUGE = b"x" * 10 * MIB
VIDEO, PDF = {"Content-Type": "video/mp4"}, {"Content-Type": "application/pdf"}
OLD, NEW = "Sun, 06 Nov 1994 08:49:37 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"
BETWEEN = 1_000_000_000.0
PAGE = "<a href=/a.pdf>pdf</a> <a href=/next>next</a> <img src=/i>"


def stalls(headers: dict[str, str]) -> Handler:
    return sends(HUGE, headers, cut=100, stall=True)


def chunked(body: bytes, headers: dict[str, str]) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(body)
        return response

    return answer


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, Skipped), outcome
    assert outcome.reason is SkipReason.FILTERED
    return outcome.detail


async def test_types_are_filtered_before_the_body_is_read(site: Site, command: Command) -> None:
    site.pages = {
        "/page": "page",
        "/i": typed(b"\x89PNG\r\n\x1a\n"),
        "/a.pdf": sends(b"%PDF-", PDF),
        "/v": stalls(VIDEO),
    }
    ran = await command(
        *map(site.url, site.pages),
        *("--accept-type", "image/*,Application/PDF", "--report", "r.jsonl"),
    )
    assert (ran.status, ran.err) == (0, [])
    assert saved_files(command.folder / "downloaded_sites") == {
        f"{site.folder}/i.png",
        f"{site.folder}/a.pdf",
    }
    assert f"Skipped {site.url('/v')}: video/mp4 does not match --accept-type" in ran.out
    assert f"Skipped {site.url('/page')}: text/html does not match --accept-type" in ran.out
    assert "4 URLs: 2 downloaded, 0 unchanged, 2 skipped, 0 failed" in ran.out[-2]
    records = map(json.loads, (command.folder / "r.jsonl").read_text().splitlines())
    assert [each["reason"] for each in records if each.get("reason")] == ["filtered"] * 2


async def test_what_was_filtered_is_asked_for_again_and_what_is_saved_stays(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a.pdf": sends(b"%PDF-", PDF), "/v": sends(b"video", VIDEO)}
    addresses = [site.url(path) for path in site.pages]
    pdf, video = await fetch(addresses, tmp_path, Options(reject_type=("video/*",)))
    assert reason(video) == "video/mp4 matches --reject-type"
    assert downloaded(pdf)
    done, video = await fetch(addresses, tmp_path, Options(reject_type=("application/*",)))
    assert isinstance(done, Skipped)
    assert done.reason is SkipReason.DONE
    assert downloaded(video)
    # Fetched again, and left out: the file stays.
    (left,) = await fetch([site.url("/v")], tmp_path, Options(force=True, min_size=10))
    assert reason(left) == "smaller than 10 B (--min-size)"
    assert saved_files(tmp_path) == {f"{site.folder}/a.pdf", f"{site.folder}/v.mp4"}


async def test_a_small_body_is_left_out_before_or_after_it_is_read(
    site: Site, tmp_path: Path
) -> None:
    coded = {**VIDEO, "Content-Encoding": "gzip"}
    site.pages = {
        "/known": stalls(VIDEO),
        "/chunked": chunked(b"x" * 3 * MIB, VIDEO),
        "/coded": sends(gzip.compress(b"x" * 2000), coded),
        "/small": chunked(b"x", VIDEO),
        "/large": chunked(b"x" * 20 * MIB, VIDEO),
        "/empty": sends(b"", VIDEO),
    }
    options = Options(min_size=15 * MIB)
    outcomes = await fetch([site.url(path) for path in site.pages], tmp_path, options)
    assert {reason(each) for each in outcomes if each.url != site.url("/large")} == {
        "smaller than 15.0 MiB (--min-size)"
    }
    assert saved_files(tmp_path) == {f"{site.folder}/large.mp4"}
    # The size is that of the decoded body.
    again = await fetch([site.url("/coded")], tmp_path, Options(min_size=2000))
    assert downloaded(again[0]).sizes.saved == 2000


async def test_only_what_is_newer_is_saved(site: Site, tmp_path: Path) -> None:
    date = formatdate(BETWEEN, usegmt=True)
    site.pages = {
        "/304": keeps(b"old", {"Last-Modified": date}),
        "/old": sends(HUGE, {"Last-Modified": OLD}, cut=9, stall=True),
        "/same": sends(HUGE, {"Last-Modified": date}, cut=9, stall=True),
        "/new": sends(b"new", {"Last-Modified": NEW}),
        "/undated": sends(b"undated"),
        "/junk": sends(b"junk", {"Last-Modified": "yesterday"}),
    }
    addresses = [site.url(path) for path in site.pages]
    outcomes = await fetch(addresses, tmp_path, Options(newer_than=BETWEEN))
    assert {reason(each) for each in outcomes[:3]} == {f"not modified since {date}"}
    assert all(isinstance(each, Downloaded) for each in outcomes[3:])
    assert {request.headers.get("If-Modified-Since") for request in site.requests} == {date}
    # A revalidation asks about the saved file, not about the date.
    site.requests.clear()
    options = Options(newer_than=BETWEEN, refresh=True)
    await fetch([site.url("/new")], tmp_path, options)
    assert [request.headers["If-Modified-Since"] for request in site.requests] == [NEW]


@pytest.mark.parametrize(
    "date",
    ["2001-09-09T01:46:40Z", "2001-09-09 03:46:40+02:00", formatdate(BETWEEN, usegmt=True), "file"],
)
async def test_a_date_is_written_in_any_of_its_forms(
    site: Site, command: Command, date: str
) -> None:
    (command.folder / "file").touch()
    os.utime(command.folder / "file", (BETWEEN, BETWEEN))
    site.pages = {"/a": sends(b"", {"Last-Modified": OLD})}
    ran = await command(site.url("/a"), "--newer-than", date)
    assert ran.status == 0
    assert "not modified since Sun, 09 Sep 2001 01:46:40 GMT" in ran.out[0]


async def test_filters_come_from_the_config_file_and_from_variables(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": sends(b"", {**PDF, "Last-Modified": OLD}), "/b": sends(b"", VIDEO)}
    config = command.folder / "config.toml"
    config.write_text('newer_than = 2001-09-09T01:46:40Z\naccept_type = ["text/css", "*/pdf"]\n')
    ran = await command(*map(site.url, site.pages), "--config", config)
    assert ran.status == 0, ran.err
    assert {line.partition(": ")[2] for line in ran.out if line.startswith("Skipped")} == {
        "not modified since Sun, 09 Sep 2001 01:46:40 GMT",
        "video/mp4 does not match --accept-type",
    }
    command.environment["DOWNLOAD_REJECT_TYPE"] = "application/*"
    ran = await command(*map(site.url, site.pages))
    assert "application/pdf matches --reject-type" in "".join(ran.out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--accept-type", "pdf"], "'pdf' is not a media type; write image/png or image/*"),
        (["--reject-type", "image/*,,"], "'' is not a media type"),
        (["--min-size", "big"], "'big' is not a size"),
        (["--newer-than", "tomorrow"], "'tomorrow' is neither a file nor a date; write 2026-01-31"),
        (["--newer-than", "Mon, 99 Foo"], "'Mon, 99 Foo' is neither a file nor a date"),
        (["--limit", "0"], "0 is out of range: it must be at least 1"),
        (["--sample", "1000001"], "1000001 is out of range"),
        (["--seed", "x"], "'x' is not a whole number"),
    ],
)
async def test_a_bad_value_is_a_usage_error(
    command: Command, arguments: list[str], message: str
) -> None:
    ran = await command("http://h.test/", *arguments)
    assert (ran.status, ran.out) == (2, [])
    (line,) = [line for line in ran.err if line.startswith("Error: ")]
    assert arguments[0] in line
    assert message in line


async def test_a_crawl_for_one_type_reads_pages_and_keeps_them_out(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/": PAGE,
        "/next": "<a href=/b.pdf>b</a><a href=/last>last</a>",
        "/last": "<a href=/c.pdf>c</a>",
        "/a.pdf": sends(b"%PDF-a", PDF),
        "/b.pdf": sends(b"%PDF-b", PDF),
        "/c.pdf": sends(b"%PDF-c", PDF),
        "/i": typed(b"GIF89a"),
    }
    ran = await command("-r", "-l", "2", "--accept-type", "application/pdf", site.url("/"))
    assert ran.status == 0, ran.err
    folder = command.folder / "downloaded_sites"
    files = contents(folder)
    # The page of the list stays, as with --accept.
    assert set(files) == {
        f"{site.folder}.html",
        f"{site.folder}/a.pdf",
        f"{site.folder}/b.pdf",
    }
    page = files[f"{site.folder}.html"].decode()
    assert f"href={site.folder}/a.pdf" in page
    assert f"src={site.url('/i')}" in page
    assert f"Skipped {site.url('/last')}: text/html does not match --accept-type" in ran.out
    assert f"Skipped {site.url('/i')}: image/gif does not match --accept-type" in ran.out
    assert "favicon" not in "".join(ran.out)


async def test_a_mirror_leaves_out_a_type_and_reads_no_rejected_page(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": PAGE, "/next": "<a href=/last>", "/last": "x", "/i": typed(b"GIF89a")}
    options = Options(level=0, reject_type=("image/*", "text/html"), min_size=1000)
    await fetch([site.url()], tmp_path, options)
    assert saved_files(tmp_path) == {f"{site.folder}.html"}
    assert not [request for request in site.requests if request.path == "/last"]


async def test_processes_send_what_they_filter(site: Site, command: Command) -> None:
    site.pages = {"/a": sends(b"a", VIDEO), "/b": sends(b"b", PDF)}
    arguments = ("--processes", "2", "--reject-type", "video/*")
    ran = await command(*map(site.url, site.pages), *arguments)
    assert ran.status == 0
    assert f"Skipped {site.url('/a')}: video/mp4 matches --reject-type" in ran.out
    assert saved_files(command.folder / "downloaded_sites") == {f"{site.folder}/b.pdf"}


async def test_an_archive_has_the_exchange_and_a_pack_only_what_is_saved(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": sends(b"small", VIDEO), "/b": sends(b"b", PDF)}
    addresses = list(map(site.url, site.pages))
    ran = await command(*addresses, "--reject-type", "video/*", "--warc", "a.warc.gz")
    assert ran.status == 0
    kept = {record.url: record.payload for record in answers(command.folder / "a.warc.gz")}
    assert kept == {addresses[0]: b"small", addresses[1]: b"b"}
    for number, option in enumerate([("--reject-type", "video/*"), ("--min-size", "5")]):
        folder = command.folder / f"pack{number}"
        ran = await command(*addresses, *option, "--pack", "warc", "-o", str(folder))
        assert ran.status == 0, ran.err
        (volume,) = folder.glob("*.warc.gz")
        assert [record.url for record in answers(volume)] == [addresses[1 - number]]


async def test_a_lock_leaves_out_what_is_filtered(site: Site, command: Command) -> None:
    site.pages = {"/a": sends(b"small", VIDEO), "/b": sends(b"b", PDF)}
    addresses = list(map(site.url, site.pages))
    ran = await command(*addresses, "--reject-type", "video/*", "--lock", "list.lock")
    assert ran.status == 0, ran.err
    assert len((command.folder / "list.lock").read_text().splitlines()) == 1
    ran = await command("--locked", "list.lock", "--force", "--reject-type", "application/*")
    assert ran.status == 1
    assert f"{addresses[1]}: not there: application/pdf matches --reject-type" in "".join(ran.err)


async def test_lines_of_a_list_are_limited_and_sampled(site: Site, command: Command) -> None:
    site.pages = {f"/{number}": "page" for number in range(20)}
    lines = "".join(f"{site.url(path)}\n" for path in site.pages).encode()
    ran = await command("-", "--limit", "3", "--no-save", stdin=lines)
    assert "3 URLs: 3 measured" in ran.out[-1]
    assert {request.path for request in site.requests} == {"/0", "/1", "/2"}
    chosen = []
    for seed in ("0", "0", "1"):
        site.requests.clear()
        ran = await command("-", "--sample", "5", "--seed", seed, "--no-save", stdin=lines)
        assert "5 URLs: 5 measured" in ran.out[-1]
        chosen.append({request.path for request in site.requests})
    assert chosen[0] == chosen[1] != chosen[2]
