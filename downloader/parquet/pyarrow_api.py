"""The optional library pyarrow: protocols for what is used of it, and its errors as one line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, cast

from downloader.web.text import printable

#: Characters of pyarrow's messages that are shown; they may quote a hostile file.
_MAX_REASON_LENGTH = 200


class ParquetError(Exception):
    """A Parquet file cannot be read or written.

    Attributes:
        message: what is wrong, to continue the file's name: ``is encrypted``.
        hint: what the user can do, or empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DataType(Protocol):
    """An Arrow type."""


class Array(Protocol):
    """A column of a batch."""

    def __len__(self) -> int:
        """Return the number of values."""

    def cast(self, target_type: DataType) -> "Array":
        """Return the same values as another type."""

    def to_pylist(self) -> list[object]:
        """Return the values."""


class Schema(Protocol):
    """The columns of an Arrow table."""

    names: list[str]


class ArrowBatch(Protocol):
    """Some rows, as Arrow columns."""

    num_rows: int
    nbytes: int
    schema: Schema

    def column(self, i: int) -> Array:
        """Return a column by its index."""


class Leaf(Protocol):
    """A leaf column of a Parquet file."""

    path: str
    physical_type: str
    logical_type: object
    max_repetition_level: int


class FileSchema(Protocol):
    """The leaf columns of a Parquet file."""

    def __len__(self) -> int:
        """Return the number of columns."""

    def column(self, i: int) -> Leaf:
        """Return a column by its index."""


class ParquetFile(Protocol):
    """A Parquet file opened for reading."""

    schema: FileSchema

    def iter_batches(
        self,
        batch_size: int,
        *,
        row_groups: Sequence[int],
        columns: Sequence[str],
        use_threads: bool,
    ) -> Iterator[ArrowBatch]:
        """Yield batches of rows from some row groups and columns."""


class ParquetWriter(Protocol):
    """A Parquet file opened for writing."""

    def write_table(self, table: object, row_group_size: int) -> None:
        """Append rows, in row groups of at most *row_group_size*."""

    def add_key_value_metadata(self, key_value_metadata: Mapping[str, str]) -> None:
        """Add key-value pairs to the footer."""

    def close(self) -> None:
        """Write the footer."""


class ParquetLibrary(Protocol):
    """``pyarrow.parquet``."""

    def ParquetFile(self, source: object, **options: object) -> ParquetFile:  # noqa: N802
        """Open a file for reading."""

    def ParquetWriter(  # noqa: N802
        self, where: object, schema: Schema, **options: object
    ) -> ParquetWriter:
        """Open a file for writing."""


class RecordBatches(Protocol):
    """``pyarrow.RecordBatch``."""

    def from_arrays(self, arrays: Sequence[Array], *, schema: Schema) -> ArrowBatch:
        """Return a batch with these columns."""


class Tables(Protocol):
    """``pyarrow.Table``."""

    def from_batches(self, batches: Sequence[ArrowBatch]) -> object:
        """Return a table of these batches."""


class DictionaryArrays(Protocol):
    """``pyarrow.DictionaryArray``."""

    def from_arrays(self, indices: Array, dictionary: Array) -> Array:
        """Return an array of indices into a dictionary."""


class Library(Protocol):
    """``pyarrow``."""

    parquet: ParquetLibrary
    RecordBatch: RecordBatches
    Table: Tables
    DictionaryArray: DictionaryArrays
    ArrowException: type[Exception]

    def array(self, obj: Sequence[object], type_: DataType, /) -> Array:
        """Return an array of values."""

    def field(
        self,
        name: str,
        type_: DataType,
        /,
        *,
        nullable: bool,
        metadata: Mapping[str, str],
    ) -> object:
        """Return a column of a schema."""

    def schema(self, fields: Sequence[object]) -> Schema:
        """Return a schema of these columns."""

    def dictionary(self, index_type: DataType, value_type: DataType) -> DataType:
        """Return the type of indices into a dictionary."""

    def list_(self, value_type: DataType) -> DataType:
        """Return the type of lists."""

    def timestamp(self, unit: str, tz: str) -> DataType:
        """Return the type of timestamps."""

    def large_binary(self) -> DataType:
        """Return the type of byte strings with 64-bit offsets."""

    def string(self) -> DataType:
        """Return the type of text."""

    def bool_(self) -> DataType:
        """Return the type of booleans."""

    def int8(self) -> DataType:
        """Return the type of 8-bit integers."""

    def int64(self) -> DataType:
        """Return the type of 64-bit integers."""

    def float64(self) -> DataType:
        """Return the type of 64-bit floating-point numbers."""


def load() -> Library:
    """Import pyarrow with its Parquet module.

    Raises:
        ParquetError: it is not installed, or its import fails.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq  # noqa: F401 - used as an attribute of pyarrow
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        state = "is not installed" if missing else f"cannot be loaded: {_first_line(error)}"
        raise ParquetError(
            f"needs pyarrow, which {state}", hint="pip install 'download-sites[cloud]'"
        ) from error
    return cast("Library", pa)


@contextmanager
def translated(library: Library) -> Iterator[None]:
    """Turn the errors that pyarrow raises for a file into :class:`ParquetError`.

    Raises:
        ParquetError: pyarrow raised an error.
    """
    try:
        yield
    except MemoryError as error:
        raise ParquetError("needs more memory than is available") from error
    except (library.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise ParquetError(f"cannot be read: {error.strerror}") from error
        if "decrypt" in str(error).lower():
            raise ParquetError("is encrypted", hint="decrypt it first") from error
        raise ParquetError(f"is corrupt Parquet: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return printable(str(error).strip().partition("\n")[0][:_MAX_REASON_LENGTH])
