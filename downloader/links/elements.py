"""What the rules for links need to know of an element, whichever parser found it."""

from enum import Enum
from typing import Protocol

from downloader.links.source_text import Edit
from downloader.links.text_layers import SPACES, TextLayer


class ElementNamespace(Enum):
    """The namespace of an element."""

    HTML = "html"
    SVG = "svg"
    OTHER = "other"


class Element(Protocol):
    """One element of a page, with the places of its attributes."""

    @property
    def name(self) -> str:
        """The local name, in lower case."""

    @property
    def space(self) -> ElementNamespace:
        """The namespace."""

    @property
    def parent(self) -> "Element | None":
        """The element around it."""

    def get(self, name: str) -> str | None:
        """Return the value of an attribute; None if it has none of that name."""

    def span(self, name: str) -> tuple[int, int] | None:
        """Return where an attribute stands in the layer of the page, with its name."""

    def value(self, name: str) -> TextLayer | None:
        """Return the value of an attribute as a layer."""

    def content(self) -> TextLayer | None:
        """Return the text between its tags."""


def keyword(element: Element, name: str) -> str:
    """Return the value of an attribute that is compared without regard to case."""
    return (element.get(name) or "").strip(SPACES).lower()


def words(element: Element, name: str) -> tuple[str, ...]:
    """Return the value of an attribute that is a set of words, in lower case."""
    value = element.get(name)
    return tuple(value.lower().split()) if value else ()


def without(layer: TextLayer, span: tuple[int, int]) -> Edit:
    """Return the edit that takes the attribute at *span* out of its tag."""
    start, end = span
    text = layer.text
    if text[end : end + 1] in {*SPACES, ">"}:
        # Before anything else the space must stay: without it, a/ would be read as one value.
        while text[start - 1] in SPACES:
            start -= 1
    return Edit(layer.offset(start), layer.offset(end), "")


def renamed(layer: TextLayer, span: tuple[int, int]) -> Edit:
    """Return the edit by which the attribute at *span* loses its meaning and stays readable."""
    start = layer.offset(span[0])
    return Edit(start, start, "data-")
