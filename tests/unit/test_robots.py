"""robots.txt, as RFC 9309 says; many cases follow those of Google's own parser."""

import asyncio
import itertools
import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import (
    ConnectError,
    DnsError,
    RedirectError,
    UrlError,
)
from downloader.mirror.scope import RobotsCache, RobotsRules
from downloader.mirror.scope.robots import (
    MAX_CRAWL_DELAY_SECONDS,
    MAX_ROBOTS_BYTES,
    MAX_RULES,
    MAX_WILDCARD_RULES,
    product_token,
)
from downloader.models import USER_AGENT
from downloader.web.urls import Url, parse
from tests.support.clock import FakeClock

AGENT = "FooBot/1.2 (+https://example.org/bot)"
SITE = "http://foo.bar"


def allowed(text: str | bytes, path: str, agent: str = AGENT) -> bool:
    body = text.encode() if isinstance(text, str) else text
    return RobotsRules(body, agent).allows(parse(SITE + path))


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        # Nothing, and nothing that concerns us.
        ("", "/", True),
        ("User-agent: FooBot\nDisallow:\n", "/x", True),
        ("Disallow: /\n", "/x", True),
        ("foo: FooBot\nbar: /\n", "/x", True),
        ("<!DOCTYPE html><title>Not found</title><p>User-agent: *", "/x", True),
        # Line syntax: case, spaces, comments, ends of lines.
        ("user-agent: FooBot\ndisallow: /\n", "/x", False),
        ("USER-AGENT: foobot\nDISALLOW: /\n", "/x", False),
        (" User-agent \t: FooBot \n\t Disallow : / # all\n", "/x", False),
        ("User-agent: FooBot\rDisallow: /\r", "/x", False),
        ("User-agent: FooBot\r\nDisallow: /\r\n", "/x", False),
        ("# begin\n\nUser-agent: FooBot # us\n\n\nDisallow: /\n", "/x", False),
        # Groups: merged, shared, the own one before the one for all.
        ("User-agent: a\nUser-agent: FooBot\nDisallow: /a\n", "/a", False),
        ("User-agent: FooBot\nDisallow: /a\nUser-agent: b\nDisallow: /b\n", "/b", True),
        ("User-agent: FooBot\nDisallow: /a\n\nUser-agent: b\n\nUser-agent: *\n\n", "/b", True),
        ("User-agent: FooBot\nDisallow: /a\nUser-agent: FooBot\nDisallow: /b\n", "/a", False),
        ("User-agent: FooBot\nDisallow: /a\nUser-agent: FooBot\nDisallow: /b\n", "/b", False),
        ("User-agent: *\nDisallow: /\nUser-agent: FooBot\nDisallow: /a\n", "/b", True),
        ("User-agent: *\nDisallow: /\nUser-agent: FooBot\nDisallow:\n", "/b", True),
        ("User-agent: *\nDisallow: /\nUser-agent: other\nAllow: /\n", "/b", False),
        ("User-agent: FooBot\nSitemap: http://foo.bar/s\nDisallow: /\n", "/x", False),
        # The product_token token: whole, without its version, in any case.
        ("User-agent: foo\nDisallow: /\n", "/x", True),
        ("User-agent: f\nDisallow: /\n", "/x", True),
        ("User-agent: FooBot-Images\nDisallow: /\n", "/x", True),
        ("User-agent: FooBot/2.0\nDisallow: /\n", "/x", False),
        ("User-agent: FooBot Images\nDisallow: /\n", "/x", False),
        ("User-agent: Foo*\nDisallow: /\n", "/x", True),
        ("User-agent: *bar\nDisallow: /\n", "/x", True),
        ("User-agent: * baz\nDisallow: /\n", "/x", False),
        ("User-agent: example\nDisallow: /\n", "/x", True),
        # The longest rule decides; of two that are as long, the one that allows.
        ("User-agent: *\nDisallow: /x\nAllow: /x/y\n", "/x/y/z", True),
        ("User-agent: *\nAllow: /x\nDisallow: /x/y\n", "/x/y/z", False),
        ("User-agent: *\nAllow: /x\nDisallow: /x\n", "/x", True),
        ("User-agent: *\nDisallow: /\nAllow: /\n", "/x", True),
        ("User-agent: *\nDisallow: /p\nAllow: /\n", "/page", False),
        ("User-agent: *\nAllow: /page\nDisallow: /*.htm\n", "/page.htm", False),
        ("User-agent: *\nAllow: /$\nDisallow: /\n", "/", True),
        ("User-agent: *\nAllow: /$\nDisallow: /\n", "/page.html", False),
        # Paths: prefixes, in their case, with wildcards and ends.
        ("User-agent: *\nDisallow: /fish\n", "/fishheads/yummy.html", False),
        ("User-agent: *\nDisallow: /fish\n", "/Fish", True),
        ("User-agent: *\nDisallow: /fish/\n", "/fish", True),
        ("User-agent: *\nDisallow: /*.php$\n", "/a/b.php", False),
        ("User-agent: *\nDisallow: /*.php$\n", "/a/b.php?c", True),
        ("User-agent: *\nDisallow: /fish*.php\n", "/fishheads/x.php?id=1", False),
        ("User-agent: *\nDisallow: /*?\n", "/a?", False),
        ("User-agent: *\nDisallow: /*?\n", "/a", True),
        ("User-agent: *\nDisallow: /a?b=1\n", "/a?b=1&c", False),
        ("User-agent: *\nDisallow: /a;b\n", "/a;b", False),
        ("User-agent: *\nDisallow: //x\n", "//x/y", False),
        # Escapes: those of unreserved characters mean the same, and so does UTF-8.
        ("User-agent: *\nDisallow: /foo/bar/%62%61%7A\n", "/foo/bar/baz", False),
        ("User-agent: *\nDisallow: /foo/ツ\n", "/foo/%E3%83%84", False),
        ("User-agent: *\nDisallow: /foo/%e3%83%84\n", "/foo/ツ", False),
        ("User-agent: *\nDisallow: /a%2Fb\n", "/a/b", True),
        ("User-agent: *\nDisallow: /100%\n", "/100%25", False),
        # What only looks like a line of its own.
        ("User-agent: *\nDisallow: /a\u2028Disallow: /b\n", "/b", True),
        ("User-agent: *\nDisallow: /a\x85Disallow: /b\n", "/b", True),
        ("User-agent: *\nDisallow: /a\x0bDisallow: /b\n", "/b", True),
        # The file itself may always be read.
        ("User-agent: *\nDisallow: /\n", "/robots.txt", True),
    ],
)
def test_rules(text: str, path: str, expected: bool) -> None:
    assert allowed(text, path) is expected


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /x\n",
        b"\xff\xfe" + "User-agent: *\nDisallow: /x\n".encode("utf-16le"),
        b"\xfe\xff" + "User-agent: *\nDisallow: /x\n".encode("utf-16be"),
        b"User-agent: *\n\xff\xfe\x80\nDisallow: /x\n",
        b"\0\0\nUser-agent: *\nDisallow: /x\n",
        b"User-agent: *\nDisallow: /x\nDisallow: /caf\xe9\n",
    ],
)
def test_encodings(body: bytes) -> None:
    assert not allowed(body, "/x")
    assert allowed(body, "/y")


