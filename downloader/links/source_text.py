"""Bytes and their text: decoded so that every character can be found among the bytes again."""

import codecs
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import webencodings

from downloader.links.model import Replacement
from downloader.web.charset import SAMPLE, CharacterCount

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
#: How far apart the known places are when characters must be counted.
_STEP = 4096
#: So many characters, so many bytes, and the state of the decoder there.
_Mark = tuple[int, int, tuple[bytes, int]]


class Edit(NamedTuple):
    """Put *text*, which is ASCII, in the place of the characters from *start* to *end*."""

    start: int
    end: int
    text: str


class SourceText:
    """A body as text.

    Attributes:
        text: the characters. Bytes that are none in this encoding are lone surrogates.
        encoding: the WHATWG name of the encoding.
    """

    def __init__(self, body: bytes, charset: str | None) -> None:
        """Decode *body*; *charset* is a label, or None to look at the bytes as a browser does."""
        self._body = body
        label, self._skip = _choose(body, charset)
        encoding = webencodings.lookup(label) or webencodings.UTF8
        if encoding.name == "replacement":
            # It would make one replacement character of any text: there are no links in it.
            encoding = webencodings.UTF8
        self.encoding = encoding.name
        self._codec = encoding.codec_info
        wide = encoding.name.startswith("utf-16")
        self._errors = "surrogatepass" if wide else "surrogateescape"
        data = body[self._skip :]
        self._tail = data[len(data) - len(data) % 2 :] if wide else b""
        self.text, self._marks = self._decode(data[: len(data) - len(self._tail)])

    def _decode(self, data: bytes) -> tuple[str, list[_Mark] | None]:
        """Return the text, and places known in it unless encoding it again gives the bytes."""
        try:
            text = self._codec.decode(data, self._errors)[0]
            # With UTF-8 it always does (PEP 383).
            if self.encoding == "utf-8" or self._codec.encode(text, self._errors)[0] == data:
                return text, None
        except UnicodeError:
            pass
        try:
            return self._count(data)
        except UnicodeError:
            # Nothing else is left that keeps the bytes: markup is ASCII in any encoding.
            self._codec = codecs.lookup("latin-1")
            return data.decode("latin-1"), None

    def _count(self, data: bytes) -> tuple[str, list[_Mark]]:
        """Decode step by step, and note which byte belongs to which character."""
        decoder = self._codec.incrementaldecoder("replace")
        marks, pieces, characters = [(0, 0, decoder.getstate())], [], 0
        for start in range(0, len(data), _STEP):
            end = min(start + _STEP, len(data))
            pieces.append(decoder.decode(data[start:end], end == len(data)))
            characters += len(pieces[-1])
            marks.append((characters, end, decoder.getstate()))
        return "".join(pieces), marks

    def splice(self, changes: Sequence[Replacement]) -> bytes:
        """Return the bytes with *changes* made, which are in order and do not overlap."""
        if not changes:
            return self._body
        if self._marks is None:
            return self._splice_text(changes)
        return self._splice_bytes(changes, self._marks)

    def _splice_text(self, changes: Sequence[Replacement]) -> bytes:
        pieces, position = list[str](), 0
        for start, end, _, after, _ in changes:
            pieces += (self.text[position:start], after)
            position = end
        pieces.append(self.text[position:])
        data = self._codec.encode("".join(pieces), self._errors)[0]
        return self._body[: self._skip] + data + self._tail

    def _splice_bytes(self, changes: Sequence[Replacement], marks: list[_Mark]) -> bytes:
        at = self._places(sorted({place for each in changes for place in each[:2]}), marks)
        pieces, position = list[bytes](), 0
        for start, end, _, after, _ in changes:
            pieces += (self._body[position : at[start]], self._codec.encode(after)[0])
            position = at[end]
        pieces.append(self._body[position:])
        return b"".join(pieces)

    def _places(self, wanted: list[int], marks: list[_Mark]) -> dict[int, int]:
        """Return the first byte offset at which so many characters are complete, for each.

        What is replaced follows and precedes an ASCII character, so that in an encoding with
        shift sequences the state there is that of ASCII.
        """
        decoder = self._codec.incrementaldecoder("replace")
        counts = [mark[0] for mark in marks]
        found: dict[int, int] = {}
        characters, position = 0, self._skip
        for place in wanted:
            nearest = marks[max(bisect_left(counts, place) - 1, 0)]
            if nearest[0] > characters:
                characters, position = nearest[0], self._skip + nearest[1]
                decoder.setstate(nearest[2])
            while characters < place and position < len(self._body):
                position += 1
                byte = self._body[position - 1 : position]
                characters += len(decoder.decode(byte, position == len(self._body)))
            found[place] = position
        return found


def _choose(body: bytes, charset: str | None) -> tuple[str, int]:
    """Return a label of the encoding and the length of the byte order mark."""
    for mark, label in _BOMS:
        if body.startswith(mark):
            return label, len(mark)
    if charset and charset.isascii() and webencodings.lookup(charset):
        return charset, 0
    count = CharacterCount("")
    count.feed(body[:SAMPLE])
    count.finish()
    return count.charset, 0
