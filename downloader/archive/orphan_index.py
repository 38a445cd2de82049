"""Finds orphans: responses that a killed run stored in a pack, but not in its journal.

They need not be fetched again.
"""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from downloader.archive import cdxj
from downloader.archive.archived_response import archived_response, revisit_head
from downloader.archive.file_series import FileSeries, index_path
from downloader.archive.http_responses import ResponseHead
from downloader.archive.warc_reader import WarcRecord, iter_records
from downloader.archive.warc_records import format_digest, hash_constructor, warc_date
from downloader.errors import SourceError, TruncatedError
from downloader.models import WarcDigest
from downloader.models.exchange import ArchivedResponse, RecordLocation
from downloader.web.urls import Url

#: File systems have clocks of their own, and some store times by the second.
_MTIME_SLACK_SECONDS = 2.0
#: Exceptions raised on damage to a volume or its index; the orphan is then skipped.
_DAMAGE_ERRORS = (OSError, OverflowError, SourceError, ValueError, EOFError, zlib.error)


class OrphanIndex:
    """The orphans in the volumes of a pack; it implements ``OrphanSource``."""

    def __init__(self, series: FileSeries) -> None:
        self._volumes: list[tuple[Path, float]] = []
        for path in series.complete_files():
            # An uploader may have deleted the volume in between.
            with suppress(FileNotFoundError):
                self._volumes.append((path, path.stat().st_mtime))

    def find(self, url: Url, since: float) -> ArchivedResponse | None:
        """Return the latest complete response for *url* captured at *since* or later."""
        first_date = warc_date(since)
        candidates = [
            (capture.date, path, capture)
            for path, mtime in self._volumes
            if mtime >= since - _MTIME_SLACK_SECONDS
            for capture in cdxj.find_captures(index_path(path), url)
            if capture.date >= f"{first_date[:19]}Z" and capture.status != "304"
        ]
        for _, path, capture in sorted(candidates, key=lambda each: each[0], reverse=True):
            with suppress(*_DAMAGE_ERRORS), ExitStack() as stack:
                record, head = _open_record(path, capture, stack)
                # The index has no fractions of a second; the record has.
                if head is None or record.field("WARC-Date") < first_date:
                    continue
                if record.record_type == "revisit":
                    record, head = _open_original(path, record, head, stack)
                digest = record.field("WARC-Payload-Digest")
                location = RecordLocation(path.name, capture.offset)
                algorithm = WarcDigest(digest.partition(":")[0])
                orphan = archived_response(
                    head, record, stack.pop_all(), trust_coding=True, location=location
                )
                return replace(orphan, body=_verify_digest(orphan.body, digest, algorithm))
        return None


def _verify_digest(
    body: Iterator[bytes], payload_digest: str, algorithm: WarcDigest
) -> Iterator[bytes]:
    """Yield a body, and check its digest at the end.

    Raises:
        TruncatedError: the digest differs; the server can be asked again.
    """
    payload_hash = hash_constructor(algorithm)()
    for piece in body:
        payload_hash.update(piece)
        yield piece
    if format_digest(algorithm, payload_hash.digest()) != payload_digest:
        raise TruncatedError("the record is damaged")


def _open_original(
    path: Path, revisit: WarcRecord, revisit_http_head: ResponseHead, stack: ExitStack
) -> tuple[WarcRecord, ResponseHead]:
    """Return the record that a revisit refers to, in the same volume, with the revisit's head.

    Raises:
        SourceError: the volume does not contain it.
    """
    date = revisit.field("WARC-Refers-To-Date")
    url = revisit.field("WARC-Refers-To-Target-URI")
    for capture in cdxj.find_captures(index_path(path), url):
        if capture.mime != cdxj.REVISIT_MIME and capture.date[:19] == date[:19]:
            record, head = _open_record(path, capture, stack)
            if head is not None and record.field("WARC-Date") == date:
                return record, revisit_head(revisit_http_head, head)
    raise SourceError(f"{path} does not contain the record that a revisit refers to")


def _open_record(
    path: Path, capture: cdxj.Capture, stack: ExitStack
) -> tuple[WarcRecord, ResponseHead | None]:
    """Open a record and read its HTTP head; closing the stack closes its file."""
    file = stack.enter_context(path.open("rb"))
    file.seek(capture.offset)
    records = iter_records(file, str(path))
    stack.callback(records.close)
    record = next(records, None)
    if record is None:
        raise SourceError(f"{path} was changed while it was being read")
    return record, record.read_http_head()
