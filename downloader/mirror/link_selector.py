"""Selects the URLs to fetch because of a document. Pure."""

import re
from collections.abc import Callable
from functools import lru_cache

from downloader.journal import SavedDocument, TargetRole
from downloader.links import LinkKind, ParsedDocument
from downloader.mirror.scope import (
    RefusalReason,
    Scope,
    TrapDetector,
    TrapLimits,
    TrapReason,
    UrlPatterns,
)
from downloader.models import MirrorOptions, Target
from downloader.models.shards import Shard
from downloader.web import urls
from downloader.web.media_types import PAGE_TYPES
from downloader.web.text import printable
from downloader.web.urls import Url

#: Requisites of requisites that are nested deeper are not fetched: they may have no end.
MAX_NESTING = 10
#: Places with more links than are followed that are named.
_MAX_CUT_PLACES = 20
#: Size of the cache of links that are followed or not, and characters of the longest ones.
_MAX_CACHED_URLS, _MAX_CACHED_URL_LENGTH = 8192, 512
#: Tells whether a URL, at a depth and nesting and in a role, needs no target.
IsKnown = Callable[[Url, int, int, TargetRole], bool]
_DIGITS = re.compile(r"[0-9]+")


def _never(_url: Url, _depth: int, _nesting: int, _role: TargetRole) -> bool:
    return False


def scope_of(options: MirrorOptions, shard: Shard | None) -> Scope:
    """Return the scope that *options* ask for."""
    return Scope(
        level=options.level or None,
        span_hosts=options.span_hosts,
        domains=options.domains,
        same_site=options.same_site,
        no_parent=options.no_parent,
        accept=UrlPatterns(options.accept),
        reject=UrlPatterns(options.reject),
        nofollow=options.robots,
        shard=shard,
    )


def trap_limits_of(options: MirrorOptions) -> TrapLimits:
    """Return the limits beyond which links are taken for a trap, as *options* say."""
    if options.max_queries is None:
        return TrapLimits(max_queries_per_path=None, max_dates_per_shape=None)
    return TrapLimits(max_queries_per_path=options.max_queries)


