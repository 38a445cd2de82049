"""Read some columns of a Parquet file row by row, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO

from downloader.parquet.page_memory import MemoryEstimate, column_chunks, estimate_memory
from downloader.parquet.pyarrow_api import (
    Array,
    FileSchema,
    Leaf,
    Library,
    ParquetError,
    ParquetFile,
    load,
    translated,
)
from downloader.web.text import format_size, printable

#: The first and last bytes of a Parquet file, and of one whose footer is encrypted.
_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
#: Rows per batch; few, because all values of a batch are in memory at once.
_MAX_ROWS_PER_BATCH = 1024
#: Bytes of the values of a batch, and of a page, which is decompressed as a whole. The pages of
#: most writers have one megabyte, those of DuckDB a hundred.
_MAX_BATCH_BYTES = 128 * 1024**2
_MAX_PAGE_BYTES = 256 * 1024**2
#: Bytes of a column to read at once; pyarrow's default is a whole row group.
_READ_BUFFER_BYTES = 256 * 1024
#: The value of a cell.
Scalar = str | int | float | bool | None
_INTEGERS = frozenset({"INT32", "INT64"})
_SCALARS = frozenset({"FLOAT", "DOUBLE", "BOOLEAN"})
#: Logical types that are read as text: text, and bytes without a logical type.
_TEXTS = frozenset({"String", "Enum", "JSON", "None"})


@dataclass(frozen=True, slots=True)
class WantedColumn:
    """A column to read.

    Attributes:
        name: its name in lower case, compared without case and surrounding white space.
        required: whether a file without it is an error.
        integer: whether it holds integers instead of text.
        any_type: whether it may hold scalars of any type; numbers and truth values stay what they
            are, and other values become text.
    """

    name: str
    required: bool = False
    integer: bool = False
    any_type: bool = False


def is_parquet(head: bytes) -> bool:
    """Return whether a file that begins with *head* is Parquet, perhaps encrypted."""
    return head.startswith((_MAGIC, _ENCRYPTED))


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column that a file has.

    Attributes:
        name: as written.
        is_scalar: whether it holds no lists and no nested values.
        is_text: whether it can be read as text.
    """

    name: str
    is_scalar: bool
    is_text: bool


def table_columns(file: BinaryIO) -> list[TableColumn]:
    """Return all columns of a file.

    Args:
        file: seekable, and at its beginning.

    Raises:
        ParquetError: the file is not Parquet, or is incomplete.
    """
    _check_beginning(file.read(len(_MAGIC)))
    library = load()
    with translated(library):
        schema = _open(library, file).schema
        leaves = [schema.column(index) for index in range(len(schema))]
        found: dict[str, TableColumn] = {}
        for leaf in leaves:
            name, is_nested, _ = leaf.path.partition(".")
            is_scalar = not is_nested and not leaf.max_repetition_level
            is_text = is_scalar and _is_expected_type(leaf, integer=False)
            found.setdefault(name, TableColumn(name, is_scalar, is_text))
        return list(found.values())


def _open(library: Library, file: BinaryIO) -> ParquetFile:
    return library.parquet.ParquetFile(
        file,
        pre_buffer=False,
        buffer_size=_READ_BUFFER_BYTES,
        page_checksum_verification=True,
        arrow_extensions_enabled=False,
    )


def read(file: BinaryIO, columns: Sequence[WantedColumn]) -> Iterator[tuple[Scalar, ...]]:
    """Yield the rows of a file: the values of *columns*, or None for a null or missing column.

    Invalid UTF-8 is replaced. Memory is bounded: one page of each column, and one batch of rows.

    Args:
        file: seekable, and at its beginning.
        columns: the columns to read; no other is.

    Raises:
        ParquetError: the file is not Parquet, is incomplete or lacks a required column; the rows
            before the error were yielded.
    """
    _check_beginning(file.read(len(_MAGIC)))
    library = load()
    with translated(library):
        table = _open(library, file)
        paths = [_path(table.schema, column) for column in columns]
        wanted = [path for path in paths if path is not None]
        kinds = _kinds(table.schema)
        groups = column_chunks(file, _column_indices(table.schema, wanted))
    for number, group in enumerate(groups):
        with translated(library):
            rows = _rows_per_batch(estimate_memory(file, group))
            # Threads of pyarrow would outlive a run that is stopped.
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
                    else _values(library, batch.column(names.index(path)), kinds[path])
                    for path, column in zip(paths, columns, strict=True)
                ]
            yield from zip(*cells, strict=True)


