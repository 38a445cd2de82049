"""Which links are followed: what was asked for, and what is a trap."""

from collections.abc import Iterable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.mirror.scope import (
    RefusalReason,
    Scope,
    TrapDetector,
    TrapLimits,
    TrapReason,
    UrlPatterns,
)
from downloader.web.urls import Url, parse

START = Url("https://example.org/docs/guide/index.html")


def refusal(scope: Scope, address: str, level: int = 1, *, nofollow: bool = False) -> str | None:
    return scope.refusal(parse(address), start=START, level=level, nofollow=nofollow)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://example.org/elsewhere", None),
        ("http://example.org/other-scheme", None),
        ("https://example.org:443/", None),
        ("https://user:secret@example.org/", None),
        ("https://EXAMPLE.org/", None),
        ("https://example.org:8443/", RefusalReason.HOST),
        ("https://www.example.org/", RefusalReason.HOST),
        ("https://example.org.evil.test/", RefusalReason.HOST),
        ("https://example.org@evil.test/", RefusalReason.HOST),
    ],
)
def test_only_the_host_of_the_start_is_followed(
    address: str, expected: RefusalReason | None
) -> None:
    assert refusal(Scope(), address) == expected
    assert refusal(Scope(span_hosts=True), address) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://www.example.org/", None),
        ("https://www.example.org:8443/", RefusalReason.HOST),
        ("https://www2.example.org/", RefusalReason.HOST),
        ("https://wwwexample.org/", RefusalReason.HOST),
    ],
)
def test_with_and_without_www_may_be_one_site(address: str, expected: RefusalReason | None) -> None:
    assert refusal(Scope(same_site=True), address) == expected
    assert refusal(Scope(same_site=True, no_parent=True), "https://www.example.org/") == (
        RefusalReason.PARENT
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://a.test/", None),
        ("http://a.test:8080/", None),
        ("https://sub.a.test/", None),
        ("https://b.test/", None),
        ("https://example.org/", None),
        ("https://xa.test/", RefusalReason.HOST),
        ("https://a.test.evil.test/", RefusalReason.HOST),
    ],
)
def test_some_domains_are_followed_as_well(address: str, expected: RefusalReason | None) -> None:
    assert refusal(Scope(domains=("a.test", "b.test")), address) == expected


def test_a_start_that_redirects_has_two_hosts() -> None:
    listed = Url("https://www.example.org/docs/guide/")
    for address in ("https://www.example.org/docs/guide/x", "https://example.org/docs/guide/x"):
        for scope in (Scope(), Scope(no_parent=True)):
            url = parse(address)
            assert scope.refusal(url, start=START, level=1, listed=listed) is None
    above = parse("https://www.example.org/x")
    scope = Scope(no_parent=True)
    assert scope.refusal(above, start=START, level=1, listed=listed) is RefusalReason.PARENT


@pytest.mark.parametrize(
    ("address", "above"),
    [
        ("https://example.org/docs/guide/", False),
        ("https://example.org/docs/guide/deeper/page", False),
        ("https://example.org/docs/%67uide/page", False),
        ("https://example.org/docs/guide", True),
        ("https://example.org/docs/guidebook/", True),
        ("https://example.org/docs/guide/../other", True),
        ("https://example.org/docs/guide/%2e%2e/other", True),
        ("https://example.org/", True),
    ],
)
def test_no_parent_stays_in_the_folder_of_the_start(address: str, above: bool) -> None:
    assert refusal(Scope(no_parent=True), address) == (RefusalReason.PARENT if above else None)
    assert refusal(Scope(), address) is None


def test_no_parent_is_about_the_host_of_the_start() -> None:
    scope = Scope(no_parent=True, span_hosts=True)
    assert refusal(scope, "https://elsewhere.test/") is None
    assert refusal(scope, "https://example.org/") == RefusalReason.PARENT


def test_levels_are_counted_from_the_start() -> None:
    assert refusal(Scope(level=2), "https://example.org/", level=2) is None
    assert refusal(Scope(level=2), "https://example.org/", level=3) == RefusalReason.LEVEL
    assert refusal(Scope(level=None), "https://example.org/", level=1000) is None


def test_nofollow_is_respected() -> None:
    assert refusal(Scope(), "https://example.org/", nofollow=True) == RefusalReason.NOFOLLOW
    assert refusal(Scope(nofollow=False), "https://example.org/", nofollow=True) is None


@pytest.mark.parametrize(
    ("items", "path", "matches"),
    [
        (["pdf"], "/a/b.pdf", True),
        (["pdf"], "/a/b.PDF", False),
        (["pdf"], "/a/b.pdf?download=1", True),
        (["pdf"], "/a/b?c.pdf", False),
        ([".tar.gz,.zip"], "/b.zip", True),
        ([".tar.gz", ".zip"], "/b.tar.gz", True),
        (["*.pdf"], "/a/b.pdf", True),
        (["b*"], "/a/b.pdf", True),
        (["a*"], "/a/b.pdf", False),
        (["report-20[0-9][0-9]*"], "/x/report-2024-final.html", True),
        (["report-20[0-9][0-9]*"], "/x/report-20xx", False),
        (["/a/*"], "/a/b/c", True),
        (["/a/*"], "/b/a/c", False),
        (["*/a/*"], "/b/a/c", True),
        (["/a"], "/x/a", True),
        (["a b.pdf"], "/a%20b.pdf", True),
        (["[a,b].html"], "/b.html", True),
        (["?.html"], "/ü.html", True),
        ([" , "], "/a", False),
        ([], "/a", False),
    ],
)
def test_patterns(items: list[str], path: str, matches: bool) -> None:
    assert UrlPatterns(tuple(items)).match(parse(f"https://example.org{path}")) is matches


