"""A body that breaks is continued where that is provably safe, and else fetched whole again."""

import asyncio
import gzip
import hashlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Checksum, ErrorKind, Failed, Options, Outcome, Target, download_sites
from downloader.web.text import format_size
from downloader.web.urls import parse
from tests.support.command import Command, shown_size
from tests.support.files import MIB, saved_files, wait_for_size
from tests.support.handlers import in_turn, keeps, sends
from tests.support.library import downloaded, fetch
from tests.support.web_server import Handler, Site

BODY = random.Random(3).randbytes(3 * MIB)
#: Another version of the same length, which differs in every single byte.
OTHER = bytes(BODY).translate(bytes(range(255, -1, -1)))
CUT = 2 * MIB + 5
SETTLED = "Sun, 06 Nov 1994 08:49:37 GMT"
V1, V2 = {"ETag": '"v1"'}, {"ETag": '"v2"'}
BINARY = {"Content-Type": "application/octet-stream"}
V1_BINARY, V2_BINARY = {**V1, **BINARY}, {**V2, **BINARY}
ONCE = Options(retries=0)


def resumed(outcome: Outcome) -> int:
    """Return where *outcome* went on: what came in the moment of the break may be lost."""
    offset = downloaded(outcome).resumed_at
    assert MIB <= offset <= CUT
    return offset


def asked_for_rest(request: web.Request, offset: int, validator: str = '"v1"') -> bool:
    fields = [request.headers.get(name) for name in ("Range", "If-Range", "Accept-Encoding")]
    return fields == [f"bytes={offset}-", validator, "identity"]


def asked_for_whole(request: web.Request) -> bool:
    return "Range" not in request.headers and "If-Range" not in request.headers


async def left_broken(site: Site, folder: Path, answer: Handler | None = None) -> Path:
    """Have a run end in the middle of the large body; return the partial file it leaves."""
    site.pages = {"/big.bin": answer or keeps(BODY, V1_BINARY, cut=CUT)}
    (outcome,) = await fetch([site.url("/big.bin")], folder, ONCE)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TRUNCATED
    site.requests.clear()
    part = folder / site.folder / "big.bin.part"
    assert saved_files(folder) == {f"{site.folder}/big.bin.part"}
    assert part.stat().st_size >= MIB
    assert BODY.startswith(part.read_bytes())
    return part


