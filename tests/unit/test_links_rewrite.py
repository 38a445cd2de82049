"""Replacing links leaves everything else as it is, byte by byte and node by node."""

import gc
from collections.abc import Callable
from types import FunctionType, ModuleType

import pytest
import webencodings

from downloader.links import Document, Link, ParsedDocument, Replacement, find_links, rewrite_links
from tests.support.documents import URL, document, strip, tree

#: A page with much of what pages have.
PAGE = """<!DOCTYPE html>
<html lang=en><head><title>A &amp; B</title><meta charset=utf-8>
<link rel=stylesheet href="a.css?x=1&amp;y=2" integrity="sha256-AA==" crossorigin>
<link href=icon.png rel=icon /><style>@import "b.css"; p > a { background: url( c.png ) }</style>
<script type=module>import { x } from './d.js'; if (1 < 2 && x) await import("./e.js")</script>
<script src='f.js' defer crossorigin=anonymous integrity=sha256-BB==></script></head>
<body background=g.png><p title="a &lt; b">Text &amp; <a href=h.html#i>more</a><br/>
<img src=j.png alt='"' srcset="k.png 1x, l.png 2x"><img src=m.png/>
<div style="background: url(&quot;n.png&quot;), url('o.png')">é \u00a0 &nbsp; \U0001f600</div>
<video crossorigin><source src=p.webm><track src=q.vtt></video>
<svg viewBox="0 0 1 1"><use xlink:href="r.svg#s"/><style>a { fill: url(t.svg#u) }</style></svg>
<iframe srcdoc="<a href=&quot;v.html&quot;>&amp;lt; <img src=w.png></a>"></iframe>
<noscript><img src="x.png"></noscript><template><a href='y.html'></a></template>
<table><tr><td background="z.png">1<table></table></table></body></html>
"""


def new_name(link: Link) -> str:
    return f"../new/{link.value.rpartition('/')[2].partition('#')[0]}?&'\"<(x),{link.fragment}"


def test_a_page_that_keeps_its_links_keeps_its_bytes() -> None:
    page = rewrite_links(document(PAGE), lambda link: link.value)
    assert page.body == PAGE.encode()
    assert page.replacements == ()
    assert rewrite_links(document(PAGE), lambda _: None).body == PAGE.encode()


def test_a_rewritten_page_differs_only_where_it_says_so() -> None:
    page = rewrite_links(document(PAGE), new_name)
    pieces, position = [], 0
    for change in page.replacements:
        assert PAGE[change.start : change.end] == change.before
        pieces += [PAGE[position : change.start], change.after]
        position = change.end
    assert "".join([*pieces, PAGE[position:]]).encode() == page.body


def test_another_parser_makes_the_same_tree_of_a_rewritten_page() -> None:
    body = rewrite_links(document(PAGE), new_name).body.decode()
    assert strip(tree(body)) == strip(tree(PAGE))
    assert tree(body) != tree(PAGE)


def test_a_rewritten_page_has_the_new_links() -> None:
    before = [link for link in find_links(document(PAGE)) if link.url]
    after = [
        link
        for link in find_links(document(rewrite_links(document(PAGE), new_name).body))
        if link.url
    ]
    assert len(before) == 24
    for old, new in zip(before, after, strict=True):
        assert (new.kind, new.construct) == (old.kind, old.construct)
        expected = new_name(old)
        if old.construct.endswith("[srcset]"):
            expected = expected.removesuffix(",") + "%2C"
        assert new.value.removeprefix("./") == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<a href=x>", "<a href=N&#38;>"),
        ("<a href=x/>", "<a href=N&#38;>"),
        ("<a href='x'>", "<a href='N&amp;'>"),
        ('<a href = "x" b>', '<a href = "N&amp;" b>'),
        ("<a href>", '<a href="N&amp;">'),
        ("<a href b>", '<a href="N&amp;" b>'),
        ("<a href=>", '<a href="N&amp;">'),
        ("<a href = >", '<a href = "N&amp;">'),
        ("<a href=' x\n'>", "<a href='N&amp;'>"),
        ("<a href='x&amp;y'>", "<a href='N&amp;'>"),
        ("<p style=a:url(x)>", "<p style=a:url(N&#38;)>"),
        ("<p style='a:url(&#39;x&#39;)'>", "<p style='a:url(&#39;N&amp;&#39;)'>"),
        ("<img srcset=x,>", "<img srcset=N&#38;,>"),
        ("<meta http-equiv=refresh content=\"0;url='x'\">",
         "<meta http-equiv=refresh content=\"0;url='N&amp;'\">"),
        ("<iframe srcdoc='<a href=\"x\">'>", "<iframe srcdoc='<a href=\"N&amp;amp;\">'>"),
        ("<iframe srcdoc='<a href=x>'>", "<iframe srcdoc='<a href=N&amp;#38;>'>"),
        ("<a href=x\r\n>\r\n<a href='x'>", "<a href=N&#38;\r\n>\r\n<a href='N&amp;'>"),
        ("\r\r\n<a href=x>\r\r\n\n\r<a href='x'>",
         "\r\r\n<a href=N&#38;>\r\r\n\n\r<a href='N&amp;'>"),
    ],
)  # fmt: skip
def test_an_address_is_written_as_its_place_needs(before: str, after: str) -> None:
    assert rewrite_links(document(before), lambda _: "N&").body.decode() == after


