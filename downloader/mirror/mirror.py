"""Reads what has been saved, has what it refers to fetched, and at the end replaces its links."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from downloader.errors import ErrorKind, RedirectError
from downloader.http import Client
from downloader.journal import Alias, Job, SavedDocument, TargetRole, original, refused, role_of
from downloader.journal.async_journal import AsyncJournal
from downloader.links import ParsedPage
from downloader.mirror.document_reader import DocumentReader, Documents, parsed, portions
from downloader.mirror.finalizer import MirrorFinalizer
from downloader.mirror.link_selector import LinkSelector
from downloader.mirror.originals import OriginalsArranger
from downloader.mirror.robots_gate import Passed, RobotsGate, fetcher
from downloader.mirror.scope import LIMIT, RobotsCache
from downloader.models import Downloaded, Failed, Options, Outcome, Target, Unchanged
from downloader.storage import FileContents, Storage
from downloader.web import urls
from downloader.web.text import printable
from downloader.web.urls import Url

#: A document of so many bytes is read in a thread.
_LARGE = 128 * 1024
#: So many characters of documents are kept, once read, until their links are replaced; a link takes
#: as much as so many.
_KEPT, _LINK = 64 * 1024**2, 500
#: Of so many addresses it is remembered that they were found.
_MOST_KNOWN = 100_000
#: Of so many lines with headers or passwords of their own these are remembered.
_MOST_LINES = 10_000
#: Of so many sites it is remembered that they have no icon.
_MOST_ICONS = 10_000
_FAR = (1_000_000_000, 1_000_000_000, TargetRole.OPTIONAL)
_Result = TypeVar("_Result")

#: Has jobs fetched, and tells what could not become one.
Begin = Callable[[Sequence[Passed]], None]
#: Waits so many seconds.
Sleep = Callable[[float], Awaitable[None]]


class Mirror:
    """The documents of a run; an asynchronous context manager.

    Args:
        options: how the run is made.
        notes: its journal.
        begin: see :data:`Begin`.
        room: how many more may be begun now.
        wake: set when it has become idle.
        sleep: see :data:`Sleep`.

    Attributes:
        idle: whether there is nothing to be done until :meth:`stir` is called.
    """

    def __init__(
        self,
        options: Options,
        notes: AsyncJournal,
        begin: Begin,
        room: Callable[[], int],
        wake: asyncio.Event,
        sleep: Sleep,
    ) -> None:
        self.idle = True
        self._options = options
        self._notes = notes
        self._begin = begin
        self._room = room
        self._wake = wake
        self._sleep = sleep
        self._finder = LinkSelector(options, options.shard)
        self._gate: RobotsGate | None = None
        self._stack = AsyncExitStack()
        self._storage = Storage(options.output)
        self._reading = DocumentReader(self._storage)
        self._arranging = OriginalsArranger(options, self._storage, notes, self._finder.scope)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._finishing = MirrorFinalizer(
            options,
            self._storage,
            notes,
            self._thread,
            self._page,
            self._reading,
            self._arranging,
        )
        self._stirred = asyncio.Event()
        self._known: dict[Url, tuple[int, int, TargetRole]] = {}
        self._spared: dict[Url, Failed] = {}
        self._pages: dict[int, ParsedPage] = {}
        self._kept = 0
        self._moved: list[tuple[Job, Url]] = []
        self._lines: dict[str, Target] = {}

    async def __aenter__(self) -> Self:
        options = self._options
        await self._stack.enter_async_context(self._storage)
        if options.level is not None and options.robots and not options.replay:
            client = await self._stack.enter_async_context(Client(options))
            fetch = fetcher(client, LIMIT, options, self._sleep)
            self._gate = RobotsGate(RobotsCache(fetch, options.user_agent), self._let)
            self._stack.push_async_callback(self._gate.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finishing.stop()
        # Elsewhere, because what is done in the thread may wait for the event loop.
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def warnings(self) -> list[str]:
        """Lines for a person."""
        traps = [
            f"some links were not followed, because {why}: {url}"
            for why, url in self._finder.traps.items()
        ]
        return [*self._reading.warnings, *map(printable, traps), *self._finishing.warnings]

    @property
    def rewritten(self) -> int | None:
        """In how many documents links were replaced; None before that is begun."""
        return self._finishing.rewritten

    @property
    def _waiting(self) -> int:
        """How many links wait for what their sites allow."""
        return self._gate.waiting if self._gate is not None else 0

    def stir(self) -> None:
        """Say that there may be something to do: outcomes were noted, or lines admitted."""
        self.idle = False
        self._stirred.set()

    def stop(self) -> None:
        """Begin nothing more."""
        self._finishing.stop()

    def moved(self, job: Job, to: Url) -> None:
        """Have it noted where *job* leads, and that fetched if it belongs to the mirror."""
        self._moved.append((job, to))

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
            jobs, stored = await self._notes.work(max(0, self._room() - self._waiting))
            self._go([self._as_its_line(job) for job in jobs])
            moved, self._moved = self._moved, []
            self._begin(await self._further(moved))
            for portion in portions(stored):
                documents = await self._reading.documents(portion)
                self._begin(await self._notes.find(await self._found_on(documents)))
            if jobs or stored or moved:
                self._stirred.set()
            self.idle = not self._stirred.is_set() and not self._waiting
            self._wake.set()

    def _go(self, jobs: Sequence[Job | Failed]) -> None:
        """Have *jobs* fetched; links only when their sites allow it."""
        ask, begin = [], []
        for job in jobs:
            if self._gate is not None and isinstance(job, Job) and not job.target.needed:
                ask.append(job)
            else:
                begin.append(job)
        self._begin(begin)
        if self._gate is not None:
            self._gate.ask(ask)

    def _let(self, passed: Sequence[Passed]) -> None:
        self._begin(passed)
        self.stir()

    async def _further(self, moved: Sequence[tuple[Job, Url]]) -> list[Failed]:
        """Have what redirects lead to fetched if it belongs to the mirror; return what fails."""
        starts = await self._notes.starts({job.target.root for job, _ in moved if job.target.root})
        circular = await self._notes.circular([(job.target.url, to) for job, to in moved])
        further: list[Target] = []
        failed: list[Failed] = []
        for job, to in moved:
            target = job.target
            if target.url in circular:
                failed.append(refused(target, RedirectError("redirects in a circle")))
                self._notes.add(job, failed[-1])
                continue
            start = starts.get(target.root or target.url, target.url)
            reached = target.needed or self._finder.follows(to, start, target.depth)
            self._notes.add(job, Alias(to if reached else None))
            if reached:
                further.append(replace(target, url=to, hops=target.hops + 1, delay=0.0))
        return [*failed, *await self._notes.find(further)]

    def placed(self, target: Target, outcome: Outcome) -> Outcome:
        """Return *outcome* with the place where its file is to be in the end."""
        if not isinstance(outcome, Downloaded | Unchanged):
            return outcome
        if self._arranging.keeps(role_of(target), target.url):
            return outcome
        return replace(outcome, path=original(outcome.path))

    def spares(self, target: Target, outcome: Outcome) -> bool:
        """Return whether nothing is said of a failure: there is no icon, and no page names it."""
        if not target.optional or not isinstance(outcome, Failed):
            return False
        # No connection is made to an archive: it holds none.
        held_none = bool(self._options.replay) and outcome.kind is ErrorKind.CONNECT
        if outcome.kind is not ErrorKind.HTTP_STATUS and not held_none:
            return False
        *_, role = self._known.get(target.url, _FAR)
        if role is not TargetRole.OPTIONAL:
            return False
        if len(self._spared) < _MOST_ICONS:
            self._spared[target.url] = outcome
        return True

    async def finish(self) -> None:
        """Do what is to be done when all is there."""
        await self._finishing.finish()

    async def _found_on(self, documents: Documents) -> list[Target]:
        """Return what is newly found on *documents*."""
        found: list[Target] = []
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        for stored, contents in documents:
            # A small one takes less than to have two threads struggle for the interpreter.
            if len(contents.data) < _LARGE:
                page = parsed(stored, contents)
                await asyncio.sleep(0)
            else:
                page = await self._in_thread(partial(parsed, stored, contents))
            if self._kept < _KEPT:
                self._pages[stored.row] = page
                self._kept += len(page.text) + _LINK * len(page.links)
            found += filter(self._is_nearer, self._finder.found_on(page, stored))
        return found

    def _is_nearer(self, target: Target) -> bool:
        """Return whether no such way to *target* is known, and remember it."""
        depth, nesting, role = self._known.get(target.url) or self._new(target)
        if not target.optional and (failed := self._spared.pop(target.url, None)):
            self._begin([replace(failed, parent=target.parent, needed=target.needed)])
        if depth <= target.depth and nesting <= target.nesting and role <= role_of(target):
            self._known.setdefault(target.url, (depth, nesting, role))
            return False
        nearest = min(depth, target.depth), min(nesting, target.nesting)
        self._known[target.url] = *nearest, min(role, role_of(target))
        return True

    def _new(self, target: Target) -> tuple[int, int, TargetRole]:
        """Return how near a target is that was not found before; a trap is as near as can be."""
        trap = not target.needed and self._finder.is_trap(target.url)
        return (0, 0, TargetRole.LISTED) if trap else _FAR

    def _page(self, stored: SavedDocument, contents: FileContents) -> ParsedPage:
        """Return a document, read; in the thread."""
        page = self._pages.pop(stored.row, None)
        return page or parsed(stored, contents)

    async def _in_thread(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
