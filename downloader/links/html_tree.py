"""HTML as ``turbohtml`` parses it, with the way back to where each element stands.

The parser builds the tree of the HTML standard. Scripting is on, as in a browser.
"""

import re
from collections.abc import Iterable, Iterator

import turbohtml
from turbohtml import Namespace

from downloader.links import tag_spans
from downloader.links.elements import ElementNamespace
from downloader.links.text_layers import NOWHERE, TextLayer

_SURROGATE = re.compile("[\ud800-\udfff]")


class HtmlTree:
    """A page in HTML, or with *fragment* a piece of one."""

    def __init__(self, layer: TextLayer, *, fragment: bool = False) -> None:
        text = _parsable(layer.text)
        self._tree: turbohtml.Node
        if fragment:
            self._tree = turbohtml.parse_fragment(text, source_locations=True)
        else:
            self._tree = turbohtml.parse(
                text,
                source_locations=True,
                scripting=True,
                allow_declarative_shadow_roots=False,
            )
        self.layer = layer

    def has(self, selector: str) -> bool:
        """Return whether a CSS selector matches any element."""
        return self._tree.select_one(selector) is not None

    def select(self, selectors: Iterable[str]) -> dict[int, turbohtml.Element]:
        """Return the elements that a CSS selector matches by where they begin, in that order.

        One of which broken markup makes several is there once, and what has no tag is left out.
        The parser is quickest at simple selectors, one by one.
        """
        found = {
            _start(node): node for selector in selectors for node in self._tree.select(selector)
        }
        found.pop(NOWHERE, None)
        return dict(sorted(found.items()))

    def elements(self, selectors: Iterable[str]) -> Iterator["HtmlElement"]:
        """Yield the same for the reader of links."""
        for start, node in self.select(selectors).items():
            yield HtmlElement(node, self.layer, start)


class HtmlElement:
    """An element of a page in HTML."""

    __slots__ = ("_layer", "_node", "_start", "get", "name", "space")

    def __init__(self, node: turbohtml.Element, layer: TextLayer, start: int) -> None:
        self._node = node
        self._layer = layer
        self._start = start
        self.get = node.attr
        self.name = node.tag
        self.space = ElementNamespace.HTML
        if node.namespace is not Namespace.HTML:
            self.name = node.tag.lower()
            self.space = (
                ElementNamespace.SVG if node.namespace is Namespace.SVG else ElementNamespace.OTHER
            )

    @property
    def parent(self) -> "HtmlElement | None":
        """The element around it."""
        parent = self._node.parent
        if isinstance(parent, turbohtml.Element):
            return HtmlElement(parent, self._layer, _start(parent))
        return None

    def within(self, selector: str) -> bool:
        """Return whether it is, or stands in, an element that a CSS selector matches."""
        return self._node.closest(selector) is not None

    def span(self, name: str) -> tuple[int, int] | None:
        """Return where an attribute stands; None if the parser made the element up."""
        return None if self._start == NOWHERE else tag_spans.span(self._layer, self._start, name)

    def value(self, name: str) -> TextLayer | None:
        """Return the value of an attribute as a layer."""
        if self._start == NOWHERE:
            return None
        return tag_spans.value(self._layer, self._start, name)

    def content(self) -> TextLayer | None:
        """Return the text between its tags: as it stands in HTML, parsed in SVG."""
        location = self._node.source_location
        if location is None:
            return None
        begin = location.start_tag.end_offset
        if location.end_tag is not None:
            end = location.end_tag.start_offset
        elif self.space is ElementNamespace.HTML:
            end = len(self._layer.text)
        else:
            return None
        html = self.space is ElementNamespace.HTML
        return (self._layer.part if html else self._layer.content)(begin, end)


def _start(node: turbohtml.Element) -> int:
    """Return where the tag of an element begins, in text of one line; -1 if it has none."""
    position = node.position
    return position[1] if position else NOWHERE


def _parsable(text: str) -> str:
    """Return text of the same length that has the same links, in one line.

    In that, the column of an element is where it stands. The parser fails to name what it read
    with lone surrogates, which stand for bytes that are no characters.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _SURROGATE.sub("\ufffd", text)
    return text.replace("\r", " ").replace("\n", " ")
