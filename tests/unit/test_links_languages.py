"""Links in srcset, refresh, scripts, JSON and XML."""

import json

import pytest

from downloader.links import (
    LinkKind,
    can_contain_links,
    find_links,
    meta_refresh,
    rewrite_links,
    srcset,
)
from tests.support.documents import document, found

K = LinkKind
JS = "text/javascript"
SVG = "image/svg+xml"
MANIFEST = "application/manifest+json"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("a", ["a"]),
        (" a ", ["a"]),
        ("a,b", ["a,b"]),
        ("a, b", ["a", "b"]),
        ("a,,b, ,c", ["a,,b", "c"]),
        (",,a", ["a"]),
        ("a 1x,b 2x", ["a", "b"]),
        ("a 1x ,b 2x", ["a", "b"]),
        ("a\t1.5x\n,\nb\f.5x", ["a", "b"]),
        ("a 100w, b 200w", ["a", "b"]),
        ("a 100w 50h", ["a"]),
        ("data:image/png;base64,AA== 1x, b 2x", ["data:image/png;base64,AA==", "b"]),
        ("a (x,y), b", ["b"]),
        ("a (x", []),
        ("a 1x 2x, b", ["b"]),
        ("a 1x 1w, b", ["b"]),
        ("a 50h, b", ["b"]),
        ("a 0w, b", ["b"]),
        ("a -1x, b", ["b"]),
        ("a 1.x, b", ["b"]),
        ("a +1x, b", ["b"]),
        ("a 1e3x, b", ["a", "b"]),
        ("a 1W, b", ["b"]),
        ("a 1y, b", ["b"]),
        ("a x, b", ["b"]),
        ("", []),
        (" , ,", []),
    ],
)
def test_srcset_is_split_as_the_standard_says(text: str, urls: list[str]) -> None:
    assert [text[start:end] for start, end in srcset.candidate_spans(text)] == urls


def test_a_comma_at_either_end_of_a_candidate_is_escaped() -> None:
    page = rewrite_links(document("<img srcset='a 1x,b'>"), lambda link: f",{link.value},c,,")
    assert page.body == b"<img srcset='%2Ca,c%2C%2C 1x,%2Cb,c%2C%2C'>"


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ("0;url=a", "a"),
        ("0; URL = 'a b' c", "a b"),
        ('5,url="a', "a"),
        ("5 url=a", "a"),
        ("5\n;\nurl=a", "a"),
        (".5;url=a", "a"),
        ("5.5.5; a", "a"),
        ("5;'a'b", "a"),
        ("5;ur=a", "ur=a"),
        ("5;url a", "url a"),
        ("5;;a", ";a"),
        ("5;", None),
        ("5", None),
        ("", None),
        ("url=a", None),
        ("x;url=a", None),
        ("5x;url=a", None),
        ("-5;url=a", None),
    ],
)
def test_a_refresh_is_read_as_the_standard_says(content: str, address: str | None) -> None:
    place = meta_refresh.url_span(content)
    assert (place and content[slice(*place)]) == address


@pytest.mark.parametrize(
    ("script", "modules"),
    [
        ("import './a.js'", ["a.js"]),
        ("import a,{b as c}from'./a.js';import*as d from\"./d.js\"", ["a.js", "d.js"]),
        ("import a from /* why */ './a.js' // yes", ["a.js"]),
        ("import j from './j.json' with {type: 'json'}", ["j.json"]),
        ("export * from './a.js'; export {b} from './b.js'", ["a.js", "b.js"]),
        ("export * as c from '../c.js'", ["https://site.example/c.js"]),
        ("const m = await import('./a.js'), n = import(`./b.js`)", ["a.js", "b.js"]),
        ("import(/* chunk */ './a.js', {with: {}})", ["a.js"]),
        ("import '/a.js'; import 'https://b.example/c.js'",
         ["https://site.example/a.js", "https://b.example/c.js"]),
        ("import '\\u002e/a\\x2ejs'", ["a.js"]),
        ("ü; import './ü.js'", ["%C3%BC.js"]),
        ("import a from 'a'; import 'b/c'; import(d); import(`./${e}.js`)", []),
        ("// import './a.js'\n/* import './b.js' */ \"import './c.js'\"", []),
        ("x = /import '.\\/a.js'/; y = `import './b.js'`", []),
        ("x.import('./a.js'); fromage './b.js'; import.meta.url; from('./c.js')", []),
        ("new URL('./', import.meta.url); new URL('a/..?b', import.meta.url); new URL('')", []),
        ("new URL('a', base); new URL(a, import.meta.url); new x.URL('b', import.meta.url)", []),
        ("new URL('a', import.meta.url, b); new URL('a' + b, import.meta.url)", []),
        # These are relative to the page, whichever that is.
        ("new Worker('a.js'); new SharedWorker('b.js')", []),
        ("import {", []),
        ("}}}} import './a.js'", ["a.js"]),
    ],
)  # fmt: skip
def test_imports_of_a_script_are_found(script: str, modules: list[str]) -> None:
    assert found(script, JS) == [(K.MODULE, module) for module in modules]


