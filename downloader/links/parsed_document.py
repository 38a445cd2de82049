"""A parsed document of any supported media type: its links, and the document with others."""

from collections.abc import Callable, Iterator
from operator import attrgetter

from downloader.links import html, html_tree, refresh_field, xml
from downloader.links.collector import LinkCollector
from downloader.links.embedded_text import EmbeddedText
from downloader.links.link_replacement import rewrite_document
from downloader.links.model import Document, Link, LocalFile, RewrittenDocument, RobotsMeta
from downloader.links.source_text import SourceText
from downloader.links.url_resolver import MAX_URL_LENGTH, UrlResolver

_SCRIPT_TYPES = {
    *("text/javascript", "application/javascript", "application/x-javascript"),
    *("text/ecmascript", "application/ecmascript", "text/x-javascript"),
}
_MANIFEST_TYPE = "application/manifest+json"
#: Memory of a link or an edit, beside its characters.
_BYTES_PER_LINK = 500


class ParsedDocument:
    """A parsed document.

    Attributes:
        text: the decoded document, without a byte order mark; empty after :meth:`drop_source`.
        encoding: the WHATWG name of its encoding.
        base_url: the URL against which its references are resolved.
        links: all links; those of one language are in document order.
        robots: the robots directives of a page.
        url_characters: characters of the URLs of all links.
        warnings: what was left out because of a limit, for people.
        fragment_targets: what fragments can lead to in a document of HTML or XML: the values of
            ``id``, and of the ``name`` of anchors. None for other documents, and if they were not
            asked for.
    """

    def __init__(
        self,
        document: Document,
        *,
        same_document_links: bool = True,
        fragment_targets: bool = False,
    ) -> None:
        """Parse *document*; one of an unsupported media type has no links.

        Without *same_document_links*, references such as ``#part`` are left out.
        """
        media_type = document.media_type
        # Scripts and JSON are always UTF-8 (HTML standard, 8.1.4.3; RFC 8259, 8.1).
        always_utf8 = media_type in _SCRIPT_TYPES or media_type == _MANIFEST_TYPE
        self._charset = "utf-8" if always_utf8 else document.charset
        self._media_type = media_type
        self._source: SourceText | None = SourceText(document.body, self._charset, media_type)
        self._body_hash: int | None = None
        self._url = document.url
        self._collector = LinkCollector(self._source.text, same_document_links=same_document_links)
        self.text = self._source.text
        self.encoding = self._source.encoding
        self.robots = RobotsMeta()
        self.base_url = document.url
        self.fragment_targets: frozenset[str] | None = None
        self._wants_fragment_targets = fragment_targets
        resolver = self._parse(document, EmbeddedText(self.text))
        self.links = tuple(self._collector.links)
        self.url_characters = self._collector.url_characters
        self.warnings = tuple(self._warnings(resolver))

    def _parse(self, document: Document, text: EmbeddedText) -> UrlResolver:
        """Collect links; return what resolved them."""
        collector, media_type = self._collector, document.media_type
        resolver = UrlResolver(document.url, self.encoding)
        if media_type == "text/html" or _is_xml(media_type):
            parser = html.HtmlDocument if media_type == "text/html" else xml.XmlDocument
            page = parser(text, resolver, document)
            page.collect_links(collector)
            resolver = page.resolver
            if self._wants_fragment_targets:
                self.fragment_targets = frozenset(page.fragment_targets())
            self.robots, self.base_url = page.robots, page.resolver.base_url
            if media_type == "text/html":
                refresh_field.collect_link(document.page_fields, collector, page.resolver)
        elif media_type == "text/css":
            collector.add_css(text, resolver)
        elif media_type == _MANIFEST_TYPE:
            collector.add_manifest(text, resolver)
        elif media_type in _SCRIPT_TYPES:
            collector.add_script(text, resolver)
        return resolver

    def _warnings(self, resolver: UrlResolver) -> Iterator[str]:
        collector = self._collector
        if collector.has_unread_tags:
            yield f"only its first {html_tree.MAX_TAGS:,} tags are read"
        if collector.is_full:
            yield f"only its first {len(self.links):,} links are read"
        if collector.has_unread_script:
            yield "a script or manifest is too long or too complex to be searched for links"
        if resolver.has_too_long:
            yield f"URLs of more than {MAX_URL_LENGTH:,} characters are not fetched"

    def rewrite(self, replace: Callable[[Link], LocalFile | str | None]) -> RewrittenDocument:
        """Return the document with replaced links.

        *replace* is called for every link that has a URL and returns its new target: a URL,
        absolute or relative to the original document, percent-encoded but not otherwise escaped;
        or a :class:`LocalFile` of the copy. None keeps the link as it is.

        Beside the links themselves these change, so that a copy works wherever it is opened:

        - ``<base href>`` becomes empty, which is as if there were none; kept links that it
          applied to become absolute. ``<base target>`` stays.
        - ``integrity`` and ``crossorigin`` are removed from elements that now load another
          resource or a :class:`LocalFile`.
        - a content security policy (``meta http-equiv``) and the ``integrity`` of an import map
          are disabled by a ``data-`` before their names.

        The encoding stays. Characters outside ASCII in a new URL are percent-encoded.
        """
        if self._source is None:
            raise ValueError("the source has been dropped")
        return rewrite_document(self._source, self._url, self._collector, replace)

    @property
    def kept_bytes(self) -> int:
        """About how many bytes of memory the document takes after :meth:`drop_source`."""
        collector = self._collector
        objects = len(collector.links) + len(collector.edits)
        # Each reference is kept as it is written and as it is read.
        references = sum(map(len, map(attrgetter("raw"), collector.links)))
        return 2 * references + self.url_characters + _BYTES_PER_LINK * objects

    def drop_source(self) -> None:
        """Release the bytes and the text, which are most of the memory of a document."""
        if self._source is not None:
            self._body_hash = hash(self._source.body)
            self._charset = self._source.encoding
            self._source, self.text, self._collector.text = None, "", ""

    def restore_source(self, body: bytes) -> bool:
        """Undo :meth:`drop_source`; return False if *body* is not what was parsed."""
        if self._source is None:
            if hash(body) != self._body_hash:
                return False
            self._source = SourceText(body, self._charset, self._media_type)
            self.text = self._collector.text = self._source.text
        return True


def can_contain_links(media_type: str) -> bool:
    """Return whether documents of this media type are searched for links."""
    supported = {"text/html", "text/css", _MANIFEST_TYPE, *_SCRIPT_TYPES}
    return media_type in supported or _is_xml(media_type)


def _is_xml(media_type: str) -> bool:
    return media_type in {"text/xml", "application/xml"} or media_type.endswith("+xml")
