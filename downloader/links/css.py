"""References in CSS, found by its tokens (CSS Syntax Level 3, section 4).

CSS is not parsed any further: tokens say where comments, strings, ``url()`` and functions begin
and end, and no later stage of a browser's parser changes that.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from downloader.links.model import LinkKind

#: Letters, digits, "_", "-" and what is not ASCII, as the complement, which compiles at once.
_NAME = r"[^\0-,./:-@\[-^`{-\x7f]"
_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|[ \n\r\t\f])?|[^\n\r\f0-9a-fA-F]|\Z)"
_STRING_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|[ \n\r\t\f])?+|\r\n|.|\Z)"
_STRING = (
    rf'"(?:[^"\\\n\r\f]++|{_STRING_ESCAPE})*+(?:"|\Z|(?=[\n\r\f]))'
    rf"|'(?:[^'\\\n\r\f]++|{_STRING_ESCAPE})*+(?:'|\Z|(?=[\n\r\f]))"
)
_COMMENT = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_SPACE = r"[ \t\n\r\f]*+"
_UNQUOTED = rf"(?:[^\"'()\\ \x00-\x1f\x7f]++|{_ESCAPE})*+"
#: The text behind ``url(``: a string, an unquoted URL, or neither ("bad URL").
_URL_ARGUMENT = re.compile(
    rf"{_SPACE}(?:(?P<string>{_STRING})|(?P<unquoted>{_UNQUOTED}){_SPACE}(?:\)|\Z)"
    r"|(?P<bad>(?:[^)\\]++|\\.|\\\Z)*+\)?))",
    re.DOTALL,
)
_SPACE_OR_COMMENTS = rf"(?:{_COMMENT}|[ \t\n\r\f]++)*+"
_IDENTIFIER = rf"(?:{_NAME}|{_ESCAPE})++"
#: The text behind ``@import``.
_IMPORT_ARGUMENT = re.compile(
    rf"{_SPACE_OR_COMMENTS}(?:(?P<string>{_STRING})|(?P<name>{_IDENTIFIER})\()",
    re.DOTALL | re.ASCII,
)
#: The text behind ``@namespace``: a name that looks like a URL and is never fetched.
_NAMESPACE_ARGUMENT = re.compile(
    rf"{_SPACE_OR_COMMENTS}(?:{_IDENTIFIER}(?!\(){_SPACE_OR_COMMENTS})?"
    rf"(?:{_STRING}|(?P<name>{_IDENTIFIER})\()",
    re.DOTALL | re.ASCII,
)
_COMMON_TOKENS = rf"(?P<comment>{_COMMENT})|(?P<string>{_STRING})|(?P<bracket>[(){{}}])"
#: Tokens of a style sheet whose names have no escapes, as in nearly all of them.
_TOKEN_WITHOUT_ESCAPES = re.compile(
    rf"{_COMMON_TOKENS}|(?<!{_NAME})(?<![#@])(?P<function>url|(?:-webkit-)?image-set)\("
    rf"|@(?P<rule>import|namespace|font-face)(?!{_NAME}|\\)|(?P<escape>\\)",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
#: Tokens of any style sheet.
_TOKEN = re.compile(
    rf"{_COMMON_TOKENS}|(?P<sign>[#@])?+(?P<name>(?:{_NAME}|{_ESCAPE})++)(?P<call>\()?+|\\",
    re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(
    r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \n\r\t\f])?|(\r\n|[\n\r\f])|(.)|\Z)", re.DOTALL
)
#: Size of the cache of style sheets, which the pages of a site often repeat.
_MAX_CACHED_SHEETS = 64
_MAX_CACHED_SHEET_LENGTH = 16 * 1024
_MAY_HAVE_REFERENCES = re.compile(r"url\(|@import|image-set\(|\\", re.IGNORECASE | re.ASCII)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_IMAGE_SETS = {"image-set", "-webkit-image-set"}


@dataclass(frozen=True, slots=True)
class CssReference:
    """A reference in CSS.

    Attributes:
        start, end: its span, without quotes.
        value: the reference, escapes decoded.
        kind: a style sheet, a font or an image.
        quote: ``"`` or ``'``; empty in an unquoted ``url()``.
        construct: such as ``@import``.
    """

    start: int
    end: int
    value: str
    kind: LinkKind
    quote: str
    construct: str


def references(text: str, max_references: int | None = None) -> Sequence[CssReference]:
    """Return the references of a style sheet or of a ``style`` attribute, or the first of them."""
    if not _MAY_HAVE_REFERENCES.search(text):
        return ()
    is_cached = len(text) < _MAX_CACHED_SHEET_LENGTH
    return (_cached_scan if is_cached else _scan)(text, max_references)


def _scan(text: str, max_references: int | None) -> Sequence[CssReference]:
    try:
        return tuple(islice(_CssScanner(text, _TOKEN_WITHOUT_ESCAPES).scan(), max_references))
    except _EscapedNameError:
        return tuple(islice(_CssScanner(text, _TOKEN).scan(), max_references))


_cached_scan = lru_cache(_MAX_CACHED_SHEETS)(_scan)


def escape(url: str, quote: str, *, markup: bool) -> str:
    r"""Return *url* as the content of a string, or of an unquoted ``url()`` if *quote* is empty.

    ``<`` and ``>`` are always escaped, so that the result never contains ``</style``; with
    *markup*, ``&`` as well.

    >>> escape("a'(b).png", "", markup=False)
    "a\\'\\(b\\).png"
    """
    special = f"\\{quote}" if quote else "\\\"'()"
    table = {ord(char): f"\\{char}" for char in special}
    table |= {ord(char): f"\\{ord(char):x} " for char in ("<>&" if markup else "<>")}
    return url.translate(table)


class _EscapedNameError(Exception):
    """A name may be written with an escape, so that all names must be read in full."""


class _CssScanner:
    def __init__(self, text: str, token: re.Pattern[str]) -> None:
        self._text = text
        self._token = token
        #: Whether each open parenthesis is that of ``image-set(``.
        self._in_image_set: list[bool] = []
        self._in_font_face = False

    def scan(self) -> Iterator[CssReference]:
        position = 0
        while match := self._token.search(self._text, position):
            position = match.end()
            group = match.lastgroup
            if group == "comment":
                continue
            if group == "bracket":
                self._handle_bracket(match[0])
            elif group == "string":
                if self._in_image_set and self._in_image_set[-1]:
                    yield from self._string(match, LinkKind.IMAGE, "image-set()")
            elif group == "function" or (group == "call" and not match["sign"]):
                name = _normalised_name(match[group] if group == "function" else match["name"])
                if name == "url":
                    kind = LinkKind.FONT if self._in_font_face else LinkKind.IMAGE
                    position = yield from self._url(position, kind, "url()")
                else:
                    self._in_image_set.append(name in _IMAGE_SETS)
            elif group == "call":
                self._in_image_set.append(False)
            elif group == "rule" or (group == "name" and match["sign"] == "@"):
                position = yield from self._at_rule(_normalised_name(match[group]), position)
            elif group == "escape":
                raise _EscapedNameError

    def _handle_bracket(self, bracket: str) -> None:
        if bracket == "(":
            self._in_image_set.append(False)
        elif bracket == ")":
            if self._in_image_set:
                self._in_image_set.pop()
        else:
            # A function that is still open makes its declaration invalid, so it can be forgotten.
            self._in_image_set.clear()
            self._in_font_face = self._in_font_face and bracket == "{"

    def _at_rule(self, name: str, position: int) -> Generator[CssReference, None, int]:
        """Yield the references after an at-keyword; return the position behind them."""
        if name == "font-face":
            self._in_font_face = True
        elif name == "namespace":
            match = _NAMESPACE_ARGUMENT.match(self._text, position)
            if match is None:
                return position
            argument = _URL_ARGUMENT.match(self._text, match.end()) if match["name"] else None
            return argument.end() if argument else match.end()
        elif name == "import" and (match := _IMPORT_ARGUMENT.match(self._text, position)):
            if match["string"]:
                yield from self._string(match, LinkKind.STYLESHEET, "@import")
                return match.end()
            if _normalised_name(match["name"]) == "url":
                return (yield from self._url(match.end(), LinkKind.STYLESHEET, "@import"))
        return position

    def _url(
        self, position: int, kind: LinkKind, construct: str
    ) -> Generator[CssReference, None, int]:
        """Yield the reference after ``url(``; return the position behind it."""
        match = _URL_ARGUMENT.match(self._text, position)
        if match is None:
            return position
        if match["string"]:
            self._in_image_set.append(False)
            yield from self._string(match, kind, construct)
        elif match["unquoted"]:
            start, end = match.span("unquoted")
            yield CssReference(start, end, _unescape(match["unquoted"]), kind, "", construct)
        return match.end()

    def _string(
        self, match: re.Match[str], kind: LinkKind, construct: str
    ) -> Iterator[CssReference]:
        start, end = match.span("string")
        quote = self._text[start]
        content = self._text[start + 1 : end]
        is_closed = content.endswith(quote) and not _ends_in_escape(content[:-1])
        if is_closed:
            content = content[:-1]
        elif end < len(self._text):
            return  # A line break ends a "bad string", which is no reference.
        elif _ends_in_escape(content):
            content = content[:-1]  # A backslash at the end of the file is dropped.
        last = start + 1 + len(content)
        yield CssReference(start + 1, last, _unescape(content), kind, quote, construct)


def _ends_in_escape(text: str) -> bool:
    """Return whether the last backslash of *text* escapes what follows."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _normalised_name(written: str) -> str:
    """Return a name in lower case, escapes decoded."""
    return _unescape(written).translate(_LOWER)


def _unescape(written: str) -> str:
    return _ESCAPED.sub(_decode_escape, written) if "\\" in written else written


def _decode_escape(match: re.Match[str]) -> str:
    """Return what an escape stands for (CSS Syntax Level 3, 4.3.7)."""
    code, line_break, char = match.groups()
    if code:
        point = int(code, 16)
        is_valid = 0 < point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF
        return chr(point) if is_valid else "\ufffd"
    return "" if line_break else char or "\ufffd"
