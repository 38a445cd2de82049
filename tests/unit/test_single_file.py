"""A mirrored page as one file."""

import json
import re
from urllib.parse import unquote_to_bytes
from urllib.request import urlopen

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.links import Document, LinkKind, ParsedDocument, find_links
from downloader.mirror.single_file import (
    MIB,
    ExternalReference,
    PackedFileCache,
    SingleFilePage,
    data_uri,
    single_file,
)
from downloader.mirror.single_file.model import PackedFile
from downloader.web.urls import Url
from tests.support.single_file import FRAME, Files, reader


def pack(
    files: Files, path: str = "index.html", *, most: int = MIB * 16, total: int = MIB * 64
) -> SingleFilePage:
    address = "https://h/{}".format
    return single_file(
        path, reader(files), source_url=address, max_file_bytes=most, max_page_characters=total
    )


def unpacked(body: bytes) -> str:
    """Undo percent-encoding, as often as there are files within files."""
    for _ in range(6):
        body = unquote_to_bytes(body)
    return body.decode("utf-8", "replace")


def test_what_a_page_needs_is_within() -> None:
    single = pack(
        {
            "index.html": "<link rel=stylesheet href=a.css integrity=x crossorigin>"
            "<img src=i.png srcset='i.png 1x, j.png 2x' style='background: url(j.png)'>"
            "<script type=module src=m.js></script><a href=other.html#x>o</a>",
            "a.css": "@import 'b.css'; @font-face { src: url(f.woff2) }",
            "b.css": "a { background: url(i.png) }",
            "m.js": "import './n.js'",
            "n.js": "export {}",
            **dict.fromkeys(["i.png", "j.png", "f.woff2"], bytes(range(100))),
        }
    )
    assert single.external_references == ()
    assert single.inlined == {"a.css", "b.css", "m.js", "n.js", "i.png", "j.png", "f.woff2"}
    text = unpacked(single.body)
    assert "integrity" not in text
    assert "crossorigin" not in text
    assert text.count("data:image/png;base64,AAEC") == 5
    assert "@import 'data:text/css,a { background: url(data:image/png;base64," in text
    assert "data:font/woff2;base64," in text
    assert "import 'data:text/javascript,export {}'" in text
    assert "href=https://h/other.html#x" in text


def test_links_stay_unless_there_is_an_address() -> None:
    files: Files = {
        "a/index.html": "<a href=../b.html#x>b</a><a href=index.html#own>own</a>"
        "<img src=gone.png><iframe src=../c/frame.html></iframe>",
        "c/frame.html": "<a href='d e.html#y'>d</a><img src=lost.png>",
    }
    single = single_file("a/index.html", reader(files))
    text = unpacked(single.body)
    for part in ("href=../b.html#x", "href=#own", "src=gone.png", "'../c/d e.html#y'"):
        assert part in text
    assert set(single.external_references) == {
        ExternalReference("a/index.html", "a/gone.png", "missing"),
        ExternalReference("c/frame.html", "c/lost.png", "missing"),
    }


def test_circles_are_cut_where_a_browser_cuts_them() -> None:
    single = pack(
        {
            "index.html": "<link rel=stylesheet href=a.css><iframe src=index.html></iframe>"
            "<iframe src=f.html></iframe>",
            "a.css": "@import 'b.css'",
            "b.css": "@import 'a.css'; b {}",
            "f.html": "<iframe src=g.html></iframe>",
            "g.html": "<iframe src=f.html></iframe>",
        }
    )
    text = unpacked(single.body)
    assert "@import 'data:text/css,@import 'data:text/css,'; b {}'" in text
    assert text.count("about:blank") == 2
    assert single.external_references == ()


