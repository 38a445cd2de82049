"""Reads what WARC files hold, whoever wrote them; warcio finds the records."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import DecompressingBufferedReader
from warcio.exceptions import ArchiveLoadFailed

from downloader.archive.cdxj import Capture
from downloader.errors import SourceError
from downloader.web.media_types import parse_media_type

#: Limits of a head, as of those that come over the network.
_LONGEST_LINE = 64 * 1024
_MOST_FIELDS = 1000
_LONGEST_HEADER = 1024 * 1024
_BLOCK = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})[ \t]*([^\r\n]*)")
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class ByteStream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return no more than so many bytes; none at the end."""

    def readline(self, size: int, /) -> bytes:
        """Return a line with its end, or as much of it."""


class _WarcioHeaders(Protocol):
    def get_header(self, name: str, default: str, /) -> str | None:
        """Return a field of the header of a record."""


class _HeaderLimit(ByteStream, Protocol):
    limit: int
    """How many bytes are said to be left."""


class _WarcioRecord(Protocol):
    """What is used of warcio's records; it ships no annotations."""

    rec_type: str
    rec_headers: _WarcioHeaders
    raw_stream: "_HeaderLimit"


class _BoundedArcLoader(DecompressingBufferedReader):
    """warcio's reader, but a header that never ends does not fill memory.

    Attributes:
        left: how many bytes of a header may come; None behind it.
    """

    left: int | None = _LONGEST_HEADER

    def readline(self, length: int | None = None) -> bytes:
        """Return a line with its end, or as much of it."""
        line: bytes = super().readline(length or _LONGEST_LINE)
        if self.left is not None:
            self.left -= len(line)
            if self.left < 0:
                raise ArchiveLoadFailed("a header without end")
        return line


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The status line and fields of an answer.

    Attributes:
        status, reason, version: of the status line.
        fields: name and value of each field, in order.
    """

    status: int
    reason: str
    version: tuple[int, int]
    fields: tuple[tuple[bytes, bytes], ...]

    def field(self, name: bytes) -> str:
        """Return the first field of that lower-case name, or nothing."""
        value = next((value for key, value in self.fields if key.lower() == name), b"")
        return value.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class WarcRecord:
    """One record of a WARC file, while it is the current one.

    Attributes:
        kind: such as ``response``.
        offset: where it begins in the file.
        record: what warcio knows of it.
    """

    kind: str
    offset: int
    record: _WarcioRecord

    def field(self, name: str) -> str:
        """Return a field of its header, or nothing."""
        return self.record.rec_headers.get_header(name, "") or ""

    @property
    def url(self) -> str:
        """What it is about; some writers put the address in angle brackets."""
        return self.field("WARC-Target-URI").strip("<>")

    @property
    def is_answer(self) -> bool:
        """Whether an answer over HTTP is in it."""
        if self.kind not in ("response", "revisit") or not self.url.lower().startswith("http"):
            return False
        return "msgtype=request" not in self.field("Content-Type")

    def head(self) -> ResponseHead | None:
        """Read the head of the answer; None if it is none."""
        return read_head(self.record.raw_stream)


def records(file: BinaryIO, shown: str) -> Generator[WarcRecord]:
    """Yield the records of a file, from where it stands; each can be read until the next.

    Raises:
        SourceError: it is no WARC file, or damaged; what came before was yielded.
    """
    with _reading(shown):
        found = ArchiveIterator(file, no_record_parse=True, arc2warc=True)
        found.reader = reader = _BoundedArcLoader(file)
        iterator = iter(found)
        try:
            while (record := next(iterator, None)) is not None:
                reader.left = None
                # Its own question for the offset would read the record to its end first.
                yield WarcRecord(str(record.rec_type), int(found.offset), record)
                reader.left = _LONGEST_HEADER
        finally:
            # It refers to itself: what it holds would stay until the garbage collector comes.
            found.close()


def captures(path: Path) -> Iterator[Capture]:
    """Yield what an index says of each answer in a file.

    Raises:
        SourceError: as :func:`records`.
    """
    with path.open("rb") as file, _reading(str(path)):
        found = ArchiveIterator(file, no_record_parse=True)
        for item in found:
            record = WarcRecord(str(item.rec_type), int(found.offset), item)
            if not record.is_answer or (head := record.head()) is None:
                continue
            revisit = record.kind == "revisit"
            yield Capture(
                url=record.url,
                date=record.field("WARC-Date"),
                mime="warc/revisit" if revisit else parse_media_type(head.field(b"content-type")),
                status=str(head.status),
                digest=record.field("WARC-Payload-Digest"),
                offset=record.offset,
                length=int(found.get_record_length()),
                truncated=record.field("WARC-Truncated"),
            )


def read_head(stream: ByteStream) -> ResponseHead | None:
    """Read a status line and the fields below it; None if that is not what is there."""
    first = _STATUS_LINE.match(stream.readline(_LONGEST_LINE))
    if first is None:
        return None
    fields: list[tuple[bytes, bytes]] = []
    while line := stream.readline(_LONGEST_LINE).rstrip(b"\r\n"):
        name, colon, value = line.partition(b":")
        if line[:1] in b" \t" and fields:
            # A folded line goes on from the one before (RFC 9112, section 5.2).
            fields[-1] = (fields[-1][0], fields[-1][1] + b" " + line.strip())
        elif colon and len(fields) < _MOST_FIELDS:
            fields.append((name.strip(), value.strip()))
    major, minor, status, reason = first.groups()
    version = (int(major), int(minor or 0))
    return ResponseHead(
        int(status), reason.strip().decode("utf-8", "replace"), version, tuple(fields)
    )


def body(head: ResponseHead, stream: ByteStream) -> Iterator[bytes]:
    """Yield the body that *stream* gives, without its transfer coding if it still has one."""
    chunked = head.field(b"transfer-encoding").lower().endswith("chunked")
    return _without_chunks(stream) if chunked else _blocks(stream)


def _blocks(stream: ByteStream) -> Iterator[bytes]:
    while data := stream.read(_BLOCK):
        yield data


def _without_chunks(stream: ByteStream) -> Iterator[bytes]:
    """Yield a body without its chunks; some writers have removed them and kept the field."""
    line = stream.readline(_LONGEST_LINE)
    first = True
    while size := _SIZE_LINE.fullmatch(line):
        first, left = False, int(size[1], 16)
        if not left:
            return
        while left and (data := stream.read(min(left, _BLOCK))):
            left -= len(data)
            yield data
        stream.readline(_LONGEST_LINE)
        line = stream.readline(_LONGEST_LINE)
    if first and line:
        yield line
        yield from _blocks(stream)


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    """Turn what warcio raises into an error of ours."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"cannot read {shown}: {error.strerror or error}") from error
    except (ArchiveLoadFailed, EOFError, ValueError) as error:
        raise SourceError(f"{shown} is no WARC file, or is damaged: {error}") from error