# What has to give way


def local(link: Link) -> str:
    return f"local/{link.value}"


def absolute(link: Link) -> str:
    return (link.url or "") + link.fragment


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<script src=x integrity=a crossorigin></script>", "<script src=local/x></script>"),
        ("<link rel=icon integrity='a' href=x>", "<link rel=icon href=local/x>"),
        ("<link rel=icon href=x integrity=a />", "<link rel=icon href=local/x />"),
        ("<link rel=icon href=x integrity='a'/>", "<link rel=icon href=local/x />"),
        ("<img integrity='a'src='x'>", "<img src='local/x'>"),
        ("<img crossorigin srcset='x 1x, y 2x'>", "<img srcset='local/x 1x, local/y 2x'>"),
        ("<audio crossorigin><source src=x></audio>", "<audio><source src=local/x></audio>"),
        ("<svg><image crossorigin href='x'/></svg>", "<svg><image href='local/x'/></svg>"),
    ],
)
def test_what_ties_an_element_to_other_bytes_goes_with_its_link(before: str, after: str) -> None:
    assert rewrite_links(document(before), local).body.decode() == after


@pytest.mark.parametrize("replace", [absolute, lambda link: link.value, lambda _: None])
def test_integrity_stays_where_the_same_is_loaded(replace: Callable[[Link], str | None]) -> None:
    body = rewrite_links(document("<script src=x integrity=a crossorigin></script>"), replace).body
    assert b" integrity=a crossorigin>" in body


def test_a_policy_and_the_hashes_of_an_import_map_lose_their_meaning() -> None:
    markup = (
        "<meta content=\"default-src 'none'\" http-equiv=content-security-POLICY>"
        '<script type=importmap>{"imports": {}, "integrity": {"/a.js": "sha256-A"}}</script>'
    )
    page = rewrite_links(document(markup), lambda _: None)
    assert b"none'\" data-http-equiv=content" in page.body
    assert b', "data-integrity": {"/a' in page.body
    assert [change.link for change in page.replacements] == [None, None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<base href=/b/>", '<base href="">'),
        ("<base target=t href='/b/'>", "<base target=t href=''>"),
        ("<base href='/b/'><a href=x>", "<base href=''><a href=https://site.example/b/x>"),
        ("<base href='/b/'><a href=#x>", "<base href=''><a href=https://site.example/b/#x>"),
        ("<base href='/b/'><a href=/x>", "<base href=''><a href=/x>"),
        ("<base href='/b/'><a href=https://x.example/>",
         "<base href=''><a href=https://x.example/>"),
        ("<base href='/b/'><base href='/c/'>", "<base href=''><base href='/c/'>"),
        ("<base href=''><a href=x>", "<base href=''><a href=x>"),
        ("<base href='javascript:'><a href=x>", "<base href=''><a href=x>"),
        ("<iframe srcdoc=\"<base href='/b/'><a href=x>\">",
         "<iframe srcdoc=\"<base href=''><a href=https://site.example/b/x>\">"),
    ],
)  # fmt: skip
def test_a_base_gives_way_and_what_was_kept_still_leads_there(before: str, after: str) -> None:
    assert rewrite_links(document(before), lambda _: None).body.decode() == after


def test_replaced_links_are_relative_to_where_the_document_stood() -> None:
    page = rewrite_links(document("<base href=/b/><img src=x integrity=a>"), lambda _: "../y")
    assert page.body == b'<base href=""><img src=../y>'


def test_changes_tell_what_was_replaced() -> None:
    page = rewrite_links(document("ü<a href='x'>"), lambda _: "y")
    [change] = page.replacements
    assert change.link is not None
    assert change == Replacement(10, 11, "x", "y", change.link)


# Encodings

TEXTS = {
    "utf-8": "é 漢字 \U0001f600",
    "windows-1252": "é “ÿ”",
    "shift_jis": "漢字ソ表カナ",
    "euc-jp": "漢字カナ",
    "iso-2022-jp": "漢字カナ",
    "gb18030": "漢字é\U0001f600",
    "big5": "漢字許功蓋",
    "euc-kr": "한국어똠",
    "koi8-r": "привет",
    "utf-16le": "é 漢字 \U0001f600",
    "utf-16be": "é 漢字 \U0001f600",
}


def encode(text: str, charset: str) -> bytes:
    encoding = webencodings.lookup(charset)
    assert encoding
    return encoding.codec_info.encode(text)[0]


