"""Replaces links in a document, and leaves every other byte as it is."""

from collections.abc import Callable

from downloader.errors import BadUrlError
from downloader.links.collector import LinkCollector
from downloader.links.model import Link, LocalFile, Replacement, RewrittenDocument
from downloader.links.source_text import Edit, SourceText
from downloader.links.url_resolver import ascii_only
from downloader.web.urls import Url, join

Replace = Callable[[Link], LocalFile | str | None]


def rewritten(
    source: SourceText, url: Url, finder: LinkCollector, replace: Replace
) -> RewrittenDocument:
    """Return the document at *url* with other links; see ``ParsedPage.rewrite``."""
    changes = {edit[:2]: _given_way(source, edit) for edit in finder.edits}
    for link, manner in zip(finder.links, finder.manners, strict=True):
        local = replace(link) if link.url else None
        new = local.reference if isinstance(local, LocalFile) else local
        if new is None and link.url and finder.rebased and _means(url, link.value) != link.url:
            new = link.url + link.fragment
        if new is None:
            continue
        if manner.guards and not _is_same(link, local, url):
            changes |= {edit[:2]: _given_way(source, edit) for edit in manner.guards}
        if new != link.value:
            text = manner.escape(ascii_only(new))
            changes[link.start, link.end] = Replacement(link.start, link.end, link.raw, text, link)
    chosen = _in_order(changes)
    return RewrittenDocument(source.splice(chosen), tuple(chosen))


def _given_way(source: SourceText, edit: Edit) -> Replacement:
    start, end, text = edit
    return Replacement(start, end, source.text[start:end], text)


def _is_same(link: Link, new: LocalFile | str | None, url: Url) -> bool:
    """Return whether a link leads to what it led to, as far as what ties it to that can tell.

    A local file may have new links, too; and from ``file:`` a browser uses nothing that is tied.
    """
    return not isinstance(new, LocalFile) and (new is None or _means(url, new) == link.url)


def _in_order(changes: dict[tuple[int, int], Replacement]) -> list[Replacement]:
    """Return the changes sorted, without any that would reach into the one before it."""
    chosen: list[Replacement] = []
    end = 0
    for place in sorted(changes):
        if place[0] >= end:
            chosen.append(changes[place])
            end = place[1]
    return chosen


def _means(url: Url, reference: str) -> Url | None:
    try:
        return join(url, reference)
    except BadUrlError:
        return None
