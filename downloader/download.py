"""ONE URL becomes one outcome: asked for, saved, and tried again where that may help."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from downloader import retry, urls
from downloader.body import Continuation, Saved, save_body
from downloader.errors import (
    HttpStatusError,
    InternalError,
    InterruptedRunError,
    NoDescriptorError,
    TimedOutError,
    UrlError,
)
from downloader.fetch import Client, Response
from downloader.fetch.client import require_success
from downloader.governor import Governor
from downloader.journal import Job, Parked
from downloader.models import Downloaded, Failed, Options, Target, Unchanged
from downloader.paths import SafePath
from downloader.resume import Partial, continued_total
from downloader.storage import Storage

_DESCRIPTOR_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Rooms:
    """What every download of a run shares.

    Attributes:
        park: notes in the journal that a partial file is begun, and returns when that is written.
    """

    client: Client
    storage: Storage
    governor: Governor
    options: Options
    park: Callable[[Job, Parked], Awaitable[None]]


@dataclass(slots=True)
class Transfer:
    """How far one URL has come; what SIGUSR1 and the progress bar look at.

    Attributes:
        target: what is being fetched.
        parked: the partial file that the next attempt may continue.
        attempts: how often it was tried, this time included.
        received: bytes of bodies over the wire so far.
        started: by :func:`time.monotonic`.
    """

    target: Target
    parked: Parked | None = None
    attempts: int = 0
    received: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self.started

    def count(self, size: int) -> None:
        """Take in that *size* more bytes came."""
        self.received += size


async def download(job: Job, rooms: Rooms, transfer: Transfer) -> Downloaded | Unchanged | Failed:
    """Fetch and save one URL; every expected failure is an outcome, not an exception."""
    transfer.parked = job.parked
    try:
        async with asyncio.timeout(rooms.options.timeout) as limit:
            return await _until_done(job, rooms, transfer)
    except UrlError as error:
        return failed(job.target, error, transfer)
    except TimeoutError:
        if not limit.expired():
            raise
        late = TimedOutError(f"not done in {rooms.options.timeout:g} s", hint="see --timeout")
        return failed(job.target, late, transfer)


async def _until_done(job: Job, rooms: Rooms, transfer: Transfer) -> Downloaded | Unchanged:
    """Try as often as the options allow, while the failures are such as may pass."""
    host = urls.host(job.target.url)
    while True:
        transfer.attempts += 1
        await rooms.governor.ready(host)
        try:
            return await _attempt(job, rooms, transfer)
        except NoDescriptorError:
            # Not the URL's fault: another transfer will end and give its descriptor back.
            transfer.attempts -= 1
            rooms.client.close_idle()
            await rooms.governor.back_off(_DESCRIPTOR_SECONDS)
        except UrlError as error:
            pause = error.pause if isinstance(error, HttpStatusError) else None
            if pause is not None and error.retryable:
                rooms.governor.pause(*pause)
            if not error.retryable or transfer.attempts > rooms.options.retries:
                raise
            if pause is not None and pause[1] > 0:
                await rooms.governor.ready(pause[0])
            else:
                await rooms.governor.back_off(retry.backoff(transfer.attempts))


async def _attempt(job: Job, rooms: Rooms, transfer: Transfer) -> Downloaded | Unchanged:
    """Ask for what is missing; if the answer does not continue it, ask for the whole."""
    started = time.time()
    if transfer.parked is not None:
        parked, transfer.parked = transfer.parked, None
        offset = await rooms.storage.parked_size(parked.path)
        if offset:
            transfer.parked = parked
            headers = _range_headers(parked.partial, offset)
            async with rooms.client.get(job.target.url, job.target.headers + headers) as response:
                going_on = _continuation(response, job, parked, offset)
                if going_on is not None or response.status not in (206, 416):
                    return await _take(job, rooms, transfer, response, going_on, started)
            await rooms.storage.drop(parked.path)
            transfer.parked = None
    async with rooms.client.get(job.target.url, job.target.headers + _conditions(job)) as response:
        return await _take(job, rooms, transfer, response, None, started)


async def _take(
    job: Job,
    rooms: Rooms,
    transfer: Transfer,
    response: Response,
    continuation: Continuation | None,
    started: float,
) -> Downloaded | Unchanged:
    """Turn an answer into an outcome.

    Raises:
        UrlError: it is not a whole resource, or cannot be saved.
    """
    target = job.target
    if response.status == 304 and job.saved is not None and job.conditional:
        return Unchanged(
            index=target.index,
            origin=target.origin,
            url=target.shown,
            path=job.saved.path,
            size=job.saved.size,
            characters=job.saved.characters,
            seconds=transfer.seconds,
        )
    if continuation is None:
        require_success(response)
    path = job.name.path(response.media_type)
    if transfer.parked is not None and continuation is None:
        # The server sends the whole again: what was parked belongs to another version.
        await rooms.storage.drop(transfer.parked.path)
        transfer.parked = None

    async def parking(partial: Partial) -> None:
        parked = Parked(path, partial)
        await rooms.park(job, parked)
        transfer.parked = parked if partial.validator else None

    saved = await save_body(
        response,
        path,
        storage=rooms.storage,
        options=rooms.options,
        checksum=target.checksum,
        ours=job.saved is not None and job.saved.path == path,
        continuation=continuation,
        received=transfer.count,
        parking=parking,
    )
    if job.saved is not None and job.saved.path != path:
        await rooms.storage.discard(job.saved.path)
    return _downloaded(target, transfer, response, path, saved, started)


def _downloaded(
    target: Target,
    transfer: Transfer,
    response: Response,
    path: SafePath,
    saved: Saved,
    started: float,
) -> Downloaded:
    return Downloaded(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        path=path,
        final_url=response.url,
        redirects=response.redirects,
        status=response.status,
        http_version=response.http_version,
        media_type=response.media_type,
        content_coding=response.header("Content-Encoding").lower(),
        sizes=saved.sizes,
        length_verified=response.length_verified,
        etag=response.header("ETag"),
        last_modified=response.header("Last-Modified"),
        sha256=saved.sha256,
        attempts=transfer.attempts,
        resumed_at=saved.resumed_at,
        set_aside=saved.set_aside,
        started=started,
        seconds=transfer.seconds,
    )


def _range_headers(partial: Partial, offset: int) -> tuple[tuple[str, str], ...]:
    """Return the fields that ask for the rest (RFC 9110, sections 13.1.5 and 14.2).

    No content coding is wanted, because a range of coded bytes continues no decoded file.
    """
    return (
        ("Range", f"bytes={offset}-"),
        ("If-Range", partial.validator),
        ("Accept-Encoding", "identity"),
    )


def _conditions(job: Job) -> tuple[tuple[str, str], ...]:
    """Return the fields that ask only for what has changed (RFC 9110, section 13.1)."""
    if job.saved is None or not job.conditional:
        return ()
    if job.saved.etag:
        return (("If-None-Match", job.saved.etag),)
    if job.saved.last_modified:
        return (("If-Modified-Since", job.saved.last_modified),)
    return ()


def _continuation(response: Response, job: Job, parked: Parked, offset: int) -> Continuation | None:
    """Return how *response* goes on from what is parked, or None if it does not."""
    if response.status != 206 or response.url != parked.partial.url:
        return None
    coded = response.header("Content-Encoding").strip().lower() not in ("", "identity")
    if coded or job.name.path(response.media_type) != parked.path:
        return None
    total = continued_total(
        parked.partial,
        offset,
        response.header("Content-Range"),
        response.header("ETag"),
        response.header("Last-Modified"),
    )
    return None if total is None else Continuation(offset, total)


def failed(target: Target, error: BaseException, transfer: Transfer | None = None) -> Failed:
    """Return the outcome of *target* for an exception of whatever kind."""
    where = ""
    if isinstance(error, asyncio.CancelledError):
        error = InterruptedRunError("stopped before it was done", hint="run it again to go on")
    elif not isinstance(error, UrlError):
        where = "".join(traceback.format_exception(error))
        error = InternalError(
            f"a defect of this program: {type(error).__name__}: {error}",
            hint="please report it with what --debug prints",
        )
    return Failed(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        status=error.status if isinstance(error, HttpStatusError) else None,
        attempts=transfer.attempts if transfer else 0,
        seconds=transfer.seconds if transfer else 0.0,
        traceback=where,
    )
