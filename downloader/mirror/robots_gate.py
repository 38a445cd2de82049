"""Holds links back until robots.txt of their sites has been fetched and allows them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from downloader.errors import HttpStatusError, InternalError, RobotsError, TimedOutError, UrlError
from downloader.http import NO_ORIGIN, Client, gets_certificate, retry
from downloader.journal import Job, failed_outcome
from downloader.mirror.scope import RobotsCache, RobotsRules
from downloader.models import Failed, NetworkOptions, Skipped, SkipReason, Target
from downloader.web import urls
from downloader.web.content_coding import decoder_for
from downloader.web.urls import Url

#: Sites that are asked concurrently.
_MAX_CONCURRENT_SITES = 32
#: The time for all attempts to fetch one file, unless ``--timeout`` says otherwise.
_TIMEOUT_SECONDS = 300.0
_DISALLOWED = "robots.txt disallows it; see --no-robots"
_HINT = "see --no-robots"

#: A link that may be fetched, or the outcome of one that may not.
RobotsDecision = Job | Skipped | Failed


class RobotsGate:
    """Holds links back until their sites have said whether they may be fetched.

    Args:
        robots: the rules of sites.
        on_decided: receives the decisions.
        certified_robots: the rules as sites give them to the user's certificate; None without one.
            They hold for links on the sites that the user named.

    Attributes:
        waiting: how many links are held back.
    """

    def __init__(
        self,
        robots: RobotsCache,
        on_decided: Callable[[Sequence[RobotsDecision]], None],
        certified_robots: RobotsCache | None = None,
    ) -> None:
        self.waiting = 0
        self._robots = robots
        self._certified_robots = certified_robots
        self._on_decided = on_decided
        self._sites = asyncio.Semaphore(_MAX_CONCURRENT_SITES)
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, links: Sequence[Job]) -> None:
        """Decide about *links* as soon as the rules of their sites are known."""
        sites: dict[tuple[str, RobotsCache], list[Job]] = {}
        for link in links:
            site = urls.origin(link.target.url), self._robots_for(link.target)
            sites.setdefault(site, []).append(link)
        for (_, robots), links_of_site in sites.items():
            self.waiting += len(links_of_site)
            task = asyncio.create_task(self._decide(links_of_site, robots), name="robots.txt")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _robots_for(self, target: Target) -> RobotsCache:
        certified = self._certified_robots
        if certified is not None and gets_certificate(target.url, target.root or target.url):
            return certified
        return self._robots

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        certified = self._certified_robots
        return [*self._robots.warnings, *(certified.warnings if certified is not None else ())]

    async def close(self) -> None:
        """Cancel all requests."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _decide(self, links: Sequence[Job], robots: RobotsCache) -> None:
        """Decide about the links of one site."""
        decisions: list[RobotsDecision]
        async with self._sites:
            try:
                rules = await robots.rules(links[0].target.url)
                allowed = await rules.allow([link.target.url for link in links])
                decisions = [
                    _decision(link, rules, is_allowed=is_allowed)
                    for link, is_allowed in zip(links, allowed, strict=True)
                ]
            except UrlError as error:
                decisions = [failed_outcome(link.target, error) for link in links]
            except Exception as error:  # Otherwise the run would wait for these links for ever.
                defect = InternalError(f"internal error: {type(error).__name__}: {error}")
                decisions = [failed_outcome(link.target, defect) for link in links]
        self.waiting -= len(links)
        self._on_decided(decisions)


def _decision(link: Job, rules: RobotsRules, *, is_allowed: bool) -> RobotsDecision:
    """Return *link* if its site allows it, otherwise the outcome.

    A disallowed link is skipped. It is a failure if the site cannot say what it allows.
    """
    target = link.target
    if rules.unavailable:
        return failed_outcome(target, RobotsError(rules.unavailable, hint=_HINT))
    if not is_allowed:
        return Skipped(
            index=target.index,
            origin=target.origin,
            url=target.shown,
            parent=target.parent,
            source_line=target.source_line,
            reason=SkipReason.ROBOTS,
            detail=_DISALLOWED,
        )
    if rules.crawl_delay:
        return replace(link, target=replace(target, delay=rules.crawl_delay))
    return link


def robots_fetcher(
    client: Client,
    max_bytes: int,
    options: NetworkOptions,
    sleep: Callable[[float], Awaitable[None]],
    *,
    certified: bool = False,
) -> Callable[[str], Awaitable[tuple[int, bytes]]]:
    """Return a function that fetches ``robots.txt`` of an origin.

    It returns the last status and the first *max_bytes* of the body. The time of all attempts is
    limited, because otherwise a site could hold up the run for ever. With *certified*, the origin
    gets the user's certificate.
    """
    seconds = _TIMEOUT_SECONDS if options.timeout is None else options.timeout

    async def fetch_once(site: str) -> tuple[int, bytes]:
        body = bytearray()
        url = Url(f"{site}/robots.txt")
        with await client.follow(url, NO_ORIGIN, certified=certified) as response:
            # If the body breaks off, its beginning is used.
            with suppress(UrlError):
                decoder = decoder_for(response.content_coding, response.media_type)
                while len(body) < max_bytes and (data := await response.read_some()):
                    for chunk in decoder.feed(data) if decoder else (data,):
                        body += chunk
                        if len(body) >= max_bytes:
                            break
            return response.status, bytes(body[:max_bytes])

    async def fetch_with_retries(site: str) -> tuple[int, bytes]:
        for attempt in range(1, options.retries + 1):
            try:
                status, body = await fetch_once(site)
            except UrlError as error:
                if not error.retryable:
                    raise
            else:
                if status not in HttpStatusError.TEMPORARY:
                    return status, body
            await sleep(retry.backoff(attempt))
        return await fetch_once(site)

    async def fetch(site: str) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(seconds):
                return await fetch_with_retries(site)
        except TimeoutError as error:
            message = f"robots.txt did not arrive within {seconds:g} s"
            raise TimedOutError(message, hint="see --timeout and --no-robots") from error

    return fetch
