"""The fields that reports have of a check of links."""

from collections.abc import Iterator

from downloader._version import __version__
from downloader.models import LinkMention, LinkRecord, LinkReport
from downloader.models.field_declarations import Value
from downloader.models.outcome_conversion import rounded, time_text

#: Names this version of a JSON report on links.
LINKS_SCHEMA_ID = "urn:download:links:1"
#: The columns of a table with a row for each place that names a link.
LINK_COLUMNS = (
    *("url", "verdict", "kind", "message", "hint", "status", "final_url", "moved_to"),
    *("is_external", "page", "line", "construct", "mention_count"),
)
LINK_URL_COLUMNS = frozenset({"url", "final_url", "moved_to", "page"})


def link_dict(link: LinkRecord) -> dict[str, object]:
    """Return a link as JSON writes it."""
    return {
        **_link_values(link),
        "mention_count": link.mention_count,
        "mentions": [
            {"page": each.page, "line": each.line, "construct": each.construct}
            for each in link.mentions
        ],
    }


def link_rows(link: LinkRecord) -> Iterator[tuple[Value, ...]]:
    """Yield the values of :data:`LINK_COLUMNS` for each place that names a link."""
    values = tuple(_link_values(link).values())
    for each in link.mentions or (LinkMention(""),):
        yield (*values, each.page, each.line, each.construct, link.mention_count)


def _link_values(link: LinkRecord) -> dict[str, Value]:
    return {
        "url": link.url,
        "verdict": link.verdict,
        "kind": link.kind,
        "message": link.message,
        "hint": link.hint or None,
        "status": link.status,
        "final_url": link.final_url or None,
        "moved_to": link.moved_to or None,
        "is_external": link.is_external,
    }


def run_dict(report: LinkReport) -> dict[str, object]:
    """Return the check as a whole."""
    totals = report.totals
    return {
        "program": "download",
        "version": __version__,
        "started": time_text(report.started),
        "seconds": rounded(report.seconds),
        "complete": report.complete,
        **{name: getattr(totals, name) for name in totals.__slots__},
    }
