"""Bytes of a list, as they come, into lines: uncompressed, decoded, of bounded length."""

import zlib
from collections.abc import Iterator
from itertools import chain

from downloader.errors import SourceError

#: A line's number, its text, and whether that is all of it.
Numbered = tuple[int, str, bool]

#: No address is longer; what is, is no line but garbage, and must not fill memory.
LONGEST_LINE = 64 * 1024
TOO_LONG = "the line is too long for an address"
#: How gzip data begins.
GZIP = b"\x1f\x8b"

_CHUNK = 64 * 1024
#: As much of a list as shows its format, unless its first line is shorter.
_HEAD = 1024
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BLANK = b"\0 \t\r\n" + b"".join(mark for mark, _ in _BOMS)


def peek(data: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return *data* with its beginning: the first line that is not blank, or as much as needed."""
    head = b""
    for piece in data:
        head += piece
        if len(head) >= _HEAD or head[:2] == GZIP or b"\n" in head.lstrip(_BLANK):
            break
    return chain((head,), data), head


def gunzip(data: Iterator[bytes], shown: str) -> Iterator[bytes]:
    """Undo gzip (RFC 1952), several members allowed, in pieces of bounded size.

    Raises:
        SourceError: the data is corrupt or cut off; what came before was yielded.
    """
    decompressor = zlib.decompressobj(wbits=31)
    try:
        for piece in data:
            while piece:
                if decompressor.eof:
                    # Zero padding is dropped, as gzip itself does.
                    if piece := piece.lstrip(b"\0"):
                        decompressor = zlib.decompressobj(wbits=31)
                    continue
                if text := decompressor.decompress(piece, _CHUNK):
                    yield text
                piece = decompressor.unused_data or decompressor.unconsumed_tail
    except zlib.error as error:
        raise SourceError(f"{shown} is corrupt gzip data") from error
    if not decompressor.eof:
        raise SourceError(f"{shown} is cut off: the gzip data has no end")


def encoding_of(head: bytes) -> str:
    """Return the encoding that a list's byte order mark tells, or UTF-8."""
    return next((label for mark, label in _BOMS if head.startswith(mark)), "utf-8")


def split_lines(data: Iterator[bytes], encoding: str) -> Iterator[Numbered]:
    """Yield numbered lines without their ends; of a line that is far too long, the beginning."""
    feed, mark = (b"\n\0", b"\r\0") if encoding == "utf-16-le" else (b"\n", b"\r")
    if encoding == "utf-16-be":
        feed, mark = b"\0\n", b"\0\r"

    def numbered(line: bytes) -> Numbered:
        text = line.removesuffix(mark)[:LONGEST_LINE].decode(encoding, "replace")
        return number, text.removeprefix("\ufeff") if number == 1 else text, not too_long(line)

    def too_long(line: bytes) -> bool:
        return len(line) > LONGEST_LINE

    number, rest, skipping = 1, b"", False
    for piece in data:
        *lines, rest = _cut_lines(rest + piece, feed)
        for line in lines:
            if not skipping:
                yield numbered(line)
            number, skipping = number + 1, False
        if not skipping and len(rest) >= LONGEST_LINE + len(feed):
            yield numbered(rest)
            skipping = True
        if skipping:
            # Half of a UTF-16 line feed may be here already.
            rest = rest[len(rest) - len(rest) % len(feed) :]
    if rest and not skipping:
        yield numbered(rest)


def _cut_lines(data: bytes, feed: bytes) -> list[bytes]:
    if len(feed) == 1:
        return data.split(feed)
    # A line feed in UTF-16 is two bytes at an even place.
    lines, start, at = [], 0, data.find(feed)
    while at >= 0:
        if at % 2 == 0:
            lines.append(data[start:at])
            start = at + 2
        at = data.find(feed, at + 1)
    lines.append(data[start:])
    return lines
