"""HTML: one page about a run, which opens offline and requests nothing.

Jinja2 writes the page and escapes every text; Observable Plot draws its charts in the browser. A
content security policy allows only the page's own scripts, and no requests.
"""

import json
from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment
from jinja2.environment import TemplateStream

from downloader._version import __version__
from downloader.models import LinkReport, LinkVerdict
from downloader.models.changes import ChangeKind
from downloader.models.outcome_conversion import time_text
from downloader.models.url_record import Record, Result, from_dict
from downloader.report.broken_links import LinksByPage
from downloader.report.file_kinds import kind_of
from downloader.report.findings import ADVICE, DuplicateGroups, Findings, repeated_bytes
from downloader.report.formats.html_rows import FileLinks, RecordLinks, TableRows
from downloader.report.formats.jsonl import json_line
from downloader.report.formats.page_templates import asset, page_environment
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.run_record import RunRecord
from downloader.report.summary import SizeSum, SizeSummary
from downloader.web.text import printable

#: The package with the templates, styles and scripts.
_PACKAGE = "downloader.report.formats"
#: Rows of the table: with more, a page takes seconds to open. The largest bodies have them.
MAX_ROWS = 50_000
#: Rows that the page shows without its script.
_STATIC_ROWS = 100
_MAX_HOSTS = 12
#: Links of a page about links, and pages that were read.
MAX_LINKS = 500
MAX_PAGES_READ = 1000
#: Each script may use what those before it define; the first is Observable Plot.
_SCRIPTS = ("plot", "format", "charts", "time", "table", "report")


class HtmlReport:
    """A page, which is made at the end of the run from records in a temporary file.

    *links* lead to what was saved; they are relative to the page unless given.
    """

    def __init__(self, path: Path, links: RecordLinks | None = None) -> None:
        self._path = path
        self._links = links
        self._spool = Spool(path)
        self._file = AtomicFile(path)
        self._priorities = array("q")
        self._summary = SizeSummary(_STATIC_ROWS)
        self._findings = Findings()
        self._broken = LinksByPage()

    def add(self, record: Record) -> None:
        """Take one record."""
        if record.text or record.markdown:
            # The page shows no texts of pages.
            record = replace(record, text=None, markdown=None)
        self._spool.add(json_line(record))
        self._priorities.append(_priority(record))
        self._summary.add(record)
        self._findings.add(record)
        self._broken.add_record(record)

    def finish(self, run: RunRecord) -> None:
        """Write the page, and give it its name."""
        links = self._links or FileLinks(self._path, run.output)
        rows, duplicates = TableRows(links, run.started), DuplicateGroups()
        for record, has_row in self._records():
            if has_row:
                rows.add(record)
            if self._findings.is_duplicate(record):
                duplicates.add(record)
        environment = _environment()
        environment.filters["link"] = links.link_to
        page = environment.get_template("report.html.j2")
        pieces = page.stream(
            version=__version__,
            run=run,
            results=run.totals.results,
            Result=Result,
            ChangeKind=ChangeKind,
            summary=self._summary,
            kinds=[(kind.label, size) for kind, size in self._summary.by_kind()],
            hosts=self._summary.by_host(_MAX_HOSTS),
            findings=self._findings,
            failures=sorted(self._findings.failures.items(), key=lambda item: -item[1].count),
            broken=self._broken,
            duplicates=duplicates.largest_groups(),
            advice=ADVICE,
            rows=rows.packed(),
            shown=min(len(self._priorities), MAX_ROWS),
            all=len(self._priorities),
            charts=self._charts(),
            style=asset((_PACKAGE, "report.css")),
            scripts=[asset((_PACKAGE, f"{name}.js")) for name in _SCRIPTS],
        )
        for piece in _encoded(pieces):
            self._file.write(piece)
        self._file.commit()
        self._spool.close()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()
        self._spool.close()

    def _records(self) -> Iterator[tuple[Record, bool]]:
        """Yield all records, and whether each has a row: those with the highest priorities do."""
        lowest, rows_left_for_lowest = -1, 0
        if len(self._priorities) > MAX_ROWS:
            highest = sorted(self._priorities, reverse=True)[:MAX_ROWS]
            lowest = highest[-1]
            rows_left_for_lowest = highest.count(lowest)
        for line, priority in zip(self._spool, self._priorities, strict=True):
            has_row = priority > lowest
            if priority == lowest and rows_left_for_lowest:
                rows_left_for_lowest -= 1
                has_row = True
            yield from_dict(json.loads(line)), has_row

    def _charts(self) -> dict[str, object]:
        """Return the data of the charts of sizes."""
        histogram = self._findings.size_histogram
        first = next((bits for bits, count in enumerate(histogram) if count), 0)
        last = max((bits for bits, count in enumerate(histogram) if count), default=-1)
        return {
            "kinds": [_bar(kind.label, size) for kind, size in self._summary.by_kind()],
            "hosts": [_bar(host, size) for host, size in self._summary.by_host(_MAX_HOSTS)],
            "sizes": [
                {"from": 2 ** (bits - 1) if bits else 0, "to": 2**bits, "urls": histogram[bits]}
                for bits in range(first, last + 1)
            ],
        }


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield a page about a check of links."""
    totals = report.totals
    broken = [link for link in report.links if link.verdict is LinkVerdict.BROKEN]
    warnings = [link for link in report.links if link.verdict is LinkVerdict.WARNING]
    page = _environment().get_template("links.html.j2")
    yield from _encoded(
        page.stream(
            version=__version__,
            report=report,
            started=time_text(report.started),
            counts=[
                ("Broken", totals.broken),
                ("Warnings", totals.warnings),
                ("Fine", totals.ok),
                ("Excluded", totals.excluded),
                ("Disallowed", totals.disallowed),
                ("Not checked", totals.not_checked),
            ],
            pages=LinksByPage(broken),
            broken=broken[:MAX_LINKS],
            warnings=warnings[:MAX_LINKS],
            read=report.pages[:MAX_PAGES_READ],
            style=asset((_PACKAGE, "report.css")),
        )
    )


def _encoded(pieces: TemplateStream) -> Iterator[bytes]:
    """Yield the bytes of a page."""
    pieces.enable_buffering(64)
    for piece in pieces:
        # Lone surrogates cannot be encoded, and are shown as their escapes.
        yield piece.encode("utf-8", "backslashreplace")


def _priority(record: Record) -> int:
    """Return how important it is that a record has a row: failures first, then large bodies."""
    return 2**62 if record.outcome is Result.FAILED else record.decoded_bytes or 0


def _bar(label: str, size: SizeSum) -> dict[str, str | int]:
    return {
        "label": printable(label),
        "urls": size.urls,
        "wire": size.wire,
        "decoded": size.decoded,
    }


def _environment() -> Environment:
    environment = page_environment(_PACKAGE)
    environment.filters |= {
        "kind": lambda record: kind_of(record).label,
        "repeated": repeated_bytes,
        "moment": lambda text: text.replace("T", " ")[:16] + " UTC",
    }
    return environment
