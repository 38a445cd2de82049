"""What may pass is tried again, not too soon and not too often; what will not pass is not."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Checksum, Downloaded, ErrorKind, Failed, Options, Target, download_sites
from downloader.core.local_run import LocalRun
from downloader.http.retry import (
    FIRST_DELAY_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
)
from downloader.sources import from_items
from downloader.web.urls import parse
from tests.support.clock import FakeClock
from tests.support.command import Command
from tests.support.fault_server import Endpoint, Request, fault_server, respond, send_and_close
from tests.support.handlers import in_turn, sends
from tests.support.library import downloaded, fetch
from tests.support.web_server import Handler, Site

#: A server that stalls costs this much in each attempt.
THREE_TIMES = Options(retries=2, connect_timeout=0.2, read_timeout=0.2)


# --- which failures are tried again --------------------------------------------------------------

PASSING = {
    "/status/408": ErrorKind.HTTP_STATUS,
    "/status/429": ErrorKind.HTTP_STATUS,
    "/status/500": ErrorKind.HTTP_STATUS,
    "/status/502": ErrorKind.HTTP_STATUS,
    "/status/503": ErrorKind.HTTP_STATUS,
    "/status/504": ErrorKind.HTTP_STATUS,
    "/stall-before-head": ErrorKind.TIMEOUT,
    "/stall-in-head": ErrorKind.TIMEOUT,
    "/stall-in-body": ErrorKind.TIMEOUT,
    "/reset-in-body": ErrorKind.TRUNCATED,
    "/reset-in-chunk": ErrorKind.TRUNCATED,
    "/length-more-than-sent": ErrorKind.TRUNCATED,
    "/chunked-without-last": ErrorKind.TRUNCATED,
    "/large-cut": ErrorKind.TRUNCATED,
    "/coded/by-length/gzip-cut": ErrorKind.TRUNCATED,
}
LASTING = {
    **{
        f"/status/{status}": ErrorKind.HTTP_STATUS
        for status in (300, 304, 305, 400, 401, 403, 404, 407, 410, 416, 418, 599, 999)
    },
    "/lengths-conflict": ErrorKind.PROTOCOL,
    "/length-words": ErrorKind.PROTOCOL,
    "/chunk-size-malformed": ErrorKind.PROTOCOL,
    "/coded/by-length/gzip-corrupt": ErrorKind.DECODE,
    "/coded/by-length/unknown": ErrorKind.DECODE,
    "/redirect/file": ErrorKind.REDIRECT,
    "/redirect/without-location": ErrorKind.REDIRECT,
}


@pytest.mark.slow(keep=6)
@pytest.mark.parametrize("path", PASSING)
async def test_what_may_pass_is_asked_for_as_often_as_the_option_says_and_once_more(
    path: str, tmp_path: Path
) -> None:
    clock = FakeClock()
    async with fault_server() as server:
        (outcome,) = await fetch([server.url(path)], tmp_path, THREE_TIMES, clock)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (PASSING[path], 3)
    assert server.paths() == [path] * 3
    assert len(clock.waits) == 2


@pytest.mark.parametrize("path", LASTING)
async def test_what_will_not_pass_is_asked_for_once(path: str, tmp_path: Path) -> None:
    clock = FakeClock()
    async with fault_server() as server:
        (outcome,) = await fetch([server.url(path)], tmp_path, THREE_TIMES, clock)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (LASTING[path], 1)
    assert server.paths() == [path]
    assert clock.waits == []


@pytest.mark.parametrize(
    "path", ["/reset-before-answer", "/reset-in-head", "/close-without-answer", "/close-in-head"]
)
async def test_a_connection_that_breaks_before_an_answer_is_made_again(
    path: str, tmp_path: Path
) -> None:
    async with fault_server() as server:
        (outcome,) = await fetch([server.url(path)], tmp_path, THREE_TIMES)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.CONNECT, 3)
    # aiohttp makes each of them twice, in case the connection was an old one.
    assert 3 <= len(server.requests) <= 6


@pytest.mark.parametrize(
    "door", [Endpoint.UNTRUSTED, Endpoint.SELF_SIGNED, Endpoint.EXPIRED, Endpoint.WRONG_NAME]
)
async def test_a_certificate_that_is_refused_is_not_asked_for_again(
    door: Endpoint, tmp_path: Path
) -> None:
    async with fault_server(door) as server:
        (outcome,) = await fetch([server.url("/page", door)], tmp_path, THREE_TIMES)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.TLS, 1)


async def test_a_body_that_is_not_the_promised_one_or_too_large_is_not_asked_for_again(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": "page"}
    promise = Checksum("sha256", "0" * 64)
    (outcome,) = await fetch([Target(url=parse(site.url()), checksum=promise)], tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.CHECKSUM
    (outcome,) = await fetch([site.url()], tmp_path, Options(max_size=3))
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TOO_LARGE
    assert len(site.requests) == 2


@pytest.mark.parametrize("retries", [0, 1, 5])
async def test_there_are_no_more_requests_than_retries_and_the_first_one(
    site: Site, tmp_path: Path, retries: int
) -> None:
    site.pages = {"/": sends(status=503)}
    (outcome,) = await fetch([site.url()], tmp_path, Options(retries=retries))
    assert isinstance(outcome, Failed)
    assert outcome.attempts == len(site.requests) == retries + 1


async def test_the_command_takes_the_number_of_retries(site: Site, command: Command) -> None:
    site.pages = {"/": sends(status=503)}
    ran = await command(site.url(), "--retries", "0")
    assert (ran.status, len(site.requests)) == (1, 1)
    assert ran.err == [f"Failed {site.url()}: 503 Service Unavailable (http-status)"]


async def test_what_passes_ends_well_and_says_how_often_it_was_tried(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": in_turn(sends(status=503), sends(status=500), sends(b"page"))}
    (outcome,) = await fetch([site.url()], tmp_path)
    assert downloaded(outcome).attempts == 3
    assert (tmp_path / downloaded(outcome).path).read_bytes() == b"page"


async def test_an_old_connection_that_dies_before_the_first_byte_is_replaced_without_counting(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    once = Options(retries=0, concurrency=1)
    async with fault_server() as server:
        addresses = [server.url("/before"), server.url("/close-when-used-again")]
        _, outcome = await fetch(addresses, tmp_path, once, clock)
    assert downloaded(outcome).attempts == 1
    assert clock.waits == []
    assert [request.nth_on_connection for request in server.requests] == [1, 2, 1]


# --- how long is waited --------------------------------------------------------------------------


async def test_the_waits_of_a_run_are_those_of_the_backoff(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    site.pages = {"/": sends(status=503)}
    await fetch([site.url()], tmp_path, Options(retries=8), clock)
    ceilings = [1, 2, 4, 8, 16, 32, 60, 60]
    assert all(0 <= wait <= most for wait, most in zip(clock.waits, ceilings, strict=True))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("7", (7.0, 7.0)),
        ("120", (MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS)),
        # No pause is asked for, or not in words that are understood: the usual wait.
        ("0", (0.0, FIRST_DELAY_SECONDS)),
        ("Sun Sep  9 01:47:10 2001", (0.0, FIRST_DELAY_SECONDS)),
        ("when it is convenient", (0.0, FIRST_DELAY_SECONDS)),
    ],
)
async def test_a_run_waits_as_long_as_the_server_asks_for(
    site: Site, tmp_path: Path, field: str, expected: tuple[float, float]
) -> None:
    clock = FakeClock()
    site.pages = {
        "/": in_turn(sends(status=429, headers={"Retry-After": field}), sends(b"page")),
    }
    (outcome,) = await fetch([site.url()], tmp_path, None, clock)
    assert downloaded(outcome).attempts == 2
    least, most = expected
    assert least <= sum(clock.waits) <= most
    assert len(clock.waits) == 1


async def test_a_failure_that_lasts_pauses_nobody(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    site.pages = {"/gone": sends(status=404, headers={"Retry-After": "60"}), "/": "page"}
    options = Options(concurrency=1)
    _, outcome = await fetch([site.url("/gone"), site.url()], tmp_path, options, clock)
    assert isinstance(outcome, Downloaded)
    assert clock.waits == []


class HeldClock(FakeClock):
    """A clock whose sleepers are held until the test lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = threading.Event()
        self.passes = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.asleep.set()
        await self.passes.wait()
        self.now += seconds


