"""Pure: what a document refers to, as addresses to fetch."""

from downloader import urls
from downloader.errors import BadUrlError
from downloader.journal import Stored
from downloader.links import Page
from downloader.mirror.scope import Scope
from downloader.models import Target
from downloader.urls import Url

#: A part of a part of … a page, deeper than this, is not fetched: it may go on for ever.
DEEPEST = 10


def found_on(page: Page, stored: Stored, scope: Scope) -> list[Target]:
    """Return what is to be fetched because of *page*, each address once.

    What the page needs is fetched from whatever host; other pages only as *scope* says.
    """
    depth, nesting = stored.depth, stored.nesting
    needed: dict[Url, None] = {}
    linked: dict[Url, None] = {}
    for link in page.links:
        if link.url is None:
            continue
        if link.kind.requisite:
            if nesting < DEEPEST:
                needed[link.url] = None
        elif link.kind.page and not page.robots.nofollow and scope.follows(link, stored.url, depth):
            linked[link.url] = None
    icon = icon_of(stored)
    found = []
    for url in dict.fromkeys((*needed, *([icon] if icon else []), *linked)):
        part = url in needed or url == icon
        target = Target(
            url=urls.without_credentials(url)[0],
            index=stored.line,
            origin=stored.address,
            parent=stored.address,
            root=stored.root,
            needed=part,
            optional=part and url not in needed,
            depth=depth if part else depth + 1,
            nesting=nesting + 1 if part and url not in linked else 0,
        )
        found.append(target)
    return found


def icon_of(stored: Stored) -> Url | None:
    """Return what a browser asks for of itself when it shows a page."""
    if stored.nesting or stored.media_type not in {"text/html", "application/xhtml+xml"}:
        return None
    try:
        return urls.join(stored.url, "/favicon.ico")
    except BadUrlError:
        return None
