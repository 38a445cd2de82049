"""Does one portion of a shard, in the process in which it is called, with a batch of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from downloader import objects
from downloader._version import __version__
from downloader.batch import Batch
from downloader.engine.work import Done, Progress, Work, packed, target_of
from downloader.errors import BusyError, DownloadError, OutputError, RunError
from downloader.journal import is_in
from downloader.loop import runner, widen_resolver
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


def do(work: Work, told: Callable[[Progress], None], wanted: Callable[[], bool]) -> Done:
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
        return Done(untried=work.count, error=fault)
    return _loop.run(_Task(work, told, wanted).run())


def stop(run: str, now: bool) -> None:
    """Have what this process does for a campaign, and will be asked to do for it, end."""
    with _lock:
        while len(_stopped) >= _MOST_RUNS:
            del _stopped[next(iter(_stopped))]
        _stopped[run] = _stopped.get(run, False) or now
        tasks = [task for task in _tasks if task.of == run]
    for task in tasks:
        task.stop(now=now)


class _Loop:
    """The event loop that all portions of this process share, from the first of them to the last.

    With one for each thread that Dask has, they would fight for the interpreter: four take twice
    the CPU of one that does the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[None, None, Done]) -> Done:
        """Run a coroutine to its end; it blocks until then."""
        with self._lock:
            if not self._users:
                self._ready.clear()
                self._thread = threading.Thread(target=self._serve, name="portions", daemon=True)
                self._thread.start()
                self._ready.wait()
            self._users += 1
        loop = self._loop
        if loop is None:
            raise RuntimeError("the loop has not begun")
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._over and self._thread:
                    loop.call_soon_threadsafe(self._over.set)
                    self._thread.join()

    def _serve(self) -> None:
        with runner(debug=False) as loop:
            loop.run(self._until_over())

    async def _until_over(self) -> None:
        widen_resolver(None)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._over.wait()


_loop = _Loop()


class _Task:
    def __init__(
        self, work: Work, told: Callable[[Progress], None], wanted: Callable[[], bool]
    ) -> None:
        self.of = work.run
        self._work = work
        self._told = told
        self._wanted = wanted
        self._ended: list[Outcome] = []
        self._failed = 0
        self._batch: Batch | None = None
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

    async def run(self) -> Done:
        """Do the portion."""
        self._loop = asyncio.get_running_loop()
        with _lock:
            _tasks.add(self)
            self._stopping = self.of in _stopped
        ticker = asyncio.create_task(self._tick(), name="progress")
        error: DownloadError | None = None
        try:
            await self._download()
        except DownloadError as fault:
            error = fault
        finally:
            with _lock:
                _tasks.discard(self)
            ticker.cancel()
            await asyncio.gather(ticker, return_exceptions=True)
        untried = self._work.count - len(self._ended)
        warnings = tuple(self._batch.warnings) if self._batch is not None else ()
        return Done(packed(self._ended), untried, warnings, error)

    async def _download(self) -> None:
        options = self._work.options
        if options.remote is not None:
            # A work folder is one of this machine's.
            options = replace(options, output=objects.destination(options.remote).folder)
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
        batch = self._batch = Batch(lambda _: map(target_of, lines), options)
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
                self._told(
                    Progress(
                        self._work.shard,
                        len(self._ended),
                        self._failed,
                        batch.received,
                        batch.running,
                        rows,
                    )
                )


def _check(output: Path) -> None:
    """Check that a shard's folder is one of the campaign's.

    Raises:
        OutputError: it is not.
    """
    if not is_in(output.parent):
        raise OutputError(
            f"a worker does not see the folder {output.parent}",
            hint="it has to be on a disk that all of them share",
        )
    if output.is_symlink():
        raise OutputError(f"{output} is a symbolic link", hint="remove it")
