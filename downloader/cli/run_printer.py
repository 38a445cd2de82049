"""Print a run on a terminal: outcomes are printed and reported as they become known."""

import asyncio
import contextlib
import os
import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from downloader import archive, sources
from downloader.cli.outcome_lines import (
    archived_line,
    count,
    detail_line,
    outcome_line,
    reports_line,
    summary_line,
)
from downloader.cli.start_page import StartPage, open_line
from downloader.cli.stop_signals import stop_on_signals
from downloader.cli.terminal import ProgressState, Terminal
from downloader.core.event_loop import widen_resolver
from downloader.core.local_run import Entries, LocalRun
from downloader.core.run import Run, RunProgress
from downloader.errors import DownloadError, ErrorKind, RunError
from downloader.models import (
    ExitStatus,
    Failed,
    Options,
    Outcome,
    StorageOptions,
    Tally,
)
from downloader.report.interface import OutcomeReporter, ReportSummary
from downloader.web.text import printable, printable_lines
from downloader.web.urls import redact_text

if TYPE_CHECKING:
    from downloader.cluster import ClusterPlan

#: How often new warnings are printed during a run.
_WARNING_SECONDS = 1.0


class OutcomeView:
    """Which outcomes are printed, and in how much detail.

    Attributes:
        quiet: print failures only.
        progress: show a progress bar.
        debug: print tracebacks.
        mirrors: whether the run mirrors pages, so that there is one to open.
        reports_to_stdout: print no results, because a report is on stdout.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        quiet: bool,
        verbose: bool,
        progress: bool,
        debug: bool,
        reports_to_stdout: bool = False,
        mirrors: bool = False,
    ) -> None:
        self.quiet = quiet
        # A bar would be between the lines of a report on the same terminal.
        self.progress = progress and not (reports_to_stdout and sys.stdout.isatty())
        self.debug = debug
        self.reports_to_stdout = reports_to_stdout
        self.mirrors = mirrors
        self._folder = str(folder)
        self._verbose = verbose

    def show(self, outcome: Outcome, terminal: Terminal) -> None:
        """Print *outcome*."""
        if isinstance(outcome, Failed):
            terminal.failure(outcome_line(outcome, self._folder))
            if self._verbose and (detail := detail_line(outcome)):
                terminal.note(detail)
            if outcome.traceback and self.debug:
                terminal.note(printable_lines(outcome.traceback))
        elif not (self.quiet or self.reports_to_stdout):
            terminal.result(outcome_line(outcome, self._folder))
            if self._verbose and (detail := detail_line(outcome)):
                terminal.result(detail)


async def run_download(
    source: tuple[str, ...],
    options: Options,
    view: OutcomeView,
    reporter: OutcomeReporter,
    plan: "ClusterPlan | None" = None,
) -> ExitStatus:
    """Download the SOURCEs on this machine, or on a cluster as *plan* says; print the outcomes.

    Raises:
        DownloadError: the run could not be started, or not be finished.
        OSError: stdout or stderr cannot be written.
    """
    widen_resolver(options.concurrency)
    return await print_run(_create_run(source, options, plan), options, view, reporter)


async def print_run(
    run: Run, options: StorageOptions, view: OutcomeView, reporter: OutcomeReporter
) -> ExitStatus:
    """Consume *run*: print and report its outcomes, and stop it on signals.

    Raises:
        DownloadError: the run could not be started, or not be finished.
        OSError: stdout or stderr cannot be written.
    """
    started = time.monotonic()
    tally = Tally()
    terminal = Terminal(
        lambda: _progress_state(run.progress, tally),
        lambda: run.stop(now=True),
        progress=view.progress and not view.quiet,
        # What is printed must not get into the body or the report.
        results_to_stderr=(options.save and options.stream is not None) or view.reports_to_stdout,
    )
    warnings = _WarningPrinter(run, terminal)
    summary = ReportSummary()
    start_page = StartPage()
    uses_object_store = options.remote is not None
    async with terminal:
        with (
            stop_on_signals(run, terminal, uses_object_store=uses_object_store) as received,
            warnings.periodically(),
        ):
            error = await _consume(run, tally, view, terminal, reporter, start_page)
            if tally.total or not isinstance(error, RunError):
                # Otherwise the run could not be started, and keeps the reports of earlier runs.
                try:
                    summary = await _finish_report(reporter, run.progress)
                except (DownloadError, BrokenPipeError) as report_error:
                    error = error or report_error
        if isinstance(error, BrokenPipeError):
            # As after "| head": nobody wants to know more.
            raise error
        warnings.print_new()
        if not view.quiet:
            _print_totals(run, tally, time.monotonic() - started, options, terminal)
            if summary.files:
                terminal.result(reports_line(summary.files))
            page = run.progress.index_page or start_page.path
            is_finished = error is None and not received
            if view.mirrors and is_finished and page is not None and terminal.shows_results:
                terminal.result(open_line(options.output, page))
        _print_report(summary, terminal)
        if run.progress.untried or (received and run.progress.total is None):
            terminal.note(_stopped_line(run.progress))
    if error is not None:
        raise error
    if received:
        return ExitStatus.INTERRUPTED
    if ErrorKind.DISK in tally.kinds:
        return ExitStatus.DISK_FAILED
    if tally.failed or summary.failures or run.progress.is_incomplete:
        return ExitStatus.SOME_FAILED
    return ExitStatus.DONE


def _create_run(source: tuple[str, ...], options: Options, plan: "ClusterPlan | None") -> Run:
    if plan is None:
        notes: list[str] = []
        return LocalRun(_entries(source, options, notes), options, list_notes=notes)
    from downloader.cluster import ClusterRun

    return ClusterRun(source, options, plan)


def _entries(source: tuple[str, ...], options: Options, notes: list[str]) -> Entries:
    if not options.replay:
        settings = sources.ListSettings.of(options, notes.append)
        return lambda fetch_list: sources.read(source, fetch_list, settings)
    return lambda _fetch_list: sources.from_archive(archive.seeds(options.replay))


async def _consume(
    run: Run,
    tally: Tally,
    view: OutcomeView,
    terminal: Terminal,
    reporter: OutcomeReporter,
    start_page: StartPage,
) -> DownloadError | BrokenPipeError | None:
    """Count, print and report every outcome; return what ended the run early, if anything."""
    closed: BrokenPipeError | None = None
    try:
        async with aclosing(run.outcomes()) as outcomes:
            async for outcome in outcomes:
                tally.add(outcome)
                start_page.add(outcome)
                if closed is None:
                    view.show(outcome, terminal)
                try:
                    reporter.add(outcome)
                except BrokenPipeError as error:
                    # What is left is for the reports that are files.
                    closed = error
                    run.stop(now=True)
    except DownloadError as error:
        return closed or error
    return closed


async def _finish_report(reporter: OutcomeReporter, progress: RunProgress) -> ReportSummary:
    return await reporter.finish(
        untried=progress.untried,
        list_read=progress.total is not None,
        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
    )


class _WarningPrinter:
    """Prints the warnings of a run soon after they become known."""

    def __init__(self, run: Run, terminal: Terminal) -> None:
        self._run = run
        self._terminal = terminal
        self._printed: Counter[str] = Counter()

    def print_new(self) -> None:
        """Print warnings that have not been printed; equal ones are several occurrences."""
        known: Counter[str] = Counter()
        for warning in self._run.warnings:
            known[warning] += 1
            if known[warning] > self._printed[warning]:
                self._printed[warning] += 1
                self._terminal.note(printable(f"download: {warning}"))

    @contextlib.contextmanager
    def periodically(self) -> Iterator[None]:
        """Print new warnings every second while in this context."""
        task = asyncio.create_task(self._print_periodically(), name="warnings")
        try:
            yield
        finally:
            task.cancel()

    async def _print_periodically(self) -> None:
        while True:
            await asyncio.sleep(_WARNING_SECONDS)
            self.print_new()


def _print_totals(
    run: Run, tally: Tally, seconds: float, options: StorageOptions, terminal: Terminal
) -> None:
    other_shards = run.progress.other_shards
    if not (tally.total or other_shards):
        return
    line = summary_line(tally, seconds, others=other_shards, saving=options.save)
    terminal.result(_wrapped(line) if terminal.shows_results else line)
    if run.archive_files:
        terminal.result(archived_line(_archive_names(run.archive_files, options)))


def _wrapped(line: str) -> str:
    """Return a line of words, broken where the terminal ends."""
    return textwrap.fill(
        line,
        shutil.get_terminal_size().columns,
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _archive_names(files: Sequence[Path], options: StorageOptions) -> list[str]:
    """Return where archive files are: volumes of a pack may be in an object store."""
    if options.pack is None or options.remote is None:
        return list(map(str, files))
    return [f"{redact_text(options.remote)}/{file.name}" for file in files]


def _print_report(summary: ReportSummary, terminal: Terminal) -> None:
    for line in summary.lines:
        terminal.result(line)
    for line in summary.failures:
        terminal.failure(line)
    for line in summary.notes:
        terminal.note(printable(f"download: {line}"))
    for line in summary.commands:
        terminal.result(line)


def _progress_state(progress: RunProgress, tally: Tally) -> ProgressState:
    return ProgressState(
        tally.total + progress.unreported,
        progress.total,
        tally.failed + progress.unreported_failures,
        progress.received,
        progress.rewritten,
    )


def _stopped_line(progress: RunProgress) -> str:
    untried = count(progress.untried, "line")
    were = "were" if progress.untried != 1 else "was"
    if progress.total is None:
        return f"Stopped before the end of the list: {untried} and what follows {were} not tried"
    return f"Stopped: {untried} {were} not tried"
