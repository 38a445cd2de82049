"""Packs one page: what each of its links becomes."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from posixpath import dirname, relpath
from urllib.parse import quote

from downloader.links import Document, Link, LinkKind, can_contain_links
from downloader.mirror.singlefile.cache import Key, PackedFileCache
from downloader.mirror.singlefile.data_uris import address_of, data_uri, path_of
from downloader.mirror.singlefile.frames import markup
from downloader.mirror.singlefile.js_modules import name_of
from downloader.mirror.singlefile.link_purpose import DOCUMENTS, EMPTY, FRAMES, needless, type_of
from downloader.mirror.singlefile.model import (
    MIB,
    NOT_SAVED,
    Address,
    Beside,
    ExternalReference,
    NotEmbedded,
    PackedFile,
    Read,
    SingleFilePage,
)
from downloader.mirror.singlefile.open_document import HTML, TOO_MUCH, OpenDocument
from downloader.web.encoding_declaration import declares_encoding, with_encoding
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, conceal, origin

#: Browsers open no frame from a longer URI (Chromium: 2 MiB), though they load anything else.
_LONGEST_FRAME = 2 * MIB
#: Files within files; imports go through more hands than frames do.
_DEEPEST = 24
#: Bytes that may be packed more than once, because they are within themselves, or in vain.
_PATIENCE = 16 * MIB
_NOTHING = "data:,-"


class _UsableIn(IntEnum):
    """Where a packed file can be used."""

    EVERYWHERE = 0
    IN_THIS_PAGE = 1
    #: It is cut where it came back to a file around it.
    HERE = 2


class PagePacker:
    """Packs one page.

    A file that several others need is packed once: its URI is the same each time, by which
    modules keep being one and the same for all that import them.
    """

    def __init__(
        self,
        path: str,
        read: Read,
        address: Address,
        beside: Beside,
        *,
        most: int,
        total: int,
        cache: PackedFileCache,
    ) -> None:
        self._path = path
        self._read = read
        self._address = address
        self._beside = beside
        self._most = most
        self._total = total
        self._cache = cache
        self._packed = PackedFileCache(total)
        self._seen: set[Key] = set()
        self._patience = _PATIENCE
        self._holds = _UsableIn.EVERYWHERE
        self._left: dict[ExternalReference, None] = {}
        self._inlined: set[str] = set()
        #: Modules that are imported by what they import.
        self._circular: dict[str, None] = {}

    def pack(self, body: bytes, kind: str | None, charset: str | None) -> SingleFilePage:
        """Return the page, whose bytes are *body*."""
        kind = kind or guess_media_type(self._path)
        packed, encoding = self._document(body, kind, None, self._path, charset)
        # What was put into the page may have moved its own declaration out of sight; that of a
        # server's header is gone. An encoding that was guessed is left to the browser's own guess.
        told = charset is not None or declares_encoding(body)
        if kind == HTML and told:
            packed = with_encoding(packed, kind, encoding)
        return SingleFilePage(packed, frozenset(self._inlined), tuple(self._left))

    def _document(
        self,
        body: bytes,
        kind: str,
        outer: OpenDocument | None,
        path: str,
        charset: str | None = None,
    ) -> tuple[bytes, str]:
        """Return a document with all that it needs within, and its encoding."""
        if not can_contain_links(kind):
            return body, ""
        document = Document(body, kind, address_of(path), charset)
        new = OpenDocument.of(document, path, outer, self._most if outer else self._total)
        packed = new.written(lambda link: self._replaced(link, new), lambda: self._names(new))
        return packed, new.page.encoding

    def _replaced(self, link: Link, into: OpenDocument) -> str | None:
        """Return what is written instead of a link."""
        if needless(link):
            return _NOTHING
        path = path_of(link)
        if path is None:
            if link.kind.is_requisite and link.url:
                self._left[ExternalReference(into.name, conceal(link.value), NOT_SAVED)] = None
            return None
        if not link.kind.is_requisite:
            return self._outside(path, link, into)
        try:
            return self._requisite(path, link, into)
        except NotEmbedded as refused:
            self._left[ExternalReference(into.name, path, str(refused))] = None
            return self._outside(path, link, into)

    def _outside(self, path: str, link: Link, into: OpenDocument) -> str | None:
        """Return the address of what stays outside, or its place relative to the page."""
        if path == self._path and link.fragment and len(into.way) == 1:
            return link.fragment
        known = None if self._beside(path) else self._address(path)
        if known is not None:
            return known + link.fragment
        if len(into.way) == 1:
            return None
        self._holds = max(self._holds, _UsableIn.IN_THIS_PAGE)
        place = relpath(path, dirname(self._path) or ".")
        return quote(place, errors="surrogateescape") + link.fragment

    def _requisite(self, path: str, link: Link, into: OpenDocument) -> str:
        if link.kind is LinkKind.SVG_ELEMENT and link.construct.startswith("use"):
            reference, size = into.graphics.take(path, link.fragment, lambda: self._bytes(path))
            self._take(size, into)
            self._inlined.add(path)
            return reference
        into.modules = into.modules or link.kind is LinkKind.MODULE
        if path in into.way:
            return self._cut(path, link.kind, into)
        framed = into.frames is not None and into.frames.takes(link) and self._same(path, into)
        packed = self._file(path, link.kind, into, framed=framed)
        if packed.refused:
            raise NotEmbedded(packed.refused)
        if link.kind in FRAMES and not packed.markup and len(packed.text) > _LONGEST_FRAME:
            raise NotEmbedded("too large for a frame")
        self._take(len(packed.text), into)
        self._inlined |= packed.inlined
        self._left |= dict.fromkeys(packed.left)
        if packed.markup and into.frames is not None:
            return into.frames.add(packed.text)
        # What scripts and style sheets have as fragment would only make them others.
        alone = link.kind in {LinkKind.MODULE, LinkKind.STYLESHEET}
        return into.late.write(packed.text) + ("" if alone else link.fragment)

    def _cut(self, path: str, use: LinkKind, into: OpenDocument) -> str:
        """Return what stands for a file around the one that needs it."""
        if use is LinkKind.MODULE and into.named is not None:
            self._holds = max(self._holds, _UsableIn.IN_THIS_PAGE)
            self._circular[path] = None
            return name_of(path)
        self._holds = _UsableIn.HERE
        if use in EMPTY:
            return EMPTY[use]
        raise NotEmbedded("it needs itself")

    def _names(self, into: OpenDocument) -> dict[str, str]:
        """Return what the names of modules stand for; those that stay outside have an address."""
        named = {}
        for path in self._circular:
            packed = self._file(path, LinkKind.MODULE, into)
            meant, refused = packed.text, packed.refused
            try:
                self._take(len(meant), into)
            except NotEmbedded as error:
                meant, refused = "", str(error)
            if refused:
                self._left[ExternalReference(into.name, path, refused)] = None
            if meant := meant or self._address(path) or "":
                named[name_of(path)] = meant
        return named

    def _same(self, path: str, into: OpenDocument) -> bool:
        """Return whether a frame is of the origin of the document it is in."""
        inner, outer = self._address(path), self._address(into.name)
        return bool(inner and outer) and origin(Url(inner or "")) == origin(Url(outer or ""))

    def _take(self, size: int, into: OpenDocument) -> None:
        try:
            into.take(size)
        except NotEmbedded:
            # It was packed in vain.
            self._patience -= size
            raise

    def _file(
        self, path: str, use: LinkKind, into: OpenDocument, *, framed: bool = False
    ) -> PackedFile:
        """Return a packed file; it is remembered unless it depends on the way to it."""
        key = (path, use, framed)
        known = self._packed.get(key) or self._cache.get(key)
        if known is not None:
            return known
        with self._apart() as (inlined, left):
            try:
                text, is_markup = self._content(key, into)
                packed = PackedFile(
                    text=text,
                    markup=is_markup,
                    inlined=frozenset({path, *inlined}),
                    left=tuple(left),
                )
            except NotEmbedded as refused:
                packed = PackedFile(refused=str(refused))
            if self._holds < _UsableIn.HERE:
                self._packed.put(key, packed)
            if self._holds == _UsableIn.EVERYWHERE:
                self._cache.put(key, packed)
        return packed

    @contextmanager
    def _apart(self) -> Iterator[tuple[set[str], dict[ExternalReference, None]]]:
        """Collect what becomes of one file apart from what became of others."""
        holds, inlined, left = self._holds, self._inlined, self._left
        self._holds, self._inlined, self._left = _UsableIn.EVERYWHERE, set(), {}
        try:
            yield self._inlined, self._left
        finally:
            self._holds = max(holds, self._holds)
            self._inlined, self._left = inlined, left

    def _content(self, key: Key, into: OpenDocument) -> tuple[str, bool]:
        """Return a file as a URI, or as the markup of a frame, and which of them it is."""
        path, use, framed = key
        if len(into.way) > _DEEPEST:
            self._holds = _UsableIn.HERE
            raise NotEmbedded("too many files within files")
        if self._patience < 0:
            self._holds = _UsableIn.HERE
            raise NotEmbedded(TOO_MUCH)
        body = self._bytes(path)
        again = key in self._seen
        self._seen.add(key)
        if again:
            self._wait(len(body))
        kind = type_of(path, use)
        parameter = ""
        if use in DOCUMENTS:
            body, encoding = self._document(body, kind, into, path)
            if kind == HTML:
                text = markup(body, encoding) if framed else None
                if text is not None:
                    return text, True
                parameter = f";charset={encoding}"
        if len(body) > self._most:
            raise NotEmbedded("too large")
        if again:
            self._wait(len(body))
        return data_uri(body, f"{kind}{parameter}"), False

    def _wait(self, size: int) -> None:
        """Lose patience with what is packed once more for each way to it, or in vain."""
        self._patience -= size + 1000
        if self._patience < 0:
            self._holds = _UsableIn.HERE
            raise NotEmbedded(TOO_MUCH)

    def _bytes(self, path: str) -> bytes:
        body = self._read(path)
        if body is None:
            raise NotEmbedded("missing")
        if len(body) > self._most:
            raise NotEmbedded("too large")
        return body
