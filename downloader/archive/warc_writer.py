"""Writes exchanges to the files of one archive; everything here blocks, in one thread."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

from downloader.archive import cdxj, gzip_members
from downloader.archive.dedup import RecentPayloads
from downloader.archive.file_series import OPEN, ClaimedFile, FileSeries, index_path
from downloader.archive.warc_records import (
    END,
    Hash,
    OriginalRecord,
    ResponseDetails,
    RevisitProfile,
    date_of,
    digest_text,
    hasher,
    head_to_write,
    identifier,
    info_record,
    metadata_record,
    request_record,
    response_header,
)
from downloader.models import TransferOptions
from downloader.models.exchange import Exchange, RecordLocation, Truncation
from downloader.web.text import printable

_PIECE = 1024 * 1024


@dataclass(slots=True)
class Payload:
    """The bytes of a body.

    Attributes:
        length: how many.
        held: those in memory; all of them, unless there is a file.
        file: where a long one is, whole.
        hash: of all of them, for what is in a file.
    """

    length: int = 0
    held: bytes = b""
    file: IO[bytes] | None = None
    hash: Hash | None = None

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes."""
        if self.file is None:
            yield self.held
            return
        self.file.seek(0)
        while data := self.file.read(_PIECE):
            yield data


class _OpenVolume:
    """One file that is being written, and its index; what is added is written by :meth:`flush`."""

    def __init__(self, series: FileSeries, now: float) -> None:
        self._claimed: ClaimedFile = series.claim()
        self._compressed = series.compressed
        self._written = 0
        self._records: list[bytes] = []
        self._captures: list[bytes] = []
        self.size = 0
        self.info = identifier()
        self.date = date_of(now)
        try:
            self._lines = open_index(self._claimed).open("w+b")
        except BaseException:
            self.abandon()
            raise

    @property
    def name(self) -> str:
        return self._claimed.path.name

    def add(self, record: bytes, *, smaller: bool = True) -> tuple[int, int]:
        """Add a record; return where it is, as offset and length."""
        data = gzip_members.member(record, smaller=smaller) if self._compressed else record
        self._records.append(data)
        place = self.size, len(data)
        self.size += len(data)
        if self.size - self._written > _PIECE:
            self.flush()
        return place

    def add_long(self, record: Iterable[bytes], *, smaller: bool) -> tuple[int, int]:
        """Write one record that comes in pieces; return where it is."""
        self.flush()
        offset = self.size
        self._write(gzip_members.pieces(record, smaller=smaller) if self._compressed else record)
        self.size = self._written
        return offset, self.size - offset

    def list(self, capture: cdxj.Capture) -> None:
        """Add a line to the index."""
        self._captures.append(cdxj.line(capture, self.name).encode("utf-8") + b"\n")

    def flush(self) -> None:
        """Write what was added."""
        if self._records:
            self._write((b"".join(self._records),))
            self._records.clear()
        self._lines.writelines(self._captures)
        self._captures.clear()

    def finish(self) -> None:
        """Give the file and its index their names."""
        try:
            with self._lines:
                self.flush()
                publish_index(self._lines, self._claimed)
        except BaseException:
            self.abandon()
            raise
        self._claimed.publish()
        open_index(self._claimed).unlink(missing_ok=True)

    def abandon(self) -> None:
        """Leave the file as it is, for the next run to recover."""
        os.close(self._claimed.fd)

    def _write(self, data: Iterable[bytes]) -> None:
        size = self._written
        try:
            for piece in data:
                left = memoryview(piece)
                while left:
                    written = os.write(self._claimed.fd, left)
                    left = left[written:]
                    size += written
        except BaseException:
            # What is half written is no record.
            self._records.clear()
            self._captures.clear()
            self.size = self._written
            with suppress(OSError):
                os.ftruncate(self._claimed.fd, self._written)
                os.lseek(self._claimed.fd, self._written, os.SEEK_SET)
            raise
        self._written = size


def open_index(claimed: ClaimedFile) -> Path:
    """Return where the index of a file is until both are whole."""
    path = index_path(claimed.path)
    return path.with_name(path.name + OPEN)


