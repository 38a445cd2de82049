"""The saved files of URLs, and the references by which other files link to them."""

import re
from collections.abc import Iterable

from downloader.journal import FileLocation
from downloader.journal.async_journal import AsyncJournal
from downloader.journal.own_pages import OwnPageKind
from downloader.links import Link, LocalFile
from downloader.mirror.relative_urls import relative_url
from downloader.web import urls
from downloader.web.filenames import SafePath
from downloader.web.urls import Url

#: Characters of URLs that are cached, and what each URL counts beside them: 200,000 usual URLs.
_MAX_CACHED_CHARACTERS, _CHARACTERS_PER_URL = 64 * 1024**2, 250
_ABSOLUTE_URL = re.compile(r"[\x00-\x20]*https?://", re.IGNORECASE)


class FileLocations:
    """The locations of saved files by URL, from the journal, which is asked once for each.

    Args:
        journal: the journal.
        withdrawn: whether to include files that only exist among the originals.
    """

    def __init__(self, journal: AsyncJournal, *, withdrawn: bool = False) -> None:
        self._journal = journal
        self._withdrawn = withdrawn
        self._characters = 0
        self._locations: dict[Url, FileLocation | None] = {}
        self._missing_page = journal.own_page(OwnPageKind.MISSING)
        self._missing: set[Url] = set()

    async def load(self, links: Iterable[Link]) -> None:
        """Look up the files of *links*."""
        if self._characters > _MAX_CACHED_CHARACTERS:
            self._locations.clear()
            self._missing.clear()
            self._characters = 0
        wanted = {_without_credentials(link.url) for link in links if link.url}
        unknown = list(wanted - self._locations.keys())
        if unknown:
            self._characters += sum(map(len, unknown)) + _CHARACTERS_PER_URL * len(unknown)
            self._locations |= dict.fromkeys(unknown)
            self._locations |= await self._journal.locations(unknown, withdrawn=self._withdrawn)
            if self._missing_page is not None:
                self._missing |= await self._journal.missing_urls(
                    [url for url in unknown if self._locations[url] is None]
                )

    def get(self, link: Link) -> FileLocation | None:
        """Return the file of a loaded link; None if there is none."""
        return self._locations[_without_credentials(link.url)] if link.url else None

    def replacement(self, source: SafePath, link: Link) -> LocalFile | str | None:
        """Return what replaces a loaded link in the file *source*; None to keep the link."""
        if link.url is None:
            return None
        location = self.get(link)
        if location is not None:
            return LocalFile(relative_url(source, location.path) + link.fragment)
        url = _without_credentials(link.url)
        if self._missing_page is not None and link.kind.is_navigation and url in self._missing:
            # No script is needed to see which address it was.
            return LocalFile(f"{relative_url(source, self._missing_page.path)}#{url}")
        return None if _ABSOLUTE_URL.match(link.value) else link.url + link.fragment


def _without_credentials(url: Url) -> Url:
    """Return a URL as the journal has it."""
    return urls.without_credentials(url)[0]
