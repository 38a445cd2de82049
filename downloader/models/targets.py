"""Targets: what is to be fetched."""

from dataclasses import dataclass, field

from downloader.models.requests import Request
from downloader.web.urls import Url, redact

#: The value of a column of a list.
ColumnValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line of a list as it was written, for reports.

    Attributes:
        text: its address, without a password.
        number: of the line, the row or the item, from 1; None if it was in no list.
        columns: the other columns of the row, or members of the object: names and values.
    """

    text: str
    number: int | None = None
    columns: tuple[tuple[str, ColumnValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Checksum:
    """The expected hash of a decoded body.

    Attributes:
        algorithm: a name of :mod:`hashlib`.
        digest: in lower-case hex.
    """

    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL to fetch: a line of a list, or a link or requisite of a page.

    Attributes:
        url: the URL to request; it may contain a password, so print :attr:`shown`.
        index: position in the list, from 0; for a link, that of the line that led to it.
        origin: where it was read, such as ``sites.txt:3``.
        name: the file name that the list gives, or None.
        checksum: the checksum that the list gives, or None.
        headers: header fields of this request only.
        request: the method and the body; None for a GET without a body.
        parent: the URL of the page that refers to it; empty for a line of a list.
        needed: whether it is a requisite of that page: needed to show it properly.
        optional: whether a 404 for it is not a failure.
        root: the URL of the line that led to it; for a line of a list on the network, the URL of
            the list that the user named; None for another line. Credentials of the user are sent
            to the origin of this URL alone.
        depth: links between the line of the list and the page that this is, or is part of.
        nesting: levels of requisites between that page and this; 0 for the page itself.
        redirects: redirects followed since it was found.
        source_line: its line as it was written, if reports need it.
        delay: seconds between two requests that its site asks for (robots.txt, Crawl-delay).
        shown: the URL without its password.
    """

    url: Url
    index: int = 0
    origin: str = ""
    name: str | None = None
    checksum: Checksum | None = None
    headers: tuple[tuple[str, str], ...] = ()
    request: Request | None = None
    parent: str = ""
    needed: bool = False
    optional: bool = False
    root: Url | None = None
    depth: int = 0
    nesting: int = 0
    redirects: int = 0
    delay: float = 0.0
    source_line: InputLine | None = None
    shown: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        url = self.url
        object.__setattr__(self, "shown", redact(url) if "@" in url else url)

    @property
    def identity(self) -> str:
        """What tells this request from others: the URL without password, and what is no GET."""
        return self.shown if self.request is None else f"{self.request.identity} {self.shown}"
