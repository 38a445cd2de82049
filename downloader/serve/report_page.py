"""The report on what is saved, as a page of the server."""

import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from downloader.models.url_record import Record
from downloader.report.formats.html import HtmlReport
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.serve.saved_content import OriginOf, SavedContent, ServedBody


class ReportPage:
    """Makes the page when it is first asked for; safe for threads."""

    def __init__(self, content: SavedContent) -> None:
        self._content = content
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="download-report-")
        self._made_for: str | None = None

    def open(self, origin_of: OriginOf) -> ServedBody:
        """Return the page, for a browser that knows sites by these origins."""
        file = Path(self._folder.name) / "report.html"
        with self._lock:
            if self._made_for != origin_of(""):
                self._write(file, origin_of)
                self._made_for = origin_of("")
            opened = file.open("rb")
        size = file.stat().st_size
        return ServedBody(
            file=opened, size=size, content_type="text/html; charset=utf-8", etag=f"report-{size}"
        )

    def close(self) -> None:
        """Remove the page."""
        self._folder.cleanup()

    def _write(self, file: Path, origin_of: OriginOf) -> None:
        totals = ReportTotals()
        report = HtmlReport(file, _ServedLinks(self._content, origin_of))
        first = ""
        for record in self._content.records():
            totals.add(record)
            report.add(record)
            if record.started and (not first or record.started < first):
                first = record.started
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        report.finish(RunRecord(first or now, 0.0, 0, list_read=True, totals=totals, output=None))


class _ServedLinks:
    """Links to saved pages at the roots of their sites; implements ``RecordLinks``."""

    def __init__(self, content: SavedContent, origin_of: OriginOf) -> None:
        self._content = content
        self._origin_of = origin_of

    def link_to(self, record: Record) -> str:
        """Return the address of what was saved for *record*; empty if nothing was."""
        entry = self._content.catalogue.by_url([record.url])
        address = None if entry is None else self._content.address_of(entry)
        return "" if address is None else self._origin_of(address.site.label) + address.path
