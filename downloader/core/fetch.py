"""One attempt at one URL: request it, save the body, decide about retries.

A transfer that has to wait, for a host or for a retry, goes back to the queue as data
(:class:`~downloader.core.transfer.Requeue`). No task sleeps, so every running task makes use of
the permits that it holds.
"""

import asyncio
import time
from dataclasses import replace

from downloader.core.answer_names import take_name_of_answer, take_shorter_name
from downloader.core.body import Continuation, save_body
from downloader.core.page_extractor import PageToExtract
from downloader.core.response_filter import FilteredError
from downloader.core.sniffing import sniff_body, sniff_partial_body
from downloader.core.transfer import Redirected, Requeue, Transfer, TransferContext
from downloader.core.transfer_outcomes import (
    downloaded,
    failed,
    filtered,
    measured_by_head,
    unchanged,
)
from downloader.errors import (
    BadUrlError,
    DiskError,
    HttpStatusError,
    NameTooLongError,
    NoDescriptorError,
    RedirectError,
    RefusedError,
    TimedOutError,
    UrlError,
)
from downloader.http import RedirectTrail, Response, resume, retry
from downloader.http.response import require_success
from downloader.journal import Job, PartialFile, SavedFile, Submission
from downloader.models import Downloaded, Failed, Outcome, Request, Skipped, Target, Unchanged
from downloader.storage import Storage
from downloader.web import urls
from downloader.web.filenames import SafePath
from downloader.web.mime_sniffing import DOUBTFUL_TYPES, RESOURCE_HEADER_BYTES
from downloader.web.urls import Url

#: Wait after running out of file descriptors; another transfer will have closed one.
_DESCRIPTOR_RETRY_SECONDS = 0.2
#: Statuses by which a server asks for fewer requests (RFC 6585, section 4; RFC 9110, 15.6.4).
_OVERLOADED_STATUSES = frozenset({429, 503})
#: Follows the status in the message, in place of a reason phrase.
_GIVEN_UP_REASON = "to an earlier request to this host, so that this one was not made"

_Headers = tuple[tuple[str, str], ...]
_Fetched = Downloaded | Unchanged | Skipped | Redirected | PageToExtract


async def fetch_and_extract(
    transfer: Transfer, host: str, context: TransferContext
) -> Outcome | Redirected | Requeue:
    """Do what :func:`fetch` does, and extract the page once it is saved.

    No timeout of the URL limits the extraction. A page that an earlier run has saved is not
    fetched.
    """
    job, extractor = transfer.job, context.extractor
    try:
        if extractor is not None and job.unextracted is not None and not job.revalidate:
            return await extractor.extract_saved(job, job.unextracted)
        result = await fetch(transfer, host, context)
        if isinstance(result, PageToExtract):
            return await extractor.complete(job, result) if extractor else result.outcome
    except DiskError as error:
        return failed(transfer, error)
    return result


async def fetch(
    transfer: Transfer, host: str, context: TransferContext
) -> _Fetched | Failed | Requeue:
    """Make one attempt at a URL at *host*; expected failures are outcomes, not exceptions.

    The result is a :class:`PageToExtract` only if *context* has an extractor.
    """
    if context.queues.given_up and host in context.queues.given_up:
        return _given_up(transfer, host, *context.queues.given_up[host])
    if transfer.started is None:
        transfer.started = time.monotonic()
    timeout = context.options.timeout
    try:
        if timeout is None:
            result = await context.attempt(transfer, context)
        else:
            async with asyncio.timeout(timeout - transfer.seconds) as limit:
                result = await context.attempt(transfer, context)
    except NoDescriptorError as error:
        if transfer.trail is not None and transfer.trail.was_submitted:
            seconds = _DESCRIPTOR_RETRY_SECONDS
            return _retry_submitted(error, seconds, transfer, transfer.trail, context)
        # The URL is not at fault, so that this attempt does not count.
        transfer.attempts -= 1
        transfer.trail = None
        context.client.close_idle()
        return _within_timeout(transfer, context, Requeue(_DESCRIPTOR_RETRY_SECONDS, error.kind))
    except NameTooLongError as error:
        if not await take_shorter_name(transfer, context):
            return failed(transfer, error)
        # The name is at fault, so that this attempt does not count.
        transfer.attempts -= 1
        transfer.trail = None
        return _within_timeout(transfer, context, Requeue())
    except FilteredError as error:
        result = filtered(transfer, str(error))
    except UrlError as error:
        return _retry_or_fail(error, host, transfer, context)
    except TimeoutError:
        if not limit.expired():
            raise
        return _timed_out(transfer, context)
    if not isinstance(result, Requeue):
        context.queues.record_success(host)
    return result


