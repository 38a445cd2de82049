"""Replaces links in a document, and leaves every other byte as it is."""

from collections.abc import Callable

from downloader.errors import BadUrlError
from downloader.links.finder import Finder
from downloader.links.model import Change, Link, Rewritten
from downloader.links.resolve import ascii_only
from downloader.links.source import Edit, Source
from downloader.urls import Url, join

Replace = Callable[[Link], str | None]


def rewritten(source: Source, url: Url, finder: Finder, replace: Replace) -> Rewritten:
    """Return the document at *url* with other links; see :meth:`downloader.links.Page.rewrite`."""
    edits: dict[tuple[int, int], tuple[Edit, Link | None]] = {
        (edit.start, edit.end): (edit, None) for edit in finder.edits
    }
    for item in finder.found:
        link = item.link
        new = replace(link) if link.url else None
        if new is None and link.url and finder.rebased and _means(url, link.value) != link.url:
            new = link.url + link.fragment
        if new is None or new == link.value:
            continue
        edit = Edit(link.start, link.end, item.escape(ascii_only(new)))
        edits[edit.start, edit.end] = (edit, link)
        if item.guards and _means(url, new) != link.url:
            edits |= {(guard.start, guard.end): (guard, None) for guard in item.guards}
    chosen = _in_order(edits)
    changes = tuple(
        Change(edit.start, edit.end, source.text[edit.start : edit.end], edit.text, link)
        for edit, link in chosen
    )
    return Rewritten(source.splice([edit for edit, _ in chosen]), changes)


def _in_order(
    edits: dict[tuple[int, int], tuple[Edit, Link | None]],
) -> list[tuple[Edit, Link | None]]:
    """Return the edits sorted, without any that would reach into the one before it."""
    chosen: list[tuple[Edit, Link | None]] = []
    end = 0
    for place in sorted(edits):
        if place[0] >= end:
            chosen.append(edits[place])
            end = place[1]
    return chosen


def _means(url: Url, reference: str) -> Url | None:
    try:
        return join(url, reference)
    except BadUrlError:
        return None
