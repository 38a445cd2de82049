"""Reads the records of WARC files, written by any tool, with warcio."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed

from downloader.archive import cdxj
from downloader.errors import SourceError
from downloader.web.media_types import parse_media_type

#: Limits of an HTTP head: a longer one is not read, and its record is left out.
_MAX_HEAD_BYTES = 256 * 1024
_MAX_LINE_BYTES = 64 * 1024
_MAX_WARC_HEADER_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})[ \t]*([^\r\n]*)")
_WHOLE_RANGE = re.compile(r"bytes 0-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
#: A longer ``Content-Length`` is ignored.
_MAX_LENGTH_DIGITS = 18
_INTERIM_STATUSES = frozenset({100, 102, 103})
_PARTIAL_CONTENT = 206
#: RFC 9110, section 6.4.1.
_WITHOUT_BODY = frozenset({204, 304})
#: Types of records that hold what a server sent, or what was made of it.
_HTTP_TYPES = frozenset({"response", "revisit"})
_FILE_TYPES = frozenset({"resource", "conversion"})
_CHUNK_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class ByteStream(Protocol):
    """A stream that a record's block is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; no bytes at the end."""

    def readline(self, size: int, /) -> bytes:
        """Return a line with its line end, or at most *size* bytes of it."""


class _LimitedStream(ByteStream, Protocol):
    """warcio's ``LimitReader``: a stream that ends with the record's block."""

    limit: int
    """The bytes that remain, by the record's ``Content-Length``."""


class _WarcioHeaders(Protocol):
    def get_header(self, name: str, default: str, /) -> str | None:
        """Return a field of a record's header."""


class _WarcioRecord(Protocol):
    """The attributes of warcio's records that are used; warcio has no annotations."""

    rec_type: str
    rec_headers: _WarcioHeaders
    raw_stream: _LimitedStream


