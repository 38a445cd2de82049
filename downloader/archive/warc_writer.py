"""Writes exchanges to the WARC files of a series; everything here blocks, in one thread."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from downloader.archive import cdxj, gzip_members
from downloader.archive.dedup import RecentPayloads
from downloader.archive.file_series import OPEN_SUFFIX, ClaimedFile, FileSeries, index_path
from downloader.archive.warc_records import (
    RECORD_END,
    SOFTWARE,
    Hash,
    OriginalRecord,
    ResponseDetails,
    RevisitProfile,
    format_digest,
    hash_constructor,
    metadata_record,
    new_record_id,
    recorded_head,
    request_record,
    response_record_header,
    warc_date,
    warcinfo_record,
)
from downloader.models import TransferOptions
from downloader.models.exchange import Exchange, RecordLocation, Truncation
from downloader.web.text import printable

_BUFFER_BYTES = 1024 * 1024


@dataclass(slots=True)
class Payload:
    """The body of a response, in memory or in a temporary file.

    Attributes:
        length: in bytes.
        data: the body, unless it is in a file.
        file: holds the whole of a large body.
        hash: the hash of the body in *file*.
    """

    length: int = 0
    data: bytes = b""
    file: IO[bytes] | None = None
    hash: Hash | None = None

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the body."""
        if self.file is None:
            yield self.data
            return
        self.file.seek(0)
        while data := self.file.read(_BUFFER_BYTES):
            yield data


class _OpenWarcFile:
    """A WARC file that is being written, and its index; records are buffered until :meth:`flush`.

    The file begins with a warcinfo record, which the caller adds.
    """

    def __init__(self, series: FileSeries, now: float) -> None:
        self._claimed: ClaimedFile = series.claim_next()
        self._compressed = series.is_compressed
        self._written = 0
        self._records: list[bytes] = []
        self._index_lines: list[bytes] = []
        self.size = 0
        self.warcinfo_id = new_record_id()
        self.date = warc_date(now)
        try:
            self._index = open_index_path(self._claimed).open("w+b")
        except BaseException:
            self.abandon()
            raise

    @property
    def name(self) -> str:
        return self._claimed.path.name

    def add(self, record: bytes, *, compress: bool = True) -> tuple[int, int]:
        """Add a record; return its offset and length in the file."""
        if self._compressed:
            record = gzip_members.gzip_member(record, compress=compress)
        self._records.append(record)
        offset, length = self.size, len(record)
        self.size += length
        if self.size - self._written > _BUFFER_BYTES:
            self.flush()
        return offset, length

    def add_pieces(self, pieces: Iterable[bytes], *, compress: bool) -> tuple[int, int]:
        """Write a record that comes in pieces; return its offset and length in the file."""
        self.flush()
        offset = self.size
        if self._compressed:
            pieces = gzip_members.iter_gzip_member(pieces, compress=compress)
        self._write(pieces)
        self.size = self._written
        return offset, self.size - offset

    def add_to_index(self, capture: cdxj.Capture) -> None:
        """Add a line to the index."""
        self._index_lines.append(cdxj.format_line(capture, self.name).encode("utf-8") + b"\n")

    def flush(self) -> None:
        """Write the buffered records and index lines."""
        if self._records:
            self._write((b"".join(self._records),))
            self._records.clear()
        self._index.writelines(self._index_lines)
        self._index_lines.clear()

    def publish(self) -> None:
        """Give the complete file and its index their final names."""
        try:
            with self._index:
                self.flush()
                publish_index(self._index, self._claimed)
        except BaseException:
            self.abandon()
            raise
        self._claimed.publish()
        open_index_path(self._claimed).unlink(missing_ok=True)

    def abandon(self) -> None:
        """Close the file as it is; the next run recovers it."""
        os.close(self._claimed.fd)

    def _write(self, pieces: Iterable[bytes]) -> None:
        """Write pieces, or nothing of them if that fails."""
        size = self._written
        try:
            for piece in pieces:
                remaining = memoryview(piece)
                while remaining:
                    written = os.write(self._claimed.fd, remaining)
                    remaining = remaining[written:]
                    size += written
        except BaseException:
            self._records.clear()
            self._index_lines.clear()
            self.size = self._written
            with suppress(OSError):
                os.ftruncate(self._claimed.fd, self._written)
                os.lseek(self._claimed.fd, self._written, os.SEEK_SET)
            raise
        self._written = size


def open_index_path(claimed: ClaimedFile) -> Path:
    """Return the path of a file's index while both are being written."""
    path = index_path(claimed.path)
    return path.with_name(path.name + OPEN_SUFFIX)


def publish_index(lines: IO[bytes], claimed: ClaimedFile) -> None:
    """Sort the lines of a file's index, and write them under the index's final name."""
    path = index_path(claimed.path)
    temporary = path.with_name(path.name + ".sorting")
    lines.seek(0)
    with temporary.open("wb") as file:
        cdxj.sort_lines(lines, file)
    temporary.replace(path)