def test_modules_that_import_each_other_have_names() -> None:
    page = (
        "<!--<script>--><script>1</script><script type=module src='m.js'></script>"
        "<script type=module>import './n.js'</script>"
    )
    files: Files = {
        "index.html": page,
        "m.js": "import './n.js'; import './large.js'",
        "n.js": "import './m.js'",
        "large.js": "1",
    }
    single = pack(files)
    text = single.body.decode()
    (found,) = re.findall("<script type=importmap>(.*?)</script>", text)
    assert text.startswith("<!--<script>--><script type=importmap>")
    named = json.loads(found)["imports"]
    assert named.keys() == {"single-file:m.js"}
    # It is one and the same module, whichever way leads to it.
    assert f"src='{named['single-file:m.js']}'" in text
    assert text.count("data:text/javascript,import%20%27single-file:m.js%27") == 1
    assert single.external_references == ()
    wide = pack({**files, "index.html": page.encode("utf-16")})
    assert {left.reason for left in wide.external_references} == {"it needs itself"}


def test_frames_of_the_same_origin_are_within_the_page() -> None:
    files: Files = {
        "index.html": f"{FRAME}<iframe src='f.html' width=9></iframe>"
        "<iframe srcdoc='<iframe src=\"g.html\"></iframe>'></iframe>",
        "f.html": f'{FRAME}<a href=#x>\u00fc &amp; "</a><iframe SRC = g.html></iframe>',
        "g.html": f"{FRAME}g",
    }
    text = pack(files).body.decode()
    own = "<!doctype html><base href=&quot;about:srcdoc&quot;><meta charset=utf-8>"
    assert f'<iframe srcdoc="{own}<a href=#x>\u00fc &amp;amp; &quot;</a>' in text
    assert 'srcdoc=&quot;<!doctype html><meta charset=utf-8>g&quot;></iframe>" width=9>' in text
    # Within another srcdoc its quotes would end that.
    assert "<iframe srcdoc='<iframe src=\"data:text/html;charset=utf-8," in text


@pytest.mark.parametrize(
    ("page", "frame", "address"),
    [
        (FRAME, "<meta charset=utf-8>in quirks mode", "https://h/{}"),
        (FRAME, "<!doctype html><meta charset=windows-1252>", "https://h/{}"),
        (FRAME, FRAME, "https://{}"),
        (f"{FRAME}<iframe src=f.html#x></iframe>", FRAME, "https://h/{}"),
    ],
)
def test_other_frames_keep_apart(page: str, frame: str, address: str) -> None:
    page = page if "iframe" in page else f"{page}<iframe src=f.html></iframe>"
    files: Files = {"index.html": page, "f.html": frame}
    single = single_file("index.html", reader(files), source_url=address.format)
    assert b"srcdoc" not in single.body
    assert b"<iframe src=data:text/html;charset" in single.body


def test_a_page_in_a_legacy_encoding_says_so_and_takes_frames() -> None:
    files: Files = {
        "index.html": "<!doctype html><title>\u00fc</title><iframe src=f.html></iframe>".encode(
            "latin-1"
        ),
        "f.html": f"{FRAME}\u00fc\u20ac",
    }
    address = "https://h/{}".format
    single = single_file("index.html", reader(files), source_url=address, charset="latin-1")
    assert single.body.startswith(b"<!doctype html><meta charset=windows-1252><title>\xfc")
    assert b'<meta charset=utf-8>&#252;&#8364;"' in single.body


def test_what_pages_share_is_packed_once() -> None:
    asked = []
    files: Files = {
        "a.html": "<link rel=stylesheet href=s.css><script type=module src=m.js></script>",
        "b.html": "<link rel=stylesheet href=s.css><script type=module src=m.js></script>",
        "s.css": "a { background: url(i.png) } b { background: url(gone.png) }",
        "i.png": b"\x89PNG",
        "m.js": "import './n.js'",
        "n.js": "import './m.js'",
    }

    def read(path: str) -> bytes | None:
        asked.append(path)
        return reader(files)(path)

    cache = PackedFileCache()
    first, second = (
        single_file(path, read, source_url=str, cache=cache) for path in ("a.html", "b.html")
    )
    assert first == second == single_file("b.html", read, source_url=str)
    assert {left.reference for left in second.external_references} == {"gone.png"}
    assert [asked.count(path) for path in ("s.css", "i.png", "gone.png")] == [2, 2, 2]


