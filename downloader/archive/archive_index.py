"""Replays web archives: finds the record that answers a request for a URL.

Each archive is read once, and its records are listed in a sorted temporary file. From it a second
one is made, with the responses to each URL, where a URL is looked up by bisection. So memory does
not grow with the size of the archives, nor the time of a lookup with the captures of its URL.
"""

import heapq
import json
import mmap
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from itertools import groupby, islice
from pathlib import Path

from downloader.archive import cdxj
from downloader.archive.archived_response import archived_response, revisit_head
from downloader.archive.http_responses import ResponseHead
from downloader.archive.index_entries import (
    BAD_URL_PREFIX,
    COMPLETE,
    REDIRECT_TARGET,
    RESPONSE_TYPES,
    REVISIT,
    SEED,
    TRUNCATED,
    URL_PREFIX,
    IndexEntry,
    LeftOut,
    date_key,
    digest_key,
    index_lines,
    parse_url,
    record_key,
    request_key,
    seed_key,
    url_key,
)
from downloader.archive.warc_files import WarcFile, warc_files
from downloader.archive.warc_reader import WarcRecord, iter_records
from downloader.archive.warc_records import OWN_SOFTWARE
from downloader.errors import SourceError
from downloader.models.exchange import ArchivedResponse
from downloader.web.urls import Url

_MAX_WARCINFO_BYTES = 64 * 1024
#: Captures of a URL that are tried, the best first, until one can be replayed.
_MAX_TRIED_CAPTURES = 100
#: Originals of the same date that are looked at for the digest of a revisit.
_MAX_SAME_DATE = 100


