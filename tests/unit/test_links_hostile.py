"""Documents made to keep a scanner busy: time and memory grow with their length, not faster.

Work is counted and not timed: calls of functions, and for what regular expressions and parsers do
inside of one call a limit of CPU time, which a scanner of quadratic time misses by far.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from downloader.links import Document, LocalFile, ParsedDocument, collector, html_tree, json_links
from downloader.links.url_resolver import MAX_URL_LENGTH
from downloader.web.urls import Url

#: Returns a hostile document of about this many bytes.
Make = Callable[[int], bytes]


def repeated(part: bytes, before: bytes = b"", after: bytes = b"") -> Make:
    return lambda size: before + part * (size // len(part)) + after


def nested(start: bytes, end: bytes, before: bytes = b"", after: bytes = b"") -> Make:
    pair = len(start) + len(end)
    return lambda size: before + start * (size // pair) + end * (size // pair) + after


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'>"
CORPUS: dict[str, tuple[Make, ...]] = {
    "text/html": (
        lambda size: (
            b"<video %s crossorigin>" % (b"a=1 " * (size // 8)) + b"<source src=x>" * (size // 28)
        ),
        lambda size: (
            b"<video%scrossorigin>" % (b" " * (size // 2)) + b"<source src=x>" * (size // 28)
        ),
        *(
            repeated(part, b"<svg><style>", b"</style>")
            for part in (b"<", b"<!----!>", b"<![CDATA[")
        ),
        nested(b"<style>", b"</style>", b"<svg>"),
        nested(b"<style><g>", b"</g></style>", b"<svg>"),
        *(repeated(part) for part in (b"<div>", b"<b><p>", b"<a href=x>", b"<table><a href=x>")),
        *(repeated(part) for part in (b"<svg>", b"<math><mi>", b"<template>", b"<option>")),
        *(repeated(part) for part in (b"<!--", b"<", b"</", b"<noscript><a href=x></noscript>")),
        *(
            repeated(part, b"<img srcset='", b"'>")
            for part in (b"a,(", b"a 1w,", b",", b"( ", b"9")
        ),
        *(repeated(part, b"<a href='", b"'>") for part in (b"&", b"&amp", b"&amp;", b"&#1", b"a")),
        repeated(b"1", b"<a href='&#", b";'>"),
        *(repeated(part, b"<p data-bg='", b" '>") for part in (b"/", b".png", b"(", b"url(")),
        repeated(b"<iframe srcdoc='<a href=x>'>"),
        repeated(b"a ", b"<a href=x rel='", b"'>"),
        *(
            repeated(part, b"<meta http-equiv=refresh content='", b"'>")
            for part in (b" ", b"0", b".", b"0;url=")
        ),
        repeated(b"<meta name=robots content='a,b'>", b"<template>" + b"<div>" * 1000),
        repeated(b"!}", b"<script type=module>import './a';", b"</script>"),
        repeated(b"<script type=module>import './a';!}!}!}!}!}!}!}!}!}!}!}!}!}!}!}!}</script>"),
    ),
    "text/css": tuple(
        repeated(part)
        for part in (
            *(b"/*", b"url(", b"url('", b"url( ", b"url(\n", b"url(a\\", b"\\", b"a\\", b'"\\\n'),
            *(b"@import/*", b"@import/**/", b"@import url(", b"@import 'a", b"@import \\"),
            *(b"@namespace a/*", b"@namespace/**/a/**/", b"@namespace x ", b"@namespace '\n"),
            *(b"image-set(", b"url(x)", b"\\@import/*", b"(", b"{", b"<!--"),
        )
    ),
    "text/javascript": (
        *(repeated(part) for part in (b"from/*", b"from//", b"from'", b"from`", b"new/*")),
        repeated(b"from/*", after=b"*/"),
        repeated(b"from/*", after=b"*/'./a'"),
        repeated(b"/*from/**/"),
        repeated(b"/*from// */\n"),
        repeated(b"//from", after=b"\n'" + b"a" * 100_000),
        *(repeated(part) for part in (b"import(", b"import'./a", b"import'./a'", b"import('./a'")),
        *(repeated(part) for part in (b"new URL(", b"new URL('./a',", b"import'./a';")),
        *(
            repeated(part, b"import './a';")
            for part in (b"!}", b"(", b"{[", b"`${", b"'", b"a/b/", b"<a>", b"=>({", b"if(a)")
        ),
    ),
    "image/svg+xml": (
        nested(b"<style>", b"</style>", SVG, b"</svg>"),
        nested(b"<script>", b"</script>", SVG, b"</svg>"),
        repeated(b"<a href='x'/>", SVG, b"</svg>"),
        repeated(b"<a>"),
        repeated(b"&lt;", SVG + b"<style>", b"</style></svg>"),
        repeated(b"<![CDATA[]]>", SVG + b"<style>", b"</style></svg>"),
        repeated(b"<?xml-stylesheet href='a'?>", after=b"<a/>"),
        *(repeated(part, b"<?xml-stylesheet", b"?><a/>") for part in (b" href", b" ", b" href='")),
        lambda size: b"<a %s/>" % b" ".join(b"a%d='1'" % index for index in range(size // 10)),
    ),
    "application/manifest+json": (
        repeated(b"["),
        repeated(b'{"src":"a"},', b'{"icons":[', b"{}]}"),
        repeated(b"\\n", b'{"a":"', b'"}'),
        repeated(b'"a",', b"[" * 500, b"1" + b"]" * 500),
    ),
}
CASES = [(media_type, index) for media_type, made in CORPUS.items() for index in range(len(made))]
#: The CPU time for all documents of one type, and the size of each; a fifth of it is usual.
CPU_SECONDS, DOCUMENT_BYTES = 60, 400_000


def read_and_rewrite(media_type: str, body: bytes) -> ParsedDocument:
    document = ParsedDocument(Document(body, media_type, Url("http://a.example/x/")))
    document.rewrite(lambda link: LocalFile("z") if link.url else None)
    return document


def count_calls(media_type: str, body: bytes) -> int:
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        read_and_rewrite(media_type, body)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(("media_type", "index"), CASES)
def test_calls_double_with_the_size_of_a_document(media_type: str, index: int) -> None:
    make = CORPUS[media_type][index]
    read_and_rewrite(media_type, make(1000))  # fills caches
    first, second, third = (
        count_calls(media_type, make(size)) for size in (10_000, 20_000, 40_000)
    )
    # Each doubling adds twice as many as the one before.
    assert third - second <= 2.2 * (second - first) + 200


@pytest.mark.parametrize("media_type", CORPUS)
def test_hostile_documents_are_read_in_time(media_type: str) -> None:
    code = f"from tests.unit.test_links_hostile import *; read_corpus({media_type!r})"
    subprocess.run([sys.executable, "-c", code], check=True)


def read_corpus(media_type: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    for make in CORPUS[media_type]:
        read_and_rewrite(media_type, make(DOCUMENT_BYTES))


def warnings_of(body: bytes, media_type: str = "text/html") -> tuple[str, ...]:
    return read_and_rewrite(media_type, body).warnings


def test_a_url_that_no_server_takes_is_not_fetched_and_this_is_said() -> None:
    body = b"<base href='/%s/'><img src=a.png><a href='/ok'>" % (b"a" * MAX_URL_LENGTH)
    document = read_and_rewrite("text/html", body + b"<img src='%s'>" % (b"b" * MAX_URL_LENGTH))
    urls = [link.url for link in document.links]
    assert urls == ["http://a.example/x/a.png", "http://a.example/ok", None]
    assert document.warnings == ("URLs of more than 8,192 characters are not fetched",)


def test_links_of_a_document_are_limited_by_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MAX_LINKS", 3)
    for body, media_type in (
        (b"<a href=a>1</a><img srcset='b, c, d'><a href=e>2</a>", "text/html"),
        (b'<a href="a">1</a>' * 4, "text/html"),
        (b"a { b: url(c) url(d) url(e) url(f) }", "text/css"),
        (b"import './a'; import './b'; import './c'; import './d'", "text/javascript"),
        (SVG + b"<a href='x'/>" * 4 + b"</svg>", "image/svg+xml"),
    ):
        document = read_and_rewrite(media_type, body)
        assert len(document.links) == 3
        assert document.warnings == ("only its first 3 links are read",)
    assert warnings_of(b"<a href=a>1</a>" * 3) == ()


def test_links_of_a_document_are_limited_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MAX_URL_CHARACTERS", 100)
    assert warnings_of(b"<img src='%s'>" % (b"a" * 50) * 2) == ("only its first 1 links are read",)


def test_tags_of_a_page_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html_tree, "MAX_TAGS", 5)
    document = read_and_rewrite("text/html", b"x" * 200_000 + b"<a href=x>1</a>" * 3)
    assert len(document.links) == 3
    assert warnings_of(b"<a href=x>1</a>" * 2) == ()
    assert document.warnings == ("only its first 5 tags are read",)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"import './a';" + b"!}" * 5000, "text/javascript"),
        (b'["%s"]' % (b"a" * json_links.MAX_JSON_CHARACTERS), "application/manifest+json"),
    ],
)
def test_what_is_too_complex_is_not_read_and_this_is_said(body: bytes, media_type: str) -> None:
    warning = "a script or manifest is too long or too complex to be searched for links"
    assert warnings_of(body, media_type) == (warning,)


def test_references_over_comments_are_found() -> None:
    script = b"import a from /* 1 */ // 2\n /**/ './a.js'; import(/* x */ './b.js')"
    links = read_and_rewrite("text/javascript", script).links
    assert [link.value for link in links] == ["./a.js", "./b.js"]
