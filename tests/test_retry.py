"""What may pass is tried again, not too soon and not too often; what will not pass is not."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from downloader import Checksum, Downloaded, ErrorKind, Failed, Options, Target, download_sites
from downloader.core.local_run import LocalRun
from downloader.http.retry import (
    FIRST_DELAY_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    backoff,
    retry_after,
)
from downloader.sources import from_items
from downloader.web.text import parse_http_date
from downloader.web.urls import parse
from tests.conftest import Command, Handler, Site
from tests.faultserver import Door, fault_server
from tests.runs import Clock, done, fetch, in_turn, sends

#: A server that stalls costs this much in each attempt.
THREE_TIMES = Options(retries=2, connect_timeout=0.2, read_timeout=0.2)
NOW = 1_000_000_000.0


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
    "/garbage": ErrorKind.PROTOCOL,
    "/length-words": ErrorKind.PROTOCOL,
    "/chunk-size-malformed": ErrorKind.PROTOCOL,
    "/coded/by-length/gzip-corrupt": ErrorKind.DECODE,
    "/coded/by-length/unknown": ErrorKind.DECODE,
    "/redirect/file": ErrorKind.REDIRECT,
    "/redirect/without-location": ErrorKind.REDIRECT,
}


@pytest.mark.parametrize("path", PASSING)
async def test_what_may_pass_is_asked_for_as_often_as_the_option_says_and_once_more(
    path: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with fault_server() as server:
        (outcome,) = await fetch([server.url(path)], tmp_path, THREE_TIMES, clock)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (PASSING[path], 3)
    assert server.paths() == [path] * 3
    assert len(clock.waits) == 2


@pytest.mark.parametrize("path", LASTING)
async def test_what_will_not_pass_is_asked_for_once(path: str, tmp_path: Path) -> None:
    clock = Clock()
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


@pytest.mark.parametrize("door", [Door.UNTRUSTED, Door.SELF_SIGNED, Door.EXPIRED, Door.WRONG_NAME])
async def test_a_certificate_that_is_refused_is_not_asked_for_again(
    door: Door, tmp_path: Path
) -> None:
    async with fault_server(door) as server:
        (outcome,) = await fetch([server.url("/page", door)], tmp_path, THREE_TIMES)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.TLS, 1)


@pytest.mark.parametrize(
    ("answer", "attempts"),
    [(socket.EAI_NONAME, 1), (socket.EAI_FAIL, 1), (socket.EAI_AGAIN, 3)],
    ids=["no such name", "failed for good", "for the moment"],
)
async def test_a_name_that_is_not_there_is_not_asked_for_again_but_a_silent_name_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: int, attempts: int
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> None:
        asked.append(host)
        raise socket.gaierror(answer, "as the resolver says it")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (outcome,) = await fetch(["http://name.invalid/"], tmp_path, THREE_TIMES)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.DNS, attempts)
    assert asked == ["name.invalid"] * attempts


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
    assert done(outcome).attempts == 3
    assert (tmp_path / done(outcome).path).read_bytes() == b"page"


async def test_an_old_connection_that_dies_before_the_first_byte_is_replaced_without_counting(
    tmp_path: Path,
) -> None:
    clock = Clock()
    once = Options(retries=0, concurrency=1)
    async with fault_server() as server:
        addresses = [server.url("/before"), server.url("/close-when-used-again")]
        _, outcome = await fetch(addresses, tmp_path, once, clock)
    assert done(outcome).attempts == 1
    assert clock.waits == []
    assert [request.turn for request in server.requests] == [1, 2, 1]


# --- how long is waited --------------------------------------------------------------------------


@given(attempt=st.integers(1, 10**6), chance=st.floats(0, 1))
def test_the_wait_is_somewhere_below_a_ceiling_that_doubles_up_to_a_minute(
    attempt: int, chance: float
) -> None:
    ceiling = backoff(attempt, 1.0)
    assert ceiling == min(FIRST_DELAY_SECONDS * 2 ** min(attempt - 1, 100), MAX_DELAY_SECONDS)
    assert 0 <= backoff(attempt, chance) <= ceiling
    assert backoff(attempt, chance) == pytest.approx(ceiling * chance)
    assert 0 <= backoff(attempt) <= ceiling
    assert backoff(attempt, 0.0) == 0.0


def test_clients_that_failed_together_do_not_come_back_together() -> None:
    waits = [backoff(4) for _ in range(200)]
    assert len(set(waits)) > 190
    assert min(waits) < 2 < 6 < max(waits)


async def test_the_waits_of_a_run_are_those_of_the_backoff(site: Site, tmp_path: Path) -> None:
    clock = Clock()
    site.pages = {"/": sends(status=503)}
    await fetch([site.url()], tmp_path, Options(retries=8), clock)
    ceilings = [1, 2, 4, 8, 16, 32, 60, 60]
    assert all(0 <= wait <= most for wait, most in zip(clock.waits, ceilings, strict=True))


def after(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds), True)


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("30", 30.0),
        (" 30 ", 30.0),
        ("0", 0.0),
        ("007", 7.0),
        ("121", MAX_RETRY_AFTER_SECONDS),
        ("9" * 5000, MAX_RETRY_AFTER_SECONDS),
        (after(45), 45.0),
        (after(0), 0.0),
        (after(-3600), 0.0),
        (after(86400), MAX_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER_SECONDS),
        # The two older forms of a date, which name UTC in their own way or not at all.
        ("Sunday, 09-Sep-01 01:47:10 GMT", 30.0),
        ("Sun Sep  9 01:47:10 2001", 30.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("+3", None),
        ("soon", None),
        ("٣٠", None),
        ("30, 60", None),
        ("Sun, 99 Sep 2001 01:47:10 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_capped(field: str, seconds: float | None) -> None:
    assert retry_after(field, NOW) == seconds


@given(st.text(max_size=60) | st.integers().map(str), st.floats(0, 4e9))
def test_whatever_retry_after_says_the_wait_is_within_bounds(field: str, now: float) -> None:
    wait = retry_after(field, now)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_SECONDS


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.floats(0, 7e9))
def test_a_date_in_any_form_is_waited_for(date: datetime, now: float) -> None:
    date = date.replace(microsecond=0, tzinfo=UTC)
    wait = max(0.0, min(date.timestamp() - now, MAX_RETRY_AFTER_SECONDS))
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"):
        assert parse_http_date(date.strftime(form)) == date
        assert retry_after(date.strftime(form), now) == wait


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("7", (7.0, 7.0)),
        ("99999", (MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS)),
        # No pause is asked for, or not in words that are understood: the usual wait.
        ("0", (0.0, FIRST_DELAY_SECONDS)),
        ("Sun Sep  9 01:47:10 2001", (0.0, FIRST_DELAY_SECONDS)),
        ("when it is convenient", (0.0, FIRST_DELAY_SECONDS)),
    ],
)
async def test_a_run_waits_as_long_as_the_server_asks_for(
    site: Site, tmp_path: Path, field: str, expected: tuple[float, float]
) -> None:
    clock = Clock()
    site.pages = {
        "/": in_turn(sends(status=429, headers={"Retry-After": field}), sends(b"page")),
    }
    (outcome,) = await fetch([site.url()], tmp_path, None, clock)
    assert done(outcome).attempts == 2
    least, most = expected
    assert least <= sum(clock.waits) <= most
    assert len(clock.waits) == 1


async def test_a_failure_that_lasts_pauses_nobody(site: Site, tmp_path: Path) -> None:
    clock = Clock()
    site.pages = {"/gone": sends(status=404, headers={"Retry-After": "60"}), "/": "page"}
    options = Options(concurrency=1)
    _, outcome = await fetch([site.url("/gone"), site.url()], tmp_path, options, clock)
    assert isinstance(outcome, Downloaded)
    assert clock.waits == []


class HeldClock(Clock):
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
    assert done(await anext(outcomes)).url == free(site.url("/other"))
    assert [request.path for request in site.requests if request.path == "/same"] == []
    assert clock.waits == [30.0], "one alarm for all that waits"
    clock.passes.set()
    assert len([done(outcome) async for outcome in outcomes]) == 2
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
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (outcome,) = await fetch([f"http://127.0.0.1:{port}/"], tmp_path, THREE_TIMES, clock)
    assert isinstance(outcome, Failed)
    assert (outcome.message, outcome.attempts) == ("connection refused", 1)
    assert clock.waits == []
