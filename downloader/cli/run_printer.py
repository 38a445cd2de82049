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
from contextlib import aclosing, nullcontext
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
    InFlight,
    Options,
    Outcome,
    StorageOptions,
    Tally,
)
from downloader.report.interface import OutcomeReporter, ReportSummary
from downloader.web.text import printable, printable_lines
from downloader.web.urls import redact_text

if TYPE_CHECKING:
    from downloader.cli.exec_commands import ExecCommands, ExecOptions
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
    exec_options: "ExecOptions | None" = None,
) -> ExitStatus:
    """Download the SOURCEs on this machine, or on a cluster as *plan* says; print the outcomes.

    Raises:
        DownloadError: the run could not be started, or not be finished.
        OSError: stdout or stderr cannot be written.
    """
    widen_resolver(options.concurrency)
    run = _create_run(source, options, plan)
    return await print_run(run, options, view, reporter, exec_options)


async def print_run(
    run: Run,
    options: StorageOptions,
    view: OutcomeView,
    reporter: OutcomeReporter,
    exec_options: "ExecOptions | None" = None,
) -> ExitStatus:
    """Consume *run*: print and report its outcomes, run commands, and stop it on signals.

    Raises:
        DownloadError: the run could not be started, or not be finished.
        OSError: stdout or stderr cannot be written.
    """
    return await _RunPrinter(run, options, view, reporter, exec_options).print()


class _RunPrinter:
    """Prints and reports one run; see :func:`print_run`."""

    def __init__(
        self,
        run: Run,
        options: StorageOptions,
        view: OutcomeView,
        reporter: OutcomeReporter,
        exec_options: "ExecOptions | None",
    ) -> None:
        self._run = run
        self._options = options
        self._view = view
        self._reporter = reporter
        self._started = time.monotonic()
        self._tally = Tally()
        self._start_page = StartPage()
        writes_body = options.save and options.stream is not None
        self._terminal = Terminal(
            lambda: _progress_state(run.progress, self._tally),
            lambda: self.stop(now=True),
            progress=view.progress and not view.quiet,
            # What is printed must not get into the body or the report.
            results_to_stderr=writes_body or view.reports_to_stdout,
        )
        self._warnings = _WarningPrinter(run, self._terminal)
        self._commands = _open_commands(exec_options, options.output, self._terminal)

    async def print(self) -> ExitStatus:
        run, terminal = self._run, self._terminal
        summary = ReportSummary()
        async with terminal, self._commands or nullcontext():
            with (
                stop_on_signals(
                    self, terminal, uses_object_store=self._options.remote is not None
                ) as received,
                self._warnings.periodically(),
            ):
                error = await self._consume()
                if self._tally.total or not isinstance(error, RunError):
                    # Otherwise the run could not be started, and keeps earlier reports.
                    try:
                        summary = await _finish_report(self._reporter, run.progress)
                    except (DownloadError, BrokenPipeError) as report_error:
                        error = error or report_error
            if isinstance(error, BrokenPipeError):
                # As after "| head": nobody wants to know more.
                raise error
            self._warnings.print_new()
            if not self._view.quiet:
                self._print_totals(summary.files)
                if error is None and not received:
                    self._print_start_page()
            _print_report(summary, terminal)
            if run.progress.untried or (received and run.progress.total is None):
                terminal.note(_stopped_line(run.progress))
        if error is not None:
            raise error
        if received:
            return ExitStatus.INTERRUPTED
        return self._status(has_violations=bool(summary.failures))

    @property
    def progress(self) -> RunProgress:
        """How far the run is."""
        return self._run.progress

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now."""
        return self._run.in_flight()

    def stop(self, *, now: bool = False) -> None:
        """Stop the run and the commands."""
        self._run.stop(now=now)
        if self._commands is not None:
            self._commands.stop(now=now)

    def _status(self, *, has_violations: bool) -> ExitStatus:
        if ErrorKind.DISK in self._tally.kinds:
            return ExitStatus.DISK_FAILED
        commands_failed = self._commands is not None and self._commands.failed
        incomplete = self._run.progress.is_incomplete
        if self._tally.failed or has_violations or incomplete or commands_failed:
            return ExitStatus.SOME_FAILED
        return ExitStatus.DONE

    async def _consume(self) -> DownloadError | BrokenPipeError | None:
        """Count, print and report every outcome; return what ended the run early, if anything."""
        ended: DownloadError | BrokenPipeError | None = None
        try:
            async with aclosing(self._run.outcomes()) as outcomes:
                async for outcome in outcomes:
                    self._tally.add(outcome)
                    if self._view.mirrors:
                        self._start_page.add(outcome)
                    if ended is None:
                        self._view.show(outcome, self._terminal)
                    try:
                        self._reporter.add(outcome)
                    except BrokenPipeError as error:
                        # What is left is for the reports that are files.
                        ended = error
                        self.stop(now=True)
                    if self._commands is not None:
                        await self._commands.add(outcome)
        except DownloadError as error:
            ended = ended or error
            self.stop(now=False)
        if self._commands is not None:
            await self._commands.finish()
        return ended

    def _print_totals(self, reports: Sequence[Path]) -> None:
        run, tally, options, terminal = self._run, self._tally, self._options, self._terminal
        other_shards = run.progress.other_shards
        if tally.total or other_shards:
            seconds = time.monotonic() - self._started
            line = summary_line(tally, seconds, others=other_shards, saving=options.save)
            terminal.result(_wrapped(line) if terminal.shows_results else line)
            if run.archive_files:
                terminal.result(archived_line(_archive_names(run.archive_files, options)))
        if self._commands is not None and (line := self._commands.summary_line()):
            terminal.result(line)
        if reports:
            terminal.result(reports_line(reports))

    def _print_start_page(self) -> None:
        """Say how to look at a mirror that was just finished."""
        page = self._run.progress.index_page or self._start_page.path
        if self._view.mirrors and page is not None and self._terminal.shows_results:
            self._terminal.result(open_line(self._options.output, page))


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


def _open_commands(
    options: "ExecOptions | None", folder: Path, terminal: Terminal
) -> "ExecCommands | None":
    if options is None:
        return None
    # Imported only for this, because most runs have no commands.
    from downloader.cli.exec_commands import ExecCommands

    return ExecCommands(options, folder, terminal)


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