def publish_index(lines: IO[bytes], claimed: ClaimedFile) -> None:
    """Sort the lines of a file's index into their place beside it."""
    path = index_path(claimed.path)
    temporary = path.with_name(path.name + ".sorting")
    lines.seek(0)
    with temporary.open("wb") as file:
        cdxj.sort(lines, file)
    temporary.replace(path)


class WarcWriter:
    """Writes exchanges, one after the other.

    Args:
        series: the files.
        options: of the run.
        earlier: finds what an earlier run captured of an address, for a 304.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        series: FileSeries,
        options: TransferOptions,
        earlier: Callable[[str], OriginalRecord | None],
        clock: Callable[[], float],
    ) -> None:
        self._series = series
        self._most = options.archive_size
        self._alone = options.pack is not None
        self._digest = options.warc_digest
        self._agent = options.user_agent
        self._hasher = hasher(options.warc_digest)
        self._earlier = earlier
        self._clock = clock
        self._file: _OpenVolume | None = None
        self._payloads = RecentPayloads()

    def write(
        self, exchange: Exchange, payload: Payload, cut: Truncation | None, seconds: float
    ) -> RecordLocation:
        """Write the records of an exchange that took so many *seconds*; return where.

        Raises:
            OSError: the disk refuses.
        """
        file = self._file or self._begin()
        head = head_to_write(exchange, payload.length)
        answer = self._answer(exchange, payload, head, cut)
        header = response_header(exchange, answer, file.info)
        request = request_record(exchange, answer, file.info, self._digest)
        metadata = metadata_record(exchange, answer, file.info, self._digest, seconds)
        smaller = gzip_members.compressible(exchange)
        body = () if answer.profile else payload.pieces()
        if payload.file is None or answer.profile:
            record = b"".join((header, head, *body, END))
            small = smaller or answer.profile is not None
            place = file.add(record, smaller=small)
        else:
            place = file.add_long(chain((header, head), body, (END,)), smaller=smaller)
        file.add(request)
        file.add(metadata)
        file.list(
            cdxj.Capture(
                url=exchange.url,
                date=answer.date,
                mime="warc/revisit" if answer.profile else exchange.media_type,
                status=str(exchange.status),
                digest=answer.digest,
                offset=place[0],
                length=place[1],
                truncated=cut or "",
            )
        )
        if exchange.status == 200 and answer.profile is None and cut is None:
            self._payloads.add(
                answer.digest, OriginalRecord(exchange.url, answer.date, answer.record)
            )
        if self._most is not None and file.size >= self._most:
            self.close()
        return RecordLocation(file.name, place[0])

    def flush(self) -> None:
        """Have all that was written on its way to the disk, where a killed process leaves it.

        Raises:
            OSError: the disk refuses.
        """
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Give the file that is being written its name.

        Raises:
            OSError: the disk refuses.
        """
        file, self._file = self._file, None
        if file is not None:
            file.finish()

    def _begin(self) -> _OpenVolume:
        file = _OpenVolume(self._series, self._clock())
        fields = [
            ("software", printable(self._agent)),
            ("http-header-user-agent", printable(self._agent)),
        ]
        try:
            file.add(info_record(file.info, file.date, file.name, self._digest, fields))
        except BaseException:
            file.abandon()
            raise
        self._file = file
        if self._alone:
            # Who removes a volume must not lose what is in another.
            self._payloads = RecentPayloads()
        return file

    def _answer(
        self, exchange: Exchange, payload: Payload, head: bytes, cut: Truncation | None
    ) -> ResponseDetails:
        """Return what is to be said of an answer, after a look at what is there already."""
        hashed = payload.hash or self._hasher()
        if payload.hash is None:
            hashed.update(payload.held)
        digest = digest_text(self._digest, hashed.digest())
        profile, original = None, None
        if exchange.status == 304 and not payload.length:
            profile, original = RevisitProfile.NOT_MODIFIED, self._earlier(exchange.url)
            digest = original.digest if original else ""
        elif exchange.status == 200 and cut is None and payload.length:
            original = self._payloads.get(digest)
            profile = RevisitProfile.IDENTICAL if original else None
        return ResponseDetails(
            record=identifier(),
            date=date_of(exchange.started_at),
            head=head,
            length=payload.length,
            digest=digest,
            cut=cut,
            profile=profile,
            original=original,
        )
