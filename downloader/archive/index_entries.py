"""The lines of a replay index: what each record of an archive says about a URL."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from downloader.archive.http_responses import ResponseHead
from downloader.archive.warc_reader import WarcRecord
from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.urls import Url

#: Types of entries. The first two have no record: they say that a URL is a seed, or that a redirect
#: led to it.
SEED, REDIRECT_TARGET = "seed", "redirect-target"
COMPLETE, TRUNCATED, REVISIT, CONVERSION = "complete", "truncated", "revisit", "conversion"
RESPONSE_TYPES = frozenset({COMPLETE, TRUNCATED, REVISIT, CONVERSION})
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_FIRST_ERROR_STATUS = 400
_MAX_METADATA_BYTES = 64 * 1024
#: Longer digests, identifiers and URLs are ignored, so that the lines of an index are short.
_MAX_FIELD_CHARACTERS = 256
_MAX_URL_CHARACTERS = 64 * 1024
#: Other dates count as the oldest.
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[0-9:.]{0,20}Z?")
#: Heritrix's fields in metadata records.
_SEED_FIELD = re.compile(rb"^seed:", re.IGNORECASE | re.MULTILINE)
_HOPS_BY_REDIRECT = re.compile(rb"^hopsFromSeed:[ \t]*\w*R\s*$", re.IGNORECASE | re.MULTILINE)
#: Why records answer no GET, as a noun in the singular and what follows it.
LeftOut = tuple[str, str]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """The facts about a URL in one record.

    Attributes:
        date: the record's ``WARC-Date``.
        type: one of the constants above.
        status: the HTTP status; 0 for a revisit without an HTTP head.
        method: the request's method, as far as it follows from the record before or after; GET if
            it is unknown.
        file_number: the position of the WARC file in the index's list of files.
        offset: where the record begins in the file, in bytes.
        payload_digest, record_id, concurrent_to: of the record; may be empty.
    """

    date: str
    type: str
    status: int = 0
    method: str = "GET"
    file_number: int = 0
    offset: int = 0
    payload_digest: str = ""
    record_id: str = ""
    concurrent_to: str = ""

    @property
    def preference(self) -> tuple[int, str]:
        """The greater, the better the record answers a GET: successes first, then the latest.

        What an archive holds of a page is worth more than a later refusal, and any complete
        response more than a truncated one.
        """
        if self.type == TRUNCATED:
            return 0, self.date
        if self.status >= _FIRST_ERROR_STATUS:
            return 1, self.date
        return (2 if self.type == CONVERSION else 3), self.date

    def line(self, key: str) -> bytes:
        """Return the index line of the entry under a key."""
        fields = (
            *(self.date, self.type, str(self.status), self.method),
            *(str(self.file_number), str(self.offset)),
            *(self.payload_digest, self.record_id, self.concurrent_to),
        )
        return ("\t".join((key, *map(_on_one_line, fields))) + "\n").encode("utf-8", "replace")

    @classmethod
    def parse(cls, line: bytes) -> "IndexEntry":
        """Return the entry of an index line."""
        fields = line.decode().rsplit("\t", 9)[1:]
        date, entry_type, status, method, file_number, offset, *rest = fields
        return cls(date, entry_type, int(status), method, int(file_number), int(offset), *rest)


def _on_one_line(field: str) -> str:
    """Return a WARC header's value without tabs and line ends, which would add fields or lines."""
    return " ".join(field.split())


def _short_field(record: WarcRecord, name: str) -> str:
    """Return a field of a WARC header; an empty string if it is too long to be what it should."""
    value = record.field(name)
    return value if len(value) <= _MAX_FIELD_CHARACTERS else ""


def _date(record: WarcRecord) -> str:
    date = record.field("WARC-Date")
    return date if _DATE.fullmatch(date) else ""


#: Prefix of the keys of URLs.
URL_PREFIX = "url "
#: Prefix of the keys of captures whose URL cannot be parsed.
BAD_URL_PREFIX = "bad-url "


def url_key(url: Url) -> str:
    """Return the key of the entries of a URL."""
    return f"{URL_PREFIX}{url}"


def date_key(url: str, date: str) -> str:
    """Return the key of the complete responses of a URL at a date, to the second."""
    return f"date {date[:19]} {url}"


def seed_key(file_number: int, offset: int) -> str:
    """Return the key of a URL that was requested by itself; keys are in the order of records."""
    return f"seed {file_number:09d} {offset:020d}"


def digest_key(payload_digest: str) -> str:
    """Return the key of the complete records with a payload."""
    return f"digest {_on_one_line(payload_digest)}"


def record_key(record_id: str) -> str:
    """Return the key of a complete record by its identifier."""
    return f"record {_on_one_line(record_id)}"


def request_key(record_id: str) -> str:
    """Return the key that exists if a request's method is not GET.

    It exists for the identifier of the request record, and for the one that it is concurrent to.
    """
    return f"request {_on_one_line(record_id)}"


