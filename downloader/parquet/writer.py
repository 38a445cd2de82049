"""Rows into a Parquet file, a row group at a time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from downloader.parquet.pyarrow_api import Array, ArrowBatch, DataType, Library, load

#: What a cell may hold.
Cell = str | int | float | bool | tuple[str, ...] | None

#: How many rows wait as Python objects, which take ten times the room of Arrow's.
_ROWS_AT_ONCE = 250
#: A row group has so many rows, or bytes before they are compressed, at most; to write one holds
#: up the caller for some 25 ms.
_ROWS = 16 * 1024
_BYTES = 16 * 1024**2


class ColumnType(Enum):
    """What a column holds."""

    TEXT = auto()
    TEXTS = auto()
    INTEGER = auto()
    NUMBER = auto()
    TRUTH = auto()
    #: Text of RFC 3339 in UTC, kept as milliseconds.
    MOMENT = auto()


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A column of a file that is to be written.

    Attributes:
        name: of the column.
        type: what it holds.
        nullable: whether a cell may be None.
        choices: of text: all that it can be, if that is a closed set.
        description: what is said of it in the file.
    """

    name: str
    type: ColumnType
    nullable: bool = True
    choices: tuple[str, ...] = ()
    description: str = ""


class ByteSink(Protocol):
    """Takes the bytes of the file in their order."""

    def write(self, data: bytes) -> None:
        """Take some bytes; what it raises comes out of the call that caused it."""


class TableWriter:
    """Writes rows to *sink*, compressed by zstd, with checksums.

    Of memory it takes what is not in a row group yet, and a few kilobytes for each that is.

    Args:
        sink: takes the bytes.
        fields: the columns.

    Raises, when made:
        ParquetError: pyarrow is not there.
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
        """Take one row: a value for each field."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._pack()
            rows = sum(batch.num_rows for batch in self._batches)
            if rows >= _ROWS or sum(batch.nbytes for batch in self._batches) >= _BYTES:
                self._flush()

    def close(self, about: Mapping[str, str]) -> None:
        """Write what is left, and the end, which also says *about* the file."""
        if self._rows:
            self._pack()
        if self._batches:
            self._flush()
        self._file.add_key_value_metadata(about)
        self._file.close()

    def abandon(self) -> None:
        """Write nothing more; to be called instead of :meth:`close`, or after it failed."""
        self._sink.deaf = True
        # It would write the end when it is collected, to a sink that is closed by then.
        with suppress(self._library.ArrowException, OSError, ValueError):
            self._file.close()

    def _pack(self) -> None:
        """Make a batch of the rows that wait."""
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
        self._file.write_table(table, row_group_size=2 * _ROWS)


class _SinkFile:
    """A sink as pyarrow wants files.

    Attributes:
        deaf: whether nothing is to be handed on any more.
    """

    closed = False

    def __init__(self, sink: ByteSink) -> None:
        self.deaf = False
        self._sink = sink

    def write(self, data: bytes) -> None:
        if not self.deaf:
            self._sink.write(data)

    def flush(self) -> None:
        """Do nothing: whoever has the sink closes it."""

    close = flush


def _column(library: Library, field: ColumnField) -> object:
    about = {"description": field.description}
    return library.field(field.name, _type(library, field), nullable=field.nullable, metadata=about)


def _type(library: Library, field: ColumnField) -> DataType:
    match field.type:
        case ColumnType.TEXT if field.choices:
            return library.dictionary(library.int8(), library.string())
        case ColumnType.TEXT:
            return library.string()
        case ColumnType.TEXTS:
            return library.list_(library.string())
        case ColumnType.INTEGER:
            return library.int64()
        case ColumnType.NUMBER:
            return library.float64()
        case ColumnType.TRUTH:
            return library.bool_()
        case ColumnType.MOMENT:
            return library.timestamp("ms", "UTC")


def _array(library: Library, field: ColumnField, values: Sequence[Cell]) -> Array:
    match field.type:
        case ColumnType.TEXT if field.choices:
            places: dict[Cell, int] = {each: place for place, each in enumerate(field.choices)}
            indices = [None if each is None else places[each] for each in values]
            choices = library.array(field.choices, library.string())
            return library.DictionaryArray.from_arrays(
                library.array(indices, library.int8()), choices
            )
        case ColumnType.TEXT:
            return library.array([_encodable(each) for each in values], library.string())
        case ColumnType.TEXTS:
            texts = [
                [_encodable(text) for text in each] if isinstance(each, tuple) else None
                for each in values
            ]
            return library.array(texts, library.list_(library.string()))
        case ColumnType.MOMENT:
            text = library.array(values, library.string())
            return text.cast(_type(library, field))
        case _:
            return library.array(values, _type(library, field))


def _encodable(text: Cell) -> Cell:
    """Return text with lone surrogates, which UTF-8 does not have, escaped."""
    if isinstance(text, str) and not text.isascii():
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text
