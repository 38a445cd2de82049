"""The journal for the event loop: calls run in one thread, and outcomes are written in batches."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from downloader import object_store
from downloader.errors import DiskError, DownloadError, OutputError, StoreError
from downloader.journal import (
    AdmissionResult,
    FileLocation,
    Job,
    Journal,
    JournalEntry,
    PartialFile,
    PublishedFile,
    Redirect,
    SavedDocument,
    Submission,
    TargetRole,
)
from downloader.journal.own_pages import OwnPage, OwnPageKind
from downloader.journal.replica_schedule import ReplicaSchedule
from downloader.models import Failed, Options, Outcome, Target
from downloader.web.filenames import FileName
from downloader.web.urls import Url

#: Seconds for which results are collected into one batch; a killed run loses no more than these.
BATCH_SECONDS = 0.1
#: Results after which a batch is written at once.
MAX_BATCH_RESULTS = 500
DOCUMENTS_PER_QUERY = 32
FILES_PER_QUERY = 500

_Result = TypeVar("_Result")


class AsyncJournal:
    """The journal of a run; an asynchronous context manager.

    *on_disk_failed* is called when the journal cannot be written any more, or its replica cannot be
    uploaded.

    Attributes:
        warnings: of the journal, when it was opened.

    Raises, on entering:
        OutputError: another run holds the folder, or the journal cannot be used.
    """

    def __init__(self, options: Options, on_disk_failed: Callable[[DownloadError], None]) -> None:
        self.warnings: list[str] = []
        self._on_disk_failed = on_disk_failed
        self._options = options
        self._batch: list[tuple[Job, JournalEntry]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._journal: Journal | None = None
        self._replicas: ReplicaSchedule | None = None
        self._batch_is_full = asyncio.Event()
        self._batch_writer: asyncio.Task[None] | None = None
        self._writes: set[asyncio.Task[DiskError | None]] = set()

    async def __aenter__(self) -> Self:
        root = self._options.journal_folder
        store = object_store.open_store(self._options)
        try:
            journal = await self._run(lambda: Journal(root, self._options, store))
        except StoreError as error:
            raise OutputError(error.message, hint=error.hint) from error
        self._journal = journal
        self.warnings = journal.warnings
        if store is not None:
            self._replicas = ReplicaSchedule(
                lambda: self._run(journal.replicate), self._on_disk_failed
            )
            try:
                await self._replicas.start()
            except DownloadError:
                await self._run(journal.close)
                raise
        self._batch_writer = asyncio.create_task(self._write_batches(), name="journal")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._batch_writer is not None:
            self._batch_writer.cancel()
            await asyncio.gather(self._batch_writer, return_exceptions=True)
        if self._journal is not None:
            await self._write_batch()
            await asyncio.gather(*self._writes, return_exceptions=True)
            if self._replicas is not None:
                await self._replicas.finish()
            await self._run(self._journal.close)
        self._thread.shutdown()

    async def admit(self, entries: Sequence[Target | Failed]) -> list[AdmissionResult]:
        """Return a job or an outcome for each entry."""
        journal = self._opened()
        return await self._run(lambda: journal.admit(entries))

    async def next_work(self, max_jobs: int) -> tuple[list[Job | Failed], list[SavedDocument]]:
        """Return queued targets to fetch, and documents to read; all results are written first."""
        journal = self._opened()
        await self._write_batch()
        return await self._run(lambda: journal.next_work(max_jobs))

    async def end_list(self) -> None:
        """Note that all lines are admitted."""
        journal = self._opened()
        await self._run(journal.end_list)

    async def is_mirror_current(self) -> bool:
        """Return whether all links are as the last run has written them."""
        journal = self._opened()
        await self._write_batch()
        return await self._run(lambda: journal.is_mirror_current)

    async def record_mirror(self) -> None:
        """Record that this run has finished its mirror, and left nothing out."""
        journal = self._opened()
        await self._run(journal.record_mirror)

    async def enqueue(self, targets: Sequence[Target]) -> list[Failed]:
        """Queue new targets that pages refer to; return the outcomes of those that cannot be."""
        journal = self._opened()
        return await self._run(lambda: journal.enqueue(targets)) if targets else []

    async def documents(self, after_row: int) -> list[SavedDocument]:
        """Return the next text documents of this run, in the order of their rows."""
        journal = self._opened()
        await self._write_batch()
        return await self._run(lambda: journal.documents(after_row, DOCUMENTS_PER_QUERY))

    async def saved_by_role(
        self, after_row: int, roles: Sequence[TargetRole]
    ) -> list[SavedDocument]:
        """Return the next files of this run with one of *roles*, and all withdrawn ones."""
        journal = self._opened()
        return await self._run(lambda: journal.saved_by_role(after_row, FILES_PER_QUERY, roles))

    async def final_urls(self, urls: Collection[Url]) -> dict[Url, Url]:
        """Return the URLs that answered for *urls*, after redirects."""
        journal = self._opened()
        return await self._run(lambda: journal.final_urls(urls)) if urls else {}

    async def redirect_loops(self, redirects: Sequence[tuple[Url, Url]]) -> set[Url]:
        """Return the sources of *redirects*, (source, target) pairs, that lead to themselves."""
        journal = self._opened()
        await self._write_batch()
        return await self._run(lambda: journal.redirect_loops(redirects)) if redirects else set()

    async def document(self, row: int) -> SavedDocument:
        """Return the saved file of a row."""
        journal = self._opened()
        return await self._run(lambda: journal.document(row))

    async def locations(
        self, urls: Sequence[Url], *, withdrawn: bool = False
    ) -> dict[Url, FileLocation]:
        """Return the files of those *urls* that are saved; withdrawn ones only if asked for."""
        journal = self._opened()
        return await self._run(lambda: journal.locations(urls, withdrawn=withdrawn))

    async def record_published(self, files: Sequence[PublishedFile]) -> None:
        """Record the content that files are about to get; it is on disk when this returns."""
        journal = self._opened()
        await self._run(lambda: journal.record_published(files))

    def record(self, results: Iterable[tuple[Job, Outcome | Redirect]]) -> None:
        """Record what became of jobs, with the next batch."""
        self._batch += results
        if len(self._batch) >= MAX_BATCH_RESULTS:
            self._batch_is_full.set()

    async def record_step(self, job: Job, step: PartialFile | Submission) -> None:
        """Record at once which body the partial file of *job* will hold, or that it is sent.

        Otherwise the run after a kill could take its bytes for those of the version before, or
        send a request twice.

        Raises:
            DiskError: the journal cannot be written.
        """
        self._batch.append((job, step))
        if (error := await self._write_batch()) is not None:
            raise error

    async def claim_name(self, job: Job, names: Sequence[FileName]) -> FileName | None:
        """Give a URL the first of *names* that no other has, at once; None if all are taken.

        Raises:
            DiskError: the journal cannot be written.
        """
        journal = self._opened()
        return await self._run(lambda: journal.claim_name(job.row, names))

    def own_page(self, kind: OwnPageKind) -> OwnPage | None:
        """Return the file of a page that this program is to write itself; None if it is not."""
        return None if self._journal is None else self._journal.own_pages.get(kind)

    async def saved_pages(self, after_row: int) -> list[SavedDocument]:
        """Return the next pages in the folder, of all runs; [] at the end."""
        journal = self._opened()
        return await self._run(lambda: journal.saved_pages(after_row, FILES_PER_QUERY))

    async def missing_urls(self, urls: Sequence[Url]) -> set[Url]:
        """Return those of *urls* that do not exist on their servers."""
        journal = self._opened()
        return await self._run(lambda: journal.missing_urls(urls))

    async def _write_batches(self) -> None:
        while True:
            try:
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._batch_is_full.wait()
            except TimeoutError:
                pass
            self._batch_is_full.clear()
            await self._write_batch()

    async def _write_batch(self) -> DiskError | None:
        """Write the results collected so far, even if the caller is cancelled meanwhile."""
        batch, self._batch = self._batch, []
        if not batch:
            # What another call has begun to write is written, too, when this one returns.
            if self._writes:
                await asyncio.wait(self._writes)
            return None
        writing = asyncio.create_task(self._write(batch), name="journal")
        self._writes.add(writing)
        writing.add_done_callback(self._writes.discard)
        return await asyncio.shield(writing)

    async def _write(self, batch: list[tuple[Job, JournalEntry]]) -> DiskError | None:
        journal = self._opened()
        try:
            await self._run(lambda: journal.record(batch))
        except DiskError as error:
            self._on_disk_failed(error)
            return error
        return None

    def _opened(self) -> Journal:
        if self._journal is None:
            raise OutputError("the journal is not open")
        return self._journal

    async def _run(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
