"""What is said at once of a line that is not fetched."""

from dataclasses import replace

from downloader.errors import UrlError
from downloader.journal.rows import SavedFile
from downloader.models import Failed, Skipped, SkipReason, Target


def refused(target: Target, error: UrlError) -> Failed:
    """Return the outcome of what cannot be fetched."""
    return Failed(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        kind=error.kind,
        message=error.message,
        hint=error.hint,
        parent=target.parent,
        needed=target.needed,
    )


def repeated(target: Target, origin: str) -> Skipped:
    """Return the outcome of what this run has had already, from *origin*."""
    return skipped(target, SkipReason.DUPLICATE, f"{target.origin} repeats {origin}")


def skipped(
    target: Target, reason: SkipReason, detail: str, saved: SavedFile | None = None
) -> Skipped:
    """Return the outcome of what needs nothing done, and what is known of its file."""
    outcome = Skipped(
        index=target.index,
        origin=target.origin,
        url=target.shown,
        reason=reason,
        detail=detail,
        parent=target.parent,
    )
    if saved is None:
        return outcome
    return replace(
        outcome,
        path=saved.path,
        size=saved.size,
        characters=saved.characters,
        sha256=saved.sha256.hex(),
        etag=saved.etag,
        last_modified=saved.last_modified,
    )
