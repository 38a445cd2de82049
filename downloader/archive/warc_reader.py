"""Reads the records of WARC files, written by any tool, with warcio."""

import io
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.limitreader import LimitReader
from warcio.recordloader import ARC2WARCHeadersParser, ArcWarcRecordLoader

from downloader.archive import cdxj
from downloader.errors import SourceError, TruncatedError
from downloader.web.media_types import parse_media_type
from downloader.web.text import printable

#: Limits of an HTTP head: a longer one is not read, and its record is left out.
_MAX_REQUEST_LINE_BYTES = 1024
_METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) ")
_MAX_HEAD_BYTES = 256 * 1024
_MAX_LINE_BYTES = 64 * 1024
_MAX_WARC_HEADER_BYTES = 1024 * 1024
_READ_BYTES = 64 * 1024
#: Bytes that a gzip member is decompressed to at once, however well it is compressed.
_MAX_PIECE_BYTES = 64 * 1024
#: Gzip members in a row that hold nothing.
_MAX_EMPTY_MEMBERS = 1000
_GZIP_MAGIC = b"\x1f\x8b"
#: The length of a block whose header does not say it: the rest of the gzip member or file.
_UNKNOWN_LENGTH = 2**62
_MAX_SHOWN_ERROR = 160
#: IP address and date of an ARC record; URLs before them may contain spaces.
_ARC_ADDRESS_AND_DATE = re.compile(r" ([0-9A-Fa-f.:]+|-) (\d{8,17}) ")
#: How a record of either format begins.
_RECORD_START = re.compile(rb"WARC/\d|[a-z]{2,20}:[^ ]* [^ ]+ \d+ ")
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

    stream: "_BoundedReader"
    """The stream that the block is read from; it continues behind the block."""

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


class _BoundedReader(DecompressingBufferedReader):
    """warcio's reader, with limits, and without messages on stderr.

    Attributes:
        remaining_header_bytes: how much longer the WARC header may be; None while a block is read.
        ends_in_header: whether the header that was read last has no end.
        is_damaged: whether the gzip data is; nothing can be read from there on.
    """

    buff: io.BytesIO
    decompressor: "zlib._Decompress | None"
    starting_data: bytes | None
    remaining_header_bytes: int | None = _MAX_WARC_HEADER_BYTES
    ends_in_header = False
    is_damaged = False
    _empty_members = 0
    _is_at_member_start = True

    def readline(self, length: int | None = None) -> bytes:
        """Return a line with its line end, or at most *length* bytes of it."""
        # warcio's own method returns less than that of a line that is longer than its buffer.
        remaining = length or _MAX_LINE_BYTES
        pieces: list[bytes] = []
        while remaining and not (pieces and pieces[-1].endswith(b"\n")):
            self._fillbuff()
            if self.empty():
                break
            pieces.append(self.buff.readline(remaining))
            remaining -= len(pieces[-1])
        line = b"".join(pieces)
        if self.remaining_header_bytes is not None:
            self.remaining_header_bytes -= len(line)
            if self.remaining_header_bytes < 0:
                raise ArchiveLoadFailed(f"a header is over {_MAX_WARC_HEADER_BYTES} bytes long")
            self.ends_in_header = not line.endswith(b"\n")
            if self.ends_in_header and len(line) == _MAX_LINE_BYTES:
                raise ArchiveLoadFailed(f"a header line is over {_MAX_LINE_BYTES} bytes long")
        return line

    def read_next_member(self) -> bool:
        """Go on with the next gzip member; return whether there is one."""
        self._empty_members = 0 if self.num_block_read else self._empty_members + 1
        if self._empty_members > _MAX_EMPTY_MEMBERS:
            raise ArchiveLoadFailed(f"over {_MAX_EMPTY_MEMBERS} gzip members in a row are empty")
        self._is_at_member_start = bool(super().read_next_member())
        return self._is_at_member_start

    def _fillbuff(self, block_size: int | None = None) -> None:
        if not self.empty() or self.rem_length():
            return
        while True:
            data = self._next_input(block_size or self.block_size)
            self._process_read(data)
            has_output = not self.empty()
            if not data or has_output or not self.decompressor or self.decompressor.unused_data:
                return

    def _next_input(self, size: int) -> bytes:
        if self.is_damaged:
            return b""
        data, self.starting_data = self.starting_data, None
        if not data and self.decompressor:
            data = self.decompressor.unconsumed_tail
        return data or bytes(self.stream.read(size))

    def _decompress(self, data: bytes) -> bytes:
        if self.decompressor and self._is_at_member_start and not _may_be_gzip(data):
            self.decompressor = None
        self._is_at_member_start = False
        if not self.decompressor:
            return data
        try:
            return bytes(self.decompressor.decompress(data, _MAX_PIECE_BYTES))
        except zlib.error:
            self.is_damaged = True
            return b""


