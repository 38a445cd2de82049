"""pyarrow, which may not be there: what is used of it, and its errors as one line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, cast

from downloader.web.text import printable

#: What pyarrow says may hold what a hostile file does; so much of it is told.
_LONGEST_REASON = 200


class ParquetError(Exception):
    """A Parquet file cannot be read or made.

    Attributes:
        message: what the file is or does, to follow its name.
        hint: the way out, or empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DataType(Protocol):
    """A type of Arrow's."""


class Array(Protocol):
    """A column of a batch."""

    def cast(self, target_type: DataType) -> "Array":
        """Return the same values as another type."""

    def to_pylist(self) -> list[object]:
        """Return the values."""


class Schema(Protocol):
    """The columns of a table, as Arrow knows them."""

    names: list[str]


class ArrowBatch(Protocol):
    """Some rows."""

    num_rows: int
    nbytes: int
    schema: Schema

    def column(self, i: int) -> Array:
        """Return a column by its place."""


class Leaf(Protocol):
    """A column of a file, as Parquet knows it."""

    path: str
    physical_type: str
    logical_type: object
    max_repetition_level: int


class FileSchema(Protocol):
    """The columns of a file."""

    def __len__(self) -> int:
        """Return how many there are."""

    def column(self, i: int) -> Leaf:
        """Return one by its place."""


class ParquetFile(Protocol):
    """A file to be read."""

    schema: FileSchema

    def iter_batches(
        self,
        batch_size: int,
        *,
        row_groups: Sequence[int],
        columns: Sequence[str],
        use_threads: bool,
    ) -> Iterator[ArrowBatch]:
        """Yield the rows of some row groups and columns."""


class ParquetWriter(Protocol):
    """A file to be written."""

    def write_table(self, table: object, row_group_size: int) -> None:
        """Append rows as row groups of so many at most."""

    def add_key_value_metadata(self, key_value_metadata: Mapping[str, str]) -> None:
        """Add to what the end of the file says."""

    def close(self) -> None:
        """Write the end of the file."""


class ParquetLibrary(Protocol):
    """``pyarrow.parquet``."""

    def ParquetFile(self, source: object, **options: object) -> ParquetFile:  # noqa: N802
        """Open a file."""

    def ParquetWriter(  # noqa: N802
        self, where: object, schema: Schema, **options: object
    ) -> ParquetWriter:
        """Begin a file."""


class RecordBatches(Protocol):
    """``pyarrow.RecordBatch``."""

    def from_arrays(self, arrays: Sequence[Array], *, schema: Schema) -> ArrowBatch:
        """Make a batch of columns."""


class Tables(Protocol):
    """``pyarrow.Table``."""

    def from_batches(self, batches: Sequence[ArrowBatch]) -> object:
        """Make a table of batches."""


class DictionaryArrays(Protocol):
    """``pyarrow.DictionaryArray``."""

    def from_arrays(self, indices: Array, dictionary: Array) -> Array:
        """Make an array of places in a dictionary."""


class Library(Protocol):
    """``pyarrow``."""

    parquet: ParquetLibrary
    RecordBatch: RecordBatches
    Table: Tables
    DictionaryArray: DictionaryArrays
    ArrowException: type[Exception]

    def array(self, obj: Sequence[object], type_: DataType, /) -> Array:
        """Make an array of values."""

    def field(
        self,
        name: str,
        type_: DataType,
        /,
        *,
        nullable: bool,
        metadata: Mapping[str, str],
    ) -> object:
        """Make a column of a schema."""

    def schema(self, fields: Sequence[object]) -> Schema:
        """Make a schema."""

    def dictionary(self, index_type: DataType, value_type: DataType) -> DataType:
        """Return the type of places in a dictionary."""

    def list_(self, value_type: DataType) -> DataType:
        """Return the type of lists."""

    def timestamp(self, unit: str, tz: str) -> DataType:
        """Return the type of moments."""

    def large_binary(self) -> DataType:
        """Return the type of bytes, however many."""

    def string(self) -> DataType:
        """Return the type of text."""

    def bool_(self) -> DataType:
        """Return the type of truth."""

    def int8(self) -> DataType:
        """Return the type of small whole numbers."""

    def int64(self) -> DataType:
        """Return the type of whole numbers."""

    def float64(self) -> DataType:
        """Return the type of numbers."""


def load() -> Library:
    """Return pyarrow with its Parquet part.

    Raises:
        ParquetError: it is not installed, or cannot be loaded.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq  # noqa: F401 - it becomes an attribute of pyarrow
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        state = "is not installed" if missing else f"cannot be loaded: {_line(error)}"
        raise ParquetError(
            f"needs pyarrow, which {state}", hint="pip install 'download-sites[cloud]'"
        ) from error
    return cast("Library", pa)


@contextmanager
def translated(library: Library) -> Iterator[None]:
    """Turn whatever pyarrow raises over a file into an error of ours.

    Raises:
        ParquetError: it raised something.
    """
    try:
        yield
    except MemoryError as error:
        raise ParquetError("needs more memory than there is") from error
    except (library.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise ParquetError(f"cannot be read: {error.strerror}") from error
        if "decrypt" in str(error).lower():
            raise ParquetError("is encrypted", hint="decrypt it first") from error
        raise ParquetError(f"is corrupt Parquet: {_line(error)}") from error


def _line(error: Exception) -> str:
    return printable(str(error).strip().partition("\n")[0][:_LONGEST_REASON])
