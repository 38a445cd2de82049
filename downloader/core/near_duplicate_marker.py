"""Marks pages with nearly the same text as an earlier page of the run (``--near-duplicates``)."""

from dataclasses import replace
from typing import TYPE_CHECKING

from downloader.models import Failed, Outcome

if TYPE_CHECKING:
    from downloader.extract.near_duplicates import NearDuplicateIndex


class NearDuplicateMarker:
    """Compares the pages of a run, in the order in which their outcomes become known."""

    def __init__(self) -> None:
        self._index: NearDuplicateIndex | None = None

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        if self._index is None or not self._index.is_full:
            return []
        return [f"only the first {self._index.max_pages} different pages are compared with others"]

    def mark(self, outcome: Outcome) -> Outcome:
        """Return *outcome*, with the URL of an earlier page with nearly the same text."""
        if isinstance(outcome, Failed) or outcome.page is None or not outcome.page.signature:
            return outcome
        if self._index is None:
            # Imported late: it needs a library that most runs do not.
            from downloader.extract.near_duplicates import NearDuplicateIndex

            self._index = NearDuplicateIndex()
        first = self._index.find_or_add(outcome.url, outcome.page.signature)
        page = replace(outcome.page, near_duplicate_of=first, signature=b"")
        return replace(outcome, page=page)
