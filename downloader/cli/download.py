"""One run on a terminal: a pool, what it says on the screen, and what signals do to it."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from downloader import archive, object_store, sources
from downloader.cli.outcome_lines import (
    archived_line,
    count,
    detail_line,
    in_flight_lines,
    outcome_line,
    summary_line,
)
from downloader.cli.terminal import ProgressState, Terminal
from downloader.cluster import ClusterPlan, ClusterRun
from downloader.core.event_loop import widen_resolver
from downloader.core.local_run import Entries, LocalRun
from downloader.errors import DownloadError, ErrorKind, RunError
from downloader.models import ExitStatus, Failed, Options, Outcome, Tally
from downloader.report.reporter import Reporter, ReportSummary
from downloader.web.text import printable, printable_lines
from downloader.web.urls import conceal

#: How long running transfers may go on after the first Ctrl-C.
_GRACE_SECONDS = 5.0
#: How long an object store may still take after the second one.
_STORE_SECONDS = 5.0
#: So often it is looked whether there is something to warn of.
_WARN_SECONDS = 1.0


class OutcomeView:
    """Which outcomes are shown, and how much of each.

    Attributes:
        quiet: only failures.
        progress: with a bar.
        debug: with tracebacks.
    """

    def __init__(
        self, folder: Path | str, *, quiet: bool, verbose: bool, progress: bool, debug: bool
    ) -> None:
        self.quiet = quiet
        self.progress = progress
        self.debug = debug
        self._folder = folder
        self._verbose = verbose

    def show(self, outcome: Outcome, screen: Terminal) -> None:
        """Put *outcome* on the screen."""
        if isinstance(outcome, Failed):
            screen.failure(outcome_line(outcome, self._folder))
            if self._verbose and (detail := detail_line(outcome)):
                screen.note(detail)
            if outcome.traceback and self.debug:
                screen.note(printable_lines(outcome.traceback))
        elif not self.quiet:
            screen.result(outcome_line(outcome, self._folder))
            if self._verbose and (detail := detail_line(outcome)):
                screen.result(detail)


async def run_download(
    source: tuple[str, ...],
    options: Options,
    view: OutcomeView,
    desk: Reporter,
    plan: ClusterPlan | None = None,
) -> ExitStatus:
    """Download what the SOURCEs hold, here or as *plan* says, and say what happened.

    Raises:
        DownloadError: the run could not be made, or not to its end.
        OSError: the output cannot be written.
    """
    widen_resolver(options.concurrency)
    started = time.monotonic()
    tally = Tally()
    batch: LocalRun | ClusterRun = (
        LocalRun(_entries(source, options), options)
        if plan is None
        else ClusterRun(source, options, plan)
    )
    screen = Terminal(
        lambda: _state(batch, tally),
        lambda: batch.stop(now=True),
        progress=view.progress and not view.quiet,
    )
    fault: DownloadError | None = None
    told = ReportSummary((), (), ())
    warnings = _WarningPrinter(batch, screen)
    async with screen:
        with (
            _signals(batch, screen, remote=options.remote is not None) as received,
            warnings.meanwhile(),
        ):
            try:
                async with aclosing(batch.outcomes()) as outcomes:
                    async for outcome in outcomes:
                        tally.add(outcome)
                        view.show(outcome, screen)
                        desk.add(outcome)
            except DownloadError as error:
                fault = error
            if tally.total or not isinstance(fault, RunError):
                # Reports of earlier runs stay when this one could not be made.
                try:
                    told = await desk.finish(
                        untried=batch.untried,
                        list_read=batch.total is not None,
                        colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
                    )
                except DownloadError as error:
                    fault = fault or error
        warnings.tell()
        if (tally.total or batch.others) and not view.quiet:
            seconds = time.monotonic() - started
            screen.result(summary_line(tally, seconds, others=batch.others, saving=options.save))
            if batch.archived:
                screen.result(archived_line(_named(batch.archived, options)))
        _tell(told, screen)
        if batch.untried or (received and batch.total is None):
            screen.note(_stopped_line(batch))
    if fault is not None:
        raise fault
    if received:
        return ExitStatus.INTERRUPTED
    if ErrorKind.DISK in tally.kinds:
        return ExitStatus.DISK_FAILED
    return ExitStatus.SOME_FAILED if tally.failed or told.failures else ExitStatus.DONE


class _WarningPrinter:
    """Puts what a run has to say on the screen, soon after it is known."""

    def __init__(self, batch: LocalRun | ClusterRun, screen: Terminal) -> None:
        self._batch = batch
        self._screen = screen
        self._told: Counter[str] = Counter()

    def tell(self) -> None:
        """Tell what has not been told; one that is there twice has happened twice."""
        known: Counter[str] = Counter()
        for warning in self._batch.warnings:
            known[warning] += 1
            if known[warning] > self._told[warning]:
                self._told[warning] += 1
                self._screen.note(printable(f"download: {warning}"))

    @contextlib.contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Tell now and then, until left."""
        task = asyncio.create_task(self._now_and_then(), name="warnings")
        try:
            yield
        finally:
            task.cancel()

    async def _now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_WARN_SECONDS)
            self.tell()


