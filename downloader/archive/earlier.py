"""What earlier runs captured, by their indexes: a 304 repeats something that is there."""

import json
import mmap
from contextlib import suppress
from pathlib import Path

from downloader.archive.index import matching
from downloader.archive.names import Series, index_path
from downloader.archive.records import Original
from downloader.archive.surt import surt
from downloader.urls import Url

#: A revisit repeats a whole answer, not another revisit.
_REVISIT = "warc/revisit"


class Earlier:
    """Looks addresses up in the indexes of the files of a series that were whole from the start."""

    def __init__(self, series: Series) -> None:
        self._indexes = [index_path(path) for path in series.whole()]

    def find(self, url: str) -> Original | None:
        """Return the latest whole capture of *url*, if there is one."""
        key = f"{surt(Url(url))} ".encode()
        found = [
            original
            for path in self._indexes
            for line in _lines(path, key)
            if (original := _original(line, url)) is not None
        ]
        return max(found, key=lambda original: original.date, default=None)


def _original(line: bytes, url: str) -> Original | None:
    with suppress(ValueError, KeyError, TypeError):
        _, stamp, said = line.split(b" ", 2)
        fields = json.loads(said)
        whole = fields["status"] == "200" and "truncated" not in fields
        if fields["url"] == url and whole and fields["mime"] != _REVISIT:
            text = stamp.decode("ascii")
            date = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:14]}Z"
            return Original(url, date, digest=str(fields.get("digest", "")))
    return None


def _lines(path: Path, key: bytes) -> list[bytes]:
    """Return the lines of an index that begin with *key*, found by bisection."""
    with (
        suppress(OSError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return list(matching(data, key))
    return []
