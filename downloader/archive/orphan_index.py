"""What a killed run packed after its last note: it need not come again."""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from downloader.archive import warc_reader
from downloader.archive.archive_index import merged, stored_response
from downloader.archive.cdxj import Capture
from downloader.archive.file_series import FileSeries
from downloader.archive.previous_captures import REVISIT, captures
from downloader.archive.warc_reader import ResponseHead, WarcRecord
from downloader.archive.warc_records import date_of, digest_text, hasher
from downloader.errors import SourceError, TruncatedError
from downloader.models import WarcDigest
from downloader.models.exchange import ArchivedResponse, RecordLocation
from downloader.web.urls import Url

#: File systems keep time by another clock, and some by the second.
_CLOCK_SLACK = 2.0
#: What reading a damaged file, or by a damaged index, comes to: then nothing is left there.
_DAMAGED = (OSError, OverflowError, SourceError, ValueError, EOFError, zlib.error)


class OrphanIndex:
    """Bodies that killed runs packed without recording it; an ``OrphanSource``."""

    def __init__(self, series: FileSeries) -> None:
        self._files: list[tuple[Path, float]] = []
        for path in series.whole():
            # Who is told of whole volumes may have taken one away.
            with suppress(FileNotFoundError):
                self._files.append((path, path.stat().st_mtime))

    def find(self, url: Url, since: float) -> ArchivedResponse | None:
        """Return the latest whole answer to a request for *url* of that time or later."""
        first = date_of(since)
        found = [
            (capture.date, path, capture)
            for path, written in self._files
            if written >= since - _CLOCK_SLACK
            for capture in captures(path, url)
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
                place = RecordLocation(path.name, capture.offset)
                left = stored_response(head, record, stack.pop_all(), place=place)
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


def _original(
    path: Path, revisit: WarcRecord, told: ResponseHead, stack: ExitStack
) -> tuple[WarcRecord, ResponseHead]:
    """Return what a record repeats, which is in the same volume, with the head that it has itself.

    Raises:
        SourceError: it is not there.
    """
    date = revisit.field("WARC-Refers-To-Date")
    for capture in captures(path, revisit.field("WARC-Refers-To-Target-URI")):
        if capture.mime != REVISIT and capture.date[:19] == date[:19]:
            record, head = _opened(path, capture, stack)
            if head is not None and record.field("WARC-Date") == date:
                return record, merged(told, head)
    raise SourceError(f"{path} does not hold what it refers to")


def _opened(
    path: Path, capture: Capture, stack: ExitStack
) -> tuple[WarcRecord, ResponseHead | None]:
    file = stack.enter_context(path.open("rb"))
    file.seek(capture.offset)
    found = warc_reader.records(file, str(path))
    stack.callback(found.close)
    record = next(found, None)
    if record is None:
        raise SourceError(f"{path} has changed")
    return record, record.head()