def test_bytes_outside_ascii_are_those_of_the_address() -> None:
    assert not allowed(b"User-agent: *\nDisallow: /caf\xe9\n", "/caf%E9")


def test_half_a_rule_at_the_limit_is_not_read() -> None:
    head = b"User-agent: *\nDisallow: /x\n"
    body = (
        head + b"#" * (MAX_ROBOTS_BYTES - len(head) - 12) + b"\nDisallow: /abc\nDisallow: /late\n"
    )
    assert body[:MAX_ROBOTS_BYTES].endswith(b"Disallow: /")
    assert not allowed(body, "/x")
    assert allowed(body, "/y")
    assert allowed(body, "/late")


@pytest.mark.parametrize(
    ("agent", "token"),
    [
        (USER_AGENT, "download-sites"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "mozilla"),
        ("Mozilla/5.0 (compatible; FooBot/2.1; +http://foo.bar)", "foobot"),
        ("  Foo_Bot-x 7", "foo_bot-x"),
        ("7 of 9", ""),
        ("", ""),
    ],
)
def test_the_product_token(agent: str, token: str) -> None:
    assert product_token(agent) == token
    assert not allowed("User-agent: *\nDisallow: /", "/", agent)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((200, False), (206, False), (301, True), (302, True), (400, True), (401, True)),
        *((403, True), (404, True), (410, True), (451, True), (429, False)),
        *((500, False), (503, False), (599, False), (600, False), (100, False)),
    ],
)
def test_what_a_status_means(status: int, expected: bool) -> None:
    rules = RobotsRules.from_response(status, b"User-agent: *\nDisallow: /", AGENT)
    assert rules.allows(Url("http://foo.bar/x")) is expected
    assert not rules.unavailable or str(status) in rules.unavailable


