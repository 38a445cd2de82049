"""Which cookies a jar takes, and which requests it sends them with."""

import string
import tempfile
from datetime import UTC, datetime
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.http.cookie_file import read_cookie_file, write_cookie_file
from downloader.http.cookie_jar import CookieJar
from downloader.http.cookies import (
    Cookie,
    domains_of,
    is_public_suffix,
    parse_cookie_date,
    parse_set_cookie,
)
from downloader.web.urls import Url, parse

NOW = 1_800_000_000.0
DAY = 24 * 3600.0
AT = parse("https://www.shop.test/basket/list?q=/x")
#: URLs that every cookie below is looked up for.
URLS = [
    "https://www.shop.test/basket/list",
    "http://www.shop.test/basket/list",
    "https://www.shop.test:8443/basket/list",
    "https://www.shop.test/basket",
    "https://www.shop.test/",
    "https://shop.test/basket/list",
    "https://a.www.shop.test/basket/list",
    "https://other.test/basket/list",
]
WWW, HTTP, PORT, BASKET, ROOT, SHOP, SUB, OTHER = URLS


def jar_at(seconds: float = NOW) -> CookieJar:
    return CookieJar(lambda: seconds)


def sent(jar: CookieJar, url: str, home: str = "http://nobody.invalid/") -> list[str]:
    return jar.matching(parse(url), parse(home))


