"""One outcome as a record: the same fields in every data format, told in docs/reports.md.

``record.schema.json`` beside this module is the JSON Schema of these records.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from importlib import resources
from operator import attrgetter

from downloader.models import Downloaded, Failed, Outcome, Skipped, Timings, Unchanged
from downloader.web.urls import Url, host

#: What JSON and CSV hold of one field.
Value = str | int | float | bool | tuple[str, ...] | None


class Result(StrEnum):
    """What became of one line."""

    DOWNLOADED = "downloaded"
    MEASURED = "measured"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_TRIED = "not-tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a report says about one URL; None is what is not known, or was not sent.

    Attributes:
        url: the address asked for, without password; of a line that is no address, its text.
        outcome: what became of it.
        kind: of a failure, which of the closed set.
        message: of a failure or a skipped line, one line for a person.
        hint: what to do about a failure.
        reason: why a line was skipped.
        origin: where the line was read, such as ``sites.txt:3``.
        index: its place among all lines, from 0.
        parent: the page that it was found on.
        final_url: where it was found, after redirects.
        redirects: the addresses that answered with a redirect, in order.
        status: HTTP status of the last answer.
        http_version: such as ``1.1``.
        content_type: without parameters, in lower case.
        content_coding: as sent.
        path: the file, relative to the output folder.
        header_bytes: of the head of the last answer.
        wire_bytes: of the body as received, before the content coding was undone.
        decoded_bytes: of the body after that, which is the size of the file.
        characters: of text.
        charset: the encoding they were counted in, by its WHATWG name.
        charset_source: how that was found.
        length_verified: whether more than the end of the connection marked the end of the body.
        sha256: of the decoded bytes, in hex.
        etag, last_modified: the validators, as sent.
        attempts: how often it was tried.
        resumed_at_bytes: bytes that an earlier attempt had left, and this one went on from.
        started: when the first request was made: UTC, as RFC 3339 writes it.
        seconds: from then to the end, waits and all attempts included.
        dns_seconds, connect_seconds, tls_seconds, first_byte_seconds, transfer_seconds: of the
            last request; see :class:`~downloader.models.Timings`.
    """

    url: str
    outcome: Result
    kind: str | None = None
    message: str | None = None
    hint: str | None = None
    reason: str | None = None
    origin: str | None = None
    index: int | None = None
    parent: str | None = None
    final_url: str | None = None
    redirects: tuple[str, ...] = ()
    status: int | None = None
    http_version: str | None = None
    content_type: str | None = None
    content_coding: str | None = None
    path: str | None = None
    header_bytes: int | None = None
    wire_bytes: int | None = None
    decoded_bytes: int | None = None
    characters: int | None = None
    charset: str | None = None
    charset_source: str | None = None
    length_verified: bool | None = None
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    attempts: int | None = None
    resumed_at_bytes: int | None = None
    started: str | None = None
    seconds: float | None = None
    dns_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    first_byte_seconds: float | None = None
    transfer_seconds: float | None = None

    @property
    def host(self) -> str:
        """The host, with its port where that is not the scheme's own; empty if there is none."""
        return host(Url(self.url)) if self.url.startswith(("http://", "https://")) else ""


#: The fields in their order, which is that of the columns of CSV.
FIELDS = tuple(each.name for each in fields(Record))
_all: Callable[[Record], tuple[Value, ...]] = attrgetter(*FIELDS)


def values(record: Record) -> tuple[Value, ...]:
    """Return what the fields hold, in their order."""
    return _all(record)


def as_dict(record: Record) -> dict[str, Value]:
    """Return the record as JSON writes it."""
    return dict(zip(FIELDS, _all(record), strict=True))


def schema() -> str:
    """Return the JSON Schema (draft 2020-12) of one record, and of a whole JSON report."""
    return (resources.files("downloader.report") / "record.schema.json").read_text("utf-8")


def record_of(outcome: Outcome) -> Record:
    """Return what a report says about *outcome*."""
    match outcome:
        case Downloaded():
            return _downloaded(outcome)
        case Unchanged():
            return _unchanged(outcome)
        case Skipped():
            return _skipped(outcome)
        case Failed():
            return _failed(outcome)


