"""Sitemaps and feeds: read as they arrive; what is not well-formed costs only its entry."""

import gzip
import tracemalloc
from collections.abc import Iterator
from xml.parsers import expat
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.errors import BlockedError, ConnectError, ErrorKind, HttpStatusError, SourceError
from downloader.models import Failed
from downloader.sources import FetchList, ListSettings
from downloader.sources.entries import from_line
from downloader.sources.list_reader import ListReader
from downloader.sources.xml_scanner import XmlScanner, attributes_of, decode_references
from downloader.web.urls import Url, parse
from tests.support.lists import (
    addresses,
    entries,
    failed,
    no_fetching,
    origins,
    pieces,
    stream,
    target,
)

A, B = "https://a.example/?x=1&y=2", "https://b.example/?c&d"
SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc>https://a.example/?x=1&amp;y=2</loc><lastmod>2024-01-01</lastmod></url>
  <url>
    <loc>
      https://b.example/<![CDATA[?c&d]]>
    </loc>
    <image:image><image:loc>https://i.example/</image:loc></image:image>
  </url>
</urlset>
"""
STEPS = pytest.mark.parametrize("step", [None, 1, 7])


def index_of(*sitemaps: str) -> str:
    locs = "".join(f"<sitemap>\n<loc>{address}</loc></sitemap>" for address in sitemaps)
    return (
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{locs}</sitemapindex>"
    )


def sitemap_of(*pages: str) -> str:
    return f"<urlset>{''.join(f'<url><loc>{escape(page)}</loc></url>' for page in pages)}</urlset>"


def server_of(lists: dict[str, str | bytes], asked: list[str] | None = None) -> FetchList:
    """Return a function that fetches these lists, and fails with 404 for all others."""

    def fetch_list(url: Url, _home: Url) -> Iterator[bytes]:
        if asked is not None:
            asked.append(url)
        if url not in lists:
            raise HttpStatusError(404, "Not Found")
        return pieces(lists[url])

    return fetch_list


# Sitemaps


@STEPS
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["sitemap.xml", "list"])
def test_a_sitemap_is_a_list(name: str, encoding: str, step: int | None) -> None:
    text = SITEMAP.replace("UTF-8", "UTF-16" if encoding == "utf-16" else "UTF-8")
    found = entries(text.encode(encoding), name, step)
    assert addresses(found) == [A, B]
    assert origins(found) == [f"{name}:4", f"{name}:8"]


@STEPS
@pytest.mark.parametrize("before", ["\n", "   ", "\ufeff\r\n", "\ufeff", "\n\n\ufeff"])
def test_what_stands_before_the_declaration_does_not_matter(before: str, step: int | None) -> None:
    assert addresses(entries(before + SITEMAP, "sitemap.xml", step)) == [A, B]
    assert addresses(entries(before + SITEMAP, "list", step)) == [A, B]


@pytest.mark.parametrize(
    "namespace",
    [
        "",
        "xmlns='https://www.sitemaps.org/schemas/sitemap/0.9'",
        "xmlns='http://www.google.com/schemas/sitemap/0.84'",
        "xmlns='urn:anything'",
    ],
)
@pytest.mark.parametrize("prefix", ["", "sm:"])
def test_any_namespace_is_taken(namespace: str, prefix: str) -> None:
    text = sitemap_of(A).replace("</", "\0").replace("<", f"<{prefix}").replace("\0", f"</{prefix}")
    assert addresses(entries(text.replace("urlset>", f"urlset {namespace}>", 1), "x.xml")) == [A]


@STEPS
@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://a.example/?x=1&y=2", A),
        ("https://a.example/?x=1&copy=2", "https://a.example/?x=1&copy=2"),
        ("https://a.example/caf&eacute;", "https://a.example/caf%C3%A9"),
        ("https://a.example/b&nbsp;c", "https://a.example/b%C2%A0c"),
        ("https://a.example/&#38;&#x26;", "https://a.example/&&"),
        ("https://a.example/&unknown;&#99999999;", "https://a.example/&unknown;&"),
        ("https://a.example/<!-- a comment -->b", "https://a.example/b"),
        ("https://a.example/?<", "https://a.example/?%3C"),
    ],
)
def test_references_are_read_as_they_are_meant(
    written: str, address: str, step: int | None
) -> None:
    found = entries(f"<urlset><url><loc>{written}</loc></url></urlset>", "sitemap.xml", step)
    assert addresses(found) == [address]


@STEPS
@pytest.mark.parametrize(
    ("broken", "shown"),
    [
        ("<url><loc>https://x.example/\x01</loc></url>", ["?https://x.example/\x01?"]),
        ("<url><loc>https://x.example/<lastmod>2024</lastmod></url>", ["?https://x.example/?"]),
        ("<url><loc>https://x.example/<b>y</b></loc></url>", ["?https://x.example/?"]),
        ("<url><loc/></url>", ["??"]),
        ("<url><loc></url>", ["??"]),
        ("<url></loc></url>", []),
        ("<url><loc>ftp://x.example/</loc></url>", ["?ftp://x.example/?"]),
        ("<url><lastmod>2024</url>", []),
        ("<url><lastmod x='></lastmod></url>", []),
        ("</url></url></image:image>", []),
        ("<url><image:image></url>", []),
        ("<url><image:image><image:loc>https://i.example/</image:loc>", []),
        ("<url", []),
        ("<!-- <url><loc>https://x.example/</loc></url> -->", []),
        ("<?php echo '<loc>' ?>", []),
    ],
)
def test_what_is_not_well_formed_costs_only_its_entry(
    broken: str, shown: list[str], step: int | None
) -> None:
    good = [f"<url><loc>{escape(page)}</loc></url>" for page in (A, B)]
    found = entries(f"<urlset>{good[0]}\n{broken}\n{good[1]}</urlset>", "sitemap.xml", step)
    assert addresses(found) == [A, *shown, B]


@STEPS
def test_a_cut_end_costs_the_last_entry_and_is_said(step: int | None) -> None:
    notes: list[str] = []
    noting = ListSettings(note=notes.append)
    found = entries(f"{sitemap_of(A)[:-9]}<url><loc>https://b.exam", "s.xml", step, noting)
    assert addresses(found) == [A, "?https://b.exam?"]
    assert failed(found[1]).message == "the address is cut off"
    assert notes == ["s.xml is cut off: the XML has no end"]
    assert addresses(entries(sitemap_of(A)[:-9], "s.xml", step, noting)) == [A]
    assert len(notes) == 2


def test_a_declared_encoding_is_obeyed() -> None:
    text = "<?xml version='1.0' encoding='{}'?><urlset><url><loc>https://a.example/{}</loc></url>"
    for label, encoding, letter in (
        ("windows-1251", "windows-1251", "ж"),
        ("ISO-8859-1", "latin-1", "é"),
        ("Shift_JIS", "shift_jis", "あ"),
        ("klingon", "utf-8", "é"),
        ("utf-16", "utf-8", "é"),
    ):
        for step in (None, 3):
            body = text.format(label, letter).encode(encoding)
            assert target(entries(body, "s.xml", step)[0]).url == parse(
                f"https://a.example/{letter}"
            )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "it has no elements"),
        ("no XML at all", "it has no elements"),
        ("<svg><a href='https://x.example/'/></svg>", "its first element is <svg>"),
        ("<?xml version='1.0'?><error>Not Found</error>", "its first element is <error>"),
    ],
)
def test_what_is_no_sitemap_is_refused(text: str, hint: str) -> None:
    with pytest.raises(SourceError) as error:
        entries(text, "sitemap.xml")
    assert error.value.message == "sitemap.xml is neither a sitemap nor a feed"
    assert error.value.hint == hint


def test_a_sitemap_is_read_as_it_arrives() -> None:
    pulled = 0

    def arriving() -> Iterator[bytes]:
        nonlocal pulled
        for piece in (
            b"<urlset><url><loc>https://a.example/</loc></url>\n<url><loc>https://b",
            b"",
            b".example/</loc></url></urlset>",
        ):
            pulled += 1
            yield piece

    found = stream(arriving())
    assert target(next(found)).url == "https://a.example/"
    assert pulled == 1
    assert addresses(found) == ["https://b.example/"]


# Bombs


@pytest.mark.parametrize(
    "bomb",
    [
        "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]>",
        "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE x [<!ENTITY % p SYSTEM 'http://x/'>%p;]>",
    ],
)
def test_no_entity_is_expanded_and_nothing_is_loaded(bomb: str) -> None:
    text = f"{bomb}<urlset><url><loc>https://a.example/&b;&f;</loc></url></urlset>"
    assert addresses(entries(text, "sitemap.xml")) == ["https://a.example/&b;&f;"]


@pytest.mark.parametrize(
    ("opening", "filling"),
    [
        ("<!--", "x"),
        ("<![CDATA[", "]"),
        ("<a b='", "x"),
        ("<urlset><url><loc>", "https"),
        ("<rss><item><link>", "&amp;"),
        ("<rss><item><description>", "<p>"),
        ("", "<a>"),
        ("<urlset>", "<url>"),
        ("<urlset>", "<url><loc>"),
        ("", "<"),
        ("<a ", "x "),
        ("<a ", "x='"),
        ("<rss><item><link ", "href "),
    ],
)
def test_whatever_has_no_end_does_not_fill_memory(opening: str, filling: str) -> None:
    def body(size: int) -> Iterator[bytes]:
        yield f"<urlset>{opening}".encode()
        piece = (filling * (65536 // len(filling))).encode()
        for _ in range(size):
            yield piece

    def consume(size: int) -> None:
        for _ in ListReader(no_fetching).lines(body(size), "x.xml", "x.xml"):
            pass

    consume(1)
    tracemalloc.start()
    consume(8)
    small = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    consume(32)
    large = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert large < small + 1024 * 1024


def test_an_overlong_address_is_one_failure() -> None:
    text = sitemap_of(f"https://a.example/{'x' * 70_000}", B)
    found = entries(text, "sitemap.xml")
    assert failed(found[0]).message == "the line is too long for a URL"
    assert addresses(found[1:]) == [B]


# The scanner, against a parser of well-formed XML

_NAMES = st.sampled_from(["a", "b:c", "loc", "Url", "é"])
_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
)
_ATTRIBUTES = st.dictionaries(st.sampled_from(["x", "href", "xml:lang"]), _TEXTS, max_size=2)


@st.composite
def documents(draw: st.DrawFn, depth: int = 3) -> str:
    name = draw(_NAMES)
    attributes = "".join(
        f" {key}={quote}{escape(value, {quote: '&#34;' if quote == chr(34) else '&#39;'})}{quote}"
        for key, value in draw(_ATTRIBUTES).items()
        for quote in [draw(st.sampled_from("\"'"))]
    )
    content = draw(
        st.lists(
            _TEXTS.map(escape)
            | _TEXTS.filter(lambda text: "]]>" not in text).map(lambda text: f"<![CDATA[{text}]]>")
            | _TEXTS.filter(lambda text: "-" not in text).map(lambda text: f"<!--{text}-->")
            | (documents(depth=depth - 1) if depth else st.nothing()),
            max_size=4,
        )
    )
    if not content and draw(st.booleans()):
        return f"<{name}{attributes}/>"
    return f"<{name}{attributes}>{''.join(content)}</{name}>"


class Recorder:
    """Records what a scanner or a parser finds, neighbouring texts as one."""

    def __init__(self) -> None:
        self.wants_text = True
        self.found: list[tuple[str, object]] = []

    def start(self, name: str, attributes: str) -> None:
        self.found.append(("start", (name, attributes_of(attributes))))
        if attributes.endswith("/"):
            self.end(name)

    def end(self, name: str) -> None:
        self.found.append(("end", name))

    def text(self, text: str) -> None:
        if self.found and self.found[-1][0] == "text":
            text = f"{self.found.pop()[1]}{text}"
        self.found.append(("text", text))

    def decoded(self) -> list[tuple[str, object]]:
        return [
            (kind, decode_references(str(what)) if kind == "text" else what)
            for kind, what in self.found
        ]


@given(document=documents(), step=st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_well_formed_xml_is_read_as_a_parser_reads_it(document: str, step: int) -> None:
    expected = Recorder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: expected.found.append(
        ("start", (name, attributes))
    )
    parser.EndElementHandler = expected.end
    parser.CharacterDataHandler = expected.text
    parser.Parse(document, True)

    recorder = Recorder()
    scanner = XmlScanner(recorder)
    for start in range(0, len(document), step):
        scanner.feed(document[start : start + step])
    scanner.feed("", final=True)
    assert recorder.decoded() == expected.found


@given(text=st.lists(st.sampled_from("<>/!?-[]CDATA \"'=ab&;\n"), max_size=40).map("".join))
@settings(max_examples=300, deadline=None)
def test_how_any_text_arrives_does_not_change_what_is_found(text: str) -> None:
    recorders = []
    for step in (1, 3, 1000):
        recorders.append(Recorder())
        scanner = XmlScanner(recorders[-1])
        for start in range(0, len(text), step):
            scanner.feed(text[start : start + step])
        scanner.feed("", final=True)
    assert recorders[0].found == recorders[1].found == recorders[2].found


@given(
    broken=st.lists(
        st.sampled_from(
            ["<url>", "</url>", "<loc>", "</loc>", "<", ">", "<x", "&", "'", '"', "<x y='", "z"]
        ),
        max_size=8,
    ).map("".join)
)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_between_them_whole_entries_are_read(broken: str) -> None:
    text = f"<urlset><url><loc>{A}</loc></url>{broken}<url><loc>{B}</loc></url></urlset>"
    found = [entry.url for entry in entries(text, "sitemap.xml") if not isinstance(entry, Failed)]
    assert found[0] == A
    assert found[-1] == B


# Feeds

RSS = f"""<?xml version="1.0"?><?xml-stylesheet href="feed.xsl"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>t</title><link>https://site.example/</link>
<atom:link href="https://site.example/feed" rel="self"/>
<image><url>https://site.example/logo.png</url><link>https://site.example/</link></image>
<item><title>a &amp; b <c></title><link>{escape(A)}</link><guid>https://no.example/</guid></item>
<item><guid isPermaLink="true">{escape(B)}</guid>
<description><![CDATA[<item><link>https://no.example/</link></item>]]></description></item>
<item><enclosure url="https://c.example/1.mp3" length="1"/><guid isPermaLink="false">7</guid></item>
<item><title>nothing</title></item>
</channel></rss>
"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom">
<link href="https://site.example/"/><link rel="self" href="https://site.example/feed"/>
<entry><link rel="self" href="https://no.example/"/><link rel="alternate" href="{escape(A)}"/>
<link rel="enclosure" href="https://no.example/1.mp3"/><id>urn:1</id>
<content type="xhtml"><div><link href="https://no.example/"/><a href="https://no.example/"/></div>
</content><source><link href="https://no.example/"/></source></entry>
<entry><link href='{escape(B)}'></link><id>https://no.example/</id></entry>
<entry><id>https://c.example/</id></entry>
<entry><id>urn:4</id></entry>
</feed>
"""
RDF = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/"><channel rdf:about="x"><link>https://site.example/</link>
<items><rdf:Seq><rdf:li rdf:resource="https://no.example/"/></rdf:Seq></items></channel>
<item rdf:about="{escape(A)}"><title>a</title><link>{escape(A)}</link></item>
<item><link>{escape(B)}</link></item></rdf:RDF>
"""


@STEPS
@pytest.mark.parametrize("name", ["feed.rss", "feed.xml", "list"])
def test_an_rss_feed_is_a_list_of_its_items(name: str, step: int | None) -> None:
    found = entries(RSS, name, step)
    assert addresses(found) == [A, B, "https://c.example/1.mp3", "??"]
    assert origins(found)[0] == f"{name}:6"
    assert failed(found[3]).message == "the entry has no link"


@STEPS
@pytest.mark.parametrize("name", ["feed.atom", "feed.xml", "list"])
def test_an_atom_feed_is_a_list_of_its_entries(name: str, step: int | None) -> None:
    found = entries(ATOM, name, step)
    assert addresses(found) == [A, B, "https://c.example/", "??"]


@STEPS
def test_an_rss_1_feed_is_a_list_of_its_items(step: int | None) -> None:
    assert addresses(entries(RDF, "list", step)) == [A, B]


def test_relative_links_need_a_base() -> None:
    text = "<rss><item><link>/a</link></item><item><link>https://b.example/</link></item></rss>"
    assert addresses(entries(text, "feed.xml")) == ["?/a?", "https://b.example/"]
    settings = ListSettings(base_url=parse("https://base.example/feed/"))
    found = entries(text, "feed.xml", settings=settings)
    assert addresses(found) == ["https://base.example/a", "https://b.example/"]


# Lists on the network


def test_an_index_names_sitemaps_which_are_fetched_in_order() -> None:
    lists: dict[str, str | bytes] = {
        "https://s.example/1.xml": SITEMAP,
        "https://s.example/2.xml.gz": gzip.compress(sitemap_of("https://c.example/").encode()),
        "https://s.example/3.txt": "https://d.example/\n",
        "https://s.example/4.xml": gzip.compress(gzip.compress(RSS.encode())),
    }
    found = list(stream(pieces(index_of(*lists)), "index.xml", server_of(lists)))
    assert addresses(found)[:4] == [A, B, "https://c.example/", "https://d.example/"]
    assert addresses(found)[4:6] == [A, B]
    assert origins(found)[0] == "https://s.example/1.xml:4"
    assert [entry.index for entry in found] == list(range(8))


def test_a_sitemap_that_cannot_be_fetched_is_one_failure() -> None:
    def fetch_list(url: Url, _home: Url) -> Iterator[bytes]:
        if "good" in url:
            yield SITEMAP.encode()
        else:
            raise ConnectError("connection refused")

    index = index_of("https://u:secret@bad.example/", "https://good.example/", "ftp://x.example/")
    found = list(stream(pieces(index), "index.xml", fetch_list))
    assert addresses(found)[1:3] == [A, B]
    failure = failed(found[0])
    assert (failure.kind, failure.message) == (ErrorKind.CONNECT, "connection refused")
    assert failure.origin == "index.xml:2"
    assert "bad.example" in failure.url
    assert "secret" not in failure.url
    assert failed(found[3]).kind is ErrorKind.BAD_URL


@pytest.mark.parametrize(
    "body",
    [
        "<!doctype html><title>Not Found</title><a href='https://no.example/'>home</a>",
        "Not found",
        "no-such-page.example\n",
        "<error/>",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"",
    ],
)
def test_what_comes_instead_of_a_sitemap_is_one_failure(body: str | bytes) -> None:
    lists: dict[str, str | bytes] = {
        "https://s.example/1.xml": body,
        "https://s.example/2.xml": SITEMAP,
    }
    found = list(stream(pieces(index_of(*lists)), "index.xml", server_of(lists)))
    assert addresses(found) == ["?https://s.example/1.xml?", A, B]


def test_indexes_within_indexes_are_read_to_a_limit() -> None:
    lists: dict[str, str | bytes] = {
        f"https://s.example/{number}": index_of(f"https://s.example/{number + 1}")
        for number in range(20)
    }
    lists["https://s.example/4"] = index_of("https://s.example/5", "https://s.example/x")
    lists["https://s.example/x"] = SITEMAP
    asked: list[str] = []
    found = list(stream(pieces(index_of("https://s.example/1")), "i.xml", server_of(lists, asked)))
    assert asked == [f"https://s.example/{each}" for each in (1, 2, 3, 4, 5, "x")]
    assert failed(found[0]).message == "sitemap indexes are nested too deeply"
    assert addresses(found[1:]) == [A, B]


def test_indexes_that_name_each_other_are_read_once() -> None:
    asked: list[str] = []
    index = index_of("https://s.example/1", "https://s.example/2", "https://s.example/1")
    lists: dict[str, str | bytes] = {"https://s.example/1": index, "https://s.example/2": SITEMAP}
    found = list(stream(pieces(index), "index.xml", server_of(lists, asked)))
    assert addresses(found) == [A, B]
    assert asked == ["https://s.example/1", "https://s.example/2"]


# Sites


def pages_of(
    site: str, lists: dict[str, str | bytes], settings: ListSettings | None = None
) -> list[str]:
    reader = ListReader(server_of(lists), settings or ListSettings())
    return addresses(map(from_line, reader.site_lines(parse(site)), range(1000)))


def test_robots_txt_names_the_sitemaps_of_a_site() -> None:
    robots = (
        "User-agent: *\r\nsitemap: /a.xml  # the first\r\nSITEMAP : https://s.example/b.xml\n"
        "Sitemap:\nSitemap: https://s.example/a.xml\nDisallow: /"
    )
    lists: dict[str, str | bytes] = {
        "https://s.example/robots.txt": robots,
        "https://s.example/a.xml": sitemap_of(A),
        "https://s.example/b.xml": index_of("https://s.example/c.xml"),
        "https://s.example/c.xml": sitemap_of(B, "/relative", "www.s.example/host"),
    }
    found = pages_of("s.example", lists)
    assert found == [A, B, "https://s.example/relative", "https://www.s.example/host"]


@pytest.mark.parametrize("robots", [None, "", "User-agent: *\nDisallow:\n"])
def test_without_such_a_line_the_usual_address_is_tried(robots: str | None) -> None:
    lists: dict[str, str | bytes] = {"https://s.example/sitemap.xml": sitemap_of(A)}
    if robots is not None:
        lists["https://s.example/robots.txt"] = robots
    assert pages_of("https://s.example", lists) == [A]


def test_a_site_without_a_sitemap_is_one_failure_that_says_what_to_do() -> None:
    (line,) = ListReader(server_of({})).site_lines(parse("https://s.example"))
    failure = failed(from_line(line, 0))
    assert (failure.url, failure.kind) == ("https://s.example/sitemap.xml", ErrorKind.HTTP_STATUS)
    assert failure.hint == "if the site has a sitemap elsewhere, give its address to --sitemap"


def test_an_address_is_read_as_a_sitemap_or_feed() -> None:
    lists: dict[str, str | bytes] = {"https://s.example/feed?a": RSS}
    assert pages_of("https://s.example/feed?a", lists)[:2] == [A, B]


def test_what_a_list_on_the_network_names_is_bound_to_the_site_that_the_user_named() -> None:
    homes: list[tuple[str, str]] = []
    lists = {
        "https://s.example/robots.txt": "Sitemap: https://other.example/index.xml",
        "https://other.example/index.xml": index_of("https://third.example/sitemap.xml"),
        "https://third.example/sitemap.xml": sitemap_of("https://third.example/"),
    }

    def fetch_list(url: Url, home: Url) -> Iterator[bytes]:
        homes.append((url, home))
        return pieces(lists[url])

    (line,) = ListReader(fetch_list).site_lines(parse("https://s.example/"))
    assert target(from_line(line, 0)).root == "https://s.example/"
    assert homes == [(url, "https://s.example/") for url in lists]
    (line,) = ListReader(fetch_list).lines(
        pieces(index_of("https://third.example/sitemap.xml")), "i.xml", "i.xml"
    )
    assert target(from_line(line, 0)).root == "https://third.example/sitemap.xml"


def test_pages_of_other_sites_may_be_refused() -> None:
    lists: dict[str, str | bytes] = {
        "https://s.example/sitemap.xml": sitemap_of("https://s.example/a", "https://other.example/")
    }
    reader = ListReader(server_of(lists), ListSettings(one_site=True))
    first, second = reader.site_lines(parse("https://s.example/"))
    assert first.error is None
    assert isinstance(second.error, BlockedError)
