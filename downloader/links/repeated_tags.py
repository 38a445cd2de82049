"""The links of start tags that pages of a site repeat, such as those of style sheets and icons.

What :class:`ElementScanner` finds in a tag is remembered, so that the next page with this tag need
not be searched for it. Only URLs, which depend on the page, are resolved again.
"""

from typing import NamedTuple

from downloader.links.attribute_spans import START_TAG
from downloader.links.collector import LinkCollector, RewriteRule
from downloader.links.element_scanner import ElementScanner
from downloader.links.elements import Element, ElementNamespace
from downloader.links.model import Link
from downloader.links.source_text import Edit
from downloader.links.url_resolver import UrlResolver
from downloader.web.urls import Url

#: Tags that are remembered, and the characters of the longest ones.
_MAX_TAGS, _MAX_TAG_LENGTH = 2048, 512
#: Elements whose links depend on more than one tag: on their content, on their parent, or on a
#: second tag, whose attributes the parser adds to those of the first.
_ELEMENTS_OF_SEVERAL_TAGS = frozenset(
    {"style", "noscript", "iframe", "source", "track", "html", "body"}
)


class _Findings(NamedTuple):
    """What a tag adds to a collector; offsets count from the start of the tag."""

    links: tuple[tuple[Link, RewriteRule], ...]
    edits: tuple[Edit, ...]


#: By the text of the tag, and by what the links of a page depend on beside it.
_known_tags: dict[tuple[str, bool, bool], _Findings] = {}


class RepeatedTags:
    """Collects the links of HTML elements, and remembers them by the text of their tags.

    Args:
        collector: receives the links.
        resolver: resolves their references.
        scanner: finds the links of tags that are not known; its text is the document itself.
        nofollow: whether the page asks robots to follow none of its links.
    """

    def __init__(
        self,
        collector: LinkCollector,
        resolver: UrlResolver,
        scanner: ElementScanner,
        *,
        nofollow: bool,
    ) -> None:
        self._collector = collector
        self._resolve = resolver.resolve
        self._scanner = scanner
        self._nofollow, self._same_document_links = nofollow, scanner.same_document_links

    def collect_known(self, offset: int) -> bool:
        """Collect the links of the tag at *offset* if it is known; return whether it is."""
        key = self._key(offset)
        findings = _known_tags.get(key) if key else None
        if findings is None:
            return False
        collector = self._collector
        for link, rule in findings.links:
            if collector.is_full:
                break
            url, fragment = self._resolve(link.value)
            collector.append(_moved(link, offset, url, fragment), _moved_rule(rule, offset))
        collector.edits += [_moved_edit(edit, offset) for edit in findings.edits]
        return True

    def collect(self, element: Element) -> None:
        """Collect the links of an element, and remember them if they depend on its tag alone."""
        collector = self._collector
        link_count, edit_count = len(collector.links), len(collector.edits)
        self._scanner.collect(element)
        offset = element.tag_offset
        key = self._key(offset)
        if key is None or collector.is_full or not _depends_on_tag(element):
            return
        if len(_known_tags) >= _MAX_TAGS:
            _known_tags.clear()
        links = collector.links[link_count:]
        rules = collector.rewrite_rules[link_count:]
        _known_tags[key] = _Findings(
            tuple(
                (_moved(link, -offset, None, ""), _moved_rule(rule, -offset))
                for link, rule in zip(links, rules, strict=True)
            ),
            tuple(_moved_edit(edit, -offset) for edit in collector.edits[edit_count:]),
        )

    def _key(self, offset: int) -> tuple[str, bool, bool] | None:
        """Return the key of the tag at *offset*; None if it is too long to be remembered."""
        text = self._collector.text
        tag = START_TAG.match(text, offset, offset + _MAX_TAG_LENGTH)
        return (tag[0], self._nofollow, self._same_document_links) if tag else None


def _depends_on_tag(element: Element) -> bool:
    """Return whether the links of an element are the same wherever its tag stands."""
    if element.namespace is not ElementNamespace.HTML or element.name in _ELEMENTS_OF_SEVERAL_TAGS:
        return False
    return element.name != "script" or element.get("src") is not None


def _moved(link: Link, offset: int, url: Url | None, fragment: str) -> Link:
    _, _, kind, value, raw, start, end, construct, rel, nofollow, lazy = link
    span = (start + offset, end + offset)
    return Link(url, fragment, kind, value, raw, *span, construct, rel, nofollow, lazy)


def _moved_rule(rule: RewriteRule, offset: int) -> RewriteRule:
    if not rule.guard_removals:
        return rule
    return RewriteRule(rule.escape, [_moved_edit(edit, offset) for edit in rule.guard_removals])


def _moved_edit(edit: Edit, offset: int) -> Edit:
    return Edit(edit.start + offset, edit.end + offset, edit.text)
