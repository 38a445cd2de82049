"""The saved files of URLs, and the references by which other files link to them."""

import re
from collections.abc import Callable, Iterable

from downloader.journal import FileLocation
from downloader.journal.async_journal import AsyncJournal
from downloader.journal.own_pages import OwnPageKind
from downloader.links import Link, LocalFile
from downloader.mirror.relative_urls import relative_url
from downloader.web import urls
from downloader.web.filenames import SafePath

#: Characters of URLs that are cached, and what each URL counts beside them: 200,000 usual URLs.
_MAX_CACHED_CHARACTERS, _CHARACTERS_PER_URL = 64 * 1024**2, 250
#: Returns what replaces a link; None to keep it.
ReplaceLink = Callable[[Link], LocalFile | str | None]
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
        self._locations: dict[urls.Url, FileLocation | None] = {}
        self._missing_page = journal.own_page(OwnPageKind.MISSING)
        self._missing: set[urls.Url] = set()

    async def load(self, links: Iterable[Link]) -> None:
        """Look up the files of *links*."""
        if self._characters > _MAX_CACHED_CHARACTERS:
            self._locations.clear()
            self._missing.clear()
            self._characters = 0
        locations = self._locations
        unknown = [url for url in {link.url for link in links} if url and url not in locations]
        if unknown:
            self._characters += sum(map(len, unknown)) + _CHARACTERS_PER_URL * len(unknown)
            # The journal has URLs without credentials.
            keys = {url: urls.without_credentials(url)[0] for url in unknown}
            found = await self._journal.locations(
                list(dict.fromkeys(keys.values())), withdrawn=self._withdrawn
            )
            locations |= {url: found.get(key) for url, key in keys.items()}
            if self._missing_page is not None:
                missing = await self._journal.missing_urls(
                    [key for key in keys.values() if key not in found]
                )
                self._missing |= {url for url, key in keys.items() if key in missing}

    def get(self, link: Link) -> FileLocation | None:
        """Return the file of a loaded link; None if there is none."""
        return self._locations[link.url] if link.url else None

    def replacements(self, source: SafePath) -> ReplaceLink:
        """Return what replaces the loaded links of the file *source*; None keeps a link."""
        relative_urls: dict[urls.Url, str | None] = {}

        def replacement(link: Link) -> LocalFile | str | None:
            url = link.url
            if url is None:
                return None
            if url in relative_urls:
                relative = relative_urls[url]
            else:
                location = self._locations[url]
                relative = None if location is None else relative_url(source, location.path)
                relative_urls[url] = relative
            if relative is not None:
                return LocalFile(relative + link.fragment)
            if self._missing_page is not None and link.kind.is_navigation and url in self._missing:
                # No script is needed to see which address it was.
                missing = urls.without_credentials(url)[0]
                return LocalFile(f"{relative_url(source, self._missing_page.path)}#{missing}")
            return None if _ABSOLUTE_URL.match(link.value) else url + link.fragment

        return replacement
