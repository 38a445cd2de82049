"""The links of an HTML document, by the elements that a browser builds from it.

The content of ``noscript`` is read as a document of its own, as a browser without scripting
would show it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial

from turbohtml import Namespace

from downloader.links import link_attributes
from downloader.links.anchor_scanner import AnchorScanner
from downloader.links.collector import LinkCollector
from downloader.links.element_scanner import ElementScanner
from downloader.links.elements import Element, ElementNamespace, keyword
from downloader.links.embedded_text import EmbeddedText
from downloader.links.html_tree import HtmlElement, HtmlTree
from downloader.links.model import Document, RobotsMeta
from downloader.links.repeated_tags import RepeatedTags
from downloader.links.source_text import Edit
from downloader.links.url_resolver import UrlResolver
from downloader.web.page_fields import robots_directives

#: Elements of SVG that can have links, beside ``href``; one selector, as it visits all nodes.
_SVG_SELECTOR = ",".join(
    [r"[xlink\:href]", *(f'[{name}*="("]' for name in link_attributes.SVG_CSS_ATTRIBUTES)]
)
_HREF_TO_OTHER_DOCUMENT = '[href]:not([href^="#"])'
_LAZY_ATTRIBUTES = (
    *link_attributes.LAZY_URL_ATTRIBUTES,
    *link_attributes.LAZY_IMAGE_ATTRIBUTES,
    *link_attributes.LAZY_SRCSET_ATTRIBUTES,
)
_LAZY_SELECTORS = [f"[{name}]" for name in _LAZY_ATTRIBUTES]
#: Names of lazy attributes after their common beginning.
_LAZY_NAME = re.compile(
    "|".join(name.removeprefix("data-") for name in _LAZY_ATTRIBUTES), re.I | re.A
)
#: Levels of ``srcdoc`` within ``srcdoc``: each needs more escapes than the one around it.
_MAX_SRCDOC_DEPTH = 4


class HtmlDocument:
    """An HTML document, or one embedded in *document*.

    Attributes:
        robots: the directives for robots.
        resolver: resolves its references, against its base URL.
    """

    def __init__(self, text: EmbeddedText, resolver: UrlResolver, document: Document) -> None:
        self._tree = HtmlTree(text)
        self._base = next(self._html_elements("base[href]"), None)
        self._document = document
        self.robots = parse_robots_meta(self._html_elements("meta[name]"), document)
        self.resolver = resolver
        if self._base:
            self.resolver = resolver.with_base(self._base.get("href") or "")

    def fragment_targets(self) -> Iterator[str]:
        """Yield what fragments can lead to."""
        return self._tree.fragment_targets()

    def _html_elements(self, selector: str) -> Iterator[HtmlElement]:
        """Yield the matching elements that are neither in SVG nor in a template."""
        for element in self._tree.elements([selector]):
            if element.namespace is ElementNamespace.HTML and not element.is_within("template"):
                yield element

    def collect_links(self, collector: LinkCollector, depth: int = 0) -> None:
        """Collect the links, and the edits that a copy needs.

        *depth* is the number of documents around this one.
        """
        base_value = self._base.attribute_value("href") if self._base else None
        if base_value and base_value.text:
            start, end = base_value.offset(0), base_value.offset(len(base_value.text))
            collector.edits.append(Edit(start, end, base_value.escape("")))
            collector.removes_base = True
        tree = self._tree
        scanner = self._scanner(collector, depth)
        nofollow = self.robots.nofollow
        anchors = AnchorScanner(collector, self.resolver, nofollow=nofollow)
        repeated = RepeatedTags(collector, self.resolver, scanner, nofollow=nofollow)
        href = "[href]" if scanner.same_document_links else _HREF_TO_OTHER_DOCUMENT
        nodes = tree.nodes([f"a{href}", *link_attributes.LINK_SELECTORS])
        foreign = tree.foreign_nodes([href, _SVG_SELECTOR])
        nodes |= foreign
        collector.has_unread_tags |= tree.is_cut
        offsets, index = sorted(nodes), 0
        while not collector.is_full:
            if not depth:
                index = anchors.collect_run(offsets, index, foreign)
            if index == len(offsets):
                break
            offset = offsets[index]
            node = nodes[offset]
            index += 1
            if depth or node.namespace is not Namespace.HTML:
                scanner.collect(HtmlElement(node, tree, offset))
            elif not repeated.collect_known(offset):
                repeated.collect(HtmlElement(node, tree, offset))
        if _may_have_lazy_attributes(tree.text.text):
            for element in tree.elements(_LAZY_SELECTORS):
                scanner.collect_lazy(element)

    def _scanner(self, collector: LinkCollector, depth: int) -> ElementScanner:
        scans_embedded = depth < _MAX_SRCDOC_DEPTH
        return ElementScanner(
            collector,
            self._tree.text,
            self.resolver,
            nofollow=self.robots.nofollow,
            scan_page=partial(self._collect_srcdoc, collector, depth) if scans_embedded else None,
            scan_fragment=partial(self._collect_noscript, collector) if scans_embedded else None,
        )

    def _collect_srcdoc(self, collector: LinkCollector, depth: int, text: EmbeddedText) -> None:
        """Collect the links of ``srcdoc``, which inherits the base URL (HTML, 7.4.2.3)."""
        HtmlDocument(text, self.resolver, self._document).collect_links(collector, depth + 1)

    def _collect_noscript(self, collector: LinkCollector, text: EmbeddedText) -> None:
        """Collect the links of the content of ``noscript``."""
        scanner = ElementScanner(collector, text, self.resolver, nofollow=self.robots.nofollow)
        for element in HtmlTree(text, fragment=True).elements(
            ["[href]", *link_attributes.LINK_SELECTORS, _SVG_SELECTOR]
        ):
            scanner.collect(element)


def _may_have_lazy_attributes(text: str) -> bool:
    """Return whether a page has names of lazy attributes; most have none.

    This takes a fraction of the time of selectors.
    """
    position = text.find("data-")
    while position != -1:
        position += len("data-")
        if _LAZY_NAME.match(text, position):
            return True
        position = text.find("data-", position)
    return "DATA-" in text


def parse_robots_meta(elements: Iterable[Element], document: Document) -> RobotsMeta:
    """Return the directives for this robot and for all, in *elements* and in X-Robots-Tag."""
    names = {"robots", document.robot or "robots"}
    directives = {
        directive.strip()
        for element in elements
        if keyword(element, "name") in names
        for directive in keyword(element, "content").split(",")
    }
    directives.update(robots_directives(document.page_fields, document.robot))
    return RobotsMeta(
        noindex=not directives.isdisjoint({"noindex", "none"}),
        nofollow=not directives.isdisjoint({"nofollow", "none"}),
    )
