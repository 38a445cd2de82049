"""Archives that answer in the network's place: which addresses they hold, and where.

The files are read through once; what is held is listed in a sorted temporary file, in which an
address is found by bisection. So memory does not grow with an archive.
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

from downloader.archive import cdxj, warc_reader
from downloader.archive.volumes import volumes
from downloader.archive.warc_reader import WarcRecord
from downloader.errors import BadUrlError, SourceError, TruncatedError
from downloader.models.exchange import ArchivedResponse, RecordLocation
from downloader.web import urls
from downloader.web.urls import Url

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SEED, _REACHED, _WHOLE, _CUT, _REVISIT = "seed", "reached", "whole", "cut", "revisit"
_LONGEST_FIELDS = 64 * 1024
_IS_SEED = re.compile(rb"^seed:", re.IGNORECASE | re.MULTILINE)
_BY_REDIRECT = re.compile(rb"^hopsFromSeed:[ \t]*\w*R\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _IndexEntry:
    """What one line of the list says: where a record is, and what it is."""

    date: str
    kind: str
    volume: int
    offset: int
    digest: str

    def line(self, key: str) -> bytes:
        said = (self.date, self.kind, str(self.volume), str(self.offset), self.digest)
        # Whatever a header holds must stay one field of one line.
        return ("\t".join((key, *(" ".join(part.split()) for part in said))) + "\n").encode()

    @classmethod
    def read(cls, line: bytes) -> "_IndexEntry":
        date, kind, volume, offset, digest = line.decode().rsplit("\t", 5)[1:]
        return cls(date, kind, int(volume), int(offset), digest)


class ArchiveIndex:
    """What some archives hold; a :class:`~downloader.models.exchange.ReplaySource`.

    Raises, when made:
        SourceError: one cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._volumes = [volume for path in paths for volume in volumes(path)]
        with tempfile.TemporaryFile() as file:
            cdxj.sort(self._found(), file)
            file.flush()
            size = os.fstat(file.fileno()).st_size
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else None

    def find(self, url: Url) -> ArchivedResponse | None:
        """Return the latest whole answer to a request for *url*, or else one that was cut."""
        places = [p for p in self._places(f"url {url}") if p.kind in (_WHOLE, _CUT, _REVISIT)]
        for place in sorted(places, key=lambda p: (p.kind != _CUT, p.date), reverse=True):
            if (stored_response := self._answer(url, place)) is not None:
                return stored_response
        return None

    def seeds(self) -> Iterator[tuple[str, str]]:
        """Yield where, and which, addresses are held that were asked for by themselves.

        What only a redirect led to is not among them: it is found again by that redirect.

        Raises:
            SourceError: a file is damaged, or none holds an address; what came before was yielded.
        """
        empty = True
        for number, volume in enumerate(self._volumes):
            with volume.open() as file:
                for record in warc_reader.records(file, volume.name):
                    if not record.is_answer:
                        continue
                    url = _address(record.url)
                    if url is None or self._is_first(url, number, record.offset):
                        empty = False
                        yield f"{volume.name}:{record.offset}", record.url

        if empty:
            raise SourceError(f"{', '.join(v.name for v in self._volumes)} holds no address")

    def _is_first(self, url: Url, volume: int, offset: int) -> bool:
        """Return whether this is the first of the captures of an address that is a target."""
        places = list(self._places(f"url {url}"))
        kinds = {place.kind for place in places}
        if _REACHED in kinds and _SEED not in kinds:
            return False
        held = [(p.volume, p.offset) for p in places if p.kind not in (_SEED, _REACHED)]
        return bool(held) and min(held) == (volume, offset)

    def _answer(self, url: Url, place: _IndexEntry) -> ArchivedResponse | None:
        record, head, stack = self._open(place)
        if head is None:
            stack.close()
            return None
        if place.kind != _REVISIT:
            return stored_response(head, record, stack, cut=place.kind == _CUT)
        original = self._original(url, record, place.digest)
        if original is None:
            stack.close()
            return None
        held, old, old_stack = self._open(original)
        stack.close()
        if old is None:
            old_stack.close()
            return None
        return stored_response(merged(head, old), held, old_stack)

    def _original(self, url: Url, revisit: WarcRecord, digest: str) -> _IndexEntry | None:
        """Return the whole capture that a revisit repeats."""
        target = _address(revisit.field("WARC-Refers-To-Target-URI")) or url
        date = revisit.field("WARC-Refers-To-Date")
        whole = [p for p in self._places(f"url {target}") if p.kind == _WHOLE]
        # Some dates are written with fractions of a second, and referred to without.
        exact = [p for p in whole if date and p.date[:19] == date[:19]]
        by_digest = self._places(f"digest {digest}") if digest else ()
        return next(iter([*exact, *by_digest, *reversed(whole)]), None)

    def _open(
        self, place: _IndexEntry
    ) -> tuple[WarcRecord, warc_reader.ResponseHead | None, ExitStack]:
        volume = self._volumes[place.volume]
        with ExitStack() as stack:
            file = stack.enter_context(volume.open())
            file.seek(place.offset)
            found = stack.enter_context(closing(warc_reader.records(file, volume.name)))
            record = next(found, None)
            if record is None:
                raise SourceError(f"{volume.name} has changed while it was read")
            return record, record.head(), stack.pop_all()

    def _places(self, key: str) -> Iterator[_IndexEntry]:
        if self._data is not None:
            yield from map(_IndexEntry.read, cdxj.matching(self._data, key.encode() + b"\t"))

    def _found(self) -> Iterator[bytes]:
        """Yield what the files hold, as lines; of a damaged one, what comes before the damage."""
        for number, volume in enumerate(self._volumes):
            # Who lists its targets is told of the damage.
            with suppress(SourceError), volume.open() as file:
                for record in warc_reader.records(file, volume.name):
                    yield from _lines(record, number)


