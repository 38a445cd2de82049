"""Entries of the catalogue as records of a report."""

from collections.abc import Iterator
from datetime import UTC, datetime

from downloader.errors import ErrorKind
from downloader.models.url_record import Record, Result
from downloader.serve.catalogue import Catalogue, CatalogueEntry, EntryState

_RESULTS = {EntryState.SAVED: Result.DOWNLOADED, EntryState.FAILED: Result.FAILED}


def entry_records(catalogue: Catalogue) -> Iterator[Record]:
    """Yield the record of each entry."""
    after = 0
    while entries := catalogue.entries(after):
        after = entries[-1].id
        yield from map(_record, entries)


def _record(entry: CatalogueEntry) -> Record:
    is_failed = entry.state is EntryState.FAILED
    message, _, kind = entry.message.removesuffix(")").rpartition(" (")
    return Record(
        url=entry.url,
        outcome=_RESULTS.get(entry.state, Result.SKIPPED),
        kind=ErrorKind(kind) if is_failed and kind in set(ErrorKind) else None,
        message=(message if is_failed else entry.message) or None,
        final_url=entry.final_url,
        content_type=entry.media_type or None,
        path=entry.path,
        wire_bytes=entry.wire_size,
        decoded_bytes=entry.size,
        charset=entry.charset or None,
        started=_timestamp(entry.saved_at),
    )


def _timestamp(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        # A journal may hold any number.
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
