"""The lines of a text that arrives in chunks: uncompressed, decoded, of bounded length."""

import zlib
from collections.abc import Iterator
from itertools import chain

from downloader.errors import SourceError

#: A line's number, its text, and whether that is the complete line.
NumberedLine = tuple[int, str, bool]

#: Bytes of the longest line; a longer one is no URL, and must not fill memory.
MAX_LINE_LENGTH = 64 * 1024
TOO_LONG = "the line is too long for a URL"
#: The first bytes of gzip data (RFC 1952).
GZIP_MAGIC = b"\x1f\x8b"

_CHUNK_BYTES = 64 * 1024
#: Bytes of a list that suffice to detect its format, unless its first line is shorter.
_HEAD_BYTES = 1024
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BLANK = b"\0 \t\r\n" + b"".join(bom for bom, _ in _BOMS)


def peek(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return all of *chunks*, and their beginning: up to 1 KiB, or to the first line's end."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES or head[:2] == GZIP_MAGIC or b"\n" in head.lstrip(_BLANK):
            break
    return chain((head,), chunks), head


def gunzip(chunks: Iterator[bytes], label: str) -> Iterator[bytes]:
    """Decompress gzip data (RFC 1952) of one or more members, in chunks of bounded size.

    Raises:
        SourceError: the data is corrupt or cut off; what came before was yielded.
    """
    decompressor = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            while chunk:
                if decompressor.eof:
                    # Zero padding between members is skipped, as gzip itself does.
                    if chunk := chunk.lstrip(b"\0"):
                        decompressor = zlib.decompressobj(wbits=31)
                    continue
                if text := decompressor.decompress(chunk, _CHUNK_BYTES):
                    yield text
                chunk = decompressor.unused_data or decompressor.unconsumed_tail
    except zlib.error as error:
        raise SourceError(f"{label} is corrupt gzip data") from error
    if not decompressor.eof:
        raise SourceError(f"{label} is cut off: the gzip data has no end")


def detect_encoding(head: bytes) -> str:
    """Return the encoding that a byte order mark stands for, or UTF-8."""
    return next((encoding for bom, encoding in _BOMS if head.startswith(bom)), "utf-8")


def split_lines(chunks: Iterator[bytes], encoding: str) -> Iterator[NumberedLine]:
    """Yield numbered lines without their ends; of an overlong line, its beginning."""
    newline, carriage_return = (b"\n\0", b"\r\0") if encoding == "utf-16-le" else (b"\n", b"\r")
    if encoding == "utf-16-be":
        newline, carriage_return = b"\0\n", b"\0\r"

    def decoded(line: bytes) -> NumberedLine:
        text = line.removesuffix(carriage_return)[:MAX_LINE_LENGTH].decode(encoding, "replace")
        if number == 1:
            text = text.removeprefix("\ufeff")
        return number, text, len(line) <= MAX_LINE_LENGTH

    number, rest, skipping = 1, b"", False
    for chunk in chunks:
        *lines, rest = _split_at(rest + chunk, newline)
        for line in lines:
            if not skipping:
                yield decoded(line)
            number, skipping = number + 1, False
        if not skipping and len(rest) >= MAX_LINE_LENGTH + len(newline):
            yield decoded(rest)
            skipping = True
        if skipping:
            # The first byte of a UTF-16 newline may be the last one of the chunk.
            rest = rest[len(rest) - len(rest) % len(newline) :]
    if rest and not skipping:
        yield decoded(rest)


def _split_at(data: bytes, newline: bytes) -> list[bytes]:
    if len(newline) == 1:
        return data.split(newline)
    # In UTF-16, two bytes at an odd offset belong to two characters.
    lines, start, at = [], 0, data.find(newline)
    while at >= 0:
        if at % 2 == 0:
            lines.append(data[start:at])
            start = at + 2
        at = data.find(newline, at + 1)
    lines.append(data[start:])
    return lines
