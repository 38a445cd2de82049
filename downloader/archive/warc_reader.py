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

#: Limits of an HTTP head, the same as for responses from the network.
_MAX_LINE_BYTES = 64 * 1024
_MAX_HEADER_FIELDS = 1000
_MAX_WARC_HEADER_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})[ \t]*([^\r\n]*)")
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
        if self.record_type not in ("response", "revisit"):
            return False
        if not self.url.lower().startswith("http"):
            return False
        return "msgtype=request" not in self.field("Content-Type")

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
    """Read a status line and the header fields after it; return None without a status line."""
    status_line = _STATUS_LINE.match(stream.readline(_MAX_LINE_BYTES))
    if status_line is None:
        return None
    fields: list[tuple[bytes, bytes]] = []
    while line := stream.readline(_MAX_LINE_BYTES).rstrip(b"\r\n"):
        name, colon, value = line.partition(b":")
        if line[:1] in b" \t" and fields:
            # A folded line continues the field before it (RFC 9112, section 5.2).
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif colon and len(fields) < _MAX_HEADER_FIELDS:
            fields.append((name.strip(), value.strip()))
    major, minor, status, reason = status_line.groups()
    version = (int(major), int(minor or 0))
    return ResponseHead(
        int(status), reason.strip().decode("utf-8", "replace"), version, tuple(fields)
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