def test_what_a_script_imports_stays_an_address() -> None:
    page = rewrite_links(document("import 'https://a.example/b.js'", JS), lambda _: "b'\"c.js")
    assert page.body == b"import './b\\x27\"c.js'"


def test_a_script_names_files_beside_it() -> None:
    script = "new URL('a.wasm', import.meta.url); new Worker(new URL(`b`, import . meta.url))"
    assert found(script, JS) == [(K.FETCH, "a.wasm"), (K.FETCH, "b")]


def test_a_worker_is_relative_to_its_page() -> None:
    markup = "<script>new Worker('a.js', {}); new SharedWorker ( `b.js` ); new X('c')</script>"
    assert found(markup) == [(K.SCRIPT, "a.js"), (K.SCRIPT, "b.js")]
    page = rewrite_links(document(markup), lambda _: "x'")
    assert page.body.startswith(b"<script>new Worker('./x\\x27', {}); new Shared")


def test_an_import_within_a_page_cannot_end_its_script() -> None:
    markup = "<script type=module>import './a.js'</script>"
    page = rewrite_links(document(markup), lambda _: "</script>.js")
    assert b"import './\\x3c/script\\x3e.js'</script>" in page.body


def test_a_manifest_has_icons_and_pages() -> None:
    text = json.dumps(
        {
            "name": "src",
            "start_url": ".",
            "scope": "/",
            "icons": [{"src": "a.png", "sizes": "1x1"}, {"src": '\u00fc"b.png'}],
            "shortcuts": [{"url": "/c", "icons": [{"src": "d.png"}]}],
            "screenshots": [{"src": "e.png"}],
            "extra": [[{"icons": {"src": "no"}}], 1.5e3, True, None, "icons"],
        },
        indent=1,
    )
    assert found(text, MANIFEST) == [
        (K.RELATED, ""),
        (K.ICON, "a.png"),
        (K.ICON, "%C3%BC%22b.png"),
        (K.RELATED, "https://site.example/c"),
        (K.ICON, "d.png"),
        (K.IMAGE, "e.png"),
    ]
    new = rewrite_links(document(text, MANIFEST), lambda _: 'x"y')
    assert json.loads(new.body)["icons"][1]["src"] == 'x"y'


@pytest.mark.parametrize("text", ["", "[", "nonsense", "{" * 100_000, '"a', "[1" * 5000])
def test_what_is_no_json_has_no_links(text: str) -> None:
    assert found(text, MANIFEST) == []