def _named(files: Sequence[Path], options: Options) -> list[str]:
    """Return the names of archive files as they are found: volumes where bodies go."""
    if options.pack is None or options.remote is None:
        return list(map(str, files))
    return [f"{conceal(options.remote)}/{file.name}" for file in files]


def _tell(told: ReportSummary, screen: Terminal) -> None:
    """Put on the screen what reports have to say."""
    for line in told.lines:
        screen.result(line)
    for line in told.failures:
        screen.failure(line)
    for line in told.notes:
        screen.note(printable(f"download: {line}"))


def _entries(source: tuple[str, ...], options: Options) -> Entries:
    if not options.replay:
        return lambda fetch_list: sources.read(source, fetch_list)
    return lambda _fetch_list: sources.from_addresses(archive.seeds(options.replay))


def _state(batch: LocalRun | ClusterRun, tally: Tally) -> ProgressState:
    # What others have done counts before it has been told.
    done, failed = (batch.done, batch.failed) if isinstance(batch, ClusterRun) else (0, 0)
    return ProgressState(
        tally.total + done, batch.total, tally.failed + failed, batch.received, batch.rewritten
    )


def _stopped_line(batch: LocalRun | ClusterRun) -> str:
    untried = count(batch.untried, "line")
    rest = "were" if batch.untried != 1 else "was"
    if batch.total is None:
        return f"Stopped before the end of the list: {untried} and what follows {rest} not tried"
    return f"Stopped: {untried} {rest} not tried"


@contextlib.contextmanager
def _signals(
    batch: LocalRun | ClusterRun, screen: Terminal, *, remote: bool
) -> Iterator[list[signal.Signals]]:
    """Give the list of signals received: the first stops gently, the second at once.

    SIGUSR1, where it exists, prints what is in flight.
    """
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def interrupt(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1:
            running = count(batch.running, "running transfer")
            screen.note(
                f"Stopping: {_GRACE_SECONDS:g} s for {running} to finish; again to stop now"
            )
            loop.call_later(_GRACE_SECONDS, lambda: batch.stop(now=True))
        if remote and len(received) == 2:
            # Its own patience is far longer, and what is under way cannot be left alone.
            loop.call_later(_STORE_SECONDS, object_store.abort)
        batch.stop(now=len(received) > 1)

    def report() -> None:
        for line in in_flight_lines(batch.in_flight()):
            screen.note(line)

    installed: list[int] = []
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
            installed.append(number)
        if hasattr(signal, "SIGUSR1"):
            loop.add_signal_handler(signal.SIGUSR1, report)
            installed.append(signal.SIGUSR1)
    try:
        yield received
    finally:
        for installed_number in installed:
            loop.remove_signal_handler(installed_number)
