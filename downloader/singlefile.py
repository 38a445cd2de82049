"""Pure: one mirrored page and all it needs, as one file.

What a page loads is written into it as ``data:`` URIs (RFC 2397; Fetch standard, 6), each with
what it loads itself, from the inside outwards. That is what works in every place that takes an
address; and like a page opened by ``file:``, a frame from a ``data:`` URI has an origin of its
own, so nothing is lost beside the mirrored folder. Three things work differently:

- Browsers refuse ``<use href>`` from ``data:`` URIs, so the graphics are put into the page.
- Of the candidates of a ``srcset`` Chromium takes the best one, because all of them are there.
- What would go round in a circle is left out where a browser leaves it out: a frame within
  itself is empty, and so is a style sheet that imports itself.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from posixpath import dirname, relpath
from urllib.parse import quote, unquote_to_bytes

from downloader.links import Document, Kind, Link, Page, readable
from downloader.mediatypes import UNKNOWN, media_type
from downloader.urls import Url, conceal

#: Gives the bytes of a file of the folder, by its ``/``-separated path; None if there is none.
Read = Callable[[str], bytes | None]
#: Gives the address that a file of the folder was fetched from; None to keep the link.
Address = Callable[[str], str | None]

MIB = 1024 * 1024
#: Browsers open no frame from a longer URI (Chromium: 2 MiB), though they load anything else.
_LONGEST_FRAME = 2 * MIB
#: Files within files; imports go through more hands than frames do.
_DEEPEST = 24
_BASE = "http://mirror.invalid/single/"
_FRAMES = {Kind.FRAME, Kind.OBJECT}
#: What loads more by itself. A picture loads nothing, whatever its file says (SVG 2, 2.2.1).
_DOCUMENTS = {Kind.STYLESHEET, Kind.SCRIPT, Kind.MODULE, Kind.MANIFEST, *_FRAMES}
#: Bytes that may be packed more than once, because they are within themselves.
_PATIENCE = 16 * MIB
#: What a file is that its name does not tell, by what it is used for.
_BY_USE = {
    Kind.STYLESHEET: "text/css",
    Kind.SCRIPT: "text/javascript",
    Kind.MODULE: "text/javascript",
    Kind.MANIFEST: "application/manifest+json",
    Kind.TRACK: "text/vtt",
}
_SVG = "image/svg+xml"
#: Where a circle is cut.
_NOTHING = "data:,-"
_EMPTY = {Kind.FRAME: "about:blank", Kind.OBJECT: "about:blank", Kind.STYLESHEET: "data:text/css,"}
#: What stands in data: URIs unescaped, wherever they are written: in markup, CSS and scripts.
_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$*+,/:;=?@"
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-._~!$*+,/:;=?@]")
_ESCAPES = {bytes([value]): b"%%%02X" % value for value in range(256)}
_ID = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROOT = re.compile(r"<svg[\s>/]")
_HIDDEN = '<svg width="0" height="0" style="position:absolute" aria-hidden="true">{}</svg>'


@dataclass(frozen=True, slots=True)
class Left:
    """A reference that still leads out of the file.

    Attributes:
        document: the file it stands in.
        reference: what it leads to: a path of the folder, or an address.
        reason: why it is not within, for people.
    """

    document: str
    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class Single:
    """A page that is one file.

    Attributes:
        body: its bytes, in the encoding of the page.
        inlined: the files that are within.
        left: the requisites that are not.
    """

    body: bytes
    inlined: frozenset[str]
    left: tuple[Left, ...]


def single_file(
    path: str,
    read: Read,
    *,
    address: Address = lambda _: None,
    most: int = 16 * MIB,
    total: int = 256 * MIB,
    kind: str | None = None,
    charset: str | None = None,
) -> Single:
    """Return the page at *path* as one file.

    Args:
        path: the page, relative to the mirrored folder.
        read: gives the files of the folder.
        address: gives the address of a file. It is written for links to other pages, and for
            what cannot be within. Where it gives None the link stays, relative to the page.
        most: bytes above which a file (with what is within it) stays outside.
        total: characters that all ``data:`` URIs of the page may have together.
        kind: the media type of the page, if its name does not tell.
        charset: a label of its encoding, if its bytes do not tell.

    Raises:
        FileNotFoundError: there is no such page.
    """
    body = read(path)
    if body is None:
        raise FileNotFoundError(path)
    return _Packer(path, read, address, most, total).pack(body, kind, charset)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Why a file stays outside."""


