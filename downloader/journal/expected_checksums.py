"""The checksums that a file such as SHA256SUMS has, looked up by URLs and by names of files."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from downloader.errors import SourceError
from downloader.models import Checksum, Target
from downloader.models.checksums import parse_checksum_line
from downloader.web import urls
from downloader.web.filenames import FileName, SafePath
from downloader.web.text import printable
from downloader.web.urls import Url

_MAX_LINES = 1_000_000
_MAX_LINE_BYTES = 64 * 1024


class ExpectedChecksums:
    """A file of checksums, as ``sha256sum`` and ``sha256`` write it.

    A line counts for the file that is saved under its name, relative to the output folder; and for
    URLs that end with its name, as ``https://example.org/v1/dist/a.zip`` does with ``dist/a.zip``
    and with ``a.zip``.

    Args:
        path: of the file.

    Raises, when made:
        SourceError: it cannot be read, has no checksums, or has two for one name.
    """

    def __init__(self, path: Path) -> None:
        self._label = printable(str(path))
        self._checksums: dict[str, Checksum] = {}
        #: Names by what is before their extension, because answers give names their extensions.
        self._names_by_stem: dict[str, list[str]] = {}
        self._max_segments = 0
        self._unverified = 0
        self._first_unverified = ""
        try:
            with path.open("rb") as file:
                ignored = sum(not self._read_line(line) for line in self._lines(file))
        except OSError as error:
            raise SourceError(f"cannot read --checksums {self._label}: {error.strerror}") from error
        if not self._checksums:
            raise SourceError(
                f"--checksums {self._label} has no checksums",
                hint="give a file that sha256sum has written, such as SHA256SUMS",
            )
        self._ignored = ignored
        self._unused = set(self._checksums)

    def find(self, url: Url, file: FileName) -> Checksum | None:
        """Return the checksum for a URL that will be saved as *file*; None if there is none."""
        for name in self._possible_names(url, file):
            if name in self._checksums:
                self._unused.discard(name)
                return self._checksums[name]
        return None

    def note_unverified(self, target: Target) -> None:
        """Note that the file of *target* is saved, whatever its checksum is."""
        self._unverified += 1
        self._first_unverified = self._first_unverified or target.shown

    def notes(self) -> list[str]:
        """Return what the user should know at the end of a run, one line each."""
        notes = []
        if self._ignored:
            lines = "1 line is" if self._ignored == 1 else f"{self._ignored} lines are"
            notes.append(f"{self._label}: {lines} no checksum of a known kind")
        if self._unverified:
            files = "1 file was" if self._unverified == 1 else f"{self._unverified} files were"
            notes.append(
                f"{self._label}: {files} not verified, because it has none for "
                f"{printable(self._first_unverified)}"
            )
        if self._unused:
            names = "1 name" if len(self._unused) == 1 else f"{len(self._unused)} names"
            notes.append(
                f"{self._label}: {names} of no URL of this run, such as "
                f"{printable(min(self._unused))}"
            )
        return notes

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        for number in count(1):
            line = file.readline(_MAX_LINE_BYTES)
            if not line:
                return
            if number > _MAX_LINES:
                raise SourceError(f"--checksums {self._label} has more than {_MAX_LINES:,} lines")
            if len(line) == _MAX_LINE_BYTES:
                raise SourceError(f"--checksums {self._label} has a line of more than 64 KiB")
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape")
            text = text.rstrip("\r\n")
            if text and not text.startswith("#"):
                yield text

    def _read_line(self, line: str) -> bool:
        """Add a line; return whether it is one with a checksum."""
        parsed = parse_checksum_line(line)
        if parsed is None:
            return False
        name, checksum = parsed
        while name.startswith("./"):
            name = name[2:].lstrip("/")
        known = self._checksums.setdefault(name, checksum)
        if known is checksum:
            self._names_by_stem.setdefault(_stem(name), []).append(name)
            self._max_segments = max(self._max_segments, name.count("/") + 1)
        elif known.algorithm == checksum.algorithm and known.digest != checksum.digest:
            raise SourceError(
                f"--checksums {self._label} has two checksums for {printable(name)}",
                hint="remove the wrong one",
            )
        elif len(known.digest) < len(checksum.digest):
            # Of several algorithms, the strongest counts.
            self._checksums[name] = checksum
        return True

    def _possible_names(self, url: Url, file: FileName) -> Iterator[str]:
        """Yield the names under which a file may be listed, the longest first."""
        yield from (
            name
            for name in self._names_by_stem.get(file.base, [])
            if file.may_become(SafePath(name))
        )
        if file.may_become(SafePath(file.base)):
            yield file.base
        host, path, _ = urls.split(url)
        segments = [
            host,
            *(unquote(part, errors="surrogateescape") for part in path.split("/")[1:]),
        ]
        if segments[-1]:
            for number in range(min(len(segments), self._max_segments), 0, -1):
                yield "/".join(segments[-number:])


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
