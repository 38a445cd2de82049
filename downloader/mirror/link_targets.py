"""Which addresses have files, and what a link to them is to be."""

import re
from collections.abc import Iterable

from downloader.journal import FileLocation
from downloader.journal.async_journal import AsyncJournal
from downloader.links import Link, LocalFile
from downloader.mirror.relative_paths import relative
from downloader.web import urls
from downloader.web.filenames import SafePath
from downloader.web.urls import Url

#: Of so many addresses it is remembered whether they have files.
_MOST_KNOWN = 200_000
_ABSOLUTE = re.compile(r"[\x00-\x20]*https?://", re.IGNORECASE)


class LinkTargets:
    """What the journal says of addresses, which is asked once for each.

    Args:
        notes: the journal.
        withdrawn: whether files count that are only kept with the originals.
    """

    def __init__(self, notes: AsyncJournal, *, withdrawn: bool = False) -> None:
        self._notes = notes
        self._withdrawn = withdrawn
        self._known: dict[Url, FileLocation | None] = {}

    async def look_up(self, links: Iterable[Link]) -> None:
        """Find out which addresses of *links* have files."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        unknown = list({_bare(link.url) for link in links if link.url} - self._known.keys())
        if unknown:
            self._known |= dict.fromkeys(unknown)
            self._known |= await self._notes.locations(unknown, withdrawn=self._withdrawn)

    def of(self, link: Link) -> FileLocation | None:
        """Return the file of a link that was looked up, if there is one."""
        return self._known[_bare(link.url)] if link.url else None

    def replacement(self, source: SafePath, link: Link) -> LocalFile | str | None:
        """Return what to write instead of a link in the file *source*; None if it is to stay."""
        if link.url is None:
            return None
        place = self.of(link)
        if place is not None:
            return LocalFile(relative(source, place.path) + link.fragment)
        return None if _ABSOLUTE.match(link.value) else link.url + link.fragment


def _bare(url: Url) -> Url:
    """Return an address without password, as the journal knows it."""
    return urls.without_credentials(url)[0]
