"""The WARC files of an archive: a path itself, or the members of a WACZ, read in place."""

import io
import os
import struct
import tempfile
import weakref
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
from downloader.web.archive_formats import ArchiveFormat, archive_format, open_zip
from downloader.web.text import printable

#: Limits of what a compressed archive is decompressed to: web pages compress 3 to 20 times.
_MAX_COMPRESSION_RATIO = 200
_MIN_DECOMPRESSED_LIMIT_BYTES = 1024**3
_WARC_SUFFIXES = (".warc", ".warc.gz")
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
        damage: why it is only the beginning of a compressed archive; empty if it is all.
    """

    path: Path
    name: str
    start: int = 0
    size: int | None = None
    temporary: object = None
    damage: str = ""

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


class _TemporaryFile:
    """A file that is deleted when nothing refers to this object any more."""

    def __init__(self) -> None:
        descriptor, name = tempfile.mkstemp(prefix="download-", suffix=".warc")
        os.close(descriptor)
        self.path = Path(name)
        weakref.finalize(self, self.path.unlink, missing_ok=True)


def warc_files(path: Path, warnings: list[str]) -> list[WarcFile]:
    """Return the WARC files of the archive *path*; add what is left out to *warnings*.

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
                return _members(path, file, name, warnings)
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
    """Decompress to a temporary file, up to the first damage.

    Raises:
        DecompressionError: the first bytes are damaged, or the result is too large.
    """
    temporary = _TemporaryFile()
    limit = max(_MIN_DECOMPRESSED_LIMIT_BYTES, _MAX_COMPRESSION_RATIO * compressed_bytes)
    size = 0
    damage = ""
    with temporary.path.open("wb") as file:
        try:
            for piece in pieces:
                size += len(piece)
                if size > limit:
                    damage = f"it is more than {_MAX_COMPRESSION_RATIO} times as large"
                    break
                file.write(piece)
        except DecompressionError as error:
            if not size:
                raise
            damage = str(error)
    return WarcFile(temporary.path, name, temporary=temporary, damage=damage)


def _members(path: Path, file: IO[bytes], name: str, warnings: list[str]) -> list[WarcFile]:
    with open_zip(file) as wacz:
        stored = [each for each in wacz.infolist() if each.filename.startswith("archive/")]
    files = [each for each in stored if not each.is_dir()]
    warcs = [each for each in files if each.filename.lower().endswith(_WARC_SUFFIXES)]
    others = [each for each in files if not each.filename.lower().endswith(_WARC_SUFFIXES)]
    if others:
        warnings.append(
            f"{name}: left out {_count(len(others), 'member')} of another format than WARC, "
            f"such as {printable(others[0].filename)}"
        )
    if not warcs:
        raise SourceError(f"{name} holds no WARC file")
    found = [_member(path, file, member) for member in warcs]
    ranges = sorted((each.start, each.start + (each.size or 0)) for each in found)
    if any(end > start for (_, end), (start, _) in pairwise(ranges)):
        # Members of a zip file may share their bytes; a small file would become a large one.
        raise zipfile.BadZipFile("its members overlap")
    # As in other readers of zip files, the last member of a name counts.
    by_name = dict(zip((member.filename for member in warcs), found, strict=True))
    if doubled := len(found) - len(by_name):
        warnings.append(f"{name}: left out {_count(doubled, 'member')} with the name of another")
    return list(by_name.values())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"


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
