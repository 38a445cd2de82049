"""The hyperlinks of HTML that arrives in pieces: a list of links of any length.

Unlike a document that is mirrored, it is never in memory as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from turbohtml import Token, Tokenizer, TokenType

#: Characters of a tag, a comment or a script, which the tokenizer keeps until it ends.
MAX_TOKEN_LENGTH = 32 * 1024 * 1024
_ANCHORS = frozenset({"a", "area"})


@dataclass(frozen=True, slots=True)
class StreamedAnchor:
    """A hyperlink of a page.

    Attributes:
        line: the number of its line.
        reference: its ``href``, as written.
    """

    line: int
    reference: str


class AnchorStream:
    """Finds the hyperlinks of one page: the ``href`` of ``a`` and ``area``.

    Attributes:
        base: the ``href`` of the first element ``base`` so far; None if there is none.
        has_too_long_token: whether a tag, a comment or a script has no end within the limit; what
            follows is then not read.
    """

    def __init__(self) -> None:
        self.base: str | None = None
        self.has_too_long_token = False
        self._tokenizer = Tokenizer()
        self._length_since_token = 0

    def feed(self, text: str) -> Iterator[StreamedAnchor]:
        """Yield the links of the next piece of the page."""
        if self.has_too_long_token:
            return
        self._length_since_token += len(text)
        for token in self._tokenizer.feed(text):
            self._length_since_token = 0
            if (anchor := self._anchor_of(token)) is not None:
                yield anchor
        self.has_too_long_token = self._length_since_token > MAX_TOKEN_LENGTH

    def _anchor_of(self, token: Token) -> StreamedAnchor | None:
        if token.type is not TokenType.START_TAG:
            return None
        if token.tag in _ANCHORS:
            href = token.attr("href")
            return None if href is None else StreamedAnchor(token.line, href)
        # Only the first one counts (HTML standard, 4.2.3).
        if token.tag == "base" and self.base is None:
            self.base = token.attr("href")
        return None
