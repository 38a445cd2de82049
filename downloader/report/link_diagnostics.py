"""What a check of links has found, as diagnostics for CI systems."""

from collections.abc import Iterator

from downloader.errors import ErrorKind
from downloader.models import LinkRecord, LinkReport, LinkVerdict
from downloader.models.outcome_conversion import time_text
from downloader.report.diagnostics import Diagnostic, Level, Location


def link_diagnostics(report: LinkReport) -> Iterator[Diagnostic]:
    """Yield the broken links and the warnings of a check, as far as they are listed."""
    for link in report.links:
        yield Diagnostic(
            rule=(link.kind or ErrorKind.INTERNAL).value,
            level=Level.ERROR if link.verdict is LinkVerdict.BROKEN else Level.WARNING,
            url=link.url,
            message=link.message,
            hint=link.hint or _target(link),
            locations=tuple(Location(each.page, each.line) for each in link.mentions),
            more_locations=link.mention_count - len(link.mentions),
        )


def _target(link: LinkRecord) -> str:
    """Return where a link leads, if neither the link nor its message says so."""
    return f"it leads to {link.final_url}" if link.final_url and not link.moved_to else ""


def notes_of(report: LinkReport) -> list[str]:
    """Return what the report does not say: links that are not listed, or were not checked."""
    totals = report.totals
    notes = []
    if totals.unlisted:
        notes.append(f"{totals.unlisted:,} more broken links and warnings are not listed")
    if not report.complete:
        notes.append(f"the check was stopped: {totals.not_checked:,} links were not checked")
    return notes


def start_time(report: LinkReport) -> str:
    """Return when the check began, as RFC 3339 writes it."""
    return time_text(report.started) or ""
