"""Whatever bytes come, there is an outcome: never a crash, and never harm to a neighbour."""

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from downloader import Failed, sources
from downloader.cli import download_command
from downloader.errors import (
    BadUrlError,
    DecodeError,
    RunError,
    SourceError,
    TruncatedError,
    UrlError,
)
from downloader.http.cookie_file import read_cookie_file, write_cookie_file
from downloader.http.cookie_jar import CookieJar
from downloader.http.redirects import location_text
from downloader.http.response import field_text
from downloader.http.resume import continued_total, strong_validator
from downloader.http.retry import retry_after
from downloader.journal import Job, Journal
from downloader.models import PartialBody, Skipped
from downloader.models.checksums import parse_checksum
from downloader.web import urls
from downloader.web.charset import CharacterCounter
from downloader.web.content_coding import decoder_for
from downloader.web.media_types import is_text, media_type_table, parse_media_type
from downloader.web.text import parse_http_date, printable
from downloader.web.url_names import candidates
from downloader.web.urls import Url
from tests.support.safe_names import assert_safe

FAST = settings(max_examples=200, deadline=None)
SLOW = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

#: Bytes of a field as they come over the wire, and as aiohttp gives them.
FIELDS = st.binary(max_size=60)
TEXTS = st.text(max_size=40) | FIELDS.map(lambda raw: raw.decode("utf-8", "surrogateescape"))
WORDS = [
    *("bytes", "0", "-", "/", "*", " ", "9" * 25, "99", '"', "W/", "1", ",", ";", "=", ":", "GMT"),
    *("Thu", "01", "Jan", "1970", "00:00:00", "+9999", "-0000", "99999999999", "²", "\0", "%", "+"),
]
HEADERISH = st.lists(st.sampled_from(WORDS), max_size=10).map("".join) | TEXTS
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Thu", "", "x"]),
    *(st.integers(-1, 10**5) | st.integers() for _ in range(1)),
    st.sampled_from(["Jan", "Feb", "Dec", "x"]),
    *(st.integers(-1, 10**4) | st.integers() for _ in range(4)),
    st.sampled_from(["GMT", "-0000", "+2359", "-9999", "EST", ""]),
)


# Addresses and names


@given(
    raw=FIELDS
    | st.binary(max_size=20).map(b"http://".__add__)
    | TEXTS.map(printable).map(str.encode)
)
@example(raw=b"\xff:\x80")
@example(raw=b"//[::1")
@example(raw=b"http://a:b@c:99999/")
@FAST
def test_any_location_leads_to_a_web_address_or_is_refused(raw: bytes) -> None:
    location = location_text(raw)
    location.encode()
    try:
        url = urls.join(Url("https://base.test/a/b?c"), location)
    except BadUrlError:
        return
    assert url.isascii()
    assert url.startswith(("http://", "https://"))
    assert urls.parse(url) == url
    assert "#" not in url
    bare, credentials = urls.without_credentials(url)
    assert "@" not in urls.split(bare)[0]
    assert (credentials is None) == (bare == url)
    for name in candidates(bare):
        assert_safe(name.path("text/html"))


@given(TEXTS)
@FAST
def test_any_text_can_be_concealed_and_printed(text: str) -> None:
    shown = printable(urls.redact_text(text))
    shown.encode()
    assert printable(shown) == shown


@given(user=st.text(st.characters(exclude_characters="@/:\\"), max_size=5), host=TEXTS)
@FAST
def test_what_may_be_a_password_is_concealed(user: str, host: str) -> None:
    assert "hunter2" not in urls.redact_text(f"ftp://{user}:hunter2@{host}")


LISTED = st.fixed_dictionaries(
    {"url": TEXTS | st.sampled_from(["h.test", "http://h.test/a", "http://u:p@h.test/"])},
    optional={"name": TEXTS, "sha256": TEXTS},
)


