"""Links in HTML, found by the elements that a browser would make of it.

The parser is ``turbohtml``: it builds the tree of the HTML standard and knows where in the text
each attribute stands. Scripting is on, as in a browser; what stands in ``noscript`` is read as a
page of its own, as a browser without scripting would show it.
"""

import re
from collections.abc import Iterable
from functools import partial

import turbohtml
from turbohtml import Namespace, SourceLocation

from downloader.links import tables
from downloader.links.elements import Space, keyword
from downloader.links.finder import Finder
from downloader.links.layers import Layer
from downloader.links.model import Robots
from downloader.links.reader import Reader
from downloader.links.resolve import Resolver
from downloader.links.source import Edit

_PLAIN = ",".join([*tables.ELEMENTS, *(f"[{name}]" for name in tables.ATTRIBUTES)])
_WITH_SVG = ",".join(
    [_PLAIN, r"[xlink\:href]", *(f'[{name}*="("]' for name in tables.PRESENTATION)]
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ANY_SVG = re.compile("<[sS][vV][gG]")
_LAZY_NAMES = (*tables.LAZY, *tables.LAZY_PICTURES, *tables.LAZY_SRCSETS)
_LAZY = ",".join(f"[{name}]" for name in _LAZY_NAMES)
#: So many pages within pages are read: each needs more escapes than the one around it.
_DEEPEST = 4


class HtmlElement:
    """An element of turbohtml's tree."""

    __slots__ = ("_layer", "_location", "_node", "get", "name", "space")

    def __init__(self, node: turbohtml.Element, layer: Layer) -> None:
        self._node = node
        self._layer = layer
        self._location: SourceLocation | None = None
        self.get = node.attr
        self.name = node.tag.lower()
        space = node.namespace
        self.space = Space.HTML if space is Namespace.HTML else _foreign(space)

    @property
    def parent(self) -> "HtmlElement | None":
        """The element around it."""
        parent = self._node.parent
        return HtmlElement(parent, self._layer) if isinstance(parent, turbohtml.Element) else None

    def span(self, name: str) -> tuple[int, int] | None:
        """Return where an attribute stands; None if the parser made the element up."""
        location = self._where()
        span = location.attrs.get(name) if location else None
        return (span.start_offset, span.end_offset) if span else None

    def value(self, name: str) -> Layer | None:
        """Return the value of an attribute as a layer."""
        span = self.span(name)
        return self._layer.attribute(*span) if span else None

    def content(self) -> Layer | None:
        """Return the text between its tags: as it stands in HTML, parsed in SVG."""
        location = self._where()
        if location is None:
            return None
        start = location.start_tag.end_offset
        if location.end_tag is not None:
            end = location.end_tag.start_offset
        elif self.space is Space.HTML:
            end = len(self._layer.text)
        else:
            return None
        return (self._layer.part if self.space is Space.HTML else self._layer.content)(start, end)

    def _where(self) -> SourceLocation | None:
        if self._location is None:
            self._location = self._node.source_location
        return self._location


def _foreign(namespace: Namespace) -> Space:
    return Space.SVG if namespace is Namespace.SVG else Space.OTHER


class Page:
    """An HTML page, or one within it.

    Attributes:
        robots: what it asks of robots.
        resolver: what its references are relative to.
    """

    def __init__(self, layer: Layer, resolver: Resolver) -> None:
        self._layer = layer
        self._tree = turbohtml.parse(
            _parsable(layer.text),
            source_locations=True,
            scripting=True,
            allow_declarative_shadow_roots=False,
        )
        self._base: HtmlElement | None = None
        self.resolver = resolver
        said = []
        for node in self._tree.select("base[href],meta[name]"):
            element = HtmlElement(node, layer)
            if element.space is not Space.HTML or node.closest("template"):
                continue
            if element.name == "base":
                self._base = self._base or element
            elif keyword(element, "name") == "robots":
                said.append(keyword(element, "content"))
        self.robots = directives(said)
        if self._base:
            self.resolver = resolver.based(self._base.get("href") or "")

    def read(self, finder: Finder, depth: int = 0) -> None:
        """Add its links, and what must give way in a copy of it."""
        layer = self._layer
        value = self._base.value("href") if self._base else None
        if value and value.text:
            start, end = value.offset(0), value.offset(len(value.text))
            finder.edits.append(Edit(start, end, value.escape("")))
            finder.rebased = True
        reader = self._reader(finder, depth)
        selector = _WITH_SVG if _ANY_SVG.search(layer.text) else _PLAIN
        for node in self._tree.select(selector):
            reader.read(HtmlElement(node, layer))
        if "data-" in layer.text or "DATA-" in layer.text:
            for node in self._tree.select(_LAZY):
                reader.lazy(HtmlElement(node, layer))

    def _reader(self, finder: Finder, depth: int) -> Reader:
        deeper = depth < _DEEPEST
        return Reader(
            finder,
            self._layer,
            self.resolver,
            nofollow=self.robots.nofollow,
            page=partial(self._within, finder, depth) if deeper else None,
            fragment=partial(self._fragment, finder, depth) if deeper else None,
        )

    def _within(self, finder: Finder, depth: int, layer: Layer) -> None:
        """Read a page in ``srcdoc``, which has the base of the page around it (HTML, 7.4.2.3)."""
        Page(layer, self.resolver).read(finder, depth + 1)

    def _fragment(self, finder: Finder, depth: int, layer: Layer) -> None:
        """Read the content of ``noscript``."""
        tree = turbohtml.parse_fragment(_parsable(layer.text), source_locations=True)
        reader = Reader(finder, layer, self.resolver, nofollow=self.robots.nofollow)
        for node in tree.select(_WITH_SVG):
            reader.read(HtmlElement(node, layer))


def _parsable(text: str) -> str:
    """Return text of the same length that means the same, and keeps its places in the parser.

    The parser counts a line break of two characters as one, and knows no lone surrogates, which
    stand for bytes that are no characters.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _SURROGATE.sub("\ufffd", text)
    return text.replace("\r\n", "\n\n")


def directives(said: Iterable[str]) -> Robots:
    """Return what the contents of ``meta name=robots`` ask for."""
    words = {word.strip() for text in said for word in text.split(",")}
    return Robots("noindex" in words or "none" in words, "nofollow" in words or "none" in words)
