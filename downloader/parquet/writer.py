"""Write rows as a Parquet file, one row group at a time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from downloader.parquet.pyarrow_api import Array, ArrowBatch, DataType, Library, load

#: The value of a cell.
Cell = str | int | float | bool | tuple[str, ...] | None

#: Rows to collect as Python objects, which take ten times the memory of an Arrow batch.
_ROWS_PER_BATCH = 250
#: Rows, and uncompressed bytes, at which a row group is written; that blocks the caller for 25 ms.
_ROWS_PER_GROUP = 16 * 1024
_BYTES_PER_GROUP = 16 * 1024**2


class ColumnType(Enum):
    """The type of a column's values."""

    TEXT = auto()
    TEXT_LIST = auto()
    INTEGER = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    #: Given as RFC 3339 text in UTC, stored as milliseconds.
    TIMESTAMP = auto()


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column to write.

    Attributes:
        name: of the column.
        type: of its values.
        nullable: whether a cell may be None.
        choices: all values of a text column, if they are a closed set.
        description: stored in the file's schema.
    """

    name: str
    type: ColumnType
    nullable: bool = True
    choices: tuple[str, ...] = ()
    description: str = ""


class ByteSink(Protocol):
    """Receives the bytes of a file in order."""

    def write(self, data: bytes) -> None:
        """Receive some bytes; an exception passes to the caller of the writer."""


class TableWriter:
    """Writes rows to *sink*, compressed with zstd, with checksums.

    Memory holds the rows of one row group, and a few kilobytes for each group already written.

    Args:
        sink: receives the bytes.
        fields: the columns.

    Raises:
        ParquetError: pyarrow is not installed.
    """

    def __init__(self, sink: ByteSink, fields: Sequence[ColumnField]) -> None:
        self._library = load()
        self._fields = fields
        self._schema = self._library.schema([_column(self._library, each) for each in fields])
        self._sink = _SinkFile(sink)
        self._rows: list[Sequence[Cell]] = []
        self._batches: list[ArrowBatch] = []
        self._file = self._library.parquet.ParquetWriter(
            self._sink, self._schema, compression="zstd", write_page_checksum=True
        )

    def add(self, row: Sequence[Cell]) -> None:
        """Add one row: a value for each field."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS_PER_BATCH:
            self._pack()
            rows = sum(batch.num_rows for batch in self._batches)
            if (
                rows >= _ROWS_PER_GROUP
                or sum(batch.nbytes for batch in self._batches) >= _BYTES_PER_GROUP
            ):
                self._flush()

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write the remaining rows and the footer, with *metadata* as key-value pairs."""
        if self._rows:
            self._pack()
        if self._batches:
            self._flush()
        self._file.add_key_value_metadata(metadata)
        self._file.close()

    def abandon(self) -> None:
        """Write nothing more; for use instead of :meth:`close`, or after it failed."""
        self._sink.discards = True
        # Otherwise it would write the footer when it is garbage-collected, to a closed sink.
        with suppress(self._library.ArrowException, OSError, ValueError):
            self._file.close()

    def _pack(self) -> None:
        """Make an Arrow batch of the collected rows."""
        columns = zip(*self._rows, strict=True)
        arrays = [
            _array(self._library, field, values)
            for field, values in zip(self._fields, columns, strict=True)
        ]
        self._batches.append(self._library.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def _flush(self) -> None:
        """Write a row group."""
        table = self._library.Table.from_batches(self._batches)
        self._batches.clear()
        self._file.write_table(table, row_group_size=2 * _ROWS_PER_GROUP)


class _SinkFile:
    """A sink with the methods that pyarrow expects of a file.

    Attributes:
        discards: whether bytes are dropped instead of passed on.
    """

    closed = False

    def __init__(self, sink: ByteSink) -> None:
        self.discards = False
        self._sink = sink

    def write(self, data: bytes) -> None:
        if not self.discards:
            self._sink.write(data)

    def flush(self) -> None:
        """Do nothing: the owner of the sink closes it."""

    close = flush


def _column(library: Library, field: ColumnField) -> object:
    return library.field(
        _escaped(field.name),
        _type(library, field),
        nullable=field.nullable,
        metadata={"description": field.description},
    )


def _type(library: Library, field: ColumnField) -> DataType:
    match field.type:
        case ColumnType.TEXT if field.choices:
            return library.dictionary(library.int8(), library.string())
        case ColumnType.TEXT:
            return library.string()
        case ColumnType.TEXT_LIST:
            return library.list_(library.string())
        case ColumnType.INTEGER:
            return library.int64()
        case ColumnType.FLOAT:
            return library.float64()
        case ColumnType.BOOLEAN:
            return library.bool_()
        case ColumnType.TIMESTAMP:
            return library.timestamp("ms", "UTC")


def _array(library: Library, field: ColumnField, values: Sequence[Cell]) -> Array:
    match field.type:
        case ColumnType.TEXT if field.choices:
            positions: dict[Cell, int] = {each: index for index, each in enumerate(field.choices)}
            indices = [None if each is None else positions[each] for each in values]
            choices = library.array(field.choices, library.string())
            return library.DictionaryArray.from_arrays(
                library.array(indices, library.int8()), choices
            )
        case ColumnType.TEXT:
            return library.array([_encodable(each) for each in values], library.string())
        case ColumnType.TEXT_LIST:
            texts = [
                [_encodable(text) for text in each] if isinstance(each, tuple) else None
                for each in values
            ]
            return library.array(texts, library.list_(library.string()))
        case ColumnType.TIMESTAMP:
            text = library.array(values, library.string())
            return text.cast(_type(library, field))
        case _:
            return library.array(values, _type(library, field))


def _encodable(cell: Cell) -> Cell:
    """Return a cell as it can be written."""
    return _escaped(cell) if isinstance(cell, str) and not cell.isascii() else cell


def _escaped(text: str) -> str:
    """Return text with lone surrogates escaped, because UTF-8 cannot encode them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