async def test_the_next_attempt_continues_where_the_first_one_broke(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {
        "/big.bin": in_turn(keeps(BODY, V1_BINARY, cut=CUT), keeps(BODY, V1_BINARY)),
    }
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    assert (outcome.attempts, outcome.status) == (2, 206)
    assert outcome.sizes.saved == len(BODY)
    assert outcome.sha256 == hashlib.sha256(BODY).hexdigest()
    first, second = site.requests
    assert asked_for_whole(first)
    assert asked_for_rest(second, resumed(outcome))
    assert (tmp_path / outcome.path).read_bytes() == BODY
    assert saved_files(tmp_path) == {outcome.path}


async def test_every_further_attempt_goes_on_from_the_last_byte_that_came(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY, cut=MIB + MIB // 3)}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    assert outcome.attempts == len(site.requests) == 3
    first, second, third = (request.headers.get("Range", "bytes=0-") for request in site.requests)
    starts = [int(field[len("bytes=") : -1]) for field in (first, second, third)]
    assert starts[0] + MIB <= starts[1]
    assert starts[1] + MIB <= starts[2] == outcome.resumed_at
    assert (tmp_path / outcome.path).read_bytes() == BODY


async def test_a_server_that_cuts_every_answer_is_done_with_at_last(
    site: Site, tmp_path: Path
) -> None:
    body, cut = BODY[:500_000], 150_000
    site.pages = {"/small.bin": keeps(body, V1_BINARY, cut=cut)}
    (outcome,) = await fetch([site.url("/small.bin")], tmp_path)
    assert downloaded(outcome).attempts == len(site.requests) == 4
    starts = [request.headers.get("Range") for request in site.requests]
    assert starts == [None, *(f"bytes={cut * count}-" for count in (1, 2, 3))]
    assert (tmp_path / downloaded(outcome).path).read_bytes() == body
    assert saved_files(tmp_path) == {downloaded(outcome).path}


async def test_runs_of_one_attempt_each_come_to_the_end_of_a_small_body(
    site: Site, tmp_path: Path
) -> None:
    body = BODY[:200_000]
    site.pages = {"/small.bin": keeps(body, V1_BINARY, cut=64 * 1024)}
    for run in range(1, 4):
        (outcome,) = await fetch([site.url("/small.bin")], tmp_path, ONCE)
        part = tmp_path / site.folder / "small.bin.part"
        assert isinstance(outcome, Failed)
        assert part.read_bytes() == body[: run * 64 * 1024]
    assert downloaded((await fetch([site.url("/small.bin")], tmp_path, ONCE))[0]).resumed_at
    assert (tmp_path / site.folder / "small.bin").read_bytes() == body


@pytest.mark.parametrize(
    ("headers", "cut"),
    [
        (V1_BINARY, 64 * 1024 - 1),
        ({"ETag": 'W/"v1"', **BINARY}, 150_000),
        (BINARY, 150_000),
    ],
    ids=["too little", "weak validator", "no validator"],
)
async def test_a_small_beginning_that_cannot_be_resumed_leaves_no_file(
    headers: dict[str, str], cut: int, site: Site, tmp_path: Path
) -> None:
    site.pages = {"/small.bin": keeps(BODY[:500_000], headers, cut=cut)}
    (outcome,) = await fetch([site.url("/small.bin")], tmp_path, ONCE)
    assert isinstance(outcome, Failed)
    assert saved_files(tmp_path) == set()


async def test_the_next_run_continues_what_the_first_one_left(site: Site, tmp_path: Path) -> None:
    offset = (await left_broken(site, tmp_path)).stat().st_size
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    outcome = downloaded((await download_sites([site.url("/big.bin")], tmp_path))[0])
    assert (outcome.attempts, outcome.resumed_at) == (1, offset)
    (request,) = site.requests
    assert asked_for_rest(request, offset)
    assert (tmp_path / outcome.path).read_bytes() == BODY
    assert saved_files(tmp_path) == {outcome.path}


async def test_the_command_continues_and_says_where(site: Site, command: Command) -> None:
    site.pages = {"/big.bin": in_turn(keeps(BODY, V1, cut=CUT), keeps(BODY, V1))}
    ran = await command(site.url("/big.bin"), "--retries", "0")
    assert ran.status == 1
    assert ran.err[-1].endswith(": the body is shorter than its Content-Length (truncated)")
    ran = await command(site.url("/big.bin"), "--retries", "0")
    assert ran.status == 0
    path = f"downloaded_sites/{site.folder}/big.bin"
    offset = int(site.requests[1].headers["Range"][len("bytes=") : -1])
    assert ran.out[0] == f"Downloaded {path}: {shown_size(BODY)} (resumed at {format_size(offset)})"
    assert (command.folder / path).read_bytes() == BODY


async def test_the_characters_of_a_continued_text_are_those_of_the_whole(
    site: Site, tmp_path: Path
) -> None:
    text = "Füße und Straßen " * 150_000
    headers = {**V1, "Content-Type": "text/plain; charset=utf-8"}
    whole = text.encode()
    site.pages = {"/big.txt": keeps(whole, headers, cut=CUT)}
    await fetch([site.url("/big.txt")], tmp_path, ONCE)
    # An odd place: in the middle of a character.
    cut = whole.index("ß".encode(), MIB) + 1
    os.truncate(tmp_path / site.folder / "big.txt.part", cut)
    site.pages = {"/big.txt": keeps(whole, headers)}
    outcome = downloaded((await fetch([site.url("/big.txt")], tmp_path))[0])
    assert outcome.resumed_at == cut
    assert outcome.sizes.characters == len(text)


async def test_a_transfer_that_stalls_is_continued(site: Site, tmp_path: Path) -> None:
    stalling = sends(BODY, V1_BINARY, cut=CUT, stall=True)
    site.pages = {"/big.bin": in_turn(stalling, keeps(BODY, V1_BINARY))}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, Options(read_timeout=0.3))
    assert resumed(outcome)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY


async def test_a_chunked_body_of_unknown_length_is_continued(site: Site, tmp_path: Path) -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=V1_BINARY)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(BODY[:CUT])
        assert request.transport is not None
        request.transport.close()
        return response

    await left_broken(site, tmp_path, chunked)
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path)
    assert resumed(outcome)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY


