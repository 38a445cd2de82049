"""Lists in every format become a stream of targets; what is no address fails on its own."""

import gzip
import io
import json
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downloader import sources
from downloader.errors import BadUrlError, ConnectError, ErrorKind, SourceError
from downloader.models import Checksum, Failed, Target
from downloader.models.checksums import parse_checksum
from downloader.web.urls import Url, parse
from tests.support.lists import (
    addresses as _addresses,
)
from tests.support.lists import (
    entries as _entries,
)
from tests.support.lists import (
    failed as _failed,
)
from tests.support.lists import (
    no_fetching as _no_fetching,
)
from tests.support.lists import (
    origins as _origins,
)
from tests.support.lists import (
    partly as _partly,
)
from tests.support.lists import (
    pieces as _pieces,
)
from tests.support.lists import (
    stream as _stream,
)
from tests.support.lists import (
    target as _target,
)

SHA = "a" * 64
Encode = Callable[[str], bytes]
FAST = settings(max_examples=100, deadline=None)


# Text


def test_a_text_list_has_one_address_a_line() -> None:
    entries = _entries("https://a.example/\nb.example/x\n\n  # a comment\n# another\nhttp://c/#d\n")
    assert _addresses(entries) == ["https://a.example/", "https://b.example/x", "http://c/"]
    assert _origins(entries) == ["list:1", "list:2", "list:6"]
    assert [entry.index for entry in entries] == [0, 1, 2]


def test_the_last_line_needs_no_end() -> None:
    assert _addresses(_entries("a.example\nb.example")) == [
        "https://a.example/",
        "https://b.example/",
    ]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: ("\ufeff" + text).encode("utf-16-le"),
        lambda text: ("\ufeff" + text).encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8 with BOM", "utf-16-le", "utf-16-be"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("step", [None, 1, 2, 3])
def test_encodings_and_line_ends_make_no_difference(
    encode: Encode, end: str, step: int | None
) -> None:
    # These letters hold the bytes of a line feed in UTF-16, at odd and at even places.
    lines = ["https://a.example/Ċ", "  out=ਅĊ.txt", "", "https://b.example/ਊ", "c.example", ""]
    entries = _entries(encode(end.join(lines)), step=step)
    assert _addresses(entries) == [
        parse("https://a.example/Ċ"),
        parse("https://b.example/ਊ"),
        "https://c.example/",
    ]
    assert _target(entries[0]).name == "ਅĊ.txt"
    assert _origins(entries) == ["list:1", "list:4", "list:5"]


def test_a_line_that_is_no_address_fails_alone_and_says_where() -> None:
    entries = _entries("https://a.example/\nnot a url\nftp://b.example/\nhttps://c.example/\n")
    assert _addresses(entries) == [
        "https://a.example/",
        "?not a url?",
        "?ftp://b.example/?",
        "https://c.example/",
    ]
    failed = _failed(entries[1])
    assert (failed.kind, failed.origin, failed.index) == (ErrorKind.BAD_URL, "list:2", 1)


def test_undecodable_bytes_and_nul_fail_their_line_only() -> None:
    entries = _entries(b"https://a.example/\nhttps://b.example/\xff\nhttps://c.example/\n")
    assert [type(entry) for entry in entries] == [Target, Failed, Target]
    # A NUL at the very beginning would mark the whole as binary data; here it is one bad line.
    lines = b"https://a.example/\n" * 100 + b"https://b.example/\0\n" + b"https://c.example/\n"
    assert len([entry for entry in _entries(lines, step=1200) if isinstance(entry, Failed)]) == 1


def test_indented_lines_are_options_as_in_aria2() -> None:
    (entry,) = _entries(
        "https://a.example/a\n"
        "  out=folder/b.txt\n"
        f"\tchecksum=sha-256={SHA.upper()}\n"
        "  # a comment among them\n"
        "  header=X-One: 1\n"
        "  header=Referer:https://x.example/?a=b\n"
    )
    target = _target(entry)
    assert target.name == "folder/b.txt"
    assert target.checksum == Checksum("sha256", SHA)
    assert target.headers == (("X-One", "1"), ("Referer", "https://x.example/?a=b"))
    assert target.origin == "list:1"


