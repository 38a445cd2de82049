"""Everything that a run reports, behind one object that takes its outcomes."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from downloader.errors import DiskError, ReportError
from downloader.models import Outcome
from downloader.models.outcome_conversion import record_of, time_text
from downloader.models.url_record import Record
from downloader.report.budget import BudgetCheck
from downloader.report.compare import COMPARED_FIELDS, Comparison
from downloader.report.diagnostics import CheckResult
from downloader.report.fail_on import FailOn
from downloader.report.formats import STDOUT, format_of
from downloader.report.github_actions import GithubReport
from downloader.report.index_pages import IndexPages
from downloader.report.interface import ReportOptions, ReportSummary
from downloader.report.lock_file import LockCheck, LockWriter
from downloader.report.output_files import ReportFile
from downloader.report.report_reader import read
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.report.size_tables import size_lines
from downloader.report.summary import SizeSummary


class _RecordConsumer(Protocol):
    def add(self, record: Record) -> None:
        """Take one record."""


class _Check(_RecordConsumer, Protocol):
    def result(self) -> CheckResult:
        """Return what was found."""


class Reporter(AbstractContextManager["Reporter", None]):
    """Writes all reports of a run, and makes its checks; a context manager.

    Reports that are not finished when the context ends are removed.

    Args:
        options: the reports and checks to make.
        output: the folder of the saved files; None if they are not on this machine.

    Attributes:
        totals: over the records taken so far.
        violations: sentences that name what the checks have found, once all is finished.

    Raises, when made:
        ReportError: a file cannot be written or read.
    """

    def __init__(self, options: ReportOptions, output: Path | None) -> None:
        self._output = output
        self._rewrites = options.rewrites
        self._files = tuple(path for path in options.files if path != STDOUT)
        self._started = time.time()
        self._started_monotonic = time.monotonic()
        self.totals = ReportTotals()
        self._index_pages = IndexPages()
        self.violations: Sequence[str] = ()
        self._max_changes = options.max_changes
        _check_names(options)
        # Earlier reports are read before the new ones, which may replace them, are opened.
        self._comparison = (
            compare_with(options.compare, options.fail_on) if options.compare else None
        )
        self._checks: list[_Check] = []
        if options.budget:
            self._checks.append(BudgetCheck(options.budget))
        if options.locked:
            self._checks.append(LockCheck(options.locked))
        self._size_summary = SizeSummary() if options.sizes else None
        self._lock_writer: LockWriter | None = None
        self._github: GithubReport | None = None
        self._reports = list[ReportFile]()
        try:
            self._open_reports(options)
        except BaseException:
            self._abandon()
            raise
        self._consumers: list[_RecordConsumer] = [*self._reports, *self._checks]
        if self._size_summary is not None:
            self._consumers.append(self._size_summary)

    def _open_reports(self, options: ReportOptions) -> None:
        # Nobody may read standard output any more, which must not end the other reports.
        for path in sorted(options.files, key=lambda path: path == STDOUT):
            report_format = format_of(path)
            if report_format is None:
                raise ReportError(f"{path} has an ending of no report format")
            self._reports.append(report_format.create(path))
        if options.lock is not None:
            self._lock_writer = LockWriter(options.lock)
            self._reports.append(self._lock_writer)
        if options.github is not None:
            self._github = GithubReport(options.github)
            self._reports.append(self._github)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._abandon()

    def add(self, outcome: Outcome) -> None:
        """Report one outcome.

        Raises:
            DiskError: the disk is full or fails.
            BrokenPipeError: nobody reads standard output any more; other reports have it.
        """
        if self._consumers or self._comparison is not None:
            self.add_record(record_of(outcome))

    def add_record(self, record: Record) -> None:
        """Report one record, such as that of another report.

        Raises:
            DiskError: the disk is full or fails.
        """
        same_as = self._index_pages.same_as(record)
        if same_as != record.same_as:
            record = replace(record, same_as=same_as)
        self.totals.add(record)
        if self._comparison is not None and (change := self._comparison.add(record)):
            record = replace(record, change=change.kind, changed=change.aspects)
        for consumer in self._consumers:
            consumer.add(record)

    async def finish(
        self,
        *,
        untried: int,
        list_read: bool,
        colour: bool = False,
        span: tuple[float, float] | None = None,
    ) -> ReportSummary:
        """Finish all reports after the last outcome; this may take seconds.

        Args:
            untried: the number of lines that were read but not tried.
            list_read: whether the list was read to its end.
            colour: whether the lines are for a terminal that shows colours.
            span: when the run began, in seconds since the epoch, and its duration in seconds; by
                default, from the making of this object until now.

        Raises:
            DiskError: the disk is full or fails.
        """
        if self._comparison is not None:
            self._comparison.finish(complete=list_read and not untried)
        started, seconds = span or (self._started, time.monotonic() - self._started_monotonic)
        checks = [check.result() for check in self._checks]
        if self._comparison is not None:
            checks.append(self._comparison.result())
        run = RunRecord(
            started=time_text(started) or "",
            seconds=seconds,
            untried=untried,
            list_read=list_read,
            totals=self.totals,
            output=self._output,
            comparison=self._comparison,
            checks=tuple(checks),
            rewritten=self._rewrites,
        )
        self.violations = run.violations
        await self._finish_reports(run)
        lines = size_lines(self._size_summary, colour=colour) if self._size_summary else []
        if self._comparison is not None:
            lines += [
                *([""] if lines else []),
                *self._comparison.lines(self._max_changes, colour=colour),
            ]
        lock_note = self._lock_writer.note if self._lock_writer is not None else ""
        return ReportSummary(
            lines=lines,
            failures=self.violations,
            notes=[lock_note] if lock_note else [],
            files=self._files,
            commands=self._github.commands if self._github is not None else [],
        )

    async def _finish_reports(self, run: RunRecord) -> None:
        first_error: DiskError | BrokenPipeError | None = None
        for report in self._reports:
            try:
                # In a thread, so that the progress bar keeps moving.
                await asyncio.to_thread(report.finish, run)
            except (DiskError, BrokenPipeError) as error:
                # The other reports may be on other disks.
                first_error = first_error or error
        if first_error is not None:
            raise first_error

    def _abandon(self) -> None:
        for report in self._reports:
            report.abandon()


def compare_with(path: Path, fail_on: FailOn | None = None) -> Comparison:
    """Return a comparison with an earlier report, which is read at once.

    Args:
        path: of the earlier report.
        fail_on: the changes that are unwanted.

    Raises:
        ReportError: it cannot be read, or is no report.
    """
    return Comparison(path, read(path, COMPARED_FIELDS), fail_on)


def _check_names(options: ReportOptions) -> None:
    """Check that no report has the name of another one, or of a list.

    Raises:
        ReportError: one has.
    """
    inputs = [*options.lists, *([options.locked] if options.locked else [])]
    # A symbolic link is another name of its file.
    known = set(map(os.path.realpath, inputs))
    for path in (*options.files, *([options.lock] if options.lock else [])):
        real_path = os.path.realpath(path)
        if real_path in known:
            raise ReportError(f"{path} is named twice", hint="give each report a name of its own")
        known.add(real_path)