def index_lines(
    records: Iterable[WarcRecord], file_number: int, left_out: Counter[LeftOut]
) -> Iterator[bytes]:
    """Yield the index lines of a file's records; count those that answer no GET in *left_out*.

    A response belongs to the request record that it is concurrent to. Without such a reference in
    either, it belongs to an adjacent request record of the same URL: the one before it, unless that
    belongs to another response, or else the one after it.
    """
    previous_request: tuple[Url, str] | None = None
    waiting: tuple[Url, IndexEntry] | None = None
    for record in records:
        url = parse_url(record.url)
        if url is None:
            yield from _unusable_lines(record, file_number, left_out)
            continue
        if not record.record_type:
            left_out["record", "without a type"] += 1
        elif record.record_type == "metadata":
            yield from _metadata_lines(record, url)
        elif record.record_type == "request":
            method = record.read_method()
            concurrent_to = _short_field(record, "WARC-Concurrent-To")
            if method != "GET":
                left_out["response", f"to {method}"] += 1
                entry = IndexEntry(_date(record), "request", method=method)
                for record_id in filter(
                    None, (concurrent_to, _short_field(record, "WARC-Record-ID"))
                ):
                    yield entry.line(request_key(record_id))
            if not concurrent_to:
                if waiting is not None and waiting[0] == url:
                    waiting = url, replace(waiting[1], method=method)
                else:
                    previous_request = url, method
        elif record.is_capture:
            if waiting is not None:
                yield waiting[1].line(url_key(waiting[0]))
                waiting = None
            head = record.read_response_head()
            captured = _entry(record, head, file_number, left_out)
            if captured is None:
                continue
            if captured.concurrent_to:
                yield captured.line(url_key(url))
            elif previous_request is not None and previous_request[0] == url:
                yield replace(captured, method=previous_request[1]).line(url_key(url))
            else:
                waiting = url, captured
            previous_request = None
            yield from _reference_lines(captured, head, url)
    if waiting is not None:
        yield waiting[1].line(url_key(waiting[0]))


def _unusable_lines(
    record: WarcRecord, file_number: int, left_out: Counter[LeftOut]
) -> Iterator[bytes]:
    """Yield the index line of a capture whose URL is none; count what has no URL of the web."""
    if record.is_capture and len(record.url) <= _MAX_URL_CHARACTERS:
        place = seed_key(file_number, record.offset)
        yield f"{BAD_URL_PREFIX}{place}\t{json.dumps(record.url)}\n".encode()
    elif record.is_capture:
        left_out["record", f"with a URL of over {_MAX_URL_CHARACTERS} characters"] += 1
    elif record.record_type in {"response", "revisit", "resource", "conversion"}:
        left_out["record", "whose URL is neither http nor https"] += 1


def _entry(
    record: WarcRecord, head: ResponseHead | None, file_number: int, left_out: Counter[LeftOut]
) -> IndexEntry | None:
    """Return the entry of a capture; None for one that answers no GET."""
    is_revisit = record.record_type == "revisit"
    if head is None and not is_revisit:
        left_out["record", "without an HTTP head"] += 1
        return None
    if head is not None and not is_revisit:
        if head.status == 304:
            left_out["response", "without a body (304)"] += 1
            return None
        if head.status == 206 and not head.is_whole_range:
            left_out["partial response", "(206)"] += 1
            return None
    entry_type = COMPLETE
    if is_revisit:
        entry_type = REVISIT
    elif record.field("WARC-Truncated") or (head and head.is_longer_than(record.remaining_bytes)):
        entry_type = TRUNCATED
    elif record.record_type == "conversion":
        entry_type = CONVERSION
    return IndexEntry(
        date=_date(record),
        type=entry_type,
        status=head.status if head is not None else 0,
        file_number=file_number,
        offset=record.offset,
        payload_digest=_short_field(record, "WARC-Payload-Digest"),
        record_id=_short_field(record, "WARC-Record-ID"),
        concurrent_to=_short_field(record, "WARC-Concurrent-To"),
    )


def _reference_lines(entry: IndexEntry, head: ResponseHead | None, url: Url) -> Iterator[bytes]:
    """Yield the lines by which revisits find a record, and that of a redirect's target."""
    if entry.type == COMPLETE:
        if entry.payload_digest:
            yield entry.line(digest_key(entry.payload_digest))
        if entry.record_id:
            yield entry.line(record_key(entry.record_id))
    location = head.field(b"location") if head is not None else ""
    if location and entry.status in _REDIRECT_STATUSES:
        with suppress(BadUrlError):
            target, _ = urls.without_credentials(urls.join(url, location))
            yield IndexEntry(entry.date, REDIRECT_TARGET).line(url_key(target))


def _metadata_lines(record: WarcRecord, url: Url) -> Iterator[bytes]:
    fields = record.raw.raw_stream.read(_MAX_METADATA_BYTES)
    date = _date(record)
    if _SEED_FIELD.search(fields):
        yield IndexEntry(date, SEED).line(url_key(url))
    elif _HOPS_BY_REDIRECT.search(fields):
        yield IndexEntry(date, REDIRECT_TARGET).line(url_key(url))


def parse_url(text: str) -> Url | None:
    """Return a URL without credentials; None for a text that is not an HTTP URL, or too long."""
    if len(text) > _MAX_URL_CHARACTERS:
        return None
    try:
        return urls.without_credentials(urls.parse(text))[0]
    except BadUrlError:
        return None
