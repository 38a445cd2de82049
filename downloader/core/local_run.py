"""A run on this machine: read the list, admit it to the journal, fetch, record, report.

A thread reads the list ahead of the event loop. The journal admits each URL and each file name
once. The transfer backend holds a bounded number of transfers more than it can start, so that it
finds free hosts among them.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from downloader import archive, object_store
from downloader.core.auto_backend import AutoBackend, max_processes
from downloader.core.near_duplicate_marker import NearDuplicateMarker
from downloader.core.pool import Pool, Sleep
from downloader.core.read_ahead import ReadAhead
from downloader.core.run import RunProgress
from downloader.core.run_cookies import load_cookies, save_cookies
from downloader.core.run_observer import NullObserver, RunObserver
from downloader.core.sitemap_fetcher import SitemapFetcher
from downloader.core.transfer import Redirected, Transfer
from downloader.core.transfer_backend import TransferBackend
from downloader.errors import DiskError, ErrorKind
from downloader.http import CookieJar
from downloader.http.netrc_file import netrc_warnings
from downloader.journal import AdmissionResult, Job
from downloader.journal.async_journal import AsyncJournal
from downloader.journal.own_pages import OwnPageKind
from downloader.models import Failed, InFlight, Options, Outcome, StorageOptions
from downloader.scheduling import check_open_file_limit
from downloader.sources import Entry, FetchList, ShardFilter, select_lines
from downloader.storage import VolumeUploader, create_output_folder

#: Returns the entries of a list; its argument fetches lists that the list names.
Entries = Callable[[FetchList], Iterator[Entry]]
#: Lines admitted in one transaction of the journal.
_MAX_LINES_PER_TRANSACTION = 512
#: Lines that the reading thread may be ahead of the journal.
_MAX_LINES_AHEAD = 512
#: Lines read ahead of the running transfers, so that a free host can be found among them.
_MAX_UNFINISHED = 10_000
#: Outcomes that may wait for the consumer before reading pauses.
_MAX_PENDING_OUTCOMES = 1000


class LocalRun:
    """One list on this machine; a :class:`~downloader.core.run.Run`.

    Args:
        entries: the list.
        options: the options of the run.
        list_notes: notes for the user about the list; more are added while it is read.
        sleep, clock: for tests.
        whole: called with each finished archive file, see :func:`downloader.archive.open_session`;
            by default volumes are uploaded to the object store, if there is one.
    """

    def __init__(
        self,
        entries: Entries,
        options: Options,
        *,
        list_notes: Sequence[str] = (),
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        whole: archive.VolumeCallback | None = None,
    ) -> None:
        self._entries = entries
        self._options = options
        self._list_notes = list_notes
        self._sleep = sleep
        self._wake = asyncio.Event()
        self._journal = AsyncJournal(options, self._fail)
        self._jar = CookieJar() if options.accept_cookies else None
        self._backend = self._create_backend(clock)
        self._archive = archive.open_session(options, whole or _uploader(options), self._fail)
        self._sitemap_fetcher = SitemapFetcher(options, sleep, self._jar)
        self._near_duplicates = NearDuplicateMarker() if options.near_duplicates else None
        self._observer: RunObserver = NullObserver()
        self._shard = ShardFilter(options.shard)
        self._reader: ReadAhead[Entry] | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._has_capacity = asyncio.Event()
        self._pending: list[Outcome] = []
        self._found = 0
        self._yielded = 0
        self._warnings: list[str] = []
        self._stopped = False
        self._list_ended = False
        self._error: Exception | None = None

    def _create_backend(self, clock: Callable[[], float]) -> TransferBackend:
        options, journal, wake = self._options, self._journal, self._wake
        if options.process_count > 1:
            from downloader.core.processes import ProcessBackend

            return ProcessBackend(options, journal, wake, self._fail, self._jar)
        if options.processes is None and max_processes(options) > 1:
            return AutoBackend(options, journal, wake, self._fail, self._jar)
        return Pool(options, journal, wake, jar=self._jar, sleep=self._sleep, clock=clock)

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        archived = self._archive.warnings if self._archive else []
        return [
            *self._warnings,
            *self._list_notes,
            *self._backend.warnings,
            *self._journal.warnings,
            *self._observer.warnings,
            *archived,
            *(self._near_duplicates.warnings if self._near_duplicates else []),
            *archive.replay_warnings(self._options),
        ]

    @property
    def archive_files(self) -> list[Path]:
        """The finished archive files of this run; all of them once the run is over."""
        return self._archive.files if self._archive else []

    @property
    def progress(self) -> RunProgress:
        """How far the run is; lines include URLs that the observer added."""
        read = self._reader.count + self._found if self._reader else 0
        index = self._journal.own_page(OwnPageKind.INDEX)
        return RunProgress(
            total=read if self._reader and self._reader.finished else None,
            untried=read - self._yielded if self._reader else 0,
            other_shards=self._shard.others,
            received=self._backend.received,
            running=self._backend.running,
            rewritten=self._observer.rewritten,
            is_incomplete=self._observer.is_incomplete,
            index_page=index.path if index is not None else None,
        )

    def in_flight(self) -> list[InFlight]:
        """Return what is being fetched now, the longest-running first; of very many, not all."""
        return self._backend.in_flight()

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        if self._reader is not None:
            self._reader.stop()
        if self._feeder is not None:
            self._feeder.cancel()
        self._observer.stop()
        self._backend.stop(now=now)
        self._wake.set()

    async def outcomes(self) -> AsyncGenerator[Outcome]:
        """Yield one outcome for each line, as they become known; call it once.

        Raises:
            RunError: a list cannot be read, or the output folder cannot be used; transfers that
                were running have been finished and yielded before.
            DiskError: the disk failed; transfers that were running have been cancelled and
                yielded before, and the rest of the list was not tried.
        """
        async with AsyncExitStack() as stack:
            await self._open(stack)
            if self._stopped:
                return
            await self._start(stack)
            while not self._is_done():
                await self._wake.wait()
                self._wake.clear()
                for outcome in await self._collect():
                    self._yielded += 1
                    yield outcome
                self._has_capacity.set()
            await self._observer.finish()
        if self._error is not None:
            raise self._error

    async def _open(self, stack: AsyncExitStack) -> None:
        check_open_file_limit()
        if self._options.netrc:
            self._warnings += netrc_warnings()
        await load_cookies(self._options, self._jar)
        await asyncio.to_thread(create_output_folder, self._options)
        # The journal comes before everything that looks at the folder: it locks out other runs.
        await stack.enter_async_context(self._journal)
        stack.push_async_callback(save_cookies, self._options, self._jar)
        if self._archive is not None:
            await stack.enter_async_context(self._archive)
        await stack.enter_async_context(self._backend)
        await stack.enter_async_context(self._sitemap_fetcher)
        stack.push_async_callback(self._abandon)

    async def _start(self, stack: AsyncExitStack) -> None:
        if self._options.mirrors:
            # Reading documents takes a while to import, and most runs do not.
            from downloader.mirror import Mirror

            mirror = Mirror(self._options, self._journal, self, self._sleep, self._jar)
            self._observer = await stack.enter_async_context(mirror)
        observing = asyncio.create_task(self._observe(), name="observer")
        stack.push_async_callback(_cancel, observing)
        self._feeder = asyncio.create_task(self._feed(), name="list reader")
        self._feeder.add_done_callback(self._feeder_done)

    async def _feed(self) -> None:
        """Queue the lines that the journal admits, within the limits of memory."""
        try:
            lines = self._entries(self._sitemap_fetcher.blocking_fetch())
            entries = self._shard.select(select_lines(lines, self._options))
            self._reader = ReadAhead(entries, max_buffered=_MAX_LINES_AHEAD, name="list reader")
            while batch := await self._reader.take(_MAX_LINES_PER_TRANSACTION):
                self._observer.lines_read(batch)
                self._queue(await self._journal.admit(batch))
                self._observer.notify()
                while (
                    self._backend.unfinished >= _MAX_UNFINISHED
                    or len(self._pending) >= _MAX_PENDING_OUTCOMES
                ):
                    self._has_capacity.clear()
                    await self._has_capacity.wait()
            self._observer.list_ended()
        except Exception as error:
            self._error = self._error or error

    async def _observe(self) -> None:
        try:
            await self._observer.run()
        except Exception as error:
            self._error = self._error or error
            self.stop(now=isinstance(error, DiskError))

    @property
    def free_slots(self) -> int:
        """Number of URLs that the observer may add now; they go before the rest of the list."""
        return max(0, _MAX_UNFINISHED + _MAX_LINES_PER_TRANSACTION - self._backend.unfinished)

    def add(self, found: Sequence[AdmissionResult]) -> None:
        """Queue URLs that the observer has found; outcomes among them are reported."""
        self._found += len(found)
        self._queue(found)

    def wake(self) -> None:
        """Check again whether the run is done."""
        self._wake.set()

    def _queue(self, admitted: Sequence[AdmissionResult]) -> None:
        transfers = [Transfer(each, each.partial) for each in admitted if isinstance(each, Job)]
        if len(transfers) < len(admitted):
            self._pending += [each for each in admitted if not isinstance(each, Job)]
        if self._pending:
            self._wake.set()
        self._backend.add(transfers)

    def _is_done(self) -> bool:
        """Return whether every line, and every URL that was added, has its outcome."""
        waiting = self._backend.unfinished or self._pending
        observing = not self._observer.idle and not self._stopped
        return self._list_ended and not waiting and not observing

    def _feeder_done(self, _feeder: asyncio.Task[None]) -> None:
        # A callback, because a task that is cancelled before its first step runs no "finally".
        self._list_ended = True
        self._wake.set()

    async def _collect(self) -> list[Outcome]:
        """Record the transfers that have ended; return the outcomes to report."""
        outcomes, self._pending = self._pending, []
        results = await self._backend.collect()
        if not results:
            return outcomes
        ended: list[tuple[Job, Outcome]] = []
        for transfer, outcome in results:
            if isinstance(outcome, Redirected):
                self._observer.redirected(transfer.job, outcome.to)
                continue
            if isinstance(outcome, Failed) and outcome.kind is ErrorKind.DISK:
                self._fail(DiskError(outcome.message, hint=outcome.hint))
            elif self._near_duplicates is not None:
                outcome = self._near_duplicates.mark(outcome)
            ended.append((transfer.job, outcome))
        self._journal.record(ended)
        reported = self._observer.reported([(job.target, outcome) for job, outcome in ended])
        # What is not reported was no line of the list: the observer had added it.
        self._found -= len(results) - len(reported)
        self._observer.notify()
        return outcomes + reported

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self.stop(now=True)

    async def _abandon(self) -> None:
        """Leave nothing running when the consumer leaves before the end."""
        self.stop(now=True)
        if self._feeder is not None:
            await asyncio.gather(self._feeder, return_exceptions=True)
        while self._backend.unfinished:
            self._wake.clear()
            await self._collect()
            if self._backend.unfinished:
                await self._wake.wait()


def _uploader(options: StorageOptions) -> VolumeUploader | None:
    """Return what uploads volumes to the object store, if there are volumes and a store."""
    store = object_store.open_store(options) if options.pack is not None else None
    return None if store is None else VolumeUploader(store)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
