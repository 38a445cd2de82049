"""Gzip members, one per record, so that an index can address a record (WARC 1.1, annex D).

ISA-L compresses a page in a sixth of zlib's time at its default level, to about the same size;
with zlib, compression would take more than half of a download's CPU time.
"""

import importlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol, cast

from downloader.models.exchange import Exchange

_LEVEL = 1
#: zlib's parameter for a gzip header and trailer.
_GZIP_WBITS = 31
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_MAX_STORED_BLOCK_BYTES = 0xFFFF
#: Media types, or their beginnings, of data that is compressed already.
_COMPRESSED_TYPES = (
    "video/",
    "audio/",
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "font/woff",
    "application/zip",
    "application/gzip",
    "application/x-gzip",
    "application/x-xz",
    "application/x-bzip2",
    "application/x-7z-compressed",
    "application/zstd",
    "application/epub+zip",
    "application/java-archive",
    "application/vnd.openxmlformats",
    "application/vnd.oasis.opendocument",
    "application/vnd.debian.binary-package",
)


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes:
        """Compress more data; return the output so far."""

    def flush(self) -> bytes:
        """Return the rest of the output."""


class _ZlibModule(Protocol):
    """The functions that :mod:`zlib` and ``isal.isal_zlib`` have in common."""

    def compress(self, data: bytes, level: int, wbits: int, /) -> bytes:
        """Return compressed data."""

    def compressobj(self, level: int, method: int, wbits: int, /) -> _Compressor:
        """Return a compressor for data in pieces."""

    def crc32(self, data: bytes, value: int, /) -> int:
        """Return the checksum of more data."""


def _fastest_zlib() -> _ZlibModule:
    """Return ISA-L's module, or the standard one on machines without ISA-L."""
    try:
        return cast("_ZlibModule", importlib.import_module("isal.isal_zlib"))
    except ImportError:
        return cast("_ZlibModule", zlib)


_zlib = _fastest_zlib()
#: Small records use the fastest level: a better one takes four times as long.
_SMALL_RECORD_BYTES = 1024
_SMALL_RECORD_LEVEL = 1 if _zlib is zlib else 0


def is_compressible(exchange: Exchange) -> bool:
    """Return whether compression may make the body of an exchange smaller."""
    if exchange.content_coding not in ("", "identity"):
        return False
    return not exchange.media_type.startswith(_COMPRESSED_TYPES)


def gzip_member(record: bytes, *, compress: bool = True) -> bytes:
    """Return a record as one gzip member, compressed or only stored."""
    if compress:
        level = _LEVEL if len(record) > _SMALL_RECORD_BYTES else _SMALL_RECORD_LEVEL
        return _zlib.compress(record, level, _GZIP_WBITS)
    return b"".join(_stored_member((record,)))


def iter_gzip_member(pieces: Iterable[bytes], *, compress: bool) -> Iterator[bytes]:
    """Yield one gzip member of a record that comes in pieces."""
    if not compress:
        yield from _stored_member(pieces)
        return
    compressor = _zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _stored_member(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a gzip member of stored blocks, without compression (RFC 1951, section 3.2.4)."""
    yield _GZIP_HEADER
    crc = size = 0
    for piece in pieces:
        crc = _zlib.crc32(piece, crc)
        size += len(piece)
        for start in range(0, len(piece), _MAX_STORED_BLOCK_BYTES):
            block = piece[start : start + _MAX_STORED_BLOCK_BYTES]
            yield b"\0" + struct.pack("<HH", len(block), len(block) ^ 0xFFFF)
            yield block
    yield b"\1\0\0\xff\xff" + struct.pack("<II", crc, size & 0xFFFFFFFF)
