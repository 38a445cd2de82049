"""Frames of a page, embedded as ``srcdoc``.

In ``srcdoc`` a document has the origin of the page around it, as it had online, may be of any size,
and is drawn on the same surface. In a ``data:`` URI it would have an origin of its own, at most
2 MiB, and edges that lie between two pixels would be blended differently.

A document in ``srcdoc`` is UTF-8 and never in quirks mode (HTML standard, 4.8.5), so only documents
that are like that by themselves can be embedded so.
"""

import re
import secrets
from bisect import bisect_right

from downloader.links import Document, Link, ParsedDocument
from downloader.mirror.single_file.data_uri import internal_url

_UTF16 = ("utf-16le", "utf-16be")
_SRCDOC = re.compile(r"""\ssrcdoc\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_SRC_BEFORE_VALUE = re.compile(r"""\ssrc\s*=\s*["']?\Z""", re.IGNORECASE)
#: The document types without quirks mode that need no long list to be recognised.
_DOCTYPE = re.compile(
    r"""(?>\s*<!--.*?-->)*+\s*<!doctype\s+html\s*(?:system\s*["']about:legacy-compat["']\s*)?>""",
    re.IGNORECASE | re.DOTALL,
)
#: A link within the document, which in ``srcdoc`` would lead to the page around it.
_HREF_TO_SAME_DOCUMENT = re.compile(r"""\shref\s*=\s*["']?#""", re.IGNORECASE)
_SRCDOC_BASE = '<base href="about:srcdoc">'


class SrcdocFrames:
    """The frames of one HTML page that become ``srcdoc``."""

    def __init__(self, page: ParsedDocument) -> None:
        self._page = page
        self._srcdoc_spans: list[tuple[int, int]] | None = None
        self._token = f"srcdoc-{secrets.token_hex(8)}-"
        self._markups: list[str] = []

    def can_embed(self, link: Link) -> bool:
        """Return whether ``srcdoc`` can replace the ``src`` of this frame."""
        if link.construct != "iframe[src]" or link.fragment or self._page.encoding in _UTF16:
            return False
        before = self._page.text[max(0, link.start - 20) : link.start]
        return _SRC_BEFORE_VALUE.search(before) is not None and not self._is_in_srcdoc(link.start)

    def _is_in_srcdoc(self, offset: int) -> bool:
        """Return whether an offset is within another ``srcdoc``, which a quote would end."""
        if self._srcdoc_spans is None:
            self._srcdoc_spans = [match.span() for match in _SRCDOC.finditer(self._page.text)]
        index = bisect_right(self._srcdoc_spans, (offset, 0))
        return index > 0 and offset < self._srcdoc_spans[index - 1][1]

    def add(self, markup: str) -> str:
        """Return a placeholder for ``src``, which :meth:`insert_into` replaces by *markup*."""
        self._markups.append(markup)
        return f"{self._token}{len(self._markups) - 1}."

    def insert_into(self, body: bytes) -> bytes:
        """Return the page with the frames in place of their placeholders."""
        if not self._markups:
            return body
        token = self._token.encode()
        return re.sub(
            rb"""src\s*=\s*["']?""" + token + rb"""(\d+)\.["']?""",
            lambda match: b'srcdoc="' + self._encode(self._markups[int(match[1])]) + b'"',
            body,
            flags=re.IGNORECASE,
        )

    def _encode(self, text: str) -> bytes:
        if self._page.encoding == "utf-8":
            return text.encode("utf-8", "replace")
        return text.encode("ascii", "xmlcharrefreplace")


def srcdoc_markup(body: bytes, encoding: str) -> str | None:
    """Return a document as the value of ``srcdoc``, in double quotes.

    None if ``srcdoc`` would change what it shows.
    """
    if encoding != "utf-8":
        return None
    text = ParsedDocument(Document(body, "text/plain", internal_url(""), "utf-8")).text
    doctype = _DOCTYPE.match(text)
    if doctype is None:
        return None
    if _HREF_TO_SAME_DOCUMENT.search(text):
        text = f"{doctype[0]}{_SRCDOC_BASE}{text[doctype.end() :]}"
    text = text.encode("utf-8", "replace").decode()
    return text.replace("&", "&amp;").replace('"', "&quot;")
