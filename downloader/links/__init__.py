"""Pure: find and replace the links of HTML, XHTML, SVG, CSS, scripts and web app manifests.

Links are found as a browser finds them, and replaced in place: every byte that is not part of a
link stays as it is, apart from what would keep a copy from working (:meth:`ParsedPage.rewrite`).
Nothing here raises for any input, and the time it takes grows with the size of the input.
"""

from collections.abc import Callable

from downloader.links import html, xml
from downloader.links.collector import LinkCollector
from downloader.links.model import (
    Document,
    Link,
    LinkKind,
    LocalFile,
    Replacement,
    RewrittenDocument,
    RobotsMeta,
)
from downloader.links.rewriter import rewritten
from downloader.links.source_text import SourceText
from downloader.links.text_layers import TextLayer
from downloader.links.url_resolver import UrlResolver

__all__ = [
    "Document",
    "Link",
    "LinkKind",
    "LocalFile",
    "ParsedPage",
    "Replacement",
    "RewrittenDocument",
    "RobotsMeta",
    "find",
    "readable",
    "rewrite",
    "robots_meta",
]

_SCRIPTS = {
    *("text/javascript", "application/javascript", "application/x-javascript"),
    *("text/ecmascript", "application/ecmascript", "text/x-javascript"),
}
_MANIFEST = "application/manifest+json"


class ParsedPage:
    """A document, read.

    Attributes:
        text: the document, decoded; without a byte order mark.
        encoding: the WHATWG name of its encoding.
        base: what its relative links are relative to.
        links: all links, those of one language in the order in which they stand.
        robots: what a page asks of robots.
    """

    def __init__(self, document: Document, *, places: bool = True) -> None:
        """Read *document*; a media type that can hold no links is read as holding none.

        Without *places*, links to places in the document itself are left out.
        """
        kind = document.media_type
        # Scripts and JSON are always UTF-8 (HTML standard, 8.1.4.3; RFC 8259, 8.1).
        fixed = kind in _SCRIPTS or kind == _MANIFEST
        self._source = SourceText(document.body, "utf-8" if fixed else document.charset)
        self._url = document.url
        self._finder = LinkCollector(self._source.text, places=places)
        self.text = self._source.text
        self.encoding = self._source.encoding
        self.robots = RobotsMeta()
        self.base = document.url
        self._read(kind, TextLayer(self.text), UrlResolver(document.url, self.encoding))
        self.links = tuple(self._finder.links)

    def _read(self, kind: str, layer: TextLayer, resolver: UrlResolver) -> None:
        finder = self._finder
        if kind == "text/html" or _is_xml(kind):
            page = (html.HtmlPage if kind == "text/html" else xml.XmlPage)(layer, resolver)
            page.read(finder)
            self.robots, self.base = page.robots, page.resolver.base
        elif kind == "text/css":
            finder.css(layer, resolver)
        elif kind == _MANIFEST:
            finder.manifest(layer, resolver)
        elif kind in _SCRIPTS:
            finder.script(layer, resolver)

    def rewrite(self, replace: Callable[[Link], LocalFile | str | None]) -> RewrittenDocument:
        """Return the document with other links.

        *replace* is asked for every link that has a URL, and returns what to write instead: a
        URL, relative to where the document stood or absolute, without any escapes but those of
        URLs; or a :class:`LocalFile` file of the copy. None keeps the link as it is.

        Beside the links themselves these change, so that a copy works wherever it is opened:

        - ``<base href>`` becomes empty, which is as if there were none; links that it applied
          to and that were kept become absolute. ``<base target>`` stays.
        - ``integrity`` and ``crossorigin`` go from elements that now load something else, or a
          :class:`LocalFile` file.
        - a policy (``meta http-equiv=content-security-policy``) and the ``integrity`` of an
          import map are renamed by ``data-`` before their name.

        The encoding stays. What it may not be able to write is percent-encoded.
        """
        return rewritten(self._source, self._url, self._finder, replace)


def readable(media_type: str) -> bool:
    """Return whether a body of this media type is looked into for links."""
    known = {"text/html", "text/css", _MANIFEST, *_SCRIPTS}
    return media_type in known or _is_xml(media_type)


def find(document: Document) -> list[Link]:
    """Return the links of *document*."""
    return list(ParsedPage(document).links)


def rewrite(
    document: Document, replace: Callable[[Link], LocalFile | str | None]
) -> RewrittenDocument:
    """Return *document* with other links; see :meth:`ParsedPage.rewrite`."""
    return ParsedPage(document).rewrite(replace)


def robots_meta(document: Document) -> RobotsMeta:
    """Return what the page asks of robots."""
    return ParsedPage(document).robots


def _is_xml(media_type: str) -> bool:
    return media_type in {"text/xml", "application/xml"} or media_type.endswith("+xml")
