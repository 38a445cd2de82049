"""What is too large, too slow or not the promised body is stopped, and leaves nothing behind."""

import asyncio
import gzip
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import brotli
import pytest
from aiohttp import web

from downloader import Downloaded, ErrorKind, Failed, Options, Outcome, download_sites
from downloader.core.sitemap_fetcher import SitemapFetcher
from downloader.errors import TimedOutError
from downloader.models import Checksum, Target
from downloader.web.urls import parse
from tests.support.command import Command, CommandResult, shown_size
from tests.support.fault_cases import HEADS
from tests.support.fault_server import (
    BINARY,
    CHUNKED,
    HTML,
    PAGE,
    Answer,
    Headers,
    Request,
    chunk,
    chunked,
    fault_server,
    head,
    respond,
    send,
    stall,
)
from tests.support.files import saved_files
from tests.support.web_server import Site

MIB = 1024 * 1024
OPTIONS = Options(retries=0, connect_timeout=5, read_timeout=5)
#: A hang is a failure of that test, not of the suite.
LIMIT = 15


async def outcome_of(
    answer: Answer, folder: Path, options: Options, *, seconds: float = LIMIT
) -> Outcome:
    """Return what becomes of a URL that is answered so, between two that are answered well."""
    async with fault_server() as server, asyncio.timeout(seconds):
        server.otherwise = answer
        before, outcome, after = await download_sites(
            map(server.url, ["/before", "/fault", "/after"]), folder, options=options
        )
    assert isinstance(before, Downloaded)
    assert isinstance(after, Downloaded)
    found = {before.path, after.path}
    if isinstance(outcome, Downloaded):
        found.add(outcome.path)
    assert saved_files(folder) == found
    return outcome


def assert_failed(outcome: Outcome, kind: ErrorKind, says: str, hint: str) -> None:
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is kind, outcome
    assert says in outcome.message
    assert hint in outcome.hint


def assert_too_large(outcome: Outcome) -> None:
    assert_failed(outcome, ErrorKind.TOO_LARGE, "larger than", "--max-size")


# Size


@dataclass
class Memory:
    """How much this process held at most while it was watched, beyond what it held before."""

    most: int = 0


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@contextmanager
def watched_memory() -> Iterator[Memory]:
    """Look at this process's resident memory from a thread, as decoding does not yield."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc to look at")
    memory, before, done = Memory(), resident(), threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            memory.most = max(memory.most, resident() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield memory
    finally:
        done.set()
        thread.join()


def _gzip_of_zeros(mebibytes: int) -> bytes:
    """Return gzip data without its end; each mebibyte is coded alike, so it need not be made."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * mebibytes


def _brotli_of_zeros(mebibytes: int) -> bytes:
    compressor = brotli.Compressor(quality=1)
    first, second = (compressor.process(bytes(MIB)) + compressor.flush() for _ in range(2))
    return bytes(first + second * (mebibytes - 1))


def _zstd_of_zeros(mebibytes: int) -> bytes:
    """Return one frame of blocks that each repeat a zero (RFC 8878, section 3.1.1.2)."""
    size = 128 * 1024
    block = (size << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * (mebibytes * MIB // size)


#: Each decodes to 4 GiB; the stacked ones are of a few kilobytes.
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: _gzip_of_zeros(4096),
    "br": lambda: _brotli_of_zeros(4096),
    "zstd": lambda: _zstd_of_zeros(4096),
    "gzip, gzip": lambda: gzip.compress(_gzip_of_zeros(4096)),
    "br, gzip": lambda: gzip.compress(_brotli_of_zeros(4096)),
    "zstd, gzip": lambda: gzip.compress(_zstd_of_zeros(4096)),
}


@pytest.mark.parametrize("coding", BOMBS)
async def test_a_bomb_is_stopped_at_the_limit_in_bounded_memory(
    coding: str, tmp_path: Path
) -> None:
    body = BOMBS[coding]()
    if "," in coding:
        assert len(body) < 10_000

    async def explode(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, headers=[BINARY, ("Content-Encoding", coding)], body=body)

    with watched_memory() as memory:
        outcome = await outcome_of(explode, tmp_path, replace(OPTIONS, max_size=8 * MIB))
    assert_too_large(outcome)
    assert memory.most < 64 * MIB


@pytest.mark.parametrize("headers", [[BINARY, CHUNKED], [BINARY]], ids=["chunked", "until close"])
async def test_an_endless_body_is_stopped_at_the_limit(headers: Headers, tmp_path: Path) -> None:
    sent = 0

    async def never_end(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        block = bytes(64 * 1024)
        await send(writer, head(headers=headers))
        while not writer.is_closing():
            await send(writer, chunk(block) if CHUNKED in headers else block)
            sent += len(block)

    with watched_memory() as memory:
        outcome = await outcome_of(never_end, tmp_path, replace(OPTIONS, max_size=8 * MIB))
    assert_too_large(outcome)
    assert 8 * MIB <= sent < 32 * MIB, "what the system holds on the way may come on top"
    assert memory.most < 64 * MIB


async def test_a_body_that_is_declared_too_large_is_not_read_at_all(tmp_path: Path) -> None:
    async def promise(_: Request, writer: asyncio.StreamWriter) -> None:
        await send(writer, head(headers=[BINARY, ("Content-Length", str(10 * 1024 * MIB))]))
        await stall()

    patient = replace(OPTIONS, max_size=MIB, read_timeout=60)
    assert_too_large(await outcome_of(promise, tmp_path, patient, seconds=5))


CODE: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "br": brotli.compress,
}


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("coding", CODE)
async def test_the_limit_is_on_decoded_bytes_and_may_be_reached(
    coding: str, framing: str, tmp_path: Path
) -> None:
    body = PAGE

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        coded = CODE[coding](body)
        if framing == "length":
            await respond(writer, headers=[HTML, ("Content-Encoding", coding)], body=coded)
        else:
            headers = [HTML, ("Content-Encoding", coding), CHUNKED]
            await send(writer, head(headers=headers), chunked(coded))

    exactly = replace(OPTIONS, max_size=len(PAGE))
    outcome = await outcome_of(answer, tmp_path / "reached", exactly)
    assert isinstance(outcome, Downloaded)
    assert outcome.sizes.saved == len(PAGE)
    body = PAGE + b"!"
    assert_too_large(await outcome_of(answer, tmp_path / "passed", exactly))


async def test_wire_bytes_beyond_the_limit_are_no_reason_when_the_decoded_ones_fit(
    tmp_path: Path,
) -> None:
    # Gzip of noise is a little longer than the noise.
    noise = os.urandom(len(PAGE))
    coded = gzip.compress(noise)
    assert len(coded) > len(noise)

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, headers=[BINARY, ("Content-Encoding", "gzip")], body=coded)

    outcome = await outcome_of(answer, tmp_path, replace(OPTIONS, max_size=len(noise)))
    assert isinstance(outcome, Downloaded)


