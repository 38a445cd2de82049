"""Apache Parquet, the only room that knows pyarrow: columns of a file to rows, and rows to a file.

pyarrow is an optional part (the extra ``cloud``) and takes a quarter of a second to load, so it is
loaded when a Parquet file is met and not before. It has no types of its own: what is used of it
are the protocols of ``library``, and nothing else of it leaves this room.
"""

from downloader.parquet.pyarrow_api import ParquetError, load
from downloader.parquet.reader import WantedColumn, is_parquet, read
from downloader.parquet.writer import Cell, ColumnField, ColumnType, TableWriter

__all__ = [
    "Cell",
    "ColumnField",
    "ColumnType",
    "ParquetError",
    "TableWriter",
    "WantedColumn",
    "is_parquet",
    "load",
    "read",
]
