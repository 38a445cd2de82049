"""Faults of this machine: a full disk, a read-only one, no descriptors, signals."""

import asyncio
import os
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader.journal import STATE_FOLDER
from tests.support.command import Command, finished, limited
from tests.support.files import MIB, saved_files, wait_for_size
from tests.support.handlers import in_turn, keeps, sends
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Site

resource = pytest.importorskip("resource", reason="this system limits no resources")

TAGGED = {"ETag": '"v1"', "Content-Type": "application/octet-stream"}
LARGE = random.Random(11).randbytes(3 * MIB)


def contents(folder: Path) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in saved_files(folder) - {"ballast"}}


# --- full ----------------------------------------------------------------------------------------


@pytest.mark.timing_sensitive(
    reason="the command must end within 10 s, and not when the response that stalls would time out"
)
async def test_a_full_disk_ends_the_run_at_once_and_with_room_the_same_command_goes_on(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    never = sends(b"x" * 100, cut=50, stall=True)
    site.pages = {"/small": "page", "/big.bin": keeps(LARGE, TAGGED), "/never": never}
    addresses = [*map(site.url, site.pages), "-o", "disk"]
    ran = await asyncio.wait_for(command(*addresses), 10)
    assert ran.status == 3
    part = f"{site.folder}/big.bin.part"
    assert saved_files(disk.folder) == {f"{site.folder}/small.html", part}
    parked = (disk.folder / part).stat().st_size
    assert parked >= MIB
    assert (
        f"Failed {site.url('/big.bin')}: cannot save {site.folder}/big.bin: "
        "No space left on device (disk); see --output"
    ) in ran.err
    summary = [line for line in ran.out if line.startswith("3 URLs: 1 downloaded")]
    assert len(summary) == 1
    assert "2 failed" in summary[0]
    assert not [line for line in ran.out if "big.bin" in line]

    disk.remount("size=16m")
    site.pages["/never"] = "at last"
    site.requests.clear()
    ran = await command(*addresses)
    assert ran.status == 0
    assert {request.path: request.headers.get("Range") for request in site.requests} == {
        "/big.bin": f"bytes={parked}-",
        "/never": None,
    }
    assert contents(disk.folder) == {
        f"{site.folder}/small.html": b"page",
        f"{site.folder}/big.bin": LARGE,
        f"{site.folder}/never.html": b"at last",
    }


async def test_what_was_saved_before_the_disk_was_full_is_whole_and_not_asked_for_again(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    chance = random.Random(5)
    bodies = {f"/{number}.bin": chance.randbytes(100_000) for number in range(40)}
    site.pages = dict(bodies)
    (command.folder / "list").write_text("\n".join(map(site.url, bodies)))
    ran = await command("list", "-o", "disk", "-j", "4")
    assert ran.status == 3
    saved = contents(disk.folder)
    assert 5 < len(saved) < 30
    for path, body in saved.items():
        assert body == bodies[path.removeprefix(site.folder)]
    assert len([line for line in ran.out if line.startswith("Downloaded ")]) <= len(saved)
    assert len(site.requests) < len(bodies)

    disk.remount("size=16m")
    site.requests.clear()
    ran = await command("list", "-o", "disk", "-j", "4")
    assert ran.status == 0
    assert len(contents(disk.folder)) == len(bodies)
    missing = set(bodies) - {path.removeprefix(site.folder) for path in saved}
    assert {request.path for request in site.requests} == missing


async def test_a_disk_that_is_full_from_the_start_is_one_clear_line(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    site.pages = {"/": "page"}
    disk.fill()
    ran = await command(site.url(), "-o", "disk")
    assert (ran.status, ran.out) == (3, [])
    (line,) = ran.err
    assert line.startswith(
        f"download: cannot use the journal disk/{STATE_FOLDER}/journal.sqlite3: "
    )
    assert site.requests == []


async def test_a_journal_that_cannot_be_written_any_more_ends_the_run(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    release = asyncio.Event()

    async def later(_request: web.Request) -> web.Response:
        await release.wait()
        # Without a single byte, so that it can be saved all the same.
        return web.Response(content_type="text/html")

    site.pages = {"/first": "page", "/later": later}
    addresses = [site.url("/first"), site.url("/later"), "-o", "disk"]
    process = await command.start(*addresses)
    await wait_for_size(disk.folder / site.folder / "first.html", 4)
    # By then it has been noted that the first page is there.
    await asyncio.sleep(0.3)
    disk.fill()
    release.set()
    ran = await finished(process)
    assert ran.status == 3
    assert ran.err[-1].startswith("download: cannot write the journal: ")
    (disk.folder / "ballast").unlink()
    site.requests.clear()
    assert (await command(*addresses)).status == 0
    assert site.requests == []
    assert contents(disk.folder) == {
        f"{site.folder}/first.html": b"page",
        f"{site.folder}/later.html": b"",
    }


async def test_a_file_that_may_not_grow_is_parked_like_one_on_a_full_disk(
    site: Site, command: Command
) -> None:
    """The same without a file system of its own: the kernel refuses to write any further."""
    site.pages = {"/small": "page", "/big.bin": keeps(LARGE, TAGGED)}
    addresses = [*map(site.url, site.pages), "-o", "output"]
    size = MIB + MIB // 2
    ran = await limited(command, f"r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))", *addresses)
    assert ran.status == 3
    part = command.folder / "output" / site.folder / "big.bin.part"
    parked = part.stat().st_size
    assert MIB <= parked <= size
    assert LARGE.startswith(part.read_bytes())
    ran = await command(*addresses)
    assert ran.status == 0
    assert site.requests[-1].headers["Range"] == f"bytes={parked}-"
    assert part.with_suffix("").read_bytes() == LARGE


# --- read-only -----------------------------------------------------------------------------------


async def test_a_read_only_folder_is_one_clear_line(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    disk.remount("ro")
    ran = await command(site.url(), "-o", "disk")
    assert (ran.status, ran.out) == (3, [])
    assert ran.err == ["download: cannot write to the folder disk; see --output"]
    ran = await command(site.url(), "-o", "disk/below")
    assert (ran.status, ran.out) == (3, [])
    assert ran.err == [
        "download: cannot use the folder disk/below: Read-only file system; see --output"
    ]
    assert site.requests == []


async def test_what_is_there_is_not_lost_when_the_folder_becomes_read_only(
    site: Site, command: Command, disk: SmallDisk
) -> None:
    site.pages = {"/": "page"}
    assert (await command(site.url(), "-o", "disk")).status == 0
    disk.remount("ro")
    assert (await command(site.url(), "-o", "disk")).status == 3
    disk.remount("rw")
    ran = await command(site.url(), "-o", "disk")
    assert (ran.status, len(site.requests)) == (0, 1)


# --- no descriptors ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["address", "name"])
async def test_without_descriptors_it_waits_and_everything_is_downloaded(
    site: Site, command: Command, host: str
) -> None:
    bodies = {f"/{number}.bin": os.urandom(1000 + number) for number in range(150)}
    bodies |= {"/large-1.bin": LARGE, "/large-2.bin": LARGE[::-1]}
    site.pages = dict(bodies)
    addresses = (site.url(path).replace("127.0.0.1", host) for path in bodies)
    (command.folder / "list").write_text("\n".join(addresses))
    arguments = ["list", "-o", "output", "-j", "64", "--retries", "0"]
    ran = await limited(command, "r.setrlimit(r.RLIMIT_NOFILE, (40, 40))", *arguments)
    assert (ran.status, ran.err) == (
        0,
        ["download: no more than 8 at once, as the limit of open files is low; see ulimit -n"],
    )
    saved = contents(command.folder / "output")
    assert sorted(saved.values()) == sorted(bodies.values())


@pytest.mark.timing_sensitive(
    reason="the command must end before idle connections are closed after 15 s anyway"
)
async def test_connections_that_are_kept_for_later_give_way_to_others(command: Command) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="page")

    async with AsyncExitStack() as stack:
        addresses = []
        for _ in range(60):
            app = web.Application()
            app.router.add_get("/", answer)
            server = await stack.enter_async_context(TestServer(app))
            addresses.append(str(server.make_url("/")))
        (command.folder / "list").write_text("\n".join(addresses))
        limit = "r.setrlimit(r.RLIMIT_NOFILE, (40, 40))"
        # A connection is kept for fifteen seconds, if nobody needs its descriptor.
        ran = await asyncio.wait_for(limited(command, limit, "list", "-j", "8"), 10)
    assert (ran.status, ran.err) == (0, [])
    assert len(saved_files(command.folder / "downloaded_sites")) == len(addresses)


# --- signals -------------------------------------------------------------------------------------


async def test_sigterm_lets_running_transfers_finish_and_starts_nothing_more(
    site: Site, command: Command
) -> None:
    release = asyncio.Event()

    async def page(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text="page")

    site.pages = {"/1": page, "/2": page, "/3": "never asked for"}
    addresses = [*map(site.url, site.pages), "-j", "2"]
    process = await command.start(*addresses)
    await site.asked(2)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    assert (await process.stderr.readline()).startswith(b"Stopping: 5 s for 2 running transfers")
    release.set()
    ran = await finished(process)
    assert ran.status == 130
    assert saved_files(command.folder / "downloaded_sites") == {
        f"{site.folder}/1.txt",
        f"{site.folder}/2.txt",
    }
    assert len(site.requests) == 2
    ran = await command(*addresses)
    assert ran.status == 0
    assert len(site.requests) == 3


async def test_the_second_sigterm_parks_what_can_be_continued(site: Site, command: Command) -> None:
    stalling = keeps(LARGE, TAGGED, cut=2 * MIB, stall=True)
    site.pages = {"/big.bin": in_turn(stalling, keeps(LARGE, TAGGED))}
    process = await command.start(site.url("/big.bin"))
    part = command.folder / "downloaded_sites" / site.folder / "big.bin.part"
    await wait_for_size(part, MIB)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    assert (await process.stderr.readline()).startswith(b"Stopping: 5 s for 1 running transfer ")
    process.send_signal(signal.SIGTERM)
    ran = await finished(process)
    assert ran.status == 130
    assert ran.err[0].endswith(
        "stopped before it was done (interrupted); run the same command again to continue"
    )
    parked = part.stat().st_size
    ran = await command(site.url("/big.bin"))
    assert ran.status == 0
    assert site.requests[1].headers["Range"] == f"bytes={parked}-"
    assert part.with_suffix("").read_bytes() == LARGE
