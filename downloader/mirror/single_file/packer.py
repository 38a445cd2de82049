"""Packs one page: decides what becomes of each of its links."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from posixpath import dirname, relpath
from urllib.parse import quote

from downloader.links import Document, Link, LinkKind, can_contain_links
from downloader.mirror.single_file.cache import PackedFileCache, PackedFileKey
from downloader.mirror.single_file.data_uri import data_uri, internal_url, linked_path
from downloader.mirror.single_file.document_builder import HTML, PAGE_TOO_LARGE, DocumentBuilder
from downloader.mirror.single_file.embedding_rules import (
    DOCUMENT_KINDS,
    EMPTY_DOCUMENTS,
    FRAME_KINDS,
    embedded_media_type,
    is_only_preload,
)
from downloader.mirror.single_file.js_modules import module_name
from downloader.mirror.single_file.model import (
    MIB,
    NOT_SAVED,
    ExternalReference,
    IsBeside,
    NotEmbeddedError,
    PackedFile,
    ReadFile,
    SingleFilePage,
    SourceUrl,
)
from downloader.mirror.single_file.srcdoc_frames import srcdoc_markup
from downloader.web.encoding_declaration import declares_encoding, with_encoding
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, origin, redact_text

#: Browsers open no frame from a longer URI (Chromium: 2 MiB), though they load anything else.
_MAX_FRAME_URI_CHARACTERS = 2 * MIB
#: Files within files; chains of imports are longer than those of frames.
_MAX_DEPTH = 24
#: Bytes that may be packed more than once (in a circle), or without being used.
_MAX_REPEATED_BYTES = 16 * MIB
#: Bytes that each repetition counts for, beside its own.
_REPETITION_BYTES = 1000
_EMPTY_URI = "data:,-"


class _ReusableIn(IntEnum):
    """A place from which a packed file can be used again."""

    ANY_PAGE = 0
    THIS_PAGE = 1
    #: It contains less than it should, because a file around it would have contained itself.
    NOWHERE = 2


class PagePacker:
    """Packs one page.

    A file that several others need is packed once. Its URI is the same each time, so that a module
    stays one and the same for all that import it.
    """

    def __init__(
        self,
        path: str,
        read: ReadFile,
        source_url: SourceUrl,
        is_beside: IsBeside,
        *,
        max_file_bytes: int,
        max_page_characters: int,
        cache: PackedFileCache,
    ) -> None:
        self._path = path
        self._read = read
        self._source_url = source_url
        self._is_beside = is_beside
        self._max_file_bytes = max_file_bytes
        self._max_page_characters = max_page_characters
        self._shared_cache = cache
        self._page_cache = PackedFileCache(max_page_characters)
        self._attempted: set[PackedFileKey] = set()
        self._remaining_repeated_bytes = _MAX_REPEATED_BYTES
        self._reusable_in = _ReusableIn.ANY_PAGE
        self._external_references: dict[ExternalReference, None] = {}
        self._inlined: set[str] = set()
        #: Modules that import themselves, directly or through others.
        self._circular_modules: dict[str, None] = {}

    def pack(self, body: bytes, media_type: str | None, charset: str | None) -> SingleFilePage:
        """Return the page, whose bytes are *body*."""
        media_type = media_type or guess_media_type(self._path)
        packed, encoding = self._build(body, media_type, None, self._path, charset)
        # What was embedded may have moved the page's own declaration too far from its start, and
        # that of a response header is lost. A detected encoding is left to the browser to detect.
        is_declared = charset is not None or declares_encoding(body)
        if media_type == HTML and is_declared:
            packed = with_encoding(packed, media_type, encoding)
        return SingleFilePage(packed, frozenset(self._inlined), tuple(self._external_references))

    def _build(
        self,
        body: bytes,
        media_type: str,
        container: DocumentBuilder | None,
        path: str,
        charset: str | None = None,
    ) -> tuple[bytes, str]:
        """Return a document with everything it needs embedded, and its encoding."""
        if not can_contain_links(media_type):
            return body, ""
        document = Document(body, media_type, internal_url(path), charset)
        max_characters = self._max_file_bytes if container else self._max_page_characters
        builder = DocumentBuilder.of(document, path, container, max_characters)
        packed = builder.build(
            lambda link: self._new_reference(link, builder), lambda: self._import_map(builder)
        )
        return packed, builder.document.encoding

    def _new_reference(self, link: Link, builder: DocumentBuilder) -> str | None:
        """Return what is written in place of a link; None to keep it."""
        if is_only_preload(link):
            return _EMPTY_URI
        path = linked_path(link)
        if path is None:
            if link.kind.is_requisite and link.url:
                self._add_external(builder, redact_text(link.value), NOT_SAVED)
            return None
        if not link.kind.is_requisite:
            return self._external_url(path, link, builder)
        try:
            return self._embed(path, link, builder)
        except NotEmbeddedError as error:
            self._add_external(builder, path, str(error))
            return self._external_url(path, link, builder)

    def _add_external(self, builder: DocumentBuilder, reference: str, reason: str) -> None:
        self._external_references[ExternalReference(builder.path, reference, reason)] = None

    def _external_url(self, path: str, link: Link, builder: DocumentBuilder) -> str | None:
        """Return the URL of a file that is not embedded, or its path relative to the page."""
        if path == self._path and link.fragment and builder.is_page:
            return link.fragment
        url = None if self._is_beside(path) else self._source_url(path)
        if url is not None:
            return url + link.fragment
        if builder.is_page:
            return None
        self._reusable_in = max(self._reusable_in, _ReusableIn.THIS_PAGE)
        relative_path = relpath(path, dirname(self._path) or ".")
        return quote(relative_path, errors="surrogateescape") + link.fragment

    def _embed(self, path: str, link: Link, builder: DocumentBuilder) -> str:
        """Return the reference to a file that is embedded in a document."""
        if link.kind is LinkKind.SVG_ELEMENT and link.construct.startswith("use"):
            return self._embed_svg_use(path, link, builder)
        builder.has_modules = builder.has_modules or link.kind is LinkKind.MODULE
        if path in builder.path_chain:
            return self._end_circle(path, link.kind, builder)
        as_markup = (
            builder.frames is not None
            and builder.frames.can_embed(link)
            and self._has_same_origin(path, builder)
        )
        packed = self._packed_file(path, link.kind, builder, as_markup=as_markup)
        if packed.error:
            raise NotEmbeddedError(packed.error)
        is_frame_uri = link.kind in FRAME_KINDS and not packed.is_markup
        if is_frame_uri and len(packed.text) > _MAX_FRAME_URI_CHARACTERS:
            raise NotEmbeddedError("too large for a frame")
        self._reserve(len(packed.text), builder)
        self._inlined |= packed.inlined
        self._external_references |= dict.fromkeys(packed.external_references)
        if packed.is_markup and builder.frames is not None:
            return builder.frames.add(packed.text)
        # With another fragment, a module or style sheet would be loaded as another one.
        drops_fragment = link.kind in {LinkKind.MODULE, LinkKind.STYLESHEET}
        return builder.placeholders.add(packed.text) + ("" if drops_fragment else link.fragment)

    def _embed_svg_use(self, path: str, link: Link, builder: DocumentBuilder) -> str:
        reference, characters = builder.svg_uses.embed(
            path, link.fragment, lambda: self._read_file(path)
        )
        self._reserve(characters, builder)
        self._inlined.add(path)
        return reference

    def _end_circle(self, path: str, kind: LinkKind, builder: DocumentBuilder) -> str:
        """Return what replaces a file that contains the document which needs it."""
        if kind is LinkKind.MODULE and builder.import_map_owner is not None:
            self._reusable_in = max(self._reusable_in, _ReusableIn.THIS_PAGE)
            self._circular_modules[path] = None
            return module_name(path)
        self._reusable_in = _ReusableIn.NOWHERE
        if kind in EMPTY_DOCUMENTS:
            return EMPTY_DOCUMENTS[kind]
        raise NotEmbeddedError("it needs itself")

    def _import_map(self, builder: DocumentBuilder) -> dict[str, str]:
        """Return the URIs of circular modules by their names; else the URLs of their files."""
        imports = {}
        for path in self._circular_modules:
            packed = self._packed_file(path, LinkKind.MODULE, builder)
            uri, reason = packed.text, packed.error
            try:
                self._reserve(len(uri), builder)
            except NotEmbeddedError as error:
                uri, reason = "", str(error)
            if reason:
                self._add_external(builder, path, reason)
            if url := uri or self._source_url(path) or "":
                imports[module_name(path)] = url
        return imports

    def _has_same_origin(self, path: str, builder: DocumentBuilder) -> bool:
        """Return whether a frame has the origin of the document it is in."""
        frame_url, document_url = self._source_url(path), self._source_url(builder.path)
        if not frame_url or not document_url:
            return False
        return origin(Url(frame_url)) == origin(Url(document_url))

    def _reserve(self, characters: int, builder: DocumentBuilder) -> None:
        try:
            builder.reserve(characters)
        except NotEmbeddedError:
            # It was packed without being used.
            self._remaining_repeated_bytes -= characters
            raise

    def _packed_file(
        self, path: str, kind: LinkKind, builder: DocumentBuilder, *, as_markup: bool = False
    ) -> PackedFile:
        """Return a packed file; it is cached unless it depends on the files around it."""
        key = (path, kind, as_markup)
        cached = self._page_cache.get(key) or self._shared_cache.get(key)
        if cached is not None:
            return cached
        with self._separate_results() as (inlined, external_references):
            try:
                text, is_markup = self._embeddable_text(key, builder)
                packed = PackedFile(
                    text=text,
                    is_markup=is_markup,
                    inlined=frozenset({path, *inlined}),
                    external_references=tuple(external_references),
                )
            except NotEmbeddedError as error:
                packed = PackedFile(error=str(error))
            if self._reusable_in < _ReusableIn.NOWHERE:
                self._page_cache.put(key, packed)
            if self._reusable_in == _ReusableIn.ANY_PAGE:
                self._shared_cache.put(key, packed)
        return packed

    @contextmanager
    def _separate_results(self) -> Iterator[tuple[set[str], dict[ExternalReference, None]]]:
        """Collect what was embedded in one file, and what not, apart from other files."""
        reusable_in = self._reusable_in
        inlined, external_references = self._inlined, self._external_references
        self._reusable_in = _ReusableIn.ANY_PAGE
        self._inlined, self._external_references = set(), {}
        try:
            yield self._inlined, self._external_references
        finally:
            self._reusable_in = max(reusable_in, self._reusable_in)
            self._inlined, self._external_references = inlined, external_references

    def _embeddable_text(self, key: PackedFileKey, builder: DocumentBuilder) -> tuple[str, bool]:
        """Return a file as a URI or as the markup of a frame, and whether it is markup."""
        path, kind, as_markup = key
        if len(builder.path_chain) > _MAX_DEPTH:
            self._reusable_in = _ReusableIn.NOWHERE
            raise NotEmbeddedError("too many files within files")
        if self._remaining_repeated_bytes < 0:
            self._reusable_in = _ReusableIn.NOWHERE
            raise NotEmbeddedError(PAGE_TOO_LARGE)
        body = self._read_file(path)
        is_repeated = key in self._attempted
        self._attempted.add(key)
        if is_repeated:
            self._count_repetition(len(body))
        media_type = embedded_media_type(path, kind)
        parameter = ""
        if kind in DOCUMENT_KINDS:
            body, encoding = self._build(body, media_type, builder, path)
            if media_type == HTML:
                markup = srcdoc_markup(body, encoding) if as_markup else None
                if markup is not None:
                    return markup, True
                parameter = f";charset={encoding}"
        if len(body) > self._max_file_bytes:
            raise NotEmbeddedError("too large")
        if is_repeated:
            self._count_repetition(len(body))
        return data_uri(body, f"{media_type}{parameter}"), False

    def _count_repetition(self, size: int) -> None:
        """Count the bytes of a file that is packed again, because it could not be reused."""
        self._remaining_repeated_bytes -= size + _REPETITION_BYTES
        if self._remaining_repeated_bytes < 0:
            self._reusable_in = _ReusableIn.NOWHERE
            raise NotEmbeddedError(PAGE_TOO_LARGE)

    def _read_file(self, path: str) -> bytes:
        body = self._read(path)
        if body is None:
            raise NotEmbeddedError("missing")
        if len(body) > self._max_file_bytes:
            raise NotEmbeddedError("too large")
        return body
