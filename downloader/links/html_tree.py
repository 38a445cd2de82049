"""HTML as ``turbohtml`` parses it, with the offset of each start tag in the text.

The parser builds the tree of the HTML standard, with scripting enabled as in a browser.
"""

import re
from collections.abc import Iterable, Iterator

import turbohtml
from turbohtml import Namespace

from downloader.links import attribute_spans
from downloader.links.elements import ElementNamespace
from downloader.links.embedded_text import NO_OFFSET, EmbeddedText
from downloader.links.fragment_targets import html_fragment_targets

#: Tags (``<``) of a document that are read; each takes some 300 bytes of memory. The largest
#: documents for people have some hundreds of thousands.
MAX_TAGS = 1_500_000
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
        source = source[:end]
        self._tree: turbohtml.Node
        if fragment:
            self._tree = turbohtml.parse_fragment(source, source_locations=True)
        else:
            self._tree = turbohtml.parse(
                source,
                source_locations=True,
                scripting=True,
                allow_declarative_shadow_roots=False,
            )
        self.text = text

    def contains(self, selector: str) -> bool:
        """Return whether a CSS selector matches any element."""
        return self._tree.select_one(selector) is not None

    def fragment_targets(self) -> Iterator[str]:
        """Yield the values of ``id``, and of the ``name`` of anchors."""
        return html_fragment_targets(self._tree)

    def nodes(self, selectors: Iterable[str]) -> dict[int, turbohtml.Element]:
        """Return the elements that CSS selectors match, by the offset of their tag and in order.

        A tag of which broken markup makes several elements is returned once; elements without a
        tag are left out. The parser is quickest at simple selectors, one by one.
        """
        nodes = {
            _tag_offset(node): node
            for selector in selectors
            for node in self._tree.select(selector)
        }
        nodes.pop(NO_OFFSET, None)
        return dict(sorted(nodes.items()))

    def elements(self, selectors: Iterable[str]) -> Iterator["HtmlElement"]:
        """Yield the same elements as :class:`HtmlElement`."""
        for offset, node in self.nodes(selectors).items():
            yield HtmlElement(node, self.text, offset)


class HtmlElement:
    """An element of an HTML document; see :class:`~downloader.links.elements.Element`."""

    __slots__ = ("_node", "_text", "get", "name", "namespace", "tag_offset")

    def __init__(self, node: turbohtml.Element, text: EmbeddedText, tag_offset: int) -> None:
        self._node = node
        self._text = text
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
            return HtmlElement(parent, self._text, _tag_offset(parent))
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
        location = self._node.source_location
        if location is None:
            return None
        start = location.start_tag.end_offset
        if location.end_tag is not None:
            return start, location.end_tag.start_offset
        return (start, len(self._text.text)) if self.namespace is ElementNamespace.HTML else None

    def content(self, span: tuple[int, int]) -> EmbeddedText:
        """Return the text between the tags: raw in HTML, parsed in SVG."""
        is_html = self.namespace is ElementNamespace.HTML
        return (self._text.slice if is_html else self._text.element_content)(*span)


def _tag_offset(node: turbohtml.Element) -> int:
    """Return the offset of the start tag in text of one line; NO_OFFSET if there is no tag."""
    position = node.position
    return position[1] if position else NO_OFFSET


def _offset_after_tags(text: str, count: int) -> int | None:
    """Return the offset of the first ``<`` that *count* others precede; None if there is none."""
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
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _SURROGATE.sub("\ufffd", text)
    return text.replace("\r", " ").replace("\n", " ")