def _column_indices(schema: FileSchema, paths: Sequence[str]) -> set[int]:
    """Return the indices of all columns that pyarrow reads for *paths*."""
    prefixes = tuple(f"{path}." for path in paths)
    names = [schema.column(index).path for index in range(len(schema))]
    return {index for index, name in enumerate(names) if f"{name}.".startswith(prefixes)}


def _rows_per_batch(memory: MemoryEstimate) -> int:
    """Return how many rows fit into the memory of a batch, whatever they hold.

    Raises:
        ParquetError: a single page is too large.
    """
    if memory.largest_page > _MAX_PAGE_BYTES:
        size = format_size(memory.largest_page)
        raise ParquetError(f"has a page of {size}, too large for a list of addresses")
    return max(1, min(_MAX_ROWS_PER_BATCH, _MAX_BATCH_BYTES // max(1, memory.row)))


def _check_beginning(head: bytes) -> None:
    if head == _ENCRYPTED:
        raise ParquetError("is encrypted", hint="decrypt it first")
    if head != _MAGIC:
        raise ParquetError("is no Parquet file" if head else "is empty, and no Parquet file")


def _path(schema: FileSchema, column: WantedColumn) -> str | None:
    """Return the path of a column in the file, or None if there is no such column.

    Raises:
        ParquetError: the column is required and missing, or of another type.
    """
    leaves = [schema.column(index) for index in range(len(schema))]
    for leaf in leaves:
        if leaf.path.strip().lower() == column.name:
            if not column.any_type and not _is_expected_type(leaf, integer=column.integer):
                raise _type_error(column, _type_name(leaf))
            return leaf.path
    if any(leaf.path.lower().startswith(f"{column.name}.") for leaf in leaves):
        raise _type_error(column, "nested values")
    if column.required:
        raise ParquetError(f"has no column named {column.name}")
    return None


def _is_expected_type(leaf: Leaf, *, integer: bool) -> bool:
    logical = str(leaf.logical_type)
    if leaf.max_repetition_level or logical == "Null":
        return not leaf.max_repetition_level
    if integer:
        return leaf.physical_type in _INTEGERS and logical.startswith(("None", "Int"))
    return leaf.physical_type == "BYTE_ARRAY" and logical in _TEXTS


def _type_name(leaf: Leaf) -> str:
    logical = str(leaf.logical_type)
    return printable(leaf.physical_type if logical == "None" else logical)


def _type_error(column: WantedColumn, found: str) -> ParquetError:
    expected = "whole numbers" if column.integer else "text"
    return ParquetError(f"has {found} in its column {column.name}, not {expected}")


class _Kind(Enum):
    """How the values of a column are read."""

    TEXT = auto()
    INTEGER = auto()
    SCALAR = auto()
    OTHER = auto()


def _kinds(schema: FileSchema) -> dict[str, _Kind]:
    """Return how the values of each column are read, by the path of the column."""
    kinds = {}
    for leaf in (schema.column(index) for index in range(len(schema))):
        kind = _Kind.OTHER
        if _is_expected_type(leaf, integer=False):
            kind = _Kind.TEXT
        elif _is_expected_type(leaf, integer=True):
            kind = _Kind.INTEGER
        elif leaf.physical_type in _SCALARS and str(leaf.logical_type) == "None":
            kind = _Kind.SCALAR
        kinds[leaf.path] = kind
    return kinds


def _values(library: Library, array: Array, kind: _Kind) -> Sequence[Scalar]:
    if kind is _Kind.SCALAR:
        return [value if isinstance(value, float | bool) else None for value in array.to_pylist()]
    if kind is _Kind.OTHER:
        return _texts(library, array)
    if kind is _Kind.INTEGER:
        numbers = array.cast(library.int64()).to_pylist()
        return [value if isinstance(value, int) else None for value in numbers]
    # As bytes, because invalid UTF-8 in text would be an error of the whole batch.
    octets = array.cast(library.large_binary()).to_pylist()
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else None for value in octets
    ]


def _texts(library: Library, array: Array) -> Sequence[str | None]:
    """Return values as text, such as times and decimals; None for those that have none."""
    try:
        texts = array.cast(library.string()).to_pylist()
    except (library.ArrowException, ValueError):
        return [None] * len(array)
    return [value if isinstance(value, str) else None for value in texts]
