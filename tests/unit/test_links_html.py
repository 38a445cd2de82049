"""Links in HTML are found as a browser finds them."""

import pytest

from downloader.links import Document, LinkKind, ParsedDocument, RobotsMeta, find_links, robots_meta
from downloader.web.urls import Url
from tests.support.documents import document, found

K = LinkKind


@pytest.mark.parametrize(
    ("markup", "links"),
    [
        # Pages
        ("<a href=a.html>", [(K.ANCHOR, "a.html")]),
        ("<map><area href=a.html></map>", [(K.ANCHOR, "a.html")]),
        ("<a href='a.html#part'>", [(K.ANCHOR, "a.html#part")]),
        ("<a href=''>", [(K.ANCHOR, "page.html")]),
        ("<a href>", [(K.ANCHOR, "page.html")]),
        ("<a href=?q=1>", [(K.ANCHOR, "page.html?q=1")]),
        ("<link rel=next href=b>", [(K.RELATED, "b")]),
        ("<link rel='ALTERNATE foo' href=b>", [(K.RELATED, "b")]),
        ("<link rel=canonical href=b>", [(K.RELATED, "b")]),
        ("<link rel=pingback href=b>", [(K.METADATA, "b")]),
        ("<meta http-equiv=Refresh content='0; url=b.html'>", [(K.REDIRECT, "b.html")]),
        ("<meta http-equiv=refresh content='5; url=b.html'>", [(K.REFRESH, "b.html")]),
        ("<meta http-equiv=refresh content='00.9,b.html'>", [(K.REDIRECT, "b.html")]),
        ("<meta http-equiv=refresh content='.5; b.html'>", [(K.REDIRECT, "b.html")]),
        ("<meta http-equiv=refresh content='10; b.html'>", [(K.REFRESH, "b.html")]),
        ("<meta http-equiv=refresh content=5>", []),
        ("<form action=do><button formaction=a><input formaction=b></form>",
         [(K.FORM, "do"), (K.FORM, "a"), (K.FORM, "b")]),
        ("<a ping=' a  b' href=c><area ping=d>",
         [(K.ANCHOR, "c"), (K.FORM, "a"), (K.FORM, "b"), (K.FORM, "d")]),
        ('<a href="a" ping="b">', [(K.ANCHOR, "a"), (K.FORM, "b")]),
        ("<blockquote cite=a><q cite=b><ins cite=c><del cite=d>",
         [(K.METADATA, "a"), (K.METADATA, "b"), (K.METADATA, "c"), (K.METADATA, "d")]),
        # Images
        ("<img src=a.png>", [(K.IMAGE, "a.png")]),
        ("<img src=''><img src=' '><img src>", []),
        ("<image src=a.png>", [(K.IMAGE, "a.png")]),
        ("<img srcset='a.png 1x, b.png 2x'>", [(K.IMAGE, "a.png"), (K.IMAGE, "b.png")]),
        ("<picture><source srcset='a.avif 100w,b.avif 200w'><img src=c></picture>",
         [(K.IMAGE, "a.avif"), (K.IMAGE, "b.avif"), (K.IMAGE, "c")]),
        ("<input type=IMAGE src=a><input src=b>", [(K.IMAGE, "a")]),
        ("<body background=a><table background=b><tr background=c><td background=d>",
         [(K.IMAGE, "a"), (K.IMAGE, "b"), (K.IMAGE, "c"), (K.IMAGE, "d")]),
        ("<link rel='shortcut ICON' href=a><link rel=apple-touch-icon href=b>",
         [(K.ICON, "a"), (K.ICON, "b")]),
        # Style sheets
        ("<link rel=stylesheet href=a>", [(K.STYLESHEET, "a")]),
        ("<link rel='alternate stylesheet' href=a>", [(K.STYLESHEET, "a")]),
        ("<link href=a>", [(K.METADATA, "a")]),
        ("<style>@import 'a';p{background:url(b)}</style>", [(K.STYLESHEET, "a"), (K.IMAGE, "b")]),
        ("<style type=text/css>p{background:url(b)}", [(K.IMAGE, "b")]),
        ("<style type=text/less>p{background:url(b)}</style>", []),
        ("<p style='background:url(a)'>", [(K.IMAGE, "a")]),
        ('<p style="background:url(&quot;a&amp;b&quot;)">', [(K.IMAGE, "a&b")]),
        ("<p style=background:url(a)>", [(K.IMAGE, "a")]),
        ("<svg style='fill:url(a#b)'>", [(K.IMAGE, "a#b")]),
        # Scripts
        ("<script src=a></script>", [(K.SCRIPT, "a")]),
        ("<script type=text/JavaScript src=a></script>", [(K.SCRIPT, "a")]),
        ("<script type=module src=a></script>", [(K.MODULE, "a")]),
        ("<script type=text/template src=a><img src=b></script>", []),
        ("<script type=module>import './a.js'; import b from 'b'</script>", [(K.MODULE, "a.js")]),
        ("<script>import('./a.js')</script>", [(K.MODULE, "a.js")]),
        ("<script>var s = '<img src=a.png>'</script>", []),
        ("<script><!--<script></script>\nimport('./a.js')\n--></script>", [(K.MODULE, "a.js")]),
        ('<script type=importmap>{"imports": {"a": "./a.js", "b/": "./b/"}, '
         '"scopes": {"/c/": {"d": "./d.js"}}}</script>', [(K.MODULE, "a.js"), (K.MODULE, "d.js")]),
        ("<script type=importmap>{nonsense</script>", []),
        # Preloads and hints
        ("<link rel=modulepreload href=a>", [(K.MODULE, "a")]),
        ("<link rel=preload as=font href=a><link rel=preload as=fetch href=b>",
         [(K.FONT, "a"), (K.FETCH, "b")]),
        ("<link rel=preload as=image href=a imagesrcset='b 1x, c 2x'>",
         [(K.IMAGE, "b"), (K.IMAGE, "c"), (K.IMAGE, "a")]),
        ("<link rel=manifest href=a>", [(K.MANIFEST, "a")]),
        ("<link rel=prefetch href=a><link rel=preconnect href=https://b.example>",
         [(K.HINT, "a"), (K.HINT, "https://b.example/")]),
        # Pages within the page, media
        ("<iframe src=a></iframe>", [(K.FRAME, "a")]),
        ("<frameset><frame src=a longdesc=b></frameset>", [(K.FRAME, "a"), (K.METADATA, "b")]),
        ("<object data=a><embed src=b>", [(K.OBJECT, "a"), (K.OBJECT, "b")]),
        ("<iframe srcdoc='&lt;img src=a>&lt;a href=&quot;b&amp;amp;c&quot;>'></iframe>",
         [(K.IMAGE, "a"), (K.ANCHOR, "b&c")]),
        ("<video src=a poster=b><source src=c><track src=d></video><audio src=e></audio>",
         [(K.MEDIA, "a"), (K.IMAGE, "b"), (K.MEDIA, "c"), (K.TRACK, "d"), (K.MEDIA, "e")]),
        # SVG within HTML
        ("<svg><image href=a /><image xlink:href=b /><use href=c#d /><a href=e /></svg>",
         [(K.IMAGE, "a"), (K.IMAGE, "b"), (K.SVG_ELEMENT, "c#d"), (K.ANCHOR, "e")]),
        ("<svg><feImage href=a /><script href=b /><rect fill='url(c#d)'/></svg>",
         [(K.IMAGE, "a"), (K.SCRIPT, "b"), (K.IMAGE, "c#d")]),
        ("<svg><style>a{fill:url('b&#46;svg#c')}<![CDATA[d{fill:url(e)}]]></style></svg>",
         [(K.IMAGE, "b.svg#c"), (K.IMAGE, "e")]),
        ("<svg><use href='#a'/><rect fill='url(#b)'/></svg>", []),
        ("<math><mi href=a>", [(K.ANCHOR, "a")]),
        # What only scripts load
        ("<img data-src=a.png data-srcset='b.png 1x, c.png 2x'>",
         [(K.IMAGE, "a.png"), (K.IMAGE, "b.png"), (K.IMAGE, "c.png")]),
        ("<img data-original=a.png><img data-lazy-src=b/c>",
         [(K.IMAGE, "a.png"), (K.IMAGE, "b/c")]),
        ("<iframe data-src=a/b></iframe>", [(K.FRAME, "a/b")]),
        ("<p data-bg=a.png><p data-bg='url(b)'>", [(K.IMAGE, "a.png"), (K.IMAGE, "b")]),
        ("<p data-src=true><p data-src='{\"a\": 1}'><img data-src=yes><div data-src=a/b>", []),
        ("<div data-src=a.JPG?x>", [(K.IMAGE, "a.JPG?x")]),
        # What one browser shows and another does not
        ("<noscript><img src=a><p style='background:url(b)'></noscript>",
         [(K.IMAGE, "a"), (K.IMAGE, "b")]),
        ("<head><noscript><link rel=stylesheet href=a></noscript>", [(K.STYLESHEET, "a")]),
        ("<template><img src=a><template><a href=b></template></template>",
         [(K.IMAGE, "a"), (K.ANCHOR, "b")]),
        # What is none
        ("<!-- <img src=a> --><textarea><img src=b></textarea><title><img src=c></title>", []),
        ("<xmp><img src=a></xmp><iframe><img src=b></iframe>", []),
        ("<a href=javascript:x><a href=mailto:a@b><a href='data:text/html,x'><a href=tel:1>", []),
        ("<a href='#part'><a href=http://><a href=ftp://a/b><a href='https://a b/'>", []),
        ("<plaintext><a href=a>", []),
    ],
)  # fmt: skip
def test_what_a_browser_would_load_or_follow_is_found(
    markup: str, links: list[tuple[LinkKind, str]]
) -> None:
    assert found(markup) == links


