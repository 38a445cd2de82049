"""What earlier runs captured, by their indexes.

A 304 repeats something that is there, and what a killed run packed after its last note need not
come again.
"""

import json
import mmap
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from downloader.archive import reading
from downloader.archive.holdings import merged, stored
from downloader.archive.index import Capture, matching
from downloader.archive.names import Series, index_path
from downloader.archive.reading import Head, Record
from downloader.archive.records import Original, date_of, digest_text, hasher
from downloader.archive.surt import surt
from downloader.errors import SourceError, TruncatedError
from downloader.exchange import Place, Stored
from downloader.models import WarcDigest
from downloader.urls import Url

#: A revisit repeats a whole answer, not another revisit.
_REVISIT = "warc/revisit"
#: What reading a damaged file, or by a damaged index, comes to: then nothing is left there.
_DAMAGED = (OSError, OverflowError, SourceError, ValueError, EOFError, zlib.error)


class Earlier:
    """Looks addresses up in the indexes of the files of a series that were whole from the start."""

    def __init__(self, series: Series) -> None:
        self._files = series.whole()

    def find(self, url: str) -> Original | None:
        """Return the latest whole capture of *url*, if there is one."""
        found = [
            Original(url, capture.date, digest=capture.digest)
            for path in self._files
            for capture in _captures(path, url)
            if capture.status == "200" and capture.mime != _REVISIT
        ]
        return max(found, key=lambda original: original.date, default=None)


class Left:
    """What killed runs have packed without a note; :class:`~downloader.exchange.Leftovers`."""

    def __init__(self, series: Series) -> None:
        self._files = series.whole()

    def find(self, url: Url, since: float) -> Stored | None:
        """Return the latest whole answer to a request for *url* of that time or later."""
        first = date_of(since)
        found = [
            (capture.date, path, capture)
            for path in self._files
            for capture in _captures(path, url)
            if capture.date >= f"{first[:19]}Z" and capture.status != "304"
        ]
        for _, path, capture in sorted(found, key=lambda each: each[0], reverse=True):
            with suppress(*_DAMAGED), ExitStack() as stack:
                record, head = _opened(path, capture, stack)
                if head is None or record.field("WARC-Date") < first:
                    continue
                if record.kind == "revisit":
                    record, head = _original(path, record, head, stack)
                digest = record.field("WARC-Payload-Digest")
                place = Place(path.name, capture.offset)
                left = stored(head, record, stack.pop_all(), place=place)
                return replace(left, body=_verified(left.body, digest))
        return None


def _verified(body: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """Yield a body, and hold that it is what was packed.

    Raises:
        TruncatedError: it is not; the server still has it.
    """
    kind = WarcDigest(digest.partition(":")[0])
    hashed = hasher(kind)()
    for piece in body:
        hashed.update(piece)
        yield piece
    if digest_text(kind, hashed.digest()) != digest:
        raise TruncatedError("the archive is damaged here")


def _original(path: Path, revisit: Record, told: Head, stack: ExitStack) -> tuple[Record, Head]:
    """Return what a record repeats, which is in the same volume, with the head that it has itself.

    Raises:
        SourceError: it is not there.
    """
    date = revisit.field("WARC-Refers-To-Date")
    for capture in _captures(path, revisit.field("WARC-Refers-To-Target-URI")):
        if capture.mime != _REVISIT and capture.date[:19] == date[:19]:
            record, head = _opened(path, capture, stack)
            if head is not None and record.field("WARC-Date") == date:
                return record, merged(told, head)
    raise SourceError(f"{path} does not hold what it refers to")


def _opened(path: Path, capture: Capture, stack: ExitStack) -> tuple[Record, Head | None]:
    file = stack.enter_context(path.open("rb"))
    file.seek(capture.offset)
    found = reading.records(file, str(path))
    stack.callback(found.close)
    record = next(found, None)
    if record is None:
        raise SourceError(f"{path} has changed")
    return record, record.head()


def _captures(path: Path, url: str) -> Iterator[Capture]:
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
