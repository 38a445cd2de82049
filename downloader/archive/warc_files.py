"""The WARC files of an archive: a path itself, or the members of a WACZ, read in place."""

import io
import os
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, BinaryIO, cast

from downloader.archive.decompression import (
    DecompressionError,
    decompress_gzip,
    decompress_zstd,
    is_one_member,
)
from downloader.errors import SourceError
from downloader.web.archive_formats import ArchiveFormat, archive_format
from downloader.web.text import printable

#: Limits of what a compressed archive is decompressed to: web pages compress 3 to 20 times.
_MAX_COMPRESSION_RATIO = 200
_MIN_DECOMPRESSED_LIMIT_BYTES = 1024**3
#: Signature, and lengths of name and extra field, of a zip local file header.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_HEADER_SIGNATURE = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class WarcFile:
    """One WARC file.

    Attributes:
        path: the file, or the WACZ that contains it.
        name: its name in messages.
        start, size: the part of *path* that it is, in bytes; a size of None means all of it.
        temporary: keeps a temporary file from being deleted.
    """

    path: Path
    name: str
    start: int = 0
    size: int | None = None
    temporary: object = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading and seeking.

        Raises:
            OSError: it cannot be opened.
        """
        with self.path.open("rb") as file:
            if self.size is None:
                yield file
            else:
                yield cast("BinaryIO", io.BufferedReader(_FileSlice(file, self.start, self.size)))


def warc_files(path: Path) -> list[WarcFile]:
    """Return the WARC files of the archive *path*.

    A file that cannot be read from any record on, because it is compressed with zstd or as one gzip
    member, is decompressed to a temporary file, which lives as long as the result.

    Raises:
        SourceError: it cannot be read, or contains no WARC file.
    """
    name = printable(str(path))
    try:
        with path.open("rb") as file:
            kind = archive_format(file)
            size = os.fstat(file.fileno()).st_size
            file.seek(0)
            if kind is ArchiveFormat.WACZ or path.name.lower().endswith(".wacz"):
                return _members(path, file, name)
            if kind is ArchiveFormat.ZSTD:
                return [_decompressed(decompress_zstd(file), name, size)]
            if kind is ArchiveFormat.GZIP and is_one_member(file):
                file.seek(0)
                return [_decompressed(decompress_gzip(file), name, size)]
            return [WarcFile(path, name)]
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError) as error:
        raise SourceError(f"{name} is not a WACZ: {printable(str(error))}") from error
    except OSError as error:
        raise SourceError(f"cannot read {name}: {error.strerror}") from error
    except DecompressionError as error:
        raise SourceError(f"{name} is not a WARC file, or is damaged: {error}") from error


def _decompressed(pieces: Iterator[bytes], name: str, compressed_bytes: int) -> WarcFile:
    temporary = tempfile.NamedTemporaryFile(prefix="download-", suffix=".warc")  # noqa: SIM115
    remaining = max(_MIN_DECOMPRESSED_LIMIT_BYTES, _MAX_COMPRESSION_RATIO * compressed_bytes)
    for piece in pieces:
        remaining -= len(piece)
        if remaining < 0:
            raise DecompressionError(f"it is more than {_MAX_COMPRESSION_RATIO} times as large")
        temporary.write(piece)
    temporary.flush()
    return WarcFile(Path(temporary.name), name, temporary=temporary)


def _members(path: Path, file: IO[bytes], name: str) -> list[WarcFile]:
    with zipfile.ZipFile(file) as wacz:
        found = [
            _member(path, file, member)
            for member in wacz.infolist()
            if member.filename.startswith("archive/")
            and member.filename.endswith((".warc", ".warc.gz"))
        ]
    if not found:
        raise SourceError(f"{name} holds no WARC file")
    ranges = sorted((each.start, each.start + (each.size or 0)) for each in found)
    if any(end > start for (_, end), (start, _) in pairwise(ranges)):
        # Members of a zip file may share their bytes; a small file would become a large one.
        raise zipfile.BadZipFile("its members overlap")
    return found


def _member(path: Path, file: IO[bytes], member: zipfile.ZipInfo) -> WarcFile:
    name = f"{printable(path.name)}:{printable(member.filename)}"
    if member.compress_type != zipfile.ZIP_STORED:
        # Seeking to a record would decompress the member from its beginning.
        raise SourceError(
            f"{name} is compressed within the WACZ, which the format forbids",
            hint="unzip it, and name that file",
        )
    file.seek(member.header_offset)
    signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != _LOCAL_HEADER_SIGNATURE:
        raise zipfile.BadZipFile("a member is not where the directory says")
    start = member.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes
    return WarcFile(path, name, start, member.file_size)


class _FileSlice(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        self._file.seek(self._start + self._position)
        data = self._file.read(max(0, min(len(view), self._size - self._position)))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