def _retry_or_fail(
    error: UrlError, host: str, transfer: Transfer, context: TransferContext
) -> Failed | Requeue:
    """Return a retry if there is to be one; tell the queues what *error* says about the host."""
    if isinstance(error, HttpStatusError):
        _record_status(error, host, context)
    elif isinstance(error, RefusedError):
        context.queues.record_overload(host)
    seconds = retry.seconds_to_retry(error, transfer.attempts, context.options.retries)
    if seconds is None:
        return failed(transfer, error)
    if transfer.trail is not None and transfer.trail.was_submitted:
        return _retry_submitted(error, seconds, transfer, transfer.trail, context)
    transfer.trail = None
    return _within_timeout(transfer, context, Requeue(seconds, error.kind))


def _retry_submitted(
    error: UrlError,
    seconds: float,
    transfer: Transfer,
    trail: RedirectTrail,
    context: TransferContext,
) -> Failed | Requeue:
    """Return a retry of what does not send twice what must not be; otherwise the failure.

    Such a request may have been processed, whatever became of its response. A GET that a redirect
    has led to is retried by itself.
    """
    if trail.request is None:
        # Without a descriptor, it is no attempt.
        transfer.attempts += not isinstance(error, NoDescriptorError)
    elif context.options.retry_all:
        transfer.trail = None
    else:
        method = trail.request.method
        hint = f"the {method} was sent and is not repeated; --retry-all does"
        return replace(
            failed(transfer, error), hint=f"{error.hint}; {hint}" if error.hint else hint
        )
    return _within_timeout(transfer, context, Requeue(seconds, error.kind))


def _record_status(error: HttpStatusError, host: str, context: TransferContext) -> None:
    """Let the queues pause the host, slow it down or give it up, as its response asks."""
    queues, replays = context.queues, bool(context.options.replay)
    if error.pause is not None and error.pause_too_long:
        if not replays:
            paused_host, seconds = error.pause
            queues.given_up[paused_host] = error.status, seconds
    elif not error.retryable:
        queues.record_success(host)
    elif error.status in _OVERLOADED_STATUSES and not replays:
        queues.record_overload(host)
    if error.retryable and error.pause is not None:
        queues.pause(*error.pause)


def _given_up(transfer: Transfer, host: str, status: int, seconds: float) -> Failed:
    """Return the outcome of a URL whose host has asked for too long a pause."""
    error = HttpStatusError(status, _GIVEN_UP_REASON, pause=(host, seconds), pause_too_long=True)
    return failed(transfer, error)


def _within_timeout(
    transfer: Transfer, context: TransferContext, requeue: Requeue
) -> Requeue | Failed:
    """Return *requeue*, or a failure if the URL's own timeout ends before that wait."""
    timeout = context.options.timeout
    if timeout is None:
        return requeue
    wait = max(requeue.seconds, context.queues.paused_for(transfer.host))
    if transfer.seconds + wait >= timeout:
        return _timed_out(transfer, context)
    return requeue


def _timed_out(transfer: Transfer, context: TransferContext) -> Failed:
    message = f"not done in {context.options.timeout:g} s"
    return failed(transfer, TimedOutError(message, hint="see --timeout"))


async def attempt_download(transfer: Transfer, context: TransferContext) -> _Fetched | Requeue:
    """Resume the partial file if there is one; otherwise, or if that fails, request the whole."""
    job, target = transfer.job, transfer.job.target
    if transfer.trail is None:
        transfer.attempts += 1
        if target.request is not None:
            await _prepare(job, target.request, context)
        transfer.trail = _trail_to(target)
    if transfer.partial_file is not None:
        result = await _resume(transfer, transfer.partial_file, transfer.trail, context)
        if result is not None:
            return result
    headers = target.headers
    if job.saved is not None and job.revalidate:
        headers += _conditional_headers(job.saved)
    elif context.response_filter is not None:
        headers += context.response_filter.condition()
    # A line of a list is saved under its own name wherever redirects lead. The target of a
    # redirect that a page refers to is a URL of its own, which other pages may refer to as well.
    from_page = bool(target.parent)
    # An orphan may be damaged, so that only the first attempt looks for one.
    orphans_since = job.unrecorded_since if transfer.attempts == 1 else None
    response = await context.client.get(
        transfer.trail, headers, follow=not from_page, orphans_since=orphans_since
    )
    if response is None:
        if not from_page or transfer.trail.sets_cookies:
            return Requeue()
        if target.redirects >= context.options.max_redirects:
            raise RedirectError("too many redirects", hint="see --max-redirects")
        return Redirected(transfer.trail.next)
    with response:
        return await _handle_response(transfer, context, response, None)


