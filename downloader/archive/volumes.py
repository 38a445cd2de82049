"""The WARC files that a path stands for: itself, or those inside a WACZ, read where they are."""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from downloader.errors import SourceError
from downloader.web.text import printable

_LOCAL_HEAD = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Volume:
    """One WARC file.

    Attributes:
        path: the file that it is, or that it is in.
        name: what to call it.
        start, size: where it is in the file, in bytes; a size of None means the whole file.
    """

    path: Path
    name: str
    start: int = 0
    size: int | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading and seeking.

        Raises:
            OSError: that cannot be done.
        """
        with self.path.open("rb") as file:
            if self.size is None:
                yield file
            else:
                yield cast("BinaryIO", io.BufferedReader(_FileSlice(file, self.start, self.size)))


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
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError) as error:
        raise SourceError(f"{shown} is no WACZ: {printable(str(error))}") from error
    except OSError as error:
        raise SourceError(f"cannot read {shown}: {error.strerror}") from error
    if not found:
        raise SourceError(f"{shown} holds no WARC file")
    return found


def _inside(path: Path, file: IO[bytes], member: zipfile.ZipInfo) -> Volume:
    name = f"{printable(path.name)}:{printable(member.filename)}"
    if member.compress_type != zipfile.ZIP_STORED:
        # It could only be read from its beginning, again for each record.
        raise SourceError(
            f"{name} is compressed once more, against the format", hint="unzip it, and name that"
        )
    file.seek(member.header_offset)
    magic, name_length, extra_length = _LOCAL_HEAD.unpack(file.read(_LOCAL_HEAD.size))
    if magic != _LOCAL_MAGIC:
        raise zipfile.BadZipFile("a member is not where its directory says")
    start = member.header_offset + _LOCAL_HEAD.size + name_length + extra_length
    return Volume(path, name, start, member.file_size)


class _FileSlice(io.RawIOBase):
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