def elsewhere(address: str) -> str:
    """Return the same server by another name, which is another host."""
    return address.replace("127.0.0.1", "localhost")


def redirected(place: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(place)

    return answer


@pytest.mark.parametrize("busy", ["/busy", "/moved"], ids=["itself", "after a redirect"])
async def test_the_whole_host_is_left_alone_and_no_other_host(
    site: Site, tmp_path: Path, busy: str
) -> None:
    paused, free = (elsewhere, str) if busy == "/moved" else (str, elsewhere)
    site.pages = {
        "/moved": redirected(elsewhere(site.url("/busy"))),
        "/busy": in_turn(sends(status=503, headers={"Retry-After": "30"}), sends(b"at last")),
        "/same": "same",
        "/other": "other",
    }
    clock = HeldClock()

    def addresses() -> Iterator[str]:
        yield site.url(busy)
        clock.asleep.wait(20)
        yield paused(site.url("/same"))
        yield free(site.url("/other"))

    batch = LocalRun(
        lambda _: from_items(addresses()), Options(output=tmp_path), sleep=clock.sleep, clock=clock
    )
    outcomes = batch.outcomes()
    assert downloaded(await anext(outcomes)).url == free(site.url("/other"))
    assert [request.path for request in site.requests if request.path == "/same"] == []
    assert clock.waits == [30.0], "one alarm for all that waits"
    clock.passes.set()
    assert len([downloaded(outcome) async for outcome in outcomes]) == 2
    assert [request.path for request in site.requests].count("/busy") == 2


async def test_the_time_for_a_whole_url_includes_its_waits(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": sends(status=503, headers={"Retry-After": "60"})}
    began = time.monotonic()
    (outcome,) = await download_sites([site.url()], tmp_path, options=Options(timeout=0.2))
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TIMEOUT
    assert time.monotonic() - began < 10


async def test_an_attempt_after_a_failure_asks_the_same_way(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": in_turn(sends(status=503), sends(b"page"))}
    await fetch([site.url()], tmp_path, Options(headers=(("X-Key", "value"),)))
    first, second = (dict(request.headers) for request in site.requests)
    assert first == second


async def test_a_refused_connection_is_not_tried_again(tmp_path: Path) -> None:
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (outcome,) = await fetch([f"http://127.0.0.1:{port}/"], tmp_path, THREE_TIMES, clock)
    assert isinstance(outcome, Failed)
    assert (outcome.message, outcome.attempts) == ("connection refused", 1)
    assert clock.waits == []


async def test_a_response_that_is_no_http_is_tried_once_more(tmp_path: Path) -> None:
    async def starting(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.path == "/soon" and request.count > 1:
            await respond(writer)
        else:
            await send_and_close(writer, b"starting, please wait\r\n")

    async with fault_server() as server:
        server.otherwise = starting
        soon, never = await fetch(map(server.url, ["/soon", "/never"]), tmp_path, None, FakeClock())
        paths = server.paths()
    assert downloaded(soon).attempts == 2
    assert isinstance(never, Failed)
    assert (never.kind, never.attempts) == (ErrorKind.PROTOCOL, 2)
    assert (paths.count("/soon"), paths.count("/never")) == (2, 2)
