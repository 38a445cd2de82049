"""Tags that pages repeat are read once, and mean in each page what they mean there."""

import pytest

from downloader.links import Document, ParsedDocument, repeated_tags, rewrite_links
from downloader.links.element_scanner import ElementScanner
from downloader.web.urls import Url

HEAD = (
    '<link rel="stylesheet" href="s.css" integrity="sha256-AA==" crossorigin>'
    '<meta http-equiv="Content-Security-Policy" content="x">'
    '<img src="i.png" srcset="j.png 2x" style="background: url(k.png)">'
    '<script src="t.js" crossorigin></script><a rel="nofollow" href="n.html">n</a>'
)


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_tags, "_known_tags", {})


def page(markup: str, url: str) -> Document:
    return Document(markup.encode(), "text/html", Url(url), "utf-8")


def urls_of(document: Document) -> list[str | None]:
    return [link.url for link in ParsedDocument(document).links]


def test_the_tags_of_a_page_lead_where_they_lead_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = page(f"<title>é</title>{HEAD}", "http://h/a/b/p.html")
    first, second = urls_of(page(HEAD, "http://h/p.html")), ParsedDocument(other)
    assert first[0] == "http://h/s.css"
    monkeypatch.setattr(repeated_tags, "_known_tags", {})
    assert second.links == ParsedDocument(other).links
    assert second.links[0].url == "http://h/a/b/s.css"
    assert [second.text[link.start : link.end] for link in second.links] == [
        *("s.css", "i.png", "j.png", "k.png", "t.js", "n.html")
    ]


def test_a_known_tag_is_rewritten_where_it_stands() -> None:
    urls_of(page(HEAD, "http://h/p.html"))
    new = rewrite_links(page(f"<p>é</p>{HEAD}", "http://h/q.html"), lambda link: f"x/{link.value}")
    assert new.body.decode() == (
        '<p>é</p><link rel="stylesheet" href="x/s.css">'
        '<meta data-http-equiv="Content-Security-Policy" content="x">'
        '<img src="x/i.png" srcset="x/j.png 2x" style="background: url(x/k.png)">'
        '<script src="x/t.js"></script><a rel="nofollow" href="x/n.html">n</a>'
    )


def test_known_tags_are_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    urls_of(page(HEAD, "http://h/p.html"))
    searched = []
    monkeypatch.setattr(ElementScanner, "collect", lambda _, element: searched.append(element.name))
    urls_of(page(f"{HEAD}<img src='new.png'>", "http://h/q.html"))
    assert searched == ["img"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "<style>a { background: url(a.png) }</style>",
            "<style>b { background: url(b.png) }</style>",
        ),
        ("<script>import './a.js'</script>", "<script>import './b.js'</script>"),
        ("<noscript><img src=a></noscript>", "<noscript><img src=b></noscript>"),
        (
            "<video crossorigin><source src=v></video>",
            "<p>long text</p><video><source src=v></video>",
        ),
        ("<body background=a>", "<body background=a><body rel=nofollow>"),
        ("<a rel=x href='#part'>", "<base href='/b/'><a rel=x href='#part'>"),
        ("<img src=i>", "<svg><img src=i></svg>"),
        ("<a rel=x href=y>", "<meta name=robots content=nofollow><a rel=x href=y>"),
    ],
)
def test_what_depends_on_more_than_its_tag_is_read_again(
    one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten(markup: str) -> object:
        document = ParsedDocument(page(markup, "http://h/p.html"), same_document_links=False)
        return document.links, document.rewrite(lambda _: "new").body

    for first, second in ((one, other), (other, one)):
        monkeypatch.setattr(repeated_tags, "_known_tags", {})
        alone = rewritten(second)
        monkeypatch.setattr(repeated_tags, "_known_tags", {})
        rewritten(first)
        assert rewritten(second) == alone


def test_the_tags_that_are_known_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_tags, "_MAX_TAGS", 3)
    for number in range(10):
        urls_of(page(f"<img src={number}>", "http://h/p.html"))
        assert len(repeated_tags._known_tags) <= 3
    urls_of(page(f"<img src={'x' * repeated_tags._MAX_TAG_LENGTH}>", "http://h/p.html"))
    assert len(repeated_tags._known_tags) == 1
