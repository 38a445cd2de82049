"""Decompresses archives that cannot be read from any record on.

These are zstd files (https://iipc.github.io/warc-specifications/specifications/warc-zstd/), and
gzip files with more than one record in a member.
"""

import re
import sys
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from downloader.web.archive_formats import ZSTD_DICTIONARY_FRAME, ZSTD_FRAME

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_READ_BYTES = 256 * 1024
#: Compressed bytes at once: what follows the end of a member or frame is copied.
_COMPRESSED_BYTES = 16 * 1024
#: Members or frames in a row that hold nothing.
_MAX_EMPTY = 1000
_MAX_HEADER_BYTES = 64 * 1024
_MAX_DICTIONARY_BYTES = 16 * 1024 * 1024
_GZIP_WBITS = 31
_WARC_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})", re.IGNORECASE | re.MULTILINE)
#: The end of a header, and of a record's block.
_SEPARATOR = b"\r\n\r\n"


class DecompressionError(Exception):
    """A compressed archive is damaged."""


def is_one_member(file: BinaryIO) -> bool:
    """Return whether a gzip file has a second record in its first member."""
    decompressor = zlib.decompressobj(_GZIP_WBITS)
    begin = bytearray()
    expected: int | None = None
    length = 0
    data = b""
    try:
        while not decompressor.eof:
            data = decompressor.unconsumed_tail or file.read(_READ_BYTES)
            if not data:
                return False
            piece = decompressor.decompress(data, _READ_BYTES)
            length += len(piece)
            if expected is None:
                begin += piece
                expected = _first_record_length(begin)
                if expected is None and len(begin) > _MAX_HEADER_BYTES:
                    return False
            if expected is not None and length > expected:
                return True
    except zlib.error:
        return False
    return False


def _first_record_length(data: bytes | bytearray) -> int | None:
    """Return the bytes of the first record with the line ends after it; None if unknown yet."""
    if data.startswith(b"filedesc://"):
        line = bytes(data).partition(b"\n")
        length = line[0].rpartition(b" ")[2]
        return len(line[0]) + 2 + int(length) if line[1] and length.isdigit() else None
    header, separator, _ = bytes(data).partition(_SEPARATOR)
    match = _WARC_LENGTH.search(header)
    if not separator or match is None:
        return None
    return len(header) + len(_SEPARATOR) + int(match[1]) + len(_SEPARATOR)


def decompress_gzip(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a gzip file of any number of members.

    Raises:
        DecompressionError: it is damaged; what comes before has been yielded.
    """
    rest = b""
    empty = 0
    while rest := rest or file.read(_COMPRESSED_BYTES):
        decompressor = zlib.decompressobj(_GZIP_WBITS)
        is_empty = True
        while not decompressor.eof:
            data = decompressor.unconsumed_tail or rest or file.read(_COMPRESSED_BYTES)
            rest = b""
            if not data:
                return
            try:
                piece = decompressor.decompress(data, _READ_BYTES)
            except zlib.error as error:
                raise DecompressionError(str(error)) from error
            is_empty = is_empty and not piece
            yield piece
        rest = decompressor.unused_data
        empty = _count_empty(empty, is_empty=is_empty)


def decompress_zstd(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a zstd file, whose first frame may hold a dictionary.

    Raises:
        DecompressionError: it is damaged; what comes before has been yielded.
    """
    dictionary, rest = _read_dictionary(file)
    empty = 0
    while rest := rest or file.read(_COMPRESSED_BYTES):
        decompressor = zstd.ZstdDecompressor(dictionary)
        is_empty = True
        while not decompressor.eof:
            data = rest if decompressor.needs_input else b""
            if decompressor.needs_input and not data and not (data := file.read(_COMPRESSED_BYTES)):
                return
            if decompressor.needs_input:
                rest = b""
            try:
                piece = decompressor.decompress(data, _READ_BYTES)
            except zstd.ZstdError as error:
                raise DecompressionError(str(error)) from error
            is_empty = is_empty and not piece
            yield piece
        rest = decompressor.unused_data
        empty = _count_empty(empty, is_empty=is_empty)


def _count_empty(before: int, *, is_empty: bool) -> int:
    """Return how many members or frames in a row were empty.

    Raises:
        DecompressionError: too many.
    """
    if before >= _MAX_EMPTY and is_empty:
        raise DecompressionError(f"over {_MAX_EMPTY} members or frames in a row are empty")
    return before + 1 if is_empty else 0


def _read_dictionary(file: BinaryIO) -> tuple["zstd.ZstdDict | None", bytes]:
    first = file.read(8)
    if not first.startswith(ZSTD_DICTIONARY_FRAME):
        return None, first
    size = int.from_bytes(first[4:], "little")
    if size > _MAX_DICTIONARY_BYTES:
        raise DecompressionError(f"a dictionary of {size} bytes")
    content = file.read(size)
    try:
        if content.startswith(ZSTD_FRAME):
            content = zstd.ZstdDecompressor().decompress(content, _MAX_DICTIONARY_BYTES)
        return zstd.ZstdDict(content), b""
    except (zstd.ZstdError, ValueError) as error:
        raise DecompressionError(str(error)) from error
