"""Reads the elements of a page for links; the same for HTML, XHTML and SVG."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

from downloader.links import link_attributes, meta_refresh
from downloader.links.collector import LinkCollector, LinkTraits
from downloader.links.elements import Element, ElementNamespace, keyword, renamed, without, words
from downloader.links.model import LinkKind
from downloader.links.source_text import Edit
from downloader.links.text_layers import TextLayer
from downloader.links.url_resolver import UrlResolver

#: Attributes that tie an element to the origin or to the bytes of what it loads.
_GUARDS = ("integrity", "crossorigin")
#: One of a set of addresses, which are separated by spaces.
_WORD = re.compile(r"[^\t\n\f\r ]+")
_GUARDED = {"link", "script", "img", "video", "audio", "source", "track", "image", "feimage"}


class ElementReader:
    """Reads the elements of one page, or of a page within a page.

    Attributes:
        page: is called with a page that stands in an attribute (``srcdoc``).
        fragment: is called with markup that is shown instead of scripts (``noscript``).
        places: whether links to places in the page itself are wanted.
    """

    def __init__(
        self,
        finder: LinkCollector,
        layer: TextLayer,
        resolver: UrlResolver,
        *,
        nofollow: bool = False,
        page: Callable[[TextLayer], None] | None = None,
        fragment: Callable[[TextLayer], None] | None = None,
    ) -> None:
        self._finder = finder
        self._layer = layer
        self._resolver = resolver
        self._nofollow = nofollow
        self._page = page
        self._fragment = fragment
        #: Documentation has one at every heading: half of all links.
        self.places = finder.places or resolver.base != resolver.document

    def read(self, element: Element) -> None:
        """Add the links of one element."""
        if element.space is ElementNamespace.HTML:
            self._html(element)
        elif element.space is ElementNamespace.SVG:
            self._svg(element)
        else:
            self._address(element, "href", LinkKind.ANCHOR)
        if element.get("style"):
            self._styled(element, "style")

    def lazy(self, element: Element) -> None:
        """Add what only a script would load, as far as an element's attributes tell."""
        own = link_attributes.LAZY_KINDS.get(element.name)
        for attribute in link_attributes.LAZY:
            value = (element.get(attribute) or "").strip()
            if (link_attributes.PLAUSIBLE if own else link_attributes.PICTURE).fullmatch(value):
                self._address(element, attribute, own or LinkKind.IMAGE, lazy=True)
        for attribute in link_attributes.LAZY_PICTURES:
            value = (element.get(attribute) or "").strip()
            if "(" in value:
                self._styled(element, attribute)
            elif link_attributes.PLAUSIBLE.fullmatch(value):
                self._address(element, attribute, LinkKind.IMAGE, lazy=True)
        for attribute in link_attributes.LAZY_SRCSETS:
            if element.get(attribute):
                self._srcset(element, attribute, lazy=True)

    def _html(self, element: Element) -> None:
        name = element.name
        for attribute, kind in link_attributes.ADDRESSES.get(name, ()):
            self._address(element, attribute, kind)
        srcset = link_attributes.SRCSETS.get(name)
        if srcset and element.get(srcset):
            self._srcset(element, srcset)
        special = self._SPECIAL.get(name)
        if special:
            special(self, element)

    def _svg(self, element: Element) -> None:
        kind = link_attributes.SVG.get(element.name)
        if kind is LinkKind.SCRIPT and keyword(element, "type") == "module":
            kind = LinkKind.MODULE
        for attribute in ("href", "xlink:href"):
            value = element.get(attribute)
            # A place in the same document, whatever the base (SVG 2, 16.3).
            if kind and value and (kind is LinkKind.ANCHOR or not value.lstrip().startswith("#")):
                self._address(element, attribute, kind)
        for attribute in link_attributes.PRESENTATION:
            if "(" in (element.get(attribute) or ""):
                self._styled(element, attribute)
        if element.name == "style":
            self._style(element)
        elif element.name == "script":
            self._inline_script(element)

    def _address(
        self, element: Element, attribute: str, kind: LinkKind, *, lazy: bool = False
    ) -> None:
        value = element.get(attribute)
        if value is None or (not self.places and value.startswith("#")):
            return
        layer = element.value(attribute)
        if layer is not None:
            traits = self._traits(element, attribute, lazy=lazy)
            self._finder.whole(kind, layer, self._resolver, traits, self._guards(element))

    def _srcset(self, element: Element, attribute: str, *, lazy: bool = False) -> None:
        layer = element.value(attribute)
        if layer is not None:
            traits = self._traits(element, attribute, lazy=lazy)
            self._finder.srcset(layer, self._resolver, traits, self._guards(element))

    def _styled(self, element: Element, attribute: str) -> None:
        layer = element.value(attribute)
        if layer is not None:
            self._finder.css(layer, self._resolver, f"{element.name}[{attribute}]")

    def _traits(self, element: Element, attribute: str, *, lazy: bool = False) -> LinkTraits:
        rel = element.get("rel")
        return _common(element.name, attribute, rel, nofollow=self._nofollow, lazy=lazy)

    def _guards(self, element: Element) -> Sequence[Edit]:
        if element.name not in _GUARDED:
            return ()
        owner = element.parent if element.name in {"source", "track"} else element
        if owner is None:
            return ()
        spans = [owner.span(name) for name in _GUARDS if owner.get(name) is not None]
        return [without(self._layer, span) for span in spans if span]

    def _link(self, element: Element) -> None:
        self._address(element, "href", _relation(element))

    def _meta(self, element: Element) -> None:
        equivalent = keyword(element, "http-equiv")
        if equivalent == "refresh":
            layer = element.value("content")
            place = meta_refresh.target(layer.text) if layer else None
            if layer and place:
                traits = self._traits(element, "content")
                kind = LinkKind.FORWARD if meta_refresh.at_once(layer.text) else LinkKind.REFRESH
                self._finder.whole(kind, layer.part(*place), self._resolver, traits)
        elif equivalent == "content-security-policy":
            # It would forbid what a copy consists of.
            span = element.span("http-equiv")
            if span:
                self._finder.edits.append(renamed(self._layer, span))

    def _script(self, element: Element) -> None:
        kind = keyword(element, "type")
        if element.get("src") is None:
            self._inline_script(element)
        elif kind == "module":
            self._address(element, "src", LinkKind.MODULE)
        elif link_attributes.SCRIPTS.fullmatch(kind):
            self._address(element, "src", LinkKind.SCRIPT)

    def _inline_script(self, element: Element) -> None:
        kind = keyword(element, "type")
        layer = element.content()
        if layer is None:
            return
        if kind == "importmap":
            self._finder.import_map(layer, self._resolver)
        elif kind == "module" or link_attributes.SCRIPTS.fullmatch(kind):
            self._finder.script(layer, self._resolver, "script")

    def _style(self, element: Element) -> None:
        layer = element.content()
        if layer and keyword(element, "type") in link_attributes.SHEETS:
            self._finder.css(layer, self._resolver, "style")

    def _anchor(self, element: Element) -> None:
        layer = element.value("ping") if element.get("ping") else None
        if layer:
            traits = self._traits(element, "ping")
            for match in _WORD.finditer(layer.text):
                part = layer.part(*match.span())
                self._finder.whole(LinkKind.FORM, part, self._resolver, traits)

    def _input(self, element: Element) -> None:
        if keyword(element, "type") == "image":
            self._address(element, "src", LinkKind.IMAGE)

    def _iframe(self, element: Element) -> None:
        layer = element.value("srcdoc") if element.get("srcdoc") else None
        if layer and self._page:
            self._page(layer)

    def _noscript(self, element: Element) -> None:
        layer = element.content() if self._fragment else None
        if layer and self._fragment and "<" in layer.text:
            self._fragment(layer)

    #: Elements whose links depend on more than one attribute.
    _SPECIAL: ClassVar[dict[str, Callable[["ElementReader", Element], None]]] = {
        "a": _anchor,
        "area": _anchor,
        "link": _link,
        "meta": _meta,
        "script": _script,
        "style": _style,
        "input": _input,
        "iframe": _iframe,
        "noscript": _noscript,
    }


@lru_cache
def _common(
    name: str, attribute: str, rel: str | None, *, nofollow: bool, lazy: bool
) -> LinkTraits:
    """Return the traits of an element: those of a page are nearly all the same."""
    types = tuple(rel.lower().split()) if rel else ()
    return LinkTraits(f"{name}[{attribute}]", types, nofollow or "nofollow" in types, lazy)


def _relation(element: Element) -> LinkKind:
    """Return what a ``link`` is for (HTML standard, 4.6.7, "link types")."""
    rel = set(words(element, "rel"))
    if "stylesheet" in rel:
        return LinkKind.STYLESHEET
    if rel & link_attributes.ICONS:
        return LinkKind.ICON
    if "modulepreload" in rel:
        return LinkKind.MODULE
    if "preload" in rel:
        return link_attributes.PRELOADED.get(keyword(element, "as"), LinkKind.FETCH)
    if "manifest" in rel:
        return LinkKind.MANIFEST
    if rel & link_attributes.HINTS:
        return LinkKind.HINT
    return LinkKind.RELATED if rel & link_attributes.RELATIONS else LinkKind.REFERENCE
