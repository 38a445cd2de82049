"""Tags and texts of XML that arrives in pieces, well-formed or not.

Feeds and sitemaps are often not well-formed. expat ends at the first error. The recovery of libxml2
drops what follows a bare ``&``, so that another address would be fetched, and a tokenizer for HTML
does not know CDATA sections. This scanner reads tags as they come, matches no start to its end,
and declares no entities: nothing grows with the document.
"""

import re
from html.entities import html5
from typing import Protocol

#: Characters of the longest tag; what is longer counts as text.
_MAX_TAG_LENGTH = 64 * 1024
#: A tag, or the beginning of what is none. No value may contain ``<`` (XML 1.0, 2.3), so that a
#: missing quote costs one tag, and every search ends at the next one.
_MARKUP = re.compile(
    r"""<(?:(?P<end>/?)(?P<name>[^\s<>/=!?"']++)"""
    r"""(?P<rest>(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>|(?P<other>!--|!\[CDATA\[|[!?]))"""
)
_ENDS = {"!--": "-->", "![CDATA[": "]]>", "!": ">", "?": ">"}
_CDATA = "![CDATA["
_ATTRIBUTE = re.compile(
    r"""(?:^|(?<=[\s"']))([^\s=/"'<>]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))"""
)
_REFERENCE = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z][A-Za-z0-9]{0,31}));")
_MAX_CODE_POINT = 0x10FFFF


class XmlHandler(Protocol):
    """What a scanner calls.

    Attributes:
        wants_text: whether text is of interest; else :meth:`text` is not called.
    """

    wants_text: bool

    def start(self, name: str, attributes: str) -> None:
        """Take a start tag: its name, and all that follows it in the tag."""

    def end(self, name: str) -> None:
        """Take an end tag."""

    def text(self, text: str) -> None:
        """Take a piece of text, with its references as they are written."""


class XmlScanner:
    """Finds the tags and texts of a document, in linear time.

    Args:
        handler: is told what is found.
    """

    def __init__(self, handler: XmlHandler) -> None:
        self._handler = handler
        #: What may be the beginning of a tag, or of the end of a comment.
        self._rest = ""
        #: What ends the comment, CDATA section, declaration or instruction that is open.
        self._awaited = ""
        self._is_cdata = False
        self._buffer = ""
        self._line = 1
        self._counted = self._position = 0

    @property
    def line(self) -> int:
        """The number of the line that the last tag stands in."""
        self._count_lines()
        return self._line

    def feed(self, text: str, *, final: bool = False) -> None:
        """Take the next piece of the document; with *final*, the last one."""
        self._count_lines()
        self._buffer = buffer = self._rest + text
        self._counted = self._position = 0
        self._rest = ""
        position: int | None = 0
        while position is not None:
            if self._awaited:
                position = self._skip(buffer, position)
            else:
                position = self._next_tag(buffer, position, final=final)
        self._position = len(buffer) - len(self._rest)

    def _count_lines(self) -> None:
        self._line += self._buffer.count("\n", self._counted, self._position)
        self._counted = self._position

    def _skip(self, buffer: str, start: int) -> int | None:
        """Return the position behind what is open; None if it does not end here."""
        end = buffer.find(self._awaited, start)
        stop = end
        if end < 0:
            stop = max(start, len(buffer) - len(self._awaited) + 1)
            self._rest = buffer[stop:]
        if self._is_cdata and self._handler.wants_text and stop > start:
            self._handler.text(buffer[start:stop].replace("&", "&amp;"))
        if end < 0:
            return None
        position = end + len(self._awaited)
        self._awaited, self._is_cdata = "", False
        return position

    def _next_tag(self, buffer: str, start: int, *, final: bool) -> int | None:
        """Take the text and the tag from *start* on; None if there is no whole tag."""
        handler = self._handler
        match = _MARKUP.search(buffer, start)
        if match is None or (not final and _is_ambiguous(buffer, match)):
            self._end_at_possible_tag(buffer, start, final=final)
            return None
        if handler.wants_text and match.start() > start:
            handler.text(buffer[start : match.start()])
        self._position = match.start()
        if other := match["other"]:
            self._awaited, self._is_cdata = _ENDS[other], other == _CDATA
        elif match["end"]:
            handler.end(match["name"])
        else:
            handler.start(match["name"], match["rest"])
        return match.end()

    def _end_at_possible_tag(self, buffer: str, start: int, *, final: bool) -> None:
        """Take the text up to what may be the beginning of a tag, which is kept."""
        tag = buffer.rfind("<", start)
        if final or tag < 0 or len(buffer) - tag > _MAX_TAG_LENGTH:
            tag = len(buffer)
        self._rest = buffer[tag:]
        if self._handler.wants_text and tag > start:
            self._handler.text(buffer[start:tag])


def _is_ambiguous(buffer: str, match: re.Match[str]) -> bool:
    """Return whether ``<!`` at the end of *buffer* may become a comment or a CDATA section."""
    if match["other"] != "!":
        return False
    written = buffer[match.start() + 1 : match.start() + 1 + len(_CDATA)]
    return any(len(written) < len(each) and each.startswith(written) for each in ("!--", _CDATA))


def attributes_of(rest: str) -> dict[str, str]:
    """Return the attributes in what follows a tag's name, by their names in lower case."""
    return {
        match[1].lower(): decode_references(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(rest)
    }


def decode_references(text: str) -> str:
    """Return text with the references to characters of XML and HTML decoded; others stay."""
    return _REFERENCE.sub(_decode, text) if "&" in text else text


def _decode(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return html5.get(f"{name};", match[0])
    code = int(decimal) if decimal is not None else int(hexadecimal, 16)
    is_character = code <= _MAX_CODE_POINT and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_character else match[0]
