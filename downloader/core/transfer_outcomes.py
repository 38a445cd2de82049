"""Outcomes of transfers; each field that several kinds of outcome share is filled in once."""

import asyncio
import time
import traceback
from typing import TypedDict

from downloader.core.body import SavedBody
from downloader.core.transfer import Transfer
from downloader.errors import HttpStatusError, InternalError, InterruptedRunError, UrlError
from downloader.http import Response
from downloader.journal import SavedFile
from downloader.models import (
    Downloaded,
    Failed,
    InputLine,
    Sizes,
    Skipped,
    SkipReason,
    StorageOptions,
    Timings,
    Unchanged,
)
from downloader.web import urls
from downloader.web.content_coding import split_codings
from downloader.web.filenames import SafePath
from downloader.web.media_types import PAGE_TYPES
from downloader.web.page_fields import page_fields
from downloader.web.text import printable


class _TransferFields(TypedDict):
    index: int
    origin: str
    url: str
    parent: str
    source_line: InputLine | None
    attempts: int
    started: float
    seconds: float
    request: str


class _ResponseFields(TypedDict):
    final_url: str
    redirects: tuple[str, ...]
    http_version: str
    header_bytes: int
    timings: Timings | None


def downloaded(
    transfer: Transfer,
    response: Response,
    path: SafePath,
    saved: SavedBody,
    options: StorageOptions,
) -> Downloaded:
    """Return the outcome of a body that was saved as *path*, or in a pack."""
    packed = saved.location if options.pack else None
    if packed is not None:
        path = SafePath(packed.file)
    return Downloaded(
        **_transfer_fields(transfer),
        **_response_fields(response),
        path=path if options.save else SafePath(""),
        status=response.status,
        media_type=response.media_type,
        content_coding=response.content_coding,
        sizes=saved.sizes,
        length_verified=response.length_verified,
        etag=response.etag,
        last_modified=response.last_modified,
        sha256=saved.sha256,
        title=saved.title,
        resumed_at=saved.resumed_at,
        set_aside=saved.set_aside,
        packed_at=packed.offset if packed is not None else None,
        note=_coding_note(response.content_coding) if response.content_coding else "",
        page_fields=(
            page_fields(response.header_values)
            if response.media_type in PAGE_TYPES and response.has_page_fields
            else ""
        ),
    )


def measured_by_head(transfer: Transfer, response: Response) -> Downloaded:
    """Return the outcome of a HEAD: the size that the server announces, and no body."""
    coded = bool(split_codings(response.content_coding)[0])
    size = None if coded else response.content_length
    return Downloaded(
        **_transfer_fields(transfer),
        **_response_fields(response),
        path=SafePath(""),
        status=response.status,
        media_type=response.media_type,
        content_coding=response.content_coding,
        sizes=Sizes(0, size or 0),
        length_verified=False,
        etag=response.etag,
        last_modified=response.last_modified,
        sha256="",
        resumed_at=0,
        set_aside="",
        note="the server does not announce the size" if size is None else "",
    )


def _coding_note(content_coding: str) -> str:
    """Return which values of Content-Encoding were ignored, because they are no codings."""
    _, ignored = split_codings(content_coding)
    return f"Content-Encoding {printable(', '.join(ignored)[:100])} ignored" if ignored else ""


def unchanged(transfer: Transfer, response: Response, saved: SavedFile) -> Unchanged:
    """Return the outcome of a 304 for *saved*, the file of an earlier run."""
    return Unchanged(
        **_transfer_fields(transfer),
        **_response_fields(response),
        path=saved.path,
        size=saved.size,
        characters=saved.characters,
        sha256=saved.sha256.hex(),
        etag=saved.etag,
        last_modified=saved.last_modified,
    )


def filtered(transfer: Transfer, reason: str) -> Skipped:
    """Return the outcome of a response that a filter of the user has left out."""
    target = transfer.job.target
    return Skipped(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        parent=target.parent,
        source_line=target.source_line,
        reason=SkipReason.FILTERED,
        detail=reason,
        request="" if target.request is None else target.request.identity,
    )


def failed(transfer: Transfer, error: BaseException) -> Failed:
    """Return the outcome of a transfer that *error*, whatever its type, has ended."""
    details = ""
    if isinstance(error, asyncio.CancelledError):
        error = InterruptedRunError(
            "stopped before it was done", hint="run the same command again to continue"
        )
    elif not isinstance(error, UrlError):
        details = "".join(traceback.format_exception(error))
        error = InternalError(
            f"internal error: {type(error).__name__}: {error}",
            hint="please report it; --debug shows more",
        )
    trail = transfer.trail
    return Failed(
        **_transfer_fields(transfer),
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        status=error.status if isinstance(error, HttpStatusError) else None,
        traceback=details,
        final_url=urls.redact(trail.next) if trail else "",
        redirects=tuple(map(urls.redact, trail.redirects)) if trail else (),
        needed=transfer.job.target.needed,
    )


def _transfer_fields(transfer: Transfer) -> _TransferFields:
    target = transfer.job.target
    seconds = transfer.seconds
    return {
        "index": target.index,
        "origin": target.origin,
        "url": target.shown,
        "parent": target.parent,
        "source_line": target.source_line,
        "attempts": transfer.attempts,
        # No request was made of a transfer that has not been started.
        "started": 0.0 if transfer.started is None else time.time() - seconds,
        "seconds": seconds,
        "request": "" if target.request is None else target.request.identity,
    }


def _response_fields(response: Response) -> _ResponseFields:
    return {
        "final_url": response.url,
        "redirects": response.redirects,
        "http_version": response.http_version,
        "header_bytes": response.header_bytes,
        "timings": response.timings,
    }
