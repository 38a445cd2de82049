"""Text in one language embedded in another, with the offset of each character in the document.

CSS in an attribute, a page in ``srcdoc``: each text knows where its characters stand in the
document and how its language must be escaped there. So a link in a style sheet in an attribute of
a page in an attribute is replaced in place.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable
from html import unescape
from html.entities import html5

Escape = Callable[[str], str]

#: ASCII whitespace of the HTML standard.
SPACES = "\t\n\f\r "
#: The offset of a character that does not stand in the document.
NO_OFFSET = -1
_CHARACTER_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|[A-Za-z][A-Za-z0-9]*;?)")
#: Markup and references in the content of an element. Each token that is not closed goes on to the
#: end, so that no part of the content is searched twice for the end of a token.
_CONTENT_TOKEN = re.compile(
    r"<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|<!--(?:-?>|.*?(?:--!?>|\Z))|<[A-Za-z/!?][^>]*+(?:>|\Z)"
    rf"|{_CHARACTER_REFERENCE.pattern}",
    re.DOTALL,
)
#: Longer ones are beyond Unicode, unless somebody wrote hundreds of zeros.
_LONGEST_NUMERIC_REFERENCE = 100
_LONGEST_ENTITY_NAME = max(map(len, html5))
_UNQUOTED_TABLE = {ord(char): f"&#{ord(char)};" for char in "\t\n\f\r \"'&<>=`"}
_DOUBLE_QUOTED_TABLE = {ord("&"): "&amp;", ord('"'): "&quot;", ord("<"): "&lt;"}
_SINGLE_QUOTED_TABLE = {ord("&"): "&amp;", ord("'"): "&#39;", ord("<"): "&lt;"}


def _unchanged(text: str) -> str:
    return text


class _OffsetMap:
    """The offsets of the characters of a text, as runs of characters that stand side by side.

    A run needs two numbers, so that a text takes memory by its character references and not by
    its characters.
    """

    __slots__ = ("_outer", "_shift", "_starts", "_targets")

    def __init__(self, outer: "Offsets") -> None:
        """The runs are added afterwards; *outer* has the offsets of the text around this one."""
        self._outer = outer
        self._shift = 0
        #: Where each run begins: in this text, and in the text around it.
        self._starts, self._targets = array("q"), array("q")

    def add_run(self, start: int, target: int) -> None:
        """Let the characters from *start* on stand at *target* and after it; NO_OFFSET: nowhere."""
        if self._starts and self._starts[-1] == start:
            self._targets[-1] = target
        else:
            self._starts.append(start)
            self._targets.append(target)

    def from_index(self, start: int) -> "_OffsetMap":
        """Return the offsets of the text that begins at the character *start* of this one."""
        part = _OffsetMap(self._outer)
        part._shift = self._shift + start
        part._starts, part._targets = self._starts, self._targets
        return part

    def offset(self, index: int) -> int:
        index += self._shift
        run = bisect_right(self._starts, index) - 1
        target = self._targets[run]
        if target == NO_OFFSET:
            return NO_OFFSET
        return _offset(self._outer, target + index - self._starts[run])


#: The offsets of the characters of a text; an int if they are consecutive: that of the first one.
Offsets = int | _OffsetMap


def _offset(offsets: Offsets, index: int) -> int:
    return offsets + index if isinstance(offsets, int) else offsets.offset(index)


class EmbeddedText:
    """Text in one language, embedded in a document or the document itself.

    Attributes:
        text: the characters as this language sees them.
        escape: returns text of this language as it must be written in the document.
        avoids_markup: whether ``<`` and ``&`` may be read as markup here in spite of *escape*, so
            that this language has to write them by escapes of its own.
    """

    __slots__ = ("_offsets", "avoids_markup", "escape", "text")

    def __init__(
        self,
        text: str,
        offsets: Offsets = 0,
        escape: Escape = _unchanged,
        *,
        avoids_markup: bool = False,
    ) -> None:
        self.text = text
        self._offsets = offsets
        self.escape = escape
        self.avoids_markup = avoids_markup

    def offset(self, index: int) -> int:
        """Return the offset in the document of a character of this text."""
        return _offset(self._offsets, index)

    def slice(self, start: int, end: int, *, avoids_markup: bool = False) -> "EmbeddedText":
        """Return the characters from *start* to *end*, in the same language."""
        return EmbeddedText(
            self.text[start:end],
            self._offsets_from(start),
            self.escape,
            avoids_markup=avoids_markup,
        )

    def attribute_value(self, start: int, end: int, quote: str) -> "EmbeddedText":
        """Return the value of an attribute that is written from *start* to *end*.

        *quote* is the quotation mark around it, or empty.
        """
        # A null character is read as a replacement character (HTML standard, 13.2.5.36).
        raw = self.text[start:end].replace("\0", "\ufffd")
        escape = self._escape_within(_ESCAPES[quote])
        if "&" not in raw:
            return EmbeddedText(raw, self._offsets_from(start), escape)
        decoded_text = _DecodedText(self._offsets, start)
        position = 0
        for match in _CHARACTER_REFERENCE.finditer(raw):
            decoded, length = _decode_in_attribute(match[0], raw[match.end() : match.end() + 1])
            decoded_text.add(raw[position : match.start()], position)
            decoded_text.add_reference(decoded, match.start())
            position = match.start() + length
        return decoded_text.ending_with(raw[position:], position, escape)

    def absent_attribute_value(self, index: int, prefix: str) -> "EmbeddedText":
        """Return the empty value of an attribute without one.

        A new value would be written at *index*, after *prefix* and in quotes.
        """
        return EmbeddedText(
            "",
            self._offsets_from(index),
            self._escape_within(lambda text: f'{prefix}"{escape_double_quoted(text)}"'),
        )

    def element_content(self, start: int, end: int) -> "EmbeddedText":
        """Return the parsed text of an element: references and CDATA sections decoded."""
        raw = self.text[start:end]
        if "&" not in raw and "<" not in raw:
            return self.slice(start, end, avoids_markup=True)
        decoded_text = _DecodedText(self._offsets, start)
        position = 0
        for token in _CONTENT_TOKEN.finditer(raw):
            decoded_text.add(raw[position : token.start()], position)
            position = token.end()
            cdata = token["cdata"]
            if cdata is not None:
                decoded_text.add(cdata, token.start("cdata"))
            elif token[0][0] == "&":
                decoded_text.add_reference(_decode(token[0]), token.start())
        return decoded_text.ending_with(raw[position:], position, self.escape, avoids_markup=True)

    def decoded_as(self, text: str) -> "EmbeddedText":
        """Return *text*, the decoded form of this text as a whole."""
        offsets = _OffsetMap(self._offsets)
        offsets.add_run(0, 0)
        if text:
            offsets.add_run(1, NO_OFFSET)
            offsets.add_run(len(text), len(self.text))
        return EmbeddedText(text, offsets, self.escape)

    def _escape_within(self, escape: Escape) -> Escape:
        outer = self.escape
        return escape if outer is _unchanged else lambda text: outer(escape(text))

    def _offsets_from(self, start: int) -> Offsets:
        offsets = self._offsets
        return offsets + start if isinstance(offsets, int) else offsets.from_index(start)


class _DecodedText:
    """A text that is decoded piece by piece.

    *outer* has the offsets of the text around it, in which the written form begins at *start*;
    positions count from there.
    """

    def __init__(self, outer: Offsets, start: int) -> None:
        self._offsets = _OffsetMap(outer)
        self._start = start
        self._pieces: list[str] = []
        self._length = 0

    def add(self, text: str, position: int) -> None:
        """Add characters that are written as they are, at *position* and after it."""
        if text:
            self._offsets.add_run(self._length, self._start + position)
            self._pieces.append(text)
            self._length += len(text)

    def add_reference(self, decoded: str, position: int) -> None:
        """Add what the character reference at *position* stands for."""
        for char in decoded:
            self.add(char, position)

    def ending_with(
        self, text: str, position: int, escape: Escape, *, avoids_markup: bool = False
    ) -> EmbeddedText:
        """Return the whole text, of which *text* at *position* is the end."""
        self.add(text, position)
        self._offsets.add_run(self._length, self._start + position + len(text))
        decoded = "".join(self._pieces)
        return EmbeddedText(decoded, self._offsets, escape, avoids_markup=avoids_markup)


def _decode(reference: str) -> str:
    """Return what a character reference stands for."""
    if reference[1] == "#" and len(reference) > _LONGEST_NUMERIC_REFERENCE:
        return "\ufffd"
    return unescape(reference)


def _decode_in_attribute(reference: str, following: str) -> tuple[str, int]:
    """Return what a character reference in an attribute stands for, and its length.

    HTML standard, 13.2.5.73 ("named character reference state"): without a semicolon it is none
    if ``=`` or an alphanumeric follows, so that old URLs such as ``?a=1&copy=2`` work.
    """
    if reference[1] == "#":
        return _decode(reference), len(reference)
    for length in range(min(len(reference), _LONGEST_ENTITY_NAME + 1), 1, -1):
        decoded = html5.get(reference[1:length])
        if decoded is not None:
            after = reference[length : length + 1] or following
            if reference[length - 1] != ";" and (
                after == "=" or (after.isascii() and after.isalnum())
            ):
                break
            return decoded, length
    return reference, len(reference)


def escape_double_quoted(text: str) -> str:
    """Return *text* as the value of an attribute in double quotes."""
    if "&" not in text and '"' not in text and "<" not in text:  # Most are, and this is quicker.
        return text
    return text.translate(_DOUBLE_QUOTED_TABLE)


def _escape_single_quoted(text: str) -> str:
    return text.translate(_SINGLE_QUOTED_TABLE)


def _escape_unquoted(text: str) -> str:
    return text.translate(_UNQUOTED_TABLE) if text else '""'


_ESCAPES: dict[str, Escape] = {
    '"': escape_double_quoted,
    "'": _escape_single_quoted,
    "": _escape_unquoted,
}
