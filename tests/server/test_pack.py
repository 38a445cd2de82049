"""``--pack warc``: bodies in volumes instead of files, and a journal that knows where."""

import asyncio
import gzip
import hashlib
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Options, Outcome, Skipped, Unchanged
from downloader.archive.file_series import PackVolumes, index_path, is_pack_volume, lock_file
from downloader.core.local_run import LocalRun
from downloader.errors import DownloadError, OutputError
from downloader.journal import STATE_FOLDER
from downloader.models import Pack
from downloader.sources import from_items
from tests.support.archives import Read, answers, check, count_gzip_members
from tests.support.command import Command, CommandResult, finished, shown_size
from tests.support.files import MIB, contents, saved_files, wait_for_size
from tests.support.handlers import delayed, in_turn, keeps, sends
from tests.support.library import downloaded, fetch
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.processes import child_processes
from tests.support.resumable_pages import ResumablePages
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Site

PAGE = "<!doctype html><title>Lights</title><p>The lamp turns.</p>" * 20
LARGE = random.Random(5).randbytes(3 * MIB)
PACKED = Options(pack=Pack.WARC)


@pytest.fixture
def command(command: Command) -> Command:
    """The real command, which packs, without lines of progress when this machine is slow."""
    command.environment |= {
        "DOWNLOAD_NO_PROGRESS": "1",
        "DOWNLOAD_PACK": "warc",
        "DOWNLOAD_OUTPUT": "out",
    }
    return command


@pytest.fixture
def plain(command: Command) -> Command:
    """The real command as it is without options."""
    other = Command(command.folder)
    other.environment["DOWNLOAD_NO_PROGRESS"] = "1"
    return other


def volumes(folder: Path) -> list[Path]:
    """Return the volumes of an output folder, and hold that there is nothing else but indexes."""
    found = sorted(folder.glob("pack-*.warc.gz"))
    names = {path.name for path in found} | {index_path(path).name for path in found}
    assert saved_files(folder) == names
    return found


def packed(folder: Path) -> list[Read]:
    """Return the answers in all volumes, which warcio must find without fault."""
    return [answer for path in volumes(folder) for answer in answers(path)]


def bodies(folder: Path) -> dict[str, bytes]:
    """Return what each address has in the volumes, which must be there once."""
    found = packed(folder)
    assert max(Counter(answer.url for answer in found).values(), default=1) == 1
    by_digest = {
        answer.fields["WARC-Payload-Digest"]: answer.payload
        for answer in found
        if answer.kind == "response"
    }
    return {
        answer.url: by_digest[answer.fields["WARC-Payload-Digest"]]
        for answer in found
        if answer.head.startswith(b"HTTP/1.1 200 ")
    }


def listed(command: Command, addresses: Iterable[str]) -> Path:
    path = command.folder / "list"
    path.write_text("\n".join(addresses))
    return path


def summary(ran: CommandResult) -> str:
    line = next(line for line in ran.out if " URLs: " in line)
    return re.split(r"; | \(", line)[0]


def forget(folder: Path) -> None:
    """Make the journal what it was when the run had noted nothing of what it packed."""
    with closing(sqlite3.connect(folder / STATE_FOLDER / "journal.sqlite3")) as db:
        db.execute("UPDATE urls SET state = 0, path = NULL, saved = NULL, packed_at = NULL")
        db.commit()


def unfinished(volume: Path, cut: int = 0) -> None:
    """Make a volume what a killed run leaves: without name, without index, perhaps cut."""
    data = volume.read_bytes()
    volume.with_name(f"{volume.name}.open").write_bytes(data[: len(data) - cut])
    volume.unlink()
    index_path(volume).unlink()


