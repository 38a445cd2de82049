"""Everything that a run is to report, as one thing that the run tells its outcomes."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from downloader.errors import DiskError, ReportError
from downloader.models import Outcome
from downloader.report.budget import Budget, BudgetCheck
from downloader.report.compare import COMPARED_FIELDS, Comparison
from downloader.report.formats.text import CsvReport, JsonlReport, JsonReport
from downloader.report.lock import LockCheck, LockWriter
from downloader.report.outcome_record import record_of, time_text
from downloader.report.output_files import ReportFile
from downloader.report.record import Record
from downloader.report.report_reader import read
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.report.size_tables import size_lines
from downloader.report.summary import SizeSummary


def _page(path: Path) -> ReportFile:
    # What makes pages takes a while to load, and most runs do without.
    from downloader.report.formats.html import HtmlReport

    return HtmlReport(path)


def _table(path: Path) -> ReportFile:
    # Neither does this; and pyarrow need not be installed.
    from downloader.report.formats.parquet import ParquetReport

    return ParquetReport(path)


#: Which report is made, by the ending of its name.
FORMATS: dict[str, Callable[[Path], ReportFile]] = {
    ".json": JsonReport,
    ".jsonl": JsonlReport,
    ".csv": CsvReport,
    ".parquet": _table,
    ".html": _page,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """What a run is to report.

    Attributes:
        files: data and pages, each in the format that its ending says.
        sizes: whether tables of sizes are to be printed.
        compare: an earlier report to compare with.
        budget: what bodies may weigh.
        lock: where to write the list with the hash of each.
        locked: such a list, which the run has to find unchanged.
        lists: what the run reads while reports are written.
    """

    files: Sequence[Path] = ()
    sizes: bool = False
    compare: Path | None = None
    budget: Budget | None = None
    lock: Path | None = None
    locked: Path | None = None
    lists: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What is to be printed at the end of a run.

    Attributes:
        lines: for stdout.
        failures: for stderr: what is over budget, or not as it is locked.
        notes: for stderr.
    """

    lines: Sequence[str]
    failures: Sequence[str]
    notes: Sequence[str]


class _RecordConsumer(Protocol):
    def add(self, record: Record) -> None:
        """Take one record."""


class Reporter(AbstractContextManager["Reporter", None]):
    """Takes outcomes and makes reports of them; a context manager.

    Args:
        wishes: what is to be reported.
        output: the folder that files are saved under; None if they are not on this machine.

    Attributes:
        totals: what the records come to that were taken so far.

    Raises, when made:
        ReportError: a file cannot be written or read.
    """

    def __init__(self, wishes: ReportOptions, output: Path | None) -> None:
        self._output = output
        self._began = time.time()
        self._clock = time.monotonic()
        self.totals = ReportTotals()
        _check_names(wishes)
        # What is read comes first: a report may take the place of the one it is compared with.
        self._comparison = _comparison_with(wishes.compare) if wishes.compare else None
        self._locked = LockCheck(wishes.locked) if wishes.locked else None
        self._spending = BudgetCheck(wishes.budget) if wishes.budget else None
        self._summary = SizeSummary() if wishes.sizes else None
        self._lock: LockWriter | None = None
        self._reports: list[ReportFile] = []
        try:
            for path in wishes.files:
                self._reports.append(FORMATS[path.suffix.lower()](path))
            if wishes.lock is not None:
                self._lock = LockWriter(wishes.lock)
                self._reports.append(self._lock)
        except BaseException:
            self._abandon()
            raise
        others = (self._comparison, self._locked, self._spending, self._summary)
        self._takers: list[_RecordConsumer] = [*self._reports, *(each for each in others if each)]

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
        """Take one outcome.

        Raises:
            DiskError: the disk refuses.
        """
        if self._takers:
            self.take(record_of(outcome))

    def take(self, record: Record) -> None:
        """Take what a report says of an outcome.

        Raises:
            DiskError: the disk refuses.
        """
        self.totals.add(record)
        for taker in self._takers:
            taker.add(record)

    async def finish(
        self,
        *,
        untried: int,
        list_read: bool,
        colour: bool = False,
        span: tuple[float, float] | None = None,
    ) -> ReportSummary:
        """Make all reports, when there are no more outcomes; this may take a while.

        Args:
            untried: lines that were read and not tried.
            list_read: whether the list was read to its end.
            colour: whether lines are for a terminal that shows colours.
            span: when the run began, in seconds since the epoch, and how long it took; from when
                this was made until now, unless given.

        Raises:
            DiskError: the disk refuses.
        """
        if self._comparison is not None:
            self._comparison.finish(complete=list_read and not untried)
        failures = self._failures()
        began, seconds = span or (self._began, time.monotonic() - self._clock)
        run = RunRecord(
            started=time_text(began) or "",
            seconds=seconds,
            untried=untried,
            list_read=list_read,
            totals=self.totals,
            output=self._output,
            comparison=self._comparison,
            broken=tuple(failures),
        )
        refused: DiskError | None = None
        for report in self._reports:
            try:
                # The terminal goes on meanwhile.
                await asyncio.to_thread(report.finish, run)
            except DiskError as error:
                refused = refused or error  # another report may be on another disk
        if refused is not None:
            raise refused
        lines = size_lines(self._summary, colour=colour) if self._summary else []
        if self._comparison is not None:
            lines += [*([""] if lines else []), *self._comparison.lines()]
        notes = [self._lock.said] if self._lock and self._lock.said else []
        return ReportSummary(lines, failures, notes)

    def _failures(self) -> list[str]:
        over = self._spending.lines() if self._spending else []
        drift = self._locked.lines() if self._locked else []
        return [
            *(f"Over budget: {line}" for line in over),
            *(f"Not as locked: {line}" for line in drift),
        ]

    def _abandon(self) -> None:
        for report in self._reports:
            report.abandon()


def _comparison_with(path: Path) -> Comparison:
    return Comparison(path, read(path, "--compare", COMPARED_FIELDS))


def _check_names(wishes: ReportOptions) -> None:
    """Check that no two reports have one name, and none has that of a list.

    Raises:
        ReportError: two have.
    """
    read = [*wishes.lists, *([wishes.locked] if wishes.locked else [])]
    # A link to a file is another name for it.
    seen = set(map(os.path.realpath, read))
    for path in (*wishes.files, *([wishes.lock] if wishes.lock else [])):
        place = os.path.realpath(path)
        if place in seen:
            raise ReportError(f"{path} is named twice", hint="give each report a name of its own")
        seen.add(place)