def _downloaded(done: Downloaded) -> Record:
    sizes = done.sizes
    dns, connect, tls, first_byte, transfer = _times(done.timings)
    return Record(
        url=done.url,
        outcome=Result.DOWNLOADED if done.path else Result.MEASURED,
        origin=done.origin or None,
        index=done.index,
        parent=done.parent or None,
        final_url=done.final_url,
        redirects=done.redirects,
        status=done.status,
        http_version=done.http_version or None,
        content_type=done.media_type or None,
        content_coding=done.content_coding or None,
        path=done.path or None,
        header_bytes=done.header_bytes,
        wire_bytes=sizes.wire,
        decoded_bytes=sizes.saved,
        characters=sizes.characters,
        charset=sizes.charset,
        charset_source=sizes.charset_source,
        length_verified=done.length_verified,
        sha256=done.sha256,
        etag=done.etag or None,
        last_modified=done.last_modified or None,
        attempts=done.attempts,
        resumed_at_bytes=done.resumed_at,
        started=time_text(done.started),
        seconds=rounded(done.seconds),
        dns_seconds=dns,
        connect_seconds=connect,
        tls_seconds=tls,
        first_byte_seconds=first_byte,
        transfer_seconds=transfer,
    )


def _unchanged(outcome: Unchanged) -> Record:
    dns, connect, tls, first_byte, transfer = _times(outcome.timings)
    return Record(
        url=outcome.url,
        outcome=Result.UNCHANGED,
        origin=outcome.origin or None,
        index=outcome.index,
        parent=outcome.parent or None,
        final_url=outcome.final_url or None,
        redirects=outcome.redirects,
        status=304,
        http_version=outcome.http_version or None,
        path=outcome.path,
        header_bytes=outcome.header_bytes,
        wire_bytes=0,
        decoded_bytes=outcome.size,
        characters=outcome.characters,
        sha256=outcome.sha256 or None,
        etag=outcome.etag or None,
        last_modified=outcome.last_modified or None,
        attempts=outcome.attempts,
        started=time_text(outcome.started),
        seconds=rounded(outcome.seconds),
        dns_seconds=dns,
        connect_seconds=connect,
        tls_seconds=tls,
        first_byte_seconds=first_byte,
        transfer_seconds=transfer,
    )


def _skipped(outcome: Skipped) -> Record:
    return Record(
        url=outcome.url,
        outcome=Result.SKIPPED,
        message=outcome.detail,
        reason=outcome.reason.value,
        origin=outcome.origin or None,
        index=outcome.index,
        path=outcome.path,
        decoded_bytes=outcome.size,
        characters=outcome.characters,
        sha256=outcome.sha256 or None,
        etag=outcome.etag or None,
        last_modified=outcome.last_modified or None,
    )


def _failed(outcome: Failed) -> Record:
    return Record(
        url=outcome.url,
        outcome=Result.FAILED,
        kind=outcome.kind,
        message=outcome.message,
        hint=outcome.hint or None,
        origin=outcome.origin or None,
        index=outcome.index,
        parent=outcome.parent or None,
        final_url=outcome.final_url or None,
        redirects=outcome.redirects,
        status=outcome.status,
        attempts=outcome.attempts,
        started=time_text(outcome.started),
        seconds=rounded(outcome.seconds) if outcome.started else None,
    )


def _times(timings: Timings | None) -> tuple[float | None, ...]:
    if timings is None:
        return (None,) * 5
    parts = timings.dns, timings.connect, timings.tls, timings.first_byte, timings.transfer
    return tuple(map(rounded, parts))


def rounded(seconds: float | None) -> float | None:
    """Return microseconds at most: what is behind them is noise."""
    return None if seconds is None else round(seconds, 6)


def time_text(since_epoch: float) -> str | None:
    """Return a moment in UTC as RFC 3339 writes it, with milliseconds; None for 0."""
    if not since_epoch:
        return None
    moment = datetime.fromtimestamp(since_epoch, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