def test_what_is_rejected_is_not_asked_for() -> None:
    scope = Scope(reject=UrlPatterns(("*.html",)))
    assert refusal(scope, "https://example.org/a.html") == RefusalReason.REJECTED
    assert refusal(scope, "https://example.org/a.pdf") is None


def test_pages_on_the_way_to_what_is_accepted_are_followed_and_not_kept() -> None:
    scope = Scope(level=3, accept=UrlPatterns(("pdf",)))
    for page in ("", "folder/", "page.html", "page", "page.php?id=1"):
        address = f"https://example.org/{page}"
        assert refusal(scope, address) is None
        assert not scope.accepts(parse(address))
        assert refusal(scope, address, level=3) == RefusalReason.NOT_ACCEPTED
    assert refusal(scope, "https://example.org/a.zip") == RefusalReason.NOT_ACCEPTED
    assert refusal(scope, "https://example.org/a.pdf", level=3) is None
    assert scope.accepts(parse("https://example.org/a.pdf"))


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    pattern = UrlPatterns(("*a" * 50 + "*b",))
    assert not pattern.match(parse("https://example.org/" + "a" * 2000))


def trap(*addresses: str, bounds: TrapLimits | None = None) -> TrapReason | None:
    traps = TrapDetector(bounds)
    found = None
    for address in addresses:
        found = traps.check(parse(f"https://example.org{address}"))
    return found


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/", None),
        ("/a/b/c/d/e/f/g", None),
        ("/2011/11/11/11", None),
        ("/a/a", None),
        ("/a/b/a/b", None),
        ("/en/docs/en/api/en/x", None),
        ("/a/a/a", TrapReason.REPEATS),
        ("/a/b/a/b/a/b", TrapReason.REPEATS),
        ("/x/a/b/c/a/b/c/a/b/c/y", TrapReason.REPEATS),
        ("/a/1/a/2/a/3/a/4", TrapReason.REPEATS),
        ("/" + "/".join(map(str, range(21))), TrapReason.DEPTH),
        ("/?q=" + "x" * 2000, TrapReason.LENGTH),
        ("/?a=1&a=2&a=3&a=4&a=5", None),
        ("/?a=1&b=1&c=1&d=1", None),
        ("/?a=1&b=2&a=1&b=2&a=1", None),
        ("/?a=1&b=2&a=1&b=2&a=1&b=2&a=1", TrapReason.QUERY_LOOP),
        ("/login?next=%2Flogin%3Fnext%3D%252F", None),
        ("/login?next=%2Flogin%3Fnext%3D%252Flogin%253Fnext%253D%25252F", TrapReason.QUERY_LOOP),
    ],
)
def test_shapes_of_addresses_that_only_traps_have(
    address: str, expected: TrapReason | None
) -> None:
    assert trap(address) == expected


def calendar() -> Iterable[str]:
    return (f"/calendar/{year}/{month:02}" for year in range(1990, 2100) for month in range(1, 13))


def test_a_calendar_without_end_has_one_here() -> None:
    traps = TrapDetector()
    found = [traps.check(parse(f"https://example.org{path}")) for path in calendar()]
    assert found.count(None) == TrapLimits().max_dates_per_shape
    assert found[-1] == TrapReason.DATES
    # A year of a blog, and pages that are numbered, are no calendar.
    assert trap(*(f"/2024/05/entry-{word}" for word in map(chr, range(97, 123)))) is None
    assert trap(*(f"/item/{number}" for number in range(20_000))) is None


def test_queries_of_one_path_are_bounded() -> None:
    bounds = TrapLimits(max_queries_per_path=3)
    assert trap("/a?1", "/a?2", "/a?3", bounds=bounds) is None
    assert trap("/a?1", "/a?2", "/a?3", "/a?4", bounds=bounds) == TrapReason.QUERIES
    assert trap("/a?1", "/a?2", "/a?3", "/b?4", bounds=bounds) is None
    assert trap("/a?1", "/a?2", "/a?3", "/a", bounds=bounds) is None


def test_queries_and_dates_may_be_unlimited() -> None:
    limits = TrapLimits(max_queries_per_path=None, max_dates_per_shape=None)
    traps = TrapDetector(limits)
    urls = [parse(f"https://example.org/a?date=2024-05-{number}") for number in range(20_000)]
    assert {traps.check(url) for url in urls} == {None}


def test_memory_is_bounded() -> None:
    traps = TrapDetector(TrapLimits(max_counted_paths=10))
    for number in range(1000):
        traps.check(parse(f"https://example.org/{number}?2024-05"))
    assert len(traps._queries._counts) == 10
    assert len(traps._dates._counts) <= 10


segments = st.lists(st.sampled_from(["a", "b", "c", "7", "x.html", "", "%C3%A9"]), max_size=30)


@given(segments, st.text(max_size=50))
def test_no_address_is_too_much(parts: list[str], query: str) -> None:
    url = parse("https://example.org/" + "/".join(parts) + "?" + quote(query))
    traps = TrapDetector()
    traps.check(url)
    assert refusal(Scope(no_parent=True, accept=UrlPatterns(("a",))), url) in {None, *RefusalReason}


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), st.integers(3, 6))
def test_whatever_repeats_three_times_is_a_trap(parts: list[str], times: int) -> None:
    address = "/" + "/".join(parts * times)
    assert trap(address) in {TrapReason.REPEATS, TrapReason.DEPTH}


@given(st.lists(st.sampled_from(["a", "b", "c", "1", "*"]), max_size=5), st.text(max_size=20))
def test_a_pattern_never_fails(items: list[str], text: str) -> None:
    patterns = UrlPatterns((*items, text, f"[{text}", f"{text}*"))
    assert patterns.match(parse("https://example.org/a/b/c")) in {True, False}
