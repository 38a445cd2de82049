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
    """Yield the content of a gzip file of any number of members."""
    rest = b""
    while rest := rest or file.read(_READ_BYTES):
        decompressor = zlib.decompressobj(_GZIP_WBITS)
        while not decompressor.eof:
            data = decompressor.unconsumed_tail or rest or file.read(_READ_BYTES)
            rest = b""
            if not data:
                return
            try:
                yield decompressor.decompress(data, _READ_BYTES)
            except zlib.error as error:
                raise DecompressionError(str(error)) from error
        rest = decompressor.unused_data


def decompress_zstd(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a zstd file, whose first frame may hold a dictionary."""
    dictionary, rest = _read_dictionary(file)
    while rest := rest or file.read(_READ_BYTES):
        decompressor = zstd.ZstdDecompressor(dictionary)
        while not decompressor.eof:
            data = rest if decompressor.needs_input else b""
            if decompressor.needs_input and not data and not (data := file.read(_READ_BYTES)):
                return
            if decompressor.needs_input:
                rest = b""
            try:
                yield decompressor.decompress(data, _READ_BYTES)
            except zstd.ZstdError as error:
                raise DecompressionError(str(error)) from error
        rest = decompressor.unused_data


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
            content = zstd.decompress(content)
        return zstd.ZstdDict(content), b""
    except (zstd.ZstdError, ValueError) as error:
        raise DecompressionError(str(error)) from error