@pytest.mark.parametrize(
    "markup", ["<!---->", "<!--", "<title>", "<a '", '<a ="', "<meta ", "<script ", " srcdoc='"]
)
def test_markup_that_never_ends_does(markup: str) -> None:
    files: Files = {
        "index.html": "<iframe src=f.html></iframe><script type=module src=m.js></script>",
        "f.html": markup * 20_000 + "<script type=module src=m.js></script>",
        "m.js": "import './n.js'",
        "n.js": "import './m.js'",
    }
    pack(files)
    pack(files, "f.html")


def test_a_cache_is_bounded() -> None:
    cache = PackedFileCache(100_000)
    for number in range(100):
        cache.put((f"{number}.png", LinkKind.IMAGE, False), PackedFile("x" * 9_000))
    kept = [n for n in range(100) if cache.get((f"{n}.png", LinkKind.IMAGE, False))]
    assert kept == list(range(90, 100))
    cache.put(("large.png", LinkKind.IMAGE, False), PackedFile("x" * 30_000))
    assert cache.get(("large.png", LinkKind.IMAGE, False)) is None


def test_a_page_needs_itself_a_thousand_times() -> None:
    files: Files = {
        "index.html": "<iframe src=index.html></iframe><img src=index.html>" * 1000,
        "a.html": "<iframe src=b.html></iframe>" * 1000,
        "b.html": "<iframe src=c.html></iframe>" * 1000,
        "c.html": "<img src=i.png>" * 1000,
        "i.png": bytes(1000),
    }
    assert pack(files).body.count(b"about:blank") == 1000
    single = pack(files, "a.html", most=MIB, total=4 * MIB)
    assert len(single.body) < 5 * MIB
    assert single.external_references


def test_circles_of_many_files_end() -> None:
    names = [f"{number}.css" for number in range(40)]
    sheet = "".join(f"@import '{name}';" for name in names) + "x" * 50_000
    page = "<link rel=stylesheet href=0.css>"
    pack({"index.html": page, **dict.fromkeys(names, sheet)}, most=MIB)
    chain: Files = {f"{n}.css": f"@import '{n + 1}.css'" for n in range(100)}
    single = pack({"index.html": page, **chain})
    assert [left.reason for left in single.external_references] == ["too many files within files"]
    wide: Files = {f"{n}.js": f"import './{n + 1}.js';" * 4 for n in range(20)}
    wide["20.js"] = ""
    single = pack({"index.html": "<script type=module src=0.js></script>", **wide}, most=MIB)
    assert {left.reason for left in single.external_references} <= {
        *("too large", "the page would become too large")
    }
    assert len(single.body) < 4 * MIB


def test_what_is_too_large_stays_outside() -> None:
    files: Files = {
        "index.html": "<img src=large.png><img src=small.png><img src=small.png>"
        "<link rel=stylesheet href=a.css>",
        "large.png": bytes(2001),
        "small.png": bytes(900),
        "a.css": "a { b: url(small.png) }" * 3,
    }
    single = pack(files, most=2000)
    assert {(left.reference, left.reason) for left in single.external_references} == {
        ("large.png", "too large"),
        # What fits of a style sheet is in it.
        ("small.png", "too large"),
    }
    assert single.inlined == {"small.png", "a.css"}
    assert b"src=https://h/large.png" in single.body
    single = pack(files, total=2000)
    assert ("small.png", "the page would become too large") in {
        (left.reference, left.reason) for left in single.external_references
    }


def test_a_frame_that_no_browser_would_open_stays_outside() -> None:
    single = pack({"index.html": "<iframe src=f.html>", "f.html": "x" * (2 * MIB)})
    assert single.external_references == (
        ExternalReference("index.html", "f.html", "too large for a frame"),
    )


