"""What was seen and what is shown: data only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Way = Literal["http", "file"]
"""How a mirror is opened: over a static web server, or from the file system."""
WAYS: tuple[Way, ...] = ("http", "file")


@dataclass(frozen=True, slots=True)
class Resource:
    """What a page loaded besides itself.

    Attributes:
        name: the last part of its address, or of its file's path, percent-decoded.
        digest: SHA-256 of its bytes, as hexadecimal digits.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One page, as a browser showed it; addresses in full."""

    url: str
    resources: tuple[Resource, ...]
    failed: tuple[str, ...]
    links: tuple[str, ...]
    screenshot: bytes  # PNG


@dataclass(frozen=True, slots=True)
class Links:
    """Where the links of a page lead: to a file of the mirror, to the web, or nowhere."""

    local: tuple[str, ...] = ()
    absolute: tuple[str, ...] = ()
    dangling: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one page of a mirror compares with the page online."""

    url: str
    file: str | None  # in the mirror, if the tool saved the page
    resources: int  # that the page loads online
    missing: tuple[str, ...]  # of these, what it does not load offline
    failed: tuple[str, ...]
    identical: bool  # to the pixel
    links: Links

    @property
    def doubtful(self) -> bool:
        """Whether the page was saved and is not all that it is online.

        A busy browser draws a pixel differently, or leaves out an icon, once in a hundred pages.
        """
        return self.file is not None and self.merit < (True, 0)

    @property
    def merit(self) -> tuple[bool, int]:
        """What makes one look at a page better than another."""
        return self.identical, -len(self.missing)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One tool on one site. Times are in seconds."""

    tool: str
    seconds: float
    cpu: float
    exit_status: int
    capped: bool
    http: tuple[Verdict, ...]
    file: tuple[Verdict, ...]

    def verdicts(self, way: Way) -> tuple[Verdict, ...]:
        """Return what was found when the mirror was opened this way."""
        return self.http if way == "http" else self.file


@dataclass(frozen=True, slots=True)
class Comparison:
    """One site, and every tool on it."""

    site: str
    pages: int
    resources: int  # loaded online, summed over pages
    failed: int  # requests that fail online, too
    links: int
    unsteady: int  # pages that look different each time they are opened online
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
    """Sum verdicts."""
    all_of = tuple(verdicts)
    resources = sum(verdict.resources for verdict in all_of)
    return Total(
        pages=len(all_of),
        found=sum(verdict.file is not None for verdict in all_of),
        resources=resources,
        loaded=resources - sum(len(verdict.missing) for verdict in all_of),
        failed=sum(len(verdict.failed) for verdict in all_of),
        identical=sum(verdict.identical for verdict in all_of),
        local=sum(len(verdict.links.local) for verdict in all_of),
        absolute=sum(len(verdict.links.absolute) for verdict in all_of),
        dangling=sum(len(verdict.links.dangling) for verdict in all_of),
    )