async def test_a_modification_date_that_is_settled_counts_as_a_strong_validator(
    site: Site, tmp_path: Path
) -> None:
    dated = {"Last-Modified": SETTLED, **BINARY}
    site.pages = {"/big.bin": in_turn(keeps(BODY, dated, cut=CUT), keeps(BODY, dated))}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path)
    assert asked_for_rest(site.requests[1], resumed(outcome), SETTLED)


NOT_STRONG = {
    "no validator": {},
    "weak ETag": {"ETag": 'W/"v1"'},
    "ETag without quotes": {"ETag": "v1"},
    "two ETags": {"ETag": '"v1", "v1"'},
    "weak ETag beside a settled date": {"ETag": 'W/"v1"', "Last-Modified": SETTLED},
    "a date that is not over yet": {"Last-Modified": "Fri, 31 Dec 9999 23:59:59 GMT"},
    "no date at all": {"Last-Modified": "yesterday"},
}


@pytest.mark.parametrize("headers", NOT_STRONG.values(), ids=NOT_STRONG)
async def test_without_a_strong_validator_the_whole_is_fetched_again(
    site: Site, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.pages = {"/big.bin": in_turn(keeps(BODY, headers, cut=CUT), keeps(OTHER, headers))}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert isinstance(outcome, Failed)
    assert saved_files(tmp_path) == set()
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert asked_for_whole(site.requests[1])
    assert (tmp_path / downloaded(outcome).path).read_bytes() == OTHER


async def test_a_body_with_a_content_coding_is_fetched_whole_again(
    site: Site, tmp_path: Path
) -> None:
    packed = gzip.compress(BODY, 0)
    coded = {**V1_BINARY, "Content-Encoding": "gzip"}
    site.pages = {"/big.bin": in_turn(sends(packed, coded, cut=CUT), sends(packed, coded))}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert isinstance(outcome, Failed)
    assert saved_files(tmp_path) == set()
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert asked_for_whole(site.requests[1])
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY


# What a server may say when it is asked for the rest. None of these continues what is there.


def ranged(body: bytes, content_range: str, headers: dict[str, str] | None = None) -> Handler:
    fields = {**V1_BINARY, "Content-Range": content_range, **(headers or {})}
    return sends(body, fields, status=206)


SIZE = len(BODY)
OFFSET = MIB
REST = OTHER[OFFSET:]
RIGHT = f"bytes {OFFSET}-{SIZE - 1}/{SIZE}"
NO_CONTINUATION = {
    "another start": ranged(OTHER[OFFSET - 1 :], f"bytes {OFFSET - 1}-{SIZE - 1}/{SIZE}"),
    "from the beginning": ranged(OTHER, f"bytes 0-{SIZE - 1}/{SIZE}"),
    "another total": ranged(REST + b"x", f"bytes {OFFSET}-{SIZE}/{SIZE + 1}"),
    "total not said": ranged(REST, f"bytes {OFFSET}-{SIZE - 1}/*"),
    "not to the end": ranged(REST[:-1], f"bytes {OFFSET}-{SIZE - 2}/{SIZE}"),
    "beyond the end": ranged(REST, f"bytes {OFFSET}-{SIZE}/{SIZE}"),
    "no Content-Range": sends(REST, V1_BINARY, status=206),
    "malformed": ranged(REST, RIGHT.replace("/", ":")),
    "another unit": ranged(REST, RIGHT.replace("bytes", "lines")),
    "two ranges in one field": ranged(REST, f"{RIGHT}, {RIGHT}"),
    "multipart": sends(
        b"--x\r\nContent-Range: " + RIGHT.encode() + b"\r\n\r\n" + REST + b"\r\n--x--\r\n",
        {**V1, "Content-Type": "multipart/byteranges; boundary=x"},
        status=206,
    ),
    "coded": ranged(REST, RIGHT, {"Content-Encoding": "gzip"}),
    "another ETag": ranged(REST, RIGHT, V2),
    "the same ETag, but weak": ranged(REST, RIGHT, {"ETag": 'W/"v1"'}),
    "no ETag any more": sends(REST, {**BINARY, "Content-Range": RIGHT}, status=206),
    "another content type": ranged(REST, RIGHT, {"Content-Type": "text/html"}),
    "not satisfiable": sends(headers={"Content-Range": f"bytes */{SIZE}"}, status=416),
}


@pytest.mark.parametrize("answer", NO_CONTINUATION.values(), ids=NO_CONTINUATION)
async def test_an_answer_that_does_not_continue_it_is_not_appended(
    site: Site, tmp_path: Path, answer: Handler
) -> None:
    os.truncate(await left_broken(site, tmp_path), OFFSET)
    site.pages = {"/big.bin": in_turn(answer, keeps(OTHER, V2_BINARY))}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path, ONCE))[0])
    assert (tmp_path / outcome.path).read_bytes() == OTHER
    assert (outcome.resumed_at, outcome.attempts) == (0, 1)
    assert saved_files(tmp_path) == {outcome.path}
    first, second = site.requests
    assert asked_for_rest(first, OFFSET)
    assert asked_for_whole(second)


