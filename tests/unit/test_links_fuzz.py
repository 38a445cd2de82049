"""Whatever a document consists of: no exception, no hang, and no byte changed by accident."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downloader.links import Document, Link, ParsedDocument
from tests.support.documents import URL, document, strip, tree

DATA = Path(__file__).parents[1] / "data"
HTML = json.loads((DATA / "html5lib-tests.json").read_text("utf-8"))
CSS = json.loads((DATA / "css-parsing-tests.json").read_text("utf-8"))
MEDIA_TYPES = [
    *("text/html", "text/css", "text/javascript", "image/svg+xml", "application/manifest+json"),
    *("application/xhtml+xml", "text/plain"),
]
CHARSETS = [
    *(None, "utf-8", "windows-1252", "shift_jis", "iso-2022-jp", "utf-16le", "utf-16be", "big5"),
    *("gb18030", "euc-jp", "euc-kr", "x-user-defined", "replacement", "utf-7"),
]
WORDS = [
    *("<a href=", "<img src=", "<img srcset=", "<style>", "</style>", "<script type=module>"),
    *("</script>", "<svg>", "</svg>", "<base href=", "<p style=", "<iframe srcdoc=", "<noscript>"),
    *("</noscript>", "<template>", "<meta http-equiv=refresh content=", "<link rel=stylesheet "),
    *(
        " integrity=",
        " crossorigin",
        "url(",
        "@import ",
        "image-set(",
        "import ",
        "from ",
        "{",
        "}",
    ),
    *(
        "'",
        '"',
        ">",
        "/>",
        "<",
        "&",
        "&amp;",
        "&quot;",
        "&#39;",
        "=",
        " ",
        "\r\n",
        "\r",
        "\n",
        "\0",
    ),
    *("a", "b.png", "../c", "#d", "?e", ",", "1x", ")", "(", "\\", "/*", "*/", "<!--", "-->", "`"),
    *("é", "漢", "\U0001f600", "\ud800", "<![CDATA[", "]]>", "<?xml-stylesheet href=", "?>", ";"),
    *(
        "<table>",
        "<select>",
        "<frameset>",
        "<body background=",
        "data-src=",
        "xlink:href=",
        "0;url=",
    ),
]
SOUP = st.lists(st.sampled_from(WORDS), max_size=25).map("".join)
BODIES = st.binary(max_size=200) | SOUP.map(lambda text: text.encode("utf-8", "surrogatepass"))


def marked(link: Link) -> str:
    return f"https://m.example/{link.start}?'&<>(\"`{link.fragment}"


def check(page: Document) -> None:
    """Hold what is true of every document."""
    read = ParsedDocument(page)
    for link in read.links:
        assert 0 <= link.start <= link.end <= len(read.text)
        assert read.text[link.start : link.end] == link.raw
    kept = read.rewrite(lambda link: link.value)
    assert all(change.link is None for change in kept.replacements)
    if not kept.replacements:
        assert kept.body == page.body
    # A page that was rewritten has the links that it was given.
    changed = read.rewrite(marked)
    again = ParsedDocument(Document(changed.body, page.media_type, page.url, read.encoding))
    wanted = {marked(change.link) for change in changed.replacements if change.link}
    got = {link.value for link in again.links} | {
        link.value.replace("\ufffd", "") for link in again.links
    }
    assert {value.partition("#")[0] for value in wanted} <= {v.partition("#")[0] for v in got}


@settings(max_examples=300, deadline=None)
@given(body=BODIES, kind=st.sampled_from(MEDIA_TYPES), charset=st.sampled_from(CHARSETS))
@example(b"<a href=x>\xff", "text/html", "utf-8")
@example(b"\xff\xfe<\0a\0 \0", "text/html", None)
@example(b"<a href=x \x81>", "text/html", "windows-1252")
def test_anything_may_come(body: bytes, kind: str, charset: str | None) -> None:
    check(Document(body, kind, URL, charset))


@settings(max_examples=500, deadline=None)
@given(SOUP)
def test_markup_may_be_broken_in_any_way(markup: str) -> None:
    check(document(markup.encode("utf-8", "replace")))


@settings(max_examples=200, deadline=None)
@given(SOUP)
def test_another_parser_makes_the_same_tree_of_broken_markup(markup: str) -> None:
    text = markup.encode("utf-8", "replace").decode()
    new = ParsedDocument(document(text)).rewrite(lambda link: f"x/{link.start}").body.decode()
    assert [node[0] for node in tree(new)] == [node[0] for node in tree(text)]


@pytest.mark.parametrize("group", ["trees", "tokens"])
def test_the_inputs_of_html5lib_tests_are_read(group: str) -> None:
    for markup in HTML[group]:
        check(document(markup.encode("utf-8", "surrogatepass")))
        page = ParsedDocument(document(markup.encode("utf-8", "replace")))
        new = page.rewrite(marked)
        if new.replacements:
            assert strip(tree(new.body.decode())) == strip(tree(page.text)), markup


def test_the_inputs_of_css_parsing_tests_are_read() -> None:
    for sheet in CSS:
        check(document(sheet.encode("utf-8", "surrogatepass"), "text/css"))
        check(document(f"<style>{sheet}</style>".encode("utf-8", "surrogatepass")))
        check(document(f"<p style='{sheet}'>".encode("utf-8", "surrogatepass")))


def hostile() -> Iterable[tuple[str, str, str]]:
    """Yield documents that a careless reader needs quadratic time or deep recursion for."""
    html = "text/html"
    yield "nested elements", html, "<div>" * 200_000
    yield "nested links", html, "<a href=x>" * 50_000
    yield "nested tables", html, "<table><tr><td background=x>" * 20_000
    yield "nested formatting", html, "<b><p style='a:url(b)'>" * 5_000
    yield "signs", html, "<" * 1_000_000
    yield "quotes", html, '<a href="' * 200_000
    yield (
        "anchors of many attributes",
        html,
        '<a b="c" ' + 'd="e" ' * 100_000 + 'href="f" style="">',
    )
    yield "workers", html, "<script>" + "new Worker('a'" * 20_000 + "</script>"
    yield "a long address", html, "<a href='" + "a" * 10_000_000 + "'>"
    yield "pings", html, "<a ping='" + "a " * 50_000 + "'>"
    yield "nested SVG", html, "<svg>" * 100_000
    yield "nested templates", html, "<template><img src=x>" * 50_000
    yield "nested noscript", html, "<noscript>" * 100_000
    yield "nested srcdoc", html, "<iframe srcdoc=" * 50_000
    yield "many attributes", html, "<img " + " ".join(f"a{i}=x" for i in range(50_000)) + ">"
    yield "many references", html, "<p style='" + "&amp;" * 100_000 + "url(x)'>"
    yield "half references", html, "<img srcset='" + "&" * 300_000 + "'>"
    yield "long names", html, "<p style='" + "&" + "a" * 300_000 + "'>"
    yield "candidates", html, "<img srcset='" + "a 1x," * 100_000 + "'>"
    yield "candidates open", html, "<img srcset='" + "a (" * 100_000 + "'>"
    yield "commas", html, "<img srcset='" + "," * 500_000 + "'>"
    yield "comments", html, "<!--" * 200_000
    yield "scripts", html, "<script><!--<script>" * 50_000
    yield "CDATA", html, "<svg><style>" + "<![CDATA[" * 50_000 + "</style>"
    yield "tags", html, "<svg><style>" + "<!--" * 100_000 + "&" * 1000 + "</style>"
    yield "refresh", html, "<meta http-equiv=refresh content='" + " " * 300_000 + "'>"
    yield "data URIs", html, "<img src='data:image/png;base64," + "A" * 3_000_000 + "'>"
    yield "guards", html, "<img src=x" + " " * 300_000 + "crossorigin>"
    css = "text/css"
    yield "functions", css, "url(x) image-set(" * 100_000
    yield "strings", css, "url(x)" + "'\\" * 200_000
    yield "open strings", css, "url(x)" + "'\n" * 200_000
    yield "open comments", css, "url(x)" + "/*" * 200_000
    yield "escapes", css, "url(x)" + "\\a " * 200_000
    yield "names", css, "url(x)" + "a" * 500_000 + "\\"
    yield "bad URLs", css, "url(a b" * 100_000
    yield "bad URLs with escapes", css, "url(a\\\n" * 100_000
    yield "imports", css, "@import /**/" * 100_000
    yield "namespaces", css, "@namespace a" * 100_000
    yield "parentheses", css, "image-set(" + "(" * 300_000
    script = "text/javascript"
    yield "static imports", script, "import './a.js';" * 20_000
    yield "dynamic imports", script, "import('./a.js');" * 20_000
    yield "blocks", script, "{" * 50_000 + "import('./a.js')"
    yield "parentheses of a script", script, "(" * 50_000 + "import('./a.js')"
    yield "nested imports", script, "import('./a.js'," * 5_000
    yield "unfinished imports", script, "import " + "/*" * 100_000 + "'./a.js'"
    yield "spaces", script, ("import " + " " * 1000) * 300 + "'./a.js'"
    svg = "<svg xmlns='http://www.w3.org/2000/svg'>"
    yield "SVG elements", "image/svg+xml", svg + "<a href='x'>" * 100_000
    yield "SVG attributes", "image/svg+xml", svg + "<a href='x' " + "b='c'" * 100_000
    yield "SVG style", "image/svg+xml", svg + "<style>" + "&amp;" * 100_000 + "</style></svg>"
    bomb = "".join(f"<!ENTITY e{i} '{f'&e{i - 1};' * 10}'>" for i in range(1, 12))
    yield "entities", "image/svg+xml", f"<!DOCTYPE s [<!ENTITY e0 'x'>{bomb}]>{svg}&e11;</svg>"
    manifest = "application/manifest+json"
    yield "arrays", manifest, "[" * 200_000
    yield "icons", manifest, '{"icons":[' + '{"src":"a"},' * 50_000 + '{"src":"b"}]}'


@pytest.mark.slow(keep=10)
@pytest.mark.parametrize(
    ("kind", "text"), [case[1:] for case in hostile()], ids=[case[0] for case in hostile()]
)
def test_time_grows_with_the_size_only(kind: str, text: str) -> None:
    start = time.process_time()
    ParsedDocument(document(text, kind)).rewrite(marked)
    assert time.process_time() - start < 10


@pytest.mark.slow
def test_a_large_page_is_read_in_one_go() -> None:
    line = (
        "<p>Some text, <a href='page.html#part'>a link</a> and <b>more</b> of it, &amp; more</p>\n"
    )
    page = document(line * (20_000_000 // len(line)))
    start = time.process_time()
    assert len(ParsedDocument(page).links) == 20_000_000 // len(line)
    assert time.process_time() - start < 60
