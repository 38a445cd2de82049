"""Check links: read the pages that were asked for, ask every link once, and save nothing.

A :class:`LinkCheck` reads its sources like any run, and makes its requests with the pool of
:mod:`downloader.core`, in which ``link_requests`` takes the place of a download: HEAD or GET, and
the body only of what is read. ``link_policy`` decides what becomes of each link of a page, by the
scope of :mod:`downloader.mirror`. Every link is in ``link_table``, a temporary database, with the
first places that name it; ``report_builder`` makes the report of it. ``link_sources`` reads the
sources, of which ``local_documents`` are on the disk, and ``link_recorder`` records what is found.
``document_links`` has the links of one document and the targets of fragments in it, and
``result_cache`` remembers external links for the next run.

Terms, beside those of :mod:`downloader.links` and :mod:`downloader.mirror`:

internal
    On a host that the sources name, or that the scope includes. Other links are *external*: they
    are asked, and not read for links.
"""

from downloader.link_check.link_check import LinkCheck
from downloader.link_check.options import (
    HostRule,
    LinkCheckOptions,
    StatusSet,
    parse_host_rule,
    parse_status_set,
)

__all__ = [
    "HostRule",
    "LinkCheck",
    "LinkCheckOptions",
    "StatusSet",
    "parse_host_rule",
    "parse_status_set",
]
