"""Reads the records of WARC files, written by any tool."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from warcio.exceptions import ArchiveLoadFailed

from downloader.archive import cdxj
from downloader.archive.http_responses import ResponseHead, read_http_head
from downloader.archive.warcio_reader import MAX_WARC_HEADER_BYTES, BoundedIterator, WarcioRecord
from downloader.errors import SourceError
from downloader.web.media_types import parse_media_type
from downloader.web.text import printable

#: Bytes of a request in which its method is looked for.
_MAX_REQUEST_LINE_BYTES = 1024
_METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) ")
_MAX_SHOWN_ERROR = 160
#: Types of records that hold what a server sent, or what was made of it.
_HTTP_TYPES = frozenset({"response", "revisit"})
_FILE_TYPES = frozenset({"resource", "conversion"})


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """A record of a WARC file; its block can be read until the next record is.

    Attributes:
        record_type: the value of ``WARC-Type``, such as ``response``.
        offset: where it begins in the file, in bytes.
        raw: warcio's record.
    """

    record_type: str
    offset: int
    raw: WarcioRecord

    def field(self, name: str) -> str:
        """Return a field of the WARC header, or an empty string."""
        return self.raw.rec_headers.get_header(name, "") or ""

    @property
    def url(self) -> str:
        """The target URI, without the angle brackets of WARC 1.0."""
        return self.field("WARC-Target-URI")

    @property
    def is_http_response(self) -> bool:
        """Whether it is a response or revisit record of an HTTP URL."""
        if self.record_type not in _HTTP_TYPES:
            return False
        if not self.url.lower().startswith("http"):
            return False
        return "msgtype=request" not in self.field("Content-Type")

    @property
    def is_capture(self) -> bool:
        """Whether it holds the content of an HTTP URL, or refers to a record that does."""
        if not self.url.lower().startswith("http"):
            return False
        return self.record_type in _FILE_TYPES or self.is_http_response

    def read_method(self) -> str:
        """Return the method of a request record, in upper case; GET if it is malformed."""
        line = self.raw.raw_stream.readline(_MAX_REQUEST_LINE_BYTES)
        match = _METHOD.match(line)
        return match[1].decode("ascii").upper() if match else "GET"

    @property
    def remaining_bytes(self) -> int:
        """The bytes of the block that have not been read."""
        return self.raw.raw_stream.limit

    def read_response_head(self) -> ResponseHead | None:
        """Read the HTTP head; for a record without HTTP, such as a resource, return a made-up one.

        Return None if the block of a response does not begin with an HTTP head.
        """
        content_type = self.field("Content-Type")
        if self.record_type not in _FILE_TYPES or content_type.startswith("application/http"):
            return self.read_http_head()
        fields = [(b"Content-Length", str(self.remaining_bytes).encode())]
        if content_type:
            fields.append((b"Content-Type", content_type.encode("utf-8", "replace")))
        return ResponseHead(200, "OK", (1, 1), tuple(fields))

    def read_http_head(self) -> ResponseHead | None:
        """Read the HTTP head from the block; return None if it does not begin with one."""
        return read_http_head(self.raw.raw_stream)


def iter_records(file: BinaryIO, name: str) -> Generator[WarcRecord]:
    """Yield the records of a WARC file from its present position on.

    Args:
        file: the file, open for reading.
        name: the name of the file in messages.

    Raises:
        SourceError: it is not a WARC file, or is damaged; the records before have been yielded.
    """
    for record, _ in _iter_with_archive(file, name):
        yield record


def _iter_with_archive(file: BinaryIO, name: str) -> Generator[tuple[WarcRecord, BoundedIterator]]:
    with _map_warcio_errors(name):
        archive = BoundedIterator(file)
        reader = archive.reader
        iterator = iter(archive)
        try:
            while (record := next(iterator, None)) is not None:
                reader.remaining_header_bytes = None
                # get_record_offset() would read the record to its end first.
                yield WarcRecord(str(record.rec_type or ""), int(archive.offset), record), archive
                reader.remaining_header_bytes = MAX_WARC_HEADER_BYTES
            if reader.is_damaged:
                raise ArchiveLoadFailed("its gzip data is corrupt")
        finally:
            # The iterator is part of a reference cycle, which would keep its buffers for a while.
            archive.close()


def scan_captures(path: Path) -> Iterator[cdxj.Capture]:
    """Yield the index entry of each HTTP response in a WARC file of this program.

    The record of its request is the next one.

    Raises:
        SourceError: as :func:`iter_records`.
    """
    waiting: cdxj.Capture | None = None
    with path.open("rb") as file:
        for record, archive in _iter_with_archive(file, str(path)):
            if waiting is not None:
                is_request = record.record_type == "request" and record.url == waiting.url
                method = record.read_method() if is_request else "GET"
                yield replace(waiting, method=method)
                waiting = None
            if not record.is_http_response or (head := record.read_http_head()) is None:
                continue
            is_revisit = record.record_type == "revisit"
            mime = (
                cdxj.REVISIT_MIME if is_revisit else parse_media_type(head.field(b"content-type"))
            )
            waiting = cdxj.Capture(
                url=record.url,
                date=record.field("WARC-Date"),
                mime=mime,
                status=str(head.status),
                digest=record.field("WARC-Payload-Digest"),
                offset=record.offset,
                length=int(archive.get_record_length()),
                truncated=record.field("WARC-Truncated"),
            )
        if waiting is not None:
            yield waiting


@contextmanager
def _map_warcio_errors(name: str) -> Iterator[None]:
    """Raise ``SourceError`` for what warcio raises."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot read {name}: {error.strerror or error}") from error
    except (ArchiveLoadFailed, EOFError, ValueError) as error:
        reason = printable(str(error))
        if len(reason) > _MAX_SHOWN_ERROR:
            reason = f"{reason[:_MAX_SHOWN_ERROR]}…"
        raise SourceError(f"{name} is not a WARC file, or is damaged: {reason}") from error
