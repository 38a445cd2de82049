"""Links in XML: SVG files and XHTML pages.

The parser is expat. It says where each tag begins; within a tag, which is well-formed by then,
attributes are found by a regular expression. What follows an error is not read, as in a browser.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from xml.parsers.expat import ExpatError, ParserCreate

from downloader.links.collector import LinkCollector, LinkTraits
from downloader.links.element_reader import ElementReader
from downloader.links.elements import ElementNamespace, keyword
from downloader.links.html import directives
from downloader.links.model import LinkKind
from downloader.links.source_text import Edit
from downloader.links.text_layers import TextLayer
from downloader.links.url_resolver import UrlResolver

_SPACES = {
    "http://www.w3.org/1999/xhtml": ElementNamespace.HTML,
    "http://www.w3.org/2000/svg": ElementNamespace.SVG,
}
_XLINK = "http://www.w3.org/1999/xlink"
_BREAKS = dict.fromkeys(map(ord, "\t\n\r"), " ")
_NAME = re.compile(r"<[^\s/>]++")
_ATTRIBUTE = re.compile(
    r"""\s*+(?P<name>[^\s=/>]++)\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)')"""
)
_TAG = re.compile(r"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")
_SHEET = re.compile(r"""\shref\s*=\s*(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)')""")


class XmlElement:
    """An element that expat found."""

    __slots__ = ("_attributes", "_layer", "_written", "end", "name", "parent", "space", "start")

    def __init__(
        self,
        name: str,
        attributes: list[str],
        layer: TextLayer,
        start: int,
        parent: "XmlElement | None",
    ) -> None:
        uri, _, local = name.rpartition(" ")
        self.space = _SPACES.get(uri, ElementNamespace.OTHER)
        self.name = local.lower()
        self.parent = parent
        self.start = start
        #: Where its end tag begins; -1 until that is known.
        self.end = -1
        self._attributes = {
            _attribute_name(key): value
            for key, value in zip(attributes[::2], attributes[1::2], strict=True)
        }
        self._layer = layer
        self._written: dict[str, re.Match[str]] | None = None

    def get(self, name: str) -> str | None:
        """Return the value of an attribute; None if it has none of that name."""
        return self._attributes.get(name)

    def span(self, name: str) -> tuple[int, int] | None:
        """Return where an attribute stands; None if an entity brought the element."""
        match = self._attribute(name)
        return (match.start("name"), match.end()) if match else None

    def value(self, name: str) -> TextLayer | None:
        """Return the value of an attribute as a layer."""
        match = self._attribute(name)
        if match is None:
            return None
        layer = _value(self._layer, match)
        meant = self._attributes[name]
        # What an entity of the document stands for, only the parser knows.
        known = "&" not in match[0] or _in_one_line(layer.text) == _in_one_line(meant)
        return layer if known else layer.meaning(meant)

    def content(self) -> TextLayer | None:
        """Return the text between its tags, references and CDATA sections resolved."""
        tag = _TAG.match(self._layer.text, self.start)
        if tag is None or self.end < tag.end():
            return None
        return self._layer.content(tag.end(), self.end)

    def _attribute(self, name: str) -> re.Match[str] | None:
        if self._written is None:
            self._written = dict(zip(self._attributes, self._as_written(), strict=False))
        return self._written.get(name)

    def _as_written(self) -> Iterator[re.Match[str]]:
        text = self._layer.text
        name = _NAME.match(text, self.start)
        position = name.end() if name else len(text)
        while match := _ATTRIBUTE.match(text, position):
            position = match.end()
            if match["name"] != "xmlns" and not match["name"].startswith("xmlns:"):
                yield match


class XmlPage:
    """An XML document.

    Attributes:
        robots: what it asks of robots, if it is an XHTML page.
        resolver: what its references are relative to.
    """

    def __init__(self, layer: TextLayer, resolver: UrlResolver) -> None:
        self._layer = layer
        self._data = layer.text.encode("utf-8", "replace")
        self._bytes = self._characters = 0
        self._open: list[XmlElement] = []
        self._elements: list[XmlElement] = []
        self._sheets: list[TextLayer] = []
        self._parse()
        self._base = next(
            (e for e in self._html("base") if e.get("href") is not None and e.span("href")), None
        )
        self.robots = directives(
            keyword(e, "content") for e in self._html("meta") if keyword(e, "name") == "robots"
        )
        self.resolver = resolver.based(self._base.get("href") or "") if self._base else resolver

    def read(self, finder: LinkCollector) -> None:
        """Add its links, and what must give way in a copy of it."""
        value = self._base.value("href") if self._base else None
        if value and value.text:
            start, end = value.offset(0), value.offset(len(value.text))
            finder.edits.append(Edit(start, end, ""))
            finder.rebased = True
        for sheet in self._sheets:
            finder.whole(
                LinkKind.STYLESHEET, sheet, self.resolver, LinkTraits("xml-stylesheet[href]")
            )
        reader = ElementReader(finder, self._layer, self.resolver, nofollow=self.robots.nofollow)
        for element in self._elements:
            reader.read(element)
            reader.lazy(element)

    def _html(self, name: str) -> list[XmlElement]:
        return [e for e in self._elements if e.name == name and e.space is ElementNamespace.HTML]

    def _parse(self) -> None:
        # The text was decoded already: whatever it declares, this is UTF-8.
        parser = ParserCreate("utf-8", " ")
        parser.ordered_attributes = True
        parser.specified_attributes = True

        def start(name: str, attributes: list[str]) -> None:
            parent = self._open[-1] if self._open else None
            at = self._place(parser.CurrentByteIndex)
            element = XmlElement(name, attributes, self._layer, at, parent)
            self._open.append(element)
            self._elements.append(element)

        def end(_: str) -> None:
            element = self._open.pop()
            if element.name in {"style", "script"}:
                element.end = self._place(parser.CurrentByteIndex)

        def instruction(target: str, _: str) -> None:
            if target == "xml-stylesheet" and not self._elements:
                self._sheet(self._place(parser.CurrentByteIndex))

        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.ProcessingInstructionHandler = instruction
        with suppress(ExpatError):
            parser.Parse(self._data, True)

    def _place(self, index: int) -> int:
        """Return the character at a byte; bytes are asked for in order."""
        self._characters += len(self._data[self._bytes : index].decode("utf-8", "replace"))
        self._bytes = index
        return self._characters

    def _sheet(self, start: int) -> None:
        end = self._layer.text.find("?>", start)
        match = _SHEET.search(self._layer.text, start, end) if end != -1 else None
        if match:
            self._sheets.append(_value(self._layer, match))


def _value(layer: TextLayer, match: re.Match[str]) -> TextLayer:
    """Return the value of an attribute as a layer."""
    group = "single" if match["double"] is None else "double"
    return layer.value(*match.span(group), "'" if group == "single" else '"')


def _in_one_line(value: str) -> str:
    """Return a value as the parser normalises it (XML 1.0, 3.3.3)."""
    return value.replace("\r\n", "\n").translate(_BREAKS)


def _attribute_name(key: str) -> str:
    uri, _, local = key.rpartition(" ")
    return f"xlink:{local}" if uri == _XLINK else key
