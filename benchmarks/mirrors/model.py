"""The data of the comparison: pages in the browser, and the results for each tool."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

#: How a mirror is opened: over a static web server, from the file system, or by download serve.
Way = Literal["http", "file", "serve"]
#: The ways that every tool's mirror is opened in.
WAYS: tuple[Way, ...] = ("http", "file")


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that a page loaded.

    Attributes:
        name: the last segment of its URL, percent-decoded.
        digest: SHA-256 of its bytes, in hex.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class BrowsedPage:
    """One page, as a browser showed it; with absolute URLs."""

    url: str
    resources: tuple[Resource, ...]
    failed: tuple[str, ...]
    links: tuple[str, ...]
    screenshot: bytes  # PNG


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links of a page lead: to a file of the mirror, to the web, or to no file."""

    local: tuple[str, ...] = ()
    absolute: tuple[str, ...] = ()
    dangling: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one page of a mirror compares with the page online."""

    url: str
    file: str | None  # of the mirror, if the tool saved the page
    resources: int  # that the page loads online
    missing: tuple[str, ...]  # resources that it does not load offline
    failed: tuple[str, ...]
    identical: bool  # to the pixel
    links: Links

    @property
    def doubtful(self) -> bool:
        """Whether the page was saved, but differs, so that it is opened again.

        A busy browser draws a pixel differently, or omits an icon, in one of a hundred pages.
        """
        return self.file is not None and self.merit < (True, 0)

    @property
    def merit(self) -> tuple[bool, int]:
        """A key by which the better of two results for a page is chosen."""
        return self.identical, -len(self.missing)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tool on one site; times in seconds."""

    tool: str
    seconds: float
    cpu: float
    exit_status: int
    capped: bool
    http: tuple[Verdict, ...]
    file: tuple[Verdict, ...]
    serve: tuple[Verdict, ...] = ()  # of download only


@dataclass(frozen=True, slots=True)
class Comparison:
    """One site, and every tool on it."""

    site: str
    pages: int
    resources: int  # loaded online, summed over pages
    failed: int  # requests that fail online, too
    links: int
    unsteady: int  # pages that look different when they are opened online again
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """The verdicts on all pages of a site, summed."""

    pages: int
    found: int
    resources: int
    loaded: int
    failed: int
    identical: int
    local: int
    absolute: int
    dangling: int


def total(verdicts: Iterable[Verdict]) -> Total:
    """Return the sums of verdicts."""
    all_verdicts = tuple(verdicts)
    resources = sum(verdict.resources for verdict in all_verdicts)
    return Total(
        pages=len(all_verdicts),
        found=sum(verdict.file is not None for verdict in all_verdicts),
        resources=resources,
        loaded=resources - sum(len(verdict.missing) for verdict in all_verdicts),
        failed=sum(len(verdict.failed) for verdict in all_verdicts),
        identical=sum(verdict.identical for verdict in all_verdicts),
        local=sum(len(verdict.links.local) for verdict in all_verdicts),
        absolute=sum(len(verdict.links.absolute) for verdict in all_verdicts),
        dangling=sum(len(verdict.links.dangling) for verdict in all_verdicts),
    )