@pytest.mark.parametrize(
    ("markup", "address"),
    [
        ("<a href=a/>", "a/"),
        ("<a href= a >", "a"),
        ("<a href\n=\n'a'>", "a"),
        ("<A HREF=a>", "a"),
        ('<a href="a\'b">', "a'b"),
        ("<a href=a href=b>", "a"),
        ("<a/href=a>", "a"),
        ("<a x='1'href=a>", "a"),
        ("<a href='  a  '>", "a"),
        ("<a href='a\n\tb'>", "ab"),
        ("<a href='a\r\nb'>", "ab"),
        ("<a href='a b'>", "a%20b"),
        ("<a href='a\\b'>", "a/b"),
        ("<a href='../a'>", "https://site.example/a"),
        ("<a href=//b.example/a>", "https://b.example/a"),
        ("<a href=https:a>", "a"),
        ("<a href=HTTPS://B.example:443/a>", "https://b.example/a"),
        ("<a href='a?b&amp;c'>", "a?b&c"),
        ("<a href='a?b&#38;c'>", "a?b&c"),
        ("<a href='a?b&#x26c'>", "a?b%C9%AC"),
        ("<a href='a?b&ampc'>", "a?b&ampc"),
        ("<a href='a?b&amp'>", "a?b&"),
        ("<a href='a?b=1&copy=2'>", "a?b=1&copy=2"),
        ("<a href='a?b=1&copy;'>", "a?b=1%C2%A9"),
        ("<a href='a?b=1&notit;'>", "a?b=1&notit;"),
        ("<a href='&#97;'>", "a"),
        ("<a href='a&nosuch;'>", "a&nosuch;"),
        ("<a href=ü>", "%C3%BC"),
        ("<a href='a\0b'>", "a%EF%BF%BDb"),
    ],
)
def test_an_address_is_read_however_it_is_written(markup: str, address: str) -> None:
    assert [text for _, text in found(markup)] == [address]