@given(
    lines=st.lists(LISTED.map(json.dumps) | st.text(max_size=20), max_size=8),
    name=st.sampled_from(["list.jsonl", "list.csv", "list.tsv", "list", "list.xml"]),
    ending=st.sampled_from(["\n", "\r\n", "\r", "\0", "\n  out=", "\n  header="]),
)
@SLOW
def test_every_line_of_any_list_is_admitted_skipped_or_refused(
    lines: list[str], name: str, ending: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(ending.join(lines), encoding="utf-8", errors="surrogatepass")
        try:
            entries = list(sources.read([str(file)], lambda _url, _home: iter([])))
        except SourceError as error:
            assert error.message == printable(error.message)  # noqa: PT017 - others get through
            return
        journal = Journal()
        admitted = journal.admit(entries)
        journal.close()
    assert len(admitted) == len(entries)
    for one in admitted:
        assert isinstance(one, Job | Skipped | Failed)
        if isinstance(one, Job):
            for media_type_ in ("text/html", ""):
                assert_safe(one.name.path(media_type_))
        else:
            printable(f"{one.url} {one.origin}").encode()


# Fields of an answer


@given(HEADERISH)
@FAST
def test_a_field_of_any_bytes_becomes_text_that_can_be_kept(field: str) -> None:
    field_text(field).encode()


@given(field=HEADERISH | DATES, now=st.floats(0, 4e9))
@example(field="9" * 5000, now=0.0)
@example(field="²", now=0.0)
@example(field="Thu, 01 Jan 1 00:00:00 +2359", now=0.0)
@FAST
def test_any_retry_after_is_a_finite_wait_or_none(field: str, now: float) -> None:
    wait = retry_after(field, now)
    assert wait is None or 0 <= wait < math.inf


@given(HEADERISH | DATES)
@FAST
def test_any_date_is_a_time_or_none(field: str) -> None:
    date = parse_http_date(field)
    assert date is None or math.isfinite(date.timestamp())


@given(etag=HEADERISH, last_modified=HEADERISH | DATES, date=HEADERISH | DATES)
@example(etag="", last_modified="1 Jan 99999999999999999999 00:00:00 GMT", date="")
@FAST
def test_any_validators_are_strong_or_none(etag: str, last_modified: str, date: str) -> None:
    assert strong_validator(etag, last_modified, date) in (etag, last_modified, "")


RANGES = st.builds(
    "bytes {}-{}/{}".format,
    st.integers(-1, 20),
    st.integers(-1, 20),
    st.integers(-1, 20) | st.just("*"),
)


@given(
    field=HEADERISH | RANGES,
    etag=st.sampled_from(["", '"1"', '"2"']) | TEXTS,
    modified=st.sampled_from(["", "Thu, 01 Jan 2015 00:00:00 GMT"]) | TEXTS,
    offset=st.integers(1, 20),
    total=st.none() | st.integers(0, 20),
)
@FAST
def test_any_content_range_is_the_rest_of_the_body_or_refused(
    field: str, etag: str, modified: str, offset: int, total: int | None
) -> None:
    partial = PartialBody("http://h.test/", '"1"', total)
    whole = continued_total(partial, offset, field, etag, modified)
    if whole is not None:
        assert " ".join(field.lower().split()) == f"bytes {offset}-{whole - 1}/{whole}"
        assert total in (None, whole)
        assert etag == '"1"'


@given(field=HEADERISH, body=st.binary(max_size=200))
@FAST
def test_any_content_type_and_body_are_counted(field: str, body: bytes) -> None:
    kind = parse_media_type(field)
    assert is_text(kind) in (True, False)
    count = CharacterCounter(field, "")
    count.feed(body)
    assert 0 <= count.finish() <= len(body)
    assert count.charset
    for name in candidates(Url("http://h.test/a")):
        assert name.path(kind).endswith(tuple(media_type_table().appendable))


CODINGS = st.lists(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "x-gzip", "rot13", ""]),
    max_size=6,
)


@given(codings=CODINGS, body=st.binary(max_size=100), more=st.binary(max_size=20))
@FAST
def test_any_coding_of_any_bytes_is_undone_or_refused(
    codings: list[str], body: bytes, more: bytes
) -> None:
    try:
        decoder = decoder_for(",".join(codings))
        if decoder is not None:
            for piece in (body, more):
                list(decoder.feed(piece))
            decoder.finish()
    except (DecodeError, TruncatedError):
        return


@given(TEXTS)
@FAST
def test_any_text_is_a_header_field_or_a_checksum_or_neither(text: str) -> None:
    for parse in (sources.parse_header, parse_checksum):
        try:
            parse(text)
        except UrlError as error:
            assert error.message == printable(error.message)  # noqa: PT017 - others get through


@given(
    st.lists(
        st.sampled_from(["h.test", "TRUE", "FALSE", "/", "0", "n", "\t", "\n", "#HttpOnly_", "-1"])
        | st.text(max_size=5),
        max_size=30,
    ).map("".join)
    | st.lists(st.text(max_size=4), min_size=7, max_size=7).map("\t".join)
)
@example("h.test\tTRUE\t/\tFALSE\tnan\tn\tv")
@example("h.test\tTRUE\t/\tFALSE\tinf\tn\tv")
@FAST
def test_any_text_is_a_file_of_cookies_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cookies"
        file.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            cookies = read_cookie_file(file)
        except RunError:
            return
        jar = CookieJar()
        jar.give(cookies)
        write_cookie_file(file, jar)
        assert set(read_cookie_file(file)) == {
            replace(cookie, expires=int(cookie.expires)) for cookie in jar
        }
    url = Url("https://h.test/a")
    for pair in jar.matching(url, url):
        assert not set(pair) & set("\r\n\0")


# The config file

OPTION_NAMES = [
    param.name or "" for param in download_command.command.params if param.name != "source"
]
VALUES: st.SearchStrategy[object] = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.sampled_from(["", "10M", "-1", "5s", "X: y", "nan", "\x1b[31m", "a/b"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text("ab-", min_size=1, max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


def toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + "}"
        case _:
            return str(value)


def run_with_config(text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the command says that reads this file, and would then begin."""
    monkeypatch.setattr(download_command, "run_and_exit", lambda run, *, debug: None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        result = CliRunner().invoke(
            download_command.command, ["--config", str(file), "http://h.test/"]
        )
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        text,
        result.exception,
    )
    assert result.exit_code in (0, 2), (text, result.output)
    return result.output


@given(option=st.sampled_from(OPTION_NAMES), value=VALUES)
@example(option="timeout", value=-1)
@example(option="timeout", value=math.nan)
@example(option="max_size", value=-1)
@example(option="limit_rate", value=0)
@example(option="header", value=[["a", "b\r\nc"]])
@example(option="concurrency", value=[1])
@settings(SLOW, max_examples=150)
def test_any_value_of_an_option_is_taken_or_a_usage_error(option: str, value: object) -> None:
    with pytest.MonkeyPatch.context() as patching:
        run_with_config(f"{option} = {toml(value)}\n", patching)


@given(st.text(max_size=30) | st.text('ab=[]".\n{}#', max_size=30))
@SLOW
def test_any_text_is_a_config_file_or_a_usage_error(text: str) -> None:
    with pytest.MonkeyPatch.context() as patching:
        run_with_config(text, patching)


# Whole answers, with the real client
