"""The lines of a text that arrives in chunks: uncompressed, decoded, of bounded length."""

import re
import zlib
from collections.abc import Callable, Iterator
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
#: Byte order marks, and the encodings that they stand for.
BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BLANK = b"\0 \t\r\n" + b"".join(bom for bom, _ in BOMS)
#: A first line that says the format only with the second one: a table's header, or XML.
_NEEDS_ANOTHER_LINE = re.compile(rb"\s*<\?xml|[^:/]*[,;|\t]|\W*sep=", re.IGNORECASE)
#: The first bytes of PNG, JPEG, GIF, PDF, ELF, ZIP, RAR, 7z, bzip2, xz and zstd.
_BINARY_MAGIC = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF", b"\x7fELF", b"PK\x03\x04", b"Rar!"),
    *(b"7z\xbc\xaf", b"BZh", b"\xfd7zX", b"\x28\xb5\x2f\xfd"),
)
_CONTROLS = bytes(each for each in range(32) if each not in b"\t\n\f\r")
#: The share of control characters and undecodable bytes that no text has, in percent.
_BINARY_PERCENT = 30


def peek(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bytes]:
    """Return all of *chunks*, and enough of their beginning to detect the format.

    That is 1 KiB, or the first line; or the first two lines where one is not enough.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _HEAD_BYTES or head[:2] == GZIP_MAGIC or _has_first_lines(head):
            break
    return chain((head,), chunks), head


def _has_first_lines(head: bytes) -> bool:
    first, newline, rest = head.lstrip(_BLANK).partition(b"\n")
    # The NULs of UTF-16 do not matter here.
    needs_more = _NEEDS_ANOTHER_LINE.match(first.replace(b"\0", b"")) is not None
    return bool(newline) and (not needs_more or b"\n" in rest.lstrip(_BLANK))


def first_lines(head: bytes, encoding: str) -> str:
    """Return the first line of a list that is not blank; the first two where one is not enough.

    However the list arrives, these are the same.
    """
    text = head[:_HEAD_BYTES].decode(encoding, "replace")
    if ends_with_cr(head, encoding):
        text = text.replace("\r", "\n")
    first, newline, rest = text.lstrip("\ufeff \t\r\n").partition("\n")
    if not _NEEDS_ANOTHER_LINE.match(first.encode("utf-8", "replace")):
        return first
    second = rest.lstrip(" \t\r\n").partition("\n")[0]
    return f"{first}{newline}{second}"


def ends_with_cr(head: bytes, encoding: str) -> bool:
    """Return whether the lines of a list end with a carriage return alone, as on old Macs."""
    # A line feed may follow a carriage return at the very end of the beginning.
    text = head[: _HEAD_BYTES - 2].decode(encoding, "replace")
    return "\r" in text and "\n" not in head[:_HEAD_BYTES].decode(encoding, "replace")


def is_binary(head: bytes) -> bool:
    """Return whether a list in UTF-8 is no text, but for single lines of it."""
    head = head[:_HEAD_BYTES]
    if head.startswith(_BINARY_MAGIC):
        return True
    if b"\0" not in head:
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS))
    undecodable = head.decode("utf-8", "replace").count("\ufffd")
    return 100 * (controls + undecodable) > _BINARY_PERCENT * len(head)


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
    return next((encoding for bom, encoding in BOMS if head.startswith(bom)), "utf-8")


def split_lines(
    chunks: Iterator[bytes],
    encoding: str,
    *,
    ends_with_cr: bool = False,
    on_undecodable: Callable[[bytes], str] | None = None,
) -> Iterator[NumberedLine]:
    """Yield numbered lines without their ends; of an overlong line, its beginning.

    Args:
        chunks: of the text.
        encoding: of the text.
        ends_with_cr: whether a carriage return alone ends a line.
        on_undecodable: returns the text of a line that is not in *encoding*; by default, what
            cannot be decoded is replaced.
    """
    newline, carriage_return = "\n".encode(encoding), "\r".encode(encoding)
    if ends_with_cr:
        newline = carriage_return

    def decoded(line: bytes) -> NumberedLine:
        is_complete = len(line) <= MAX_LINE_LENGTH
        line = line.removesuffix(carriage_return)[:MAX_LINE_LENGTH]
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError:
            if on_undecodable is not None and is_complete:
                text = on_undecodable(line)
            else:
                # What is cut off may end within a character.
                text = line.decode(encoding, "replace")
        if number == 1:
            text = text.removeprefix("\ufeff")
        return number, text, is_complete

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