@pytest.mark.parametrize(
    ("markup", "addresses"),
    [
        ("<base href=/b/><a href=a>", ["https://site.example/b/a"]),
        ("<a href=a><base href=/b/>", ["https://site.example/b/a"]),
        ("<base href=/b/><base href=/c/><a href=a>", ["https://site.example/b/a"]),
        ("<base target=x><base href=/b/><a href=a>", ["https://site.example/b/a"]),
        ("<base href=/b/><a href=#a>", ["https://site.example/b/#a"]),
        ("<base href=page.html><a href=#a>", []),
        ("<base href=javascript:x><a href=a>", ["a"]),
        ("<base href=data:,x><a href=a>", ["a"]),
        ("<base href='https://a b/'><a href=a>", ["a"]),
        ("<base href=//b.example><a href=a>", ["https://b.example/a"]),
        ("<template><base href=/b/></template><a href=a>", ["a"]),
        ("<noscript><base href=/b/></noscript><a href=a>", ["a"]),
        ("<svg><base href=/b/></svg><a href=a>", ["a"]),
        ("<base href=/b/><style>p{background:url(a)}</style>", ["https://site.example/b/a"]),
        ("<base href=/b/><svg><use href=#a />", []),
        ("<base href=/b/><iframe srcdoc='<img src=a>'>", ["https://site.example/b/a"]),
        ("<iframe srcdoc='<base href=/b/><img src=a>'></iframe><img src=c>",
         ["https://site.example/b/a", "c"]),
    ],
)  # fmt: skip
def test_a_base_counts_as_in_a_browser(markup: str, addresses: list[str]) -> None:
    assert [text for _, text in found(markup)] == addresses


