"""Collects the links of one document, whatever language each stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from downloader.links import css, json_links, scripts, srcset
from downloader.links.model import Link, LinkKind
from downloader.links.source_text import Edit
from downloader.links.text_layers import NOWHERE, SPACES, Escape, TextLayer
from downloader.links.url_resolver import UrlResolver

#: Kinds for which an empty reference means the document itself; else it means nothing.
_MAY_BE_EMPTY = (
    LinkKind.ANCHOR,
    LinkKind.RELATED,
    LinkKind.FORM,
    LinkKind.REFRESH,
    LinkKind.FORWARD,
)


class ReplacementStyle(NamedTuple):
    """What replacing a link takes.

    Attributes:
        escape: writes another address as it must stand there.
        guards: what would keep another resource from being used in its place.
    """

    escape: Escape
    guards: Sequence[Edit] = ()


class LinkTraits(NamedTuple):
    """What all links of one element have in common."""

    where: str = ""
    rel: tuple[str, ...] = ()
    nofollow: bool = False
    lazy: bool = False


class LinkCollector:
    """Collects links.

    Attributes:
        text: the document.
        links: the links, in the order in which they were found.
        manners: how each of them is replaced.
        edits: what must give way in a copy that is opened elsewhere.
        rebased: whether one of these is the base of all relative references.
        places: whether links to places in the document itself (``#part``) are wanted.
    """

    def __init__(self, text: str, *, places: bool = True) -> None:
        self.text = text
        self.places = places
        self.links: list[Link] = []
        self.manners: list[ReplacementStyle] = []
        self.edits: list[Edit] = []
        self.rebased = False

    def whole(
        self,
        kind: LinkKind,
        layer: TextLayer,
        resolver: UrlResolver,
        traits: LinkTraits,
        guards: Sequence[Edit] = (),
    ) -> None:
        """Add a layer that is one address."""
        text = layer.text
        self.add(kind, layer, 0, len(text), text, layer.escape, resolver, traits, guards)

    def add(
        self,
        kind: LinkKind,
        layer: TextLayer,
        start: int,
        end: int,
        value: str,
        escape: Escape,
        resolver: UrlResolver,
        traits: LinkTraits,
        guards: Sequence[Edit] = (),
    ) -> None:
        """Add the address that stands in *layer* from *start* to *end*, and means *value*."""
        url, fragment = resolver.resolve(value)
        if url is not None and not value.strip(SPACES) and kind not in _MAY_BE_EMPTY:
            return
        first, last = layer.offset(start), layer.offset(end)
        if first == NOWHERE or last == NOWHERE:
            return
        raw = self.text[first:last]
        self.links.append(Link(url, fragment, kind, value, raw, first, last, *traits))
        self.manners.append(ReplacementStyle(escape, guards))

    def css(self, layer: TextLayer, resolver: UrlResolver, where: str = "") -> None:
        """Add what a style sheet or a ``style`` attribute refers to.

        ``url(#part)`` is always a part of the document itself (CSS Values Level 4, 4.5.1.2).
        """
        for place in css.references(layer.text):
            if place.value.lstrip(SPACES).startswith("#"):
                continue
            writer = _CssWriter(layer, place.quote)
            traits = LinkTraits(where=f"{where} {place.where}".lstrip())
            at = (place.start, place.end)
            self.add(place.kind, layer, *at, place.value, writer.write, resolver, traits)

    def srcset(
        self,
        layer: TextLayer,
        resolver: UrlResolver,
        traits: LinkTraits,
        guards: Sequence[Edit] = (),
    ) -> None:
        """Add the candidates of a ``srcset`` attribute."""
        for start, end in srcset.candidates(layer.text):
            value = layer.text[start:end]
            write = _SrcsetWriter(layer).write
            self.add(LinkKind.IMAGE, layer, start, end, value, write, resolver, traits, guards)

    def script(self, layer: TextLayer, resolver: UrlResolver, where: str = "") -> None:
        """Add the modules that a script imports; in a page, *where* says so."""
        for place in scripts.imports(layer.text, page=bool(where)):
            writer = _ScriptWriter(layer, place.quote)
            traits = LinkTraits(where=f"{where} {place.where}".lstrip())
            at = (place.start, place.end)
            self.add(place.kind, layer, *at, place.value, writer.write, resolver, traits)

    def manifest(self, layer: TextLayer, resolver: UrlResolver) -> None:
        """Add what a web app manifest refers to."""
        for kind, place in json_links.manifest(layer.text):
            traits = LinkTraits(where=".".join(place.path))
            write = _JsonWriter(layer, module=False).write
            self.add(kind, layer, place.start, place.end, place.value, write, resolver, traits)

    def import_map(self, layer: TextLayer, resolver: UrlResolver) -> None:
        """Add the modules of an import map; what they hash to no longer holds in a copy."""
        for place in json_links.import_map(layer.text):
            traits = LinkTraits(where="script importmap")
            write = _JsonWriter(layer, module=True).write
            self.add(
                LinkKind.MODULE, layer, place.start, place.end, place.value, write, resolver, traits
            )
        name = json_links.integrity(layer.text)
        if name is not None:
            start = layer.offset(name.start)
            self.edits.append(Edit(start, start, "data-"))


@dataclass(frozen=True, slots=True)
class _CssWriter:
    layer: TextLayer
    quote: str

    def write(self, url: str) -> str:
        return self.layer.escape(css.escape(url, self.quote, markup=self.layer.markup))


@dataclass(frozen=True, slots=True)
class _ScriptWriter:
    layer: TextLayer
    quote: str

    def write(self, url: str) -> str:
        return self.layer.escape(scripts.escape(url, self.quote, markup=self.layer.markup))


@dataclass(frozen=True, slots=True)
class _SrcsetWriter:
    layer: TextLayer

    def write(self, url: str) -> str:
        return self.layer.escape(srcset.protect(url))


@dataclass(frozen=True, slots=True)
class _JsonWriter:
    layer: TextLayer
    module: bool

    def write(self, url: str) -> str:
        return self.layer.escape(json_links.escape(url, module=self.module))
