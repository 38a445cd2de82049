"""Apache Parquet, the only room that knows pyarrow: columns of a file to rows, and rows to a file.

pyarrow is an optional part (the extra ``cloud``) and takes a quarter of a second to load, so it is
loaded when a Parquet file is met and not before. It has no types of its own: what is used of it
are the protocols of ``library``, and nothing else of it leaves this room.
"""

from downloader.parquet.library import ParquetError, load
from downloader.parquet.reading import Column, is_parquet, read
from downloader.parquet.writing import Cell, Field, Type, Writer

__all__ = [
    "Cell",
    "Column",
    "Field",
    "ParquetError",
    "Type",
    "Writer",
    "is_parquet",
    "load",
    "read",
]
