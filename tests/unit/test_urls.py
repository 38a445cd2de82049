"""Addresses: parsed as a browser does, and never shown with their password."""

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.urls import Url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://www.python.org", "https://www.python.org/"),
        ("HTTP://EXAMPLE.org:80/A", "http://example.org/A"),
        ("  https://example.org/  ", "https://example.org/"),
        ("example.org/a?b", "https://example.org/a?b"),
        ("localhost:8080/x", "https://localhost:8080/x"),
        ("//example.org/x", "https://example.org/x"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("https://example.org/a%23b", "https://example.org/a%23b"),
        ("https://example.org/a/../b/./c", "https://example.org/b/c"),
        ("https://example.org/%2e%2e/b", "https://example.org/b"),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/ü", "https://example.org/%C3%BC"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://example.org/?sig=%27a%2Fb%27", "https://example.org/?sig=%27a%2Fb%27"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[::0001]:8080/", "http://[::1]:8080/"),
    ],
)
def test_an_address_is_read_as_a_browser_reads_it(text: str, url: str) -> None:
    assert urls.parse(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "mailto:someone@example.org",
        "https://",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https://[::1/",
        "https://example.org/a\tb",
        "https://exam\nple.org/",
        "https://example.org/\x00",
        "https://example.org/\x7f",
        "https://example.org/\ufffd",
        "https://\udce9.example/",
        "/etc/passwd",
        "\\\\server\\share",
        "?only=query",
        "#fragment",
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(BadUrlError):
        urls.parse(text)


@given(st.text())
@example("http://user:secret@h/")
def test_a_parsed_address_is_ascii_and_parses_to_itself(text: str) -> None:
    try:
        url = urls.parse(text)
    except BadUrlError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert url.startswith(("https://", "http://"))
    assert urls.parse(url) == url


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("c", "https://example.org/a/c"),
        ("/c#part", "https://example.org/c"),
        ("../../c", "https://example.org/c"),
        ("?q", "https://example.org/a/b?q"),
        ("", "https://example.org/a/b"),
        ("//other.example/x", "https://other.example/x"),
        ("\\\\other.example\\x", "https://other.example/x"),
        (" http://other.example/ ", "http://other.example/"),
    ],
)
def test_a_reference_is_joined_as_a_browser_joins_it(reference: str, url: str) -> None:
    assert urls.join(Url("https://example.org/a/b"), reference) == url


@pytest.mark.parametrize(
    "reference", ["file:///etc/passwd", "javascript:x", "data:,x", "http://[", "a\udce9"]
)
def test_a_reference_that_leaves_the_web_is_refused(reference: str) -> None:
    with pytest.raises(BadUrlError):
        urls.join(Url("https://example.org/"), reference)


@pytest.mark.parametrize(
    ("text", "bare", "credentials"),
    [
        ("https://h/a@b", "https://h/a@b", None),
        ("https://h/", "https://h/", None),
        ("https://user:secret@h/a", "https://h/a", ("user", "secret")),
        ("https://user@h/", "https://h/", ("user", "")),
        ("https://:secret@h/", "https://h/", ("", "secret")),
        ("https://us%40er:p@ss@h/", "https://h/", ("us%40er", "p%40ss")),
    ],
)
def test_credentials_are_taken_out_of_an_address(
    text: str, bare: str, credentials: tuple[str, str] | None
) -> None:
    assert urls.without_credentials(urls.parse(text)) == (bare, credentials)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@h/a?b", "https://user@h/a?b"),
        ("https://token@h/a?b", "https://***@h/a?b"),
        ("https://:secret@h/", "https://h/"),
        ("https://user:sec:r@t@h/", "https://user@h/"),
        ("https://h/user:secret@x", "https://h/user:secret@x"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, shown: str) -> None:
    assert urls.redact(urls.parse(text)) == shown


def test_the_parts_of_an_address() -> None:
    url = urls.parse("http://u:p@example.org:8080/a%20b/?q=1&r=%27")
    assert urls.host(url) == "example.org:8080"
    assert urls.origin(url) == "http://example.org:8080"
    assert urls.split(url) == ("example.org:8080", "/a%20b/", "q=1&r=%27")


def test_two_schemes_or_ports_are_two_origins() -> None:
    addresses = ("http://h/", "https://h/", "http://h:81/", "http://i/")
    assert len({urls.origin(urls.parse(text)) for text in addresses}) == 4
    assert urls.origin(urls.parse("http://h:80/a")) == urls.origin(urls.parse("http://u:p@h/b"))


