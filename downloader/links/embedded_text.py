"""Text in one language embedded in another, with the offset of each character in the document.

CSS in an attribute, a page in ``srcdoc``: each text knows where its characters stand in the
document and how its language must be escaped there. So a link in a style sheet in an attribute of
a page in an attribute is replaced in place.
"""

import re
from collections.abc import Callable, Sequence
from html import unescape
from html.entities import html5

Escape = Callable[[str], str]

#: ASCII whitespace of the HTML standard.
SPACES = "\t\n\f\r "
#: The offset of a character that does not stand in the document.
NO_OFFSET = -1
_CHARACTER_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|[A-Za-z][A-Za-z0-9]*;?)")
_CONTENT_TOKEN = re.compile(
    rf"<!\[CDATA\[(?P<cdata>.*?)\]\]>|<!--.*?-->|<[^>]*>|{_CHARACTER_REFERENCE.pattern}", re.DOTALL
)
_LONGEST_ENTITY_NAME = max(map(len, html5))
_UNQUOTED_TABLE = {ord(char): f"&#{ord(char)};" for char in "\t\n\f\r \"'&<>=`"}
_DOUBLE_QUOTED_TABLE = {ord("&"): "&amp;", ord('"'): "&quot;", ord("<"): "&lt;"}
_SINGLE_QUOTED_TABLE = {ord("&"): "&amp;", ord("'"): "&#39;", ord("<"): "&lt;"}


def _unchanged(text: str) -> str:
    return text


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
        offsets: int | Sequence[int] = 0,
        escape: Escape = _unchanged,
        *,
        avoids_markup: bool = False,
    ) -> None:
        """*offsets* are those of each character and of the end; an int if they are consecutive."""
        self.text = text
        self._offsets = offsets
        self.escape = escape
        self.avoids_markup = avoids_markup

    def offset(self, index: int) -> int:
        """Return the offset in the document of a character of this text."""
        return self._offsets + index if isinstance(self._offsets, int) else self._offsets[index]

    def slice(self, start: int, end: int, *, avoids_markup: bool = False) -> "EmbeddedText":
        """Return the characters from *start* to *end*, in the same language."""
        return EmbeddedText(
            self.text[start:end],
            self._slice_offsets(start, end),
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
            return EmbeddedText(raw, self._slice_offsets(start, end), escape)
        text, indices, position = list[str](), list[int](), 0
        for match in _CHARACTER_REFERENCE.finditer(raw):
            decoded, length = _decode_in_attribute(match[0], raw[match.end() : match.end() + 1])
            text += (raw[position : match.start()], decoded)
            indices += range(start + position, start + match.start())
            indices += [start + match.start()] * len(decoded)
            position = match.start() + length
        text.append(raw[position:])
        indices += range(start + position, end + 1)
        return EmbeddedText("".join(text), self._offsets_of(indices), escape)

    def absent_attribute_value(self, index: int, prefix: str) -> "EmbeddedText":
        """Return the empty value of an attribute without one.

        A new value would be written at *index*, after *prefix* and in quotes.
        """
        return EmbeddedText(
            "",
            self._offsets_of([index]),
            self._escape_within(lambda text: f'{prefix}"{escape_double_quoted(text)}"'),
        )

    def element_content(self, start: int, end: int) -> "EmbeddedText":
        """Return the parsed text of an element: references and CDATA sections decoded."""
        raw = self.text[start:end]
        if "&" not in raw and "<" not in raw:
            return self.slice(start, end, avoids_markup=True)
        text, indices, position = list[str](), list[int](), 0
        for token in _CONTENT_TOKEN.finditer(raw):
            text.append(raw[position : token.start()])
            indices += range(start + position, start + token.start())
            position = token.end()
            cdata = token["cdata"]
            if cdata is not None:
                text.append(cdata)
                indices += range(start + token.start("cdata"), start + token.end("cdata"))
            elif token[0][0] == "&":
                decoded = unescape(token[0])
                text.append(decoded)
                indices += [start + token.start()] * len(decoded)
        text.append(raw[position:])
        indices += range(start + position, end + 1)
        return EmbeddedText(
            "".join(text), self._offsets_of(indices), self.escape, avoids_markup=True
        )

    def decoded_as(self, text: str) -> "EmbeddedText":
        """Return *text*, the decoded form of this text as a whole."""
        inner = [NO_OFFSET] * (len(text) - 1)
        return EmbeddedText(
            text, [self.offset(0), *inner, self.offset(len(self.text))], self.escape
        )

    def _escape_within(self, escape: Escape) -> Escape:
        outer = self.escape
        return escape if outer is _unchanged else lambda text: outer(escape(text))

    def _slice_offsets(self, start: int, end: int) -> int | Sequence[int]:
        offsets = self._offsets
        return offsets + start if isinstance(offsets, int) else offsets[start : end + 1]

    def _offsets_of(self, indices: Sequence[int]) -> Sequence[int]:
        return [self.offset(index) for index in indices]


def _decode_in_attribute(reference: str, following: str) -> tuple[str, int]:
    """Return what a character reference in an attribute stands for, and its length.

    HTML standard, 13.2.5.73 ("named character reference state"): without a semicolon it is none
    if ``=`` or an alphanumeric follows, so that old URLs such as ``?a=1&copy=2`` work.
    """
    if reference[1] == "#":
        return unescape(reference), len(reference)
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