@dataclass(frozen=True, slots=True)
class _Step:
    """The way from the page to a document that is being packed, the innermost file last."""

    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.paths[-1]


class _Packer:
    """Packs one page.

    A file that several others need is packed once: its URI is the same each time, by which
    modules keep being one and the same for all that import them.
    """

    def __init__(self, path: str, read: Read, address: Address, most: int, total: int) -> None:
        self._path = path
        self._read = read
        self._address = address
        self._most = most
        self._room = total
        #: Files as URIs, or why there is none.
        self._packed: dict[tuple[str, Kind], str | _Refused] = {}
        self._seen: set[tuple[str, Kind]] = set()
        self._patience = _PATIENCE
        #: Whether what is being packed is cut where it came back to a file around it.
        self._circular = False
        self._left: dict[Left, None] = {}
        self._inlined: set[str] = set()
        self._graphics: dict[str, str] = {}
        self._ids: frozenset[str] = frozenset()

    def pack(self, body: bytes, kind: str | None, charset: str | None) -> Single:
        kind = kind or media_type(self._path)
        packed, _ = self._document(body, kind, _Step((self._path,)), charset)
        return Single(packed, frozenset(self._inlined), tuple(self._left))

    def _document(
        self, body: bytes, kind: str, way: _Step, charset: str | None = None
    ) -> tuple[bytes, str]:
        """Return a document with all that it needs within, and its encoding."""
        if not readable(kind):
            return body, ""
        base = Url(_BASE + quote(way.name, errors="surrogateescape"))
        page = Page(Document(body, kind, base, charset))
        outer = self._graphics, self._ids
        has_graphics = any(link.kind is Kind.GRAPHIC for link in page.links)
        self._graphics, self._ids = {}, _ids(page.text) if has_graphics else frozenset()
        try:
            packed = page.rewrite(lambda link: self._replaced(link, way)).body
            packed = _with_graphics(packed, self._graphics, kind, page.encoding)
        finally:
            self._graphics, self._ids = outer
        return packed, page.encoding

    def _replaced(self, link: Link, way: _Step) -> str | None:
        """Return what is written instead of a link."""
        if link.kind is Kind.HINT or _needless(link):
            return _NOTHING
        path = _path(link)
        if path is None:
            if link.kind.requisite and link.url:
                self._left[Left(way.name, conceal(link.value), "not saved")] = None
            return None
        if not link.kind.requisite:
            return self._outside(path, link, way)
        try:
            uri = self._requisite(path, link, way)
            if len(way.paths) == 1:
                self._take(len(uri))
        except _Refused as refused:
            self._left[Left(way.name, path, str(refused))] = None
            return self._outside(path, link, way)
        return uri

    def _take(self, size: int) -> None:
        if size > self._room:
            raise _Refused("the page would become too large")
        self._room -= size

    def _outside(self, path: str, link: Link, way: _Step) -> str | None:
        """Return the address of what stays outside, or its place relative to the page."""
        if path == self._path and link.fragment and len(way.paths) == 1:
            return link.fragment
        known = self._address(path)
        if known is not None:
            return known + link.fragment
        if len(way.paths) == 1:
            return None
        place = relpath(path, dirname(self._path) or ".")
        return quote(place, errors="surrogateescape") + link.fragment

    def _requisite(self, path: str, link: Link, way: _Step) -> str:
        if path in way.paths and link.kind is not Kind.GRAPHIC:
            self._circular = True
            if link.kind in _EMPTY:
                return _EMPTY[link.kind]
            raise _Refused("it needs itself")
        if link.kind is Kind.GRAPHIC and link.where.startswith("use"):
            return self._graphic(path, link)
        uri = self._packed.get((path, link.kind)) or self._data(path, link.kind, way)
        if isinstance(uri, _Refused):
            raise uri
        if link.kind in _FRAMES and len(uri) > _LONGEST_FRAME:
            raise _Refused("too large for a frame")
        # What scripts and style sheets have as fragment would only make them others.
        return uri if link.kind in {Kind.MODULE, Kind.STYLESHEET} else uri + link.fragment

    def _data(self, path: str, use: Kind, way: _Step) -> str | _Refused:
        """Return a file as a URI; it is remembered unless it depends on the way to it."""
        outer, self._circular = self._circular, False
        result: str | _Refused
        try:
            result = self._uri(path, use, way)
            self._inlined.add(path)
        except _Refused as refused:
            result = refused
        if not self._circular:
            self._packed[path, use] = result
        self._circular = self._circular or outer
        return result

    def _uri(self, path: str, use: Kind, way: _Step) -> str:
        if len(way.paths) > _DEEPEST:
            raise _Refused("too many files within files")
        body = self._bytes(path)
        again = (path, use) in self._seen
        self._seen.add((path, use))
        if again:
            self._wait(len(body))
        kind = media_type(path)
        if kind == UNKNOWN or use in {Kind.STYLESHEET, Kind.SCRIPT, Kind.MODULE}:
            kind = _BY_USE.get(use, kind)
        parameter = ""
        if use in _DOCUMENTS:
            body, encoding = self._document(body, kind, _Step((*way.paths, path)))
            parameter = f";charset={encoding}" if kind == "text/html" else ""
        if len(body) > self._most:
            raise _Refused("too large")
        if again:
            self._wait(len(body))
        return data_uri(body, f"{kind}{parameter}")

    def _wait(self, size: int) -> None:
        """Lose patience with files that must be packed once more for each way to them."""
        self._patience -= size + 1000
        if self._patience < 0:
            raise _Refused("too many files within each other")

    def _bytes(self, path: str) -> bytes:
        body = self._read(path)
        if body is None:
            raise _Refused("missing")
        if len(body) > self._most:
            raise _Refused("too large")
        return body

    def _graphic(self, path: str, link: Link) -> str:
        """Take a file of graphics into the document, and return the reference within it."""
        markup = self._graphics.get(path) or self._markup(path)
        if link.fragment[1:] not in _ids(markup):
            raise _Refused("the graphic has no such part")
        self._graphics[path] = markup
        self._inlined.add(path)
        return link.fragment

    def _markup(self, path: str) -> str:
        page = Page(Document(self._bytes(path), _SVG, Url(_BASE)))
        root, end = _ROOT.search(page.text), page.text.rfind("</svg>")
        if root is None or end < 0 or any(link.url for link in page.links):
            raise _Refused("the graphic cannot be taken into the page")
        markup = page.text[root.start() : end + 6]
        taken = self._ids.union(*map(_ids, self._graphics.values()))
        if taken & _ids(markup) or "<!ENTITY" in page.text:
            raise _Refused("names in the graphic are those of others in the page")
        return markup


