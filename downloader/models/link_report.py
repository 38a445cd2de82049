"""The result of a link check: the links that are broken or worth a warning, and where they stand.

Formats of reports read this and nothing else of a check.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from downloader.errors import ErrorKind


class LinkVerdict(StrEnum):
    """What a check says about a link."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


class LinkProblem(StrEnum):
    """Problems of links that are no failures of a request; see :class:`ErrorKind` for those."""

    #: There is no such file in the folder that is checked.
    MISSING_FILE = "missing-file"
    #: The document is there, and has no element with this ``id`` or ``name``.
    MISSING_FRAGMENT = "missing-fragment"
    #: The server says that the address has changed for good (301 or 308).
    MOVED = "moved"
    #: The certificate of the host is about to expire.
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class LinkMention:
    """A place that names a link.

    Attributes:
        page: the URL of the document, without password; a path for a document on the disk.
        line: in the document, from 1; None for a line of a list, and for a redirect.
        construct: where it stands, such as ``img[srcset]``; empty for a line of a list.
    """

    page: str
    line: int | None = None
    construct: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRecord:
    """One link: an address with its fragment, wherever it stands.

    Attributes:
        url: the address, without password; a path for a file on the disk.
        verdict: what the check says.
        kind: what is wrong; None for a link that is fine.
        message: the same in one line for a person, such as ``404 Not Found``.
        hint: what to do about it; may be empty.
        status: the HTTP status of the last response, if there was one.
        final_url: the address that answered, after redirects; empty if it is *url*.
        moved_to: what to write instead, if the address has changed for good; or empty.
        is_external: whether it leads out of what is checked.
        mentions: the first places that name it.
        mention_count: how many places name it, those beyond *mentions* included.
    """

    url: str
    verdict: LinkVerdict
    kind: ErrorKind | LinkProblem | None = None
    message: str = ""
    hint: str = ""
    status: int | None = None
    final_url: str = ""
    moved_to: str = ""
    is_external: bool = False
    mentions: tuple[LinkMention, ...] = ()
    mention_count: int = 0


@dataclass(frozen=True, slots=True)
class CheckedPage:
    """A document that was read for links.

    Attributes:
        url: as :attr:`LinkMention.page` names it.
        links: how many references it has that were checked.
    """

    url: str
    links: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTotals:
    """Counts over a check; links are counted once, however many places name them.

    Attributes:
        pages: documents that were read.
        links: links that were found, those that were not checked included.
        ok, warnings, broken: links by verdict.
        excluded: links that the user excluded, or that ``--offline`` leaves out.
        disallowed: links that robots.txt disallows.
        not_checked: links that were left for another reason, such as an interrupted run.
        requests: URLs that were asked over the network; the others are on the disk or cached.
        unlisted: broken links and warnings beyond those of :attr:`LinkReport.links`.
    """

    pages: int = 0
    links: int = 0
    ok: int = 0
    warnings: int = 0
    broken: int = 0
    excluded: int = 0
    disallowed: int = 0
    not_checked: int = 0
    requests: int = 0
    unlisted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """The result of a check.

    Attributes:
        links: the broken links, then the warnings, each in the order in which they were found.
        pages: the documents that were read, the first of very many.
        totals: counts over all of them.
        started: when the check began, in seconds since the epoch.
        seconds: its duration.
        complete: whether everything was checked that was asked for.
    """

    links: tuple[LinkRecord, ...] = ()
    pages: tuple[CheckedPage, ...] = ()
    totals: LinkTotals = field(default_factory=LinkTotals)
    started: float = 0.0
    seconds: float = 0.0
    complete: bool = True