async def test_a_200_instead_of_the_range_is_the_whole(site: Site, tmp_path: Path) -> None:
    await left_broken(site, tmp_path)
    site.pages = {"/big.bin": keeps(OTHER, V2_BINARY)}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path, ONCE))[0])
    assert (tmp_path / outcome.path).read_bytes() == OTHER
    assert (outcome.resumed_at, len(site.requests)) == (0, 1)
    assert saved_files(tmp_path) == {outcome.path}


async def test_a_200_that_is_small_or_of_another_type_leaves_no_partial_file(
    site: Site, tmp_path: Path
) -> None:
    await left_broken(site, tmp_path)
    site.pages = {"/big.bin": sends(b"<p>moved", {"Content-Type": "text/html"})}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path, ONCE))[0])
    assert outcome.path.endswith("/big.bin.html")
    assert saved_files(tmp_path) == {outcome.path}


async def test_when_the_content_type_changes_the_name_the_old_partial_file_goes(
    site: Site, tmp_path: Path
) -> None:
    picture, page = {**V1, "Content-Type": "image/png"}, {**V1, "Content-Type": "text/html"}
    site.pages = {"/big": keeps(BODY, picture, cut=CUT)}
    await fetch([site.url("/big")], tmp_path, ONCE)
    assert saved_files(tmp_path) == {f"{site.folder}/big.png.part"}
    site.pages = {"/big": keeps(OTHER, page)}
    (outcome,) = await fetch([site.url("/big")], tmp_path, ONCE)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == OTHER
    assert saved_files(tmp_path) == {f"{site.folder}/big.html"}


async def test_a_date_that_changed_belongs_to_another_version(site: Site, tmp_path: Path) -> None:
    dated = {"Last-Modified": SETTLED, **BINARY}
    os.truncate(await left_broken(site, tmp_path, keeps(BODY, dated, cut=CUT)), OFFSET)
    later = {**dated, "Last-Modified": "Mon, 07 Nov 1994 08:49:37 GMT"}
    # A server that knows ranges but pays no heed to If-Range.
    heedless = sends(REST, {**later, "Content-Range": RIGHT}, status=206)
    site.pages = {"/big.bin": in_turn(heedless, keeps(OTHER, later))}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == OTHER