class ArchiveIndex:
    """The records of some archives; it implements ``ReplaySource``.

    Attributes:
        warnings: one line for each archive with something that is left out.

    Raises, when constructed:
        SourceError: an archive cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.paths = tuple(paths)
        self.warnings: list[str] = []
        self._files = [file for path in self.paths for file in warc_files(path, self.warnings)]
        self._own_files = {n for n, file in enumerate(self._files) if _is_own(file)}
        self._damage: list[SourceError] = []
        #: The entries of all records, and what is made of them: the responses and seeds.
        self._records = _sorted_index(self._scan())
        self._responses = _sorted_index(self._derive())

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the response to a GET of *url*: the latest success, or else the next best."""
        for entry in self._responses_of(url):
            if (response := self._load_response(url, entry)) is not None:
                return response
        return None

    def seeds(self) -> Iterator[tuple[str, str]]:
        """Yield the origin (file and offset) and URL of each URL that was requested by itself.

        The target of a redirect is not among them: replaying the redirect leads to it.

        Raises:
            SourceError: a file is damaged, or no file holds a URL; the URLs of all files have been
                yielded.
        """
        is_empty = True
        for line in _lines(self._responses, "seed "):
            key, _, url = line.decode().partition("\t")
            _, file_number, offset = key.split(" ")
            is_empty = False
            yield f"{self._files[int(file_number)].name}:{int(offset)}", json.loads(url)
        if self._damage:
            raise self._damage[0]
        if is_empty:
            raise SourceError(f"{', '.join(file.name for file in self._files)} holds no URL")

    def captures(self) -> Iterator[tuple[Url, str, int]]:
        """Yield each URL, with the date and the HTTP status of what :meth:`find` tries first."""
        lines = _lines(self._responses, URL_PREFIX)
        for key, group in groupby(lines, lambda line: line.partition(b"\t")[0].decode()):
            best = max(map(IndexEntry.parse, group), key=lambda entry: entry.preference)
            yield Url(key.removeprefix(URL_PREFIX)), best.date, best.status

    @property
    def damage(self) -> list[str]:
        """One line for each damaged file; what comes before the damage is in the index."""
        return [error.message for error in self._damage]

    def _derive(self) -> Iterator[bytes]:
        """Yield lines for what is asked of the index: responses to a URL, originals and seeds."""
        for line in _lines(self._records, BAD_URL_PREFIX):
            yield line.removeprefix(BAD_URL_PREFIX.encode()) + b"\n"
        lines = _lines(self._records, URL_PREFIX)
        for key, group in groupby(lines, lambda line: line.partition(b"\t")[0].decode()):
            yield from self._derive_url(key.removeprefix(URL_PREFIX), group)

    def _derive_url(self, url: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        types: set[str] = set()
        first: tuple[int, int] | None = None
        best: list[tuple[tuple[int, str], int, IndexEntry]] = []
        for number, entry in enumerate(map(IndexEntry.parse, lines)):
            types.add(entry.type)
            if entry.type not in RESPONSE_TYPES or not self._is_of_get(entry):
                continue
            place = entry.file_number, entry.offset
            first = place if first is None else min(first, place)
            if entry.type == COMPLETE:
                yield entry.line(date_key(url, entry.date))
            # The first of equally good ones wins.
            candidate = entry.preference, -number, entry
            if len(best) < _MAX_TRIED_CAPTURES:
                heapq.heappush(best, candidate)
            else:
                heapq.heappushpop(best, candidate)
        for _, _, entry in best:
            yield entry.line(f"{URL_PREFIX}{url}")
        is_seed = SEED in types or REDIRECT_TARGET not in types
        if first is not None and is_seed:
            yield f"{seed_key(*first)}\t{json.dumps(url)}\n".encode()

    def _responses_of(self, url: Url) -> list[IndexEntry]:
        """Return the entries of *url* that answer a GET, the best first."""
        entries = _entries(self._responses, url_key(url))
        return sorted(entries, key=lambda entry: entry.preference, reverse=True)

    def _is_of_get(self, entry: IndexEntry) -> bool:
        if entry.method != "GET":
            return False
        ids = filter(None, (entry.record_id, entry.concurrent_to))
        return not any(any(_entries(self._records, request_key(each))) for each in ids)

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
        if record_id and (by_id := next(_entries(self._records, record_key(record_id)), None)):
            return by_id
        # Some tools write dates with fractions of a second, and refer to them without.
        by_date = _entries(self._responses, date_key(target, date)) if date else iter(())
        if same_date := list(islice(by_date, _MAX_SAME_DATE)):
            return max(same_date, key=lambda entry: entry.payload_digest == digest)
        if digest and (by_digest := next(_entries(self._records, digest_key(digest)), None)):
            return by_digest
        complete = (entry for entry in self._responses_of(target) if entry.type == COMPLETE)
        return next(complete, None)

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

    def _scan(self) -> Iterator[bytes]:
        """Yield the index lines of all files; of a damaged file, those before the damage."""
        for number, file in enumerate(self._files):
            left_out: Counter[LeftOut] = Counter()
            with file.open() as stream:
                records = self._until_damage(iter_records(stream, file.name))
                yield from index_lines(records, number, left_out)
            if file.damage:
                self._damage.append(SourceError(f"{file.name} is damaged: {file.damage}"))
            if left_out:
                counts = (
                    f"{count} {noun}{'s' if count > 1 else ''} {rest}"
                    for (noun, rest), count in left_out.items()
                )
                self.warnings.append(f"{file.name}: left out {', '.join(counts)}")

    def _until_damage(self, records: Iterator[WarcRecord]) -> Iterator[WarcRecord]:
        """Yield the records before the damage of a file, which :meth:`seeds` reports."""
        try:
            yield from records
        except SourceError as error:
            self._damage.append(error)


def _sorted_index(lines: Iterable[bytes]) -> mmap.mmap | None:
    """Return the lines in a sorted temporary file; None if there are none."""
    with tempfile.TemporaryFile() as index:
        cdxj.sort_lines(lines, index)
        index.flush()
        size = os.fstat(index.fileno()).st_size
        return mmap.mmap(index.fileno(), 0, access=mmap.ACCESS_READ) if size else None


def _lines(index: mmap.mmap | None, prefix: str) -> Iterator[bytes]:
    if index is not None:
        yield from cdxj.lines_with_prefix(index, prefix.encode("utf-8", "replace"))


def _entries(index: mmap.mmap | None, key: str) -> Iterator[IndexEntry]:
    """Yield the entries under a key, by date."""
    return map(IndexEntry.parse, _lines(index, f"{key}\t"))


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
