"""The same command again: what is done stays, what is not is done, and nothing is lost."""

import asyncio
import hashlib
import os
import random
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import (
    Checksum,
    Downloaded,
    ErrorKind,
    Failed,
    Options,
    OutputError,
    Skipped,
    Target,
    Unchanged,
    download_sites,
)
from downloader.journal import STATE_FOLDER
from downloader.models import SkipReason
from downloader.web.filenames import stays_within
from downloader.web.urls import parse
from tests.support.command import Command, finished
from tests.support.files import MIB, contents, saved_files
from tests.support.handlers import in_turn, keeps, sends
from tests.support.library import downloaded, fetch
from tests.support.older_journal import downgrade
from tests.support.web_server import Site

ONCE = Options(retries=0)
REFRESH = replace(ONCE, refresh=True)
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
SECONDS = 784111777
HTML = {"Content-Type": "text/html; charset=utf-8"}
BINARY = {"Content-Type": "application/octet-stream"}
LARGE = random.Random(7).randbytes(2 * MIB)


def journal_of(folder: Path) -> Path:
    return folder / STATE_FOLDER / "journal.sqlite3"


def asked(site: Site) -> list[str]:
    """Return the paths asked for since the last call."""
    paths = [request.path for request in site.requests]
    site.requests.clear()
    return paths


# --- a second run --------------------------------------------------------------------------------


async def test_a_second_run_asks_for_nothing_that_is_done_and_says_so(
    site: Site, command: Command
) -> None:
    site.pages = {f"/{number}": f"page {number}" for number in range(5)}
    addresses = list(map(site.url, site.pages))
    assert (await command(*addresses)).status == 0
    assert len(asked(site)) == 5
    ran = await command(*addresses)
    assert (ran.status, ran.err, asked(site)) == (0, [], [])
    assert f"Skipped {site.url('/3')}: already saved as {site.folder}/3.html" in ran.out
    assert ran.out[-1].startswith("5 URLs: 0 downloaded, 0 unchanged, 5 skipped, 0 failed; 0 B")


