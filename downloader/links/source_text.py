"""The decoded text of a document, with the way back from each character to its bytes."""

import codecs
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import webencodings

from downloader.links.model import Replacement
from downloader.web.charset import SAMPLE_BYTES, charset_of

_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16le"),
    (b"\xfe\xff", "utf-16be"),
)
#: Distance of checkpoints in a body whose characters must be counted to find their bytes.
_CHECKPOINT_BYTES = 4096


class Edit(NamedTuple):
    """Replace the characters from *start* to *end* by *text*, which is ASCII."""

    start: int
    end: int
    text: str


class _Checkpoint(NamedTuple):
    """The number of characters before a byte offset, and the decoder's state there."""

    characters: int
    offset: int
    state: tuple[bytes, int]


class SourceText:
    """A body as text.

    Attributes:
        body: the bytes.
        text: the characters; undecodable bytes are lone surrogates.
        encoding: the WHATWG name of the encoding.
    """

    def __init__(self, body: bytes, charset: str | None, media_type: str) -> None:
        """Decode *body*; *charset* is a label, or None to find it as a browser does."""
        self.body = body
        label, self._mark_length = _choose_encoding(body, charset, media_type)
        encoding = webencodings.lookup(label) or webencodings.UTF8
        if encoding.name == "replacement":
            # This decoder returns one replacement character for any text, so no link is found.
            encoding = webencodings.UTF8
        self.encoding = encoding.name
        self._codec = encoding.codec_info
        is_utf16 = encoding.name.startswith("utf-16")
        self._errors = "surrogatepass" if is_utf16 else "surrogateescape"
        data = body[self._mark_length :]
        self._odd_byte = data[len(data) - len(data) % 2 :] if is_utf16 else b""
        self.text, self._checkpoints = self._decode(data[: len(data) - len(self._odd_byte)])

    def _decode(self, data: bytes) -> tuple[str, list[_Checkpoint] | None]:
        """Return the text, and checkpoints unless encoding it gives the same bytes."""
        try:
            text = self._codec.decode(data, self._errors)[0]
            # With UTF-8 it always does (PEP 383).
            if self.encoding == "utf-8" or self._codec.encode(text, self._errors)[0] == data:
                return text, None
        except UnicodeError:
            pass
        try:
            return self._decode_with_checkpoints(data)
        except UnicodeError:
            # Latin-1 keeps every byte, and markup is ASCII in any encoding.
            self._codec = codecs.lookup("latin-1")
            return data.decode("latin-1"), None

    def _decode_with_checkpoints(self, data: bytes) -> tuple[str, list[_Checkpoint]]:
        decoder = self._codec.incrementaldecoder("replace")
        checkpoints = [_Checkpoint(0, 0, decoder.getstate())]
        pieces, characters = [], 0
        for start in range(0, len(data), _CHECKPOINT_BYTES):
            end = min(start + _CHECKPOINT_BYTES, len(data))
            pieces.append(decoder.decode(data[start:end], end == len(data)))
            characters += len(pieces[-1])
            checkpoints.append(_Checkpoint(characters, end, decoder.getstate()))
        return "".join(pieces), checkpoints

    def splice(self, replacements: Sequence[Replacement]) -> bytes:
        """Return the bytes with *replacements*, which are in order and do not overlap."""
        if not replacements:
            return self.body
        if self._checkpoints is None:
            return self._splice_text(replacements)
        return self._splice_bytes(replacements, self._checkpoints)

    def _splice_text(self, replacements: Sequence[Replacement]) -> bytes:
        pieces, position = list[str](), 0
        for start, end, _, after, _ in replacements:
            pieces += (self.text[position:start], after)
            position = end
        pieces.append(self.text[position:])
        data = self._codec.encode("".join(pieces), self._errors)[0]
        return self.body[: self._mark_length] + data + self._odd_byte

    def _splice_bytes(
        self, replacements: Sequence[Replacement], checkpoints: list[_Checkpoint]
    ) -> bytes:
        edges = sorted({edge for each in replacements for edge in each[:2]})
        byte_offsets = self._byte_offsets(edges, checkpoints)
        pieces, position = list[bytes](), 0
        for start, end, _, after, _ in replacements:
            pieces += (
                self.body[position : byte_offsets[start]],
                self._codec.encode(after)[0],
            )
            position = byte_offsets[end]
        pieces.append(self.body[position:])
        return b"".join(pieces)

    def _byte_offsets(
        self, characters: list[int], checkpoints: list[_Checkpoint]
    ) -> dict[int, int]:
        """Return the byte offset after each of these numbers of characters.

        A replaced span is between ASCII characters, so in an encoding with shift sequences the
        state at its ends is that of ASCII.
        """
        decoder = self._codec.incrementaldecoder("replace")
        counts = [checkpoint.characters for checkpoint in checkpoints]
        offsets: dict[int, int] = {}
        decoded, offset = 0, self._mark_length
        for wanted in characters:
            nearest = checkpoints[max(bisect_left(counts, wanted) - 1, 0)]
            if nearest.characters > decoded:
                decoded, offset = nearest.characters, self._mark_length + nearest.offset
                decoder.setstate(nearest.state)
            while decoded < wanted and offset < len(self.body):
                offset += 1
                byte = self.body[offset - 1 : offset]
                decoded += len(decoder.decode(byte, offset == len(self.body)))
            offsets[wanted] = offset
        return offsets


def _choose_encoding(body: bytes, charset: str | None, media_type: str) -> tuple[str, int]:
    """Return a label of the encoding, and the length of the byte order mark."""
    for mark, label in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return label, len(mark)
    if charset and charset.isascii() and webencodings.lookup(charset):
        return charset, 0
    return charset_of(body[:SAMPLE_BYTES], media_type), 0
