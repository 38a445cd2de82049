"""Packs WARC files as a WACZ 1.1.1: a zip file with the WARC files, an index and a page list.

The WARC files and the index are members without compression, so that a reader can fetch one record
by its byte range.
"""

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from downloader._version import __version__
from downloader.archive import cdxj, wacz_pages
from downloader.archive.file_series import OPEN_SUFFIX, index_path

_WACZ_VERSION = "1.1.1"
_READ_BYTES = 1024 * 1024
#: Index lines that are compressed together, as by the package wacz.
_LINES_PER_BLOCK = 3000
#: The modification time of every member: the earliest that zip has.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def write_wacz(files: Iterable[Path], wacz: Path) -> Path:
    """Pack WARC files, each with its index beside it; return the path of the WACZ.

    If *wacz* exists, the next free name is used, such as ``FILE-00001.wacz``.

    Raises:
        OSError: a file cannot be read or written.
    """
    files = list(files)
    unfinished = wacz.with_name(wacz.name + OPEN_SUFFIX)
    with unfinished.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zip_file:
            _WaczBuilder(zip_file).add_all(files)
        file.flush()
        os.fsync(file.fileno())
    return unfinished.rename(next(path for path in _candidates(wacz) if not path.exists()))


def _candidates(first: Path) -> Iterator[Path]:
    yield first
    for number in count(1):
        yield first.with_name(f"{first.stem}-{number:05d}{first.suffix}")


class _WaczBuilder:
    """Adds the members of a WACZ to a zip file, and lists them in its data package."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip_file = zip_file
        self._resources: list[dict[str, str | int]] = []

    def add_all(self, files: list[Path]) -> None:
        """Add WARC files, the index, the page list and the data package."""
        for path in files:
            with path.open("rb") as file:
                self._add_member(f"archive/{path.name}", iter(lambda: file.read(_READ_BYTES), b""))
        self._add_index([index_path(path) for path in files])
        self._add_member("pages/pages.jsonl", wacz_pages.page_lines(files))
        package = json.dumps(self._data_package(), indent=2).encode()
        self._add_member("datapackage.json", (package,))
        digest = {"path": "datapackage.json", "hash": _sha256(package)}
        self._add_member("datapackage-digest.json", (json.dumps(digest, indent=2).encode(),))

    def _data_package(self) -> dict[str, object]:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "profile": "data-package",
            "wacz_version": _WACZ_VERSION,
            "software": f"download {__version__}",
            "created": now,
            "resources": self._resources,
        }

    def _add_index(self, indexes: list[Path]) -> None:
        """Add the merged CDXJ index in compressed blocks, and the index of the blocks (ZipNum)."""
        block_lines = []
        offset = 0

        def blocks() -> Iterator[bytes]:
            nonlocal offset
            lines = cdxj.merge_indexes(indexes)
            while block := list(islice(lines, _LINES_PER_BLOCK)):
                data = zlib.compress(b"".join(block), wbits=31)
                key = b" ".join(block[0].split(b" ", 2)[:2]).decode()
                location = {"offset": offset, "length": len(data), "digest": _sha256(data)}
                block_lines.append(f"{key} {json.dumps(location)}\n")
                offset += len(data)
                yield data

        self._add_member("indexes/index.cdx.gz", blocks())
        meta = json.dumps({"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"})
        self._add_member(
            "indexes/index.idx", (f"!meta 0 {meta}\n".encode(), "".join(block_lines).encode())
        )

    def _add_member(self, path: str, data: Iterable[bytes]) -> None:
        uncompressed = zipfile.ZipInfo(path, _ZIP_EPOCH)
        uncompressed.external_attr = 0o644 << 16
        # The page list is always read whole, so it is compressed.
        name = path if path.startswith("pages/") else uncompressed
        digest, size = hashlib.sha256(), 0
        with self._zip_file.open(name, "w", force_zip64=True) as member:
            for piece in data:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
        self._resources.append(
            {
                "name": path.rpartition("/")[2],
                "path": path,
                "hash": f"sha256:{digest.hexdigest()}",
                "bytes": size,
            }
        )


def _sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
