"""What earlier runs captured, by their indexes: a 304 repeats something that is there."""

import json
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from downloader.archive.cdxj import Capture, matching
from downloader.archive.file_series import FileSeries, index_path
from downloader.archive.surt import surt
from downloader.archive.warc_records import OriginalRecord
from downloader.web.urls import Url

#: A revisit repeats a whole answer, not another revisit.
REVISIT = "warc/revisit"


class PreviousCaptures:
    """Looks addresses up in the indexes of the files of a series that were whole from the start."""

    def __init__(self, series: FileSeries) -> None:
        self._files = series.whole()

    def find(self, url: str) -> OriginalRecord | None:
        """Return the latest whole capture of *url*, if there is one."""
        found = [
            OriginalRecord(url, capture.date, digest=capture.digest)
            for path in self._files
            for capture in captures(path, url)
            if capture.status == "200" and capture.mime != REVISIT
        ]
        return max(found, key=lambda original: original.date, default=None)


def captures(path: Path, url: str) -> Iterator[Capture]:
    """Yield the captures of *url* that were received whole, by the index of a file."""
    for line in _lines(index_path(path), f"{surt(Url(url))} ".encode()):
        with suppress(ValueError, KeyError, TypeError):
            _, stamp, said = line.split(b" ", 2)
            fields = json.loads(said)
            if fields["url"] == url and "truncated" not in fields:
                text = stamp.decode("ascii")
                day, clock = f"{text[:4]}-{text[4:6]}-{text[6:8]}", text[8:14]
                yield Capture(
                    url=url,
                    date=f"{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z",
                    mime=fields["mime"],
                    status=fields["status"],
                    digest=str(fields.get("digest", "")),
                    offset=int(fields["offset"]),
                    length=int(fields["length"]),
                )


def _lines(path: Path, key: bytes) -> list[bytes]:
    """Return the lines of an index that begin with *key*, found by bisection."""
    with (
        suppress(OSError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        return list(matching(data, key))
    return []
