"""Collects the links of one document, whatever language each of them stands in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from downloader.links import css, javascript, json_links, srcset
from downloader.links.embedded_text import NO_OFFSET, SPACES, EmbeddedText, Escape
from downloader.links.model import Link, LinkKind
from downloader.links.source_text import Edit
from downloader.links.url_resolver import UrlResolver

#: Links of one document that are collected, and the characters of their URLs together. The largest
#: documents for people have some tens of thousands.
MAX_LINKS = 250_000
MAX_URL_CHARACTERS = 32 * 1024**2
#: Kinds for which an empty reference means the document itself; for others it means nothing.
_KINDS_THAT_MAY_BE_EMPTY = (
    LinkKind.ANCHOR,
    LinkKind.RELATED,
    LinkKind.FORM,
    LinkKind.REFRESH,
    LinkKind.REDIRECT,
)


class RewriteRule(NamedTuple):
    """How one link is replaced.

    Attributes:
        escape: returns a URL as it must be written in place of the link.
        guard_removals: edits that remove ``integrity`` and ``crossorigin``, which would keep a
            browser from using another resource.
    """

    escape: Escape
    guard_removals: Sequence[Edit] = ()


class LinkContext(NamedTuple):
    """The fields that all links of one attribute share; see :class:`Link`."""

    construct: str = ""
    rel: tuple[str, ...] = ()
    nofollow: bool = False
    lazy: bool = False


class LinkCollector:
    """Collects links.

    Attributes:
        text: the document.
        links: the links, in the order in which they were found.
        rewrite_rules: how each of *links* is replaced.
        edits: changes without which an offline copy would not work.
        removes_base: whether one of *edits* removes the base URL of the document.
        same_document_links: whether references such as ``#part`` are collected.
        is_full: whether further links are left out, because they would be more than MAX_LINKS or
            longer than MAX_URL_CHARACTERS.
        url_characters: characters of the URLs.
        has_unread_tags: whether the document has more tags than are read.
        has_unread_script: whether a script, a manifest or an import map is not searched, because
            it is too long or too complex.
    """

    def __init__(self, text: str, *, same_document_links: bool = True) -> None:
        self.text = text
        self.same_document_links = same_document_links
        self.links: list[Link] = []
        self.rewrite_rules: list[RewriteRule] = []
        self.edits: list[Edit] = []
        self.removes_base = False
        self.has_unread_script = False
        self.has_unread_tags = False
        self.is_full = False
        self.url_characters = 0

    def add(
        self,
        kind: LinkKind,
        text: EmbeddedText,
        start: int,
        end: int,
        value: str,
        escape: Escape,
        resolver: UrlResolver,
        context: LinkContext,
        guard_removals: Sequence[Edit] = (),
    ) -> None:
        """Add the reference *value*, which is written in *text* from *start* to *end*."""
        if self.is_full:
            return
        url, fragment = resolver.resolve(value)
        if url is not None and not value.strip(SPACES) and kind not in _KINDS_THAT_MAY_BE_EMPTY:
            return
        first, last = text.offset(start), text.offset(end)
        if first == NO_OFFSET or last == NO_OFFSET:
            return
        raw = self.text[first:last]
        link = Link(url, fragment, kind, value, raw, first, last, *context)
        self.append(link, RewriteRule(escape, guard_removals))

    def append(self, link: Link, rule: RewriteRule) -> None:
        """Add a link, unless there are too many."""
        self.url_characters += len(link.url or "")
        if len(self.links) >= MAX_LINKS or self.url_characters > MAX_URL_CHARACTERS:
            self.is_full = True
            return
        self.links.append(link)
        self.rewrite_rules.append(rule)

    def add_whole(
        self,
        kind: LinkKind,
        text: EmbeddedText,
        resolver: UrlResolver,
        context: LinkContext,
        guard_removals: Sequence[Edit] = (),
    ) -> None:
        """Add a text that is one reference."""
        value = text.text
        self.add(kind, text, 0, len(value), value, text.escape, resolver, context, guard_removals)

    def add_css(self, text: EmbeddedText, resolver: UrlResolver, where: str = "") -> None:
        """Add the references of a style sheet or of a ``style`` attribute.

        *where* says in which element or attribute it stands. ``url(#part)`` is left out: it always
        refers to the document itself (CSS Values Level 4, 4.5.1.2).
        """
        for found in css.references(text.text, MAX_LINKS + 1):
            if self.is_full:
                return
            if found.value.lstrip(SPACES).startswith("#"):
                continue
            escape = _CssEscape(text.escape, found.quote, text.avoids_markup)
            context = LinkContext(f"{where} {found.construct}".lstrip())
            span = (found.start, found.end)
            self.add(found.kind, text, *span, found.value, escape, resolver, context)

    def add_srcset(
        self,
        text: EmbeddedText,
        resolver: UrlResolver,
        context: LinkContext,
        guard_removals: Sequence[Edit] = (),
    ) -> None:
        """Add the image candidates of a ``srcset`` attribute."""
        for start, end in srcset.candidate_spans(text.text):
            if self.is_full:
                return
            value = text.text[start:end]
            self.add(
                LinkKind.IMAGE,
                text,
                start,
                end,
                value,
                _SrcsetEscape(text.escape),
                resolver,
                context,
                guard_removals,
            )

    def add_script(self, text: EmbeddedText, resolver: UrlResolver, where: str = "") -> None:
        """Add the modules that a script imports; *where* is set for an inline script."""
        try:
            for found in javascript.references(text.text, is_inline=bool(where)):
                if self.is_full:
                    return
                escape = _ScriptEscape(text.escape, found.quote, text.avoids_markup)
                context = LinkContext(f"{where} {found.construct}".lstrip())
                span = (found.start, found.end)
                self.add(found.kind, text, *span, found.value, escape, resolver, context)
        except javascript.ScriptTooComplexError:
            self.has_unread_script = True

    def add_manifest(self, text: EmbeddedText, resolver: UrlResolver) -> None:
        """Add the references of a web app manifest."""
        self.has_unread_script |= len(text.text) > json_links.MAX_JSON_CHARACTERS
        for kind, found in json_links.manifest_references(text.text):
            if self.is_full:
                return
            context = LinkContext(".".join(found.path))
            escape = _JsonEscape(text.escape, is_module=False)
            self.add(kind, text, found.start, found.end, found.value, escape, resolver, context)

    def add_import_map(self, text: EmbeddedText, resolver: UrlResolver) -> None:
        """Add the modules of an import map, and disable their ``integrity``."""
        self.has_unread_script |= len(text.text) > json_links.MAX_JSON_CHARACTERS
        for found in json_links.import_map_references(text.text):
            self.add(
                LinkKind.MODULE,
                text,
                found.start,
                found.end,
                found.value,
                _JsonEscape(text.escape, is_module=True),
                resolver,
                LinkContext("script importmap"),
            )
        name = json_links.integrity_member(text.text)
        if name is not None:
            start = text.offset(name.start)
            self.edits.append(Edit(start, start, "data-"))


# These hold no text, because the links of a document may be kept for longer than its text.


@dataclass(frozen=True, slots=True)
class _CssEscape:
    outer: Escape
    quote: str
    avoids_markup: bool

    def __call__(self, url: str) -> str:
        return self.outer(css.escape(url, self.quote, markup=self.avoids_markup))


@dataclass(frozen=True, slots=True)
class _ScriptEscape:
    outer: Escape
    quote: str
    avoids_markup: bool

    def __call__(self, url: str) -> str:
        return self.outer(javascript.escape(url, self.quote, markup=self.avoids_markup))


@dataclass(frozen=True, slots=True)
class _SrcsetEscape:
    outer: Escape

    def __call__(self, url: str) -> str:
        return self.outer(srcset.protect_commas(url))


@dataclass(frozen=True, slots=True)
class _JsonEscape:
    outer: Escape
    is_module: bool

    def __call__(self, url: str) -> str:
        return self.outer(json_links.escape(url, is_module=self.is_module))