def data_uri(body: bytes, kind: str) -> str:
    """Return *body* as a ``data:`` URI, in the shorter one of the two ways to write it.

    >>> data_uri(b"a { b: c }", "text/css")
    'data:text/css,a%20%7B%20b:%20c%20%7D'
    >>> data_uri(bytes(6), "image/png")
    'data:image/png;base64,AAAAAAAA'
    """
    escaped = len(body) + 2 * len(body.translate(None, _SAFE))
    if escaped <= (len(body) + 2) // 3 * 4 + len(";base64"):
        text = _UNSAFE.sub(lambda match: _ESCAPES[match[0]], body)
        return f"data:{kind},{text.decode('ascii')}"
    return f"data:{kind};base64,{base64.b64encode(body).decode('ascii')}"


def _path(link: Link) -> str | None:
    """Return the path of a file of the folder; None for what is elsewhere."""
    if link.url is None or not link.url.startswith(_BASE):
        return None
    place = link.url[len(_BASE) :].partition("?")[0]
    path = unquote_to_bytes(place).decode("utf-8", "surrogateescape")
    if path.count("/") != place.count("/") or "\\" in path or "\0" in path:
        return None  # an escaped slash would lead anywhere
    return f"{path}index.html" if not path or path.endswith("/") else path


def _needless(link: Link) -> bool:
    """Return whether a link only loads early what is within anyway.

    A style sheet is no such: ``onload`` makes it one that is used.
    """
    early = "preload" in link.rel or "modulepreload" in link.rel
    return early and link.kind is not Kind.STYLESHEET


def _ids(text: str) -> frozenset[str]:
    return frozenset(next(filter(None, groups), "") for groups in _ID.findall(text))


def _with_graphics(body: bytes, graphics: dict[str, str], kind: str, encoding: str) -> bytes:
    """Return a document with graphics in it that are not shown where they stand.

    At the end of an HTML page they belong to its body, whatever was written before; an XML
    document takes them before its last tag.
    """
    if not graphics:
        return body
    markup = _HIDDEN.format("".join(graphics.values()))
    if kind != "text/html":
        markup = markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    codec = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(encoding, "ascii")
    added = markup.encode("ascii", "xmlcharrefreplace").decode("ascii").encode(codec)
    if kind == "text/html":
        return body + added
    place = body.rfind("</body".encode(codec))
    if place < 0:
        place = body.rfind("</".encode(codec))
    return body[:place] + added + body[place:]
