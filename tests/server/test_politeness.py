"""What a server sees of the limits: per host, over redirects and retries, and in what order."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, ErrorKind, Failed, Options, Skipped
from tests.support.clock import FakeClock
from tests.support.handlers import in_turn, sends
from tests.support.library import downloaded, fetch
from tests.support.web_server import Handler, Site


def elsewhere(address: str) -> str:
    """Return the same server by another name, which is another host."""
    return address.replace("127.0.0.1", "localhost")


class Counting:
    """Pages that know how many of them are asked for at once, by host."""

    def __init__(self) -> None:
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()

    def page(self, then: Handler) -> Handler:
        """Return a page that answers as *then* does, when the others have had time to come."""

        async def answer(request: web.Request) -> web.StreamResponse:
            host = request.host.partition(":")[0]
            self._now[host] += 1
            self.most[host] = max(self.most[host], self._now[host])
            for _ in range(20):
                await asyncio.sleep(0)
            try:
                return await then(request)
            finally:
                self._now[host] -= 1

        return answer


def redirect(address: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(address)

    return answer


@pytest.mark.parametrize("per_host", [1, 3])
async def test_no_more_of_one_host_are_asked_for_at_once_redirects_and_retries_included(
    site: Site, tmp_path: Path, per_host: int
) -> None:
    counting = Counting()
    for number in range(20):
        target = elsewhere(site.url(f"/target-{number}"))
        again = in_turn(sends(status=500), sends(b"page"))
        site.pages[f"/moved-{number}"] = counting.page(redirect(target))
        site.pages[f"/target-{number}"] = counting.page(again)
    addresses = [site.url(f"/moved-{number}") for number in range(20)]
    outcomes = await fetch(addresses, tmp_path, Options(per_host=per_host, concurrency=50))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    assert counting.most == {"127.0.0.1": per_host, "localhost": per_host}


async def test_hosts_that_redirect_to_each_other_do_not_wait_for_each_other(
    site: Site, tmp_path: Path
) -> None:
    there = elsewhere(site.url("/there"))
    site.pages = {
        "/here": redirect(there),
        "/there": redirect(site.url("/back")),
        "/back": "page",
    }
    tight = Options(per_host=1, concurrency=1)
    async with asyncio.timeout(20):
        outcomes = await fetch([site.url("/here"), there], tmp_path, tight)
    assert [downloaded(outcome).final_url for outcome in outcomes] == [site.url("/back")] * 2


async def test_a_list_sorted_by_host_does_not_keep_the_last_host_waiting(
    site: Site, tmp_path: Path
) -> None:
    released = asyncio.Event()

    async def slow(_request: web.Request) -> web.StreamResponse:
        await released.wait()
        return web.Response(text="slow")

    async def last(_request: web.Request) -> web.StreamResponse:
        released.set()
        return web.Response(text="last")

    site.pages = {"/last": last}
    for number in range(500):
        site.pages[f"/{number}"] = slow
    addresses = [site.url(f"/{number}") for number in range(500)] + [elsewhere(site.url("/last"))]
    async with asyncio.timeout(20):
        outcomes = await fetch(addresses, tmp_path, Options(concurrency=10))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)


async def test_a_delay_is_kept_between_two_requests_to_one_host(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    site.pages = {f"/{number}": "page" for number in range(4)}
    addresses = [site.url(path) for path in site.pages] + [elsewhere(site.url("/0"))]
    outcomes = await fetch(addresses, tmp_path, Options(delay=2.0), clock)
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    assert clock.now == pytest.approx(6.0)


async def test_a_delay_is_kept_over_redirects_too(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    site.pages = {"/3": "page"}
    for number in range(3):
        site.pages[f"/{number}"] = redirect(site.url(f"/{number + 1}"))
    (outcome,) = await fetch([site.url("/0")], tmp_path, Options(delay=2.0), clock)
    assert len(downloaded(outcome).redirects) == 3
    assert clock.now == pytest.approx(6.0)


async def test_a_host_that_only_asks_for_pauses_is_given_up(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    for number in range(200):
        site.pages[f"/{number}"] = sends(status=503, headers={"Retry-After": "120"})
    outcomes = await fetch(map(site.url, site.pages), tmp_path, None, clock)
    assert {outcome.kind for outcome in outcomes if isinstance(outcome, Failed)} == {
        ErrorKind.HTTP_STATUS
    }
    assert len(outcomes) == 200
    assert clock.now <= 20 * 120, "and not 200 times four pauses"
    assert len(site.requests) < 50


@pytest.mark.parametrize("wait", ["121", "86400", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_host_that_asks_for_too_long_a_pause_is_given_up_at_once(
    wait: str, site: Site, tmp_path: Path
) -> None:
    clock = FakeClock()
    for number in range(200):
        site.pages[f"/{number}"] = sends(status=503, headers={"Retry-After": wait})
    options = Options(concurrency=1)
    first, *others = await fetch(map(site.url, site.pages), tmp_path, options, clock)
    assert isinstance(first, Failed)
    assert "; the server asks to wait " in first.message
    assert first.attempts == 1
    for other in others:
        assert isinstance(other, Failed)
        assert (other.kind, other.status, other.attempts) == (ErrorKind.HTTP_STATUS, 503, 0)
        assert "so that this one was not made; the server asks to wait " in other.message
    assert len(site.requests) == 1
    assert clock.now < 1


async def test_a_long_pause_of_one_host_leaves_the_others(site: Site, tmp_path: Path) -> None:
    site.pages = {
        "/busy": sends(status=429, headers={"Retry-After": "3600"}),
        "/gone": sends(status=404, headers={"Retry-After": "3600"}),
        "/page": "page",
    }
    busy = site.url("/busy").replace("127.0.0.1", "localhost")
    outcomes = await fetch([busy, site.url("/gone"), site.url("/page")], tmp_path)
    by_status = {
        outcome.status: outcome for outcome in outcomes if not isinstance(outcome, Skipped)
    }
    assert sorted(by_status, key=str) == [200, 404, 429]
    assert isinstance(by_status[404], Failed)
    assert "wait" not in by_status[404].message


async def test_a_host_that_pauses_now_and_then_is_not_given_up(site: Site, tmp_path: Path) -> None:
    busy = sends(status=429, headers={"Retry-After": "30"})
    for number in range(40):
        site.pages[f"/{number}"] = in_turn(busy, sends(b"page"))
    options = Options(per_host=1)
    outcomes = await fetch(map(site.url, site.pages), tmp_path, options, FakeClock())
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)


async def test_a_host_that_is_overloaded_loses_no_page(site: Site, tmp_path: Path) -> None:
    now = most = 0

    async def busy(_request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            for _ in range(50):
                await asyncio.sleep(0)
            if now > 4:
                return web.Response(status=503)
            return web.Response(text="page")
        finally:
            now -= 1

    site.pages = {f"/{number}": busy for number in range(100)}
    options = Options(per_host=32, retries=8)
    outcomes = await fetch(map(site.url, site.pages), tmp_path, options)
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    assert len(site.requests) < 250


async def test_the_rate_of_all_transfers_together_is_limited(site: Site, tmp_path: Path) -> None:
    clock = FakeClock()
    body = b"x" * 300_000
    site.pages = {f"/{number}.bin": body for number in range(3)}
    options = Options(limit_rate=100_000, concurrency=1)
    outcomes = await fetch(map(site.url, site.pages), tmp_path, options, clock)
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    # Every sleeper moves this clock on, so one transfer at a time is what it can measure.
    assert clock.now == pytest.approx(900_000 / 100_000, rel=0.05)


async def test_random_waits_are_between_half_of_the_delay_and_one_and_a_half(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {f"/{number}": b"page" for number in range(12)}
    clock = FakeClock()
    options = Options(delay=10.0, random_wait=True)
    await fetch([site.url(path) for path in site.pages], tmp_path, options, clock)
    assert 11 * 5.0 <= clock.now <= 11 * 15.0
    assert clock.now % 10.0
