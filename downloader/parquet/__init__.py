"""Read and write the rows of Apache Parquet files, with pyarrow.

This is the only package that imports pyarrow. That is an optional dependency (the extra ``cloud``)
and takes a quarter of a second to import, so it is imported when the first Parquet file is opened.
It ships no type annotations; ``pyarrow_api`` has protocols for what is used of it.
"""

from downloader.parquet.pyarrow_api import ParquetError, load
from downloader.parquet.reader import (
    Scalar,
    TableColumn,
    WantedColumn,
    is_parquet,
    read,
    table_columns,
)
from downloader.parquet.writer import Cell, ColumnField, ColumnType, TableWriter

__all__ = [
    "Cell",
    "ColumnField",
    "ColumnType",
    "ParquetError",
    "Scalar",
    "TableColumn",
    "TableWriter",
    "WantedColumn",
    "is_parquet",
    "load",
    "read",
    "table_columns",
]