async def test_bodies_are_in_a_volume_and_a_second_run_has_nothing_to_do(
    site: Site, command: Command
) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number}" for number in range(30)}
    site.pages["/large.bin"] = LARGE
    listed(command, map(site.url, site.pages))
    first = await command("list")
    (volume,) = volumes(command.folder / "out")
    assert (first.status, first.err) == (0, [])
    assert f"Downloaded out/{volume.name}: {shown_size(PAGE + '0')}" in first.out
    assert f"Downloaded out/{volume.name}: {shown_size(LARGE)}" in first.out
    assert first.out[-1] == f"Archived in out/{volume.name}"
    assert bodies(command.folder / "out") == {
        site.url(path): page.encode() if isinstance(page, str) else page
        for path, page in site.pages.items()
    }
    site.requests.clear()
    before = contents(command.folder / "out")
    second = await command("list")
    assert summary(second) == "31 URLs: 0 downloaded, 0 unchanged, 31 skipped, 0 failed"
    assert f"Skipped {site.url('/3')}: already saved in {volume.name}" in second.out
    assert (site.requests, contents(command.folder / "out")) == ([], before)


@pytest.mark.slow
async def test_unpacking_gives_the_files_of_a_plain_run(
    site: Site, command: Command, plain: Command
) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    coded = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    site.pages = {
        "/": away,
        "/page": PAGE,
        "/again": PAGE,
        "/empty": b"",
        "/coded": sends(gzip.compress(PAGE.encode()), coded),
        "/large.bin": LARGE,
        "/dated.txt": sends(b"then", {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}),
        "/lost": sends(b"no", status=404),
    }
    listed(command, map(site.url, site.pages))
    await command("list", "--warc-max-size", "1k")
    await plain("list", "-o", "plain")
    asked = len(site.requests)
    ran = await plain(*volumes(command.folder / "out"), "-o", "unpacked")
    assert ran.status == 0
    assert len(site.requests) == asked, "nothing came over the network"
    assert contents(command.folder / "unpacked") == contents(command.folder / "plain")
    # Into the folder of the volumes, too.
    await plain(*volumes(command.folder / "out"), "-o", "out")
    both = contents(command.folder / "out")
    assert contents(command.folder / "plain").items() <= both.items()


async def test_what_fails_is_told_and_kept_out_and_tried_again(
    site: Site, command: Command
) -> None:
    coded = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
    site.pages = {
        "/lost": sends(b"no", status=404),
        "/busy": sends(b"later", status=503),
        "/cut": sends(b"x" * 5000, cut=100),
        "/cut.bin": sends(LARGE, cut=2 * MIB),
        "/coded": sends(gzip.compress(PAGE.encode())[:-9], coded),
        "/other": b"not what was promised",
        "/other.bin": LARGE,
        "/huge": b"y" * 4 * MIB,
        "/fine": b"fine",
    }
    promise = f"\n checksum=sha-256={'0' * 64}"
    promised = ("/other", "/other.bin")
    lines = [site.url(path) + promise * (path in promised) for path in site.pages]
    listed(command, lines)
    options = ("--retries", "1", "--max-size", "3500k")
    ran = await command("list", *options)
    assert ran.status == 1
    assert summary(ran) == "9 URLs: 1 downloaded, 0 unchanged, 0 skipped, 8 failed"
    assert len([line for line in ran.err if line.startswith("Failed ")]) == 8
    assert bodies(command.folder / "out") == {site.url("/fine"): b"fine"}

    site.pages = dict.fromkeys(site.pages, b"well now")
    listed(command, [site.url(path) for path in site.pages])
    again = await command("list", *options)
    assert summary(again) == "9 URLs: 8 downloaded, 0 unchanged, 1 skipped, 0 failed"
    assert len(bodies(command.folder / "out")) == 9


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "rounds"), [("1", 6), ("2", 4)])
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_after_a_kill_the_same_command_ends_with_every_body_once(
    site: Site, command: Command, processes: str, rounds: int
) -> None:
    pages = ResumablePages.made()
    site.pages = dict.fromkeys(pages.bodies, pages.answer)
    listed(command, map(site.url, pages.bodies))
    wanted = {site.url(path): body for path, body in pages.bodies.items()}
    options = ("-j", "8", "--warc-max-size", "300k", "--processes", processes)
    for seed in range(rounds):
        chance = random.Random(seed)
        shutil.rmtree(command.folder / "out", ignore_errors=True)
        pages.hurry.clear()
        site.requests.clear()
        process = await command.start("list", *options)
        await site.asked(chance.randrange(1, len(pages.bodies)))
        await asyncio.sleep(chance.uniform(0, 0.05))
        process.kill()
        await finished(process)
        assert process.returncode == -signal.SIGKILL
        pages.hurry.set()

        ran = await command("list", *options)
        assert ran.status == 0, ran
        assert summary(ran).startswith(f"{len(wanted)} URLs: ")
        told = [line for line in ran.out if line.startswith(("Downloaded ", "Skipped "))]
        assert len(told) == len(wanted), "one outcome for each line"
        assert bodies(command.folder / "out") == wanted, seed
    site.requests.clear()
    assert summary(await command("list", *options)).endswith(f"{len(wanted)} skipped, 0 failed")
    assert site.requests == []