async def test_a_second_run_asks_again_for_what_failed_and_for_what_is_new(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/good": "good", "/later": sends(b"not yet", status=404)}
    addresses = [site.url("/good"), site.url("/later")]
    good, later = await fetch(addresses, tmp_path, ONCE)
    assert isinstance(later, Failed)
    asked(site)
    site.pages |= {"/later": "now", "/new": "new"}
    outcomes = await fetch([*addresses, site.url("/new")], tmp_path, ONCE)
    assert [type(outcome) for outcome in outcomes] == [Skipped, Downloaded, Downloaded]
    assert sorted(asked(site)) == ["/later", "/new"]
    assert downloaded(good).path in saved_files(tmp_path)


async def test_a_line_that_is_repeated_is_a_duplicate_in_a_second_run_as_well(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "page"}
    await fetch([site.url(), site.url()], tmp_path)
    first, second = await fetch([site.url(), site.url()], tmp_path)
    assert isinstance(first, Skipped)
    assert isinstance(second, Skipped)
    assert (first.reason, second.reason) == (SkipReason.DONE, SkipReason.DUPLICATE)


async def test_a_list_in_another_order_finds_every_page_under_its_own_name(
    site: Site, tmp_path: Path
) -> None:
    # Both want readme.html; the first to come has it.
    site.pages = {"/README": "upper", "/readme": "lower"}
    upper, lower = map(downloaded, await fetch(map(site.url, site.pages), tmp_path))
    (tmp_path / upper.path).unlink()
    lower_again, upper_again = await fetch([site.url("/readme"), site.url("/README")], tmp_path)
    assert isinstance(lower_again, Skipped)
    assert downloaded(upper_again).path == upper.path
    assert (tmp_path / lower.path).read_text() == "lower"


async def test_force_fetches_again_and_replaces(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": in_turn(sends(b"old", HTML), sends(b"new", HTML))}
    (first,) = await fetch([site.url()], tmp_path)
    (second,) = await fetch([site.url()], tmp_path, Options(force=True))
    assert contents(tmp_path) == {downloaded(first).path: b"new"}
    assert downloaded(second).set_aside == ""


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: os.truncate(file, 3)])
async def test_a_file_that_was_deleted_or_cut_by_hand_is_fetched_again(
    site: Site, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    site.pages = {"/a": "whole", "/b": "other"}
    first, _ = await fetch(map(site.url, site.pages), tmp_path)
    damage(tmp_path / downloaded(first).path)
    asked(site)
    again, other = await fetch(map(site.url, site.pages), tmp_path)
    assert (tmp_path / downloaded(again).path).read_text() == "whole"
    assert isinstance(other, Skipped)
    assert asked(site) == ["/a"]


async def test_a_file_changed_to_another_of_equal_size_is_found_by_verify_and_kept(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": "theirs", "/b": "other"}
    addresses = list(map(site.url, site.pages))
    path = downloaded((await fetch(addresses, tmp_path))[0]).path
    (tmp_path / path).write_text("mine!!")
    asked(site)
    assert isinstance((await fetch(addresses, tmp_path))[0], Skipped)
    again, other = await fetch(addresses, tmp_path, Options(verify=True))
    assert asked(site) == ["/a"]
    assert isinstance(other, Skipped)
    assert (tmp_path / path).read_text() == "theirs"
    assert (tmp_path / f"{path}.~1~").read_text() == "mine!!"
    assert downloaded(again).set_aside == Path(f"{path}.~1~").name
    assert {type(one) for one in await fetch(addresses, tmp_path, Options(verify=True))} == {
        Skipped
    }
    assert asked(site) == []


async def test_a_file_that_became_a_link_or_a_folder_is_not_taken_for_done(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": "page", "/b": "page"}
    first, second = map(downloaded, await fetch(map(site.url, site.pages), tmp_path))
    outside = tmp_path / "outside"
    outside.write_text("page")
    (tmp_path / first.path).unlink()
    (tmp_path / first.path).symlink_to(outside)
    (tmp_path / second.path).unlink()
    (tmp_path / second.path).mkdir()
    link, folder = await fetch(map(site.url, site.pages), tmp_path)
    assert not (tmp_path / downloaded(link).path).is_symlink()
    assert isinstance(folder, Failed)
    assert folder.kind is ErrorKind.BLOCKED
    assert outside.read_text() == "page"


async def test_a_checksum_that_the_list_now_gives_is_held_against_what_is_there(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": in_turn(sends(b"old", HTML), sends(b"new", HTML))}

    def promised(body: bytes, algorithm: str = "sha256") -> list[Target]:
        digest = hashlib.new(algorithm, body).hexdigest()
        return [Target(url=parse(site.url()), checksum=Checksum(algorithm, digest))]

    await fetch([site.url()], tmp_path)
    for kept in (promised(b"old"), promised(b"old", "md5")):
        assert isinstance((await fetch(kept, tmp_path))[0], Skipped)
    assert len(asked(site)) == 1
    (outcome,) = await fetch(promised(b"new"), tmp_path)
    assert contents(tmp_path) == {downloaded(outcome).path: b"new"}
    (outcome,) = await fetch(promised(b"newer", "sha1"), tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.CHECKSUM
    assert list(contents(tmp_path).values()) == [b"new"]


async def test_a_name_that_the_list_now_gives_is_used_and_the_old_file_stays(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "page"}
    await fetch([Target(url=parse(site.url()), name="one.html")], tmp_path)
    (outcome,) = await fetch([Target(url=parse(site.url()), name="two.html")], tmp_path)
    assert downloaded(outcome).path == "two.html"
    assert set(contents(tmp_path)) == {"one.html", "two.html"}
    (outcome,) = await fetch([Target(url=parse(site.url()), name="two.html")], tmp_path)
    assert isinstance(outcome, Skipped)


# --- --refresh -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("validators", "condition"),
    [
        ({"ETag": '"v1"', "Last-Modified": DATE}, ("If-None-Match", '"v1"')),
        ({"ETag": 'W/"v1"'}, ("If-None-Match", 'W/"v1"')),
        ({"Last-Modified": DATE}, ("If-Modified-Since", DATE)),
    ],
    ids=["tag", "weak tag", "date"],
)
async def test_what_has_not_changed_is_not_sent_again(
    site: Site, tmp_path: Path, validators: dict[str, str], condition: tuple[str, str]
) -> None:
    site.pages = {"/": keeps("Grüße".encode(), {**HTML, **validators})}
    (first,) = await fetch([site.url()], tmp_path)
    before = (tmp_path / downloaded(first).path).stat()
    (second,) = await fetch([site.url()], tmp_path, REFRESH)
    assert isinstance(second, Unchanged)
    assert (second.path, second.size, second.characters) == (downloaded(first).path, 7, 5)
    name, value = condition
    assert site.requests[1].headers[name] == value
    assert (tmp_path / second.path).stat().st_ino == before.st_ino
    assert isinstance((await fetch([site.url()], tmp_path))[0], Skipped)


async def test_unchanged_is_a_line_of_its_own_and_a_success(site: Site, command: Command) -> None:
    site.pages = {"/": keeps(b"page", {**HTML, "ETag": '"v1"'})}
    await command(site.url())
    ran = await command(site.url(), "--refresh")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[0] == f"Unchanged downloaded_sites/{site.folder}.html: 4 characters, 4 B"
    assert ran.out[1].startswith("1 URL: 0 downloaded, 1 unchanged, 0 skipped, 0 failed; ")


async def test_without_validators_the_whole_is_asked_for(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": in_turn(sends(b"old", HTML), sends(b"new", HTML))}
    await fetch([site.url()], tmp_path)
    (outcome,) = await fetch([site.url()], tmp_path, REFRESH)
    assert contents(tmp_path) == {downloaded(outcome).path: b"new"}
    assert not [name for name in site.requests[1].headers if name.startswith("If-")]


@pytest.mark.parametrize("size", [1000, 2 * MIB])
async def test_what_has_changed_is_replaced_at_once_and_never_seen_half(
    site: Site, tmp_path: Path, size: int
) -> None:
    old, new = b"o" * size, b"n" * size
    seen: list[bytes] = []

    async def changed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**BINARY, "ETag": '"v2"'})
        response.content_length = size
        await response.prepare(request)
        for start in range(0, size, size // 8):
            await response.write(new[start : start + size // 8])
            seen.append((tmp_path / site.folder / "file.bin").read_bytes())
        return response

    site.pages = {"/file.bin": in_turn(keeps(old, {**BINARY, "ETag": '"v1"'}), changed)}
    await fetch([site.url("/file.bin")], tmp_path)
    (outcome,) = await fetch([site.url("/file.bin")], tmp_path, REFRESH)
    assert contents(tmp_path) == {downloaded(outcome).path: new}
    assert set(seen) == {old}
    assert downloaded(outcome).set_aside == ""


async def test_when_the_type_changes_the_old_name_goes(site: Site, tmp_path: Path) -> None:
    page = keeps(b"<p>", {**HTML, "ETag": '"v1"'})
    picture = sends(b"\x89PNG", {"Content-Type": "image/png", "ETag": '"v2"'})
    site.pages = {"/x": in_turn(page, picture)}
    await fetch([site.url("/x")], tmp_path)
    assert set(contents(tmp_path)) == {f"{site.folder}/x.html"}
    await fetch([site.url("/x")], tmp_path, REFRESH)
    assert set(contents(tmp_path)) == {f"{site.folder}/x.png"}
    assert isinstance((await fetch([site.url("/x")], tmp_path))[0], Skipped)


@pytest.mark.parametrize(
    "failure",
    [
        sends(b"gone", status=404),
        sends(LARGE, {**BINARY, "ETag": '"v2"'}, cut=MIB + MIB // 2),
        sends(LARGE, {"Content-Type": "image/png", "ETag": '"v2"'}, cut=MIB + MIB // 2),
    ],
    ids=["not found", "broken", "broken and of another type"],
)
async def test_a_refresh_that_fails_leaves_what_is_there_and_the_next_one_replaces_it(
    site: Site, tmp_path: Path, failure: Callable[[web.Request], object]
) -> None:
    old, new = keeps(b"old", {**BINARY, "ETag": '"v1"'}), keeps(LARGE, {**BINARY, "ETag": '"v2"'})
    site.pages = {"/x": in_turn(old, failure, new)}  # type: ignore[arg-type]
    path = downloaded((await fetch([site.url("/x")], tmp_path))[0]).path
    (outcome,) = await fetch([site.url("/x")], tmp_path, REFRESH)
    assert isinstance(outcome, Failed)
    assert (tmp_path / path).read_bytes() == b"old"
    assert isinstance((await fetch([site.url("/x")], tmp_path))[0], Skipped)
    (outcome,) = await fetch([site.url("/x")], tmp_path, REFRESH)
    assert contents(tmp_path) == {path: LARGE}


async def test_a_304_that_nobody_asked_for_is_a_failure(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": in_turn(sends(b"page", HTML), sends(status=304))}
    await fetch([site.url()], tmp_path)
    (outcome,) = await fetch([site.url()], tmp_path, replace(ONCE, force=True))
    assert isinstance(outcome, Failed)
    assert outcome.status == 304


# --- times of files ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, MIB + 1])
async def test_the_time_of_last_modified_becomes_the_file_s_unless_that_is_turned_off(
    site: Site, tmp_path: Path, size: int
) -> None:
    site.pages = {"/file.bin": sends(b"x" * size, {**BINARY, "Last-Modified": DATE})}
    path = tmp_path / downloaded((await fetch([site.url("/file.bin")], tmp_path))[0]).path
    assert path.stat().st_mtime == SECONDS
    await fetch([site.url("/file.bin")], tmp_path, Options(force=True, server_timestamps=False))
    assert path.stat().st_mtime == pytest.approx(time.time(), abs=60)


async def test_a_date_without_a_zone_is_utc_wherever_the_command_runs(
    site: Site, command: Command
) -> None:
    site.pages = {"/": sends(b"page", {**HTML, "Last-Modified": "Sun Nov  6 08:49:37 1994"})}
    command.environment["TZ"] = "Asia/Tokyo"
    assert (await command(site.url())).status == 0
    file = command.folder / "downloaded_sites" / f"{site.folder}.html"
    assert file.stat().st_mtime == SECONDS
    assert (await command(site.url(), "--force", "--no-use-server-timestamps")).status == 0
    assert file.stat().st_mtime == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    "date",
    ["yesterday", "Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "-1", "0"],
)
async def test_a_date_that_makes_no_sense_does_no_harm(
    site: Site, tmp_path: Path, date: str
) -> None:
    site.pages = {"/": sends(b"page", {**HTML, "Last-Modified": date})}
    downloaded((await fetch([site.url()], tmp_path))[0])


# --- a journal that is gone, broken or not ours --------------------------------------------------


async def test_when_the_journal_is_deleted_what_is_there_is_adopted_or_set_aside(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/same": "same", "/changed": "old", "/large.bin": LARGE}
    addresses = list(map(site.url, site.pages))
    same, changed, large = map(downloaded, await fetch(addresses, tmp_path))
    for version in ("new", "newer"):
        for file in (tmp_path / STATE_FOLDER).iterdir():
            file.unlink()
        site.pages["/changed"] = version
        outcomes = [downloaded(outcome) for outcome in await fetch(addresses, tmp_path)]
        assert [outcome.set_aside for outcome in outcomes if outcome.path != changed.path] == [
            "",
            "",
        ]
    assert contents(tmp_path) == {
        same.path: b"same",
        changed.path: b"newer",
        f"{changed.path}.~1~": b"old",
        f"{changed.path}.~2~": b"new",
        large.path: LARGE,
    }
    asked(site)
    assert {type(outcome) for outcome in await fetch(addresses, tmp_path)} == {Skipped}
    assert asked(site) == []


async def test_a_foreign_file_in_the_way_is_set_aside_and_the_line_says_so(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "theirs"}
    output = command.folder / "out"
    output.mkdir()
    (output / f"{site.folder}.html").write_text("mine")
    (output / f"{site.folder}.html.~1~").write_text("mine, older")
    ran = await command(site.url(), "-o", "out")
    assert ran.status == 0
    aside = f"{site.folder}.html.~2~"
    assert ran.out[0] == (
        f"Downloaded out/{site.folder}.html: 6 characters, 6 B (the existing file is now {aside})"
    )
    assert contents(output) == {
        f"{site.folder}.html": b"theirs",
        f"{site.folder}.html.~1~": b"mine, older",
        aside: b"mine",
    }


def garbage(file: Path) -> None:
    file.write_bytes(random.Random(0).randbytes(30_000))


def cut_in_half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def cut_in_header(file: Path) -> None:
    os.truncate(file, 50)


def overwritten_inside(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * 8192)


def of_another_program(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE urls (id INTEGER PRIMARY KEY, visited TEXT)")
        db.execute("CREATE TABLE runs (name TEXT)")


@pytest.mark.slow(keep=1)
@pytest.mark.parametrize(
    "damage", [garbage, cut_in_half, cut_in_header, overwritten_inside, of_another_program]
)
async def test_a_broken_journal_is_set_aside_with_a_warning_and_nothing_is_lost(
    site: Site, command: Command, damage: Callable[[Path], None]
) -> None:
    site.pages = {f"/{number}": f"page {number}" for number in range(100)}
    (command.folder / "list").write_text("\n".join(map(site.url, site.pages)))
    assert (await command("list")).status == 0
    output = command.folder / "downloaded_sites"
    whole = contents(output)
    journal = journal_of(output)
    damage(journal)
    size = journal.stat().st_size
    ran = await command("list")
    assert ran.status == 0
    aside = journal.with_name("journal.sqlite3.broken-1")
    assert [line for line in ran.err if line.startswith("download: the journal ")] == [
        f"download: the journal downloaded_sites/{STATE_FOLDER}/journal.sqlite3 was broken and is "
        f"now {aside.name}; saved files are fetched again and compared"
    ]
    assert aside.stat().st_size >= size
    assert contents(output) == whole
    asked(site)
    assert (await command("list")).status == 0
    assert asked(site) == []


@pytest.mark.slow
async def test_an_empty_journal_is_as_good_as_none(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    await command(site.url())
    journal = journal_of(command.folder / "downloaded_sites")
    journal.write_bytes(b"")
    ran = await command(site.url())
    assert (ran.status, len(asked(site))) == (0, 2)
    assert (await command(site.url())).status == 0
    assert asked(site) == []


@pytest.mark.slow
async def test_after_any_damage_at_all_to_the_journal_every_page_is_there(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": f"page {number}" for number in range(30)}
    addresses = list(map(site.url, site.pages))
    await fetch(addresses, tmp_path)
    pages = set(contents(tmp_path).values())
    good = journal_of(tmp_path).read_bytes()
    for seed in range(100):
        chance = random.Random(seed)
        damaged = bytearray(good)
        for _ in range(chance.choice([1, 10, 500])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        journal_of(tmp_path).write_bytes(damaged[: chance.choice([len(good), -1, -5000])])
        outcomes = await fetch(addresses, tmp_path)
        assert {type(outcome) for outcome in outcomes} <= {Downloaded, Skipped}, seed
        assert set(contents(tmp_path).values()) == pages, seed


async def test_the_journal_of_a_newer_version_is_refused_and_left_alone(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "page"}
    await command(site.url())
    output = command.folder / "downloaded_sites"
    with closing(sqlite3.connect(journal_of(output))) as db:
        db.execute("PRAGMA user_version = 99")
    before = journal_of(output).read_bytes()
    ran = await command(site.url("/other"))
    assert (ran.status, ran.out) == (2, [])
    assert ran.err == [
        f"download: downloaded_sites/{STATE_FOLDER}/journal.sqlite3 was written by a newer version "
        "of this program; update it, or choose another --output"
    ]
    assert journal_of(output).read_bytes() == before
    assert asked(site) == ["/"]


async def test_a_journal_from_before_docx_was_known_does_not_let_one_file_replace_another(
    site: Site, tmp_path: Path
) -> None:
    docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    site.pages = {
        "/report.docx": sends(b"first", headers={"Content-Type": docx}),
        "/report": sends(b"second", headers=BINARY),
    }
    addresses = list(map(site.url, site.pages))
    await fetch(addresses, tmp_path)
    with closing(sqlite3.connect(journal_of(tmp_path))) as db:
        db.execute("DELETE FROM claims WHERE key LIKE '*%'")
        # As the older version named them.
        base = db.execute("SELECT base FROM urls WHERE base LIKE '%.docx'").fetchone()[0]
        plain = base.removesuffix(".docx")
        db.execute("UPDATE urls SET base = ? WHERE base NOT LIKE '%.docx'", [plain])
        db.execute("UPDATE claims SET key = ? WHERE key LIKE '?%'", [f"?{plain}"])
        downgrade(db, 3)
    site.pages["/report"] = sends(b"second", headers={"Content-Type": docx})
    outcomes = await fetch(addresses, tmp_path, replace(ONCE, force=True))
    paths = [downloaded(outcome).path for outcome in outcomes]
    assert [contents(tmp_path)[path] for path in paths] == [b"first", b"second"]
    assert paths[0] == base
    assert not list((tmp_path / STATE_FOLDER).glob("*.broken-*"))


@pytest.mark.parametrize("planted", ["folder", "dangling folder", "journal", "write-ahead log"])
async def test_a_planted_symbolic_link_in_place_of_the_journal_is_refused(
    site: Site, tmp_path: Path, planted: str
) -> None:
    outside, output = tmp_path / "outside", tmp_path / "output"
    outside.mkdir()
    (outside / "file").write_text("mine")
    output.mkdir()
    if planted == "folder":
        (output / STATE_FOLDER).symlink_to(outside)
    elif planted == "dangling folder":
        (output / STATE_FOLDER).symlink_to(tmp_path / "nowhere")
    else:
        (output / STATE_FOLDER).mkdir()
        end = "-wal" if planted == "write-ahead log" else ""
        journal = journal_of(output)
        journal.with_name(journal.name + end).symlink_to(outside / "file")
    with pytest.raises(OutputError):
        await fetch([site.url()], output)
    assert contents(outside) == {"file": b"mine"}
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
async def test_two_runs_on_one_folder_the_second_is_refused_and_the_first_not_disturbed(
    site: Site, command: Command
) -> None:
    release = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text="slow")

    site.pages = {"/slow": slow, "/quick": "quick", "/other": "other"}
    first = await command.start(site.url("/slow"), site.url("/quick"))
    await site.asked(2)
    second = await command(site.url("/other"))
    assert (second.status, second.out) == (2, [])
    assert second.err == [
        "download: another run is using the folder downloaded_sites; "
        "wait for it, or choose another --output"
    ]
    elsewhere = await command(site.url("/other"), "-o", "elsewhere")
    assert elsewhere.status == 0
    release.set()
    ran = await finished(first)
    assert (ran.status, ran.err) == (0, [])
    assert (
        (await command(site.url("/slow"), site.url("/quick")))
        .out[-1]
        .startswith("2 URLs: 0 downloaded, 0 unchanged, 2 skipped")
    )


async def test_two_runs_of_one_process_do_not_share_a_folder_either(
    site: Site, tmp_path: Path
) -> None:
    release = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text="slow")

    site.pages = {"/slow": slow}
    first = asyncio.create_task(fetch([site.url("/slow")], tmp_path))
    await site.asked()
    with pytest.raises(OutputError, match="another run is using the folder"):
        await fetch([site.url("/slow")], tmp_path)
    release.set()
    (outcome,) = await first
    assert isinstance(outcome, Downloaded)


# --- what a killed run saved but did not note ----------------------------------------------------


def forget(folder: Path) -> None:
    """Leave the journal as a run does that is killed before it notes what it has saved."""
    with closing(sqlite3.connect(journal_of(folder))) as db:
        db.execute("UPDATE urls SET state = 0, path = NULL, saved = NULL, sha256 = NULL")
        db.commit()


async def test_what_was_saved_but_not_noted_is_known_by_its_file(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": "a", "/b.bin": b"b", "/c/": "c"}
    addresses = list(map(site.url, site.pages))
    await fetch(addresses, tmp_path)
    forget(tmp_path)
    asked(site)
    for _ in range(2):
        assert {type(outcome) for outcome in await fetch(addresses, tmp_path)} == {Skipped}
    assert asked(site) == []


async def test_a_file_that_was_there_before_its_name_was_claimed_is_not_taken_for_ours(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "theirs"}
    file = tmp_path / f"{site.folder}.html"
    file.write_text("mine")
    # As long as a file system's clock may be behind.
    await asyncio.sleep(0.1)
    site.pages["/"] = sends(status=503)
    await fetch([site.url()], tmp_path, ONCE)
    forget(tmp_path)
    site.pages["/"] = "theirs"
    (outcome,) = await fetch([site.url()], tmp_path, ONCE)
    assert downloaded(outcome).set_aside == f"{file.name}.~1~"
    assert file.with_name(downloaded(outcome).set_aside).read_text() == "mine"


async def test_a_folder_that_was_swapped_for_a_link_holds_nothing_that_is_done(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/x": "page"}
    output, outside = tmp_path / "output", tmp_path / "outside"
    await fetch([site.url("/x")], output)
    (output / site.folder).rename(outside)
    (output / site.folder).symlink_to(outside)
    (outcome,) = await fetch([site.url("/x")], output)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.BLOCKED


async def test_a_cleaned_name_is_found_again(site: Site, tmp_path: Path) -> None:
    site.pages = {f"/{letter}": f"page {letter}" for letter in "abc"}
    targets = [
        Target(url=parse(site.url(f"/{letter}")), name=name)
        for letter, name in (("a", "a: b?"), ("b", "a| b?"), ("c", "folder\\c"))
    ]
    first = [downloaded(outcome).path for outcome in await fetch(targets, tmp_path)]
    assert (first[0], first[2]) == ("a_ b_", "folder/c")
    assert len(set(first)) == 3
    again = await fetch(targets, tmp_path)
    assert all(isinstance(outcome, Skipped) for outcome in again)
    assert [outcome.path for outcome in again if isinstance(outcome, Skipped)] == first
    assert len(site.requests) == 3


async def test_names_that_a_list_gives_may_move_from_one_address_to_the_next(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{letter}": f"page {letter}" for letter in "abcd"}

    def named(letters: str) -> list[Target]:
        return [
            Target(url=parse(site.url(f"/{letter}")), name=f"{number}.html")
            for number, letter in enumerate(letters)
        ]

    def held(letters: str) -> dict[str, bytes]:
        return {
            f"{number}.html": f"page {letter}".encode() for number, letter in enumerate(letters)
        }

    for letters in ("abc", "dabc", "ab", "cd"):
        outcomes = await fetch(named(letters), tmp_path)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        found = {name: body for name, body in contents(tmp_path).items() if "~" not in name}
        assert found.items() >= held(letters).items()
    one, other = await fetch(
        [Target(url=parse(site.url(path)), name="0.html") for path in ("/a", "/b")], tmp_path
    )
    assert downloaded(one).path == "0.html"
    assert re.fullmatch(r"0~[a-z2-7]{10}\.html", downloaded(other).path)
    (first,) = await fetch([site.url("/c")], tmp_path)
    assert downloaded(first).path == f"{site.folder}/c.html"


@pytest.mark.parametrize("name", ["../../secret", "/tmp/secret", ".download/journal.sqlite3"])
@pytest.mark.parametrize("column", ["base", "path", "part_path"])
async def test_a_journal_does_not_lead_out_of_the_folder(
    site: Site, tmp_path: Path, column: str, name: str
) -> None:
    out = tmp_path / "deep" / "down" / "out"
    site.pages["/"] = b"0" * 3_000_000
    await download_sites([site.url()], out)
    with sqlite3.connect(out / ".download" / "journal.sqlite3") as journal:
        journal.execute(
            f"UPDATE urls SET state = 0, path = NULL, admitted = 1e12, validator = 'a', "
            f"part_url = url, growth = 'never', {column} = ?",
            (name,),
        )
    journal.close()
    for secret in (tmp_path / "deep" / "secret", tmp_path / "deep" / "secret.part"):
        secret.write_bytes(b"kept")
    (outcome,) = await download_sites([site.url()], out)
    assert isinstance(outcome, Downloaded)
    assert stays_within(outcome.path)
    assert {path.read_bytes() for path in (tmp_path / "deep").glob("secret*")} == {b"kept"}
    assert isinstance((await download_sites([site.url()], out))[0], Skipped)