@pytest.mark.parametrize(
    ("inner", "links"),
    [
        ("<image href='a'/><image l:href='b'/>", [(K.IMAGE, "a"), (K.IMAGE, "b")]),
        ("<use href='a.svg#b'/><use href='#c'/>", [(K.SVG_ELEMENT, "a.svg#b")]),
        ("<a href='a'/><script href='b'/>", [(K.ANCHOR, "a"), (K.SCRIPT, "b")]),
        ("<style>a{fill:url(b)}</style>", [(K.IMAGE, "b")]),
        ("<style><![CDATA[a>b{fill:url('c&d')}]]></style>", [(K.IMAGE, "c&d")]),
        ("<style>@import 'a&amp;b';</style>", [(K.STYLESHEET, "a&b")]),
        ("<rect fill='url(a#b)' style='stroke:url(&quot;c&quot;)'/>",
         [(K.IMAGE, "c"), (K.IMAGE, "a#b")]),
        ("<h:img src='a' srcset='b 1x'/><h:p style='background:url(c)'/>",
         [(K.IMAGE, "a"), (K.IMAGE, "b"), (K.IMAGE, "c")]),
        ("<other xmlns='urn:x' href='a'/>", [(K.ANCHOR, "a")]),
        ("<image href='a'/><image href=b/><image href='c'/>", [(K.IMAGE, "a")]),
        ("<!-- <image href='a'/> --><title><![CDATA[<image href='b'/>]]></title>", []),
    ],
)  # fmt: skip
def test_svg_files_refer_to_others(inner: str, links: list[tuple[LinkKind, str]]) -> None:
    names = "xmlns:h='http://www.w3.org/1999/xhtml' xmlns:l='http://www.w3.org/1999/xlink'"
    text = f"<?xml version='1.0'?><svg {names} xmlns='http://www.w3.org/2000/svg'>{inner}</svg>"
    # In the order of the attributes that are read, not in that of the document.
    assert sorted(found(text, SVG), key=str) == sorted(links, key=str)


def test_xml_names_its_style_sheets() -> None:
    text = (
        "<?xml version='1.0'?><?xml-stylesheet type='text/css' href='a.css?b&amp;c'?>"
        "<svg xmlns='http://www.w3.org/2000/svg'><?xml-stylesheet href='no'?></svg>"
    )
    assert found(text, SVG) == [(K.STYLESHEET, "a.css?b&c")]
    page = rewrite_links(document(text, SVG), lambda _: "d&'e")
    assert b"href='d&amp;&#39;e'?>" in page.body


def test_an_xhtml_page_is_read_as_xml() -> None:
    text = (
        "<html xmlns='http://www.w3.org/1999/xhtml'><head><base href='/b/'/>"
        "<script src='a'/><meta name='robots' content='nofollow'/></head>"
        "<body><a href='c&#x26;d'/><p>\r\n<img src = \"e\"/></p></body></html>"
    )
    page = document(text, "application/xhtml+xml")
    assert [link.url for link in find_links(page)] == [
        "https://site.example/b/a",
        "https://site.example/b/c&d",
        "https://site.example/b/e",
    ]
    assert all(link.nofollow for link in find_links(page))
    assert rewrite_links(page, lambda _: "x<y").body.count(b"x&lt;y") == 3


def test_an_address_may_consist_of_entities_of_the_document() -> None:
    text = (
        "<!DOCTYPE svg [<!ENTITY e 'dir'><!ENTITY q 'a&#38;#38;b'>]>"
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='&e;/&lt;.png'/>"
        "<image href='&q;&#10;c'/>"
        # Where in an entity an address stands cannot be said.
        "<p style='a: url(&e;)\n'/><p style='a:\n&quot;&quot; url(b)\r\n'/></svg>"
    )
    assert found(text, SVG) == [(K.IMAGE, "dir/%3C.png"), (K.IMAGE, "a&bc"), (K.IMAGE, "b")]
    page = rewrite_links(document(text, SVG), lambda _: "x&")
    assert page.body.count(b"<image href='x&amp;'/>") == 2
    assert page.body.endswith(
        b"<p style='a: url(&e;)\n'/><p style='a:\n&quot;&quot; url(x&amp;)\r\n'/></svg>"
    )


def test_entities_of_a_document_are_known() -> None:
    text = (
        "<!DOCTYPE svg [<!ENTITY e 'dir'><!ENTITY i \"<image href='no'/>\">]>"
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='a'/>&i;</svg>"
    )
    assert found(text, SVG) == [(K.IMAGE, "a")]


@pytest.mark.parametrize(
    ("media_type", "answer"),
    [
        *((name, True) for name in ("text/html", "text/css", JS, SVG, MANIFEST, "text/xml")),
        *((name, False) for name in ("text/plain", "image/png", "application/json", "")),
    ],
)
def test_it_is_known_which_bodies_can_hold_links(media_type: str, *, answer: bool) -> None:
    assert can_contain_links(media_type) is answer
