"""HTTP responses as archives hold them: the head, and a body that may still be chunked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from downloader.errors import TruncatedError

#: Limits of an HTTP head: a longer one is not read, and its record is left out.
_MAX_HEAD_BYTES = 256 * 1024
MAX_LINE_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024
#: A longer ``Content-Length`` is ignored.
MAX_LENGTH_DIGITS = 18
_STATUS_LINE = re.compile(rb"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})[ \t]*([^\r\n]*)")
_WHOLE_RANGE = re.compile(r"bytes 0-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
_INTERIM_STATUSES = frozenset({100, 102, 103})
_PARTIAL_CONTENT = 206
#: RFC 9110, section 6.4.1.
_WITHOUT_BODY = frozenset({204, 304})
_CHUNK_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class ByteStream(Protocol):
    """A stream that a record's block is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; no bytes at the end."""

    def readline(self, size: int, /) -> bytes:
        """Return a line with its line end, or at most *size* bytes of it."""


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
        is_number = length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS
        return is_number and int(length) > block_bytes


def read_http_head(stream: ByteStream) -> ResponseHead | None:
    """Read a status line and the header fields after it; interim responses (1xx) are skipped.

    Return None if there is no status line, or the head is over 256 kB long.
    """
    remaining = _MAX_HEAD_BYTES
    head = None
    while head is None or head.status in _INTERIM_STATUSES:
        lines: list[bytes] = []
        while line := stream.readline(MAX_LINE_BYTES):
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
    line = stream.readline(MAX_LINE_BYTES)
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
        line = stream.readline(MAX_LINE_BYTES)
    raise TruncatedError("a chunk in the archive is broken or missing", retryable=False)
