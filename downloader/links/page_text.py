"""The title and the text of a page, as its parser finds them."""

from dataclasses import dataclass

import turbohtml
from turbohtml import Namespace, PlainText

#: Text as it is read, with a word of its own for each cell and item.
_LAYOUT = PlainText(layout="strict", bullet="", table_cell_separator=" ")


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says, with single spaces between words.

    Attributes:
        title: of its first ``title`` element (HTML standard, 3.1.3); empty if it has none.
        text: what a browser without style sheets shows of its body.
    """

    title: str
    text: str


def page_title(source: str) -> str:
    """Return the title of a page; *source* is its HTML, perhaps cut off."""
    return _title_of(turbohtml.parse(source, scripting=True))


def page_text(source: str) -> PageText:
    """Return the title and the text of a page; *source* is its HTML, perhaps cut off."""
    tree = turbohtml.parse(source, scripting=True)
    title = _title_of(tree)
    for hidden in tree.select("noscript"):
        hidden.decompose()
    text = _normalized(tree.to_text(_LAYOUT))
    return PageText(title, text)


def _title_of(tree: turbohtml.Document) -> str:
    titles = (each for each in tree.select("title") if each.namespace is Namespace.HTML)
    title = next(titles, None)
    return "" if title is None else _normalized(title.text)


def _normalized(text: str) -> str:
    return " ".join(text.split())
