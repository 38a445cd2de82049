"""Markdown: a short summary of the run, for a job's page in GitHub or GitLab, or a comment.

Text from outside is shown as code, in which no character acts as markup.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from urllib.parse import quote

from downloader.models import LinkReport
from downloader.models.url_record import Record, Result
from downloader.report.diagnostics import Diagnostic, Level, Location, diagnostic_of
from downloader.report.link_diagnostics import link_diagnostics, notes_of
from downloader.report.output_files import AtomicFile
from downloader.report.run_record import RunRecord, not_tried
from downloader.report.summary import SizeSummary
from downloader.web.text import format_size, printable

#: Rows of all tables together; GitHub refuses a summary of more than 1 MiB.
MAX_ROWS = 300
_MAX_ROWS_PER_TABLE = 50
_MAX_CELL_CHARACTERS = 300
#: What may act as markup, or make an address or a name a link.
_MARKUP = re.compile(r"[!\"#$&'()*<>@\[\\\]^_`{|}~]|:(?=//)|(?<=www)\.", re.IGNORECASE)
#: Places named in one row.
_MAX_LOCATIONS = 3


class MarkdownReport:
    """A file with the summary, which is made at the end of the run."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicFile(path)
        self._summary = MarkdownSummary()

    def add(self, record: Record) -> None:
        """Take one record."""
        self._summary.add(record)

    def finish(self, run: RunRecord) -> None:
        """Write the summary, and give the file its name."""
        self._file.write(self._summary.text(run).encode())
        self._file.commit()

    def abandon(self) -> None:
        """Remove the file unless it is complete."""
        self._file.abandon()


def link_pieces(report: LinkReport) -> Iterator[bytes]:
    """Yield the summary of a check of links."""
    yield link_summary(report).encode()


def link_summary(report: LinkReport) -> str:
    """Return the summary of a check of links, with a table for each kind of finding."""
    totals = report.totals
    mark = "❌" if totals.broken or not report.complete else "✅"
    checked = f"{_counted(totals.links, 'link')} on {_counted(totals.pages, 'page')}"
    counts = [
        text
        for number, text in (
            (totals.ok, f"{totals.ok:,} ok"),
            (totals.warnings, _counted(totals.warnings, "warning")),
            (totals.broken, f"{totals.broken:,} broken"),
            (totals.excluded, f"{totals.excluded:,} excluded"),
            (totals.disallowed, f"{totals.disallowed:,} disallowed by robots.txt"),
            (totals.not_checked, f"{totals.not_checked:,} not checked"),
        )
        if number
    ]
    lines = [
        f"## {mark} download links: {checked}",
        "",
        ", ".join([*counts, f"{report.seconds:.1f} s"]),
    ]
    lines += [f"\n**{note[0].upper()}{note[1:]}.**" for note in notes_of(report)]
    groups: dict[str, _Group] = {}
    for diagnostic in link_diagnostics(report):
        what = "Broken" if diagnostic.level is Level.ERROR else "Warning"
        groups.setdefault(f"{what}: {diagnostic.rule}", _Group()).add(diagnostic)
    tables = _Tables()
    for heading, group in groups.items():
        lines += tables.table(heading, group)
    return "\n".join([*lines, ""])


@dataclass(slots=True)
class _Group:
    """Diagnostics under one heading, of which the first are kept."""

    count: int = 0
    shown: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostic: Diagnostic) -> None:
        self.count += 1
        if len(self.shown) < _MAX_ROWS_PER_TABLE:
            self.shown.append(diagnostic)


class MarkdownSummary:
    """The text of the summary, in bounded memory."""

    def __init__(self) -> None:
        self._sizes = SizeSummary(1)
        self._failures: dict[str, _Group] = {}

    def add(self, record: Record) -> None:
        """Take one record."""
        self._sizes.add(record)
        if diagnostic := diagnostic_of(record):
            self._failures.setdefault(diagnostic.rule, _Group()).add(diagnostic)

    def text(self, run: RunRecord) -> str:
        """Return the whole summary."""
        return "\n".join(self._lines(run)) + "\n"

    def _lines(self, run: RunRecord) -> Iterator[str]:
        tables = _Tables()
        failed = sum(group.count for group in self._failures.values())
        failed += sum(check.error_count for check in run.checks)
        mark = "❌" if failed or not run.complete else "✅"
        yield f"## {mark} download: {_counted(run.totals.urls, 'URL')}"
        yield ""
        results = [
            f"{count:,} {each}" for each in Result if (count := run.totals.results.get(each))
        ]
        total = self._sizes.total
        sizes = [f"{format_size(total.decoded)} ({format_size(total.wire)} received)"]
        yield ", ".join([*results, *(sizes if total.urls else []), f"{run.seconds:.1f} s"])
        if self._sizes.note:
            yield f"\n{self._sizes.note}"
        if not run.complete:
            yield f"\n**Stopped:** {not_tried(run).message}"
        for check in run.checks:
            if check.diagnostics:
                group = _Group()
                for diagnostic in check.diagnostics:
                    group.add(diagnostic)
                yield from tables.table(printable(check.title) or check.label, group)
        for rule, group in sorted(self._failures.items(), key=lambda item: -item[1].count):
            yield from tables.table(f"Failed: {rule}", group)


@dataclass(slots=True)
class _Tables:
    """The tables of one summary, which share a number of rows."""

    rows_left: int = MAX_ROWS

    def table(self, heading: str, group: _Group) -> Iterator[str]:
        """Yield a heading and a table of *group*."""
        shown = group.shown[: self.rows_left]
        self.rows_left -= len(shown)
        yield f"\n### {heading} ({group.count:,})\n"
        if shown:
            yield "| URL | what | where |"
            yield "|---|---|---|"
        for each in shown:
            yield f"| {_address(each.url)} | {_what(each)} | {_where(each)} |"
        if group.count > len(shown):
            yield f"\nand {group.count - len(shown):,} more"


def _what(diagnostic: Diagnostic) -> str:
    note = "" if diagnostic.level is Level.ERROR else f"{diagnostic.level}: "
    hint = f"<br>{_code(diagnostic.hint)}" if diagnostic.hint else ""
    return f"{note}{_code(diagnostic.message)}{hint}"


def _where(diagnostic: Diagnostic) -> str:
    shown = diagnostic.locations[:_MAX_LOCATIONS]
    more = diagnostic.more_locations + len(diagnostic.locations) - len(shown)
    parts = [_location(each) for each in shown]
    return "<br>".join([*parts, *([f"and {more:,} more"] if more else [])])


def _location(location: Location) -> str:
    line = f", line {location.line}" if location.line else ""
    return f"{_address(location.address)}{line}"


def _address(text: str) -> str:
    """Return a link to an address of the web; other texts as code."""
    if not text.startswith(("http://", "https://")) or len(text) > _MAX_CELL_CHARACTERS:
        return _code(text)
    target = quote(text, safe="/:?&=%#@!$,;~+", errors="surrogatepass")
    return f"[{_code(text)}]({escape(target)})"


def _code(text: str) -> str:
    """Return *text* as code, each character of it as itself.

    A code span would not do: in a table, a backslash before a bar ends its cell.
    """
    text = printable(text)
    if len(text) > _MAX_CELL_CHARACTERS:
        text = f"{text[:_MAX_CELL_CHARACTERS]}…"
    if not text.strip():
        return ""
    # A character reference never acts as markup (CommonMark 0.31, section 2.5).
    return f"<code>{_MARKUP.sub(lambda match: f'&#{ord(match[0])};', text)}</code>"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