class _HeaderLimitedReader(DecompressingBufferedReader):
    """warcio's reader, with a limit on the length of a WARC header.

    Attributes:
        remaining_header_bytes: how much longer the header may be; None while a block is read.
    """

    remaining_header_bytes: int | None = _MAX_WARC_HEADER_BYTES

    def readline(self, length: int | None = None) -> bytes:
        """Return a line with its line end, or at most *length* bytes of it."""
        line: bytes = super().readline(length or _MAX_LINE_BYTES)
        if self.remaining_header_bytes is not None:
            self.remaining_header_bytes -= len(line)
            if self.remaining_header_bytes < 0:
                raise ArchiveLoadFailed(f"a header is over {_MAX_WARC_HEADER_BYTES} bytes long")
        return line


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status line and header fields of an HTTP response.

    Attributes:
        status, reason, version: from the status line.
        fields: name and value of each header field, in order.
    """

    status: int
    reason: str
    version: tuple[int, int]
    fields: tuple[tuple[bytes, bytes], ...]

    def field(self, name: bytes) -> str:
        """Return the first field of that lower-case name, or an empty string."""
        value = next((value for key, value in self.fields if key.lower() == name), b"")
        return value.decode("utf-8", "replace")

    @property
    def is_whole_range(self) -> bool:
        """Whether it is a partial response that holds all bytes, as browsers ask media for."""
        if self.status != _PARTIAL_CONTENT:
            return False
        match = _WHOLE_RANGE.fullmatch(self.field(b"content-range").strip())
        return match is not None and int(match[1]) + 1 == int(match[2])

    def is_longer_than(self, block_bytes: int) -> bool:
        """Return whether the body should be longer than the rest of the record.

        So it is for a response to HEAD. A coded body that the archive holds decoded is longer than
        ``Content-Length``, seldom shorter. A 204 or 304 has none, whatever its fields say.
        """
        if self.status in _WITHOUT_BODY:
            return False
        if self.field(b"transfer-encoding") or self.field(b"content-encoding"):
            return not block_bytes and self.field(b"content-length").strip("0") != ""
        length = self.field(b"content-length")
        is_number = length.isascii() and length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS
        return is_number and int(length) > block_bytes


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
    raw: _WarcioRecord

    def field(self, name: str) -> str:
        """Return a field of the WARC header, or an empty string."""
        return self.raw.rec_headers.get_header(name, "") or ""

    @property
    def url(self) -> str:
        """The target URI; WARC 1.0 has it in angle brackets."""
        return self.field("WARC-Target-URI").strip("<>")

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
    with _map_warcio_errors(name):
        archive = ArchiveIterator(file, no_record_parse=True, arc2warc=True)
        archive.reader = reader = _HeaderLimitedReader(file)
        iterator = iter(archive)
        try:
            while (record := next(iterator, None)) is not None:
                reader.remaining_header_bytes = None
                # get_record_offset() would read the record to its end first.
                yield WarcRecord(str(record.rec_type), int(archive.offset), record)
                reader.remaining_header_bytes = _MAX_WARC_HEADER_BYTES
        finally:
            # The iterator is part of a reference cycle, which would keep its buffers for a while.
            archive.close()


def scan_captures(path: Path) -> Iterator[cdxj.Capture]:
    """Yield the index entry of each HTTP response in a WARC file.

    Raises:
        SourceError: as :func:`iter_records`.
    """
    with path.open("rb") as file, _map_warcio_errors(str(path)):
        archive = ArchiveIterator(file, no_record_parse=True)
        for raw in archive:
            record = WarcRecord(str(raw.rec_type), int(archive.offset), raw)
            if not record.is_http_response or (head := record.read_http_head()) is None:
                continue
            is_revisit = record.record_type == "revisit"
            mime = (
                cdxj.REVISIT_MIME if is_revisit else parse_media_type(head.field(b"content-type"))
            )
            yield cdxj.Capture(
                url=record.url,
                date=record.field("WARC-Date"),
                mime=mime,
                status=str(head.status),
                digest=record.field("WARC-Payload-Digest"),
                offset=record.offset,
                length=int(archive.get_record_length()),
                truncated=record.field("WARC-Truncated"),
            )


def read_http_head(stream: ByteStream) -> ResponseHead | None:
    """Read a status line and the header fields after it; interim responses (1xx) are skipped.

    Return None if there is no status line, or the head is over 256 kB long.
    """
    remaining = _MAX_HEAD_BYTES
    head = None
    while head is None or head.status in _INTERIM_STATUSES:
        lines: list[bytes] = []
        while line := stream.readline(_MAX_LINE_BYTES):
            remaining -= len(line)
            if remaining < 0:
                return None
            if not (stripped := line.rstrip(b"\r\n")):
                break
            lines.append(stripped)
        if not lines or (head := _parse_head(lines)) is None:
            return None
    return head


def _parse_head(lines: list[bytes]) -> ResponseHead | None:
    status_line = _STATUS_LINE.match(lines[0])
    if status_line is None:
        return None
    fields: list[tuple[bytes, list[bytes]]] = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if line[:1] in b" \t" and fields:
            # A folded line continues the field before it (RFC 9112, section 5.2).
            fields[-1][1].append(line.strip())
        elif colon:
            fields.append((name.strip(), [value.strip()]))
    major, minor, status, reason = status_line.groups()
    return ResponseHead(
        int(status),
        reason.strip().decode("utf-8", "replace"),
        (int(major), int(minor or 0)),
        tuple((name, b" ".join(values)) for name, values in fields),
    )


def iter_body(head: ResponseHead, stream: ByteStream) -> Iterator[bytes]:
    """Yield the body from *stream*, decoded if it is still chunked."""
    is_chunked = head.field(b"transfer-encoding").lower().endswith("chunked")
    return _iter_chunked(stream) if is_chunked else _iter_blocks(stream)


def _iter_blocks(stream: ByteStream) -> Iterator[bytes]:
    while data := stream.read(_READ_BYTES):
        yield data


def _iter_chunked(stream: ByteStream) -> Iterator[bytes]:
    """Yield a chunked body; some tools decode the chunks and keep ``Transfer-Encoding``."""
    line = stream.readline(_MAX_LINE_BYTES)
    is_first = True
    while size := _CHUNK_SIZE_LINE.fullmatch(line):
        is_first, remaining = False, int(size[1], 16)
        if not remaining:
            return
        while remaining and (data := stream.read(min(remaining, _READ_BYTES))):
            remaining -= len(data)
            yield data
        stream.readline(_MAX_LINE_BYTES)
        line = stream.readline(_MAX_LINE_BYTES)
    if is_first and line:
        yield line
        yield from _iter_blocks(stream)


@contextmanager
def _map_warcio_errors(name: str) -> Iterator[None]:
    """Raise ``SourceError`` for what warcio raises."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot read {name}: {error.strerror or error}") from error
    except (ArchiveLoadFailed, EOFError, ValueError) as error:
        raise SourceError(f"{name} is not a WARC file, or is damaged: {error}") from error
