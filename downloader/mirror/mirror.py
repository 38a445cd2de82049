"""A mirror: documents are read as they are saved, their links fetched, and at the end rewritten."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Protocol, Self, TypeVar

from downloader.errors import ErrorKind, RedirectError
from downloader.http import Client, CookieJar, without_body_headers
from downloader.journal import (
    Job,
    Redirect,
    SavedDocument,
    TargetRole,
    failed_outcome,
    original_path,
    role_of,
)
from downloader.journal.async_journal import AsyncJournal
from downloader.links import ParsedDocument
from downloader.mirror.document_reader import (
    DocumentReader,
    LoadedDocuments,
    batches,
    parse_document,
)
from downloader.mirror.file_mover import FileMover
from downloader.mirror.finalizer import MirrorFinalizer
from downloader.mirror.link_selector import LinkSelector
from downloader.mirror.robots_gate import RobotsDecision, RobotsGate, robots_fetcher
from downloader.mirror.scope import MAX_ROBOTS_BYTES, RobotsCache, product_token
from downloader.models import Downloaded, Failed, Options, Outcome, Skipped, Target, Unchanged
from downloader.storage import FileContents, LocalStorage
from downloader.web import urls
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url

#: Documents of at least this size are parsed in a thread.
_LARGE_BYTES = 128 * 1024
#: Bytes of parsed documents, without their text, that are kept until their links are rewritten.
_MAX_KEPT_BYTES = 64 * 1024**2
#: Characters of URLs whose distance from the list is remembered, and what each URL counts beside
#: them; 100,000 of usual length.
_MAX_KNOWN_CHARACTERS, _CHARACTERS_PER_URL = 32 * 1024**2, 200
#: Lines with headers or credentials of their own that are remembered.
_MAX_CREDENTIAL_LINES = 10_000
#: Sites whose missing icon is remembered.
_MAX_MISSING_ICONS = 10_000
#: The distance of a URL that has not been found yet.
_FAR = (1_000_000_000, 1_000_000_000, TargetRole.OPTIONAL)
_Result = TypeVar("_Result")

#: Waits this many seconds.
Sleep = Callable[[float], Awaitable[None]]


class TransferQueue(Protocol):
    """The part of a run that takes what a mirror wants fetched."""

    @property
    def free_slots(self) -> int:
        """Number of URLs that may be added now."""

    def add(self, found: Sequence[RobotsDecision]) -> None:
        """Queue jobs; outcomes among them are reported."""

    def wake(self) -> None:
        """Check again whether the run is done."""


class Mirror:
    """The documents of a run, which it observes; an asynchronous context manager.

    Implements :class:`downloader.core.run_observer.RunObserver`.

    Args:
        options: the options of the run.
        journal: its journal.
        queue: where URLs to fetch are added.
        sleep: see :data:`Sleep`.
        jar: the cookies of the run; None for a run without cookies.

    Attributes:
        idle: whether there is nothing to do until :meth:`notify` is called.
    """

    def __init__(
        self,
        options: Options,
        journal: AsyncJournal,
        queue: TransferQueue,
        sleep: Sleep,
        jar: CookieJar | None,
    ) -> None:
        self.idle = True
        self._jar = jar
        self._options = options
        self._journal = journal
        self._queue = queue
        self._sleep = sleep
        self._selector = LinkSelector(options, options.shard)
        self._robot = product_token(options.user_agent)
        self._gate: RobotsGate | None = None
        self._stack = AsyncExitStack()
        self._storage = LocalStorage(options.output)
        self._reader = DocumentReader(self._storage)
        self._file_mover = FileMover(options, self._storage, journal, self._selector.scope)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="links")
        self._finalizer = MirrorFinalizer(
            options,
            self._storage,
            journal,
            self._thread,
            self._parse,
            self._reader,
            self._file_mover,
        )
        self._notified = asyncio.Event()
        self._list_has_ended = False
        self._distances: dict[Url, tuple[int, int, TargetRole]] = {}
        self._known_characters = 0
        self._missing_icons: dict[Url, Failed] = {}
        self._parsed: dict[int, ParsedDocument] = {}
        self._kept_bytes = 0
        self._redirected: list[tuple[Job, Url]] = []
        self._credentials: dict[str, Target] = {}

    async def __aenter__(self) -> Self:
        options = self._options
        await self._stack.enter_async_context(self._storage)
        if options.level is not None and options.robots and not options.replay:
            client = await self._stack.enter_async_context(Client(options, jar=self._jar))
            robots, certified_robots = (
                RobotsCache(
                    robots_fetcher(
                        client, MAX_ROBOTS_BYTES, options, self._sleep, certified=certified
                    ),
                    options.user_agent,
                )
                for certified in (False, True)
            )
            self._gate = RobotsGate(
                robots, self._add_decided, certified_robots if options.cert is not None else None
            )
            self._stack.push_async_callback(self._gate.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finalizer.stop()
        # In a thread, because work in self._thread may wait for the event loop.
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        await self._stack.__aexit__(kind, error, traceback)

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        robots = self._gate.warnings if self._gate is not None else []
        return [
            *self._reader.warnings,
            *self._selector.warnings,
            *robots,
            *self._finalizer.warnings,
        ]

    @property
    def is_incomplete(self) -> bool:
        """Whether links were left out because a place has too many."""
        return self._selector.is_incomplete

    @property
    def rewritten(self) -> int | None:
        """Documents whose links have been rewritten; None before :meth:`finish`."""
        return self._finalizer.rewritten

    @property
    def _waiting_for_robots(self) -> int:
        """Number of links that wait for the robots.txt of their sites."""
        return self._gate.waiting if self._gate is not None else 0

    def notify(self) -> None:
        """Take notice that lines were admitted, or outcomes recorded."""
        self.idle = False
        self._notified.set()

    def list_ended(self) -> None:
        """Note that the last line has been admitted."""
        self._list_has_ended = True
        self.notify()

    def stop(self) -> None:
        """Start nothing more."""
        self._finalizer.stop()

    def redirected(self, job: Job, to: Url) -> None:
        """Record where *job* redirects to; fetch that URL if it belongs to the mirror."""
        self._redirected.append((job, to))

    def lines_read(self, lines: Iterable[Target | Failed]) -> None:
        """Remember headers and credentials of lines, for the URLs that are found from them."""
        for line in lines:
            if isinstance(line, Target) and len(self._credentials) < _MAX_CREDENTIAL_LINES:
                root, credentials = urls.without_credentials(line.url)
                if line.headers or credentials:
                    if line.request is not None:
                        line = replace(line, headers=without_body_headers(line.headers))
                    self._credentials[root] = line

    def _with_credentials(self, job: Job | Failed) -> Job | Failed:
        """Return *job* with the headers and credentials of its line, for that line's origin."""
        line = self._credentials.get(job.target.root or "") if isinstance(job, Job) else None
        if line is None or isinstance(job, Failed):
            return job
        return replace(job, target=replace(job.target, headers=line.headers, root=line.url))

    async def run(self) -> None:
        """Read documents as they are saved and fetch what they refer to, until cancelled."""
        while True:
            await self._notified.wait()
            self._notified.clear()
            if self._list_has_ended:
                self._list_has_ended = False
                await self._journal.end_list()
            free_slots = max(0, self._queue.free_slots - self._waiting_for_robots)
            jobs, unread = await self._journal.next_work(free_slots)
            self._fetch([self._with_credentials(job) for job in jobs])
            redirects, self._redirected = self._redirected, []
            self._queue.add(await self._follow_redirects(redirects))
            for batch in batches(unread):
                targets = await self._select_targets(await self._reader.read(batch))
                self._queue.add(await self._journal.enqueue(targets))
            if jobs or unread or redirects:
                self._notified.set()
            self.idle = not self._notified.is_set() and not self._waiting_for_robots
            self._queue.wake()

    def _fetch(self, jobs: Sequence[Job | Failed]) -> None:
        """Queue *jobs*; links are queued once the robots.txt of their sites allows them."""
        if self._gate is None:
            self._queue.add(jobs)
            return
        links = [job for job in jobs if isinstance(job, Job) and not job.target.needed]
        self._queue.add([job for job in jobs if isinstance(job, Failed) or job.target.needed])
        self._gate.submit(links)

    def _add_decided(self, decided: Sequence[RobotsDecision]) -> None:
        self._queue.add(decided)
        self.notify()

    async def _follow_redirects(self, redirects: Sequence[tuple[Job, Url]]) -> list[Failed]:
        """Queue redirect targets that belong to the mirror; return the URLs that fail."""
        roots = {job.target.root for job, _ in redirects if job.target.root}
        starts = await self._journal.final_urls(roots)
        circular = await self._journal.redirect_loops(
            [(job.target.url, to) for job, to in redirects]
        )
        found: list[Target] = []
        failed: list[Failed] = []
        for job, to in redirects:
            target = job.target
            if target.url in circular:
                failed.append(failed_outcome(target, RedirectError("redirects in a circle")))
                self._journal.record([(job, failed[-1])])
                continue
            start = starts.get(target.root or target.url, target.url)
            follows = target.needed or self._selector.follows(
                to, start, target.depth, listed=target.root or target.url
            )
            self._journal.record([(job, Redirect(to if follows else None))])
            if follows:
                found.append(replace(target, url=to, redirects=target.redirects + 1, delay=0.0))
        return [*failed, *await self._journal.enqueue(found)]

    def reported(self, ended: Sequence[tuple[Target, Outcome]]) -> list[Outcome]:
        """Return the outcomes to report, each with the final path of its file."""
        return [
            self._with_final_path(target, outcome)
            for target, outcome in ended
            if not self._suppresses(target, outcome)
        ]

    def _with_final_path(self, target: Target, outcome: Outcome) -> Outcome:
        """Return *outcome* with the path that its file has when the run is over."""
        if not isinstance(outcome, Downloaded | Unchanged):
            return outcome
        media_type = guess_media_type(outcome.path)
        if isinstance(outcome, Downloaded):
            media_type = outcome.media_type
        if self._file_mover.belongs_in_folder(role_of(target), target.url, media_type):
            return outcome
        return replace(outcome, path=original_path(outcome.path))

    def _suppresses(self, target: Target, outcome: Outcome) -> bool:
        """Return whether nothing is reported: for an icon, not saved, that no page names."""
        if not target.optional or not isinstance(outcome, Failed | Skipped):
            return False
        *_, role = self._distances.get(target.url, _FAR)
        if isinstance(outcome, Skipped):
            return role is TargetRole.OPTIONAL
        # Replay reports a URL that the archive does not hold as a failed connection.
        not_archived = bool(self._options.replay) and outcome.kind is ErrorKind.CONNECT
        if outcome.kind is not ErrorKind.HTTP_STATUS and not not_archived:
            return False
        if role is not TargetRole.OPTIONAL:
            return False
        if len(self._missing_icons) < _MAX_MISSING_ICONS:
            self._missing_icons[target.url] = outcome
        return True

    async def finish(self) -> None:
        """Rewrite links, once everything has been fetched."""
        await self._finalizer.finish(has_left_out=bool(self.warnings))

    async def _select_targets(self, documents: LoadedDocuments) -> list[Target]:
        """Return the URLs to fetch that *documents* are the first, or the nearest, to refer to."""
        found: list[Target] = []
        if self._known_characters > _MAX_KNOWN_CHARACTERS:
            self._distances.clear()
            self._known_characters = 0
        for saved, contents in documents:
            # For a small document, switching threads takes longer than parsing.
            if len(contents.data) < _LARGE_BYTES:
                document = parse_document(saved, contents, self._robot)
                await asyncio.sleep(0)
            else:
                document = await self._in_thread(
                    partial(parse_document, saved, contents, self._robot)
                )
            self._reader.warn_of(saved, document)
            targets = self._selector.select(document, saved, self._is_known)
            found += filter(self._is_nearer, targets)
            if self._kept_bytes < _MAX_KEPT_BYTES:
                document.drop_source()
                self._parsed[saved.row] = document
                self._kept_bytes += document.kept_bytes
        return found

    def _is_known(self, url: Url, depth: int, nesting: int, role: TargetRole) -> bool:
        """Return whether :meth:`_is_nearer` would do nothing, as for most links of a site."""
        known = self._distances.get(url)
        if known is None or url in self._missing_icons:
            return False
        return known[0] <= depth and known[1] <= nesting and known[2] <= role

    def _is_nearer(self, target: Target) -> bool:
        """Return whether *target* is nearer to the list than known before, and remember that."""
        known = self._distances.get(target.url)
        if known is None:
            self._known_characters += len(target.url) + _CHARACTERS_PER_URL
        depth, nesting, role = known or self._initial_distance(target)
        if not target.optional and (failed := self._missing_icons.pop(target.url, None)):
            self._queue.add([replace(failed, parent=target.parent, needed=target.needed)])
        if depth <= target.depth and nesting <= target.nesting and role <= role_of(target):
            self._distances.setdefault(target.url, (depth, nesting, role))
            return False
        nearest = min(depth, target.depth), min(nesting, target.nesting)
        self._distances[target.url] = *nearest, min(role, role_of(target))
        return True

    def _initial_distance(self, target: Target) -> tuple[int, int, TargetRole]:
        """Return the distance of a new target: infinite, but 0 for a trap, which no link beats."""
        trap = not target.needed and self._selector.is_trap(target.url)
        return (0, 0, TargetRole.LISTED) if trap else _FAR

    def _parse(self, saved: SavedDocument, contents: FileContents) -> ParsedDocument:
        """Return a parsed document, kept or parsed again; called in the thread."""
        kept = self._parsed.pop(saved.row, None)
        if kept is not None and kept.restore_source(contents.data):
            return kept
        return parse_document(saved, contents)

    async def _in_thread(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)
