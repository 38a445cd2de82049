"""ONE URL becomes one outcome: asked for, saved, and tried again where that may help.

What has to wait, for a host or for its time, goes back to the pool as data, so that no task
sleeps and every task holds a permit of the host that it is asking.
"""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from downloader.core.body import BufferedBytes, Continuation, SavedBody, save_body
from downloader.errors import (
    ErrorKind,
    HttpStatusError,
    InternalError,
    InterruptedRunError,
    NoDescriptorError,
    RedirectError,
    TimedOutError,
    UrlError,
)
from downloader.http import Client, RedirectTrail, Response, retry
from downloader.http.client import require_success
from downloader.http.resume import continued_total
from downloader.journal import Job, PartialFile
from downloader.models import Downloaded, Failed, PartialBody, Target, TransferOptions, Unchanged
from downloader.scheduling import HostQueues, RateLimiter
from downloader.storage import Storage
from downloader.web import urls
from downloader.web.filenames import SafePath
from downloader.web.urls import Url

_DESCRIPTOR_SECONDS = 0.2
#: Statuses by which a server says that it is asked for too much at once (RFC 6585 and 9110).
_OVERLOADED = frozenset({429, 503})


@dataclass(slots=True)
class TransferMeter(BufferedBytes):
    """What all transfers together hold, and have received, in bytes of bodies over the wire."""

    received: int = 0


@dataclass(frozen=True, slots=True)
class TransferContext:
    """What every download of a run shares.

    Attributes:
        park: notes in the journal that a partial file is begun, and returns when that is written.
    """

    client: Client
    storage: Storage
    hosts: "HostQueues[Transfer]"
    bandwidth: RateLimiter | None
    meter: TransferMeter
    options: TransferOptions
    park: Callable[[Job, PartialFile], Awaitable[None]]


@dataclass(slots=True)
class Transfer:
    """One URL on its way, from its first request to its outcome.

    It waits among the others of the host that is to be asked next, is started, and waits again
    when it is to be tried again, or when a redirect leads it to another host.

    Attributes:
        job: what is to be fetched.
        parked: the partial file that the next attempt may continue.
        trail: where redirects have led it in this attempt; None before one.
        attempts: how often it was tried, this time included.
        received: bytes of bodies over the wire so far.
        started: when its first request was made, by :func:`time.monotonic`; None before that.
    """

    job: Job
    parked: PartialFile | None
    trail: RedirectTrail | None = None
    attempts: int = 0
    received: int = 0
    started: float | None = None

    @property
    def host(self) -> str:
        """The host that is to be asked next."""
        return urls.host(self.trail.next if self.trail else self.job.target.url)

    @property
    def seconds(self) -> float:
        """How long it has been going on."""
        return 0.0 if self.started is None else time.monotonic() - self.started


@dataclass(frozen=True, slots=True)
class Requeue:
    """A transfer has not come to its end: it is to be started again, when its turn comes.

    Attributes:
        seconds: not before so long has passed.
        kind: which failure is why, or None after a redirect.
    """

    seconds: float = 0.0
    kind: ErrorKind | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """What a page refers to is elsewhere; that address is fetched by itself, and only once.

    Attributes:
        to: where.
    """

    to: Url


Fetched = Downloaded | Unchanged | Redirected


async def download(transfer: Transfer, rooms: TransferContext) -> Fetched | Failed | Requeue:
    """Go on with one URL while its host can be asked; expected failures are no exceptions."""
    host = transfer.host
    if transfer.started is None:
        transfer.started = time.monotonic()
    try:
        if rooms.options.timeout is None:
            step = await _attempt(transfer, rooms)
        else:
            async with asyncio.timeout(rooms.options.timeout - transfer.seconds) as limit:
                step = await _attempt(transfer, rooms)
    except NoDescriptorError as error:
        # Not the URL's fault: another transfer will end and give its descriptor back.
        transfer.attempts -= 1
        transfer.trail = None
        rooms.client.close_idle()
        return _in_time(transfer, rooms, Requeue(_DESCRIPTOR_SECONDS, error.kind))
    except UrlError as error:
        return _after(error, host, transfer, rooms)
    except TimeoutError:
        if not limit.expired():
            raise
        return _too_late(transfer, rooms)
    if not isinstance(step, Requeue):
        rooms.hosts.served(host)
    return step


