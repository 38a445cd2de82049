"""Graphics of other files that a document shows part of, put into it."""

import re
from collections.abc import Callable

from downloader.links import Document, ParsedDocument
from downloader.mirror.singlefile.data_uris import address_of
from downloader.mirror.singlefile.model import NotEmbedded

_ID = re.compile(r"""\sid\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ROOT = re.compile(r"<svg[\s>/]")
_HIDDEN = '<svg width="0" height="0" style="position:absolute" aria-hidden="true">{}</svg>'


class SvgUses:
    """The graphics of one document."""

    def __init__(self, page: ParsedDocument, kind: str) -> None:
        self._page = page
        self._kind = kind
        self._markup: dict[str, str] = {}
        self._ids: set[str] | None = None

    def take(self, path: str, fragment: str, read: Callable[[], bytes]) -> tuple[str, int]:
        """Take the file *path* into the document.

        Returns:
            the reference within the document, and how many characters were added.

        Raises:
            Refused: it cannot be taken.
        """
        markup = self._markup.get(path)
        added = markup is None
        if markup is None:
            markup = self._checked(read())
        ids = _ids(markup)
        if fragment[1:] not in ids:
            raise NotEmbedded("the graphic has no such part")
        if added:
            self._markup[path] = markup
            self._known().update(ids)
        return fragment, len(markup) if added else 0

    def _known(self) -> set[str]:
        if self._ids is None:
            self._ids = _ids(self._page.text)
        return self._ids

    def _checked(self, body: bytes) -> str:
        page = ParsedDocument(Document(body, "image/svg+xml", address_of("")))
        root, end = _ROOT.search(page.text), page.text.rfind("</svg>")
        if root is None or end < 0 or "<!ENTITY" in page.text or any(x.url for x in page.links):
            raise NotEmbedded("the graphic cannot be taken into the page")
        markup = page.text[root.start() : end + 6]
        if self._known() & _ids(markup):
            raise NotEmbedded("names in the graphic are those of others in the page")
        return markup

    def put_into(self, body: bytes) -> bytes:
        """Return the document with the graphics in it, not shown where they stand.

        At the end of an HTML page they belong to its body, whatever was written before; an XML
        document takes them before its last tag.
        """
        if not self._markup:
            return body
        markup = _HIDDEN.format("".join(self._markup.values()))
        if self._kind != "text/html":
            markup = markup.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        encoding = self._page.encoding
        codec = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(encoding, "ascii")
        added = markup.encode("ascii", "xmlcharrefreplace").decode("ascii").encode(codec)
        if self._kind == "text/html":
            return body + added
        place = body.rfind("</body".encode(codec))
        if place < 0:
            place = body.rfind("</".encode(codec))
        return body[:place] + added + body[place:]


def _ids(text: str) -> set[str]:
    return {next(filter(None, groups), "") for groups in _ID.findall(text)}
