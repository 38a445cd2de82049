"""Pure: what a document refers to, as addresses to fetch."""

from downloader.errors import BadUrlError
from downloader.journal import SavedDocument
from downloader.links import LinkKind, ParsedDocument
from downloader.mirror.scope import RefusalReason, Scope, TrapDetector, UrlPatterns
from downloader.models import MirrorOptions, Target
from downloader.models.shards import Shard
from downloader.web import urls
from downloader.web.urls import Url

#: A part of a part of … a page, deeper than this, is not fetched: it may go on for ever.
DEEPEST = 10


def scope_of(options: MirrorOptions, shard: Shard | None) -> Scope:
    """Return which links a run with *options* follows."""
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
    """Says what is to be fetched because of a document.

    What a page needs is fetched from whatever host, as far as it is accepted, and so is the page
    that it sends a browser on to at once; other pages only as the scope says, and when their
    addresses are no traps.

    Attributes:
        traps: why addresses were not followed, each with the first of them.
    """

    def __init__(self, options: MirrorOptions, shard: Shard | None = None) -> None:
        self.scope = scope_of(options, shard)
        self.traps: dict[str, Url] = {}
        self._recursive = options.level is not None
        self._trapping = TrapDetector()

    def found_on(self, page: ParsedDocument, stored: SavedDocument) -> list[Target]:
        """Return what *page* refers to and is to be fetched, each address once."""
        needed: dict[Url, None] = {}
        forward: dict[Url, None] = {}
        linked: dict[Url, None] = {}
        for link in page.links:
            if link.url is None:
                continue
            if link.kind.is_requisite:
                if stored.nesting < DEEPEST and self.scope.accepts(link.url):
                    needed[link.url] = None
                continue
            if link.kind is LinkKind.REDIRECT and stored.nesting < DEEPEST:
                forward[link.url] = None
            if link.kind.is_navigation and self._recursive and link.url not in linked:
                nofollow = link.nofollow or page.robots.nofollow
                if self.follows(link.url, stored.start, stored.depth + 1, nofollow=nofollow):
                    linked[link.url] = None
        icon = icon_of(stored)
        if icon is not None and not self.scope.accepts(icon):
            icon = None
        found = []
        for url in dict.fromkeys((*needed, *([icon] if icon else []), *linked, *forward)):
            part = url in needed or url == icon
            follows = not part and url in linked
            target = Target(
                url=urls.without_credentials(url)[0],
                index=stored.line,
                origin=stored.address,
                parent=stored.address,
                root=stored.root,
                needed=part,
                optional=part and url not in needed,
                depth=stored.depth + 1 if follows else stored.depth,
                nesting=0 if url in linked else stored.nesting + 1,
            )
            found.append(target)
        return found

    def follows(self, url: Url, start: Url, level: int, *, nofollow: bool = False) -> bool:
        """Return whether a link to *url*, so many links from the line at *start*, is followed."""
        refusal = self.scope.refusal(url, start=start, level=level, nofollow=nofollow)
        if refusal is RefusalReason.SHARD:
            # Nobody else may come upon that link, so that it must not be dropped in silence.
            self.traps.setdefault(refusal.value, url)
        return refusal is None

    def is_trap(self, url: Url) -> bool:
        """Return whether *url*, which is new, looks like one of addresses without end."""
        trap = self._trapping.check(url)
        if trap is not None:
            self.traps.setdefault(trap.value, url)
        return trap is not None


def icon_of(stored: SavedDocument) -> Url | None:
    """Return what a browser asks for of itself when it shows a page."""
    if stored.nesting or stored.media_type not in {"text/html", "application/xhtml+xml"}:
        return None
    try:
        return urls.join(stored.url, "/favicon.ico")
    except BadUrlError:
        return None