def _after(
    error: UrlError, host: str, transfer: Transfer, rooms: TransferContext
) -> Failed | Requeue:
    """Return what is to be done after a failure: try again where that may help."""
    pause = 0.0
    if isinstance(error, HttpStatusError) and error.retryable:
        if error.status in _OVERLOADED and not rooms.options.replay:
            rooms.hosts.overloaded(host)
        if error.pause is not None:
            pause = error.pause[1]
            rooms.hosts.pause(*error.pause)
    elif isinstance(error, HttpStatusError):
        rooms.hosts.served(host)
    if not error.retryable or transfer.attempts > rooms.options.retries:
        return failed(transfer, error)
    transfer.trail = None
    seconds = pause if pause > 0 else retry.backoff(transfer.attempts)
    return _in_time(transfer, rooms, Requeue(seconds, error.kind))


def _in_time(transfer: Transfer, rooms: TransferContext, again: Requeue) -> Requeue | Failed:
    """Return *again*, unless the time for the whole URL is over before it."""
    timeout = rooms.options.timeout
    if timeout is None:
        return again
    wait = max(again.seconds, rooms.hosts.paused_for(transfer.host))
    if transfer.seconds + wait >= timeout:
        return _too_late(transfer, rooms)
    return again


def _too_late(transfer: Transfer, rooms: TransferContext) -> Failed:
    late = TimedOutError(f"not done in {rooms.options.timeout:g} s", hint="see --timeout")
    return failed(transfer, late)


async def _attempt(transfer: Transfer, rooms: TransferContext) -> Fetched | Requeue:
    """Ask for what is missing; if the answer does not continue it, ask for the whole."""
    job = transfer.job
    if transfer.trail is None:
        transfer.attempts += 1
        transfer.trail = _trail(job.target)
    parked, transfer.parked = transfer.parked, None
    offset = await rooms.storage.part_size(parked.path) if parked is not None else 0
    if rooms.options.archiving:
        # An archive wants the whole answer, not what continues one that it does not have.
        offset = 0
    if parked is not None and offset:
        transfer.parked = parked
        headers = _range_headers(parked.body, offset)
        answer = await rooms.client.get(transfer.trail, job.target.headers + headers)
        if answer is None:
            return Requeue()
        with answer as response:
            going_on = _continuation(response, job, parked, offset)
            if going_on is not None or response.status not in (206, 416):
                return await _handle_response(transfer, rooms, response, going_on)
        await rooms.storage.remove_part(parked.path)
        transfer.parked = None
        asked, transfer.trail = transfer.host, _trail(job.target)
        if transfer.host != asked or rooms.options.delay:
            return Requeue()
    # What a list names is saved under the name that the list gives it, wherever that is found.
    found = bool(job.target.parent)
    headers = job.target.headers + _conditions(job)
    # What is left over is tried once: should it be damaged, the server still has it.
    left = job.unrecorded_since if transfer.attempts == 1 else None
    answer = await rooms.client.get(transfer.trail, headers, follow=not found, left_since=left)
    if answer is None:
        if not found or transfer.trail.cookies:
            return Requeue()
        if job.target.hops >= rooms.options.max_redirects:
            raise RedirectError("too many redirects", hint="see --max-redirects")
        return Redirected(transfer.trail.next)
    with answer as response:
        return await _handle_response(transfer, rooms, response, None)