async def test_a_redirect_that_leads_elsewhere_now_leads_to_another_body(
    site: Site, tmp_path: Path
) -> None:
    def moved(place: str) -> Handler:
        async def answer(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(place)

        return answer

    site.pages = {
        "/big.bin": in_turn(moved("/mirror/1"), moved("/mirror/2")),
        "/mirror/1": keeps(BODY, V1_BINARY, cut=CUT),
        # Tags are only unique at one address (RFC 9110, section 8.8.3): this one means nothing.
        "/mirror/2": keeps(OTHER, V1_BINARY),
    }
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    assert (tmp_path / outcome.path).read_bytes() == OTHER
    assert outcome.final_url == site.url("/mirror/2")
    assert saved_files(tmp_path) == {outcome.path}


async def test_a_redirect_that_leads_to_the_same_place_is_continued_there(
    site: Site, tmp_path: Path
) -> None:
    async def moved(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(site.url("/mirror").replace("127.0.0.1", "localhost"))

    mirror = in_turn(keeps(BODY, V1_BINARY, cut=CUT), keeps(BODY, V1_BINARY))
    site.pages = {"/big.bin": moved, "/mirror": mirror}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    # The range crosses to the other origin, too.
    assert asked_for_rest(site.requests[3], resumed(outcome))
    assert (tmp_path / outcome.path).read_bytes() == BODY


async def test_a_rest_that_breaks_again_is_continued_again(site: Site, tmp_path: Path) -> None:
    os.truncate(await left_broken(site, tmp_path), OFFSET)
    again = in_turn(keeps(BODY, V1_BINARY, cut=MIB), keeps(BODY, V1_BINARY))
    site.pages = {"/big.bin": again}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    assert asked_for_rest(site.requests[0], OFFSET)
    assert asked_for_rest(site.requests[1], outcome.resumed_at)
    assert (tmp_path / outcome.path).read_bytes() == BODY


async def test_a_rest_that_is_whole_but_shorter_than_its_range_is_thrown_away(
    site: Site, tmp_path: Path
) -> None:
    os.truncate(await left_broken(site, tmp_path), OFFSET)
    site.pages = {"/big.bin": in_turn(ranged(REST[:-9], RIGHT), keeps(OTHER, V2_BINARY))}
    outcome = downloaded((await fetch([site.url("/big.bin")], tmp_path))[0])
    assert (tmp_path / outcome.path).read_bytes() == OTHER
    assert asked_for_whole(site.requests[1])


async def test_a_failure_instead_of_the_rest_keeps_what_is_there(
    site: Site, tmp_path: Path
) -> None:
    offset = (await left_broken(site, tmp_path)).stat().st_size
    site.pages = {"/big.bin": in_turn(sends(b"busy", status=503), keeps(BODY, V1_BINARY))}
    await fetch([site.url("/big.bin")], tmp_path, ONCE)
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert downloaded(outcome).resumed_at == offset


# What may have happened to the partial file between two runs.


async def test_a_partial_file_that_lost_its_end_is_continued_from_there(
    site: Site, tmp_path: Path
) -> None:
    part = await left_broken(site, tmp_path)
    os.truncate(part, 1234)
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert downloaded(outcome).resumed_at == 1234
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY


@pytest.mark.parametrize("size", [len(BODY), len(BODY) + 7])
async def test_a_partial_file_that_is_as_long_as_the_whole_or_longer_is_fetched_again(
    site: Site, tmp_path: Path, size: int
) -> None:
    part = await left_broken(site, tmp_path)
    os.truncate(part, size)
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY
    assert saved_files(tmp_path) == {downloaded(outcome).path}


@pytest.mark.parametrize("empty", [True, False], ids=["empty", "gone"])
async def test_a_partial_file_that_is_gone_or_empty_is_fetched_whole(
    site: Site, tmp_path: Path, empty: bool
) -> None:
    part = await left_broken(site, tmp_path)
    part.unlink()
    if empty:
        part.touch()
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, ONCE)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY
    assert list(map(asked_for_whole, site.requests)) == [True]


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
async def test_a_partial_file_that_is_a_link_is_replaced_and_what_it_leads_to_is_not_touched(
    site: Site, tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    part = await left_broken(site, tmp_path / "output")
    outside = tmp_path / "outside"
    outside.write_bytes(BODY[:CUT])
    part.unlink()
    link(part, outside)
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path / "output", ONCE)
    assert (tmp_path / "output" / downloaded(outcome).path).read_bytes() == BODY
    assert outside.read_bytes() == BODY[:CUT]
    assert all(map(asked_for_whole, site.requests))


async def test_a_partial_file_that_was_changed_is_found_out_by_the_checksum_of_the_list(
    site: Site, tmp_path: Path
) -> None:
    part = await left_broken(site, tmp_path)
    part.write_bytes(OTHER[:OFFSET])
    site.pages = {"/big.bin": keeps(BODY, V1_BINARY)}
    promise = Checksum("sha256", hashlib.sha256(BODY).hexdigest())
    targets = [Target(url=parse(site.url("/big.bin")), checksum=promise)]
    (outcome,) = await fetch(targets, tmp_path, ONCE)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.CHECKSUM
    assert saved_files(tmp_path) == set()
    (outcome,) = await fetch(targets, tmp_path, ONCE)
    assert (tmp_path / downloaded(outcome).path).read_bytes() == BODY


async def test_force_does_not_continue(site: Site, tmp_path: Path) -> None:
    await left_broken(site, tmp_path)
    site.pages = {"/big.bin": keeps(OTHER, V1_BINARY)}
    (outcome,) = await fetch([site.url("/big.bin")], tmp_path, Options(force=True))
    assert asked_for_whole(site.requests[0])
    assert (tmp_path / downloaded(outcome).path).read_bytes() == OTHER
    assert saved_files(tmp_path) == {downloaded(outcome).path}


async def test_a_second_interrupt_parks_what_has_come_and_the_next_run_continues_it(
    site: Site, command: Command
) -> None:
    stalling = sends(BODY, V1_BINARY, cut=CUT, stall=True)
    site.pages = {"/big.bin": in_turn(stalling, keeps(BODY, V1_BINARY))}
    process = await command.start(site.url("/big.bin"))
    part = command.folder / "downloaded_sites" / site.folder / "big.bin.part"
    await wait_for_size(part, MIB)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 130
    parked = part.stat().st_size
    ran = await command(site.url("/big.bin"))
    assert ran.status == 0
    assert ran.out[0].endswith(f"(resumed at {format_size(parked)})")
    assert part.with_suffix("").read_bytes() == BODY


@pytest.mark.parametrize("second", [V2_BINARY, BINARY], ids=["tagged", "without validator"])
async def test_after_a_kill_a_partial_file_is_not_taken_for_the_version_before(
    site: Site, command: Command, second: dict[str, str]
) -> None:
    """Three machines behind one name, the second of which has another version."""
    stalling = sends(OTHER, second, cut=CUT, stall=True)
    output = command.folder / "downloaded_sites"
    part = await left_broken(site, output)
    os.truncate(part, MIB)
    site.pages = {"/big.bin": in_turn(stalling, keeps(BODY, V1_BINARY))}
    process = await command.start(site.url("/big.bin"))
    await wait_for_size(part, MIB + 1)
    process.kill()
    await process.communicate()
    assert (await command(site.url("/big.bin"))).status == 0
    assert part.with_suffix("").read_bytes() == BODY
    assert saved_files(output) == {f"{site.folder}/big.bin"}


# The decisions themselves are pure.
