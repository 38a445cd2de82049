"""Reads what has been saved, has what it refers to fetched, and at the end replaces its links."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from downloader import links, urls
from downloader.errors import UrlError
from downloader.journal import Alias, Job, Stored
from downloader.links import Document, Page
from downloader.mirror.finding import found_on
from downloader.mirror.rewriting import Rewriting
from downloader.mirror.scope import Scope
from downloader.models import Failed, Options, Target
from downloader.notes import Notes
from downloader.storage import Contents, Storage
from downloader.urls import Url

#: A larger document is not read for links.
LARGEST = 50 * 1024**2
#: A document of so many bytes is read in a thread.
_LARGE = 128 * 1024
#: So many bytes of documents are held at once.
_PORTION = 4 * 1024**2
#: So many characters of documents are kept, once read, until their links are replaced.
_KEPT = 32 * 1024**2
#: Of so many addresses it is remembered that they were found.
_MOST_KNOWN = 100_000
#: Of so many lines with headers or passwords of their own these are remembered.
_MOST_LINES = 10_000
_FAR = (1_000_000_000, 1_000_000_000)
_Result = TypeVar("_Result")

#: Has jobs fetched, and tells what could not become one.
Begin = Callable[[Sequence[Job | Failed]], None]


class Mirror:
    """The documents of a run; an asynchronous context manager.

    Args:
        options: how the run is made.
        notes: its journal.
        begin: see :data:`Begin`.
        room: how many more may be begun now.
        wake: set when it has become idle.

    Attributes:
        warnings: lines for a person.
        idle: whether there is nothing to be done until :meth:`stir` is called.
    """

    def __init__(
        self,
        options: Options,
        notes: Notes,
        begin: Begin,
        room: Callable[[], int],
        wake: asyncio.Event,
    ) -> None:
        self.warnings: list[str] = []
        self.idle = True
        self._notes = notes
        self._begin = begin
        self._room = room
        self._wake = wake
        self._scope = Scope.of(options)
        self._storage = Storage(options.output)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._stirred = asyncio.Event()
        self._known: dict[Url, tuple[int, int]] = {}
        self._pages: dict[int, Page] = {}
        self._kept = 0
        self._moved: list[Target] = []
        self._lines: dict[str, Target] = {}
        self._stopped = False

    async def __aenter__(self) -> Self:
        await self._storage.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        self._thread.shutdown(cancel_futures=True)
        await self._storage.__aexit__(kind, error, traceback)

    def stir(self) -> None:
        """Say that there may be something to do: outcomes were noted, or lines admitted."""
        self.idle = False
        self._stirred.set()

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped = True

    def moved(self, target: Target, to: Url) -> Alias:
        """Have what *target* redirects to fetched, and say how it is to be noted."""
        if target.needed or self._scope.reaches(to, target.url):
            self._moved.append(replace(target, url=to, hops=target.hops + 1))
            return Alias(to)
        return Alias(None)

    def learn(self, targets: Iterable[Target | Failed]) -> None:
        """Remember what only the lines of the list say of how they are to be asked for."""
        for target in targets:
            if isinstance(target, Target) and len(self._lines) < _MOST_LINES:
                root, credentials = urls.without_credentials(target.url)
                if target.headers or credentials:
                    self._lines[root] = target

    def _as_its_line(self, job: Job | Failed) -> Job | Failed:
        """Return *job* with what goes with the line that led there; no other origin gets that."""
        line = self._lines.get(job.target.root or "") if isinstance(job, Job) else None
        if line is None or isinstance(job, Failed):
            return job
        return replace(job, target=replace(job.target, headers=line.headers, root=line.url))

    async def run(self) -> None:
        """Read documents as they come, until cancelled."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            jobs, stored = await self._notes.work(self._room())
            self._begin([self._as_its_line(job) for job in jobs])
            moved, self._moved = self._moved, []
            self._begin(await self._notes.find(moved))
            for portion in portions(stored):
                documents = await self._documents(portion)
                self._begin(await self._notes.find(await self._found_on(documents)))
            if jobs or stored or moved:
                self._stirred.set()
            self.idle = not self._stirred.is_set()
            self._wake.set()

    async def finish(self) -> None:
        """Replace the links of all documents of this run."""
        rewriting = Rewriting(self._storage, self._notes, self._thread)
        row = 0
        while not self._stopped and (stored := await self._notes.documents(row)):
            row = stored[-1].row
            for portion in portions(stored):
                await rewriting.rewrite(await self._documents(portion), self._page)

    async def _documents(self, portion: Sequence[Stored]) -> list[tuple[Stored, Contents]]:
        """Return those documents that can be read for links, with their bytes."""
        readable = [each for each in portion if links.readable(each.media_type)]
        reading = (self._storage.read(each.original, LARGEST) for each in readable)
        documents: list[tuple[Stored, Contents]] = []
        for each, result in zip(
            readable, await asyncio.gather(*reading, return_exceptions=True), strict=True
        ):
            if isinstance(result, Contents):
                documents.append((each, result))
            elif isinstance(result, UrlError):
                self._warn(each, result.message)
            elif isinstance(result, BaseException):
                raise result
        return documents

    async def _found_on(self, documents: Sequence[tuple[Stored, Contents]]) -> list[Target]:
        """Return what is newly found on *documents*."""
        found: list[Target] = []
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        for stored, contents in documents:
            # A small one takes less than to have two threads struggle for the interpreter.
            if len(contents.data) < _LARGE:
                page = _parsed(stored, contents)
                await asyncio.sleep(0)
            else:
                page = await self._in_thread(partial(_parsed, stored, contents))
            if self._kept < _KEPT:
                self._pages[stored.row] = page
                self._kept += len(page.text)
            found += filter(self._is_nearer, found_on(page, stored, self._scope))
        return found

    def _is_nearer(self, target: Target) -> bool:
        """Return whether no such way to *target* is known, and remember it."""
        depth, nesting = self._known.get(target.url, _FAR)
        if depth <= target.depth and nesting <= target.nesting:
            return False
        self._known[target.url] = min(depth, target.depth), min(nesting, target.nesting)
        return True

    def _page(self, stored: Stored, contents: Contents) -> Page:
        """Return a document, read; in the thread."""
        page = self._pages.pop(stored.row, None)
        return page or _parsed(stored, contents)

    async def _in_thread(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _warn(self, stored: Stored, why: str) -> None:
        warning = f"{stored.path} was not read for links: {why}"
        if warning not in self.warnings:
            self.warnings.append(warning)


def _parsed(stored: Stored, contents: Contents) -> Page:
    charset = stored.charset or None
    return Page(Document(contents.data, stored.media_type, stored.url, charset), places=False)


def portions(stored: Sequence[Stored]) -> Iterator[Sequence[Stored]]:
    """Yield documents, so many that they fit in memory together."""
    start, size = 0, 0
    for index, each in enumerate(stored):
        size += each.size
        if size > _PORTION and index > start:
            yield stored[start:index]
            start, size = index, each.size
    if start < len(stored):
        yield stored[start:]
