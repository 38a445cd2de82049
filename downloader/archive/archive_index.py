"""Replays web archives: finds the record that answers a request for a URL.

Each archive is read once, and its records are listed in a sorted temporary file, where a URL is
looked up by bisection. So memory does not grow with the size of the archives.
"""

import mmap
import os
import re
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from downloader.archive import cdxj
from downloader.archive.warc_files import warc_files
from downloader.archive.warc_reader import ResponseHead, WarcRecord, iter_body, iter_records
from downloader.errors import BadUrlError, SourceError, TruncatedError
from downloader.models.exchange import ArchivedResponse, RecordLocation
from downloader.web import urls
from downloader.web.urls import Url

_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
#: Types of index entries. The first two have no record: they say that a URL is a seed, or that a
#: redirect led to it.
_SEED, _REDIRECT_TARGET = "seed", "redirect-target"
_COMPLETE, _TRUNCATED, _REVISIT = "complete", "truncated", "revisit"
_RESPONSE_TYPES = frozenset({_COMPLETE, _TRUNCATED, _REVISIT})
_MAX_METADATA_BYTES = 64 * 1024
#: Heritrix's fields in metadata records.
_SEED_FIELD = re.compile(rb"^seed:", re.IGNORECASE | re.MULTILINE)
_HOPS_BY_REDIRECT = re.compile(rb"^hopsFromSeed:[ \t]*\w*R\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _IndexEntry:
    """One line of the index.

    Attributes:
        date: the record's ``WARC-Date``.
        type: one of the constants above.
        file_number: the position of the WARC file in :attr:`ArchiveIndex._files`.
        offset: where the record begins in the file, in bytes.
        payload_digest: the record's ``WARC-Payload-Digest``; may be empty.
    """

    date: str
    type: str
    file_number: int
    offset: int
    payload_digest: str

    def line(self, key: str) -> bytes:
        fields = (self.date, self.type, str(self.file_number), str(self.offset))
        # White space in a WARC header must not add fields or lines.
        normalized = (" ".join(field.split()) for field in (*fields, self.payload_digest))
        return ("\t".join((key, *normalized)) + "\n").encode()

    @classmethod
    def parse(cls, line: bytes) -> "_IndexEntry":
        date, entry_type, file_number, offset, digest = line.decode().rsplit("\t", 5)[1:]
        return cls(date, entry_type, int(file_number), int(offset), digest)


class ArchiveIndex:
    """The records of some archives; it implements ``ReplaySource``.

    Raises, when constructed:
        SourceError: an archive cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = [file for path in paths for file in warc_files(path)]
        with tempfile.TemporaryFile() as index:
            cdxj.sort_lines(self._scan(), index)
            index.flush()
            size = os.fstat(index.fileno()).st_size
            self._data = mmap.mmap(index.fileno(), 0, access=mmap.ACCESS_READ) if size else None

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the latest complete response for *url*, or else the latest truncated one."""
        entries = [entry for entry in self._entries(url) if entry.type in _RESPONSE_TYPES]
        for entry in sorted(entries, key=lambda e: (e.type != _TRUNCATED, e.date), reverse=True):
            if (response := self._load_response(url, entry)) is not None:
                return response
        return None

    def seeds(self) -> Iterator[tuple[str, str]]:
        """Yield the origin (file and offset) and URL of each URL that was requested by itself.

        The target of a redirect is not among them: replaying the redirect leads to it.

        Raises:
            SourceError: a file is damaged, or no file holds a URL; the URLs before have been
                yielded.
        """
        is_empty = True
        for number, file in enumerate(self._files):
            with file.open() as stream:
                for record in iter_records(stream, file.name):
                    if not record.is_http_response:
                        continue
                    url = _parse_url(record.url)
                    if url is None or self._is_first_of_seed(url, number, record.offset):
                        is_empty = False
                        yield f"{file.name}:{record.offset}", record.url

        if is_empty:
            raise SourceError(f"{', '.join(file.name for file in self._files)} holds no URL")

    def _is_first_of_seed(self, url: Url, file_number: int, offset: int) -> bool:
        """Return whether *url* is a seed, and this its first record."""
        entries = list(self._entries(url))
        types = {entry.type for entry in entries}
        if _REDIRECT_TARGET in types and _SEED not in types:
            return False
        positions = [(e.file_number, e.offset) for e in entries if e.type in _RESPONSE_TYPES]
        return bool(positions) and min(positions) == (file_number, offset)

    def _load_response(self, url: Url, entry: _IndexEntry) -> ArchivedResponse | None:
        """Return the response of a record; None without an HTTP head, or without its original."""
        record, head, stack = self._open_record(entry)
        if head is None:
            stack.close()
            return None
        if entry.type != _REVISIT:
            return archived_response(head, record, stack, truncated=entry.type == _TRUNCATED)
        original_entry = self._find_original(url, record, entry.payload_digest)
        if original_entry is None:
            stack.close()
            return None
        original, original_head, original_stack = self._open_record(original_entry)
        stack.close()
        if original_head is None:
            original_stack.close()
            return None
        return archived_response(revisit_head(head, original_head), original, original_stack)

    def _find_original(self, url: Url, revisit: WarcRecord, digest: str) -> _IndexEntry | None:
        """Return the complete record that a revisit record refers to."""
        target = _parse_url(revisit.field("WARC-Refers-To-Target-URI")) or url
        date = revisit.field("WARC-Refers-To-Date")
        complete = [entry for entry in self._entries(target) if entry.type == _COMPLETE]
        # Some tools write dates with fractions of a second, and refer to them without.
        by_date = [entry for entry in complete if date and entry.date[:19] == date[:19]]
        by_digest = self._entries_by_digest(digest) if digest else ()
        return next(iter([*by_date, *by_digest, *reversed(complete)]), None)

    def _open_record(self, entry: _IndexEntry) -> tuple[WarcRecord, ResponseHead | None, ExitStack]:
        """Open a record and read its HTTP head; closing the stack closes its file."""
        file = self._files[entry.file_number]
        with ExitStack() as stack:
            stream = stack.enter_context(file.open())
            stream.seek(entry.offset)
            records = stack.enter_context(closing(iter_records(stream, file.name)))
            record = next(records, None)
            if record is None:
                raise SourceError(f"{file.name} was changed while it was being read")
            return record, record.read_http_head(), stack.pop_all()

    def _entries(self, url: Url) -> Iterator[_IndexEntry]:
        return self._lookup(f"url {url}")

    def _entries_by_digest(self, payload_digest: str) -> Iterator[_IndexEntry]:
        return self._lookup(f"digest {payload_digest}")

    def _lookup(self, key: str) -> Iterator[_IndexEntry]:
        if self._data is not None:
            lines = cdxj.lines_with_prefix(self._data, key.encode() + b"\t")
            yield from map(_IndexEntry.parse, lines)

    def _scan(self) -> Iterator[bytes]:
        """Yield the index lines of all files; of a damaged file, those before the damage."""
        for number, file in enumerate(self._files):
            # The damage is reported by seeds(), which reads the file again.
            with suppress(SourceError), file.open() as stream:
                for record in iter_records(stream, file.name):
                    yield from _index_lines(record, number)


def revisit_head(revisit: ResponseHead, original: ResponseHead) -> ResponseHead:
    """Return the head of a revisit, as it fits the payload of the original.

    For a 304, the original's head is taken: it is that of the payload. The transfer coding is
    always the original's.
    """
    head = original if revisit.status == 304 else revisit
    transfer_coding = tuple(f for f in original.fields if f[0].lower() == b"transfer-encoding")
    fields = tuple(f for f in head.fields if f[0].lower() != b"transfer-encoding")
    return ResponseHead(head.status, head.reason, head.version, fields + transfer_coding)


def archived_response(
    head: ResponseHead,
    record: WarcRecord,
    stack: ExitStack,
    *,
    truncated: bool = False,
    location: RecordLocation | None = None,
) -> ArchivedResponse:
    """Return a response whose body is the rest of *record*'s block.

    Args:
        head: its status line and header fields.
        record: the record, read up to the end of its HTTP head.
        stack: closes the record's file.
        truncated: whether the record is truncated.
        location: the record's location, for a response that can be fetched again if it is damaged.
    """
    body = iter_body(head, _CheckedStream(record, retryable=location is not None))
    return ArchivedResponse(
        head.status, head.reason, head.version, head.fields, body, stack.close, truncated, location
    )


class _CheckedStream:
    """The rest of a record's block; reading raises ``TruncatedError`` where it is damaged."""

    def __init__(self, record: WarcRecord, *, retryable: bool) -> None:
        self._stream = record.raw.raw_stream
        self._retryable = retryable

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
        return data


def _index_lines(record: WarcRecord, file_number: int) -> Iterator[bytes]:
    """Yield the lines that list a record in the index."""
    url = _parse_url(record.url)
    if url is None:
        return
    date = record.field("WARC-Date")
    if record.record_type == "metadata":
        fields = record.raw.raw_stream.read(_MAX_METADATA_BYTES)
        if _SEED_FIELD.search(fields):
            yield _IndexEntry(date, _SEED, file_number, 0, "").line(f"url {url}")
        elif _HOPS_BY_REDIRECT.search(fields):
            yield _IndexEntry(date, _REDIRECT_TARGET, file_number, 0, "").line(f"url {url}")
        return
    if not record.is_http_response or (head := record.read_http_head()) is None:
        return
    digest = record.field("WARC-Payload-Digest")
    entry_type = _COMPLETE
    if record.record_type == "revisit":
        entry_type = _REVISIT
    elif record.field("WARC-Truncated"):
        entry_type = _TRUNCATED
    entry = _IndexEntry(date, entry_type, file_number, record.offset, digest)
    yield entry.line(f"url {url}")
    if entry_type == _COMPLETE and digest:
        yield entry.line(f"digest {digest}")
    if head.status in _REDIRECT_STATUSES and (location := head.field(b"location")):
        with suppress(BadUrlError):
            target, _ = urls.without_credentials(urls.join(url, location))
            yield _IndexEntry(date, _REDIRECT_TARGET, file_number, 0, "").line(f"url {target}")


def _parse_url(text: str) -> Url | None:
    try:
        return urls.without_credentials(urls.parse(text))[0]
    except BadUrlError:
        return None


_lock = threading.Lock()
#: The latest index, and what it was made from.
_cache: list[tuple[object, ArchiveIndex]] = []


def load_index(paths: tuple[Path, ...]) -> ArchiveIndex:
    """Return the index of some archives; the same one as before unless a file has changed.

    Raises:
        SourceError: an archive cannot be read.
    """
    try:
        key = [(path, stat.st_size, stat.st_mtime_ns) for path in paths if (stat := path.stat())]
    except OSError as error:
        raise SourceError(f"cannot read an archive: {error.strerror}") from error
    with _lock:
        if not _cache or _cache[0][0] != key:
            _cache[:] = [(key, ArchiveIndex(paths))]
        return _cache[0][1]
