"""The links of an XML document: an SVG file or an XHTML page.

The parser is expat, which gives the offset of each tag. A tag that expat accepted is well-formed,
so a regular expression finds its attributes. What follows an error is not read, as in a browser.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from xml.parsers.expat import ExpatError, ParserCreate

from downloader.links.collector import LinkCollector, LinkContext
from downloader.links.element_scanner import ElementScanner
from downloader.links.elements import ElementNamespace
from downloader.links.embedded_text import EmbeddedText
from downloader.links.fragment_targets import xml_fragment_targets
from downloader.links.html import parse_robots_meta
from downloader.links.link_attributes import (
    LAZY_IMAGE_ATTRIBUTES,
    LAZY_SRCSET_ATTRIBUTES,
    LAZY_URL_ATTRIBUTES,
    SRCSET_ATTRIBUTES,
    SVG_CSS_ATTRIBUTES,
    URL_ATTRIBUTES,
)
from downloader.links.model import Document, LinkKind
from downloader.links.source_text import Edit
from downloader.links.url_resolver import UrlResolver

_NAMESPACES = {
    "http://www.w3.org/1999/xhtml": ElementNamespace.HTML,
    "http://www.w3.org/2000/svg": ElementNamespace.SVG,
}
_XLINK_URI = "http://www.w3.org/1999/xlink"
_SPACES_FOR_BREAKS = dict.fromkeys(map(ord, "\t\n\r"), " ")
_TAG_NAME = re.compile(r"<[^\s/>]++")
_ATTRIBUTE = re.compile(
    r"""\s*+(?P<name>[^\s=/>]++)\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)')"""
)
_START_TAG = re.compile(r"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_STYLESHEET_HREF = re.compile(r"""\shref\s*=\s*(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)')""")


#: Elements that may have links and are read; each takes some 500 bytes of memory.
MAX_XML_ELEMENTS = 250_000
#: Endings of the names of elements whose content may have links.
_ELEMENTS_WITH_CONTENT = ("style", "script", "STYLE", "SCRIPT")
#: Attributes that may be or guard links, or say what a link is for, as expat names them.
_LINK_ATTRIBUTES = frozenset(
    {
        *(name for names in URL_ATTRIBUTES.values() for name, _ in names),
        *SRCSET_ATTRIBUTES.values(),
        *SVG_CSS_ATTRIBUTES,
        *LAZY_URL_ATTRIBUTES,
        *LAZY_IMAGE_ATTRIBUTES,
        *LAZY_SRCSET_ATTRIBUTES,
        *("href", f"{_XLINK_URI} href", "style", "ping", "srcdoc", "name", "http-equiv"),
        *("integrity", "crossorigin"),
    }
)


class XmlElement:
    """An element of an XML document; see :class:`~downloader.links.elements.Element`.

    Attributes:
        tag_offset: the offset of its start tag.
        end_tag_offset: the offset of its end tag, if it was read; only of scripts and styles.
    """

    __slots__ = (
        *("_attribute_matches", "_attributes", "_text", "end_tag_offset", "name", "namespace"),
        *("parent", "tag_offset"),
    )

    def __init__(
        self,
        name: str,
        attributes: list[str],
        text: EmbeddedText,
        tag_offset: int,
        parent: "XmlElement | None",
    ) -> None:
        """*name* and the names in *attributes* are as expat gives them: namespace, space, name."""
        uri, _, local = name.rpartition(" ")
        self.namespace = _NAMESPACES.get(uri, ElementNamespace.OTHER)
        self.name = local.lower()
        self.parent = parent
        self.tag_offset = tag_offset
        self.end_tag_offset = -1
        self._attributes = {
            _attribute_name(key): value
            for key, value in zip(attributes[::2], attributes[1::2], strict=True)
        }
        self._text = text
        self._attribute_matches: dict[str, re.Match[str]] | None = None

    def get(self, name: str) -> str | None:
        """Return the value of an attribute; None if there is none of that name."""
        return self._attributes.get(name)

    def attribute_span(self, name: str) -> tuple[int, int] | None:
        """Return the span of an attribute; None if the element came from an entity."""
        match = self._attribute_match(name)
        return (match.start("name"), match.end()) if match else None

    def attribute_value(self, name: str) -> EmbeddedText | None:
        """Return the value of an attribute with its offsets."""
        match = self._attribute_match(name)
        if match is None:
            return None
        text = _quoted_value(self._text, match)
        parsed = self._attributes[name]
        # Only the parser knows the entities that the document defines.
        is_same = "&" not in match[0] or _normalised(text.text) == _normalised(parsed)
        return text if is_same else text.decoded_as(parsed)

    def content_span(self) -> tuple[int, int] | None:
        """Return the span between the tags; None if there is no end tag."""
        tag = _START_TAG.match(self._text.text, self.tag_offset)
        if tag is None or self.end_tag_offset < tag.end():
            return None
        return tag.end(), self.end_tag_offset

    def content(self, span: tuple[int, int]) -> EmbeddedText:
        """Return the text between the tags, references and CDATA sections decoded."""
        return self._text.element_content(*span)

    def _attribute_match(self, name: str) -> re.Match[str] | None:
        if self._attribute_matches is None:
            # Both are in the order of the tag.
            self._attribute_matches = dict(
                zip(self._attributes, self._written_attributes(), strict=False)
            )
        return self._attribute_matches.get(name)

    def _written_attributes(self) -> Iterator[re.Match[str]]:
        source = self._text.text
        tag_name = _TAG_NAME.match(source, self.tag_offset)
        position = tag_name.end() if tag_name else len(source)
        while match := _ATTRIBUTE.match(source, position):
            position = match.end()
            if match["name"] != "xmlns" and not match["name"].startswith("xmlns:"):
                yield match


class XmlDocument:
    """An XML document.

    Attributes:
        robots: the directives for robots, in XHTML.
        resolver: resolves its references, against its base URL.
    """

    def __init__(self, text: EmbeddedText, resolver: UrlResolver, document: Document) -> None:
        self._text = text
        self._data = text.text.encode("utf-8", "replace")
        self._byte_offset = self._character_offset = 0
        self._has_root = self._is_cut = False
        self._elements: list[XmlElement] = []
        self._stylesheets: list[EmbeddedText] = []
        self._parse()
        self._base = next(
            (
                element
                for element in self._html_elements("base")
                if element.get("href") is not None and element.attribute_span("href")
            ),
            None,
        )
        self.robots = parse_robots_meta(self._html_elements("meta"), document)
        self.resolver = resolver
        if self._base:
            self.resolver = resolver.with_base(self._base.get("href") or "")

    def fragment_targets(self) -> list[str]:
        """Return what fragments can lead to."""
        return xml_fragment_targets(self._text.text)

    def collect_links(self, collector: LinkCollector) -> None:
        """Collect the links, and the edits that a copy needs."""
        base_value = self._base.attribute_value("href") if self._base else None
        if base_value and base_value.text:
            start, end = base_value.offset(0), base_value.offset(len(base_value.text))
            collector.edits.append(Edit(start, end, ""))
            collector.removes_base = True
        for stylesheet in self._stylesheets:
            context = LinkContext("xml-stylesheet[href]")
            collector.add_whole(LinkKind.STYLESHEET, stylesheet, self.resolver, context)
        scanner = ElementScanner(
            collector, self._text, self.resolver, nofollow=self.robots.nofollow
        )
        for element in self._elements:
            scanner.collect(element)
            scanner.collect_lazy(element)
        collector.is_full |= self._is_cut

    def _html_elements(self, name: str) -> list[XmlElement]:
        return [
            element
            for element in self._elements
            if element.name == name and element.namespace is ElementNamespace.HTML
        ]

    def _parse(self) -> None:
        # The text was decoded and encoded again: whatever it declares, this is UTF-8.
        parser = ParserCreate("utf-8", " ")
        parser.ordered_attributes = True
        parser.specified_attributes = True
        #: The elements that are open; None for those that have no links.
        open_elements: list[XmlElement | None] = []

        def start_element(name: str, attributes: list[str]) -> None:
            self._has_root = True
            element = None
            if not _LINK_ATTRIBUTES.isdisjoint(attributes) or name.endswith(_ELEMENTS_WITH_CONTENT):
                if len(self._elements) < MAX_XML_ELEMENTS:
                    parent = open_elements[-1] if open_elements else None
                    offset = self._offset_of_byte(parser.CurrentByteIndex)
                    element = XmlElement(name, attributes, self._text, offset, parent)
                    self._elements.append(element)
                else:
                    self._is_cut = True
            open_elements.append(element)

        def end_element(_: str) -> None:
            element = open_elements.pop()
            if element is not None and element.name in {"style", "script"}:
                element.end_tag_offset = self._offset_of_byte(parser.CurrentByteIndex)

        def processing_instruction(target: str, _: str) -> None:
            if target == "xml-stylesheet" and not self._has_root:
                self._add_stylesheet(self._offset_of_byte(parser.CurrentByteIndex))

        parser.StartElementHandler = start_element
        parser.EndElementHandler = end_element
        parser.ProcessingInstructionHandler = processing_instruction
        with suppress(ExpatError):
            parser.Parse(self._data, True)

    def _offset_of_byte(self, index: int) -> int:
        """Return the offset of the character at a byte; *index* never decreases."""
        passed = self._data[self._byte_offset : index]
        self._character_offset += len(passed.decode("utf-8", "replace"))
        self._byte_offset = index
        return self._character_offset

    def _add_stylesheet(self, start: int) -> None:
        source = self._text.text
        end = source.find("?>", start)
        match = _STYLESHEET_HREF.search(source, start, end) if end != -1 else None
        if match:
            self._stylesheets.append(_quoted_value(self._text, match))


def _quoted_value(text: EmbeddedText, match: re.Match[str]) -> EmbeddedText:
    """Return the value in a match with the groups ``double`` and ``single``."""
    group = "single" if match["double"] is None else "double"
    return text.attribute_value(*match.span(group), "'" if group == "single" else '"')


def _normalised(value: str) -> str:
    """Return a value as the parser normalises it (XML 1.0, 3.3.3)."""
    return value.replace("\r\n", "\n").translate(_SPACES_FOR_BREAKS)


def _attribute_name(key: str) -> str:
    uri, _, local = key.rpartition(" ")
    return f"xlink:{local}" if uri == _XLINK_URI else key
