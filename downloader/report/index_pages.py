"""Pages that a site has both as ``/`` and as ``/index.html``: their sizes are counted once."""

import re

from downloader.models.url_record import Record
from downloader.report.summary import RESULTS_WITH_BODY

#: Folders whose index page is remembered: the two addresses of a page are seldom far apart.
MAX_FOLDERS = 100_000
#: The address of a folder, and of its index page by the names that servers have for it.
_INDEX = re.compile(
    r"(https?://[^?#]*/)(?:(?:index|default)\.[a-z]{2,5})?(\?[^#]*)?", re.IGNORECASE
)


class IndexPages:
    """Finds records of the same page, in bounded memory."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, str], str] = {}

    def same_as(self, record: Record) -> str | None:
        """Return the URL of an earlier record of the same page, if there is one.

        It is the same if both URLs name the index page of one folder, and have the same content.
        """
        if not record.sha256 or record.request or record.outcome not in RESULTS_WITH_BODY:
            return None
        match = _INDEX.fullmatch(record.url)
        if match is None:
            return None
        key = (match[1] + (match[2] or ""), record.sha256)
        url = self._pages.setdefault(key, record.url)
        if len(self._pages) > MAX_FOLDERS:
            del self._pages[next(iter(self._pages))]
        return url if url != record.url else None
