"""Responses from records: the HTTP head, and the body as the server sent it."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain

from downloader.archive.http_responses import ResponseHead, iter_body
from downloader.archive.warc_reader import WarcRecord
from downloader.archive.warcio_reader import is_record_start
from downloader.errors import DecodeError, TruncatedError, UrlError
from downloader.models.exchange import ArchivedResponse, RecordLocation
from downloader.web.content_coding import ContentDecoder, decoder_for
from downloader.web.media_types import parse_media_type

_SNIFFED_BYTES = 64
#: Enough of the line behind a record to see that another one begins there.
_MAX_RECORD_START_BYTES = 4096
#: A body that begins as gzip or zstd does is coded, even if it is damaged.
_MAGIC_NUMBERS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_CODING_FIELDS = frozenset({b"content-encoding", b"content-length"})
_RANGE_FIELDS = frozenset({b"content-range"})


def revisit_head(revisit: ResponseHead | None, original: ResponseHead) -> ResponseHead:
    """Return the head of a revisit, as it fits the payload of the original.

    For a 304, and for a revisit record without an HTTP head, the original's head is taken: it is
    that of the payload. The transfer coding is always the original's.
    """
    head = original if revisit is None or revisit.status == 304 else revisit
    transfer_coding = tuple(f for f in original.fields if f[0].lower() == b"transfer-encoding")
    fields = tuple(f for f in head.fields if f[0].lower() != b"transfer-encoding")
    return ResponseHead(head.status, head.reason, head.version, fields + transfer_coding)


def archived_response(
    head: ResponseHead,
    record: WarcRecord,
    stack: ExitStack,
    *,
    truncated: bool = False,
    trust_coding: bool = False,
    location: RecordLocation | None = None,
) -> ArchivedResponse:
    """Return a response whose body is the rest of *record*'s block.

    Args:
        head: its status line and header fields.
        record: the record, read up to the end of its HTTP head.
        stack: closes the record's file.
        truncated: whether the record is truncated.
        trust_coding: whether the body is known to be coded as its head says.
        location: the record's location, for a response that can be fetched again if it is damaged.
    """
    body = iter_body(head, _CheckedStream(record, retryable=location is not None))
    if head.is_whole_range:
        fields = _without(head, _RANGE_FIELDS)
        head = ResponseHead(200, "OK", head.version, fields)
    if not trust_coding:
        head, body = _without_wrong_coding(head, body)
    return ArchivedResponse(
        head.status, head.reason, head.version, head.fields, body, stack.close, truncated, location
    )


def _without_wrong_coding(
    head: ResponseHead, body: Iterator[bytes]
) -> tuple[ResponseHead, Iterator[bytes]]:
    """Remove ``Content-Encoding`` from the head of a body that the archive holds decoded.

    As in warcio, the beginning of the body decides: a body that cannot be decoded from its first
    bytes on is not coded.
    """
    codings = (value for name, value in head.fields if name.lower() == b"content-encoding")
    coding = b", ".join(codings).decode("latin-1").lower()
    try:
        media_type = parse_media_type(head.field(b"content-type"))
        decoder = decoder_for(coding, media_type) if coding else None
    except DecodeError:
        decoder = None
    if decoder is None:
        return head, body
    try:
        first = next(body, b"")
    except UrlError as error:
        return head, _Raising(error)
    whole = chain((first,), body) if first else iter(())
    if first.startswith(_MAGIC_NUMBERS) or _can_decode(decoder, first[:_SNIFFED_BYTES]):
        return head, whole
    fields = _without(head, _CODING_FIELDS)
    return ResponseHead(head.status, head.reason, head.version, fields), whole


def _can_decode(decoder: ContentDecoder, data: bytes) -> bool:
    """Return whether a decoder takes these bytes, or gives output before it fails."""
    try:
        for position in range(len(data)):
            if any(decoder.feed(data[position : position + 1])):
                break
    except (DecodeError, TruncatedError):
        return False
    return True


class _Raising(Iterator[bytes]):
    """Raises an error when the body is read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __next__(self) -> bytes:
        raise self._error


def _without(head: ResponseHead, names: frozenset[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(field for field in head.fields if field[0].lower() not in names)


class _CheckedStream:
    """The rest of a record's block; reading raises ``TruncatedError`` where it is damaged."""

    def __init__(self, record: WarcRecord, *, retryable: bool) -> None:
        self._stream = record.raw.raw_stream
        self._retryable = retryable
        self._is_at_end = False

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes.

        Raises:
            TruncatedError: the archive ends within the record, or is damaged.
        """
        return self._checked(self._stream.read, size)

    def readline(self, size: int, /) -> bytes:
        """Return a line; it raises as :meth:`read` does."""
        return self._checked(self._stream.readline, size)

    def _checked(self, method: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = method(size)
        except (OSError, EOFError, zlib.error) as error:
            raise TruncatedError("the record is damaged", retryable=self._retryable) from error
        if not data and self._stream.limit > 0:
            raise TruncatedError("the archive ends in this record", retryable=self._retryable)
        if not data and not self._is_at_end:
            self._is_at_end = True
            self._check_end()
        return data

    def _check_end(self) -> None:
        """Raise ``TruncatedError`` if the block does not end where the record says, or is damaged.

        The checksum of a gzip member is seen only when what follows the block is read.
        """
        line = self._stream.stream.readline(_MAX_RECORD_START_BYTES)
        if self._stream.stream.is_damaged:
            raise TruncatedError("the record is damaged", retryable=self._retryable)
        if line.strip() and not is_record_start(line):
            raise TruncatedError(
                "the archive says that the record is shorter than it is", retryable=self._retryable
            )
