"""Packs WARC files as WACZ 1.1.1: one zip file with an index, and a list of its pages.

WARC files and the index are stored as they are, so that a reader can fetch one record by its place
in the file.
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
from downloader.archive.file_series import OPEN, index_path

_VERSION = "1.1.1"
_BLOCK = 1024 * 1024
#: So many lines of the index are compressed together, as the package wacz does it.
_LINES = 3000
#: The time of every member: a zip file knows none before, and the archive has its own.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(files: Iterable[Path], into: Path) -> Path:
    """Pack WARC files that have their indexes beside them; return the WACZ, or the next free name.

    Raises:
        OSError: the disk refuses.
    """
    files = list(files)
    unfinished = into.with_name(into.name + OPEN)
    with unfinished.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            _WaczBuilder(packed).add_all(files)
        file.flush()
        os.fsync(file.fileno())
    name = next(name for name in _names(into) if not name.exists())
    return unfinished.rename(name)


def _names(first: Path) -> Iterator[Path]:
    yield first
    for number in count(1):
        yield first.with_name(f"{first.stem}-{number:05d}{first.suffix}")


class _WaczBuilder:
    """A WACZ while it is made."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed = packed
        self._resources: list[dict[str, str | int]] = []

    def add_all(self, files: list[Path]) -> None:
        for path in files:
            with path.open("rb") as file:
                self._add(f"archive/{path.name}", iter(lambda: file.read(_BLOCK), b""))
        self._add_index([index_path(path) for path in files])
        self._add("pages/pages.jsonl", wacz_pages.lines(files))
        package = json.dumps(self._description(), indent=2).encode()
        self._add("datapackage.json", (package,))
        digest = {"path": "datapackage.json", "hash": _hash(package)}
        self._add("datapackage-digest.json", (json.dumps(digest, indent=2).encode(),))

    def _description(self) -> dict[str, object]:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "profile": "data-package",
            "wacz_version": _VERSION,
            "software": f"download {__version__}",
            "created": now,
            "resources": self._resources,
        }

    def _add_index(self, indexes: list[Path]) -> None:
        """Add the merged index, in compressed blocks, and the index of those blocks."""
        places = []
        offset = 0

        def blocks() -> Iterator[bytes]:
            nonlocal offset
            lines = cdxj.merged(indexes)
            while block := list(islice(lines, _LINES)):
                data = zlib.compress(b"".join(block), wbits=31)
                key = b" ".join(block[0].split(b" ", 2)[:2]).decode()
                said = {"offset": offset, "length": len(data), "digest": _hash(data)}
                places.append(f"{key} {json.dumps(said)}\n")
                offset += len(data)
                yield data

        self._add("indexes/index.cdx.gz", blocks())
        meta = json.dumps({"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"})
        self._add("indexes/index.idx", (f"!meta 0 {meta}\n".encode(), "".join(places).encode()))

    def _add(self, path: str, data: Iterable[bytes]) -> None:
        stored = zipfile.ZipInfo(path, _EPOCH)
        stored.external_attr = 0o644 << 16
        # Of the list of pages nobody needs a part, and it is long.
        name = path if path.startswith("pages/") else stored
        digest, size = hashlib.sha256(), 0
        with self._packed.open(name, "w", force_zip64=True) as member:
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


def _hash(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
