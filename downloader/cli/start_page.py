"""What a mirror ends with: the page to open."""

import shlex
from pathlib import Path

from downloader.models import Failed, Outcome
from downloader.web.filenames import SafePath
from downloader.web.media_types import PAGE_TYPES, guess_media_type
from downloader.web.text import printable


class StartPage:
    """Finds the page of a mirror to open first: that of the first line of the list.

    Attributes:
        path: of the page, as far as it is known; None if no line is a page.
    """

    def __init__(self) -> None:
        self.path: SafePath | None = None
        self._index = 0

    def add(self, outcome: Outcome) -> None:
        """Take an outcome."""
        if isinstance(outcome, Failed) or not outcome.path or outcome.parent:
            return
        is_first = self.path is None or outcome.index < self._index
        if is_first and guess_media_type(outcome.path) in PAGE_TYPES:
            self.path, self._index = outcome.path, outcome.index


def open_line(folder: Path, page: SafePath) -> str:
    """Return the line that says how to look at the mirror in *folder*."""
    # A name that begins with a dash would be taken for an option.
    named = str(folder) if not str(folder).startswith("-") else f"./{folder}"
    return printable(f"Open {folder / page}, or run: download serve {shlex.quote(named)}")