class WarcWriter:
    """Writes exchanges as records, one after the other.

    Args:
        series: the files to write.
        options: the options of the run.
        find_previous: returns an earlier run's capture of a URL, for the revisit record of a 304.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self,
        series: FileSeries,
        options: TransferOptions,
        find_previous: Callable[[str], OriginalRecord | None],
        clock: Callable[[], float],
    ) -> None:
        self._series = series
        self._max_file_bytes = options.archive_size
        self._is_pack = options.pack is not None
        self._digest_algorithm = options.warc_digest
        self._user_agent = options.user_agent
        self._find_previous = find_previous
        self._clock = clock
        self._file: _OpenWarcFile | None = None
        self._payloads = RecentPayloads()

    def write(
        self,
        exchange: Exchange,
        payload: Payload,
        truncation: Truncation | None,
        fetch_seconds: float,
    ) -> RecordLocation:
        """Write the response, request and metadata records; return the location of the first.

        Raises:
            OSError: the file cannot be written.
        """
        file = self._file or self._begin_file()
        details = self._response_details(exchange, payload, truncation)
        algorithm, warcinfo_id = self._digest_algorithm, file.warcinfo_id
        request = request_record(exchange, details, warcinfo_id, algorithm)
        metadata = metadata_record(exchange, details, warcinfo_id, algorithm, fetch_seconds)
        location = self._write_response(file, exchange, payload, details)
        file.add(request)
        file.add(metadata)
        is_original = exchange.status == 200 and details.profile is None and truncation is None
        # What answers another request than a GET is not found by its URL.
        if is_original and exchange.method == "GET":
            original = OriginalRecord(exchange.url, details.date, details.record_id)
            self._payloads.add(details.payload_digest, original)
        if self._max_file_bytes is not None and file.size >= self._max_file_bytes:
            self.close()
        return location

    def flush(self) -> None:
        """Hand everything written so far to the operating system, so that a kill loses nothing.

        Raises:
            OSError: the file cannot be written.
        """
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Publish the file that is being written.

        Raises:
            OSError: the file cannot be written.
        """
        file, self._file = self._file, None
        if file is not None:
            file.publish()

    def _begin_file(self) -> _OpenWarcFile:
        file = _OpenWarcFile(self._series, self._clock())
        fields = [
            ("software", SOFTWARE),
            ("http-header-user-agent", printable(self._user_agent)),
        ]
        algorithm = self._digest_algorithm
        try:
            file.add(warcinfo_record(file.warcinfo_id, file.date, file.name, algorithm, fields))
        except BaseException:
            file.abandon()
            raise
        self._file = file
        if self._is_pack:
            # A volume may be deleted by itself, so its revisits refer to records in it only.
            self._payloads = RecentPayloads()
        return file

    def _write_response(
        self, file: _OpenWarcFile, exchange: Exchange, payload: Payload, details: ResponseDetails
    ) -> RecordLocation:
        """Write the response or revisit record, and list it in the index."""
        header = response_record_header(exchange, details, file.warcinfo_id)
        is_revisit = details.profile is not None
        compress = is_revisit or gzip_members.is_compressible(exchange)
        body = () if is_revisit else payload.pieces()
        if payload.file is None or is_revisit:
            record = b"".join((header, details.http_head, *body, RECORD_END))
            offset, length = file.add(record, compress=compress)
        else:
            pieces = chain((header, details.http_head), body, (RECORD_END,))
            offset, length = file.add_pieces(pieces, compress=compress)
        file.add_to_index(
            cdxj.Capture(
                url=exchange.url,
                date=details.date,
                mime=cdxj.REVISIT_MIME if is_revisit else exchange.media_type,
                status=str(exchange.status),
                digest=details.payload_digest,
                offset=offset,
                length=length,
                truncated=details.truncation or "",
                method=exchange.method,
            )
        )
        return RecordLocation(file.name, offset)

    def _response_details(
        self, exchange: Exchange, payload: Payload, truncation: Truncation | None
    ) -> ResponseDetails:
        """Decide whether the record is a revisit, and return its header values."""
        payload_hash = payload.hash
        if payload_hash is None:
            payload_hash = hash_constructor(self._digest_algorithm)(payload.data)
        digest = format_digest(self._digest_algorithm, payload_hash.digest())
        profile, original = None, None
        if exchange.status == 304 and not payload.length:
            profile, original = RevisitProfile.NOT_MODIFIED, self._find_previous(exchange.url)
            digest = original.payload_digest if original else ""
        elif exchange.status == 200 and truncation is None and payload.length:
            original = self._payloads.get(digest)
            profile = RevisitProfile.IDENTICAL_PAYLOAD if original else None
        return ResponseDetails(
            record_id=new_record_id(),
            date=warc_date(exchange.started_at),
            http_head=recorded_head(exchange, payload.length),
            payload_length=payload.length,
            payload_digest=digest,
            truncation=truncation,
            profile=profile,
            original=original,
        )