@pytest.mark.parametrize(
    ("field", "urls"),
    [
        # Without attributes: the host, and the folder of the path.
        ("a=b", [WWW, HTTP, PORT, BASKET]),
        ("a=b; HttpOnly; SameSite=Strict; Priority=High", [WWW, HTTP, PORT, BASKET]),
        ("a=b;;; ;", [WWW, HTTP, PORT, BASKET]),
        # Path (RFC 6265, section 5.1.4).
        ("a=b; Path=/", [WWW, HTTP, PORT, BASKET, ROOT]),
        ("a=b; path = /basket ", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Path=/basket/", [WWW, HTTP, PORT]),
        ("a=b; Path=/bask", []),
        ("a=b; Path=/basket/list/", []),
        ("a=b; Path=", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Path=basket/list", [WWW, HTTP, PORT, BASKET]),
        ('a=b; Path="/"', [WWW, HTTP, PORT, BASKET]),
        ("a=b; Path=/other; Path=/", [WWW, HTTP, PORT, BASKET, ROOT]),
        (f"a=b; Path=/{'x' * 2000}", [WWW, HTTP, PORT, BASKET]),
        # Domain (RFC 6265, section 5.3).
        ("a=b; Domain=www.shop.test", [WWW, HTTP, PORT, BASKET, SUB]),
        ("a=b; Domain=.www.shop.test", [WWW, HTTP, PORT, BASKET, SUB]),
        ("a=b; Domain=SHOP.test", [WWW, HTTP, PORT, BASKET, SHOP, SUB]),
        ("a=b; Domain=.shop.test; Path=/", [WWW, HTTP, PORT, BASKET, ROOT, SHOP, SUB]),
        ("a=b; Domain=", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Domain=.", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Domain=..shop.test", []),
        ("a=b; Domain=shop.test.", []),
        ("a=b; Domain=test", []),
        ("a=b; Domain=op.test", []),
        ("a=b; Domain=other.test", []),
        ("a=b; Domain=a.www.shop.test", []),
        ("a=b; Domain=www.shop.test:8443", []),
        ("a=b; Domain=other.test; Domain=shop.test", [WWW, HTTP, PORT, BASKET, SHOP, SUB]),
        # Secure.
        ("a=b; Secure", [WWW, PORT, BASKET]),
        ("a=b; SECURE=no", [WWW, PORT, BASKET]),
        # Times.
        ("a=b; Max-Age=1", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Max-Age=0", []),
        ("a=b; Max-Age=-1", []),
        ("a=b; Max-Age=soon", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Max-Age=+5", [WWW, HTTP, PORT, BASKET]),
        (f"a=b; Max-Age={'9' * 1000}", [WWW, HTTP, PORT, BASKET]),
        (f"a=b; Max-Age=-{'9' * 1000}", []),
        ("a=b; Expires=Wed, 09 Jun 2100 10:18:14 GMT", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Expires=Wed, 09 Jun 2021 10:18:14 GMT", []),
        ("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", []),
        ("a=b; Expires=never", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=5", [WWW, HTTP, PORT, BASKET]),
        ("a=b; Max-Age=0; Expires=Wed, 09 Jun 2100 10:18:14 GMT", []),
        # Prefixes of names (RFC 6265bis, section 4.1.3).
        ("__Secure-a=b", []),
        ("__Secure-a=b; Secure", [WWW, PORT, BASKET]),
        ("__Host-a=b; Secure; Path=/", [WWW, PORT, BASKET, ROOT]),
        ("__Host-a=b; Secure; Path=/; Domain=www.shop.test", []),
        ("__host-a=b; Secure; Path=/basket", []),
        # What is no cookie.
        ("", []),
        (";", []),
        ("a", []),
        ("=b", []),
        (" =b", []),
        ("a=b\tc", []),
        ("a=b\x00", []),
        ("a=\x7f", []),
        ("a=b; Path=/\x01", []),
        ("a=\udcff", []),
        (f"a={'b' * 4096}", []),
        (f"a={'é' * 2048}", []),
    ],
)
def test_a_cookie_goes_where_rfc_6265_says(field: str, urls: list[str]) -> None:
    jar = jar_at()
    jar.store(AT, [field])
    assert [url for url in URLS if sent(jar, url)] == urls


@pytest.mark.parametrize(
    ("field", "pair"),
    [
        ("a=b", "a=b"),
        (" a\t=  b c\t; x", "a=b c"),
        ("a=", "a="),
        ("a=b=c==", "a=b=c=="),
        ('a="b, c"', 'a="b, c"'),
        ("a=b,c=d", "a=b,c=d"),
        ("$Version=1", "$Version=1"),
        ("a=Übung", "a=Übung"),
        (f"a={'b' * 4095}", f"a={'b' * 4095}"),
    ],
)
def test_name_and_value_are_sent_back_as_they_came(field: str, pair: str) -> None:
    jar = jar_at()
    jar.store(AT, [field])
    assert sent(jar, WWW) == [pair]


@pytest.mark.parametrize(
    ("url", "domain", "taken", "also_for"),
    [
        ("http://a.b.github.io/", "github.io", False, ""),
        ("http://a.b.github.io/", "b.github.io", True, "http://c.b.github.io/"),
        ("http://shop.co.uk/", "co.uk", False, ""),
        ("http://www.shop.co.uk/", "shop.co.uk", True, "http://shop.co.uk/"),
        ("http://a.xn--55qx5d.cn/", "xn--55qx5d.cn", False, ""),
        # The domain of the host itself is no more than the host, if it is a public suffix.
        ("http://github.io/", "github.io", True, ""),
        ("http://localhost/", "localhost", True, ""),
        ("http://127.0.0.1/", "127.0.0.1", True, ""),
        ("http://127.0.0.1/", "0.0.1", False, ""),
        ("http://[::1]/", "[::1]", True, ""),
        # A name under a top-level domain that nobody knows.
        ("http://a.internal-net/", "internal-net", False, ""),
    ],
)
def test_no_cookie_is_for_a_public_suffix(
    url: str, domain: str, taken: bool, also_for: str
) -> None:
    jar = jar_at()
    jar.store(parse(url), [f"a=b; Domain={domain}"])
    assert sent(jar, url) == (["a=b"] if taken else [])
    if also_for:
        assert sent(jar, also_for) == ["a=b"]
    else:
        assert all(cookie.host_only for cookie in jar)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Wed, 09 Jun 2021 10:18:14 GMT", datetime(2021, 6, 9, 10, 18, 14, tzinfo=UTC)),
        ("Wednesday, 09-Jun-21 10:18:14 GMT", datetime(2021, 6, 9, 10, 18, 14, tzinfo=UTC)),
        ("Wed Jun  9 10:18:14 2021", datetime(2021, 6, 9, 10, 18, 14, tzinfo=UTC)),
        ("Wed, 09 Jun 2021 10:18:14 +0200", datetime(2021, 6, 9, 10, 18, 14, tzinfo=UTC)),
        ("10:18:14 9 june 2021", datetime(2021, 6, 9, 10, 18, 14, tzinfo=UTC)),
        ("Thu, 01-Jan-70 00:00:01 GMT", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Mon, 01 Jan 1601 00:00:00 GMT", datetime(1601, 1, 1, tzinfo=UTC)),
        ("Fri, 01 Jan 1600 00:00:00 GMT", None),
        ("Wed, 31 Feb 2021 10:18:14 GMT", None),
        ("Wed, 09 Jun 2021 24:18:14 GMT", None),
        ("Wed, 09 Jun 2021 10:18:60 GMT", None),
        ("Wed, 09 Jun 2021 10:18 GMT", None),
        ("Wed, 09 Jun 20211 10:18:14 GMT", None),
        ("09 Foo 2021 10:18:14", None),
        ("Jun 2021 10:18:14", None),
        ("", None),
    ],
)
def test_dates_are_read_as_rfc_6265_says(text: str, date: datetime | None) -> None:
    assert parse_cookie_date(text) == (date and date.timestamp())


def test_a_cookie_ends_when_its_time_has_come() -> None:
    now = NOW
    jar = CookieJar(lambda: now)
    jar.store(AT, ["a=b; Max-Age=60", "c=d; Max-Age=999999999", "e=f"])
    now += 59
    assert sent(jar, WWW) == ["a=b", "c=d", "e=f"]
    now += 1
    assert sent(jar, WWW) == ["c=d", "e=f"]
    now += 400 * DAY
    assert sent(jar, WWW) == ["e=f"]
    assert [cookie.name for cookie in jar] == ["e"]


def test_a_cookie_replaces_the_one_of_its_name_domain_and_path() -> None:
    jar = jar_at()
    jar.store(AT, ["a=1; Path=/", "a=2; Path=/basket", "a=3; Path=/; Domain=shop.test"])
    assert sent(jar, WWW) == ["a=2", "a=1", "a=3"]
    assert jar.store(AT, ["a=4; Path=/", "b", "a=; Path=/none; Max-Age=0"]) == ["a=4"]
    assert sent(jar, WWW) == ["a=2", "a=4", "a=3"]
    jar.store(AT, ["a=; Path=/; Max-Age=0", "none=; Max-Age=0"])
    assert sent(jar, WWW) == ["a=2", "a=3"]
    jar.store(AT, ["a=; Path=/basket; Max-Age=0", "a=; Domain=shop.test; Path=/; Max-Age=0"])
    assert not jar.received


def test_a_response_without_tls_does_not_hide_a_cookie_for_tls() -> None:
    jar = jar_at()
    jar.give([Cookie("b", "own", "shop.test", host_only=False, secure=True)])
    jar.store(AT, ["a=b; Secure; Path=/basket"])
    at = parse(HTTP)
    jar.store(
        at, ["a=planted", "a=planted; Path=/basket/x", "a=planted; Domain=shop.test", "b=planted"]
    )
    assert sent(jar, WWW, SHOP) == ["a=b", "b=own"]
    jar.store(at, ["a=wider; Path=/", "c=d; Secure", "e=f"])
    assert sent(jar, WWW) == ["a=b", "e=f", "a=wider"]


# Cookies of the user


@pytest.mark.parametrize(
    ("home", "sends_host", "sends_domain"),
    [
        ("http://www.shop.test/any", True, True),
        ("https://www.shop.test:8443/", True, True),
        # Another host of the domain: the domain's cookies belong to both.
        ("https://shop.test/", False, True),
        ("https://img.shop.test/", False, True),
        ("https://other.test/", False, False),
        ("https://notshop.test/", False, False),
        ("https://test/", False, False),
    ],
)
def test_a_cookie_of_the_user_is_sent_only_on_the_way_from_a_host_that_it_belongs_to(
    home: str, sends_host: bool, sends_domain: bool
) -> None:
    jar = jar_at()
    jar.give(
        [
            Cookie("host", "1", "www.shop.test"),
            Cookie("domain", "2", "shop.test", host_only=False),
            Cookie("past", "3", "shop.test", host_only=False, expires=NOW - 1),
        ]
    )
    told = sent(jar, WWW, home)
    assert ("domain=2" in told, "host=1" in told) == (sends_domain, sends_host)
    assert len(told) == sends_domain + sends_host


def test_a_server_replaces_and_ends_cookies_of_the_user() -> None:
    jar = jar_at()
    jar.give([Cookie("a", "1", "www.shop.test"), Cookie("b", "2", "www.shop.test")])
    jar.store(AT, ["a=new; Path=/"])
    jar.store(AT, ["b=; Path=/; Max-Age=0"])
    assert not jar.given
    assert sent(jar, WWW) == ["a=new"]


# Limits


def test_the_cookies_of_a_domain_are_limited_and_the_least_useful_go_first() -> None:
    now = NOW
    jar = CookieJar(lambda: now)
    jar.store(AT, ["old=1; Secure", "older=1", "short=1; Secure; Max-Age=5"])
    now += 10
    jar.store(AT, [f"c{number}=1; Secure" for number in range(148)])
    names = [cookie.name for cookie in jar]
    assert names[:2] == ["old", "older"]
    jar.store(AT, ["last=1"])
    names = [cookie.name for cookie in jar]
    assert len(names) == 150
    assert "older" not in names
    assert names[0] == "old"


def test_all_cookies_together_are_limited_and_unused_hosts_go_first() -> None:
    jar = jar_at()
    jar.give([Cookie("own", "1", "h0.test")])
    jar.store(Url("http://used.test/"), ["a=1"])
    for number in range(300):
        jar.store(Url(f"http://h{number}.test/"), [f"c{each}={number}" for each in range(100)])
        assert sent(jar, "http://used.test/") == ["a=1"]
    assert len(list(jar)) <= 10_001
    assert sent(jar, "http://h0.test/", "http://h0.test/") == ["own=1"]
    assert len(sent(jar, "http://h299.test/")) == 100


def test_the_bytes_of_all_cookies_are_limited() -> None:
    jar = jar_at()
    for number in range(50):
        fields = [f"c{each}={'x' * 4000}" for each in range(100)]
        jar.store(Url(f"http://h{number}.test/"), fields)
    assert sum(len(cookie.value) for cookie in jar) <= 8 * 1024**2
    # What is dropped and replaced is no longer counted.
    for number in range(30_000):
        jar.store(Url("http://h.test/"), [f"a={number}", f"b={number}; Max-Age={number % 2}"])
    assert sum(len(cookie.value) for cookie in jar) > 7 * 1024**2


def test_a_request_has_no_more_bytes_of_cookies_than_servers_take() -> None:
    jar = jar_at()
    jar.give([Cookie("own", "o" * 10_000, "www.shop.test")])
    jar.store(AT, [f"c{each}={'x' * 1000}; Path=/" for each in range(100)] + ["near=1"])
    assert sent(jar, WWW, WWW) == ["own=" + "o" * 10_000]
    pairs = sent(jar, WWW)
    assert pairs[0] == "near=1"
    assert len(pairs) == 9
    assert len("; ".join(pairs)) <= 8190


def test_a_host_with_many_parents_costs_no_more_than_others() -> None:
    jar = jar_at()
    parts = [f"d{number}" for number in range(60)]
    host = ".".join([*parts, "test"])
    for number in range(59):
        domain = ".".join([*parts[number:], "test"])
        url = Url(f"http://{host}/")
        jar.store(url, [f"c{number}-{each}=; Domain={domain}" for each in range(1000)])
    assert len(list(jar)) == 59 * 150
    names = {pair.partition("-")[0] for pair in sent(jar, f"http://{host}/")}
    assert names == {"c0"}
    assert len(list(domains_of(host))) == 11


# Several jars


def test_jars_of_several_processes_become_the_same() -> None:
    parent, one, two = jar_at(), jar_at(), jar_at()
    parent.give([Cookie("a", "1", "www.shop.test"), Cookie("b", "2", "www.shop.test")])
    parent.store(AT, ["c=3; Path=/"])
    for jar in (one, two):
        jar.fill(parent.contents)
        jar.records_changes = True
    one.store(AT, ["a=new; Path=/", "c=; Path=/; Max-Age=0", "d=4; Path=/; Domain=shop.test"])
    changes = one.take_changes()
    assert one.take_changes() == []
    for jar in (parent, two):
        jar.apply_changes(changes)
    # What came from another jar is no change of one's own.
    assert two.take_changes() == []
    two.store(AT, ["d=4; Path=/; Domain=shop.test"])
    assert two.take_changes() == []
    assert one.contents == two.contents == parent.contents
    assert sent(two, WWW, WWW) == ["b=2", "a=new", "d=4"]


# Any input

NAMES = st.text("ab_-", min_size=1, max_size=3)
HOSTS = st.sampled_from(
    ["shop.co.uk", "a.shop.co.uk", "b.a.shop.co.uk", "c.shop.co.uk", "1.2.3.4", "localhost"]
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=3).map(lambda p: "/" + "/".join(p))
PLACES = st.builds("{}://{}{}".format, st.sampled_from(["http", "https"]), HOSTS, PATHS).map(Url)
ATTRIBUTES = st.one_of(
    st.builds("Domain={}".format, HOSTS | st.sampled_from(["co.uk", ".shop.co.uk", "2.3.4"])),
    st.builds("Path={}".format, PATHS),
    st.sampled_from(["Secure", "HttpOnly", "Max-Age=0", "Max-Age=60", "Expires=1"]),
)
FIELDS = st.builds(
    lambda name, attributes: "; ".join([f"{name}=v", *attributes]),
    NAMES,
    st.lists(ATTRIBUTES, max_size=3),
)


@given(st.lists(st.tuples(PLACES, FIELDS), max_size=8), PLACES)
def test_matching_by_host_finds_what_looking_at_every_cookie_finds(
    responses: list[tuple[Url, str]], url: Url
) -> None:
    jar = jar_at()
    kept: dict[tuple[str, str, str, bool], Cookie] = {}
    for at, field in responses:
        cookie = parse_set_cookie(field, at, NOW)
        before = {each.pair: each for each in jar}
        jar.store(at, [field])
        if cookie is None:
            assert {each.pair: each for each in jar} == before
            continue
        secure = [each for each in kept.values() if each.secure and each.name == cookie.name]
        if at.startswith("http:") and any(belongs(each, at, path=cookie.path) for each in secure):
            continue
        kept[cookie.domain, *cookie.key] = cookie
        if cookie.expires == 1:
            del kept[cookie.domain, *cookie.key]
    host, path = url.split("/", 3)[2], "/" + url.split("/", 3)[3]
    expected = [
        cookie.pair
        for cookie in kept.values()
        if belongs(cookie, url, path=path)
        and (not cookie.host_only or cookie.domain == host)
        and (url.startswith("https:") or not cookie.secure)
    ]
    assert sorted(sent(jar, url)) == sorted(expected)


def belongs(cookie: Cookie, url: Url, *, path: str) -> bool:
    """Return whether domain and path of a cookie match, as RFC 6265 words it."""
    host = url.split("/", 3)[2]
    prefix = cookie.path if cookie.path.endswith("/") else f"{cookie.path}/"
    return (host == cookie.domain or host.endswith(f".{cookie.domain}")) and (
        path == cookie.path or path.startswith(prefix)
    )


@given(
    st.lists(
        st.sampled_from([*";=\t ,", "Max-Age", "Expires", "Domain", "Path", "Secure", "9", "-"])
        | st.text(max_size=4),
        max_size=30,
    ).map("".join)
)
def test_any_field_is_a_cookie_that_can_be_sent_and_saved_or_none(field: str) -> None:
    cookie = parse_set_cookie(field, AT, NOW)
    if cookie is None:
        return
    assert cookie.name
    assert not set(cookie.pair + cookie.path) & set("\r\n\t\0;")
    assert len(cookie.pair.encode()) <= 4097
    assert cookie.path.startswith("/")
    assert AT.split("/")[2].endswith(cookie.domain)
    assert cookie.host_only or not is_public_suffix(cookie.domain)
    assert 0 <= cookie.expires <= NOW + 400 * DAY


@given(st.text(max_size=60) | st.text(string.digits + ": -janJUL,GMT", max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    date = parse_cookie_date(text)
    assert date is None or -(2**34) < date < 2**38


@given(
    st.lists(
        st.builds(
            Cookie,
            name=st.text("ab!é", min_size=1, max_size=3),
            value=st.text("ab =;é#", max_size=3).map(str.strip),
            domain=HOSTS
            | st.builds(lambda number: f"[{IPv6Address(number)}]", st.integers(0, 2**128 - 1)),
            host_only=st.booleans(),
            path=PATHS,
            secure=st.booleans(),
            expires=st.sampled_from([0.0, NOW + 5]),
        ),
        max_size=5,
    )
)
def test_a_file_holds_what_was_written(cookies: list[Cookie]) -> None:
    # Not tmp_path, which all examples would share.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cookies"
        write_cookie_file(file, cookies)
        read = read_cookie_file(file)
    by_address = [("[" in each.domain or each.domain == "1.2.3.4") for each in cookies]
    expected = [
        Cookie(
            each.name,
            each.value,
            each.domain,
            each.host_only or of_address,
            each.path,
            each.secure,
            each.expires,
        )
        for each, of_address in zip(cookies, by_address, strict=True)
    ]
    assert read == expected
