"""The title and the text of a page are those that its parser finds."""

import pytest

from downloader.core.page_titles import TitleFinder
from downloader.links.page_text import PageText, page_text


@pytest.mark.parametrize(
    ("markup", "title"),
    [
        ("<title>A &amp; B</title>", "A & B"),
        ("<TITLE lang=en>\n a\tb </TITLE><title>second</title>", "a b"),
        ("<title>a <b>c</title>", "a <b>c"),
        ("<title>never closed <p>text", "never closed <p>text"),
        ("<!-- <title>no</title> --><p>a", ""),
        ("<script>'<title>no</title>'</script>", ""),
        ("<svg><title>of a picture</title></svg><p>a", ""),
        ("<titles>no</titles>", ""),
        ("<title" * 100_000, ""),
    ],
)
def test_the_title_is_that_of_the_first_title_element(markup: str, title: str) -> None:
    assert page_text(markup).title == title


def test_the_text_is_what_a_browser_shows() -> None:
    page = """<!doctype html><title>T</title><style>p{}</style><h1>One</h1><p>two<b>three</b>
        <!-- no --><script>no()</script><template>no</template><noscript>no</noscript>
        <ul><li>a<li>b &lt;i&gt;</ul><table><tr><td>1<td>2</table><p title="a>b">caf\xe9"""
    assert page_text(page) == PageText("T", "One twothree a b <i> 1 2 caf\xe9")


@pytest.mark.parametrize("piece", ["<div>", "<b><p>", "<title>", "<table><a>", "&", "<!--"])
def test_a_page_that_is_all_markup_is_read(piece: str) -> None:
    assert isinstance(page_text(piece * 20_000), PageText)


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (b"<title>Tides &amp; \n moons</title><p>x", "Tides & moons"),
        (b"<TITLE lang=en>A<b></TITLE >", "A<b>"),
        (b"<!-- <title>no</title> --><title>yes</title>", "yes"),
        (b"<script>'<title>no</title>'</script><title>yes</title>", "yes"),
        (b"<svg><title>no</title></svg>", ""),
        (b"<title>cut", ""),
        (b"", ""),
        ("<title>Zoë</title>".encode("utf-16"), "Zoë"),
        (b"<meta charset=windows-1252><title>Zo\xeb</title>", "Zoë"),
        (b"<title>" + b"x" * 5000 + b"</title>", "x" * 1000),
        (b"x" * 70_000 + b"<title>late</title>", ""),
    ],
)
def test_the_title_of_a_page_that_arrives_in_pieces(page: bytes, title: str) -> None:
    for size in (7, 100_000):
        finder = TitleFinder("text/html", "text/html")
        for start in range(0, len(page), size):
            finder.feed(page[start : start + size])
        assert finder.title == title
