"""The data that packages exchange: options, targets, outcomes and HTTP exchanges.

All of it is frozen and picklable. ``targets`` are the URLs to fetch, ``requests`` the methods and
bodies of those that are no plain GET, and ``outcomes`` their results; ``options`` configure a run,
in groups, and ``runs`` describe its progress and its end. ``url_record`` declares the fields that
every report has of a URL, by ``field_declarations``; ``outcome_conversion`` fills them from an
outcome, and ``changes`` names how two records differ. ``link_report`` is the result of a link
check.
"""

from downloader.models.extraction import ExtractedPage, ExtractionOptions
from downloader.models.link_report import (
    CheckedPage,
    LinkMention,
    LinkProblem,
    LinkRecord,
    LinkReport,
    LinkTotals,
    LinkVerdict,
)
from downloader.models.naming_options import NamingOptions
from downloader.models.options import (
    DEFAULT_CERT_DAYS,
    DEFAULT_LEVEL,
    DEFAULT_MAX_QUERIES,
    DEFAULT_PACK_BYTES,
    MAX_SAMPLE_LINES,
    ArchiveOptions,
    FilterOptions,
    ListOptions,
    MirrorOptions,
    Options,
    OutputOptions,
    Pack,
    StorageOptions,
    TransferOptions,
    WarcDigest,
)
from downloader.models.outcomes import (
    Downloaded,
    Failed,
    Outcome,
    Sizes,
    Skipped,
    SkipReason,
    Timings,
    Unchanged,
)
from downloader.models.partial_body import PartialBody
from downloader.models.request_options import (
    USER_AGENT,
    HostAddresses,
    NetworkOptions,
    PolitenessOptions,
    RequestOptions,
)
from downloader.models.requests import MAX_REQUEST_BODY_BYTES, Request, shared_request
from downloader.models.runs import ExitStatus, InFlight, Tally
from downloader.models.targets import Checksum, ColumnValue, InputLine, Target
from downloader.web.text_names import TextFormat

__all__ = [
    "DEFAULT_CERT_DAYS",
    "DEFAULT_LEVEL",
    "DEFAULT_MAX_QUERIES",
    "DEFAULT_PACK_BYTES",
    "MAX_REQUEST_BODY_BYTES",
    "MAX_SAMPLE_LINES",
    "USER_AGENT",
    "ArchiveOptions",
    "CheckedPage",
    "Checksum",
    "ColumnValue",
    "Downloaded",
    "ExitStatus",
    "ExtractedPage",
    "ExtractionOptions",
    "Failed",
    "FilterOptions",
    "HostAddresses",
    "InFlight",
    "InputLine",
    "LinkMention",
    "LinkProblem",
    "LinkRecord",
    "LinkReport",
    "LinkTotals",
    "LinkVerdict",
    "ListOptions",
    "MirrorOptions",
    "NamingOptions",
    "NetworkOptions",
    "Options",
    "Outcome",
    "OutputOptions",
    "Pack",
    "PartialBody",
    "PolitenessOptions",
    "Request",
    "RequestOptions",
    "Sizes",
    "SkipReason",
    "Skipped",
    "StorageOptions",
    "Tally",
    "Target",
    "TextFormat",
    "Timings",
    "TransferOptions",
    "Unchanged",
    "WarcDigest",
    "shared_request",
]