def test_a_link_knows_where_it_stands() -> None:
    body = "ü<p>\r\n<a rel='NoFollow  me' href = 'a&amp;b'>"
    page = ParsedDocument(document(body))
    [link] = page.links
    assert (link.raw, link.value, link.construct) == ("a&amp;b", "a&b", "a[href]")
    assert page.text[link.start : link.end] == link.raw
    assert link.rel == ("nofollow", "me")
    assert link.nofollow
    assert not link.lazy


def test_links_without_an_address_are_told_apart() -> None:
    links = find_links(document("<a href='#a'><a href='javascript:x'><a href='a#b'>"))
    assert [(link.url is None, link.fragment) for link in links] == [
        (True, "#a"),
        (True, ""),
        (False, "#b"),
    ]


@pytest.mark.parametrize(
    ("markup", "robots"),
    [
        ("<meta name=robots content='noindex, NOFOLLOW'>", RobotsMeta(noindex=True, nofollow=True)),
        ("<meta name=ROBOTS content=none>", RobotsMeta(noindex=True, nofollow=True)),
        ("<meta name=robots content=nofollow>", RobotsMeta(nofollow=True)),
        ("<meta name=robots content='index,follow'>", RobotsMeta()),
        ("<meta name=description content=nofollow>", RobotsMeta()),
        ("<!--<meta name=robots content=none>-->", RobotsMeta()),
    ],
)
def test_a_page_says_what_robots_may_do(markup: str, robots: RobotsMeta) -> None:
    assert robots_meta(document(markup)) == robots
    [link] = find_links(document(f"{markup}<a href=x>"))
    assert link.nofollow is robots.nofollow


def test_a_body_that_is_no_page_has_no_links() -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
    assert find_links(Document(png, "text/html", Url("https://site.example/"))) == []
    assert find_links(document("<a href=x>", "text/plain")) == []


def test_kinds_say_what_they_are_for() -> None:
    assert K.IMAGE.is_requisite
    assert not K.IMAGE.is_navigation
    assert K.ANCHOR.is_navigation
    assert not K.FORM.is_navigation
    assert not K.FORM.is_requisite
