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
    return document_title(turbohtml.parse(source, scripting=True))


def page_text(source: str) -> PageText:
    """Return the title and the text of a page; *source* is its HTML, perhaps cut off."""
    tree = turbohtml.parse(source, scripting=True)
    return PageText(document_title(tree), _normalized(document_text(tree)))


def document_title(tree: turbohtml.Document) -> str:
    """Return the title of a parsed page, on one line; empty if it has none."""
    titles = (each for each in tree.select("title") if each.namespace is Namespace.HTML)
    title = next(titles, None)
    return _normalized(title.text) if title is not None else ""


def document_text(tree: turbohtml.Document) -> str:
    """Return the text of a parsed page, in lines; the content of ``noscript`` is removed."""
    for hidden in tree.select("noscript"):
        hidden.decompose()
    return tree.to_text(_LAYOUT)


def _normalized(text: str) -> str:
    return " ".join(text.split())
