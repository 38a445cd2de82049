"""Parquet files, written and read by pyarrow itself."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_bytes(columns: dict[str, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def read_rows(file: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(file).to_pylist())
