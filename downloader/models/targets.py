"""What is to be fetched."""

from dataclasses import dataclass

from downloader.web.urls import Url, redact


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the decoded body must hash to: an algorithm of :mod:`hashlib`, and lower-case hex."""

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address to fetch: one line of a list, or what a page needs or links to.

    Attributes:
        url: where the request goes; may hold a password, so print :attr:`shown`.
        index: place among all lines, from 0; of what was found, that of the line that led there.
        origin: where it was read, such as ``sites.txt:3``.
        name: the file name the list gives, or None.
        checksum: what the list says the body hashes to, or None.
        headers: sent with this request only.
        parent: the address of the page that it was found on; empty for a line of a list.
        needed: whether that page does not show as it should without it.
        optional: whether nothing is amiss when the server does not have it.
        root: the address of the line that led there; None for the line itself.
            Secrets that the user gave belong to its origin alone.
        depth: so many links lead from a line of the list to the page that it is, or is part of.
        nesting: how deeply it is part of that page; 0 if it is the page.
        hops: so many redirects, since it was found.
        delay: seconds that its site wants between two requests.
    """

    url: Url
    index: int = 0
    origin: str = ""
    name: str | None = None
    checksum: Checksum | None = None
    headers: tuple[tuple[str, str], ...] = ()
    parent: str = ""
    needed: bool = False
    optional: bool = False
    root: Url | None = None
    depth: int = 0
    nesting: int = 0
    hops: int = 0
    delay: float = 0.0

    @property
    def shown(self) -> str:
        """The address without its password."""
        return redact(self.url)