def test_an_indented_address_is_no_option() -> None:
    entries = _entries("https://a.example/\n  https://b.example/?c=d\n  e.example/?f=g\n")
    assert [type(entry) for entry in entries] == [Target] * 3


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("split=5", "unknown option split= at list:2"),
        ("checksum=sha-256=abc", "not a checksum: 'sha-256=abc'"),
        ("checksum=crc32=00000000", "not a checksum"),
        ("header=no colon", "not a header field"),
        ("header=A: b\x01c", "not a header field"),
        ("header=: empty name", "not a header field"),
    ],
)
def test_a_bad_option_fails_its_own_address_only(option: str, message: str) -> None:
    entries = _entries(f"https://a.example/\n  {option}\nhttps://b.example/\n")
    assert _addresses(entries) == ["?https://a.example/?", "https://b.example/"]
    assert message in _failed(entries[0]).message
    assert _failed(entries[0]).hint


def test_an_option_without_an_address_fails_alone() -> None:
    entries = _entries("  out=x\nhttps://a.example/\n")
    assert [type(entry) for entry in entries] == [Failed, Target]
    assert _failed(entries[0]).message == "an option without a URL"


@pytest.mark.parametrize("step", [None, 1000, 65536, 65537])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_an_overlong_line_is_one_failure_and_never_a_shorter_address(
    letter: str, encoding: str, step: int | None
) -> None:
    text = f"https://a.example/\nhttps://long.example/{letter * 70_000}\nhttps://b.example/\n"
    entries = _entries(text.encode(encoding), step=step)
    assert [type(entry) for entry in entries] == [Target, Failed, Target]
    assert _origins(entries) == ["list:1", "list:2", "list:3"]
    failed = _failed(entries[1])
    assert failed.message == "the line is too long for a URL"
    assert len(failed.url) <= 200


def test_the_last_line_may_be_overlong_too() -> None:
    for step in (None, 1000):
        assert [type(e) for e in _entries("x" * 70_000, step=step)] == [Failed]


def test_a_line_without_an_end_does_not_fill_memory() -> None:
    tracemalloc.start()
    entries = list(_stream(b"x" * 65536 for _ in range(500)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(entry) for entry in entries] == [Failed]
    assert peak < 2 * 1024 * 1024


def test_the_first_target_appears_before_more_is_read() -> None:
    pulled = 0

    def pieces() -> Iterator[bytes]:
        nonlocal pulled
        for piece in (b"https://a.example/\nhttps://b.example/\n", b"https://c.example/\n"):
            pulled += 1
            yield piece

    stream = _stream(pieces())
    assert next(stream).url == "https://a.example/"
    assert pulled == 1
    assert _addresses(stream) == ["https://b.example/", "https://c.example/"]


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/\n\ufeffhttps://b.example/\n",
        "\u200bhttps://a.example/\u200b\n\u2060b.example\u200d\n",
        "https://a.exa\u200bmple/\n\u200e https://b.example/\n",
        "\u00a0https://a.example/\u3000\nb.example\u00a0\n",
        "https://a.example/\rhttps://b.example/\r",
        "https://a.example/\r\rhttps://b.example/",
        "https://a.example/\u2028https://b.example/",
        "<https://a.example/>\n< URL:https://b.example/ >\n",
        "https://a.example/\thttps://mirror.example/\nb.example\tA title\n",
        "https://a.example/ # first\nb.example\t# second\n\t# third\n",
    ],
)
def test_addresses_are_read_as_people_write_and_copy_them(text: str, step: int | None) -> None:
    assert _addresses(_entries(text, step=step)) == ["https://a.example/", "https://b.example/"]


def test_a_long_list_may_end_its_lines_with_carriage_returns_alone() -> None:
    lines = [f"https://a.example/{number}" for number in range(500)]
    for encoding in ("utf-8", "utf-16"):
        for step in (None, 999, 1024):
            found = _entries("\r".join(lines).encode(encoding), step=step)
            assert _addresses(found) == lines
    assert _origins(found)[-1] == "list:500"


def test_a_fragment_is_no_comment() -> None:
    (entry,) = _entries("https://a.example/a#b c # d\n")
    assert entry.url == "https://a.example/a"


def test_lines_with_binary_garbage_fail_alone() -> None:
    text = b"\0\0\nhttps://a.example/\n\x01\x02\n\0\nhttps://b.example/longer\n"
    found = _entries(text)
    assert [type(entry) for entry in found] == [Failed, Target, Failed, Failed, Target]


