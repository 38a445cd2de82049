"""Selects the URLs to fetch because of a document. Pure."""

from downloader.errors import BadUrlError
from downloader.journal import SavedDocument
from downloader.links import LinkKind, ParsedDocument
from downloader.mirror.scope import RefusalReason, Scope, TrapDetector, UrlPatterns
from downloader.models import MirrorOptions, Target
from downloader.models.shards import Shard
from downloader.web import urls
from downloader.web.media_types import PAGE_TYPES
from downloader.web.urls import Url

#: Requisites of requisites that are nested deeper are not fetched: they may have no end.
MAX_NESTING = 10


def scope_of(options: MirrorOptions, shard: Shard | None) -> Scope:
    """Return the scope that *options* ask for."""
    return Scope(
        level=options.level or None,
        span_hosts=options.span_hosts,
        no_parent=options.no_parent,
        accept=UrlPatterns(options.accept),
        reject=UrlPatterns(options.reject),
        nofollow=options.robots,
        shard=shard,
    )


class LinkSelector:
    """Selects the links to fetch.

    Requisites are fetched from any host if ``--accept`` and ``--reject`` select them, and so is the
    page that a page redirects a browser to. Other pages are fetched if they are within the scope
    and their URLs look like no traps.

    Attributes:
        scope: the links that are followed.
        not_followed: reasons to report why links were not followed, each with the first URL.
    """

    def __init__(self, options: MirrorOptions, shard: Shard | None = None) -> None:
        self.scope = scope_of(options, shard)
        self.not_followed: dict[str, Url] = {}
        self._is_recursive = options.level is not None
        self._trap_detector = TrapDetector()

    def select(self, document: ParsedDocument, saved: SavedDocument) -> list[Target]:
        """Return what *document* refers to and is to be fetched, each URL once."""
        requisites: dict[Url, None] = {}
        redirects: dict[Url, None] = {}
        followed: dict[Url, None] = {}
        may_nest = saved.nesting < MAX_NESTING
        for link in document.links:
            if link.url is None:
                continue
            if link.kind.is_requisite:
                if may_nest and self.scope.accepts(link.url):
                    requisites[link.url] = None
                continue
            if link.kind is LinkKind.REDIRECT and may_nest:
                redirects[link.url] = None
            if link.kind.is_navigation and self._is_recursive and link.url not in followed:
                nofollow = link.nofollow or document.robots.nofollow
                if self.follows(link.url, saved.start, saved.depth + 1, nofollow=nofollow):
                    followed[link.url] = None
        icon = favicon_url(saved)
        icons = [icon] if icon is not None and self.scope.accepts(icon) else []
        targets = []
        for url in dict.fromkeys((*requisites, *icons, *followed, *redirects)):
            is_requisite = url in requisites or url in icons
            is_deeper = not is_requisite and url in followed
            target = Target(
                url=urls.without_credentials(url)[0],
                index=saved.line,
                origin=saved.address,
                parent=saved.address,
                root=saved.root,
                needed=is_requisite,
                optional=is_requisite and url not in requisites,
                depth=saved.depth + 1 if is_deeper else saved.depth,
                nesting=0 if url in followed else saved.nesting + 1,
            )
            targets.append(target)
        return targets

    def follows(self, url: Url, start: Url, level: int, *, nofollow: bool = False) -> bool:
        """Return whether a link is followed; see :meth:`Scope.refusal`."""
        refusal = self.scope.refusal(url, start=start, level=level, nofollow=nofollow)
        if refusal is RefusalReason.SHARD:
            # The other shards may never find this link, so it is not dropped silently.
            self.not_followed.setdefault(refusal.value, url)
        return refusal is None

    def is_trap(self, url: Url) -> bool:
        """Return whether *url*, which is new, looks like a crawler trap."""
        reason = self._trap_detector.check(url)
        if reason is not None:
            self.not_followed.setdefault(reason.value, url)
        return reason is not None


def favicon_url(saved: SavedDocument) -> Url | None:
    """Return the URL of the icon that a browser requests for a page by itself."""
    if saved.nesting or saved.media_type not in PAGE_TYPES:
        return None
    try:
        return urls.join(saved.url, "/favicon.ico")
    except BadUrlError:
        return None
