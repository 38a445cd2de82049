"""Merging of reports: those of several runs become one, as if one run had made it."""

import asyncio
import os
import sys
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import click

from downloader.cli.outcome_lines import count
from downloader.errors import ReportError
from downloader.models import ExitStatus
from downloader.models.url_record import FIELD_NAMES, Record, Result
from downloader.report.formats import FORMATS, endings, format_of
from downloader.report.interface import ReportSummary
from downloader.report.report_reader import read
from downloader.report.reporter import Reporter
from downloader.web.text import printable


def run_merge_reports(
    reports: Sequence[Path], reporter: Reporter, *, quiet: bool = False, to_stderr: bool = False
) -> ExitStatus:
    """Report the records of all *reports*, and print their totals.

    Args:
        reports: to merge.
        reporter: takes their records.
        quiet: print failures only.
        to_stderr: print nothing to stdout.

    Returns:
        The exit status that one run over all of their lines would have had.

    Raises:
        ReportError: one cannot be read, or is no report.
        DiskError: the disk is full or fails.
    """
    check_readable_whole(reports)
    complete = report_again(reports, reporter, to_stderr=to_stderr)
    if not quiet:
        click.echo(_totals_line(reporter, len(reports)), err=to_stderr)
    if not complete:
        click.echo("Some of these runs were stopped: not every line was tried", err=True)
    failed = reporter.totals.results.get(Result.FAILED) or reporter.violations or not complete
    return ExitStatus.SOME_FAILED if failed else ExitStatus.DONE


def report_again(
    reports: Sequence[Path],
    reporter: Reporter,
    names: Collection[str] = FIELD_NAMES,
    *,
    to_stderr: bool = False,
) -> bool:
    """Report the records of *reports*, and print what that finds.

    Args:
        reports: that earlier runs have written.
        reporter: takes their records.
        names: the fields to read.
        to_stderr: print nothing to stdout.

    Returns:
        Whether none of these runs was stopped.

    Raises:
        ReportError: one cannot be read, or is no report.
        DiskError: the disk is full or fails.
    """
    span = _TimeSpan()
    complete = True
    for path in reports:
        for record in read(path, names):
            if record.outcome is Result.NOT_TRIED:
                complete = False
            else:
                span.add(record)
                reporter.add_record(record)
    summary = asyncio.run(
        reporter.finish(
            untried=0,
            list_read=complete,
            colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
            span=span.start_and_seconds,
        )
    )
    _print(summary, to_stderr=to_stderr)
    return complete


def check_readable_whole(reports: Sequence[Path]) -> None:
    """Check that every field of these reports can be read.

    Raises:
        ReportError: one has another format.
    """
    mergeable = [each for each in FORMATS.values() if each.is_mergeable]
    for path in reports:
        if format_of(path) not in mergeable:
            raise ReportError(
                f"{printable(str(path))} is no report that can be read whole",
                hint=f"name some that end in {endings(mergeable)}",
            )


def _print(summary: ReportSummary, *, to_stderr: bool) -> None:
    for line in summary.failures:
        click.echo(printable(line), err=True)
    for line in summary.notes:
        click.echo(printable(f"download: {line}"), err=True)
    for line in (*summary.lines, *summary.commands):
        click.echo(line, err=to_stderr)


class _TimeSpan:
    """The time from the first request of several runs to the end of their last transfer."""

    def __init__(self) -> None:
        self._start = self._end = 0.0

    def add(self, record: Record) -> None:
        """Extend the span by one record."""
        try:
            started = datetime.fromisoformat(record.started or "").timestamp()
        except (ValueError, OverflowError):
            return
        self._start = min(self._start or started, started)
        self._end = max(self._end, started + (record.seconds or 0))

    @property
    def start_and_seconds(self) -> tuple[float, float] | None:
        """When it starts, in seconds since the epoch, and its length; None without requests."""
        return (self._start, self._end - self._start) if self._start else None


def _totals_line(reporter: Reporter, report_count: int) -> str:
    totals = reporter.totals
    results = ", ".join(
        f"{number} {result}" for result in Result if (number := totals.results.get(result))
    )
    line = f"{count(totals.urls, 'URL')} in {count(report_count, 'report')}"
    return f"{line}: {results}" if results else line
