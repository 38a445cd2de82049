"""One page that shows a run: it opens offline, asks nobody for anything, and runs no foreign text.

Jinja2 writes it, escaping whatever comes from outside; Observable Plot draws its charts in the
browser. A policy (CSP) lets only the scripts run that are part of it, and lets nothing be fetched.
"""

import base64
import hashlib
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from downloader._version import __version__
from downloader.report.compare import ChangeKind
from downloader.report.file_kinds import kind_of
from downloader.report.findings import ADVICE, DuplicateGroups, Findings, repeated_bytes
from downloader.report.formats.html_rows import FileLinks, TableRows
from downloader.report.formats.text import json_line
from downloader.report.output_files import AtomicFile, Spool
from downloader.report.record import Record, Result, from_dict
from downloader.report.run_record import RunRecord
from downloader.report.summary import SizeSum, SizeSummary
from downloader.web.text import format_size, printable

_FLAG = "--report"
#: So many rows a page can hold and still open at once; of more, the largest are shown.
MOST_ROWS = 50_000
#: So many rows are there before, and without, the script.
_FIRST_ROWS = 100
_MOST_HOSTS = 12
#: In this order; each may use what those before it define. The first is Observable Plot.
_SCRIPTS = ("plot", "format", "charts", "time", "table", "report")


@dataclass(frozen=True, slots=True)
class Asset:
    """A script or a style of the page, and how the policy names it."""

    text: Markup
    hash: str


class HtmlReport:
    """Keeps records in a temporary file, and makes a page of them at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spool = Spool(path, _FLAG)
        self._file = AtomicFile(path, _FLAG)
        self._sizes = array("q")
        self._summary = SizeSummary(_FIRST_ROWS)
        self._findings = Findings()

    def add(self, record: Record) -> None:
        """Take one record."""
        self._spool.add(json_line(record))
        self._sizes.append(_weight(record))
        self._summary.add(record)
        self._findings.add(record)

    def finish(self, run: RunRecord) -> None:
        """Write the page, and give it its name."""
        links = FileLinks(self._path, run.output)
        rows, copies = TableRows(links, run.started), DuplicateGroups()
        for record, has_row in self._records():
            if has_row:
                rows.add(record)
            if self._findings.has_copies(record):
                copies.add(record)
        page = _environment(links).get_template("report.html.j2")
        pieces = page.stream(
            version=__version__,
            run=run,
            results=run.totals.results,
            Result=Result,
            ChangeKind=ChangeKind,
            summary=self._summary,
            kinds=[(kind.label, weight) for kind, weight in self._summary.by_kind()],
            hosts=self._summary.by_host(_MOST_HOSTS),
            findings=self._findings,
            failures=sorted(self._findings.failures.items(), key=lambda item: -item[1].count),
            duplicates=copies.groups(),
            advice=ADVICE,
            rows=rows.packed(),
            shown=min(len(self._sizes), MOST_ROWS),
            all=len(self._sizes),
            charts=self._charts(),
            style=_asset("report.css"),
            scripts=[_asset(f"{name}.js") for name in _SCRIPTS],
        )
        pieces.enable_buffering(64)
        for piece in pieces:
            # What cannot be encoded, such as half of a pair, is shown as what it is.
            self._file.write(piece.encode("utf-8", "backslashreplace"))
        self._file.commit()
        self._spool.close()

    def abandon(self) -> None:
        """Remove what is not whole."""
        self._file.abandon()
        self._spool.close()

    def _records(self) -> Iterator[tuple[Record, bool]]:
        """Yield all records, and whether each has a row: of very many the most important have."""
        least, equal = -1, 0
        if len(self._sizes) > MOST_ROWS:
            most = sorted(self._sizes, reverse=True)[:MOST_ROWS]
            least = most[-1]
            equal = most.count(least)
        for line, size in zip(self._spool, self._sizes, strict=True):
            equal -= size == least
            yield from_dict(json.loads(line)), size > least or (size == least and equal >= 0)

    def _charts(self) -> dict[str, object]:
        """Return what the charts above the table show."""
        sizes = self._findings.sizes
        first = next((bits for bits, count in enumerate(sizes) if count), 0)
        last = max((bits for bits, count in enumerate(sizes) if count), default=-1)
        return {
            "kinds": [_bar(kind.label, weight) for kind, weight in self._summary.by_kind()],
            "hosts": [_bar(host, weight) for host, weight in self._summary.by_host(_MOST_HOSTS)],
            "sizes": [
                {"from": 2 ** (bits - 1) if bits else 0, "to": 2**bits, "urls": sizes[bits]}
                for bits in range(first, last + 1)
            ],
        }


def _weight(record: Record) -> int:
    """Return how much it matters that a record has a row: failures above all."""
    return 2**62 if record.outcome is Result.FAILED else record.decoded_bytes or 0


def _bar(label: str, weight: SizeSum) -> dict[str, str | int]:
    return {
        "label": printable(label),
        "urls": weight.urls,
        "wire": weight.wire,
        "decoded": weight.decoded,
    }


def _asset(name: str) -> Asset:
    text = (resources.files("downloader.report.formats") / "page" / name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    # It is ours, and the policy names it by its hash.
    return Asset(Markup(text), f"sha256-{digest}")  # noqa: S704


def _environment(links: FileLinks) -> Environment:
    environment = Environment(
        loader=PackageLoader("downloader.report.formats", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": format_size,
        "number": lambda number: f"{number:,}",
        "safe_text": printable,
        "link": links.to,
        "kind": lambda record: kind_of(record).label,
        "repeated": repeated_bytes,
        "plural": lambda count, noun: f"{count:,} {noun}{'' if count == 1 else 's'}",
        "moment": lambda text: text.replace("T", " ")[:16] + " UTC",
    }
    return environment
