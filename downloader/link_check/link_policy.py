"""What becomes of each link of a page: not checked, asked, or read for links of its own. Pure."""

from dataclasses import dataclass, replace
from functools import lru_cache

from downloader.link_check.document_links import FoundLink
from downloader.link_check.link_table import Purpose, QueuedTarget
from downloader.link_check.options import HostRule, LinkCheckOptions, StatusSet
from downloader.links import LinkKind, can_contain_links
from downloader.mirror.link_selector import MAX_NESTING, scope_of, trap_limits_of
from downloader.mirror.scope import RefusalReason, TrapDetector
from downloader.models import Options
from downloader.web import urls
from downloader.web.media_types import OCTET_STREAM, guess_media_type
from downloader.web.urls import Url

#: The rank of internal targets that are only asked: once all pages are read, it is known whether
#: their fragments are needed.
LAST_RANK = 1_000_000
#: Requisites that may have links of their own.
_READ_REQUISITES = frozenset(
    {
        *(LinkKind.STYLESHEET, LinkKind.SCRIPT, LinkKind.MODULE, LinkKind.MANIFEST),
        *(LinkKind.FRAME, LinkKind.OBJECT, LinkKind.SVG_ELEMENT),
    }
)
_CACHED_HOSTS = 4096


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What becomes of a link.

    Attributes:
        purpose: why it is asked; None if it is not checked.
        rank: which of those that wait goes first.
        is_external: whether it leads to another site.
        depth: links between a source and the page that this is, or is part of.
        nesting: levels of requisites between that page and this.
    """

    purpose: Purpose | None
    rank: int
    is_external: bool
    depth: int
    nesting: int


class LinkPolicy:
    """Decides about links.

    Attributes:
        is_incomplete: whether links were not followed because they look like a trap.
        is_level_reached: whether pages were not read because they are deeper than the level.
    """

    def __init__(self, options: Options, check: LinkCheckOptions) -> None:
        self.is_incomplete = False
        self.is_level_reached = False
        self._check = check
        self._is_recursive = check.level is not None
        self._level = check.level or None
        self._scope = replace(scope_of(options, None), level=self._level)
        self._traps = TrapDetector(trap_limits_of(options))
        self.rule_for = lru_cache(_CACHED_HOSTS)(check.rule_for)

    def decide(self, link: FoundLink, page: QueuedTarget, page_url: Url) -> LinkDecision:
        """Return what becomes of a link of *page*, which came from *page_url*."""
        url, kind = link.url, link.kind
        is_internal = self._scope.includes_host(url, page.root, page_url)
        if self.is_excluded(url, link.fragment) or (self._check.offline and not is_internal):
            return LinkDecision(None, 0, not is_internal, page.depth, page.nesting)
        purpose, depth, nesting = Purpose.EXISTENCE, page.depth, page.nesting
        if is_internal and kind.is_requisite:
            nesting += 1
            if kind in _READ_REQUISITES and page.nesting < MAX_NESTING and may_be_read(url):
                purpose = Purpose.LINKS
        elif is_internal and kind.is_navigation:
            depth, nesting = depth + 1, 0
            if self._follows(link, page, page_url):
                purpose = Purpose.LINKS
        looks_up = link.fragment and (is_internal or self._check.include_fragments)
        if looks_up and purpose is Purpose.EXISTENCE:
            purpose = Purpose.FRAGMENTS
        rank = self.rank_of(purpose, depth) if is_internal else 0
        return LinkDecision(purpose, rank, not is_internal, depth, nesting)

    def rank_of(self, purpose: Purpose, depth: int) -> int:
        """Return the rank of an internal target: pages by depth, as long as that matters."""
        if purpose is not Purpose.LINKS:
            return LAST_RANK
        return 0 if self._level is None else depth

    def is_excluded(self, url: Url, fragment: str = "") -> bool:
        """Return whether the user has excluded a link."""
        rule = self.rule_for(urls.hostname(url)) if self._check.host_rules else None
        if rule is not None and rule.is_excluded:
            return True
        if not self._check.exclude:
            return False
        text = f"{url}#{fragment}" if fragment else url
        return any(pattern.search(text) for pattern in self._check.exclude)

    def is_internal(self, url: Url, target: QueuedTarget) -> bool:
        """Return whether *target*, which has redirected to *url*, may still be read."""
        return self._scope.includes_host(url, target.root, target.url)

    def accepted_statuses(self, url: Url) -> StatusSet:
        """Return the statuses of links that work."""
        rule = self._rule_of(url)
        if rule is not None and rule.accept_status is not None:
            return rule.accept_status
        return self._check.accept_status

    def uses_get(self, url: Url) -> bool:
        """Return whether HEAD is not to be used."""
        rule = self._rule_of(url)
        return rule is not None and rule.uses_get

    def delay_of(self, url: Url) -> float | None:
        """Return the delay, in seconds, that the user wants between requests to a host."""
        rule = self._rule_of(url)
        return None if rule is None else rule.delay

    def _rule_of(self, url: Url) -> HostRule | None:
        return self.rule_for(urls.hostname(url)) if self._check.host_rules else None

    def _follows(self, link: FoundLink, page: QueuedTarget, page_url: Url) -> bool:
        """Return whether the page that an internal link leads to is read."""
        if not self._is_recursive or not may_be_read(link.url):
            return False
        refusal = self._scope.refusal(
            link.url,
            start=page.root,
            level=page.depth + 1,
            nofollow=link.nofollow,
            listed=page_url,
        )
        self.is_level_reached |= refusal is RefusalReason.LEVEL
        return refusal is None

    def is_trap(self, url: Url) -> bool:
        """Return whether a new URL looks like a crawler trap."""
        is_trap = self._traps.check(url) is not None
        self.is_incomplete |= is_trap
        return is_trap


def may_be_read(url: Url) -> bool:
    """Return whether the name of a resource allows for links in it."""
    media_type = guess_media_type(urls.split(url)[1])
    return media_type == OCTET_STREAM or can_contain_links(media_type)
