"""An element of HTML, SVG or another XML language, whichever parser found it."""

from enum import Enum
from typing import Protocol

from downloader.links.embedded_text import SPACES, EmbeddedText
from downloader.links.source_text import Edit


class ElementNamespace(Enum):
    """The namespace of an element."""

    HTML = "html"
    SVG = "svg"
    OTHER = "other"


class Element(Protocol):
    """One element of a document, with the spans of its attributes."""

    @property
    def name(self) -> str:
        """The local name, in lower case."""

    @property
    def namespace(self) -> ElementNamespace:
        """The namespace."""

    @property
    def tag_offset(self) -> int:
        """The offset of the start tag in the text of the document."""

    @property
    def parent(self) -> "Element | None":
        """The parent element."""

    def get(self, name: str) -> str | None:
        """Return the value of an attribute; None if there is none of that name."""

    def attribute_span(self, name: str) -> tuple[int, int] | None:
        """Return the span of an attribute, name and value, in the text of the document."""

    def attribute_value(self, name: str) -> EmbeddedText | None:
        """Return the value of an attribute with its offsets."""

    def content_span(self) -> tuple[int, int] | None:
        """Return the span between the tags; None if it is not known."""

    def content(self, span: tuple[int, int]) -> EmbeddedText:
        """Return the text between the tags, whose span is given."""


#: Characters of a keyword or of a list of keywords that are read; honest ones are far shorter.
_MAX_KEYWORD_LENGTH = 1000


def keyword(element: Element, name: str) -> str:
    """Return the value of an enumerated attribute, which is compared without regard to case."""
    return (element.get(name) or "").strip(SPACES)[:_MAX_KEYWORD_LENGTH].lower()


def tokens(element: Element, name: str) -> tuple[str, ...]:
    """Return the space-separated tokens of an attribute, in lower case."""
    value = element.get(name)
    return tuple(value[:_MAX_KEYWORD_LENGTH].lower().split()) if value else ()


def removal_of_attribute(text: EmbeddedText, span: tuple[int, int]) -> Edit:
    """Return the edit that removes the attribute at *span* from its tag."""
    start, end = span
    source = text.text
    if source[end : end + 1] in {*SPACES, ">"}:
        # Before anything else the space must stay: without it, a/ would be read as one value.
        while source[start - 1] in SPACES:
            start -= 1
    return Edit(text.offset(start), text.offset(end), "")


def disabling_of_attribute(text: EmbeddedText, span: tuple[int, int]) -> Edit:
    """Return the edit that makes the attribute at *span* a ``data-`` attribute."""
    start = text.offset(span[0])
    return Edit(start, start, "data-")
