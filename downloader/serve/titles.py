"""Read the titles of pages in the background, so that they can be searched."""

import asyncio
import threading
from contextlib import suppress

from downloader.errors import DownloadError
from downloader.serve.catalogue import CatalogueEntry, PageDetails
from downloader.serve.saved_content import SavedContent

#: Pages that are read in one call, so that titles are found soon after the start.
_PAGES_PER_BATCH = 20


async def read_titles(content: SavedContent, stopped: threading.Event) -> None:
    """Read the titles of all pages, until *stopped* is set."""
    while not stopped.is_set():
        entries = await asyncio.to_thread(content.catalogue.untitled, _PAGES_PER_BATCH)
        if not entries:
            return
        await asyncio.to_thread(_read, content, entries, stopped)


def _read(content: SavedContent, entries: list[CatalogueEntry], stopped: threading.Event) -> None:
    details = []
    for entry in entries:
        if stopped.is_set():
            break
        read = PageDetails(entry.id, "", entry.media_type, entry.size, entry.is_page)
        with suppress(DownloadError, OSError):
            read = content.details_of(entry)
        details.append(read)
    content.catalogue.set_details(details)
