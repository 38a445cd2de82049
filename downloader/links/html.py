"""Links in HTML, found by the elements that a browser would make of it.

What stands in ``noscript`` is read as a page of its own, as a browser without scripting would
show it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from turbohtml import Namespace

from downloader.links import link_attributes
from downloader.links.anchor_scanner import AnchorScanner
from downloader.links.collector import LinkCollector
from downloader.links.element_reader import ElementReader
from downloader.links.elements import ElementNamespace, keyword
from downloader.links.html_tree import HtmlElement, HtmlTree
from downloader.links.model import RobotsMeta
from downloader.links.source_text import Edit
from downloader.links.text_layers import TextLayer
from downloader.links.url_resolver import UrlResolver

#: What may have links in SVG, beside ``href``; in one selector, as all nodes are looked at.
_FOREIGN = ",".join(
    [r"[xlink\:href]", *(f'[{name}*="("]' for name in link_attributes.PRESENTATION)]
)
_ELSEWHERE = '[href]:not([href^="#"])'
_LAZY_NAMES = (*link_attributes.LAZY, *link_attributes.LAZY_PICTURES, *link_attributes.LAZY_SRCSETS)
_LAZY = [f"[{name}]" for name in _LAZY_NAMES]
#: Where one of these may be: most pages have none, and to search for this is quicker.
_MAYBE_LAZY = re.compile(rf"data-(?ai:{'|'.join(n.removeprefix('data-') for n in _LAZY_NAMES)})")
#: So many pages within pages are read: each needs more escapes than the one around it.
_DEEPEST = 4


class HtmlPage:
    """An HTML page, or one within it.

    Attributes:
        robots: what it asks of robots.
        resolver: what its references are relative to.
    """

    def __init__(self, layer: TextLayer, resolver: UrlResolver) -> None:
        self._markup = HtmlTree(layer)
        self._base = next(self._html("base[href]"), None)
        self.robots = directives(
            keyword(element, "content")
            for element in self._html("meta[name]")
            if keyword(element, "name") == "robots"
        )
        self.resolver = resolver.based(self._base.get("href") or "") if self._base else resolver

    def _html(self, selector: str) -> Iterator[HtmlElement]:
        """Yield what is not in SVG and not only a template."""
        for element in self._markup.elements([selector]):
            if element.space is ElementNamespace.HTML and not element.within("template"):
                yield element

    def read(self, finder: LinkCollector, depth: int = 0) -> None:
        """Add its links, and what must give way in a copy of it."""
        value = self._base.value("href") if self._base else None
        if value and value.text:
            start, end = value.offset(0), value.offset(len(value.text))
            finder.edits.append(Edit(start, end, value.escape("")))
            finder.rebased = True
        markup = self._markup
        reader = self._reader(finder, depth)
        anchors = AnchorScanner(finder, self.resolver, nofollow=self.robots.nofollow)
        for start, node in markup.select(self._selectors(places=reader.places)).items():
            usual = not depth and node.namespace is Namespace.HTML and anchors.read(start)
            if not usual:
                reader.read(HtmlElement(node, markup.layer, start))
        text = markup.layer.text
        if _MAYBE_LAZY.search(text) or "DATA-" in text:
            for element in markup.elements(_LAZY):
                reader.lazy(element)

    def _selectors(self, *, places: bool) -> Iterable[str]:
        address = "[href]" if places else _ELSEWHERE
        foreign = [address, _FOREIGN] if self._markup.has("svg") or self._markup.has("math") else []
        return [f"a{address}", *link_attributes.ELEMENTS, *foreign]

    def _reader(self, finder: LinkCollector, depth: int) -> ElementReader:
        deeper = depth < _DEEPEST
        return ElementReader(
            finder,
            self._markup.layer,
            self.resolver,
            nofollow=self.robots.nofollow,
            page=partial(self._within, finder, depth) if deeper else None,
            fragment=partial(self._fragment, finder) if deeper else None,
        )

    def _within(self, finder: LinkCollector, depth: int, layer: TextLayer) -> None:
        """Read a page in ``srcdoc``, which has the base of the page around it (HTML, 7.4.2.3)."""
        HtmlPage(layer, self.resolver).read(finder, depth + 1)

    def _fragment(self, finder: LinkCollector, layer: TextLayer) -> None:
        """Read the content of ``noscript``."""
        reader = ElementReader(finder, layer, self.resolver, nofollow=self.robots.nofollow)
        for element in HtmlTree(layer, fragment=True).elements(
            ["[href]", *link_attributes.ELEMENTS, _FOREIGN]
        ):
            reader.read(element)


def directives(said: Iterable[str]) -> RobotsMeta:
    """Return what the contents of ``meta name=robots`` ask for."""
    words = {word.strip() for text in said for word in text.split(",")}
    return RobotsMeta("noindex" in words or "none" in words, "nofollow" in words or "none" in words)