@pytest.mark.parametrize(("charset", "text"), TEXTS.items(), ids=TEXTS.keys())
def test_an_encoding_is_kept(charset: str, text: str) -> None:
    word = text.split()[-1]
    before = f"<p>{text}<a href='{word}.html'>{text}</a><style>a{{b:url({word})}}</style>{text}"
    after = f"<p>{text}<a href='n%C3%BC'>{text}</a><style>a{{b:url(n%C3%BC)}}</style>{text}"
    page = ParsedDocument(Document(encode(before, charset), "text/html", URL, charset))
    assert page.encoding == charset
    assert [link.value for link in page.links] == [f"{word}.html", word]
    assert page.rewrite(lambda _: "nü").body == encode(after, charset)


@pytest.mark.parametrize("charset", ["windows-1252", "shift_jis", "gb18030"])
def test_a_query_is_encoded_as_the_document_is(charset: str) -> None:
    char = {"windows-1252": "é"}.get(charset, "漢")
    body = encode(f"<a href='{char}?{char}&#9731;#{char}'>", charset)
    [link] = find_links(Document(body, "text/html", URL, charset))
    encoded = "".join(
        f"%{byte:02X}" if byte > 0x7F else chr(byte) for byte in encode(char, charset)
    )
    assert link.url is not None
    assert link.url.partition("?")[2].startswith(encoded)
    if charset == "windows-1252":
        assert link.url.endswith("%26%239731%3B")
    assert link.fragment == f"#{char}"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"\xff\xfe<\0a\0 \0h\0r\0e\0f\0=\0x\0>\0\n", None),
        (b"\xef\xbb\xbf<a href=x>\xff\xfe", "windows-1252"),
        (b"\xff\xc3<a href=x>\xe2\x82<a href='\xff'>\xf0\x9f", "utf-8"),
        (b"\x81<a href=x>\x8d\x9d<a href='\x81'>", "windows-1252"),
        (b"\x81<a href=x>\xff\xfd<a href='\x81\x20'>\x81", "shift_jis"),
        # One character, several ways to write it: to encode it again would not give the bytes.
        (
            b"\xed\x40\xfa\x5c<a href='\xed\x40x'>\xed\x40" + b"z" * 5000 + b"<a href=x>",
            "shift_jis",
        ),
        (b"\x1b$B4A\x1b(B\x1b(B<a href='\x1b$B4A\x1b(B'>\x1b$B4A", "iso-2022-jp"),
        (b"\x1b$B\xff\x1b<a href=x>" + b"\x1b" * 9000, "iso-2022-jp"),
        (b"<a href=x>\x80\xff\x81\x30", "gb18030"),
        (b"<a href=x>\xff", "replacement"),
        (b"<a href=x>\x80\xff", "x-user-defined"),
        (b"<a href=x>\x80\xff", "no-such-encoding"),
    ],
)
def test_bytes_that_mean_nothing_stay_as_they_are(body: bytes, charset: str | None) -> None:
    page = Document(body, "text/html", URL, charset)
    links = find_links(page)
    assert links
    assert rewrite_links(page, lambda link: link.value).body == body
    marked = rewrite_links(page, lambda _: "MARK").body
    wide = body.startswith(b"\xff\xfe")
    mark = "MARK".encode("utf-16le" if wide else "ascii")
    assert marked.count(mark) == len(links)
    # What stands around the links is what stood there before.
    around = marked.split(mark)
    assert body.startswith(around[0])
    assert body.endswith(around[-1])


def test_a_page_whose_source_was_dropped_is_rewritten_as_before_once_it_is_back() -> None:
    expected = rewrite_links(document(PAGE), new_name)
    page = ParsedDocument(document(PAGE))
    page.drop_source()
    assert page.text == ""
    assert page.restore_source(PAGE.encode())
    assert page.rewrite(new_name) == expected


def test_a_source_that_has_changed_since_it_was_dropped_is_refused() -> None:
    page = ParsedDocument(document(PAGE))
    page.drop_source()
    assert not page.restore_source(PAGE.replace("href", "HREF").encode())
    with pytest.raises(ValueError, match="dropped"):
        page.rewrite(new_name)


def test_no_text_is_in_memory_after_the_source_was_dropped() -> None:
    padding = "x" * 100_000
    pages = [
        ParsedDocument(document(PAGE.replace("Text", padding))),
        ParsedDocument(document(f"/*{padding}*/ a {{ background: url(b.png) }}", "text/css")),
        ParsedDocument(document(f"import './a.js' //{padding}", "text/javascript")),
    ]
    for page in pages:
        page.drop_source()
        assert page.links
        assert page.kept_bytes < 50_000
        assert not any(isinstance(each, str) and padding in each for each in _reachable(page))


def _reachable(root: object) -> list[object]:
    """Return what *root* refers to, without modules, classes and functions."""
    seen: dict[int, object] = {}
    todo = [root]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, ModuleType | FunctionType | type):
            continue
        seen[id(each)] = each
        todo += gc.get_referents(each)
    return [*seen.values()]