def test_crawl_delay() -> None:
    text = b"User-agent: *\nCrawl-delay: 10\nUser-agent: FooBot\nCrawl-delay: 0.5\nDisallow: /x\n"
    assert RobotsRules(text, AGENT).crawl_delay == 0.5
    assert RobotsRules(text, "other").crawl_delay == 10
    assert RobotsRules().crawl_delay is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soon", None),
        ("nan", None),
        ("-1", None),
        ("1e400", None),
        ("86400", MAX_CRAWL_DELAY_SECONDS),
    ],
)
def test_a_crawl_delay_is_bounded(text: str, expected: float | None) -> None:
    assert RobotsRules(f"User-agent: *\nCrawl-delay: {text}".encode()).crawl_delay == expected


@pytest.mark.slow
def test_a_group_of_many_robots_takes_no_more_than_one() -> None:
    names = map("".join, itertools.product("abcdefghij", repeat=4))
    agents = "".join(f"User-agent: {name}\n" for name in names)
    body = (agents + "Disallow: /a\n" * 20_000).encode()[:MAX_ROBOTS_BYTES]
    tracemalloc.start()
    try:
        rules = RobotsRules(body, AGENT)
        assert tracemalloc.get_traced_memory()[1] < 100 * len(body)
    finally:
        tracemalloc.stop()
    assert rules.allows(Url("http://foo.bar/a"))
    assert not RobotsRules(body, "cafe/1").allows(Url("http://foo.bar/a"))


@given(st.binary(max_size=300), st.lists(st.sampled_from([b"User-agent:", b"*", b"\n", b"/$"])))
def test_no_file_is_too_much(body: bytes, more: list[bytes]) -> None:
    for text in (body, b"".join(more) + body, b"User-agent: *\nDisallow: " + body):
        rules = RobotsRules(text, AGENT)
        assert rules.allows(Url("http://foo.bar/x?y")) in {True, False}


class Server:
    """Gives robots.txt, and counts who asks."""

    def __init__(self, *answers: tuple[int, bytes] | UrlError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.go.set()

    async def fetch(self, origin: str) -> tuple[int, bytes]:
        self.asked.append(origin)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await self.go.wait()
        if isinstance(answer, UrlError):
            raise answer
        return answer


async def allows(robots: RobotsCache, url: Url) -> bool:
    return (await robots.rules(url)).allows(url)


NONE = (200, b"User-agent: *\nDisallow: /\n")


async def test_each_site_is_asked_once_however_many_want_to_know() -> None:
    server = Server(NONE)
    robots = RobotsCache(server.fetch, AGENT)
    urls = [Url(f"https://{host}/{n}") for host in ("a.test", "b.test:81") for n in range(20)]
    assert not any(await asyncio.gather(*(allows(robots, url) for url in urls)))
    assert sorted(server.asked) == ["https://a.test", "https://b.test:81"]
    assert await allows(robots, Url("https://a.test/robots.txt"))
    assert len(server.asked) == 2


async def test_schemes_and_ports_are_sites_of_their_own() -> None:
    server = Server(NONE)
    robots = RobotsCache(server.fetch, AGENT)
    for url in ("http://u:p@a.test/", "https://a.test/", "https://a.test:8443/"):
        await robots.rules(parse(url))
    assert server.asked == ["http://a.test", "https://a.test", "https://a.test:8443"]


async def test_a_server_that_fails_allows_nothing_and_is_asked_again_later() -> None:
    server, clock = Server((503, b""), (404, b"")), FakeClock()
    robots = RobotsCache(server.fetch, AGENT, clock=clock)
    url = Url("http://foo.bar/x")
    assert "answered with 503" in (await robots.rules(url)).unavailable
    assert not await allows(robots, url)
    assert len(server.asked) == 1
    clock.now += 601
    assert await allows(robots, url)
    clock.now += 3600
    assert await allows(robots, url)
    assert len(server.asked) == 2
    clock.now += 24 * 3600
    assert await allows(robots, url)
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("error", "seconds"), [(ConnectError("refused"), 1), (DnsError("no such host"), 600)]
)
async def test_who_gives_no_answer_is_told_as_such(error: UrlError, seconds: float) -> None:
    server, clock = Server(error), FakeClock()
    robots = RobotsCache(server.fetch, AGENT, clock=clock)
    for _ in range(3):
        with pytest.raises(type(error)) as caught:
            await robots.rules(Url("http://foo.bar/x"))
    assert len(list(caught.traceback)) < 5
    assert len(server.asked) == 1
    clock.now += seconds
    with pytest.raises(type(error)):
        await robots.rules(Url("http://foo.bar/x"))
    assert len(server.asked) == 2


async def test_redirects_that_lead_nowhere_mean_that_there_is_no_file() -> None:
    robots = RobotsCache(Server(RedirectError("more than 20 redirects")).fetch, AGENT)
    assert await allows(robots, Url("http://foo.bar/x"))


