"""What a fragment of a URL can lead to: the values of ``id`` and of the ``name`` of anchors.

HTML standard, 7.4.6.3, "find a potential indicated element".
"""

from collections.abc import Iterator
from contextlib import suppress
from xml.parsers.expat import ExpatError, ParserCreate

from turbohtml import Element, Node

_XML_ID = "http://www.w3.org/XML/1998/namespace id"
_NAMED_ELEMENTS = frozenset({"a", "http://www.w3.org/1999/xhtml a"})


def html_fragment_targets(tree: Node) -> Iterator[str]:
    """Yield the targets of an HTML document."""
    for selector, name in (("[id]", "id"), ("a[name]", "name")):
        for node in tree.select(selector):
            if isinstance(node, Element) and (value := node.attr(name)):
                yield value


def xml_fragment_targets(text: str) -> list[str]:
    """Return the targets of an XML document, up to its first error."""
    found: list[str] = []

    def start_element(name: str, attributes: dict[str, str]) -> None:
        names = ("id", _XML_ID, "name") if name in _NAMED_ELEMENTS else ("id", _XML_ID)
        found.extend(attributes[each] for each in names if each in attributes)

    parser = ParserCreate("utf-8", namespace_separator=" ")
    parser.StartElementHandler = start_element
    with suppress(ExpatError):
        parser.Parse(text.encode("utf-8", "replace"), True)
    return found
