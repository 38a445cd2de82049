"""Response fields that act like elements of a page: Refresh and X-Robots-Tag."""

import pytest

from downloader.links import Document, LinkKind, LocalFile, ParsedDocument
from downloader.web.page_fields import page_fields
from downloader.web.urls import Url

URL = Url("http://h.test/a/")


def parsed(body: bytes = b"<!doctype html><p>x", **fields: str) -> ParsedDocument:
    kept = page_fields(lambda name: fields.get(name.replace("-", "_"), "").split("\n"))
    return ParsedDocument(Document(body, "text/html", URL, "utf-8", kept, "us"))


@pytest.mark.parametrize(
    ("field", "url", "kind"),
    [
        ("0; url=/new", "http://h.test/new", LinkKind.REDIRECT),
        ("0;URL='/new'", "http://h.test/new", LinkKind.REDIRECT),
        ("5, http://b.test/x#y", "http://b.test/x", LinkKind.REFRESH),
        ("0; url=new", "http://h.test/a/new", LinkKind.REDIRECT),
        ("0; url=/1\n0; url=/2", "http://h.test/1", LinkKind.REDIRECT),
        ("0", None, None),
        ("soon; url=/new", None, None),
        ("0; url=javascript:x()", None, None),
        ("0; url=/" + "a" * 20_000, None, None),
    ],
)
def test_refresh_is_a_link(field: str, url: str | None, kind: LinkKind | None) -> None:
    links = [(link.url, link.kind) for link in parsed(refresh=field).links]
    assert links == ([(url, kind)] if url else [])


def test_refresh_takes_the_base_of_the_page() -> None:
    document = parsed(b"<base href=/b/>", refresh="0; url=new")
    assert document.links[0].url == "http://h.test/b/new"


@pytest.mark.parametrize(
    ("body", "rewritten"),
    [
        (b"<p>x", b"%s<p>x"),
        (b"\xef\xbb\xbf<!doctype html>\n<html lang='a>b'><head><p>x", None),
        ("<!-- é --><!doctype html><p>x".encode(), "<!-- é --><!doctype html>%s<p>x".encode()),
    ],
)
def test_a_copy_gets_the_element(body: bytes, rewritten: bytes | None) -> None:
    expected = rewritten or body.replace(b"<head>", b"<head>%s")
    copy = parsed(body, refresh="3; url=/new").rewrite(lambda _: LocalFile('a"b.html'))
    element = b'<meta http-equiv="refresh" content="3;url=a%22b.html">'
    assert copy.body.replace(b"&quot;", b"%22") == expected.replace(b"%s", element)
    assert parsed(body, refresh="3; url=http://b.test/").rewrite(lambda _: None).body == body


@pytest.mark.parametrize(
    ("fields", "nofollow"),
    [
        ("nofollow", True),
        ("NOINDEX, NoFollow", True),
        ("none", True),
        ("noindex", False),
        ("us: nofollow", True),
        ("US: noindex, nofollow", True),
        ("other: nofollow", False),
        ("other: noindex, nofollow", False),
        ("360other.2: noindex, nofollow", False),
        ("unavailable_after: Saturday, 25-Jun-30 15:00:00 PST, nofollow", True),
        ("other: nofollow\nnofollow", True),
        ("other: nofollow, us: noindex, nofollow", True),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, nofollow", True),
        ("max-snippet: 5, nofollow", True),
        ("*: nofollow", True),
        ("", False),
    ],
)
def test_robots_tags_for_all_and_for_us_count(fields: str, nofollow: bool) -> None:
    assert parsed(x_robots_tag=fields).robots.nofollow is nofollow


@pytest.mark.parametrize(
    ("name", "nofollow"), [("robots", True), ("US", True), ("other", False), ("", False)]
)
def test_meta_elements_for_all_and_for_us_count(name: str, nofollow: bool) -> None:
    body = f"<meta name='{name}' content='noindex, nofollow'>".encode()
    assert parsed(body).robots.nofollow is nofollow
    xhtml = b"<html xmlns='http://www.w3.org/1999/xhtml'>" + body.replace(b">", b"/>") + b"</html>"
    document = Document(xhtml, "application/xhtml+xml", Url("http://h.test/"), robot="us")
    assert ParsedDocument(document).robots.nofollow is nofollow
