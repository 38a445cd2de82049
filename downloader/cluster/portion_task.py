"""Runs one portion of a shard on a worker, as a ``LocalRun`` of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from downloader import object_store
from downloader._version import __version__
from downloader.cluster.messages import (
    Portion,
    PortionProgress,
    PortionResult,
    decode_target,
    encode_outcomes,
)
from downloader.cluster.worker_loop import SHARED_LOOP
from downloader.core.local_run import LocalRun
from downloader.errors import BusyError, DownloadError, OutputError, RunError
from downloader.journal import has_journal
from downloader.models import Failed, Options, Outcome

_PROGRESS_INTERVAL_SECONDS = 0.5
#: Attempts to lock a shard's folder, which a worker presumed dead may still hold.
_LOCK_ATTEMPTS = 60
_LOCK_RETRY_SECONDS = 1.0
_MAX_IN_FLIGHT_REPORTED = 20
_MAX_STOPPED_RUNS = 100

_lock = threading.Lock()
_running: set["_PortionTask"] = set()
#: The cluster runs that have been stopped, and whether their transfers were cancelled.
_stopped_runs: dict[str, bool] = {}


def run_portion(
    portion: Portion,
    report: Callable[[PortionProgress], None],
    is_wanted: Callable[[], bool],
) -> PortionResult:
    """Run a portion to its end, or until it is stopped; it blocks.

    Args:
        portion: the portion.
        report: called with its progress.
        is_wanted: returns whether its result is still expected.
    """
    if portion.version != __version__:
        error = RunError(
            f"a worker has version {__version__} of this program, and not {portion.version}",
            hint="install the same version on all machines",
        )
        return PortionResult(untried=portion.count, error=error)
    return SHARED_LOOP.run(_PortionTask(portion, report, is_wanted).run())


def stop_run(run_id: str, now: bool) -> None:
    """Stop the portions of a cluster run in this process, and those that it will still receive."""
    with _lock:
        while len(_stopped_runs) >= _MAX_STOPPED_RUNS:
            del _stopped_runs[next(iter(_stopped_runs))]
        _stopped_runs[run_id] = _stopped_runs.get(run_id, False) or now
        tasks = [task for task in _running if task.run_id == run_id]
    for task in tasks:
        task.stop(now=now)


class _PortionTask:
    def __init__(
        self,
        portion: Portion,
        report: Callable[[PortionProgress], None],
        is_wanted: Callable[[], bool],
    ) -> None:
        self.run_id = portion.run_id
        self._portion = portion
        self._report = report
        self._is_wanted = is_wanted
        self._outcomes: list[Outcome] = []
        self._failed = 0
        self._local_run: LocalRun | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def stop(self, *, now: bool) -> None:
        """Stop it; thread-safe."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop, now)

    def _stop(self, now: bool) -> None:
        self._stopping = True
        if self._local_run is not None:
            self._local_run.stop(now=now)

    async def run(self) -> PortionResult:
        """Run the portion on the shared event loop."""
        self._loop = asyncio.get_running_loop()
        with _lock:
            _running.add(self)
            self._stopping = self.run_id in _stopped_runs
        reporting = asyncio.create_task(self._report_progress(), name="progress")
        admission = SHARED_LOOP.admission
        error: DownloadError | None = None
        await admission.acquire(lambda: self._stopping)
        try:
            await self._download()
        except DownloadError as raised:
            error = raised
        finally:
            admission.release()
            with _lock:
                _running.discard(self)
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
        untried = self._portion.count - len(self._outcomes)
        warnings = tuple(self._local_run.warnings) if self._local_run is not None else ()
        return PortionResult(encode_outcomes(self._outcomes), untried, warnings, error)

    async def _download(self) -> None:
        options = self._portion.options
        if options.remote is not None:
            # The work folder is one of this machine, not of the one that started the run.
            options = replace(options, output=object_store.parse_destination(options.remote).folder)
        elif options.save:
            _check_shard_folder(options.output)
        for attempt in range(_LOCK_ATTEMPTS):
            if self._stopping:
                return
            try:
                await self._run_once(options)
            except BusyError:
                # A worker presumed dead notices within seconds that its result is not wanted.
                if attempt == _LOCK_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_LOCK_RETRY_SECONDS)
            else:
                return

    async def _run_once(self, options: Options) -> None:
        # A run on an object store may find it busy after some outcomes; they are yielded anew.
        self._outcomes, self._failed = [], 0
        lines = self._portion.lines.splitlines()
        run = self._local_run = LocalRun(lambda _: map(decode_target, lines), options)
        async with aclosing(run.outcomes()) as outcomes:
            async for outcome in outcomes:
                self._outcomes.append(outcome)
                self._failed += isinstance(outcome, Failed)

    async def _report_progress(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_INTERVAL_SECONDS)
            if not self._is_wanted():
                self._stop(True)
            run = self._local_run
            if run is not None:
                progress = run.progress
                self._report(
                    PortionProgress(
                        shard=self._portion.shard,
                        done=len(self._outcomes),
                        failed=self._failed,
                        received=progress.received,
                        running=progress.running,
                        in_flight=run.in_flight()[:_MAX_IN_FLIGHT_REPORTED],
                    )
                )


def _check_shard_folder(folder: Path) -> None:
    """Check that a shard's folder is in the cluster run's output folder.

    Raises:
        OutputError: it is not.
    """
    if not has_journal(folder.parent):
        raise OutputError(
            f"a worker does not see the folder {folder.parent}",
            hint="it must be on a disk that all machines share",
        )
    if folder.is_symlink():
        raise OutputError(f"{folder} is a symbolic link", hint="remove it")
