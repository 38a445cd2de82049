"""Does one portion of a shard, in the process in which it is called, with a batch of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from downloader import object_store
from downloader._version import __version__
from downloader.cluster.messages import Portion, PortionProgress, PortionResult, packed, target_of
from downloader.cluster.worker_loop import LOOP
from downloader.core.local_run import LocalRun
from downloader.errors import BusyError, DownloadError, OutputError, RunError
from downloader.journal import has_journal
from downloader.models import Failed, Options, Outcome

_TICK_SECONDS = 0.5
#: So often it is asked again for a folder that somebody has who was taken for lost.
_ATTEMPTS = 60
_BUSY_SECONDS = 1.0
_MOST_ROWS = 20
_MOST_RUNS = 100

_lock = threading.Lock()
_tasks: set["_Task"] = set()
#: Which campaigns have been stopped, and whether at once.
_stopped: dict[str, bool] = {}


def do(
    work: Portion, told: Callable[[PortionProgress], None], wanted: Callable[[], bool]
) -> PortionResult:
    """Do a portion; it blocks until that has been done, or stopped.

    Args:
        work: the portion.
        told: takes how far it is.
        wanted: whether anybody still waits for it.
    """
    if work.version != __version__:
        fault = RunError(
            f"a worker has version {__version__} of this program, and not {work.version}",
            hint="install the same everywhere",
        )
        return PortionResult(untried=work.count, error=fault)
    return LOOP.run(_Task(work, told, wanted).run())


def stop(run: str, now: bool) -> None:
    """Have what this process does for a campaign, and will be asked to do for it, end."""
    with _lock:
        while len(_stopped) >= _MOST_RUNS:
            del _stopped[next(iter(_stopped))]
        _stopped[run] = _stopped.get(run, False) or now
        tasks = [task for task in _tasks if task.of == run]
    for task in tasks:
        task.stop(now=now)


class _Task:
    def __init__(
        self, work: Portion, told: Callable[[PortionProgress], None], wanted: Callable[[], bool]
    ) -> None:
        self.of = work.run
        self._work = work
        self._told = told
        self._wanted = wanted
        self._ended: list[Outcome] = []
        self._failed = 0
        self._batch: LocalRun | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def stop(self, *, now: bool) -> None:
        """Have it end; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop, now)

    def _stop(self, now: bool) -> None:
        self._stopping = True
        if self._batch is not None:
            self._batch.stop(now=now)

    async def run(self) -> PortionResult:
        """Do the portion."""
        self._loop = asyncio.get_running_loop()
        with _lock:
            _tasks.add(self)
            self._stopping = self.of in _stopped
        ticker = asyncio.create_task(self._tick(), name="progress")
        turns = LOOP.turns
        error: DownloadError | None = None
        await turns.wait(lambda: self._stopping)
        try:
            await self._download()
        except DownloadError as fault:
            error = fault
        finally:
            turns.end()
            with _lock:
                _tasks.discard(self)
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
        untried = self._work.count - len(self._ended)
        warnings = tuple(self._batch.warnings) if self._batch is not None else ()
        return PortionResult(packed(self._ended), untried, warnings, error)

    async def _download(self) -> None:
        options = self._work.options
        if options.remote is not None:
            # A work folder is one of this machine's.
            options = replace(options, output=object_store.parse_destination(options.remote).folder)
        elif options.save:
            _check(options.output)
        for attempt in range(_ATTEMPTS):
            if self._stopping:
                return
            try:
                await self._one_run(options)
            except BusyError:
                # Who was taken for lost may live, and finds out before long that it is not wanted.
                if attempt == _ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_BUSY_SECONDS)
            else:
                return

    async def _one_run(self, options: Options) -> None:
        # Of an object store it may be found late that somebody has it: then all is told again.
        self._ended, self._failed = [], 0
        lines = self._work.lines.splitlines()
        batch = self._batch = LocalRun(lambda _: map(target_of, lines), options)
        async with aclosing(batch.outcomes()) as outcomes:
            async for outcome in outcomes:
                self._ended.append(outcome)
                self._failed += isinstance(outcome, Failed)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if not self._wanted():
                self._stop(True)
            batch = self._batch
            if batch is not None:
                rows = batch.in_flight()[:_MOST_ROWS]
                progress = batch.progress
                self._told(
                    PortionProgress(
                        self._work.shard,
                        len(self._ended),
                        self._failed,
                        progress.received,
                        progress.running,
                        rows,
                    )
                )


def _check(output: Path) -> None:
    """Check that a shard's folder is one of the campaign's.

    Raises:
        OutputError: it is not.
    """
    if not has_journal(output.parent):
        raise OutputError(
            f"a worker does not see the folder {output.parent}",
            hint="it has to be on a disk that all of them share",
        )
    if output.is_symlink():
        raise OutputError(f"{output} is a symbolic link", hint="remove it")
