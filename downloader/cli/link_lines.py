"""The result of a check of links, as lines on the terminal."""

from collections.abc import Iterator, Sequence

from downloader.cli.outcome_lines import count
from downloader.models import LinkMention, LinkProblem, LinkRecord, LinkReport, LinkVerdict

#: A link that more pages name is printed once, with the first of them.
_MAX_PAGES = 3


def problem_lines(links: Sequence[LinkRecord]) -> Iterator[str]:
    """Yield broken links and warnings: those that many pages name first, the others by page."""
    common = [link for link in links if _page_count(link) > _MAX_PAGES]
    if common:
        yield "On many pages"
        for link in common:
            yield from _link_lines("", link)
            yield from _page_lines(link)
    pages: dict[str, list[tuple[LinkMention, LinkRecord]]] = {}
    for link in links:
        if _page_count(link) <= _MAX_PAGES:
            for mention in link.mentions or (LinkMention(""),):
                pages.setdefault(mention.page, []).append((mention, link))
    for page, named in pages.items():
        yield page or "Certificates"
        for mention, link in sorted(named, key=lambda each: each[0].line or 0):
            yield from _link_lines("" if mention.line is None else str(mention.line), link)


def _page_count(link: LinkRecord) -> int:
    """Return how many pages name a link, as far as is known: more are as good as many."""
    if link.mention_count > len(link.mentions):
        return _MAX_PAGES + 1
    return len({mention.page for mention in link.mentions})


def _link_lines(line: str, link: LinkRecord) -> Iterator[str]:
    yield f"{line:>7}  {link.url}"
    what = "warning: " if link.verdict is LinkVerdict.WARNING else ""
    preposition = "in" if link.kind is LinkProblem.MISSING_FRAGMENT else "at"
    final = f" {preposition} {link.final_url}" if link.final_url and not link.moved_to else ""
    hint = f"; {link.hint}" if link.hint else ""
    yield f"{'':>7}  {what}{link.message}{final}{hint}"


def _page_lines(link: LinkRecord) -> Iterator[str]:
    for mention in link.mentions[:_MAX_PAGES]:
        line = "" if mention.line is None else f":{mention.line}"
        yield f"{'':>9}in {mention.page}{line}"
    more = link.mention_count - _MAX_PAGES
    if more > 0:
        yield f"{'':>9}and {count(more, 'more place')}"


def summary_lines(report: LinkReport) -> list[str]:
    """Return the last lines: the size of a check, and its totals."""
    totals = report.totals
    rest = [
        f", {number} {what}"
        for number, what in (
            (totals.excluded, "excluded"),
            (totals.disallowed, "disallowed by robots.txt"),
            (totals.not_checked, "not checked"),
            (totals.unlisted, "not listed"),
        )
        if number
    ]
    documents, requests = count(totals.pages, "document"), count(totals.requests, "URL")
    return [
        f"{documents} read, {requests} asked in {report.seconds:.2f} s",
        f"{count(totals.links, 'link')}: {totals.ok} ok, {count(totals.warnings, 'warning')}, "
        f"{totals.broken} broken{''.join(rest)}",
    ]
