"""A report, and the folder whose files it names."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from downloader.models.url_record import Record, Result
from downloader.report.report_reader import read
from downloader.serve.catalogue import CatalogueEntry, EntryState
from downloader.serve.saved_folder import SavedFolder
from downloader.web.filenames import stays_within
from downloader.web.media_types import PAGE_TYPES, guess_media_type

_ONLY_MEASURED = "it was measured, but not saved"


class SavedReport(SavedFolder):
    """The files that a report names.

    Args:
        report: the file of the report.
        root: the folder of the saved files.

    Raises, on creation:
        OutputError: the folder cannot be read.
        ReportError: the report cannot be read.
    """

    def __init__(self, report: Path, root: Path) -> None:
        self._report = report
        super().__init__(root, map(_entry, read(report)))
        self.name = f"{root} ({report})"

    def records(self) -> Iterator[Record]:
        """Yield the records of the report."""
        return read(self._report)


def _entry(record: Record) -> CatalogueEntry:
    path = record.path if record.path and stays_within(record.path) else None
    is_saved = path is not None and record.outcome is not Result.FAILED
    state = EntryState.SKIPPED
    message = record.message or record.reason or ""
    if is_saved:
        state, message = EntryState.SAVED, ""
    elif record.outcome is Result.FAILED:
        state, message = EntryState.FAILED, f"{record.message} ({record.kind})"
    elif record.outcome is Result.MEASURED:
        message = _ONLY_MEASURED
    media_type = record.content_type or (guess_media_type(path) if path else "")
    is_page = is_saved and media_type in PAGE_TYPES
    return CatalogueEntry(
        url=f"{record.request.partition(' ')[0]} {record.url}" if record.request else record.url,
        state=state,
        path=path if is_saved else None,
        media_type=media_type if is_saved else "",
        charset=(record.charset or "") if record.charset_source == "header" else "",
        size=record.decoded_bytes,
        wire_size=record.wire_bytes,
        saved_at=_seconds(record),
        final_url=record.final_url if record.final_url != record.url else None,
        message=message,
        title=None if is_page else "",
        is_page=is_page,
    )


def _seconds(record: Record) -> float | None:
    if record.started is None:
        return None
    return datetime.fromisoformat(record.started).timestamp() + (record.seconds or 0.0)
