"""Some columns of a Parquet file, row by row, whatever its length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from downloader.parquet.page_memory import MemoryEstimate, chunks, weigh
from downloader.parquet.pyarrow_api import (
    Array,
    FileSchema,
    Leaf,
    Library,
    ParquetError,
    load,
    translated,
)
from downloader.web.text import format_size, printable

#: How a Parquet file begins and ends, and one whose end is encrypted.
_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_ENDING = ".parquet"
#: Few, because values may be long, and those of a batch are in memory together.
_ROWS_AT_ONCE = 1024
#: Bytes of the values of a batch, whatever a file says; and of a page, which is read whole. Those
#: that usual writers make have one megabyte, and DuckDB's a hundred.
_LARGEST_BATCH = 128 * 1024**2
_LARGEST_PAGE = 256 * 1024**2
#: Bytes of a column that are read at once; without it, a row group's are.
_BUFFER = 256 * 1024
_INTEGERS = frozenset({"INT32", "INT64"})
#: What Parquet calls text, and bytes of which it says nothing.
_TEXTS = frozenset({"String", "Enum", "JSON", "None"})


@dataclass(frozen=True, slots=True)
class WantedColumn:
    """A column that is wanted.

    Attributes:
        name: what it is called, in whatever case.
        required: whether there is no use in a file without it.
        integer: whether it holds whole numbers, and not text.
    """

    name: str
    required: bool = False
    integer: bool = False


def is_parquet(name: str, head: bytes) -> bool:
    """Return whether a file is, or says that it is, Parquet: by its beginning or its name."""
    return head.startswith((_MAGIC, _ENCRYPTED)) or name.lower().endswith(_ENDING)


def read(file: BinaryIO, columns: Sequence[WantedColumn]) -> Iterator[tuple[str | int | None, ...]]:
    """Yield the rows of a file: of each the values of *columns*, None where there is none.

    Text that is no UTF-8 has replacement characters in it. Of memory it takes a page of each
    column, and some rows.

    Args:
        file: open at its beginning; it is read in any order.
        columns: those that are wanted; no other is read.

    Raises:
        ParquetError: it is no Parquet file, is not whole, or has no such columns; rows that came
            before were yielded.
    """
    _check_beginning(file.read(len(_MAGIC)))
    library = load()
    with translated(library):
        table = library.parquet.ParquetFile(
            file,
            pre_buffer=False,
            buffer_size=_BUFFER,
            page_checksum_verification=True,
            arrow_extensions_enabled=False,
        )
        paths = [_path(table.schema, column) for column in columns]
        wanted = [path for path in paths if path is not None]
        groups = chunks(file, _places(table.schema, wanted))
    for number, group in enumerate(groups):
        with translated(library):
            rows = _rows_at_once(weigh(file, group))
            # Threads of its own would outlive a run that is stopped.
            batches = table.iter_batches(
                rows, row_groups=[number], columns=wanted, use_threads=False
            )
        while True:
            with translated(library):
                batch = next(batches, None)
                if batch is None:
                    break
                names = batch.schema.names
                cells = [
                    [None] * batch.num_rows
                    if path is None
                    else _values(library, batch.column(names.index(path)), integer=column.integer)
                    for path, column in zip(paths, columns, strict=True)
                ]
            yield from zip(*cells, strict=True)


def _places(schema: FileSchema, paths: Sequence[str]) -> set[int]:
    """Return the places of all columns that pyarrow reads for *paths*."""
    within = tuple(f"{path}." for path in paths)
    names = [schema.column(place).path for place in range(len(schema))]
    return {place for place, name in enumerate(names) if f"{name}.".startswith(within)}


def _rows_at_once(weight: MemoryEstimate) -> int:
    """Return how many rows take no more memory than a batch may, whatever is in them.

    Raises:
        ParquetError: a single page takes too much.
    """
    if weight.page > _LARGEST_PAGE:
        size = format_size(weight.page)
        raise ParquetError(f"has a page of {size}, too large for a list of addresses")
    return max(1, min(_ROWS_AT_ONCE, _LARGEST_BATCH // max(1, weight.repeated)))


def _check_beginning(head: bytes) -> None:
    if head == _ENCRYPTED:
        raise ParquetError("is encrypted", hint="decrypt it first")
    if head != _MAGIC:
        raise ParquetError("is no Parquet file" if head else "is empty, and no Parquet file")


def _path(schema: FileSchema, column: WantedColumn) -> str | None:
    """Return what the file calls a column, None if it has none.

    Raises:
        ParquetError: it needs to have one, or has one of another type.
    """
    leaves = [schema.column(place) for place in range(len(schema))]
    for leaf in leaves:
        if leaf.path.strip().lower() == column.name:
            if not _fits(leaf, integer=column.integer):
                raise _wrong(column, _type_name(leaf))
            return leaf.path
    if any(leaf.path.lower().startswith(f"{column.name}.") for leaf in leaves):
        raise _wrong(column, "nested values")
    if column.required:
        raise ParquetError(f"has no column named {column.name}")
    return None


def _fits(leaf: Leaf, *, integer: bool) -> bool:
    logical = str(leaf.logical_type)
    if leaf.max_repetition_level or logical == "Null":
        return not leaf.max_repetition_level
    if integer:
        return leaf.physical_type in _INTEGERS and logical.startswith(("None", "Int"))
    return leaf.physical_type == "BYTE_ARRAY" and logical in _TEXTS


def _type_name(leaf: Leaf) -> str:
    logical = str(leaf.logical_type)
    return printable(leaf.physical_type if logical == "None" else logical)


def _wrong(column: WantedColumn, found: str) -> ParquetError:
    expected = "whole numbers" if column.integer else "text"
    return ParquetError(f"has {found} in its column {column.name}, not {expected}")


def _values(library: Library, array: Array, *, integer: bool) -> Sequence[str | int | None]:
    if integer:
        numbers = array.cast(library.int64()).to_pylist()
        return [value if isinstance(value, int) else None for value in numbers]
    # As bytes, because text that is no UTF-8 would be an error of its whole batch.
    octets = array.cast(library.large_binary()).to_pylist()
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else None for value in octets
    ]