# Speed


#: One at a time, because every transfer moves the clock.
WATCHFUL = replace(OPTIONS, min_speed=100, concurrency=1)


@dataclass
class Clock:
    """Stands for the module ``time``: a given number of seconds pass with every look at it."""

    step: float
    now: float = field(default=0.0)

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


def dripping(*sizes: int) -> Answer:
    """Return an answer whose body comes in pieces of these sizes, each read by itself."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await send(writer, head(headers=[BINARY, ("Content-Length", str(sum(sizes)))]))
        for size in sizes:
            await asyncio.sleep(0.01)
            await send(writer, bytes(size))

    return answer


@pytest.mark.parametrize(
    "sizes",
    [[10] * 20, [10_000] + [10] * 20],
    ids=["slow", "slow after a quick beginning"],
)
async def test_a_drip_is_given_up_when_it_is_too_slow(
    sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.core.body_reader.time", Clock(step=2.0))
    outcome = await outcome_of(dripping(*sizes), tmp_path, WATCHFUL)
    assert_failed(outcome, ErrorKind.TIMEOUT, "slower than 100 B/s", "--min-speed")


@pytest.mark.parametrize(
    "sizes", [[1000] * 10, [10] * 2 + [2000] * 5], ids=["quick", "quick after a slow beginning"]
)
async def test_what_is_quick_enough_is_saved(
    sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.core.body_reader.time", Clock(step=2.0))
    outcome = await outcome_of(dripping(*sizes), tmp_path, WATCHFUL)
    assert isinstance(outcome, Downloaded)
    assert outcome.sizes.saved == sum(sizes)


async def test_a_drip_over_minutes_is_given_up_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.core.body_reader.time", Clock(step=80.0))
    one_by_one = replace(OPTIONS, concurrency=1)
    outcome = await outcome_of(dripping(*[10] * 20), tmp_path / "drip", one_by_one)
    assert_failed(outcome, ErrorKind.TIMEOUT, "slower than 10 B/s for 300 s", "--min-speed")
    outcome = await outcome_of(dripping(*[1000] * 20), tmp_path / "slow", one_by_one)
    assert isinstance(outcome, Downloaded)
    unlimited = replace(one_by_one, min_speed=0)
    outcome = await outcome_of(dripping(*[10] * 20), tmp_path / "lifted", unlimited)
    assert isinstance(outcome, Downloaded)


async def test_a_list_that_is_named_by_a_list_obeys_the_same_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("downloader.core.body_reader.time", Clock(step=2.0))
    loop = asyncio.get_running_loop()
    options = Options(min_speed=100, retries=0)
    async with fault_server() as server, SitemapFetcher(options) as fetcher:
        server.otherwise = dripping(*[10] * 20)
        fetch = fetcher.blocking_fetch()
        url = parse(server.url("/sitemap.xml"))
        with pytest.raises(TimedOutError, match="slower than 100 B/s"):
            await loop.run_in_executor(None, lambda: list(fetch(url, url)))


@pytest.mark.parametrize("path", ["/drip-body", "/drip-head", "/redirect/drip"])
async def test_a_drip_is_given_up_when_its_time_is_over(path: str, tmp_path: Path) -> None:
    async def lead_on(request: Request, writer: asyncio.StreamWriter) -> None:
        """Redirect in a circle, each time a little late: never a stall, and never done."""
        await asyncio.sleep(0.05)
        await respond(writer, "302 Found", [("Location", f"{request.path}x")], b"")

    hurried = replace(OPTIONS, timeout=0.4, max_redirects=1000)
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = lead_on
        (outcome,) = await download_sites([server.url(path)], tmp_path, options=hurried)
    assert_failed(outcome, ErrorKind.TIMEOUT, "not done in 0.4 s", "--timeout")
    assert saved_files(tmp_path) == set()


async def test_interim_answers_without_end_are_no_answer(tmp_path: Path) -> None:
    async def hint_for_ever(_: Request, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            await send(writer, head("103 Early Hints") * 20)

    outcome = await outcome_of(hint_for_ever, tmp_path, OPTIONS)
    assert_failed(outcome, ErrorKind.PROTOCOL, "interim answers without end", "")


def test_the_limits_on_heads_are_cases_of_the_fault_table() -> None:
    expected = {case.path: case.expected for case in HEADS}
    assert expected["/header-20-kB"] == expected["/headers-500"] == PAGE
    assert expected["/header-100-kB"] is ErrorKind.PROTOCOL
    assert expected["/headers-2000"] is expected["/headers-endless"] is ErrorKind.PROTOCOL


# What is promised about a body


async def test_a_body_that_only_the_connection_ends_is_said_to_be_unverified(
    command: Command,
) -> None:
    async with fault_server() as server:
        ran = await command(server.url("/until-close"), server.url("/page"))
    assert ran.status == 0
    unverified, verified = sorted(ran.out[:2], key=lambda line: "/page" in line)
    assert unverified.endswith(f"{shown_size(PAGE)} (length unverified)")
    assert verified.endswith(f"{shown_size(PAGE)}")


def digest(algorithm: str, body: bytes = PAGE) -> str:
    return hashlib.new(algorithm, body).hexdigest()


CHECKED = {
    "sha256 column of CSV": ("list.csv", "url,sha256\n{url},{sha256}\n"),
    "sha256 column of TSV": ("list.tsv", "url\tsha256\n{url}\t{sha256}\n"),
    "sha256 member of JSON": ("list.jsonl", '{{"url": "{url}", "sha256": "{sha256}"}}\n'),
    "checksum= sha-256": ("list", "{url}\n  checksum=sha-256={sha256}\n"),
    "checksum= bare": ("list", "{url}\n  checksum={sha256}\n"),
    "checksum= md5": ("list", "{url}\n  checksum=md5={md5}\n"),
    "checksum= sha-1": ("list", "{url}\n  checksum=sha-1={sha1}\n"),
    "checksum= sha-512": ("list", "{url}\n  checksum=sha-512={sha512}\n"),
}
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


async def run_checked(
    name: str, text: str, body: bytes, site: Site, command: Command
) -> CommandResult:
    """Run a list that promises the page, of a site that sends *body*."""

    async def gzipped(_request: web.Request) -> web.Response:
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/html"}
        return web.Response(body=gzip.compress(body), headers=headers)

    site.pages = {"/x": gzipped}
    promised = {algorithm: digest(algorithm) for algorithm in ALGORITHMS}
    (command.folder / name).write_text(text.format(url=site.url("/x"), **promised))
    return await command(name, "-o", "folder")


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize(("name", "text"), CHECKED.values(), ids=CHECKED)
async def test_a_checksum_of_the_list_is_held_against_the_decoded_body(
    name: str, text: str, site: Site, command: Command
) -> None:
    ran = await run_checked(name, text, PAGE, site, command)
    assert (ran.status, ran.err) == (0, [])
    assert saved_files(command.folder / "folder") == {f"{site.folder}/x.html"}


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize(("name", "text"), CHECKED.values(), ids=CHECKED)
async def test_a_body_with_another_checksum_is_not_saved(
    name: str, text: str, site: Site, command: Command
) -> None:
    other = PAGE + b"!"
    ran = await run_checked(name, text, other, site, command)
    assert ran.status == 1
    (line,) = ran.err
    (algorithm,) = (each for each in ALGORITHMS if f"expected {digest(each)}" in line)
    assert line.startswith(f"Failed {site.url('/x')}: {algorithm} is {digest(algorithm, other)}, ")
    assert line.endswith(" (checksum)")
    assert saved_files(command.folder / "folder") == set()


async def test_a_large_body_with_another_checksum_leaves_no_part(tmp_path: Path) -> None:
    async with fault_server() as server:
        (outcome,) = await download_sites(
            [Target(url=parse(server.url("/large")), checksum=Checksum("sha256", "0" * 64))],
            tmp_path,
            options=OPTIONS,
        )
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.CHECKSUM
    assert saved_files(tmp_path) == set()
