"""References in CSS, found by its tokens (CSS Syntax Level 3, section 4).

Nothing is parsed beyond that: what is needed is where comments, strings, ``url()`` tokens and
functions begin and end, which no later stage of a browser's parser changes.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from downloader.links.model import LinkKind

_NAME = r"[-\w\x80-\U0010ffff]"
_ESCAPE = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|[ \n\r\t\f])?|[^\n\r\f0-9a-fA-F]|\Z)"
_IN_STRING = r"\\(?:[0-9a-fA-F]{1,6}+(?:\r\n|[ \n\r\t\f])?+|\r\n|.|\Z)"
_STRING = (
    rf'"(?:[^"\\\n\r\f]++|{_IN_STRING})*+(?:"|\Z|(?=[\n\r\f]))'
    rf"|'(?:[^'\\\n\r\f]++|{_IN_STRING})*+(?:'|\Z|(?=[\n\r\f]))"
)
_COMMENT = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)"
_SPACE = r"[ \t\n\r\f]*+"
_BARE = rf"(?:[^\"'()\\ \x00-\x1f\x7f]++|{_ESCAPE})*+"
#: What follows ``url(``: a string, or the address as it is, or neither ("bad URL").
_ARGUMENT = re.compile(
    rf"{_SPACE}(?:(?P<string>{_STRING})|(?P<bare>{_BARE}){_SPACE}(?:\)|\Z)"
    r"|(?P<bad>(?:[^)\\]++|\\.|\\\Z)*+\)?))",
    re.DOTALL,
)
_IGNORED = rf"(?:{_COMMENT}|[ \t\n\r\f]++)*+"
_WORD = rf"(?:{_NAME}|{_ESCAPE})++"
#: What follows ``@import``.
_IMPORTED = re.compile(
    rf"{_IGNORED}(?:(?P<string>{_STRING})|(?P<name>{_WORD})\()", re.DOTALL | re.ASCII
)
#: What follows ``@namespace``: a name that only looks like an address, never fetched.
_NAMESPACE = re.compile(
    rf"{_IGNORED}(?:{_WORD}(?!\(){_IGNORED})?(?:{_STRING}|(?P<name>{_WORD})\()",
    re.DOTALL | re.ASCII,
)
_MARKS = rf"(?P<comment>{_COMMENT})|(?P<string>{_STRING})|(?P<mark>[(){{}}])"
#: Names without escapes, which nearly every style sheet has.
_PLAIN = re.compile(
    rf"{_MARKS}|(?<![-\w\x80-\U0010ffff#@])(?P<function>url|(?:-webkit-)?image-set)\("
    rf"|@(?P<rule>import|namespace|font-face)(?!{_NAME}|\\)|(?P<escape>\\)",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
#: Any name, however written.
_ANY = re.compile(
    rf"{_MARKS}|(?P<sign>[#@])?+(?P<name>(?:{_NAME}|{_ESCAPE})++)(?P<call>\()?+|\\",
    re.DOTALL | re.ASCII,
)
_WRITTEN = re.compile(
    r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \n\r\t\f])?|(\r\n|[\n\r\f])|(.)|\Z)", re.DOTALL
)
#: So many texts are remembered, unless they are as long as this.
_MOST_KNOWN = 64
_LONG = 16 * 1024
_WORTH = re.compile(r"url\(|@import|image-set\(|\\", re.IGNORECASE | re.ASCII)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_IMAGE_SETS = {"image-set", "-webkit-image-set"}


@dataclass(frozen=True, slots=True)
class CssReference:
    """A place in CSS that holds an address.

    Attributes:
        start, end: the address as it is written, without quotes.
        value: what it means.
        kind: a style sheet, a font or an image.
        quote: ``"`` or ``'``, or nothing within a bare ``url()``.
        where: the construct, such as ``@import``.
    """

    start: int
    end: int
    value: str
    kind: LinkKind
    quote: str
    where: str


def references(text: str) -> Sequence[CssReference]:
    """Return every address in a style sheet or in the value of a ``style`` attribute."""
    if not _WORTH.search(text):
        return ()
    # The pages of a site often have one and the same style sheet within them.
    return (_known if len(text) < _LONG else _read)(text)


def _read(text: str) -> Sequence[CssReference]:
    try:
        return tuple(_CssScanner(text, _PLAIN).run())
    except _EscapedNameError:
        return tuple(_CssScanner(text, _ANY).run())


_known = lru_cache(_MOST_KNOWN)(_read)


def escape(url: str, quote: str, *, markup: bool) -> str:
    r"""Return *url* as it may stand in a string, or in a bare ``url()`` if *quote* is empty.

    ``<`` and ``>`` are always written as escapes, so that no ``</style`` can come about, and
    with *markup* so is ``&``.

    >>> escape("a'(b).png", "", markup=False)
    "a\\'\\(b\\).png"
    """
    special = f"\\{quote}" if quote else "\\\"'()"
    table = {ord(char): f"\\{char}" for char in special}
    table |= {ord(char): f"\\{ord(char):x} " for char in ("<>&" if markup else "<>")}
    return url.translate(table)


class _EscapedNameError(Exception):
    """A name is written with an escape, so names must be read in full."""


class _CssScanner:
    def __init__(self, text: str, tokens: re.Pattern[str]) -> None:
        self._text = text
        self._tokens = tokens
        #: For each open parenthesis, whether it is that of ``image-set(``.
        self._open: list[bool] = []
        self._font = False

    def run(self) -> Iterator[CssReference]:
        position = 0
        while match := self._tokens.search(self._text, position):
            position = match.end()
            group = match.lastgroup
            if group == "comment":
                continue
            if group == "mark":
                self._mark(match[0])
            elif group == "string":
                if self._open and self._open[-1]:
                    yield from self._string(match, LinkKind.IMAGE, "image-set()")
            elif group == "function" or (group == "call" and not match["sign"]):
                name = _name(match[group] if group == "function" else match["name"])
                if name == "url":
                    position = yield from self._url(position, self._kind, "url()")
                else:
                    self._open.append(name in _IMAGE_SETS)
            elif group == "call":
                self._open.append(False)
            elif group == "rule" or (group == "name" and match["sign"] == "@"):
                position = yield from self._rule(_name(match[group]), position)
            elif group == "escape":
                raise _EscapedNameError

    @property
    def _kind(self) -> LinkKind:
        return LinkKind.FONT if self._font else LinkKind.IMAGE

    def _mark(self, mark: str) -> None:
        if mark == "(":
            self._open.append(False)
        elif mark == ")":
            if self._open:
                self._open.pop()
        else:
            # A function that is still open makes its declaration invalid: nothing is lost.
            self._open.clear()
            self._font = self._font and mark == "{"

    def _rule(self, name: str, position: int) -> Generator[CssReference, None, int]:
        """Read what follows an at-keyword; return where to go on."""
        if name == "font-face":
            self._font = True
        elif name == "namespace":
            match = _NAMESPACE.match(self._text, position)
            if match is None:
                return position
            argument = _ARGUMENT.match(self._text, match.end()) if match["name"] else None
            return argument.end() if argument else match.end()
        elif name == "import" and (match := _IMPORTED.match(self._text, position)):
            if match["string"]:
                yield from self._string(match, LinkKind.STYLESHEET, "@import")
                return match.end()
            if _name(match["name"]) == "url":
                return (yield from self._url(match.end(), LinkKind.STYLESHEET, "@import"))
        return position

    def _url(self, position: int, kind: LinkKind, where: str) -> Generator[CssReference, None, int]:
        """Read what follows ``url(``; return where to go on."""
        match = _ARGUMENT.match(self._text, position)
        if match is None:
            return position
        if match["string"]:
            self._open.append(False)
            yield from self._string(match, kind, where)
        elif match["bare"]:
            start, end = match.span("bare")
            yield CssReference(start, end, _meaning(match["bare"]), kind, "", where)
        return match.end()

    def _string(self, match: re.Match[str], kind: LinkKind, where: str) -> Iterator[CssReference]:
        start, end = match.span("string")
        quote = self._text[start]
        content = self._text[start + 1 : end]
        closed = content.endswith(quote) and not _escaped(content[:-1])
        if closed:
            content = content[:-1]
        elif end < len(self._text):
            return  # a line break ended it: it is no string
        elif _escaped(content):
            content = content[:-1]  # a backslash at the very end means nothing
        last = start + 1 + len(content)
        yield CssReference(start + 1, last, _meaning(content), kind, quote, where)


def _escaped(before: str) -> bool:
    """Return whether what follows *before* is escaped by its last backslash."""
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _name(written: str) -> str:
    """Return a name in lower case, escapes undone."""
    return _meaning(written).translate(_LOWER)


def _meaning(written: str) -> str:
    return _WRITTEN.sub(_unescape, written) if "\\" in written else written


def _unescape(match: re.Match[str]) -> str:
    """Return what an escape means (CSS Syntax Level 3, 4.3.7)."""
    code, line_break, char = match.groups()
    if code:
        point = int(code, 16)
        valid = 0 < point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF
        return chr(point) if valid else "\ufffd"
    return "" if line_break else char or "\ufffd"
