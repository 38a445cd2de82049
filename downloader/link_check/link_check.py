"""A check of links: read the sources, ask every link once, and report."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from downloader.core.pool import Pool, Sleep
from downloader.core.run_cookies import load_cookies, save_cookies
from downloader.core.sitemap_fetcher import SitemapFetcher
from downloader.core.transfer import Redirected, TransferStep
from downloader.errors import ErrorKind
from downloader.http import Client, CookieJar
from downloader.http.netrc_file import netrc_warnings
from downloader.journal import Job
from downloader.link_check.document_links import DocumentLinks
from downloader.link_check.link_policy import LinkPolicy
from downloader.link_check.link_recorder import LinkRecorder
from downloader.link_check.link_requests import LinkRequests, LinkTransfer
from downloader.link_check.link_sources import LinkSources
from downloader.link_check.link_table import Answer, LinkTable, Purpose, QueuedTarget, State
from downloader.link_check.local_documents import LocalDocuments
from downloader.link_check.options import EXTERNAL_DELAY_SECONDS, LinkCheckOptions
from downloader.link_check.report_builder import ReportBuilder
from downloader.link_check.result_cache import CachedResult, ResultCache, default_path
from downloader.mirror.robots_gate import RobotsDecision, RobotsGate, robots_fetcher
from downloader.mirror.scope import MAX_ROBOTS_BYTES, RobotsCache
from downloader.models import (
    Downloaded,
    Failed,
    InFlight,
    LinkReport,
    Options,
    Outcome,
    Skipped,
    Target,
)
from downloader.scheduling import check_open_file_limit
from downloader.web import urls
from downloader.web.filenames import ExtensionRule, FileName

#: Targets that wait in the queues of their hosts, so that a free host can be found among them.
_MAX_UNFINISHED = 2000
#: Documents on the disk that are read in one switch of threads.
_LOCAL_BATCH = 16
#: Warnings about documents that are kept.
_MAX_WARNINGS = 100
#: No file is saved, so that all targets have the same name.
_NO_NAME = FileName("", ExtensionRule.NEVER)
#: The status of a server that asks for fewer requests (RFC 6585, section 4).
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class LinkCheckProgress:
    """How far a check is.

    Attributes:
        done: targets with an answer.
        total: targets that were found so far.
        broken: targets that are broken.
        received: bytes of bodies over the network.
        running: requests that are being made now.
    """

    done: int
    total: int
    broken: int
    received: int
    running: int


class _NullTransferJournal:
    """Records nothing: what is interrupted is not continued."""

    async def record_step(self, job: Job, step: TransferStep) -> None:
        """Do nothing."""

    async def claim_name(self, job: Job, names: Sequence[FileName]) -> FileName | None:
        """Return None: no file is saved."""
        return None


class LinkCheck:
    """A check of the links of its sources; use it once.

    Args:
        arguments: list files, ``-``, URLs, folders and documents on the disk.
        options: of requests and of the scope; nothing is saved.
        check: the options that only a check has.
        sleep, clock, now: for tests.

    Attributes:
        warnings: warnings so far, one line each.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        options: Options,
        check: LinkCheckOptions,
        *,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.warnings: list[str] = []
        self._options = options
        self._check = check
        self._sleep = sleep
        self._now = now
        self._certificate_ends: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._jar = CookieJar() if options.accept_cookies else None
        self._policy = LinkPolicy(options, check)
        self._requests = LinkRequests(
            options, self._policy, self._certificate_ends if check.cert_days else None
        )
        self._pool = Pool(
            options,
            _NullTransferJournal(),
            self._wake,
            jar=self._jar,
            attempt=self._requests.attempt,
            sleep=sleep,
            clock=clock,
        )
        self._local = LocalDocuments()
        self._sitemaps = SitemapFetcher(options, sleep, self._jar)
        self._table = LinkTable()
        self._recorder = LinkRecorder(self._table, self._policy, options.max_urls)
        self._cache: ResultCache | None = None
        self._gate: RobotsGate | None = None
        self._gated: dict[str, QueuedTarget] = {}
        self._sources = LinkSources(
            arguments, options, self._local, self._recorder, self.warnings.append
        )
        self._list_has_ended = False
        self._local_targets: list[QueuedTarget] = []
        self._local_task: asyncio.Task[None] | None = None
        self._asked = 0
        self._stopped = False
        self._error: Exception | None = None

    @staticmethod
    def is_local(argument: str) -> bool:
        """Return whether a source is a folder or a document on the disk, and no list."""
        return LocalDocuments.is_document(argument)

    @property
    def progress(self) -> LinkCheckProgress:
        """How far the check is."""
        recorder = self._recorder
        return LinkCheckProgress(
            recorder.answered,
            recorder.found,
            recorder.broken,
            self._pool.received,
            self._pool.running,
        )

    def in_flight(self) -> list[InFlight]:
        """Return what is being asked now, the longest-running first."""
        return self._pool.in_flight()

    def stop(self, *, now: bool = False) -> None:
        """Start nothing more; with *now*, also cancel what is running."""
        self._stopped = True
        self._sources.stop()
        self._pool.stop(now=now)
        self._wake.set()

    async def run(self) -> LinkReport:
        """Check everything, and return the report.

        Raises:
            RunError: a source cannot be read.
            DiskError: the temporary file of links cannot be written.
        """
        started, started_monotonic = self._now(), time.monotonic()
        async with AsyncExitStack() as stack:
            stack.callback(self._table.close)
            await self._open(stack)
            feeding = asyncio.create_task(self._feed(), name="list reader")
            stack.push_async_callback(_cancel, feeding)
            while True:
                self._start_targets()
                if self._is_done():
                    break
                await self._wake.wait()
                self._wake.clear()
                for transfer, outcome in await self._pool.collect():
                    # Redirects are followed, and never reported.
                    if isinstance(transfer, LinkTransfer) and not isinstance(outcome, Redirected):
                        self._record(transfer, outcome)
            if self._error is not None:
                raise self._error
            return self._report(started, time.monotonic() - started_monotonic)

    async def _open(self, stack: AsyncExitStack) -> None:
        check_open_file_limit()
        options = self._options
        if options.netrc:
            self.warnings += netrc_warnings()
        await load_cookies(options, self._jar)
        stack.push_async_callback(save_cookies, options, self._jar)
        if self._check.max_age and not self._check.offline:
            self._cache = ResultCache(default_path(), self._check.max_age, self._now)
            stack.callback(self._cache.close)
        await stack.enter_async_context(self._pool)
        await stack.enter_async_context(self._sitemaps)
        if self._check.level is not None and options.robots:
            client = await stack.enter_async_context(Client(options, jar=self._jar))
            fetcher = robots_fetcher(client, MAX_ROBOTS_BYTES, options, self._sleep)
            self._gate = RobotsGate(RobotsCache(fetcher, options.user_agent), self._decided)
            stack.push_async_callback(self._gate.close)
        self.warnings += self._pool.warnings

    async def _feed(self) -> None:
        """Record what the sources name."""
        try:
            async for _ in self._sources.record(self._sitemaps.blocking_fetch()):
                self._wake.set()
        except Exception as error:
            self._error = self._error or error
            self.stop(now=True)
        self._list_has_ended = True
        self._wake.set()

    def _start_targets(self) -> None:
        """Start what may be started now."""
        waiting = len(self._gated) + len(self._local_targets)
        room = _MAX_UNFINISHED - self._pool.unfinished - waiting
        if self._stopped or (room <= _MAX_UNFINISHED // 2 and self._pool.unfinished):
            return
        rank = self._recorder.startable_rank(list_has_ended=self._list_has_ended)
        while room > 0 and (taken := self._table.take(rank, room)):
            room -= len(taken)
            jobs = []
            for target in taken:
                if self._local.has(target.url):
                    self._local_targets.append(target)
                elif self._is_crawled(target):
                    self._gated[target.url] = target
                    jobs.append(self._job(target))
                elif not self._take_cached(target):
                    self._start(target, self._job(target))
            if jobs and self._gate is not None:
                self._gate.submit(jobs)
            rank = self._recorder.startable_rank(list_has_ended=self._list_has_ended)
        if self._local_targets and self._local_task is None:
            self._local_task = asyncio.create_task(self._read_local(), name="local documents")

    def _is_crawled(self, target: QueuedTarget) -> bool:
        """Return whether robots.txt is asked: for pages that are followed, not for requisites."""
        return (
            self._gate is not None
            and target.purpose is Purpose.LINKS
            and not (target.is_listed or target.nesting or target.is_external)
        )

    def _job(self, target: QueuedTarget) -> Job:
        line = self._sources.lines.get(target.root)
        delay = self._policy.delay_of(target.url)
        if delay is None:
            delay = EXTERNAL_DELAY_SECONDS if target.is_external else 0.0
        return Job(
            Target(
                url=line.url if line is not None and target.is_listed else target.url,
                headers=line.headers if line is not None else (),
                root=line.url if line is not None else target.root,
                parent=target.parent,
                delay=delay,
            ),
            _NO_NAME,
            target.id,
        )

    def _start(self, target: QueuedTarget, job: Job) -> None:
        self._asked += 1
        uses_head = self._requests.uses_head(target)
        self._pool.add([LinkTransfer(job, None, queued=target, uses_head=uses_head)])

    def _decided(self, decisions: Sequence[RobotsDecision]) -> None:
        """Start the pages that robots.txt allows."""
        for decision in decisions:
            if isinstance(decision, Job):
                self._start(self._gated.pop(decision.target.shown), decision)
                continue
            target = self._gated.pop(decision.url)
            if isinstance(decision, Skipped):
                answer = Answer(State.DISALLOWED, ErrorKind.ROBOTS, decision.detail)
            else:
                answer = _broken(decision)
            self._recorder.record_answer(target, answer)
        self._wake.set()

    def _take_cached(self, target: QueuedTarget) -> bool:
        """Answer an external target from the cache, if it is there."""
        if self._cache is None or not target.is_external or target.purpose is not Purpose.EXISTENCE:
            return False
        result = self._cache.get(target.url)
        if result is None or result.status not in self._policy.accepted_statuses(target.url):
            return False
        state = State.WARNING if result.moved_to else State.WORKS
        answer = Answer(state, status=result.status, final=result.final, moved_to=result.moved_to)
        if result.certificate_end is not None:
            self._certificate_ends.setdefault(urls.host(target.url), result.certificate_end)
        self._recorder.record_answer(target, answer)
        return True

    async def _read_local(self) -> None:
        """Look up targets on the disk until none waits."""
        try:
            while self._local_targets and not self._stopped:
                batch = self._local_targets[:_LOCAL_BATCH]
                answers = await asyncio.to_thread(self._local_answers, batch)
                for target, (answer, document) in zip(batch, answers, strict=True):
                    if document is not None:
                        self._warn(target.url, document.warnings)
                        number = self._recorder.record_document(target, document)
                        answer = answer._replace(document=number)
                    self._recorder.record_answer(target, answer)
                del self._local_targets[: len(batch)]
                self._table.flush()
        except Exception as error:
            self._error = self._error or error
            self.stop(now=True)
        self._local_task = None
        self._wake.set()

    def _local_answers(
        self, batch: Sequence[QueuedTarget]
    ) -> list[tuple[Answer, DocumentLinks | None]]:
        return [self._local.answer(each.url, each.purpose) for each in batch]

    def _record(self, transfer: LinkTransfer, outcome: Outcome) -> None:
        """Record the outcome of a request."""
        target = transfer.queued
        if isinstance(outcome, Failed):
            self._recorder.record_answer(target, _broken(outcome))
            return
        if not isinstance(outcome, Downloaded):
            raise TypeError("a check has no other outcomes")
        final = "" if outcome.final_url == target.url else outcome.final_url
        document = transfer.document
        number = None
        if document is not None:
            self._warn(target.url, document.warnings)
            number = self._recorder.record_document(target, document)
            transfer.document = None
            self._table.flush()
        state = State.WARNING if transfer.moved_to else State.WORKS
        answer = Answer(
            state, status=outcome.status, final=final, moved_to=transfer.moved_to, document=number
        )
        self._recorder.record_answer(target, answer)
        if self._cache is not None and target.is_external:
            end = self._certificate_ends.get(urls.host(target.url))
            result = CachedResult(outcome.status, final, transfer.moved_to, end)
            self._cache.put(target.url, result)

    def _warn(self, url: str, warnings: Sequence[str]) -> None:
        for warning in warnings:
            if len(self.warnings) < _MAX_WARNINGS:
                self.warnings.append(f"{self._local.shown(url)}: {warning}")

    def _is_done(self) -> bool:
        busy = self._pool.unfinished or self._gated or self._local_task is not None
        if self._stopped:
            return not (self._pool.unfinished or self._local_task is not None)
        return self._list_has_ended and not busy

    def _report(self, started: float, seconds: float) -> LinkReport:
        builder = ReportBuilder(self._table, self._local.shown)
        broken, number_broken = builder.broken()
        warnings, number_warnings = builder.warnings(
            self._certificate_ends, self._now(), self._check.cert_days
        )
        totals = builder.totals(
            pages=self._recorder.pages,
            requests=self._asked,
            broken=number_broken,
            warnings=number_warnings,
        )
        self._warn_of_limits()
        return LinkReport(
            links=(*broken, *warnings),
            pages=builder.pages(),
            totals=totals,
            started=started,
            seconds=seconds,
            complete=not (self._stopped or totals.not_checked),
        )

    def _warn_of_limits(self) -> None:
        if self._gate is not None:
            self.warnings += self._gate.warnings
        if self._cache is not None and self._cache.warning:
            self.warnings.append(self._cache.warning)
        if self._policy.is_level_reached:
            self.warnings.append("pages deeper than --level were asked, and not read for links")
        if self._policy.is_incomplete:
            self.warnings.append(
                "some pages look like a trap for crawlers, and were not asked; see --max-queries"
            )
        if self._recorder.is_cut:
            self.warnings.append("more links were found than --max-urls allows to ask")


def _broken(failed: Failed) -> Answer:
    """Return what has become of a target whose request failed."""
    state = State.BROKEN
    message, hint = failed.message, failed.hint
    if failed.status == _TOO_MANY_REQUESTS:
        state = State.WARNING
        message = f"not checked: {message}"
    elif failed.kind is ErrorKind.INTERRUPTED:
        state = State.NOT_CHECKED
    final = "" if failed.final_url == failed.url else failed.final_url
    return Answer(state, failed.kind, message, hint, failed.status, final)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