ZONED = "http://[fe80::1%25eth0]:8080/"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (ZONED, ZONED),
        ("http://[FE80::0001%25eth0]:8080", ZONED),
        ("http://[fe80::1%eth0]:8080", ZONED),
        ("[fe80::1%25eth0]/a b#c", "https://[fe80::1%25eth0]/a%20b"),
        ("http://me:p%25w@[fe80::1%25Wlan-0.1_~]/", "http://me:p%25w@[fe80::1%25Wlan-0.1_~]/"),
        ("http://[fe80::1%2525]/", "http://[fe80::1%2525]/"),
        ("http://[::1%25lo]/", "http://[::1%25lo]/"),
        ("http://[fe80::1]/%25eth0", "http://[fe80::1]/%25eth0"),
        ("http://example.org/[fe80::1%25eth0]", "http://example.org/[fe80::1%25eth0]"),
    ],
)
def test_a_user_may_name_the_zone_of_an_address(text: str, url: str) -> None:
    assert urls.parse(text, zones=True) == url


@pytest.mark.parametrize(
    "text",
    [
        *("http://[fe80::1%25]/", "http://[fe80::1%25a b]/", "http://[fe80::1%25a%2f]/"),
        *("http://[2001:db8::1%25eth0]/", "http://[fe80::1%25../..]/", "http://[x%25eth0]/"),
        *("http://[169.254.0.1%25eth0]/", "http://example.org%25eth0/", "http://[fe80::1]%25a/"),
        "http://[fe80::1%25" + "a" * 65 + "]/",
    ],
)
def test_what_is_no_zone_is_refused(text: str) -> None:
    with pytest.raises(BadUrlError):
        urls.parse(text, zones=True)


@pytest.mark.parametrize("text", [ZONED, "http://[fe80::1%eth0]/", "[::1%25lo]"])
def test_nobody_else_may_name_a_zone(text: str) -> None:
    with pytest.raises(BadUrlError):
        urls.parse(text)
    for base in (Url("http://example.org/"), Url(ZONED)):
        with pytest.raises(BadUrlError):
            urls.join(base, text if "//" in text else f"http://{text}")


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("b?c", f"{ZONED}b?c"),
        ("http://[fe80::1]:8080/b", f"{ZONED}b"),
        ("https://[FE80::01]/b", "https://[fe80::1%25eth0]/b"),
        ("http://[fe80::2]/", "http://[fe80::2]/"),
        ("http://example.org/%25", "http://example.org/%25"),
    ],
)
def test_the_zone_of_a_page_counts_for_its_address(reference: str, url: str) -> None:
    assert urls.join(Url(f"{ZONED}a"), reference) == url


def test_a_zone_stays_when_a_password_goes() -> None:
    url = urls.parse("http://me:secret@[fe80::1%25eth0]:8080/", zones=True)
    assert urls.without_credentials(url) == (ZONED, ("me", "secret"))
    assert urls.redact(url) == "http://me@[fe80::1%25eth0]:8080/"
    assert urls.host(url) == "[fe80::1%25eth0]:8080"
    assert urls.hostname(url) == "[fe80::1%25eth0]"
    assert urls.split_zone(url) == ("http://me:secret@[fe80::1]:8080/", "eth0")


def test_no_referrer_has_a_zone() -> None:
    page = Url(f"{ZONED}a")
    assert urls.referrer(page, Url(f"{ZONED}b")) == "http://[fe80::1]:8080/a"
    other_zone = Url("http://[fe80::1%25eth1]:8080/b")
    assert urls.referrer(page, other_zone) == "http://[fe80::1]:8080/"


@given(st.text(alphabet="abc:/@?#[]%.1&= -é~", max_size=40))
def test_the_parts_of_a_normalised_url_are_those_that_the_parser_names(text: str) -> None:
    try:
        url = urls.parse(f"http://{text}")
    except BadUrlError:
        return
    parsed = ada_url.URL(url)
    assert urls.split(url) == (parsed.host, parsed.pathname, parsed.search[1:])
    assert (urls.host(url), urls.origin(url)) == (parsed.host, parsed.origin)
    assert urls.hostname(url) == parsed.hostname


PIECES = (
    *("a", "B", "xn--", "xn--a", "-", ".", "..", "...", "%2e", "%2E", "%", "%zz", "%41", "~", "_"),
    *(
        "0",
        "1",
        "01",
        "255",
        "256",
        "0x1f",
        "1.2.3.4",
        "127.0.0.1",
        "example.org",
        "a.1",
        "localhost",
    ),
    *(":", ":0", ":80", ":443", ":8080", ":08080", ":18100", ":59999", ":65535", ":65536"),
    *("/", "/", "//", "?", "??", "'", '"', "|", "^", "@", "&", "=", "+", ";", ",", "*", "(", "é"),
)


@given(
    st.sampled_from(("http://", "https://")),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join),
)
@example("http://", "127.0.0.1:18100/part/page-1.html?a=1")
@example("http://", "1.2.3.4.5/")
@example("http://", "a.b/c/..")
def test_a_url_that_needs_no_parser_is_what_the_parser_returns(scheme: str, rest: str) -> None:
    try:
        expected = ada_url.normalize_url(scheme + rest)
    except ValueError:
        with pytest.raises(BadUrlError):
            urls.parse(scheme + rest)
    else:
        assert urls.parse(scheme + rest) == expected