async def _handle_response(
    transfer: Transfer,
    rooms: TransferContext,
    response: Response,
    continuation: Continuation | None,
) -> Downloaded | Unchanged:
    """Turn an answer into an outcome.

    Raises:
        UrlError: it is not a whole resource, or cannot be saved.
    """
    job, target = transfer.job, transfer.job.target
    if not 200 <= response.status < 300:
        await response.archive_rest()
    if response.status == 304 and job.saved is not None and job.revalidate:
        return Unchanged(
            index=target.index,
            origin=target.origin,
            url=target.shown,
            path=job.saved.path,
            size=job.saved.size,
            characters=job.saved.characters,
            seconds=transfer.seconds,
            final_url=response.url,
            redirects=response.redirects,
            http_version=response.http_version,
            attempts=transfer.attempts,
            started=_first_request(transfer),
            header_bytes=response.header_bytes,
            timings=response.timings,
            sha256=job.saved.sha256.hex(),
            etag=job.saved.etag,
            last_modified=job.saved.last_modified,
            parent=target.parent,
        )
    if continuation is None:
        require_success(response)
    path = job.name.path(response.media_type)
    if transfer.parked is not None and continuation is None:
        # The server sends the whole again: what was parked belongs to another version.
        await rooms.storage.remove_part(transfer.parked.path)
        transfer.parked = None

    def received(size: int) -> None:
        transfer.received += size
        rooms.meter.received += size

    async def parking(partial: PartialBody) -> None:
        parked = PartialFile(path, partial)
        await rooms.park(job, parked)
        transfer.parked = parked if partial.validator else None

    saved = await save_body(
        response,
        path,
        storage=rooms.storage,
        options=rooms.options,
        bandwidth=rooms.bandwidth,
        held=rooms.meter,
        checksum=target.checksum,
        ours=job.is_name_free or (job.saved is not None and job.saved.path == path),
        continuation=continuation,
        received=received,
        parking=parking,
    )
    if job.saved is not None and job.saved.path != path:
        await rooms.storage.remove(job.saved.path)
    return _downloaded(transfer, rooms, response, path, saved)


def _downloaded(
    transfer: Transfer, rooms: TransferContext, response: Response, path: SafePath, saved: SavedBody
) -> Downloaded:
    target = transfer.job.target
    packed = saved.place if rooms.options.pack else None
    if packed is not None:
        path = SafePath(packed.file)
    return Downloaded(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        path=path if rooms.options.save else SafePath(""),
        final_url=response.url,
        redirects=response.redirects,
        status=response.status,
        http_version=response.http_version,
        media_type=response.media_type,
        content_coding=response.content_coding,
        sizes=saved.sizes,
        length_verified=response.length_verified,
        etag=response.header("ETag"),
        last_modified=response.header("Last-Modified"),
        sha256=saved.sha256,
        attempts=transfer.attempts,
        resumed_at=saved.resumed_at,
        set_aside=saved.set_aside,
        started=_first_request(transfer),
        seconds=transfer.seconds,
        header_bytes=response.header_bytes,
        timings=response.timings,
        parent=target.parent,
        packed_at=packed.offset if packed is not None else None,
    )


def _trail(target: Target) -> RedirectTrail:
    """Return where the requests for *target* begin."""
    hops = "L" * target.depth + "E" * target.nesting + "R" * target.hops
    return RedirectTrail(
        target.url, target.root, Url(target.parent) if target.parent else None, hops
    )


def _first_request(transfer: Transfer) -> float:
    """Return when its first request was made, in seconds since the epoch; 0 if none was."""
    return 0.0 if transfer.started is None else time.time() - transfer.seconds


def _range_headers(partial: PartialBody, offset: int) -> tuple[tuple[str, str], ...]:
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
    if job.saved is None or not job.revalidate:
        return ()
    if job.saved.etag:
        return (("If-None-Match", job.saved.etag),)
    if job.saved.last_modified:
        return (("If-Modified-Since", job.saved.last_modified),)
    return ()


def _continuation(
    response: Response, job: Job, parked: PartialFile, offset: int
) -> Continuation | None:
    """Return how *response* goes on from what is parked, or None if it does not."""
    if response.status != 206 or response.url != parked.body.url:
        return None
    coded = response.content_coding.strip() not in ("", "identity")
    if coded or job.name.path(response.media_type) != parked.path:
        return None
    total = continued_total(
        parked.body,
        offset,
        response.header("Content-Range"),
        response.header("ETag"),
        response.header("Last-Modified"),
    )
    return None if total is None else Continuation(offset, total)


def failed(transfer: Transfer, error: BaseException) -> Failed:
    """Return the outcome of a transfer for an exception of whatever kind."""
    target, where = transfer.job.target, ""
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
        attempts=transfer.attempts,
        seconds=transfer.seconds,
        traceback=where,
        final_url=urls.redact(transfer.trail.next) if transfer.trail else "",
        redirects=tuple(map(urls.redact, transfer.trail.redirects)) if transfer.trail else (),
        started=_first_request(transfer),
        parent=target.parent,
        needed=target.needed,
    )