async def test_a_cancelled_question_is_asked_by_the_next() -> None:
    server = Server((404, b""))
    server.go.clear()
    robots = RobotsCache(server.fetch, AGENT)
    first, second = (asyncio.create_task(robots.rules(Url("http://foo.bar/"))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    server.go.set()
    assert await second
    assert first.cancelled()
    assert len(server.asked) == 2


async def test_the_answers_kept_are_bounded() -> None:
    server = Server((200, b"User-agent: *\nCrawl-delay: 2\n"))
    robots = RobotsCache(server.fetch, AGENT, max_origins=3)
    for number in (0, 1, 2, 0, 3, 0, 1):
        rules = await robots.rules(Url(f"http://{number}.test/"))
        assert rules.crawl_delay == 2
    assert [asked[7] for asked in server.asked] == ["0", "1", "2", "3", "1"]


async def test_large_answers_push_out_others() -> None:
    server = Server((200, b"User-agent: *\nDisallow: /x\n" + b"#\n" * MAX_ROBOTS_BYTES))
    robots = RobotsCache(server.fetch, AGENT)
    for number in (*range(6), 5, 0):
        assert not await allows(robots, Url(f"http://{number}.test/x"))
    assert [asked[7] for asked in server.asked] == ["0", "1", "2", "3", "4", "5", "0"]


@pytest.mark.parametrize(
    "robot",
    ["Download Ninja", "Download Demon", "Download Accelerator/5", "download", "Downloader"],
)
def test_rules_for_other_programs_that_download_are_not_for_us(robot: str) -> None:
    text = f"User-agent: {robot}\nDisallow: /\n"
    assert allowed(text, "/x", USER_AGENT)
    assert not allowed(f"{text}\nUser-agent: Download-Sites\nDisallow: /x\n", "/x", USER_AGENT)


@pytest.mark.parametrize(
    ("rule", "limit"), [("/*q{:x}$", MAX_WILDCARD_RULES), ("/q{:x}$", MAX_RULES)]
)
def test_rules_of_a_file_are_limited(rule: str, limit: int) -> None:
    others = "User-agent: other\n" + "Disallow: /*x\n" * 5000
    text = (
        others
        + "User-agent: *\n"
        + "".join(f"Disallow: {rule.format(number)}\n" for number in range(limit))
    )
    rules = RobotsRules(text.encode(), AGENT)
    assert not rules.is_cut
    assert not rules.allows(Url(f"{SITE}/q{limit - 1:x}"))
    rules = RobotsRules(f"{text}Disallow: {rule.format(limit)}\n".encode(), AGENT)
    assert rules.is_cut
    assert rules.allows(Url(f"{SITE}/q{limit:x}"))
    assert not rules.allows(Url(f"{SITE}/q{limit - 1:x}"))


async def test_a_site_with_too_many_rules_is_named() -> None:
    text = "User-agent: *\n" + "Disallow: /*x\n" * (MAX_WILDCARD_RULES + 1)
    robots = RobotsCache(Server((200, text.encode())).fetch, AGENT)
    assert robots.warnings == []
    await robots.rules(Url("http://a.test/"))
    assert robots.warnings == [
        "http://a.test/robots.txt has more rules than are used (10,000, of which 2,000 with "
        "wildcards); the others are ignored"
    ]


async def test_many_rules_are_tried_outside_of_the_event_loop() -> None:
    text = "User-agent: *\n" + "".join(f"Disallow: /*q{n:x}\n" for n in range(MAX_WILDCARD_RULES))
    rules = RobotsRules(text.encode(), AGENT)
    urls = [Url(f"{SITE}/{'a' * 1800}{number}") for number in range(50)] + [Url(f"{SITE}/q1")]
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert await rules.allow(urls) == [True] * 50 + [False]
    ticking.cancel()
    assert ticks > 2


def test_the_time_for_a_url_does_not_grow_with_rules_that_cannot_match() -> None:
    def calls(count: int) -> int:
        text = "User-agent: *\n" + "".join(f"Disallow: /q{n:x}/\n" for n in range(count))
        rules = RobotsRules(text.encode(), AGENT)
        rules.allows(Url(f"{SITE}/x"))
        counted = 0

        def count_call(_: object, event: str, __: object) -> None:
            nonlocal counted
            counted += event in {"call", "c_call"}

        sys.setprofile(count_call)
        try:
            rules.allows(Url(f"{SITE}/x"))
        finally:
            sys.setprofile(None)
        return counted

    assert calls(4000) == calls(1000)
