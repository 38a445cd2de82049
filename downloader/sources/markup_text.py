"""The text of a list in XML or HTML, which may declare its encoding itself."""

import codecs
import re
from collections.abc import Iterator

import webencodings

from downloader.sources.list_input import ListInput
from downloader.sources.text_lines import BOMS

#: Bytes in which a declaration is looked for (HTML standard, 13.2.3.2).
_PRESCAN_BYTES = 1024
_XML_DECLARATION = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["'][^>]*>""")
_META = re.compile(rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
#: What says that no declaration of XML follows: any other beginning, or its end.
_AFTER_XML_DECLARATION = re.compile(rb"\s*(?:[^\s<]|<[^?]|<\?[^>]*>)")


def xml_text(source: ListInput) -> Iterator[str]:
    """Yield the text of an XML document, decoded as its declaration says, or as UTF-8."""
    head = b""
    for chunk in source.chunks:
        head += chunk
        if len(head) >= _PRESCAN_BYTES or _AFTER_XML_DECLARATION.match(head):
            break
    yield from _decoded(source, head, _XML_DECLARATION.match(head[:_PRESCAN_BYTES]))


def html_text(source: ListInput) -> Iterator[str]:
    """Yield the text of an HTML document, decoded as its ``meta`` element says, or as UTF-8."""
    head = b""
    for chunk in source.chunks:
        head += chunk
        if len(head) >= _PRESCAN_BYTES:
            break
    start = head[:_PRESCAN_BYTES]
    yield from _decoded(source, head, _XML_DECLARATION.match(start) or _META.search(start))


def _decoded(source: ListInput, head: bytes, declaration: re.Match[bytes] | None) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(source.encoding)("replace")
    if declaration is not None and not head.startswith(tuple(bom for bom, _ in BOMS)):
        declared = webencodings.lookup(declaration[1].decode("ascii", "replace"))
        # Text in UTF-16 could not declare it in ASCII (HTML standard, 13.2.3.3).
        if declared is not None and not declared.name.startswith("utf-16"):
            decoder = declared.codec_info.incrementaldecoder("replace")
    yield decoder.decode(head)
    for chunk in source.chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)
