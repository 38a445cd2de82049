"""The journal's side of the event loop: one thread of its own, and notes written in batches."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from downloader import object_store
from downloader.errors import DiskError, DownloadError, OutputError, StoreError
from downloader.journal import (
    Admitted,
    Alias,
    FileLocation,
    Job,
    Journal,
    PartialFile,
    PublishedFile,
    SavedDocument,
    TargetRole,
)
from downloader.journal.replica_schedule import ReplicaSchedule
from downloader.models import Failed, Options, Outcome, Target
from downloader.web.urls import Url

#: How long a note may wait for others, which is how much a killed run forgets.
_SECONDS = 0.1
#: So many notes are written at once, without waiting.
_MOST = 500
#: So many documents are asked for at once.
_DOCUMENTS = 32
#: So many files are arranged at once.
_ARRANGED = 500

_Note = tuple[Job, Outcome | PartialFile | Alias]
_Result = TypeVar("_Result")


class AsyncJournal:
    """The journal of a run; an asynchronous context manager.

    *disk_failed* is called when the journal can no longer be written, or its copy be sent.

    Attributes:
        warnings: what the journal had to say when it was opened.

    Raises, on entering:
        OutputError: another run holds the folder, or the journal cannot be used.
    """

    def __init__(self, options: Options, disk_failed: Callable[[DownloadError], None]) -> None:
        self.warnings: list[str] = []
        self._disk_failed = disk_failed
        self._options = options
        self._held: list[_Note] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._journal: Journal | None = None
        self._copies: ReplicaSchedule | None = None
        self._due = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[DiskError | None]] = set()

    async def __aenter__(self) -> Self:
        root = self._options.output if self._options.save else None
        bucket = object_store.open_store(self._options)
        try:
            journal = await self._hop(lambda: Journal(root, self._options, bucket))
        except StoreError as error:
            raise OutputError(error.message, hint=error.hint) from error
        self._journal = journal
        self.warnings = journal.warnings
        if bucket is not None:
            self._copies = ReplicaSchedule(lambda: self._hop(journal.copy), self._disk_failed)
            try:
                await self._copies.begin()
            except DownloadError:
                await self._hop(journal.close)
                raise
        self._writer = asyncio.create_task(self._write_now_and_then(), name="journal")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        if self._journal is not None:
            await self._write()
            await asyncio.gather(*self._writing, return_exceptions=True)
            if self._copies is not None:
                await self._copies.finish()
            await self._hop(self._journal.close)
        self._thread.shutdown()

    async def admit(self, entries: Sequence[Target | Failed]) -> list[Admitted]:
        """Return what is to be done for each entry."""
        journal = self._opened()
        return await self._hop(lambda: journal.admit(entries))

    async def work(self, most: int) -> tuple[list[Job | Failed], list[SavedDocument]]:
        """Return what is to be fetched and to be read, now that all notes are written."""
        journal = self._opened()
        await self._write()
        return await self._hop(lambda: journal.work(most))

    async def find(self, found: Sequence[Target]) -> list[Failed]:
        """Have what documents refer to fetched in its turn; return what cannot be."""
        journal = self._opened()
        return await self._hop(lambda: journal.find(found)) if found else []

    async def documents(self, after: int) -> list[SavedDocument]:
        """Return the next texts of this run, in the order of their rows."""
        journal = self._opened()
        await self._write()
        return await self._hop(lambda: journal.documents(after, _DOCUMENTS))

    async def arranged(self, after: int, roles: Sequence[TargetRole]) -> list[SavedDocument]:
        """Return what this run has seen of these roles, and what was withdrawn, row by row."""
        journal = self._opened()
        return await self._hop(lambda: journal.arranged(after, _ARRANGED, roles))

    async def starts(self, roots: Collection[Url]) -> dict[Url, Url]:
        """Return where lines were found, after redirects, by their addresses."""
        journal = self._opened()
        return await self._hop(lambda: journal.starts(roots)) if roots else {}

    async def circular(self, moves: Sequence[tuple[Url, Url]]) -> set[Url]:
        """Return which addresses lead back to themselves, if each leads where *moves* says."""
        journal = self._opened()
        await self._write()
        return await self._hop(lambda: journal.circular(moves)) if moves else set()

    async def stored(self, row: int) -> SavedDocument:
        """Return what is there of a row."""
        journal = self._opened()
        return await self._hop(lambda: journal.stored(row))

    async def places(
        self, urls: Sequence[Url], *, withdrawn: bool = False
    ) -> dict[Url, FileLocation]:
        """Return the files of those addresses that are saved; of withdrawn ones, if asked for."""
        journal = self._opened()
        return await self._hop(lambda: journal.places(urls, withdrawn=withdrawn))

    async def publish(self, notes: Sequence[PublishedFile]) -> None:
        """Note what files are to be; that is written when it returns."""
        journal = self._opened()
        await self._hop(lambda: journal.publish(notes))

    def add(self, job: Job, note: Outcome | Alias) -> None:
        """Have it written, soon, what became of *job*."""
        self._held.append((job, note))
        if len(self._held) >= _MOST:
            self._due.set()

    async def park(self, job: Job, parked: PartialFile) -> None:
        """Have it written now of which version the partial file of *job* will be.

        A run that is killed later must not take its bytes for those of the version before.

        Raises:
            DiskError: that cannot be written.
        """
        self._held.append((job, parked))
        if (error := await self._write()) is not None:
            raise error

    async def _write_now_and_then(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            await self._write()

    async def _write(self) -> DiskError | None:
        """Write what is held; whoever waits for that may be cancelled, and none of it is lost."""
        held, self._held = self._held, []
        if not held:
            return None
        writing = asyncio.create_task(self._write_down(held), name="journal")
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        return await asyncio.shield(writing)

    async def _write_down(self, held: list[_Note]) -> DiskError | None:
        journal = self._opened()
        try:
            await self._hop(lambda: journal.record(held))
        except DiskError as error:
            self._disk_failed(error)
            return error
        return None

    def _opened(self) -> Journal:
        if self._journal is None:
            raise OutputError("the journal is not open")
        return self._journal

    async def _hop(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
