"""warcio's reader of records, with limits on what it reads, and without messages on stderr."""

import io
import re
import zlib
from typing import BinaryIO, Protocol

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.limitreader import LimitReader
from warcio.recordloader import ARC2WARCHeadersParser, ArcWarcRecordLoader

from downloader.archive.http_responses import MAX_LENGTH_DIGITS, MAX_LINE_BYTES, ByteStream

MAX_WARC_HEADER_BYTES = 1024 * 1024
#: Bytes that a gzip member is decompressed to at once, however well it is compressed.
_MAX_PIECE_BYTES = 64 * 1024
#: Gzip members in a row that hold nothing.
_MAX_EMPTY_MEMBERS = 1000
_GZIP_MAGIC = b"\x1f\x8b"
#: The length of a block whose header does not say it: the rest of the gzip member or file.
_UNKNOWN_LENGTH = 2**62
#: IP address and date of an ARC record; URLs before them may contain spaces.
_ARC_ADDRESS_AND_DATE = re.compile(r" ([0-9A-Fa-f.:]+|-) (\d{8,17}) ")
#: How a record of either format begins.
_RECORD_START = re.compile(rb"WARC/\d|[a-z]{2,20}:[^ ]* [^ ]+ \d+ ")


class _LimitedStream(ByteStream, Protocol):
    """warcio's ``LimitReader``: a stream that ends with the record's block."""

    stream: "_BoundedReader"
    """The stream that the block is read from; it continues behind the block."""

    limit: int
    """The bytes that remain, by the record's ``Content-Length``."""


class _WarcioHeaders(Protocol):
    def get_header(self, name: str, default: str, /) -> str | None:
        """Return a field of a record's header."""


class WarcioRecord(Protocol):
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
    remaining_header_bytes: int | None = MAX_WARC_HEADER_BYTES
    ends_in_header = False
    is_damaged = False
    _empty_members = 0
    _is_at_member_start = True

    def readline(self, length: int | None = None) -> bytes:
        """Return a line with its line end, or at most *length* bytes of it."""
        # warcio's own method returns less than that of a line that is longer than its buffer.
        remaining = length or MAX_LINE_BYTES
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
                raise ArchiveLoadFailed(f"a header is over {MAX_WARC_HEADER_BYTES} bytes long")
            self.ends_in_header = not line.endswith(b"\n")
            if self.ends_in_header and len(line) == MAX_LINE_BYTES:
                raise ArchiveLoadFailed(f"a header line is over {MAX_LINE_BYTES} bytes long")
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
        line = stream.readline(MAX_LINE_BYTES) if headerline is None else headerline
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


class BoundedIterator(ArchiveIterator):
    """warcio's iterator with limits; it writes nothing to stderr."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, no_record_parse=True, arc2warc=True)
        self.loader = _Loader()
        self.reader = _BoundedReader(file)

    def _next_record(self, next_line: bytes | None) -> WarcioRecord:
        record: WarcioRecord = super()._next_record(next_line)
        if self.reader.ends_in_header:
            raise ArchiveLoadFailed("it ends within the header of a record")
        length = record.rec_headers.get_header("Content-Length", "") or ""
        if not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
            # The block ends with the gzip member or the file, and is said to be truncated.
            record.raw_stream = LimitReader(self.reader, _UNKNOWN_LENGTH)
        return record

    def _consume_blanklines(self) -> tuple[bytes | None, int]:
        """Read the lines between two records; return the first of the next, and their length.

        A first line that begins no record belongs to a block longer than its header says: it is
        skipped. Whoever reads that block learns of it.
        """
        self.reader.remaining_header_bytes = MAX_WARC_HEADER_BYTES
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