def _may_be_gzip(data: bytes) -> bool:
    return data[:2] == _GZIP_MAGIC[: len(data)]


class _ArcHeadersParser(ARC2WARCHeadersParser):
    """warcio's parser of ARC records, for both versions of ARC.

    Records of version 2 have fields between the media type and the length; those of some tools
    have a media type with parameters.
    """

    def parse(self, stream: ByteStream, headerline: bytes | str | None = None) -> object:
        """Parse the line that begins a record."""
        line = stream.readline(_MAX_LINE_BYTES) if headerline is None else headerline
        return super().parse(stream, _arc_version_1(self._text(line)))

    @staticmethod
    def _text(line: bytes | str) -> str:
        return line if isinstance(line, str) else line.decode("utf-8", "replace")


def _arc_version_1(line: str) -> str:
    """Return a line with the five fields of ARC version 1."""
    front, _, length = line.rstrip().rpartition(" ")
    match = _ARC_ADDRESS_AND_DATE.search(f"{front} ")
    if match is None:
        return line
    media_type = front[match.end() :].partition(" ")[0] or "-"
    return f"{front[: match.start()]} {match[1]} {match[2]} {media_type} {length}\n"


class _Loader(ArcWarcRecordLoader):
    """warcio's parser of records, which writes what is wrong with URLs to the log."""

    def __init__(self) -> None:
        super().__init__()
        self.arc_parser = _ArcHeadersParser()

    def _ensure_target_uri_format(self, fields: "_WarcioFields") -> str | None:
        url = fields.get_header("WARC-Target-URI", "")
        if not url:
            return None
        clean = url.removeprefix("<").removesuffix(">").replace(" ", "%20")
        if clean != url:
            fields.replace_header("WARC-Target-URI", clean)
        return clean


class _WarcioFields(_WarcioHeaders, Protocol):
    def replace_header(self, name: str, value: str, /) -> object:
        """Set a field of a record's header."""


class _BoundedIterator(ArchiveIterator):
    """warcio's iterator with these limits; it writes nothing to stderr."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, no_record_parse=True, arc2warc=True)
        self.loader = _Loader()
        self.reader = _BoundedReader(file)

    def _next_record(self, next_line: bytes | None) -> _WarcioRecord:
        record: _WarcioRecord = super()._next_record(next_line)
        if self.reader.ends_in_header:
            raise ArchiveLoadFailed("it ends within the header of a record")
        length = record.rec_headers.get_header("Content-Length", "") or ""
        if not (length.isascii() and length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS):
            # The block ends with the gzip member or the file, and is said to be truncated.
            record.raw_stream = LimitReader(self.reader, _UNKNOWN_LENGTH)
        return record

    def _consume_blanklines(self) -> tuple[bytes | None, int]:
        """Read the lines between two records; return the first of the next, and their length.

        A first line that begins no record belongs to a block longer than its header says: it is
        skipped. Whoever reads that block learns of it.
        """
        self.reader.remaining_header_bytes = _MAX_WARC_HEADER_BYTES
        empty_bytes = 0
        is_first = True
        while line := self.reader.readline():
            is_skipped = is_first and not is_record_start(line)
            is_first = False
            if line.strip() and not is_skipped:
                return line, empty_bytes
            empty_bytes += len(line)
        return None, empty_bytes


def is_record_start(line: bytes) -> bool:
    """Return whether a line begins a record of a WARC or ARC file."""
    return _RECORD_START.match(line) is not None


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


def _iter_with_archive(file: BinaryIO, name: str) -> Generator[tuple[WarcRecord, _BoundedIterator]]:
    with _map_warcio_errors(name):
        archive = _BoundedIterator(file)
        reader = archive.reader
        iterator = iter(archive)
        try:
            while (record := next(iterator, None)) is not None:
                reader.remaining_header_bytes = None
                # get_record_offset() would read the record to its end first.
                yield WarcRecord(str(record.rec_type or ""), int(archive.offset), record), archive
                reader.remaining_header_bytes = _MAX_WARC_HEADER_BYTES
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
    """Yield a chunked body; some tools decode the chunks and keep ``Transfer-Encoding``.

    Raises:
        TruncatedError: a chunk is broken or missing.
    """
    line = stream.readline(_MAX_LINE_BYTES)
    if not _CHUNK_SIZE_LINE.fullmatch(line):
        if line:
            yield line
        yield from _iter_blocks(stream)
        return
    while size := _CHUNK_SIZE_LINE.fullmatch(line):
        remaining = int(size[1], 16)
        if not remaining:
            return
        while remaining and (data := stream.read(min(remaining, _READ_BYTES))):
            remaining -= len(data)
            yield data
        if remaining or stream.readline(2) not in (b"\r\n", b"\n"):
            break
        line = stream.readline(_MAX_LINE_BYTES)
    raise TruncatedError("a chunk in the archive is broken or missing", retryable=False)


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