def merged(
    head: warc_reader.ResponseHead, old: warc_reader.ResponseHead
) -> warc_reader.ResponseHead:
    """Return the head of a revisit as it fits the payload that came with the *old* one.

    What is identical is the payload; of what is not modified the old head tells more.
    """
    told = old if head.status == 304 else head
    coding = tuple(f for f in old.fields if f[0].lower() == b"transfer-encoding")
    fields = tuple(f for f in told.fields if f[0].lower() != b"transfer-encoding") + coding
    return warc_reader.ResponseHead(told.status, told.reason, told.version, fields)


def stored_response(
    head: warc_reader.ResponseHead,
    record: WarcRecord,
    stack: ExitStack,
    *,
    cut: bool = False,
    place: RecordLocation | None = None,
) -> ArchivedResponse:
    """Return an answer whose body is the rest of *record*; *stack* is what reading it needs.

    One with a *place* can be had from elsewhere, if it is damaged.
    """
    body = warc_reader.body(head, _CheckedStream(record, again=place is not None))
    return ArchivedResponse(
        head.status, head.reason, head.version, head.fields, body, stack.close, cut, place
    )


class _CheckedStream:
    """The rest of a record as a stream, which says when it is not all there."""

    def __init__(self, record: WarcRecord, *, again: bool) -> None:
        self._record = record
        self._again = again

    def read(self, size: int, /) -> bytes:
        """Return more of it.

        Raises:
            TruncatedError: the archive ends in it, or is damaged.
        """
        return self._checked(self._record.record.raw_stream.read, size)

    def readline(self, size: int, /) -> bytes:
        """Return a line of it."""
        return self._checked(self._record.record.raw_stream.readline, size)

    def _checked(self, method: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = method(size)
        except (OSError, EOFError, zlib.error) as error:
            raise TruncatedError("the archive is damaged here", retryable=self._again) from error
        if not data and self._record.record.raw_stream.limit > 0:
            raise TruncatedError("the archive ends here", retryable=self._again)
        return data


def _lines(record: WarcRecord, volume: int) -> Iterator[bytes]:
    url = _address(record.url)
    if url is None:
        return
    date = record.field("WARC-Date")
    if record.kind == "metadata":
        text = record.record.raw_stream.read(_LONGEST_FIELDS)
        if _IS_SEED.search(text):
            yield _IndexEntry(date, _SEED, volume, 0, "").line(f"url {url}")
        elif _BY_REDIRECT.search(text):
            yield _IndexEntry(date, _REACHED, volume, 0, "").line(f"url {url}")
        return
    if not record.is_answer or (head := record.head()) is None:
        return
    digest = record.field("WARC-Payload-Digest")
    kind = _WHOLE
    if record.kind == "revisit":
        kind = _REVISIT
    elif record.field("WARC-Truncated"):
        kind = _CUT
    place = _IndexEntry(date, kind, volume, record.offset, digest)
    yield place.line(f"url {url}")
    if kind == _WHOLE and digest:
        yield place.line(f"digest {digest}")
    if head.status in _REDIRECTS and (location := head.field(b"location")):
        with suppress(BadUrlError):
            reached, _ = urls.without_credentials(urls.join(url, location))
            yield _IndexEntry(date, _REACHED, volume, 0, "").line(f"url {reached}")


def _address(text: str) -> Url | None:
    try:
        return urls.without_credentials(urls.parse(text))[0]
    except BadUrlError:
        return None


_lock = threading.Lock()
_latest: list[tuple[object, ArchiveIndex]] = []


def load_index(paths: tuple[Path, ...]) -> ArchiveIndex:
    """Return what *paths* hold; asked for again, the same, unless a file has changed.

    Raises:
        SourceError: one cannot be read.
    """
    try:
        key = [(path, stat.st_size, stat.st_mtime_ns) for path in paths if (stat := path.stat())]
    except OSError as error:
        raise SourceError(f"cannot read an archive: {error.strerror}") from error
    with _lock:
        if not _latest or _latest[0][0] != key:
            _latest[:] = [(key, ArchiveIndex(paths))]
        return _latest[0][1]
