"""Collects the links of elements by the rules of their attributes, in HTML, XHTML and SVG."""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from downloader.links import link_attributes, meta_refresh
from downloader.links.collector import LinkCollector, LinkContext
from downloader.links.elements import (
    Element,
    ElementNamespace,
    disabling_of_attribute,
    keyword,
    removal_of_attribute,
    tokens,
)
from downloader.links.embedded_text import EmbeddedText
from downloader.links.model import LinkKind
from downloader.links.source_text import Edit
from downloader.links.url_resolver import UrlResolver

#: Attributes that bind an element to the origin or to the bytes of the resource it loads.
_GUARD_ATTRIBUTES = ("integrity", "crossorigin")
_GUARDED_ELEMENTS = {
    *("link", "script", "img", "video", "audio", "source", "track", "image", "feimage"),
}
_TOKEN = re.compile(r"[^\t\n\f\r ]+")


class ElementScanner:
    """Collects the links of the elements of one page, or of a page embedded in it.

    Args:
        collector: receives the links.
        text: the text that the elements stand in.
        resolver: resolves their references.
        nofollow: whether the page asks robots to follow none of its links.
        scan_page: is called with an embedded page (``srcdoc``); None to leave it out.
        scan_fragment: is called with the markup in ``noscript``; None to leave it out.

    Attributes:
        same_document_links: whether references such as ``#part`` are collected.
    """

    def __init__(
        self,
        collector: LinkCollector,
        text: EmbeddedText,
        resolver: UrlResolver,
        *,
        nofollow: bool = False,
        scan_page: Callable[[EmbeddedText], None] | None = None,
        scan_fragment: Callable[[EmbeddedText], None] | None = None,
    ) -> None:
        self._collector = collector
        self._text = text
        self._resolver = resolver
        self._nofollow = nofollow
        self._scan_page = scan_page
        self._scan_fragment = scan_fragment
        #: The guards of elements around ``source`` and ``track``, by the offsets of their tags.
        self._owner_guard_removals: dict[int, Sequence[Edit]] = {}
        #: Where the last content ends that was read: what is nested in it was read with it.
        self._content_end = 0
        # With a base URL, #part refers to another document.
        self.same_document_links = (
            collector.same_document_links or resolver.base_url != resolver.document_url
        )

    def collect(self, element: Element) -> None:
        """Collect the links of one element."""
        if element.namespace is ElementNamespace.HTML:
            self._collect_html(element)
        elif element.namespace is ElementNamespace.SVG:
            self._collect_svg(element)
        else:
            self._add_url(element, "href", LinkKind.ANCHOR)
        if element.get("style"):
            self._add_css(element, "style")

    def collect_lazy(self, element: Element) -> None:
        """Collect what only a script would load, as far as the attributes tell."""
        own_kind = link_attributes.LAZY_KINDS.get(element.name)
        # Where the element itself loads nothing, the attribute is often something other than a URL.
        plausible = link_attributes.PLAUSIBLE_URL if own_kind else link_attributes.IMAGE_URL
        for attribute in link_attributes.LAZY_URL_ATTRIBUTES:
            if plausible.fullmatch((element.get(attribute) or "").strip()):
                self._add_url(element, attribute, own_kind or LinkKind.IMAGE, lazy=True)
        for attribute in link_attributes.LAZY_IMAGE_ATTRIBUTES:
            value = (element.get(attribute) or "").strip()
            if "(" in value:
                self._add_css(element, attribute)
            elif link_attributes.PLAUSIBLE_URL.fullmatch(value):
                self._add_url(element, attribute, LinkKind.IMAGE, lazy=True)
        for attribute in link_attributes.LAZY_SRCSET_ATTRIBUTES:
            if element.get(attribute):
                self._add_srcset(element, attribute, lazy=True)

    def _collect_html(self, element: Element) -> None:
        name = element.name
        for attribute, kind in link_attributes.URL_ATTRIBUTES.get(name, ()):
            self._add_url(element, attribute, kind)
        srcset = link_attributes.SRCSET_ATTRIBUTES.get(name)
        if srcset and element.get(srcset):
            self._add_srcset(element, srcset)
        collect = self._SPECIAL_ELEMENTS.get(name)
        if collect:
            collect(self, element)

    def _collect_svg(self, element: Element) -> None:
        kind = link_attributes.SVG_KINDS.get(element.name)
        if kind is LinkKind.SCRIPT and keyword(element, "type") == "module":
            kind = LinkKind.MODULE
        for attribute in ("href", "xlink:href"):
            value = element.get(attribute)
            # #part is in the same document, whatever the base URL (SVG 2, 16.3).
            if kind and value and (kind is LinkKind.ANCHOR or not value.lstrip().startswith("#")):
                self._add_url(element, attribute, kind)
        for attribute in link_attributes.SVG_CSS_ATTRIBUTES:
            if "(" in (element.get(attribute) or ""):
                self._add_css(element, attribute)
        if element.name == "style":
            self._collect_style(element)
        elif element.name == "script":
            self._collect_inline_script(element)

    def _add_url(
        self, element: Element, attribute: str, kind: LinkKind, *, lazy: bool = False
    ) -> None:
        value = element.get(attribute)
        if value is None or (not self.same_document_links and value.startswith("#")):
            return
        source = element.attribute_value(attribute)
        if source is not None:
            context = self._context(element, attribute, lazy=lazy)
            removals = self._guard_removals(element)
            self._collector.add_whole(kind, source, self._resolver, context, removals)

    def _add_srcset(self, element: Element, attribute: str, *, lazy: bool = False) -> None:
        source = element.attribute_value(attribute)
        if source is not None:
            context = self._context(element, attribute, lazy=lazy)
            removals = self._guard_removals(element)
            self._collector.add_srcset(source, self._resolver, context, removals)

    def _add_css(self, element: Element, attribute: str) -> None:
        source = element.attribute_value(attribute)
        if source is not None:
            self._collector.add_css(source, self._resolver, f"{element.name}[{attribute}]")

    def _context(self, element: Element, attribute: str, *, lazy: bool = False) -> LinkContext:
        types = tokens(element, "rel")
        nofollow = self._nofollow or "nofollow" in types
        return LinkContext(f"{element.name}[{attribute}]", types, nofollow, lazy)

    def _guard_removals(self, element: Element) -> Sequence[Edit]:
        """Return the removals of ``integrity`` and ``crossorigin`` from an element.

        They keep a local copy from loading. A ``source`` or ``track`` loads by those of its parent.
        """
        if element.name not in _GUARDED_ELEMENTS:
            return ()
        if element.name not in {"source", "track"}:
            return self._removals(element)
        owner = element.parent
        if owner is None:
            return ()
        removals = self._owner_guard_removals.get(owner.tag_offset)
        if removals is None:
            removals = self._owner_guard_removals[owner.tag_offset] = self._removals(owner)
        return removals

    def _removals(self, element: Element) -> Sequence[Edit]:
        spans = [
            element.attribute_span(name)
            for name in _GUARD_ATTRIBUTES
            if element.get(name) is not None
        ]
        return [removal_of_attribute(self._text, span) for span in spans if span]

    def _content(self, element: Element) -> EmbeddedText | None:
        """Return the content of an element, unless it is nested in one that was read."""
        span = element.content_span()
        if span is None or span[0] < self._content_end:
            return None
        self._content_end = span[1]
        return element.content(span)

    def _collect_link(self, element: Element) -> None:
        self._add_url(element, "href", _kind_of_link_element(element))

    def _collect_meta(self, element: Element) -> None:
        pragma = keyword(element, "http-equiv")
        if pragma == "refresh":
            source = element.attribute_value("content")
            span = meta_refresh.url_span(source.text) if source else None
            if source and span:
                immediate = meta_refresh.is_immediate(source.text)
                kind = LinkKind.REDIRECT if immediate else LinkKind.REFRESH
                context = self._context(element, "content")
                self._collector.add_whole(kind, source.slice(*span), self._resolver, context)
        elif pragma == "content-security-policy":
            # The policy may forbid the files of a copy.
            name_span = element.attribute_span("http-equiv")
            if name_span:
                self._collector.edits.append(disabling_of_attribute(self._text, name_span))

    def _collect_script(self, element: Element) -> None:
        script_type = keyword(element, "type")
        if element.get("src") is None:
            self._collect_inline_script(element)
        elif script_type == "module":
            self._add_url(element, "src", LinkKind.MODULE)
        elif link_attributes.SCRIPT_TYPE.fullmatch(script_type):
            self._add_url(element, "src", LinkKind.SCRIPT)

    def _collect_inline_script(self, element: Element) -> None:
        script_type = keyword(element, "type")
        source = self._content(element)
        if source is None:
            return
        if script_type == "importmap":
            self._collector.add_import_map(source, self._resolver)
        elif script_type == "module" or link_attributes.SCRIPT_TYPE.fullmatch(script_type):
            self._collector.add_script(source, self._resolver, "script")

    def _collect_style(self, element: Element) -> None:
        source = self._content(element)
        if source and keyword(element, "type") in link_attributes.STYLE_TYPES:
            self._collector.add_css(source, self._resolver, "style")

    def _collect_ping(self, element: Element) -> None:
        source = element.attribute_value("ping") if element.get("ping") else None
        if source:
            context = self._context(element, "ping")
            for match in _TOKEN.finditer(source.text):
                url = source.slice(*match.span())
                self._collector.add_whole(LinkKind.FORM, url, self._resolver, context)

    def _collect_input(self, element: Element) -> None:
        if keyword(element, "type") == "image":
            self._add_url(element, "src", LinkKind.IMAGE)

    def _collect_srcdoc(self, element: Element) -> None:
        source = element.attribute_value("srcdoc") if element.get("srcdoc") else None
        if source and self._scan_page:
            self._scan_page(source)

    def _collect_noscript(self, element: Element) -> None:
        source = self._content(element) if self._scan_fragment else None
        if source and self._scan_fragment and "<" in source.text:
            self._scan_fragment(source)

    #: Elements whose links depend on more than one attribute, or stand in their content.
    _SPECIAL_ELEMENTS: ClassVar[dict[str, Callable[["ElementScanner", Element], None]]] = {
        "a": _collect_ping,
        "area": _collect_ping,
        "link": _collect_link,
        "meta": _collect_meta,
        "script": _collect_script,
        "style": _collect_style,
        "input": _collect_input,
        "iframe": _collect_srcdoc,
        "noscript": _collect_noscript,
    }


def _kind_of_link_element(element: Element) -> LinkKind:
    """Return what a ``link`` element is for (HTML standard, 4.6.7, "link types")."""
    rel = set(tokens(element, "rel"))
    if "stylesheet" in rel:
        return LinkKind.STYLESHEET
    if rel & link_attributes.ICON_TYPES:
        return LinkKind.ICON
    if "modulepreload" in rel:
        return LinkKind.MODULE
    if "preload" in rel:
        return link_attributes.PRELOAD_KINDS.get(keyword(element, "as"), LinkKind.FETCH)
    if "manifest" in rel:
        return LinkKind.MANIFEST
    if rel & link_attributes.HINT_TYPES:
        return LinkKind.HINT
    return LinkKind.RELATED if rel & link_attributes.RELATED_TYPES else LinkKind.METADATA
