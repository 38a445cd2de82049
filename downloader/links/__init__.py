"""Find and replace links in HTML, XHTML, SVG, CSS, JavaScript and web app manifests; no I/O.

Links are found as a browser finds them and replaced in place: every byte outside of a link stays
as it is, except for markup that would keep an offline copy from working
(:meth:`ParsedDocument.rewrite`). No input makes a function of this package raise.

Terms: a *document* is a file that can contain links, a *page* one in HTML or XHTML. A *reference*
is a URL as it is written in a document (RFC 3986, 4.1); a *link* is a reference with its meaning.
"""

from collections.abc import Callable

from downloader.links.model import (
    Document,
    Link,
    LinkKind,
    LocalFile,
    Replacement,
    RewrittenDocument,
    RobotsMeta,
)
from downloader.links.parsed_document import ParsedDocument, can_contain_links

__all__ = [
    "Document",
    "Link",
    "LinkKind",
    "LocalFile",
    "ParsedDocument",
    "Replacement",
    "RewrittenDocument",
    "RobotsMeta",
    "can_contain_links",
    "find_links",
    "rewrite_links",
    "robots_meta",
]


def find_links(document: Document) -> list[Link]:
    """Return the links of *document*."""
    return list(ParsedDocument(document).links)


def rewrite_links(
    document: Document, replace: Callable[[Link], LocalFile | str | None]
) -> RewrittenDocument:
    """Return *document* with replaced links; see :meth:`ParsedDocument.rewrite`."""
    return ParsedDocument(document).rewrite(replace)


def robots_meta(document: Document) -> RobotsMeta:
    """Return the robots directives of a page."""
    return ParsedDocument(document).robots