class LinkSelector:
    """Selects the links to fetch.

    Requisites are fetched from any host if ``--accept`` and ``--reject`` select them, and so is the
    page that a page redirects a browser to. Other pages are fetched if they are within the scope
    and their URLs look like no traps.

    Attributes:
        scope: the links that are followed.
        warnings: why links were not followed, as far as that is worth a line: for each reason with
            the first URL, and for each place that has more links than are followed.
        is_incomplete: whether a place has more links than are followed.
    """

    def __init__(self, options: MirrorOptions, shard: Shard | None = None) -> None:
        self.scope = scope_of(options, shard)
        self.is_incomplete = False
        self._not_followed: dict[str, Url] = {}
        self._cut_places: dict[str, None] = {}
        self._has_more_cut_places = False
        self._is_recursive = options.level is not None
        self._trap_limits = trap_limits_of(options)
        self._trap_detector = TrapDetector(self._trap_limits)
        self._cached_refusal = lru_cache(_MAX_CACHED_URLS)(self._refusal)

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each."""
        reasons = [
            f"some links were not followed, because {reason}: {url}"
            for reason, url in self._not_followed.items()
        ]
        more = ["other places have more links than are followed"] * self._has_more_cut_places
        return [*map(printable, (*reasons, *self._cut_places)), *more]

    def select(
        self, document: ParsedDocument, saved: SavedDocument, is_known: IsKnown = _never
    ) -> list[Target]:
        """Return what *document* refers to and is to be fetched, each URL once.

        URLs are left out for which *is_known* returns true.
        """
        requisites: dict[Url, None] = {}
        redirects: dict[Url, None] = {}
        followed: dict[Url, None] = {}
        may_nest = saved.nesting < MAX_NESTING
        for link in document.links:
            url, kind = link.url, link.kind
            if url is None:
                continue
            if kind.is_requisite:
                if may_nest and self.scope.accepts(url):
                    requisites[url] = None
                continue
            if kind is LinkKind.REDIRECT and may_nest:
                redirects[url] = None
            if self._is_recursive and kind.is_navigation and url not in followed:
                nofollow = link.nofollow or document.robots.nofollow
                if self.follows(
                    url, saved.start, saved.depth + 1, nofollow=nofollow, listed=saved.root
                ):
                    followed[url] = None
        icon = favicon_url(saved)
        icons = [icon] if icon is not None and self.scope.accepts(icon) else []
        targets = []
        for url in dict.fromkeys((*requisites, *icons, *followed, *redirects)):
            is_requisite = url in requisites or url in icons
            is_optional = is_requisite and url not in requisites
            is_deeper = not is_requisite and url in followed
            bare = urls.without_credentials(url)[0]
            depth = saved.depth + 1 if is_deeper else saved.depth
            nesting = 0 if url in followed else saved.nesting + 1
            if is_known(bare, depth, nesting, _role(is_requisite, is_optional)):
                continue
            target = Target(
                url=bare,
                index=saved.line,
                origin=saved.address,
                parent=saved.address,
                root=saved.root,
                needed=is_requisite,
                optional=is_optional,
                depth=depth,
                nesting=nesting,
            )
            targets.append(target)
        return targets

    def follows(
        self,
        url: Url,
        start: Url,
        level: int,
        *,
        nofollow: bool = False,
        listed: Url | None = None,
    ) -> bool:
        """Return whether a link is followed; see :meth:`Scope.refusal`."""
        is_cached = len(url) <= _MAX_CACHED_URL_LENGTH
        refusal_of = self._cached_refusal if is_cached else self._refusal
        # The pages of a site have the same links, and often no limit of levels.
        level_if_limited = level if self.scope.level is not None else 1
        refusal = refusal_of(url, start, level_if_limited, nofollow, listed)
        if refusal is RefusalReason.SHARD:
            # The other shards may never find this link, so it is not dropped silently.
            self._not_followed.setdefault(refusal.value, url)
        return refusal is None

    def _refusal(
        self,
        url: Url,
        start: Url,
        level: int,
        nofollow: bool,
        listed: Url | None,
    ) -> RefusalReason | None:
        return self.scope.refusal(url, start=start, level=level, nofollow=nofollow, listed=listed)

    def is_trap(self, url: Url) -> bool:
        """Return whether *url*, which is new, looks like a crawler trap."""
        reason = self._trap_detector.check(url)
        if reason is TrapReason.QUERIES:
            place = f"{urls.origin(url)}{urls.split(url)[1]}"
            limit = self._trap_limits.max_queries_per_path
            self._warn_of_cut_place(
                f"{place}: only its first {limit:,} queries are followed; see --max-queries"
            )
        elif reason is TrapReason.DATES:
            limit = self._trap_limits.max_dates_per_shape
            place = f"{urls.origin(url)}{_DIGITS.sub('N', urls.split(url)[1])}"
            self._warn_of_cut_place(
                f"{place}: only its first {limit:,} dates are followed; see --max-queries none"
            )
        elif reason is not None:
            self._not_followed.setdefault(reason.value, url)
        return reason is not None

    def _warn_of_cut_place(self, warning: str) -> None:
        self.is_incomplete = True
        if warning in self._cut_places or len(self._cut_places) < _MAX_CUT_PLACES:
            self._cut_places[warning] = None
        else:
            self._has_more_cut_places = True


def favicon_url(saved: SavedDocument) -> Url | None:
    """Return the URL of the icon that a browser requests for a page by itself."""
    if saved.nesting or saved.media_type not in PAGE_TYPES:
        return None
    return Url(f"{urls.origin(saved.url)}/favicon.ico")


def _role(is_requisite: bool, is_optional: bool) -> TargetRole:
    if is_optional:
        return TargetRole.OPTIONAL
    return TargetRole.NEEDED if is_requisite else TargetRole.LINKED
