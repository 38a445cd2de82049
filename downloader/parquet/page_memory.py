"""How much memory the pages of a column take, by their headers, before any is uncompressed.

pyarrow uncompresses a page whole, and makes a value of it for each row of a batch. So a hostile
file of a kilobyte could ask for any memory: by a page of two gigabytes of one byte, or by one long
value that every row refers to. Its own view of the end of a file is not asked, because it ends the
process over a column that is encrypted.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from downloader.parquet.pyarrow_api import ParquetError
from downloader.parquet.thrift import STRUCT, ThriftError, ThriftReader

#: How a file ends: the length of what it says of itself, and four letters.
_TAIL = 8
#: Bytes of a page header that are read at first, and at most, as in pyarrow.
_FIRST_READ = 1024
_LONGEST_HEADER = 16 * 1024**2
# Fields of parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, PageHeader.
_ROW_GROUPS, _COLUMNS, _META_DATA, _CRYPTO_METADATA = 4, 1, 3, 8
_NUM_VALUES, _TOTAL_COMPRESSED_SIZE = 5, 7
_DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 9, 11
_WHERE = (_NUM_VALUES, _TOTAL_COMPRESSED_SIZE, _DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET)
_TYPE, _UNCOMPRESSED, _COMPRESSED = 1, 2, 3
#: The headers within one: which field has the encoding.
_ENCODING = {5: 2, 8: 4}
_DICTIONARY_PAGE, _DELTA_BYTE_ARRAY = 2, 7


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What column chunks take.

    Attributes:
        page: bytes of the largest page, uncompressed.
        repeated: bytes of the largest page of each of which a value may come in every row.
    """

    page: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where a column of a row group is, in bytes."""

    start: int
    length: int


def chunks(file: BinaryIO, places: Collection[int]) -> list[list[Chunk]]:
    """Return, of each row group, where the columns in some *places* are.

    Raises:
        ParquetError: the file does not say.
        OSError: it cannot be read.
    """
    file.seek(-_TAIL, os.SEEK_END)
    length = int.from_bytes(file.read(_TAIL)[:4], "little")
    file.seek(-_TAIL - length, os.SEEK_END)
    thrift = ThriftReader(file.read(length))
    found: list[list[Chunk]] = []
    with _whole():
        for field, kind in thrift.fields():
            if field == _ROW_GROUPS:
                found = [_row_group(thrift, places) for _ in thrift.items(kind, STRUCT)]
            else:
                thrift.skip(kind)
    return found


def weigh(file: BinaryIO, group: list[Chunk]) -> MemoryEstimate:
    """Return what the columns of a row group take.

    Raises:
        ParquetError: what is there are no pages.
        OSError: the file cannot be read.
    """
    page = total = 0
    for chunk in group:
        start, repeated = chunk.start, 0
        while start < chunk.start + chunk.length:
            header, size = _header(file, start)
            page = max(page, header.uncompressed)
            if header.repeated:
                repeated = max(repeated, header.uncompressed)
            start += size + header.compressed
        total += repeated
    return MemoryEstimate(page, total)


def _row_group(thrift: ThriftReader, places: Collection[int]) -> list[Chunk]:
    found: list[Chunk] = []
    for field, kind in thrift.fields():
        if field != _COLUMNS:
            thrift.skip(kind)
            continue
        for place in thrift.items(kind, STRUCT):
            if place in places:
                found.append(_chunk(thrift))
            else:
                thrift.skip(STRUCT)
    if len(found) != len(places):
        raise ThriftError
    return found


def _chunk(thrift: ThriftReader) -> Chunk:
    numbers: dict[int, int] = {}
    for field, kind in thrift.fields():
        if field == _CRYPTO_METADATA:
            raise ParquetError("is encrypted", hint="decrypt it first")
        if field != _META_DATA or kind != STRUCT:
            thrift.skip(kind)
            continue
        for inner, kind_within in thrift.fields():
            if inner in _WHERE:
                numbers[inner] = thrift.integer(kind_within)
            else:
                thrift.skip(kind_within)
    start, length = (numbers.get(each, -1) for each in (_DATA_PAGE_OFFSET, _TOTAL_COMPRESSED_SIZE))
    if start < 0 or length < 0:
        raise ThriftError
    if numbers.get(_NUM_VALUES, 0) <= 0:
        return Chunk(0, 0)  # no page of it is read, and some writers do not say where it is
    # As pyarrow sees it: some writers have no dictionary, and say 0.
    dictionary = numbers.get(_DICTIONARY_PAGE_OFFSET, 0)
    return Chunk(min(start, dictionary) if dictionary > 0 else start, length)


@dataclass(slots=True)
class _PageHeader:
    compressed: int = -1
    uncompressed: int = -1
    repeated: bool = False


def _header(file: BinaryIO, start: int) -> tuple[_PageHeader, int]:
    """Return the header of the page at *start*, and how long that is."""
    size = _FIRST_READ
    while True:
        file.seek(start)
        thrift = ThriftReader(file.read(size))
        try:
            with _whole(more=size < _LONGEST_HEADER):
                return _page(thrift), thrift.place
        except IndexError:
            size *= 16


def _page(thrift: ThriftReader) -> _PageHeader:
    header = _PageHeader()
    for field, kind in thrift.fields():
        if field == _TYPE:
            header.repeated = thrift.integer(kind) == _DICTIONARY_PAGE
        elif field == _UNCOMPRESSED:
            header.uncompressed = thrift.integer(kind)
        elif field == _COMPRESSED:
            header.compressed = thrift.integer(kind)
        elif field in _ENCODING and kind == STRUCT:
            for inner, kind_within in thrift.fields():
                if inner == _ENCODING[field]:
                    header.repeated |= thrift.integer(kind_within) == _DELTA_BYTE_ARRAY
                else:
                    thrift.skip(kind_within)
        else:
            thrift.skip(kind)
    if header.uncompressed < 0 or header.compressed < 0:
        raise ThriftError
    return header


@contextmanager
def _whole(*, more: bool = False) -> Iterator[None]:
    """Turn what is wrong with the data into an error of ours; with *more*, not that they end.

    Raises:
        ParquetError: something is wrong.
    """
    try:
        yield
    except (ThriftError, IndexError) as error:
        if more and isinstance(error, IndexError):
            raise
        raise ParquetError("is corrupt Parquet: a header in it is broken") from error