def test_a_line_typed_at_a_terminal_is_taken_at_once() -> None:
    typed = iter([b"https://a.example/\n", b"b.example\n", b"  out=x\n"])
    taken = _stream(typed, is_typed=True)
    assert next(taken).url == "https://a.example/"
    assert next(typed) == b"b.example\n"


def test_a_typed_line_has_no_options() -> None:
    found = list(_stream(iter([b"https://a.example/\n  out=x\n"]), is_typed=True))
    assert [type(entry) for entry in found] == [Target, Failed]
    assert _failed(found[1]).message == "an option is only possible in a file"


@given(
    st.lists(st.text(alphabet="ab.:/#<> \t\u200b\ufeff\r\u2028=\0é", max_size=12), max_size=8),
    st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_any_odd_lines_leave_the_others_alone(lines: list[str], step: int) -> None:
    address = "https://the-one.example/with-a-long-path-so-that-the-list-is-no-binary-data"
    text = "\n".join([address, *lines, address])
    for width in (None, step):
        found = _addresses(_entries(text, step=width))
        assert (found[0], found[-1]) == (address, address)


# Tables


def test_a_csv_list_has_a_column_url_wherever_it_is() -> None:
    entries = _entries(
        "Title, URL ,name,sha256\r\n"
        f'"A ""good"" one",https://a.example/,a.txt,{SHA}\r\n'
        ",https://b.example/,,\r\n"
        "\r\n"
        "short row\r\n"
        '"two\r\nlines",https://c.example/?x=1,\r\n'
        "bad,not a url,,\r\n",
        "list.csv",
    )
    assert _addresses(entries) == [
        "https://a.example/",
        "https://b.example/",
        "??",
        "https://c.example/?x=1",
        "?not a url?",
    ]
    assert _origins(entries) == [f"list.csv:{line}" for line in (2, 3, 5, 6, 8)]
    assert _target(entries[0]).name == "a.txt"
    assert _target(entries[0]).checksum == Checksum("sha256", SHA)
    assert _target(entries[1]).name is None


def test_a_tsv_list_is_separated_by_tabs() -> None:
    entries = _entries("url\tname\nhttps://a.example/?a,b\tx, y.txt\n", "list.tsv")
    assert _addresses(entries) == ["https://a.example/?a,b"]
    assert _target(entries[0]).name == "x, y.txt"


@pytest.mark.parametrize(
    "header", ["url,name", "id,url", "id,page title,url,name", '"url","name"', "url\tname", "URL"]
)
@pytest.mark.parametrize("step", [None, 1])
def test_a_table_is_known_by_its_header(header: str, step: int | None) -> None:
    row = header.lower().replace("url", "https://a.example/")
    assert _addresses(_entries(f"{header}\r\n{row}\r\n", step=step)) == ["https://a.example/"]


@pytest.mark.parametrize(
    "line", ["https://a.example/?x,url", "a.example/url,x", "https://a.example/,url,"]
)
def test_an_address_that_looks_a_little_like_a_header_is_an_address(line: str) -> None:
    assert _addresses(_entries(f"{line}\n")) == [parse(line)]


def test_a_table_without_a_column_of_addresses_is_no_list() -> None:
    with pytest.raises(SourceError, match=r"csv has no column named url, link or href$") as e:
        _entries("name,address\na,a.example\n", "list.csv")
    assert e.value.hint == "its columns are name, address; name one with --url-column"


def test_a_broken_row_fails_and_the_table_goes_on() -> None:
    unquoted = "x\n" * 66_000
    entries = _entries(
        f'url\na\rb\nhttps://c.example/\n"https://d.example/{unquoted}"\nhttps://e.example/\n',
        "list.csv",
    )
    assert [type(entry) for entry in entries][:3] == [Failed, Target, Failed]
    assert _origins(entries)[:3] == ["list.csv:2", "list.csv:3", "list.csv:4"]
    assert _addresses(entries)[-1] == "https://e.example/"


@pytest.mark.parametrize("step", [None, 1000])
def test_an_overlong_row_is_never_a_shorter_address(step: int | None) -> None:
    body = f'name,url\nx,"https://a.example/{"x" * 70_000}"\ny,https://b.example/\n'
    entries = _entries(body, "list.csv", step)
    assert [type(entry) for entry in entries] == [Failed, Target]
    assert _failed(entries[0]).message == "the line is too long for a URL"


def test_a_row_without_an_end_does_not_fill_memory() -> None:
    pulled = 0

    def pieces() -> Iterator[bytes]:
        nonlocal pulled
        yield b'url\nhttps://a.example/\n"'
        while True:
            pulled += 1
            yield b'\n","' * 10_000

    stream = _stream(pieces(), "list.csv")
    assert _target(next(stream)).url == "https://a.example/"
    with pytest.raises(SourceError, match=r"the row at list\.csv:3 has no end"):
        next(stream)
    assert pulled < 100


# JSON lines


@pytest.mark.parametrize("name", ["list.jsonl", "list.ndjson", "list"])
def test_a_json_list_has_an_object_or_a_string_a_line(name: str) -> None:
    rows = [
        {"url": "https://a.example/", "name": "a.txt", "sha256": SHA, "other": [1]},
        "https://b.example/",
        {"url": "https://c.example/", "name": None},
    ]
    entries = _entries("\n".join(json.dumps(row) for row in rows) + "\n\n", name)
    assert _addresses(entries) == [f"https://{host}.example/" for host in "abc"]
    assert _target(entries[0]).name == "a.txt"
    assert _target(entries[0]).checksum == Checksum("sha256", SHA)
    assert _target(entries[2]).name is None


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "null",
        "5",
        "[]",
        "{}",
        '{"url": 5}',
        '{"url": null}',
        '{"url": "https://a.example/", "name": 5}',
        '{"url": "https://a.example/", "sha256": ["a"]}',
        '{"url": "https://a.example/\\ud800"}',
        "[" * 20_000,
        "1" * 5_000,
        '{"url": "https://a.example/' + "x" * 70_000 + '"}',
    ],
)
def test_a_json_line_that_names_no_address_fails_alone(line: str) -> None:
    entries = _entries(f'{line}\n"https://b.example/"\n', "list.jsonl")
    assert [type(entry) for entry in entries] == [Failed, Target]
    assert _failed(entries[0]).origin == "list.jsonl:1"


