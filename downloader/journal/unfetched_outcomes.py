"""Outcomes of targets that need no request: refused, repeated, or saved by an earlier run."""

from downloader.errors import UrlError
from downloader.journal.model import SavedFile
from downloader.models import Failed, Skipped, SkipReason, Target


def failed_outcome(target: Target, error: UrlError) -> Failed:
    """Return the outcome of a target that is not requested because of *error*."""
    return Failed(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        parent=target.parent,
        source_line=target.source_line,
        needed=target.needed,
        request="" if target.request is None else target.request.identity,
    )


def duplicate_outcome(target: Target, first_origin: str) -> Skipped:
    """Return the outcome of a target whose URL this run has had before, at *first_origin*."""
    return skipped_outcome(target, SkipReason.DUPLICATE, f"{target.origin} repeats {first_origin}")


def skipped_outcome(
    target: Target, reason: SkipReason, detail: str, saved: SavedFile | None = None
) -> Skipped:
    """Return the outcome of a target that is done, with the details of its file."""
    # Passed one by one, because a second run makes one for every line.
    return Skipped(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        reason=reason,
        detail=detail,
        path=saved.path if saved else None,
        size=saved.size if saved else None,
        characters=saved.characters if saved else None,
        sha256=saved.sha256.hex() if saved else "",
        etag=saved.etag if saved else "",
        last_modified=saved.last_modified if saved else "",
        parent=target.parent,
        source_line=target.source_line,
        request="" if target.request is None else target.request.identity,
    )
