"""Decide by a response whether its body is saved (``--accept-type``, ``--min-size`` and others)."""

from email.utils import formatdate

from downloader.http import Response
from downloader.models import MirrorOptions, Target, TransferOptions
from downloader.web.media_type_filter import MediaTypeFilter
from downloader.web.media_types import PAGE_TYPES
from downloader.web.text import format_size


class FilteredError(Exception):
    """A response is not saved; its text says why, in one line."""


class ResponseFilter:
    """Checks responses by the filters of a run.

    A page of the list, and one that leads to further pages, is read for its links in a mirror; so
    it passes, and leaves the folder at the end if its type is not selected.
    """

    def __init__(self, options: TransferOptions) -> None:
        self._types = MediaTypeFilter(options.accept_type, options.reject_type)
        self._min_size = options.min_size or 0
        self._newer_than = options.newer_than
        self._too_small = f"smaller than {format_size(self._min_size)} (--min-size)"
        self._too_old = f"not modified since {formatdate(self._newer_than, usegmt=True)}"
        self._mirrors, self._level = False, None
        if isinstance(options, MirrorOptions):
            self._mirrors, self._level = options.mirrors, options.level

    def condition(self) -> tuple[tuple[str, str], ...]:
        """Return the fields by which a server may leave out a body that is too old.

        A mirror sends none, because it does not know beforehand which URLs are pages.
        """
        if self._newer_than is None or self._mirrors:
            return ()
        return (("If-Modified-Since", formatdate(self._newer_than, usegmt=True)),)

    def mismatch(self, response: Response, target: Target, size: int | None) -> str:
        """Return why a body is not saved, before it is read; an empty string if it is.

        Args:
            response: with its final media type.
            target: what was requested.
            size: of the decoded body in bytes, if it is known.
        """
        if self._is_read_for_links(response, target):
            return ""
        media_type = response.media_type
        if self._types.rejects(media_type):
            return f"{media_type} matches --reject-type"
        if not self._types.selects(media_type):
            return f"{media_type} does not match --accept-type"
        modified = response.modified if self._newer_than is not None else None
        if modified is not None and modified <= (self._newer_than or 0.0):
            return self._too_old
        return "" if size is None or size >= self._min_size else self._too_small

    def check_unmodified(self, response: Response) -> None:
        """Check a response without a body.

        Raises:
            FilteredError: it is the answer to :meth:`condition`.
        """
        if response.status == 304 and self._newer_than is not None and not self._mirrors:
            raise FilteredError(self._too_old)

    def check_body(self, response: Response, target: Target, size: int) -> None:
        """Check the size of a body that has been received.

        Raises:
            FilteredError: it is not saved.
        """
        if size < self._min_size and not self._is_read_for_links(response, target):
            raise FilteredError(self._too_small)

    def _is_read_for_links(self, response: Response, target: Target) -> bool:
        if not self._mirrors or response.media_type not in PAGE_TYPES:
            return False
        if not target.parent:
            return True
        leads_on = self._level is not None and (self._level == 0 or target.depth < self._level)
        return leads_on and not target.needed and not self._types.rejects(response.media_type)