@pytest.mark.slow
async def test_what_a_killed_run_packed_and_did_not_note_is_not_fetched_again(
    site: Site, command: Command
) -> None:
    async def away(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/page")

    site.pages = {"/page": PAGE, "/again": PAGE, "/away": away, "/large.bin": LARGE}
    listed(command, map(site.url, site.pages))
    first = await command("list", "-j", "1")
    (volume,) = volumes(command.folder / "out")
    whole = volume.read_bytes()
    unfinished(volume)
    forget(command.folder / "out")
    site.requests.clear()
    second = await command("list", "-j", "1")
    assert second.err == [f"download: recovered {volume.name} of a killed run"]
    assert sorted(second.out[:4]) == sorted(first.out[:4])
    assert site.requests == []
    assert volumes(command.folder / "out") == [volume]
    assert volume.read_bytes() == whole
    assert summary(await command("list")).endswith("4 skipped, 0 failed")


async def test_of_a_cut_volume_the_rest_is_fetched(site: Site, command: Command) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number}" for number in range(5)}
    listed(command, map(site.url, site.pages))
    await command("list", "-j", "1")
    (volume,) = volumes(command.folder / "out")
    last = answers(volume)[-1]
    wanted = bodies(command.folder / "out")
    unfinished(volume, cut=volume.stat().st_size - last.offset - last.length // 2)
    site.requests.clear()
    ran = await command("list")
    assert "bytes of an incomplete record" in ran.err[0]
    assert summary(ran) == "5 URLs: 1 downloaded, 0 unchanged, 4 skipped, 0 failed"
    assert [site.url(request.path) for request in site.requests] == [last.url]
    assert bodies(command.folder / "out") == wanted


async def test_what_is_left_over_and_damaged_comes_from_the_server(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/large.bin": LARGE}
    await fetch([site.url("/large.bin")], tmp_path, PACKED)
    (volume,) = volumes(tmp_path)
    data = bytearray(volume.read_bytes())
    data[MIB] ^= 0xFF
    volume.write_bytes(data)
    forget(tmp_path)
    (outcome,) = await fetch([site.url("/large.bin")], tmp_path, PACKED)
    assert isinstance(outcome, Downloaded)
    assert (outcome.path, outcome.attempts) == (volumes(tmp_path)[-1].name, 2)
    assert len(site.requests) == 2


async def test_wherever_a_volume_is_damaged_the_body_is_what_the_server_has(
    site: Site, tmp_path: Path
) -> None:
    chance = random.Random(3)
    site.pages = {
        "/stored.png": sends(chance.randbytes(60_000), {"Content-Type": "image/png"}),
        "/page": PAGE,
        "/again": PAGE,
    }
    urls = [*map(site.url, site.pages)]
    whole = await fetch(urls, tmp_path / "whole", PACKED)
    hashes = [downloaded(outcome).sha256 for outcome in whole]
    for _ in range(60):
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        shutil.copytree(tmp_path / "whole", tmp_path / "out")
        (volume,) = volumes(tmp_path / "out")
        file = chance.choice([volume, volume, index_path(volume)])
        data = bytearray(file.read_bytes())
        for _ in range(chance.choice([1, 20])):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        forget(tmp_path / "out")
        again = await fetch(urls, tmp_path / "out", PACKED)
        assert [downloaded(outcome).sha256 for outcome in again] == hashes


async def test_what_is_left_over_is_believed_by_its_digest_alone(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": PAGE}
    await fetch([site.url("/a")], tmp_path, PACKED)
    (volume,) = volumes(tmp_path)
    (answer,) = answers(volume)
    data = volume.read_bytes()
    end = answer.offset + answer.length
    record = gzip.decompress(data[answer.offset : end]).replace(b"lamp", b"lump")
    volume.write_bytes(data[: answer.offset] + gzip.compress(record) + data[end:])
    forget(tmp_path)
    (outcome,) = await fetch([site.url("/a")], tmp_path, PACKED)
    assert downloaded(outcome).sha256 == hashlib.sha256(PAGE.encode()).hexdigest()
    assert len(site.requests) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
async def test_a_run_waits_for_the_last_processes_of_a_killed_one(
    site: Site, command: Command
) -> None:
    site.pages = {"/a": PAGE}
    await command(site.url("/a"))
    (volume,) = volumes(command.folder / "out")
    unfinished(volume)
    forget(command.folder / "out")
    # As a process does that is about to end.
    held = lock_file(volume.with_name(f"{volume.name}.open"))
    (command.folder / "out" / STATE_FOLDER / "journal.sqlite3-wal").unlink(missing_ok=True)
    site.requests.clear()
    process = await command.start(site.url("/a"))
    await wait_for_size(command.folder / "out" / STATE_FOLDER / "journal.sqlite3-wal", 1)
    os.close(held)
    assert (await finished(process)).status == 0
    assert site.requests == []
    assert volumes(command.folder / "out") == [volume]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
async def test_a_planted_link_is_no_volume_that_was_left(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE}
    await fetch([site.url("/a")], tmp_path / "other", PACKED)
    (other,) = volumes(tmp_path / "other")
    other.write_bytes(other.read_bytes() + b"rest")
    before = other.read_bytes()
    (tmp_path / "out").mkdir()
    link = tmp_path / "out" / f"{other.name}.open"
    link.symlink_to(other)
    await fetch([site.url("/a")], tmp_path / "out", PACKED)
    assert other.read_bytes() == before
    assert link.is_symlink()


async def test_without_a_volume_its_addresses_alone_are_fetched_again(
    site: Site, command: Command
) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number % 7}" for number in range(40)}
    listed(command, map(site.url, site.pages))
    await command("list", "--warc-max-size", "4k")
    before = volumes(command.folder / "out")
    assert len(before) > 4
    lost = before[len(before) // 2]
    missing = {answer.url for answer in answers(lost)}
    wanted = bodies(command.folder / "out")
    lost.unlink()
    index_path(lost).unlink()
    site.requests.clear()
    ran = await command("list")
    assert {site.url(request.path) for request in site.requests} == missing
    assert f"{len(missing)} downloaded, 0 unchanged, {40 - len(missing)} skipped" in summary(ran)
    assert bodies(command.folder / "out") == wanted
    assert lost not in volumes(command.folder / "out"), "no name is given twice"


async def test_no_volume_needs_another_one(site: Site, tmp_path: Path) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number % 3}" for number in range(30)}
    options = Options(pack=Pack.WARC, warc_max_size=8192)
    await fetch(map(site.url, site.pages), tmp_path, options)
    assert len(volumes(tmp_path)) > 2
    revisits = 0
    for volume in volumes(tmp_path):
        found = answers(volume)
        held = {
            answer.fields["WARC-Payload-Digest"] for answer in found if answer.kind == "response"
        }
        assert {answer.fields["WARC-Payload-Digest"] for answer in found} == held
        revisits += len(found) - len(held)
    assert revisits, "what is the same is in a volume once"


async def test_a_volume_ends_with_what_brings_it_to_its_size(site: Site, command: Command) -> None:
    chance = random.Random(1)
    site.pages = {f"/{number}.bin": chance.randbytes(30_000) for number in range(20)}
    listed(command, map(site.url, site.pages))
    ran = await command("list", "--warc-max-size", "100k")
    found = volumes(command.folder / "out")
    assert ran.out[-1] == f"Archived in {', '.join(f'out/{path.name}' for path in found)}"
    assert [len(answers(path)) for path in found] == [4, 4, 4, 4, 4]
    numbers = [path.name.partition(".")[0].rpartition("-")[2] for path in found]
    assert numbers == ["00001", "00002", "00003", "00004", "00005"]
    for path in found:
        assert path.stat().st_size > 100 * 1024
        assert count_gzip_members(path.read_bytes()) == 1 + 3 * 4


async def test_many_volumes_are_not_named_one_by_one(site: Site, command: Command) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number}" for number in range(12)}
    listed(command, map(site.url, site.pages))
    ran = await command("list", "--warc-max-size", "0")
    found = volumes(command.folder / "out")
    first, last = found[0].name, found[-1].name
    assert ran.out[-1] == f"Archived in 12 files, from out/{first} to out/{last}"


async def test_refresh_fetches_what_has_changed_and_notes_what_has_not(
    site: Site, tmp_path: Path
) -> None:
    tagged = {"ETag": '"1"', "Content-Type": "text/html"}
    site.pages = {
        "/same": keeps(b"same", tagged),
        "/new": in_turn(keeps(b"old", tagged), keeps(b"new", {**tagged, "ETag": '"2"'})),
    }
    urls = [*map(site.url, site.pages)]
    await fetch(urls, tmp_path, PACKED)
    (before,) = volumes(tmp_path)
    same, new = await fetch(urls, tmp_path, Options(pack=Pack.WARC, refresh=True))
    after = volumes(tmp_path)[-1]
    assert isinstance(same, Unchanged)
    assert isinstance(new, Downloaded)
    assert (same.path, new.path) == (before.name, after.name)
    kinds = {answer.url: answer for answer in answers(after)}
    assert kinds[urls[0]].kind == "revisit"
    (original,) = [answer for answer in answers(before) if answer.url == urls[0]]
    refers = kinds[urls[0]].fields["WARC-Refers-To-Date"]
    assert refers[:19] == original.fields["WARC-Date"][:19]
    assert kinds[urls[1]].payload == b"new"
    for outcome in await fetch(urls, tmp_path, PACKED):
        assert isinstance(outcome, Skipped)


@pytest.mark.slow
async def test_forced_bodies_are_in_a_new_volume_and_no_volume_is_touched(
    site: Site, command: Command, plain: Command
) -> None:
    site.pages = {"/a": in_turn(sends(b"one"), sends(b"two"), sends(b"three"))}
    await command(site.url("/a"))
    (before,) = volumes(command.folder / "out")
    kept = before.read_bytes()
    await command(site.url("/a"), "--force")
    assert [answer.payload for answer in packed(command.folder / "out")] == [b"one", b"two"]
    # A run that keeps files wants them as files, and leaves volumes alone.
    ran = await plain(site.url("/a"), "-o", "out", "--force")
    assert ran.out[0] == f"Downloaded out/{site.folder}/a.bin: 5 B"
    assert before.read_bytes() == kept
    assert len(list((command.folder / "out").glob("pack-*.warc.gz"))) == 2


@pytest.mark.slow
async def test_files_and_volumes_of_one_folder_know_nothing_of_each_other(
    site: Site, command: Command, plain: Command
) -> None:
    site.pages = {"/a": PAGE}
    await plain(site.url("/a"), "-o", "out")
    assert (await command(site.url("/a"))).out[0].startswith("Downloaded out/pack-")
    assert (await command(site.url("/a"))).out[0].startswith("Skipped ")
    ran = await plain(site.url("/a"), "-o", "out")
    assert ran.out[0] == f"Downloaded out/{site.folder}/a.html: {shown_size(PAGE)}"
    assert len(saved_files(command.folder / "out")) == 3


async def test_what_a_killed_run_saved_as_a_file_is_not_taken_for_packed(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a": PAGE}
    await fetch([site.url("/a")], tmp_path, PACKED)
    await fetch([site.url("/a")], tmp_path)
    with closing(sqlite3.connect(tmp_path / STATE_FOLDER / "journal.sqlite3")) as db:
        # As the kill left it, between the file and the note of it.
        db.execute("UPDATE urls SET state = 0, packed_at = 524")
        db.commit()
    site.requests.clear()
    (outcome,) = await fetch([site.url("/a")], tmp_path)
    assert isinstance(outcome, Skipped), outcome
    (outcome,) = await fetch([site.url("/a")], tmp_path)
    assert isinstance(outcome, Skipped), outcome
    assert site.requests == []


async def test_the_place_that_is_told_is_where_the_record_begins(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number}" for number in range(10)}
    outcomes = await fetch(map(site.url, site.pages), tmp_path, PACKED)
    told = {o.url: (o.path, o.packed_at) for o in outcomes if isinstance(o, Downloaded)}
    found = {a.url: (v.name, a.offset) for v in volumes(tmp_path) for a in answers(v)}
    assert told == found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_processes_write_volumes_of_their_own(
    many_hosts: ManyHosts,
    command: Command,
    plain: Command,
) -> None:
    many_hosts.pages = {f"/{number}": sends(b"%d" % number) for number in range(30)}
    urls = [many_hosts.url(host, path) for host in HOSTS for path in many_hosts.pages]
    listed(command, urls)
    ran = await command("list", "--processes", "2")
    assert summary(ran) == "180 URLs: 180 downloaded, 0 unchanged, 0 skipped, 0 failed"
    assert len(volumes(command.folder / "out")) == 2
    assert set(bodies(command.folder / "out")) == set(urls)
    many_hosts.requests.clear()
    ran = await command("list", "--processes", "2")
    assert summary(ran) == "180 URLs: 0 downloaded, 0 unchanged, 180 skipped, 0 failed"
    assert many_hosts.requests == []
    await plain(*volumes(command.folder / "out"), "-o", "unpacked")
    await plain("list", "-o", "plain")
    assert contents(command.folder / "unpacked") == contents(command.folder / "plain")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127/8")
async def test_when_processes_are_killed_every_body_is_there_once(
    many_hosts: ManyHosts,
    command: Command,
) -> None:
    chance = random.Random(4)
    held = {f"/{number}.bin": chance.randbytes(5000) for number in range(180)}
    many_hosts.pages = {path: delayed(body, 0.02) for path, body in held.items()}
    wanted = {many_hosts.url(n % 6 + 1, path): body for n, (path, body) in enumerate(held.items())}
    listed(command, wanted)
    process = await command.start("list", "--processes", "2", "-j", "16")
    for count in (20, 50, 80, 110):
        await many_hosts.asked(count)
        await asyncio.sleep(0.05)
        for worker in child_processes(process)[:1]:
            os.kill(worker, signal.SIGKILL)
    ran = await finished(process)
    assert ran.status == 0
    assert summary(ran) == "180 URLs: 180 downloaded, 0 unchanged, 0 skipped, 0 failed"
    assert bodies(command.folder / "out") == wanted
    many_hosts.requests.clear()
    assert summary(await command("list")).endswith("180 skipped, 0 failed")
    assert many_hosts.requests == []

    # And when it is the command that is killed, while its processes are about to end.
    shutil.rmtree(command.folder / "out")
    process = await command.start("list", "--processes", "2", "-j", "16")
    await many_hosts.asked(60)
    process.kill()
    await finished(process)
    ran = await command("list", "--processes", "2")
    assert ran.status == 0
    assert bodies(command.folder / "out") == wanted


async def test_a_second_run_is_refused_and_touches_nothing(site: Site, command: Command) -> None:
    gate = asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        await gate.wait()
        return await sends(b"late")(request)

    site.pages = {"/a": PAGE, "/slow": slowly}
    listed(command, map(site.url, site.pages))
    running = await command.start("list")
    await site.asked(2)
    second = await command("list")
    assert second.status == 2
    assert second.err == [
        "download: another run is using the folder out; wait for it, or choose another --output"
    ]
    gate.set()
    assert (await finished(running)).status == 0
    assert len(bodies(command.folder / "out")) == 2


async def whole_ones(
    site: Site,
    folder: Path,
    take: PackVolumes | None,
    told: list[Path],
    fault: DownloadError | None,
) -> list[Outcome]:
    """Run with somebody who is told of volumes, and may take them away."""

    async def whole(volume: Path, index: Path) -> None:
        check(volume)
        assert index.exists()
        if fault is not None:
            raise fault
        told.append(volume)
        if take is not None:
            shutil.move(volume, take.folder)
            shutil.move(index, take.folder)

    options = Options(output=folder, pack=Pack.WARC, warc_max_size=4096)
    urls = [*map(site.url, site.pages)]
    batch = LocalRun(lambda _: from_items(urls), options, whole=whole)
    return [outcome async for outcome in batch.outcomes()]


async def test_who_wants_to_be_told_of_whole_volumes_is_told_once_of_each(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": f"{PAGE}{number}" for number in range(20)}
    told: list[Path] = []
    await whole_ones(site, tmp_path / "out", None, told, None)
    assert told == volumes(tmp_path / "out")
    # What was not taken away, and what is recovered, is told of by the next run.
    unfinished(told[-1])
    again: list[Path] = []
    taken = PackVolumes(tmp_path / "taken")
    taken.folder.mkdir()
    await whole_ones(site, tmp_path / "out", taken, again, None)
    assert again[: len(told)] == told
    assert len(set(again)) == len(again)
    assert volumes(tmp_path / "out") == []
    assert [path.name for path in taken.complete_files()] == [path.name for path in again]


async def test_a_run_ends_with_the_fault_of_who_is_told(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE}
    with pytest.raises(OutputError, match="no bucket"):
        await whole_ones(site, tmp_path, None, [], OutputError("no bucket"))
    assert len(volumes(tmp_path)) == 1, "what was fetched is kept all the same"


async def test_a_full_disk_ends_the_run_and_loses_nothing_that_was_told(
    site: Site,
    command: Command,
    disk: SmallDisk,
) -> None:
    chance = random.Random(2)
    site.pages = {f"/{number}.bin": chance.randbytes(100_000) for number in range(60)}
    listed(command, map(site.url, site.pages))
    command.environment["DOWNLOAD_OUTPUT"] = str(disk.folder / "out")
    full = await command("list", "-j", "4")
    assert full.status == 3
    assert "cannot write the archive: No space left on device" in "\n".join(full.err)
    told = [line for line in full.out if line.startswith("Downloaded ")]
    disk.remount("size=16m")
    again = await command("list")
    assert again.status == 0
    assert len(told) <= sum(line.startswith("Skipped ") for line in again.out)
    assert len(bodies(disk.folder / "out")) == 60


async def test_a_name_is_not_given_again(tmp_path: Path) -> None:
    given = set()
    # Of those that begin in the same millisecond, each may be on a machine of its own.
    for _ in range(3):
        series = PackVolumes(tmp_path, lambda: 1_800_000_000.001)
        for _ in range(3):
            claimed = series.claim_next()
            claimed.publish()
            given.add(claimed.path.name)
            claimed.path.unlink()
    assert len(given) == 9
    assert all(is_pack_volume(name) for name in given)
    assert {name[:22] for name in given} == {"pack-20270115080000001"}


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--no-save",), "--no-save leaves nothing to pack"),
        (("-m",), "--mirror needs one file per page"),
        (("-r",), "--recursive needs one file per page"),
        (("-l", "2"), "--level needs one file per page"),
        (("--single-file",), "--single-file needs one file per page"),
        (("--warc", "a.warc.gz"), "--warc would save everything twice; leave it out"),
        (("--wacz", "a.wacz"), "--wacz would save everything twice; leave it out"),
        (("--verify",), "--verify hashes files; to verify WARC files use: warcio check"),
        (("b.warc.gz",), "the files of a web archive are packed already"),
        (("--pack", "tar"), "'tar' is not 'warc'"),
    ],
)
async def test_what_does_not_go_with_it_is_refused(
    command: Command, given: tuple[str, ...], said: str
) -> None:
    ran = await command(*(() if given[0].endswith(".gz") else ("http://a.example/",)), *given)
    assert ran.status == 2
    assert said in ran.err[-1]
    assert not (command.folder / "out").exists()


def test_the_library_refuses_it_too() -> None:
    with pytest.raises(ValueError, match="pack cannot be combined with warc"):
        Options(pack=Pack.WARC, warc=Path("a.warc.gz"))
    with pytest.raises(ValueError, match="pack cannot be combined with a mirror"):
        Options(pack=Pack.WARC, mirror=True)
