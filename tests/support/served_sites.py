"""Saved content on a free port, as ``download serve`` serves it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from downloader.serve import SavedContent, ServeOptions, SiteServer
from downloader.serve.site_names import label_of
from downloader.web.urls import Url, host


@dataclass(frozen=True)
class ServedSites:
    """A server.

    Attributes:
        home: the address of its home page.
    """

    home: str

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.home.rpartition(":")[2].strip("/"))

    def host_of(self, url: str) -> str:
        """Return the Host field for the site of *url*."""
        return f"{label_of(host(Url(url)))}.localhost:{self.port}"

    def address(self, url: str) -> str:
        """Return where what was saved of *url* is served."""
        return f"http://{self.host_of(url)}/{url.split('/', 3)[3]}"

    def has(self, url: str) -> bool:
        """Return whether *url* is an address of this server."""
        return f"localhost:{self.port}/" in url


@asynccontextmanager
async def served_sites(content: SavedContent) -> AsyncIterator[ServedSites]:
    """Serve *content*, and close it."""
    try:
        async with SiteServer(content, ServeOptions(port=0)) as server:
            yield ServedSites(server.url)
    finally:
        content.close()
