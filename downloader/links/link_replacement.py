"""Replaces links in a document and keeps every other byte."""

from collections.abc import Callable

from downloader.errors import BadUrlError
from downloader.links.collector import LinkCollector
from downloader.links.model import Link, LocalFile, Replacement, RewrittenDocument
from downloader.links.source_text import Edit, SourceText
from downloader.links.url_resolver import percent_encode_unsafe
from downloader.web.urls import Url, join

ReplaceLink = Callable[[Link], LocalFile | str | None]


def rewrite_document(
    source: SourceText, url: Url, collector: LinkCollector, replace: ReplaceLink
) -> RewrittenDocument:
    """Return the document at *url* with replaced links; see ``ParsedDocument.rewrite``."""
    replacements = {edit[:2]: _replacement_by(source, edit) for edit in collector.edits}
    removes_base = collector.removes_base
    for link, rule in zip(collector.links, collector.rewrite_rules, strict=True):
        target = replace(link) if link.url else None
        new: str | None
        if isinstance(target, LocalFile):
            new = target.relative_url
        elif target is None and removes_base:
            new = _reference_without_base(link, url)
        else:
            new = target
        if new is None:
            continue
        if rule.guard_removals and not _is_same_resource(link, target, url):
            replacements |= {
                edit[:2]: _replacement_by(source, edit) for edit in rule.guard_removals
            }
        if new != link.value:
            written = rule.escape(percent_encode_unsafe(new))
            start, end = link.start, link.end
            replacements[start, end] = Replacement(start, end, link.raw, written, link)
    in_order = _without_overlaps(replacements)
    return RewrittenDocument(source.splice(in_order), tuple(in_order))


def _reference_without_base(link: Link, url: Url) -> str | None:
    """Return what replaces a kept link, as the document loses its base URL; None to keep it."""
    if link.url and _resolved(url, link.value) != link.url:
        return link.url + link.fragment
    return None


def _replacement_by(source: SourceText, edit: Edit) -> Replacement:
    start, end, text = edit
    return Replacement(start, end, source.text[start:end], text)


def _is_same_resource(link: Link, target: LocalFile | str | None, url: Url) -> bool:
    """Return whether a link still loads the bytes that ``integrity`` describes, from its origin.

    A local file may have been rewritten itself; and from ``file:`` a browser loads nothing that
    has ``integrity`` or ``crossorigin``.
    """
    return not isinstance(target, LocalFile) and (
        target is None or _resolved(url, target) == link.url
    )


def _without_overlaps(replacements: dict[tuple[int, int], Replacement]) -> list[Replacement]:
    """Return the replacements in order, without those that overlap the one before."""
    chosen: list[Replacement] = []
    end = 0
    for span in sorted(replacements):
        if span[0] >= end:
            chosen.append(replacements[span])
            end = span[1]
    return chosen


def _resolved(base: Url, reference: str) -> Url | None:
    try:
        return join(base, reference)
    except BadUrlError:
        return None
