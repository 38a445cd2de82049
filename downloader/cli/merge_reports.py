"""What ``--merge`` does with reports: those of several runs become one, as of one run."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from downloader.cli.outcome_lines import count
from downloader.errors import ReportError
from downloader.models import ExitStatus
from downloader.report.record import Record, Result
from downloader.report.report_reader import ENDINGS, read
from downloader.report.reporter import Reporter
from downloader.web.text import printable

_FLAG = "merge"


def run_merge_reports(
    reports: Sequence[Path], desk: Reporter, *, quiet: bool = False
) -> ExitStatus:
    """Give *desk* the records of all *reports*, and say what they come to.

    The exit status is what one run over all of their lines would have had.

    Raises:
        ReportError: one cannot be read, or is no report.
        DiskError: the disk refuses.
    """
    for path in reports:
        if path.suffix.lower() not in ENDINGS:
            shown = printable(str(path))
            raise ReportError(
                f"{_FLAG}: {shown} is no report that can be read whole",
                hint=f"name some that end in {' or '.join(ENDINGS)}",
            )
    span = _TimeSpan()
    complete = True
    for path in reports:
        for record in read(path, _FLAG):
            if record.outcome is Result.NOT_TRIED:
                complete = False
            else:
                span.add(record)
                desk.take(record)
    told = asyncio.run(
        desk.finish(
            untried=0,
            list_read=complete,
            colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
            span=span.ends,
        )
    )
    for line in told.failures:
        click.echo(printable(line), err=True)
    for line in told.notes:
        click.echo(printable(f"download: {line}"), err=True)
    for line in told.lines:
        click.echo(line)
    if not quiet:
        click.echo(_summary(desk, len(reports)))
    if not complete:
        click.echo("Some of these runs were stopped: not every line was tried", err=True)
    failed = desk.totals.results.get(Result.FAILED) or told.failures or not complete
    return ExitStatus.SOME_FAILED if failed else ExitStatus.DONE


class _TimeSpan:
    """From when the first of several runs made a request until the last had its answer."""

    def __init__(self) -> None:
        self._first = self._last = 0.0

    def add(self, record: Record) -> None:
        """Take in one record; what its moment says may be anything."""
        try:
            began = datetime.fromisoformat(record.started or "").timestamp()
        except (ValueError, OverflowError):
            return
        self._first = min(self._first or began, began)
        self._last = max(self._last, began + (record.seconds or 0))

    @property
    def ends(self) -> tuple[float, float] | None:
        """When it began, and how long it took; None if nothing was requested."""
        return (self._first, self._last - self._first) if self._first else None


def _summary(desk: Reporter, reports: int) -> str:
    totals = desk.totals
    results = ", ".join(
        f"{number} {result}" for result in Result if (number := totals.results.get(result))
    )
    said = f"{count(totals.urls, 'URL')} in {count(reports, 'report')}"
    return f"{said}: {results}" if results else said
