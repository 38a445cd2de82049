"""The title and the text of a page are those that its parser finds."""

import pytest

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
