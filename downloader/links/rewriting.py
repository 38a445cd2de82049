"""Replaces links in a document, and leaves every other byte as it is."""

from collections.abc import Callable, Sequence

from downloader.errors import BadUrlError
from downloader.links.finder import Finder, Found
from downloader.links.model import Change, Link, Local, Rewritten
from downloader.links.resolve import ascii_only
from downloader.links.source import Edit, Source
from downloader.urls import Url, join

Replace = Callable[[Link], Local | str | None]


def rewritten(source: Source, url: Url, finder: Finder, replace: Replace) -> Rewritten:
    """Return the document at *url* with other links; see :meth:`downloader.links.Page.rewrite`."""
    edits: dict[tuple[int, int], tuple[Edit, Link | None]] = {
        (edit.start, edit.end): (edit, None) for edit in finder.edits
    }
    for item in finder.found:
        link = item.link
        local = replace(link) if link.url else None
        new = local.reference if isinstance(local, Local) else local
        if new is None and link.url and finder.rebased and _means(url, link.value) != link.url:
            new = link.url + link.fragment
        if new is None:
            continue
        edits |= {(edit.start, edit.end): (edit, None) for edit in _untied(item, local, url)}
        if new == link.value:
            continue
        edit = Edit(link.start, link.end, item.escape(ascii_only(new)))
        edits[edit.start, edit.end] = (edit, link)
    chosen = _in_order(edits)
    changes = tuple(
        Change(edit.start, edit.end, source.text[edit.start : edit.end], edit.text, link)
        for edit, link in chosen
    )
    return Rewritten(source.splice([edit for edit, _ in chosen]), changes)


def _untied(item: Found, new: Local | str | None, url: Url) -> Sequence[Edit]:
    """Return the edits without which what a link now leads to would not be used.

    A local file may have new links, too; and from ``file:`` a browser uses nothing that is tied.
    """
    if not item.guards or new is None:
        return ()
    changed = isinstance(new, Local) or _means(url, new) != item.link.url
    return item.guards if changed else ()


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
