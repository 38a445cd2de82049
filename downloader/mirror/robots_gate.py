"""Lets through what sites allow: robots.txt is asked for before a link of a site is followed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from downloader.errors import HttpStatusError, InternalError, RobotsError, TimedOutError, UrlError
from downloader.http import Client, retry
from downloader.journal import Job, failed_outcome
from downloader.mirror.scope import RobotsCache, RobotsRules
from downloader.models import Failed, NetworkOptions, Skipped, SkipReason
from downloader.web import urls
from downloader.web.content_coding import decoder_for
from downloader.web.urls import Url

#: So many sites are asked at once.
_SITES = 32
#: So long a site may take to send it, all attempts together, unless ``--timeout`` says otherwise.
_SECONDS = 300.0
_DISALLOWED = "robots.txt disallows it; see --no-robots"

#: What becomes of a link.
Passed = Job | Skipped | Failed


class RobotsGate:
    """Holds links back until their sites have said whether they may be followed.

    Args:
        robots: what sites say.
        passed: gets what has become of links.

    Attributes:
        waiting: how many links are held back.
    """

    def __init__(self, robots: RobotsCache, passed: Callable[[Sequence[Passed]], None]) -> None:
        self.waiting = 0
        self._robots = robots
        self._passed = passed
        self._sites = asyncio.Semaphore(_SITES)
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, jobs: Sequence[Job]) -> None:
        """Let *jobs* through, or not, as soon as is known whether they may be fetched."""
        sites: dict[str, list[Job]] = {}
        for job in jobs:
            sites.setdefault(urls.origin(job.target.url), []).append(job)
        for some in sites.values():
            self.waiting += len(some)
            asking = asyncio.create_task(self._ask(some), name="robots.txt")
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def close(self) -> None:
        """Ask nothing more."""
        for asking in self._asking:
            asking.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, jobs: Sequence[Job]) -> None:
        async with self._sites:
            try:
                rules = await self._robots.rules(jobs[0].target.url)
                decided = [_decided(job, rules) for job in jobs]
            except UrlError as error:
                decided = [failed_outcome(job.target, error) for job in jobs]
            except Exception as error:  # or the run would wait for these links for ever
                defect = InternalError(f"a defect of this program: {type(error).__name__}: {error}")
                decided = [failed_outcome(job.target, defect) for job in jobs]
        self.waiting -= len(jobs)
        self._passed(decided)


def _decided(job: Job, rules: RobotsRules) -> Passed:
    """Return *job* as its site allows it, or the outcome if it does not.

    What a site disallows is left out, as it wants; that a site cannot say what it allows is a
    failure.
    """
    target = job.target
    if rules.unavailable:
        return failed_outcome(target, RobotsError(rules.unavailable, hint="see --no-robots"))
    if not rules.allows(target.url):
        return Skipped(
            index=target.index,
            origin=target.origin,
            url=target.shown,
            reason=SkipReason.ROBOTS,
            detail=_DISALLOWED,
            parent=target.parent,
        )
    if rules.crawl_delay:
        return replace(job, target=replace(target, delay=rules.crawl_delay))
    return job


def fetcher(
    client: Client, limit: int, options: NetworkOptions, sleep: Callable[[float], Awaitable[None]]
) -> Callable[[str], Awaitable[tuple[int, bytes]]]:
    """Return what fetches ``robots.txt`` of an origin: its last status, and *limit* bytes of it.

    What has not come in time counts as no answer, or else a site could hold up the run for ever.
    """
    seconds = _SECONDS if options.timeout is None else options.timeout

    async def once(site: str) -> tuple[int, bytes]:
        body = b""
        with await client.follow(Url(f"{site}/robots.txt"), named_by_user=False) as response:
            # What breaks off is read as far as it goes.
            with suppress(UrlError):
                decoder = decoder_for(response.content_coding, response.media_type)
                while len(body) < limit and (data := await response.read_some()):
                    for piece in decoder.feed(data) if decoder else (data,):
                        body += piece
                        if len(body) >= limit:
                            break
            return response.status, body[:limit]

    async def fetch(site: str) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(seconds):
                return await tried(site)
        except TimeoutError as error:
            late = f"robots.txt is not there in {seconds:g} s"
            raise TimedOutError(late, hint="see --timeout and --no-robots") from error

    async def tried(site: str) -> tuple[int, bytes]:
        for attempt in range(1, options.retries + 1):
            try:
                status, body = await once(site)
            except UrlError as error:
                if not error.retryable:
                    raise
            else:
                if status not in HttpStatusError.TEMPORARY:
                    return status, body
            await sleep(retry.backoff(attempt))
        return await once(site)

    return fetch
