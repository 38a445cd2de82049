"""The WARC files that a path stands for: itself, or those inside a WACZ, read where they are."""

import io
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from downloader.errors import SourceError
from downloader.text import printable

_LOCAL_HEAD = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Volume:
    """One WARC file.

    Attributes:
        path: the file that it is, or that it is in.
        name: what to call it.
        member: its name inside a WACZ; empty for a file of its own.
        start, size: where it is in the file, in bytes; a size of -1 means the whole file, and of
            -2 that it is compressed there, and has to be unpacked to be read.
    """

    path: Path
    name: str
    member: str = ""
    start: int = 0
    size: int = -1

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading and seeking.

        Raises:
            OSError: that cannot be done.
        """
        with self.path.open("rb") as file:
            if self.size == -1:
                yield file
            elif self.size >= 0:
                yield cast("BinaryIO", io.BufferedReader(_Window(file, self.start, self.size)))
            else:
                with tempfile.TemporaryFile() as copy:
                    _unpack(file, self.member, copy)
                    yield cast("BinaryIO", copy)


def volumes(path: Path) -> list[Volume]:
    """Return the WARC files that *path* stands for.

    Raises:
        SourceError: it cannot be read, or has none.
    """
    shown = printable(str(path))
    try:
        if not path.name.lower().endswith(".wacz"):
            with path.open("rb"):
                return [Volume(path, shown)]
        with path.open("rb") as file, zipfile.ZipFile(file) as packed:
            found = [
                _inside(path, file, member)
                for member in packed.infolist()
                if member.filename.startswith("archive/")
                and member.filename.endswith((".warc", ".warc.gz"))
            ]
    except (zipfile.BadZipFile, struct.error) as error:
        raise SourceError(f"{shown} is no WACZ: {printable(str(error))}") from error
    except OSError as error:
        raise SourceError(f"cannot read {shown}: {error.strerror}") from error
    if not found:
        raise SourceError(f"{shown} holds no WARC file")
    return found


def _inside(path: Path, file: IO[bytes], member: zipfile.ZipInfo) -> Volume:
    name = f"{printable(path.name)}:{printable(member.filename)}"
    if member.compress_type != zipfile.ZIP_STORED:
        return Volume(path, name, member.filename, size=-2)
    file.seek(member.header_offset)
    magic, name_length, extra_length = _LOCAL_HEAD.unpack(file.read(_LOCAL_HEAD.size))
    if magic != _LOCAL_MAGIC:
        raise zipfile.BadZipFile("a member is not where its directory says")
    start = member.header_offset + _LOCAL_HEAD.size + name_length + extra_length
    return Volume(path, name, member.filename, start, member.file_size)


def _unpack(file: IO[bytes], member: str, into: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as packed, packed.open(member) as data:
        while block := data.read(_BLOCK):
            into.write(block)
    into.seek(0)


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file = file
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(view), self._size - self._at)))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
