"""Replays web archives: finds the record that answers a request for a URL.

Each archive is read once, and its records are listed in a sorted temporary file, where a URL is
looked up by bisection. So memory does not grow with the size of the archives.
"""

import mmap
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from downloader.archive import cdxj
from downloader.archive.archived_response import archived_response, revisit_head
from downloader.archive.index_entries import (
    COMPLETE,
    REDIRECT_TARGET,
    RESPONSE_TYPES,
    REVISIT,
    SEED,
    TRUNCATED,
    IndexEntry,
    LeftOut,
    digest_key,
    index_lines,
    parse_url,
    record_key,
    request_key,
    url_key,
)
from downloader.archive.warc_files import WarcFile, warc_files
from downloader.archive.warc_reader import ResponseHead, WarcRecord, iter_records
from downloader.archive.warc_records import OWN_SOFTWARE
from downloader.errors import SourceError
from downloader.models.exchange import ArchivedResponse
from downloader.web.urls import Url

_MAX_WARCINFO_BYTES = 64 * 1024


class ArchiveIndex:
    """The records of some archives; it implements ``ReplaySource``.

    Attributes:
        warnings: one line for each archive with records that answer no GET.

    Raises, when constructed:
        SourceError: an archive cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self.warnings: list[str] = []
        self._files = [file for path in self.paths for file in warc_files(path)]
        self._own_files = {n for n, file in enumerate(self._files) if _is_own(file)}
        with tempfile.TemporaryFile() as index:
            cdxj.sort_lines(self._scan(), index)
            index.flush()
            size = os.fstat(index.fileno()).st_size
            self._data = mmap.mmap(index.fileno(), 0, access=mmap.ACCESS_READ) if size else None

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the response to a GET of *url*: the latest success, or else the next best."""
        entries = sorted(self._responses(url), key=lambda e: e.preference, reverse=True)
        for entry in entries:
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
                    if not record.is_capture:
                        continue
                    url = parse_url(record.url)
                    if url is None or self._is_first_of_seed(url, number, record.offset):
                        is_empty = False
                        yield f"{file.name}:{record.offset}", record.url

        if is_empty:
            raise SourceError(f"{', '.join(file.name for file in self._files)} holds no URL")

    def _is_first_of_seed(self, url: Url, file_number: int, offset: int) -> bool:
        """Return whether *url* is a seed, and this its first record that answers a GET."""
        types = {entry.type for entry in self._lookup(url_key(url))}
        if REDIRECT_TARGET in types and SEED not in types:
            return False
        positions = [(entry.file_number, entry.offset) for entry in self._responses(url)]
        return bool(positions) and min(positions) == (file_number, offset)

    def _responses(self, url: Url) -> list[IndexEntry]:
        """Return the entries of *url* that answer a GET."""
        entries = (e for e in self._lookup(url_key(url)) if e.type in RESPONSE_TYPES)
        return [entry for entry in entries if self._is_of_get(entry)]

    def _is_of_get(self, entry: IndexEntry) -> bool:
        if entry.method != "GET":
            return False
        ids = filter(None, (entry.record_id, entry.concurrent_to))
        return not any(any(self._lookup(request_key(record_id))) for record_id in ids)

    def _load_response(self, url: Url, entry: IndexEntry) -> ArchivedResponse | None:
        """Return the response of a record; None without an HTTP head, or without its original."""
        record, head, stack = self._open_record(entry)
        if entry.type != REVISIT:
            if head is None:
                stack.close()
                return None
            return archived_response(
                head,
                record,
                stack,
                truncated=entry.type == TRUNCATED,
                trust_coding=entry.file_number in self._own_files,
            )
        original_entry = self._find_original(url, record, entry.payload_digest)
        stack.close()
        if original_entry is None:
            return None
        original, original_head, original_stack = self._open_record(original_entry)
        if original_head is None:
            original_stack.close()
            return None
        return archived_response(
            revisit_head(head, original_head),
            original,
            original_stack,
            trust_coding=original_entry.file_number in self._own_files,
        )

    def _find_original(self, url: Url, revisit: WarcRecord, digest: str) -> IndexEntry | None:
        """Return the complete record that a revisit record refers to."""
        target = parse_url(revisit.field("WARC-Refers-To-Target-URI")) or url
        record_id, date = revisit.field("WARC-Refers-To"), revisit.field("WARC-Refers-To-Date")
        complete = [entry for entry in self._responses(target) if entry.type == COMPLETE]
        # Some tools write dates with fractions of a second, and refer to them without.
        by_date = [entry for entry in complete if date and entry.date[:19] == date[:19]]
        by_date.sort(key=lambda entry: entry.payload_digest == digest, reverse=True)
        by_id = self._lookup(record_key(record_id)) if record_id else ()
        by_digest = self._lookup(digest_key(digest)) if digest else ()
        return next(iter([*by_id, *by_date, *by_digest, *reversed(complete)]), None)

    def _open_record(self, entry: IndexEntry) -> tuple[WarcRecord, ResponseHead | None, ExitStack]:
        """Open a record and read its HTTP head; closing the stack closes its file."""
        file = self._files[entry.file_number]
        with ExitStack() as stack:
            stream = stack.enter_context(file.open())
            stream.seek(entry.offset)
            records = stack.enter_context(closing(iter_records(stream, file.name)))
            record = next(records, None)
            if record is None:
                raise SourceError(f"{file.name} was changed while it was being read")
            return record, record.read_response_head(), stack.pop_all()

    def _lookup(self, key: str) -> Iterator[IndexEntry]:
        if self._data is not None:
            lines = cdxj.lines_with_prefix(self._data, key.encode("utf-8", "replace") + b"\t")
            yield from map(IndexEntry.parse, lines)

    def _scan(self) -> Iterator[bytes]:
        """Yield the index lines of all files; of a damaged file, those before the damage."""
        for number, file in enumerate(self._files):
            left_out: Counter[LeftOut] = Counter()
            # The damage is reported by seeds(), which reads the file again.
            with suppress(SourceError), file.open() as stream:
                yield from index_lines(iter_records(stream, file.name), number, left_out)
            if left_out:
                counts = (
                    f"{count} {noun}{'s' if count > 1 else ''} {rest}"
                    for (noun, rest), count in left_out.items()
                )
                self.warnings.append(f"{file.name}: left out {', '.join(counts)}")


def _is_own(file: WarcFile) -> bool:
    """Return whether this program wrote a WARC file; it never stores bodies decoded."""
    with suppress(SourceError), file.open() as stream:
        first = next(iter_records(stream, file.name), None)
        if first is not None and first.record_type == "warcinfo":
            return OWN_SOFTWARE in first.raw.raw_stream.read(_MAX_WARCINFO_BYTES)
    return False


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


def loaded_warnings(paths: tuple[Path, ...]) -> list[str]:
    """Return the warnings of an index that has been loaded; none before."""
    return _cache[0][1].warnings if _cache and _cache[0][1].paths == paths else []
