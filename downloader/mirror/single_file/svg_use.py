"""SVG files of which a document shows elements (``use``), inserted into the document."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from downloader.links import Document, ParsedDocument
from downloader.mirror.single_file.data_uri import internal_url
from downloader.mirror.single_file.model import NotEmbeddedError

_ID = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROOT = re.compile(r"<svg[\s>/]")
_HIDDEN = '<svg width="0" height="0" style="position:absolute" aria-hidden="true">{}</svg>'


@dataclass(slots=True)
class _Graphic:
    """An SVG file.

    Attributes:
        markup: its ``svg`` element.
        ids: the names of its elements.
        error: why it cannot be inserted; empty if it can.
        is_inserted: whether the document uses any of its elements.
    """

    markup: str = ""
    ids: set[str] = field(default_factory=set)
    error: str = ""
    is_inserted: bool = False


class SvgUses:
    """The SVG files that one document uses."""

    def __init__(self, document: ParsedDocument, media_type: str) -> None:
        self._document = document
        self._media_type = media_type
        self._graphics: dict[str, _Graphic] = {}
        self._document_ids: set[str] | None = None

    def embed(self, path: str, fragment: str, read: Callable[[], bytes]) -> tuple[str, int]:
        """Embed the SVG file at *path*, of which the element *fragment* is used.

        Returns:
            the reference to the element in the document, and the number of characters added.

        Raises:
            NotEmbeddedError: the file cannot be inserted.
        """
        graphic = self._graphics.get(path)
        if graphic is None:
            graphic = self._graphics[path] = self._read_graphic(read)
        if graphic.error:
            raise NotEmbeddedError(graphic.error)
        if fragment[1:] not in graphic.ids:
            raise NotEmbeddedError("the graphic has no such part")
        if graphic.is_inserted:
            return fragment, 0
        graphic.is_inserted = True
        self._ids().update(graphic.ids)
        return fragment, len(graphic.markup)

    def _read_graphic(self, read: Callable[[], bytes]) -> "_Graphic":
        try:
            markup = self._markup(read())
            ids = _ids(markup)
            if self._ids() & ids:
                raise NotEmbeddedError("names in the graphic are those of others in the page")
        except NotEmbeddedError as error:
            return _Graphic(error=str(error))
        return _Graphic(markup, ids)

    def _ids(self) -> set[str]:
        if self._document_ids is None:
            self._document_ids = _ids(self._document.text)
        return self._document_ids

    @staticmethod
    def _markup(body: bytes) -> str:
        svg = ParsedDocument(Document(body, "image/svg+xml", internal_url("")))
        root, end = _ROOT.search(svg.text), svg.text.rfind("</svg>")
        if root is None or end < 0 or "<!ENTITY" in svg.text or any(x.url for x in svg.links):
            raise NotEmbeddedError("the graphic cannot be taken into the page")
        return svg.text[root.start() : end + 6]

    def insert_into(self, body: bytes) -> bytes:
        """Return the document with the SVG files in it, hidden where they stand.

        At the end of an HTML page they belong to its body, whatever was written before; an XML
        document gets them before its last end tag.
        """
        markups = [graphic.markup for graphic in self._graphics.values() if graphic.is_inserted]
        if not markups:
            return body
        markup = _HIDDEN.format("".join(markups))
        if self._media_type != "text/html":
            markup = markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        encoding = self._document.encoding
        codec = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(encoding, "ascii")
        encoded = markup.encode("ascii", "xmlcharrefreplace").decode("ascii").encode(codec)
        if self._media_type == "text/html":
            return body + encoded
        offset = body.rfind("</body".encode(codec))
        if offset < 0:
            offset = body.rfind("</".encode(codec))
        return body[:offset] + encoded + body[offset:]


def _ids(text: str) -> set[str]:
    return {next(filter(None, groups), "") for groups in _ID.findall(text)}