def test_graphics_are_put_into_the_page() -> None:
    svg = (
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">'
        "<symbol id='dot'><title>ü</title></symbol></svg>"
    )
    page = "<meta charset=windows-1252><svg><use href=s.svg#dot /><use href='s.svg#gone'/></svg>"
    single = pack({"index.html": page, "s.svg": svg, "t.svg": svg})
    assert single.external_references == (
        ExternalReference("index.html", "s.svg", "the graphic has no such part"),
    )
    assert b"href=#dot" in single.body
    assert single.body.count(b"<symbol id='dot'><title>&#252;</title>") == 1
    taken = page.replace("s.svg#gone", "t.svg#dot")
    single = pack({"index.html": taken, "s.svg": svg, "t.svg": svg})
    assert [left.reference for left in single.external_references] == ["t.svg"]
    xhtml = '<html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    inner = '<svg xmlns="http://www.w3.org/2000/svg"><use href="s.svg#dot"/></svg>'
    single = pack({"a.xhtml": xhtml.format(inner), "s.svg": svg}, "a.xhtml")
    assert single.external_references == ()
    assert b'<use href="#dot"/>' in single.body
    assert (
        ParsedDocument(Document(single.body, "application/xhtml+xml", Url("http://h/"))).links == ()
    )
    assert single.body.endswith(b"</svg></svg></body></html>")


def test_a_picture_is_taken_as_it_is() -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><image href='i.png'/></svg>"
    files: Files = {"index.html": "<img src=p.svg#v>", "p.svg": svg, "i.png": b"\x89"}
    single = pack(files)
    assert single.inlined == {"p.svg"}
    assert b"/svg%3E#v" in single.body
    single = pack({**files, "index.html": "<object data=p.svg></object>"})
    assert single.inlined == {"p.svg", "i.png"}


def test_what_only_loads_early_is_emptied() -> None:
    single = pack(
        {
            "index.html": "<link rel=preload as=image href=i.png imagesrcset='i.png 2x'>"
            "<link rel=prefetch href=next.html><link rel=preconnect href=https://cdn.test>"
            "<link rel=preload as=style href=a.css onload=\"this.rel='stylesheet'\">",
            "i.png": b"\x89",
            "a.css": "b {}",
        }
    )
    assert single.inlined == {"a.css"}
    assert b"i.png" not in single.body
    assert b"cdn.test" not in single.body


@pytest.mark.parametrize(
    "reference",
    [
        *("..%2f..%2fetc/passwd", "../../etc/passwd", "/etc/passwd", "file:///etc/passwd"),
        *("%2e%2e/%2e%2e/etc/passwd", "..%5cx", "a%00b", "\\etc\\passwd"),
    ],
)
def test_nothing_outside_the_folder_is_asked_for(reference: str) -> None:
    asked = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return f"<img src='{reference}'>".encode() if path == "a/b.html" else None

    single_file("a/b.html", read)
    assert asked == ["a/b.html"]


@given(st.binary(max_size=200))
def test_a_data_uri_means_the_bytes_it_was_made_from(body: bytes) -> None:
    uri = data_uri(body, "text/plain")
    assert re.fullmatch(r"data:text/plain(;base64)?,[!-~]*", uri)
    assert not set(uri) & set("\"'<>&#\\() `")
    # urllib reads data: URIs as browsers do.
    with urlopen(uri) as response:
        assert response.read() == body


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a.html", "b.css", "c.js", "d.svg"]), st.binary()))
def test_no_file_is_too_much(files: Files) -> None:
    page = "<iframe src=a.html></iframe><link rel=stylesheet href=b.css><script src=c.js></script>"
    pack({**files, "index.html": page + "<svg><use href=d.svg#x /></svg><object data=d.svg>"})


def test_all_candidates_of_a_picture_are_within() -> None:
    files: Files = {"index.html": "<img srcset='a.png 1x, b.png 2x, c.png 3x'>"}
    single = pack({**files, **dict.fromkeys(["a.png", "b.png", "c.png"], b"\x89PNG")})
    assert len(single.inlined) == 3
    assert len(find_links(Document(single.body, "text/html", Url("http://h/")))) == 3
