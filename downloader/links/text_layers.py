"""Text within text: CSS in an attribute, HTML in ``srcdoc``, and the way back to the source.

Each layer knows where its characters stand in the document and how its language must be written
there, so that a link in a style sheet in an attribute of a page in an attribute is replaced
in place.
"""

import re
from collections.abc import Callable, Sequence
from html import unescape
from html.entities import html5

Escape = Callable[[str], str]

#: ASCII whitespace of the HTML standard.
SPACES = "\t\n\f\r "
#: The offset of what has no place of its own in the document.
NOWHERE = -1
_REFERENCE = re.compile(r"&(?:#(?:[0-9]+|[xX][0-9a-fA-F]+);?|[A-Za-z][A-Za-z0-9]*;?)")
_PIECE = re.compile(
    rf"<!\[CDATA\[(?P<data>.*?)\]\]>|<!--.*?-->|<[^>]*>|{_REFERENCE.pattern}", re.DOTALL
)
_LONGEST_NAME = max(map(len, html5))
_UNQUOTED = {ord(char): f"&#{ord(char)};" for char in "\t\n\f\r \"'&<>=`"}
_DOUBLE = {ord("&"): "&amp;", ord('"'): "&quot;", ord("<"): "&lt;"}
_SINGLE = {ord("&"): "&amp;", ord("'"): "&#39;", ord("<"): "&lt;"}


def _same(text: str) -> str:
    return text


class TextLayer:
    """The text of one language, inside the document.

    Attributes:
        text: as this language sees it.
        markup: whether ``<`` and ``&`` would still be read as markup in some places, so that
            this language has to avoid them by escapes of its own.
    """

    __slots__ = ("_at", "escape", "markup", "text")

    def __init__(
        self,
        text: str,
        at: int | Sequence[int] = 0,
        escape: Escape = _same,
        *,
        markup: bool = False,
    ) -> None:
        """*at* says where each character (and the end) stands, or the first, if all follow it."""
        self.text = text
        self._at = at
        #: Writes text of this language as it must stand in the document.
        self.escape = escape
        self.markup = markup

    def offset(self, place: int) -> int:
        """Return where a character of this layer stands in the document."""
        return self._at + place if isinstance(self._at, int) else self._at[place]

    def part(self, start: int, end: int, *, markup: bool = False) -> "TextLayer":
        """Return a layer of the characters from *start* to *end*."""
        at = self._at + start if isinstance(self._at, int) else self._at[start : end + 1]
        return TextLayer(self.text[start:end], at, self.escape, markup=markup)

    def value(self, start: int, end: int, quote: str) -> "TextLayer":
        """Return the value of an attribute, which stands from *start* to *end* within *quote*."""
        # A null character is read as a replacement (HTML standard, 13.2.5.36).
        raw = self.text[start:end].replace("\0", "\ufffd")
        escape = self._within(_ESCAPES[quote])
        if "&" not in raw:
            at = self._at + start if isinstance(self._at, int) else self._at[start : end + 1]
            return TextLayer(raw, at, escape)
        text, places, position = list[str](), list[int](), 0
        for match in _REFERENCE.finditer(raw):
            meant, length = _meaning(match[0], raw[match.end() : match.end() + 1])
            text += (raw[position : match.start()], meant)
            places += range(start + position, start + match.start())
            places += [start + match.start()] * len(meant)
            position = match.start() + length
        text.append(raw[position:])
        places += range(start + position, end + 1)
        return TextLayer("".join(text), self._outer(places), escape)

    def meaning(self, text: str) -> "TextLayer":
        """Return a layer of *text*, which this one means as a whole."""
        within = [NOWHERE] * (len(text) - 1)
        at = [self.offset(0), *within, self.offset(len(self.text))]
        return TextLayer(text, at, self.escape)

    def missing(self, place: int, sign: str) -> "TextLayer":
        """Return the empty value of an attribute without one, to be written after *sign*."""
        return TextLayer(
            "", self._outer([place]), self._within(lambda text: f'{sign}"{_quoted(text)}"')
        )

    def content(self, start: int, end: int) -> "TextLayer":
        """Return the text of an element whose content is parsed: references, CDATA sections."""
        raw = self.text[start:end]
        if "&" not in raw and "<" not in raw:
            return self.part(start, end, markup=True)
        text, at, position = list[str](), list[int](), 0
        for piece in _PIECE.finditer(raw):
            text.append(raw[position : piece.start()])
            at += range(start + position, start + piece.start())
            position = piece.end()
            data = piece["data"]
            if data is not None:
                text.append(data)
                at += range(start + piece.start("data"), start + piece.end("data"))
            elif piece[0][0] == "&":
                meant = unescape(piece[0])
                text.append(meant)
                at += [start + piece.start()] * len(meant)
        text.append(raw[position:])
        at += range(start + position, end + 1)
        return TextLayer("".join(text), self._outer(at), self.escape, markup=True)

    def _within(self, escape: Escape) -> Escape:
        outer = self.escape
        return escape if outer is _same else lambda text: outer(escape(text))

    def _outer(self, places: Sequence[int]) -> Sequence[int]:
        return [self.offset(place) for place in places]


def _meaning(reference: str, following: str) -> tuple[str, int]:
    """Return what a character reference in an attribute means, and how long it is.

    HTML standard, 13.2.5.73 ("named character reference state"): without a semicolon it is none
    when ``=`` or an alphanumeric follows, for old addresses such as ``?a=1&copy=2``.
    """
    if reference[1] == "#":
        return unescape(reference), len(reference)
    for length in range(min(len(reference), _LONGEST_NAME + 1), 1, -1):
        meant = html5.get(reference[1:length])
        if meant is not None:
            after = reference[length : length + 1] or following
            if reference[length - 1] != ";" and (
                after == "=" or (after.isascii() and after.isalnum())
            ):
                break
            return meant, length
    return reference, len(reference)


def _quoted(text: str) -> str:
    return text.translate(_DOUBLE)


def _single(text: str) -> str:
    return text.translate(_SINGLE)


def _unquoted(text: str) -> str:
    return text.translate(_UNQUOTED) if text else '""'


#: How an attribute in double quotes is written.
DOUBLE_QUOTED: Escape = _quoted
_ESCAPES: dict[str, Escape] = {'"': _quoted, "'": _single, "": _unquoted}
