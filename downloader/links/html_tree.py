"""HTML as ``turbohtml`` parses it, with the offset of each start tag in the text.

The parser builds the tree of the HTML standard, with scripting enabled as in a browser.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import cast

import turbohtml
from turbohtml import Namespace

from downloader.links import attribute_spans
from downloader.links.elements import ElementNamespace
from downloader.links.embedded_text import NO_OFFSET, EmbeddedText
from downloader.links.fragment_targets import html_fragment_targets

#: Tags (``<``) of a document that are read; each takes some 300 bytes of memory. The largest
#: documents for people have some hundreds of thousands.
MAX_TAGS = 1_500_000
#: Elements ``svg`` and ``math`` that are searched one by one.
_MAX_FOREIGN_ROOTS = 16
_COUNTED_CHARACTERS = 64 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


class HtmlTree:
    """The tree of an HTML document, or with *fragment* of a piece of one.

    Attributes:
        is_cut: whether only the first MAX_TAGS tags are read.
    """

    def __init__(self, text: EmbeddedText, *, fragment: bool = False) -> None:
        source = _on_one_line(text.text)
        end = _offset_after_tags(source, MAX_TAGS)
        self.is_cut = end is not None
        self.text = text
        self._source = source[:end]
        self._fragment = fragment
        self._tree = self._parse(source_locations=False)

    def _parse(self, *, source_locations: bool) -> turbohtml.Node:
        if self._fragment:
            return turbohtml.parse_fragment(self._source, source_locations=source_locations)
        return turbohtml.parse(
            self._source,
            source_locations=source_locations,
            scripting=True,
            allow_declarative_shadow_roots=False,
        )

    def fragment_targets(self) -> Iterator[str]:
        """Yield the values of ``id``, and of the ``name`` of anchors."""
        return html_fragment_targets(self._tree)

    def nodes(self, selectors: Iterable[str]) -> dict[int, turbohtml.Element]:
        """Return the elements that CSS selectors match, by the offset of their tag.

        A tag of which broken markup makes several elements is returned once; elements without a
        tag are left out. The parser is quickest at simple selectors, one by one, and quicker by
        names of elements than by attributes.
        """
        return _by_offset([*chain.from_iterable(map(self._tree.select, selectors))])

    def foreign_nodes(self, selectors: Sequence[str]) -> dict[int, turbohtml.Element]:
        """Return the elements of SVG and MathML that CSS selectors match, by offset."""
        roots = [root for name in ("svg", "math") for root in self._tree.select(name)]
        if len(roots) > _MAX_FOREIGN_ROOTS:  # They may be nested.
            nodes = self.nodes(selectors)
        else:
            own = [root for root in roots if any(map(root.matches, selectors))]
            within = [node for root in roots for each in selectors for node in root.select(each)]
            nodes = _by_offset(own + within)
        return {
            offset: node for offset, node in nodes.items() if node.namespace is not Namespace.HTML
        }

    def elements(self, selectors: Iterable[str]) -> Iterator["HtmlElement"]:
        """Yield the same elements as :meth:`nodes`, as :class:`HtmlElement` and in order."""
        for offset, node in sorted(self.nodes(selectors).items()):
            yield HtmlElement(node, self, offset)

    @cached_property
    def foreign_content_spans(self) -> dict[int, tuple[int, int]]:
        """The spans of the contents of foreign styles and scripts, by the offset of their tag."""
        # Parsing with locations takes a third longer, and few pages have such elements.
        tree = self._parse(source_locations=True)
        spans = {}
        for offset, node in _by_offset(tree.select("style") + tree.select("script")).items():
            location = node.source_location
            if location is not None and location.end_tag is not None:
                spans[offset] = location.start_tag.end_offset, location.end_tag.start_offset
        return spans


class HtmlElement:
    """An element of an HTML document; see :class:`~downloader.links.elements.Element`."""

    __slots__ = ("_node", "_text", "_tree", "get", "name", "namespace", "tag_offset")

    def __init__(self, node: turbohtml.Element, tree: HtmlTree, tag_offset: int) -> None:
        self._node = node
        self._tree = tree
        self._text = tree.text
        self.tag_offset = tag_offset
        self.get = node.attr
        self.name = node.tag
        self.namespace = ElementNamespace.HTML
        if node.namespace is not Namespace.HTML:
            self.name = node.tag.lower()
            self.namespace = (
                ElementNamespace.SVG if node.namespace is Namespace.SVG else ElementNamespace.OTHER
            )

    @property
    def parent(self) -> "HtmlElement | None":
        """The parent element."""
        parent = self._node.parent
        if isinstance(parent, turbohtml.Element):
            offset = parent.source_col
            return HtmlElement(parent, self._tree, NO_OFFSET if offset is None else offset)
        return None

    def is_within(self, selector: str) -> bool:
        """Return whether a CSS selector matches the element or one of its ancestors."""
        return self._node.closest(selector) is not None

    def attribute_span(self, name: str) -> tuple[int, int] | None:
        """Return the span of an attribute; None if the element has no tag."""
        if self.tag_offset == NO_OFFSET:
            return None
        return attribute_spans.attribute_span(self._text, self.tag_offset, name)

    def attribute_value(self, name: str) -> EmbeddedText | None:
        """Return the value of an attribute with its offsets."""
        if self.tag_offset == NO_OFFSET:
            return None
        return attribute_spans.attribute_value(self._text, self.tag_offset, name)

    def content_span(self) -> tuple[int, int] | None:
        """Return the span between the tags; an HTML element without an end tag goes on to the end.

        None if the element has no tag.
        """
        if self.tag_offset == NO_OFFSET:
            return None
        if self.namespace is not ElementNamespace.HTML:
            return self._tree.foreign_content_spans.get(self.tag_offset)
        start = attribute_spans.tag_end(self._text, self.tag_offset)
        # The content is raw text, of which the parser replaces characters but removes none.
        return start, start + len(self._node.text)

    def content(self, span: tuple[int, int]) -> EmbeddedText:
        """Return the text between the tags: raw in HTML, parsed in SVG."""
        is_html = self.namespace is ElementNamespace.HTML
        return (self._text.slice if is_html else self._text.element_content)(*span)


def _by_offset(nodes: Sequence[turbohtml.Element]) -> dict[int, turbohtml.Element]:
    """Return *nodes* by the column of their tag, which is its offset in text of one line."""
    by_offset: dict[int | None, turbohtml.Element] = dict(
        zip(map(attrgetter("source_col"), nodes), nodes, strict=True)
    )
    by_offset.pop(None, None)
    return cast("dict[int, turbohtml.Element]", by_offset)


def _offset_after_tags(text: str, count: int) -> int | None:
    """Return the offset of the first ``<`` that *count* others precede; None if there is none."""
    if len(text) <= count:
        return None
    for start in range(0, len(text), _COUNTED_CHARACTERS):
        found = text.count("<", start, start + _COUNTED_CHARACTERS)
        if found > count:
            offset = start - 1
            for _ in range(count + 1):
                offset = text.find("<", offset + 1)
            return offset
        count -= found
    return None


def _on_one_line(text: str) -> str:
    """Return text of the same length and with the same links, on one line.

    On one line, the column that the parser gives is the offset. Lone surrogates, which stand for
    undecodable bytes, are replaced because the parser fails to return text that contains them.
    """
    if not text.isascii():
        try:
            text.encode("utf-16-le")  # the quickest check
        except UnicodeEncodeError:
            text = _SURROGATE.sub("\ufffd", text)
    return text.replace("\r", " ").replace("\n", " ")
