"""Formats of web archives, known by their first bytes."""

import sys
import zlib
from enum import StrEnum
from typing import IO, TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import zipfile

#: The first bytes of a zstd frame, and of the skippable frame with a WARC file's dictionary.
ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
ZSTD_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_GZIP_WBITS = 31
_SNIFFED_BYTES = 4096
#: Directory of a zip file: room for some 40,000 members, which take 20 MB of memory.
_MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
#: WARC records begin with their version, ARC files with a record of their own.
_RECORD_STARTS = (b"WARC/", b"filedesc://")
_SUFFIXES = (".warc", ".warc.gz", ".wacz", ".arc", ".arc.gz", ".warc.zst")


class ArchiveFormat(StrEnum):
    """How a web archive is stored."""

    PLAIN = "plain"
    GZIP = "gzip"
    ZSTD = "zstd"
    WACZ = "wacz"


def has_archive_suffix(name: str) -> bool:
    """Return whether a file's name is that of a web archive."""
    return name.lower().endswith(_SUFFIXES)


def archive_format(file: BinaryIO) -> ArchiveFormat | None:
    """Return the format of a web archive; None for any other file.

    Args:
        file: open for reading and seeking, at its beginning.
    """
    first = file.read(_SNIFFED_BYTES)
    if first.startswith(_RECORD_STARTS):
        return ArchiveFormat.PLAIN
    if first.startswith(_ZIP):
        return ArchiveFormat.WACZ if _is_wacz(file) else None
    if first.startswith(ZSTD_DICTIONARY_FRAME):
        return ArchiveFormat.ZSTD
    if first.startswith(_GZIP) and _begin_of_gzip(first).startswith(_RECORD_STARTS):
        return ArchiveFormat.GZIP
    if first.startswith(ZSTD_FRAME) and _begin_of_zstd(first).startswith(_RECORD_STARTS):
        return ArchiveFormat.ZSTD
    return None


def _begin_of_gzip(first: bytes) -> bytes:
    try:
        return zlib.decompressobj(_GZIP_WBITS).decompress(first, _SNIFFED_BYTES)
    except zlib.error:
        return b""


def _begin_of_zstd(first: bytes) -> bytes:
    # Few files need it, and every run looks at its sources.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    try:
        return zstd.ZstdDecompressor().decompress(first, _SNIFFED_BYTES)
    except zstd.ZstdError:
        return b""


def _is_wacz(file: BinaryIO) -> bool:
    import zipfile

    try:
        with open_zip(file) as members:
            return any(name.startswith("archive/") for name in members.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        return False


def open_zip(file: IO[bytes]) -> "zipfile.ZipFile":
    """Open a zip file whose directory is of a reasonable size, because it is kept in memory.

    Raises:
        zipfile.BadZipFile: it is no zip file, is damaged, or has a larger directory.
    """
    import zipfile

    return zipfile.ZipFile(cast("IO[bytes]", _DirectoryReader(file)))


class _DirectoryReader:
    """A file for ``zipfile``, which reads the whole directory of a zip file at once."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file = file

    def read(self, size: int = -1) -> bytes:
        import zipfile

        if size > _MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory is over {_MAX_DIRECTORY_BYTES} bytes long")
        return self._file.read(size)

    def close(self) -> None:
        """Leave the file open: whoever opened it closes it."""
