"""Estimate the memory that columns of a Parquet file take, from page headers alone.

pyarrow decompresses a page as a whole, and makes one value per row of a batch. A hostile file of
one kilobyte could therefore take any amount of memory: by a page of two gigabytes of the same byte,
or by one long value that every row refers to. The footer is parsed here as well, because pyarrow
aborts the process when it looks at the metadata of an encrypted column.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from downloader.parquet.pyarrow_api import ParquetError
from downloader.parquet.thrift import STRUCT, ThriftError, ThriftReader

#: Bytes at the end of a file: the length of the footer before them, and the magic number.
_FOOTER_LENGTH_BYTES = 8
#: Bytes of a page header that are read at first, and at most, as in pyarrow.
_FIRST_READ_BYTES = 1024
_MAX_HEADER_BYTES = 16 * 1024**2
# Field numbers of parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, PageHeader.
_ROW_GROUPS, _COLUMNS, _META_DATA, _CRYPTO_METADATA = 4, 1, 3, 8
_NUM_VALUES, _TOTAL_COMPRESSED_SIZE = 5, 7
_DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 9, 11
_CHUNK_FIELDS = (_NUM_VALUES, _TOTAL_COMPRESSED_SIZE, _DATA_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET)
_PAGE_TYPE, _UNCOMPRESSED_SIZE, _COMPRESSED_SIZE = 1, 2, 3
#: Fields of PageHeader that hold a nested header: the field of that one with the encoding.
_ENCODING_FIELDS = {5: 2, 8: 4}
#: Values of the enumerations PageType and Encoding.
_DICTIONARY_PAGE, _DELTA_BYTE_ARRAY = 2, 7


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """The memory that the column chunks of a row group take.

    Attributes:
        largest_page: bytes of the largest page, uncompressed.
        row: most bytes of one row: the sum, over the columns whose encoding lets every row repeat
            one value, of the largest page.
    """

    largest_page: int
    row: int


@dataclass(frozen=True, slots=True)
class ColumnChunk:
    """The position of a column of a row group in the file, in bytes."""

    start: int
    length: int


def column_chunks(file: BinaryIO, columns: Collection[int]) -> list[list[ColumnChunk]]:
    """Return the chunks of some columns, by their indices, for each row group of a file.

    Raises:
        ParquetError: the footer is corrupt.
        OSError: the file cannot be read.
    """
    file.seek(-_FOOTER_LENGTH_BYTES, os.SEEK_END)
    length = int.from_bytes(file.read(_FOOTER_LENGTH_BYTES)[:4], "little")
    file.seek(-_FOOTER_LENGTH_BYTES - length, os.SEEK_END)
    thrift = ThriftReader(file.read(length))
    found: list[list[ColumnChunk]] = []
    with _translated():
        for field, kind in thrift.fields():
            if field == _ROW_GROUPS:
                found = [_row_group(thrift, columns) for _ in thrift.items(kind, STRUCT)]
            else:
                thrift.skip(kind)
    return found


def estimate_memory(file: BinaryIO, group: list[ColumnChunk]) -> MemoryEstimate:
    """Return the memory that column chunks of a row group take.

    Raises:
        ParquetError: a page header is corrupt.
        OSError: the file cannot be read.
    """
    largest_page = row = 0
    for chunk in group:
        start, repeated = chunk.start, 0
        while start < chunk.start + chunk.length:
            header, size = _read_header(file, start)
            largest_page = max(largest_page, header.uncompressed)
            if header.repeated:
                repeated = max(repeated, header.uncompressed)
            start += size + header.compressed
        row += repeated
    return MemoryEstimate(largest_page, row)


def _row_group(thrift: ThriftReader, columns: Collection[int]) -> list[ColumnChunk]:
    found: list[ColumnChunk] = []
    for field, kind in thrift.fields():
        if field != _COLUMNS:
            thrift.skip(kind)
            continue
        for index in thrift.items(kind, STRUCT):
            if index in columns:
                found.append(_chunk(thrift))
            else:
                thrift.skip(STRUCT)
    if len(found) != len(columns):
        raise ThriftError
    return found


def _chunk(thrift: ThriftReader) -> ColumnChunk:
    numbers: dict[int, int] = {}
    for field, kind in thrift.fields():
        if field == _CRYPTO_METADATA:
            raise ParquetError("is encrypted", hint="decrypt it first")
        if field != _META_DATA or kind != STRUCT:
            thrift.skip(kind)
            continue
        for inner, kind_within in thrift.fields():
            if inner in _CHUNK_FIELDS:
                numbers[inner] = thrift.integer(kind_within)
            else:
                thrift.skip(kind_within)
    start, length = (numbers.get(each, -1) for each in (_DATA_PAGE_OFFSET, _TOTAL_COMPRESSED_SIZE))
    if start < 0 or length < 0:
        raise ThriftError
    if numbers.get(_NUM_VALUES, 0) <= 0:
        # pyarrow reads no page of an empty chunk, and some writers do not give its position.
        return ColumnChunk(0, 0)
    # As in pyarrow: some writers give 0 as the offset of a dictionary that does not exist.
    dictionary = numbers.get(_DICTIONARY_PAGE_OFFSET, 0)
    return ColumnChunk(min(start, dictionary) if dictionary > 0 else start, length)


@dataclass(slots=True)
class _PageHeader:
    """The fields of a page header that the memory of its page depends on.

    Attributes:
        compressed, uncompressed: sizes of the page in bytes.
        repeated: whether every row may refer to the same value of the page.
    """

    compressed: int = -1
    uncompressed: int = -1
    repeated: bool = False


def _read_header(file: BinaryIO, start: int) -> tuple[_PageHeader, int]:
    """Return the header of the page at *start*, and the header's length."""
    size = _FIRST_READ_BYTES
    while True:
        file.seek(start)
        thrift = ThriftReader(file.read(size))
        try:
            with _translated(may_be_cut=size < _MAX_HEADER_BYTES):
                return _parse_header(thrift), thrift.position
        except IndexError:
            size *= 16


def _parse_header(thrift: ThriftReader) -> _PageHeader:
    header = _PageHeader()
    for field, kind in thrift.fields():
        if field == _PAGE_TYPE:
            header.repeated = thrift.integer(kind) == _DICTIONARY_PAGE
        elif field == _UNCOMPRESSED_SIZE:
            header.uncompressed = thrift.integer(kind)
        elif field == _COMPRESSED_SIZE:
            header.compressed = thrift.integer(kind)
        elif field in _ENCODING_FIELDS and kind == STRUCT:
            for inner, kind_within in thrift.fields():
                if inner == _ENCODING_FIELDS[field]:
                    header.repeated |= thrift.integer(kind_within) == _DELTA_BYTE_ARRAY
                else:
                    thrift.skip(kind_within)
        else:
            thrift.skip(kind)
    if header.uncompressed < 0 or header.compressed < 0:
        raise ThriftError
    return header


@contextmanager
def _translated(*, may_be_cut: bool = False) -> Iterator[None]:
    """Turn errors of the Thrift parser into :class:`ParquetError`.

    Raises:
        ParquetError: the data is corrupt.
        IndexError: it ends too early, and *may_be_cut* allows that.
    """
    try:
        yield
    except (ThriftError, IndexError) as error:
        if may_be_cut and isinstance(error, IndexError):
            raise
        raise ParquetError("is corrupt Parquet: a header in it is broken") from error