async def _resume(
    transfer: Transfer, partial_file: PartialFile, trail: RedirectTrail, context: TransferContext
) -> _Fetched | Requeue | None:
    """Request what a partial file lacks; return None if the whole has to be requested instead."""
    job = transfer.job
    transfer.partial_file = None
    offset = await context.storage.part_size(partial_file.path)
    # An archive records whole responses only.
    if not offset or context.options.archiving:
        return None
    transfer.partial_file = partial_file
    headers = job.target.headers + resume.range_headers(partial_file.body, offset)
    response = await context.client.get(trail, headers)
    if response is None:
        return Requeue()
    with response:
        if context.naming is not None and response.status == 206:
            await take_name_of_answer(transfer, response, context.naming, context)
        continuation = await _continuation(
            response, transfer.job, partial_file, offset, context.storage
        )
        if continuation is not None or response.status not in (206, 416):
            return await _handle_response(transfer, context, response, continuation)
    await context.storage.remove_part(partial_file.path)
    transfer.partial_file = None
    requested_host, transfer.trail = transfer.host, _trail_to(job.target)
    if transfer.host != requested_host or context.options.delay:
        return Requeue()
    return None


async def _handle_response(
    transfer: Transfer,
    context: TransferContext,
    response: Response,
    continuation: Continuation | None,
) -> Downloaded | Unchanged | PageToExtract:
    """Save the body of *response* and return the outcome.

    Raises:
        UrlError: the response is not a whole resource, or cannot be saved.
    """
    job, request = transfer.job, transfer.job.target.request
    if response.multiplexed is not None:
        context.queues.record_latency(urls.host(response.url), *response.multiplexed)
    if not 200 <= response.status < 300:
        await response.archive_rest()
        if response.status == 304 and job.saved is not None and job.revalidate:
            outcome = unchanged(transfer, response, job.saved)
            return outcome if job.unextracted is None else PageToExtract(outcome)
        if context.response_filter is not None:
            context.response_filter.check_unmodified(response)
    if continuation is None:
        require_success(response)
    is_head = request is not None and request.method == "HEAD"
    if response.media_type in DOUBTFUL_TYPES and continuation is None and not is_head:
        await sniff_body(response, context.options)
    if context.response_filter is not None:
        size = continuation.total if continuation is not None else _decoded_size(response)
        if reason := context.response_filter.mismatch(response, job.target, size):
            await response.skip_body(recorded=not context.options.pack)
            raise FilteredError(reason)
    if is_head:
        if response.is_archived:
            await response.archived()
        return measured_by_head(transfer, response)
    if context.naming is not None and continuation is None:
        await take_name_of_answer(transfer, response, context.naming, context)
    path = transfer.job.name.path(response.media_type)
    if transfer.partial_file is not None and continuation is None:
        # The server sends the whole body: the partial file belongs to another version.
        await context.storage.remove_part(transfer.partial_file.path)
        transfer.partial_file = None
    return await _save(transfer, context, response, path, continuation)


async def _save(
    transfer: Transfer,
    context: TransferContext,
    response: Response,
    path: SafePath,
    continuation: Continuation | None,
) -> Downloaded | PageToExtract:
    """Save a body; keep the bytes of a page that is to be extracted."""
    page = context.extractor.buffer(response) if context.extractor is not None else None
    try:
        body = await save_body(transfer, context, response, path, continuation, page)
        earlier = transfer.job.saved
        if earlier is not None and earlier.path != path:
            await context.storage.remove(earlier.path)
    except BaseException:
        if page is not None:
            page.close()
        raise
    outcome = downloaded(transfer, response, path, body, context.options)
    return outcome if page is None else PageToExtract(outcome, response.content_type, page)


def _decoded_size(response: Response) -> int | None:
    """Return the bytes of a body after decoding, if they are known before it is read."""
    return None if response.content_coding else response.content_length


def _trail_to(target: Target) -> RedirectTrail:
    """Return the trail of the first request for *target*."""
    hops = "L" * target.depth + "E" * target.nesting + "R" * target.redirects
    return RedirectTrail(
        target.url,
        target.root,
        Url(target.parent) if target.parent else None,
        hops,
        request=target.request,
    )


async def _prepare(job: Job, request: Request, context: TransferContext) -> None:
    """Check that a response can be saved; record that a request is sent that must not be twice.

    Raises:
        BadUrlError: the response has no body.
        DiskError: the journal cannot be written.
    """
    if request.method == "HEAD" and context.options.save:
        raise BadUrlError("a HEAD has no body to save", hint="--no-save reports its size")
    if not request.is_idempotent:
        await context.journal.record_step(job, Submission())


def _conditional_headers(saved: SavedFile) -> _Headers:
    """Return the fields that request a body only if it has changed (RFC 9110, section 13.1)."""
    if saved.etag:
        return (("If-None-Match", saved.etag),)
    if saved.last_modified:
        return (("If-Modified-Since", saved.last_modified),)
    return ()


async def _continuation(
    response: Response, job: Job, partial_file: PartialFile, offset: int, storage: Storage
) -> Continuation | None:
    """Return how *response* continues the partial file, or None if it does not."""
    total = resume.continued_length(response, partial_file.body, offset)
    if total is None:
        return None
    if response.media_type in DOUBTFUL_TYPES:
        head = await storage.read_part_head(partial_file.path, RESOURCE_HEADER_BYTES)
        sniff_partial_body(response, head)
    if job.name.path(response.media_type) != partial_file.path:
        return None
    return Continuation(offset, total)