# Compressed lists


@pytest.mark.parametrize("step", [None, 1, 10])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt.gz", "https://a.example/\n"),
        ("list.csv.gz", "x,url\n1,https://a.example/\n"),
        ("list.jsonl.gz", '"https://a.example/"\n'),
        ("sitemap.xml.gz", "<urlset><url><loc>https://a.example/</loc></url></urlset>"),
        ("misnamed.txt", "https://a.example/\n"),
    ],
)
def test_every_list_may_be_compressed(name: str, text: str, step: int | None) -> None:
    assert _addresses(_entries(gzip.compress(text.encode()), name, step)) == ["https://a.example/"]


@pytest.mark.parametrize("step", [None, 1, 10])
@pytest.mark.parametrize("padding", [b"", bytes(30)])
def test_a_compressed_list_may_have_several_members_and_padding(
    step: int | None, padding: bytes
) -> None:
    body = gzip.compress(b"https://a.example/\nhttps://b.ex") + gzip.compress(b"ample/\n") + padding
    addresses = ["https://a.example/", "https://b.example/"]
    assert _addresses(_entries(body, step=step)) == addresses


def test_a_compressed_list_that_is_cut_off_is_an_error_after_what_was_readable() -> None:
    lines = "".join(f"https://{number}.example/{os.urandom(8).hex()}\n" for number in range(2000))
    body = gzip.compress(lines.encode())
    whole = _addresses(_entries(body))
    for end in (len(body) // 2, len(body) - 8, len(body) - 1):
        entries, message = _partly(body[:end])
        assert message == "list is cut off: the gzip data has no end"
        assert 500 < len(entries) <= 2000
        assert _addresses(entries) == whole[: len(entries)]


def test_corrupt_compressed_data_is_an_error() -> None:
    body = bytearray(gzip.compress(b"https://a.example/\n"))
    body[-6] ^= 1
    with pytest.raises(SourceError, match="list is corrupt gzip data"):
        _entries(bytes(body))


def test_a_compressed_list_is_uncompressed_as_it_is_read() -> None:
    bomb = gzip.compress(b"https://a.example/\n" + b"#" * 50_000_000, compresslevel=1)
    tracemalloc.start()
    entries = list(_stream(_pieces(bomb, 65536), "list.txt"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert _addresses(entries) == ["https://a.example/"]
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"PK\x03\x04\x14\0\0\0",
        b"\x7fELF\x02\x01\x01\0",
        gzip.compress(bytes(range(32)), mtime=0),
    ],
)
def test_binary_data_is_no_list(data: bytes) -> None:
    with pytest.raises(SourceError, match="list is binary data, not a list of addresses"):
        _entries(data)


# Secrets

SECRETS = [
    "https://user:pa55word@h/ok",
    "https://user:pa55word@exa mple.org/",
    "https://user:pa55word@h:99999/",
    "https://user:pa55@pa55word@h:99999/",
    "https://user:pa55/pa55word@h/",
    "https://user:pa55 pa55word@exa mple.org/",
    "https:\\\\user:pa55word@exa mple.org/",
    "https:user:pa55word@exa mple.org/",
    "user:pa55word@example.org/",
    "ftp://user:pa55word@example.org/",
    '{"url": "https://user:pa55word@h/"',
    "see https://user:pa55word@h/",
    "https://user:pa55word@h/" + "x" * 70_000,
    "https://user:" + "pa55word" * 100 + "@h:bad/",
]


@pytest.mark.parametrize("line", SECRETS)
@pytest.mark.parametrize(
    "form", ["text", "option", "csv", "json", "sitemap", "index", "feed", "html"]
)
def test_a_password_is_never_shown(line: str, form: str) -> None:
    escaped = line.replace('"', '""')
    data, name = {
        "text": (line, "list"),
        "option": (f"{line}\n  checksum=bad", "list"),
        "csv": (f'url\n"{escaped}"\n', "list.csv"),
        "json": (json.dumps(line), "list.jsonl"),
        "sitemap": (f"<urlset><url><loc>{line}</loc></url></urlset>", "list.xml"),
        "index": (f"<sitemapindex><sitemap><loc>{line}</loc></sitemap>", "list.xml"),
        "feed": (f"<rss><item><link>{line}</link></item></rss>", "list.xml"),
        "html": (f"<a href='{line}'>", "list.html"),
    }[form]

    def fetch_list(_url: Url, _home: Url) -> Iterator[bytes]:
        raise ConnectError("connection refused")

    for entry in _stream(_pieces(data), name, fetch_list):
        shown = entry.shown if isinstance(entry, Target) else f"{entry.url} {entry.message}"
        assert "pa55" not in shown


@pytest.mark.parametrize(
    "line", ["http://exa mple.org/", "a@b c", "http://user@exa mple/", "http://h:bad/", "x y"]
)
def test_a_malformed_address_without_a_password_is_shown_as_it_stands(line: str) -> None:
    assert _addresses(_entries(line)) == [f"?{line}?"]


# Any bytes at all

_FRAGMENTS = st.sampled_from(
    [
        b"https://a.example/\n",
        b"b.example\r\n",
        b"  out=x\n",
        b"  checksum=sha-1=x\n",
        b"# comment\n",
        b"url,name\n",
        b'"a\nb",',
        b"\t",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\n\0",
        b"\0\n",
        b"\x1f\x8b",
        b'{"url": "https://c.example/"}\n',
        b'"https://d.example/"\n',
        b"<?xml version='1.0'?>",
        b"<urlset>",
        b"<url><loc>https://e.example/</loc></url>",
        b"</urlset>",
        b"<sitemap><loc>https://f.example/</loc></sitemap>",
        b"<rss><item><link>https://h.example/</link></item>",
        b"<entry><link href='https://i.example/?x&y'/></entry>",
        b"<loc><![CDATA[https://j.example/]]></loc>",
        b"<!-- <url> -->",
        b"<a href=https://k.example/>",
        b"<!doctype html><base href='https://l.example/'>",
        b"&amp;",
        gzip.compress(b"https://g.example/\n", mtime=0),
    ]
)
_LISTS = st.lists(_FRAGMENTS | st.binary(max_size=20), max_size=12).map(b"".join)
_NAMES = st.sampled_from(
    ["list", "a.csv", "a.tsv", "a.jsonl", "a.xml", "a.html", "a.txt.gz", "a.csv.gz"]
)


def _nested(_url: Url, _home: Url) -> Iterator[bytes]:
    return iter([b"https://nested.example/\n"])


@given(body=_LISTS, name=_NAMES, step=st.integers(1, 30))
@example(body=b"\x1f", name="list", step=1)
@example(body=b"\xef\xbb\xbf\n{", name="list", step=1)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_list_or_a_source_error(body: bytes, name: str, step: int) -> None:
    for width in (None, step):
        try:
            entries = list(_stream(_pieces(body, width), name, _nested))
        except SourceError as error:
            assert error.message.isprintable()  # noqa: PT017 - other errors are to get through
        else:
            assert [entry.index for entry in entries] == list(range(len(entries)))


@given(body=_LISTS.filter(lambda body: b"\0" not in body), name=_NAMES, step=st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_how_a_list_arrives_does_not_change_what_it_says(body: bytes, name: str, step: int) -> None:
    # Not so for NUL, which makes a list binary data when it comes with the beginning.
    whole, fault = _partly(body, name, None, _nested)
    pieces, same_fault = _partly(body, name, step, _nested)
    assert fault == same_fault
    if fault:
        # One piece may hold both the last lines and the break; then these are given up.
        assert pieces[: len(whole)] == whole
    else:
        assert pieces == whole


# Where lists come from


def test_a_command_line_names_files_and_addresses(tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.csv"
    one.write_text("a.example\n", "utf-8")
    two.write_text("url\nb.example\n", "utf-8")
    given_sources = [str(one), "HTTPS://c.example/", str(two)]
    for source in given_sources:
        sources.check_readable(source)
    entries = list(sources.read(given_sources, _no_fetching))
    assert _addresses(entries) == [f"https://{host}.example/" for host in "acb"]
    assert _origins(entries) == [f"{one}:1", "command line", f"{two}:2"]
    assert [entry.index for entry in entries] == [0, 1, 2]


def test_standard_input_is_a_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"a.example\n")
    sources.check_readable("-")
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        entries = list(sources.read(["-"], _no_fetching))
    assert _addresses(entries) == ["https://a.example/"]
    assert _origins(entries) == ["stdin:1"]


def test_a_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        list(sources.read(["-"], _no_fetching))


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_a_list_without_an_address_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "empty"
    path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match="empty holds no URL"):
        list(sources.read([str(path)], _no_fetching))


def test_a_list_that_cannot_be_read_is_found_out_beforehand(tmp_path: Path) -> None:
    for source, message in (
        (str(tmp_path), "is a folder, not a list"),
        (str(tmp_path / "none"), "there is no list"),
        (f"{tmp_path}/a\0b", "cannot read"),
        (f"{tmp_path}/\x1b[31m", r"\\x1b\[31m"),
    ):
        with pytest.raises(SourceError, match=message):
            sources.check_readable(source)
        with pytest.raises(SourceError):
            list(sources.read([source], _no_fetching))


def test_a_program_gives_addresses_or_targets() -> None:
    target = Target(url=parse("https://b.example/"), index=7, name="b.txt", headers=(("A", "b"),))
    entries = list(sources.from_items(["a.example", target, "no url"]))
    assert _addresses(entries) == ["https://a.example/", "https://b.example/", "?no url?"]
    assert _origins(entries) == ["#1", "#2", "#3"]
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert _target(entries[1]).name == "b.txt"
    assert _target(entries[1]).headers == (("A", "b"),)


@pytest.mark.parametrize(
    ("text", "checksum"),
    [
        (f"sha-256={SHA}", Checksum("sha256", SHA)),
        (f"SHA256:{SHA.upper()}", Checksum("sha256", SHA)),
        (f" {SHA} ", Checksum("sha256", SHA)),
        ("md5=" + "0" * 32, Checksum("md5", "0" * 32)),
        ("sha-512=" + "0" * 128, Checksum("sha512", "0" * 128)),
    ],
)
def test_checksums_are_written_in_several_ways(text: str, checksum: Checksum) -> None:
    assert parse_checksum(text) == checksum


@given(st.text(max_size=40))
@FAST
def test_any_text_is_a_checksum_and_a_header_or_a_bad_one(text: str) -> None:
    try:
        parse_checksum(text)
    except BadUrlError as error:
        assert error.message.isprintable()  # noqa: PT017 - other errors are to get through
    try:
        name, value = sources.parse_header(text)
    except BadUrlError:
        return
    assert name
    assert not set("\r\n\0") & set(name + value)
