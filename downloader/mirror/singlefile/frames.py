"""Pages within a page, as ``srcdoc``.

There a page has the origin of the page around it, as it had online, can be of any size, and is
drawn on the same surface; as a ``data:`` URI it would have an origin of its own, could have no more
than 2 MiB, and edges that lie between two pixels would be blended otherwise.

In ``srcdoc`` a page is UTF-8 and never in quirks mode, whatever it says (HTML standard, 4.8.5), so
only pages that are so anyway can be written so.
"""

import re
import secrets
from bisect import bisect_right

from downloader.links import Document, Link, ParsedDocument
from downloader.mirror.singlefile.data_uris import address_of

_WIDE = ("utf-16le", "utf-16be")
_SRCDOC = re.compile(r"""\ssrcdoc\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)
_BEFORE = re.compile(r"""\ssrc\s*=\s*["']?\Z""", re.IGNORECASE)
#: What alone makes a page that is not in quirks mode, without looking at long lists.
_DOCTYPE = re.compile(
    r"""(?>\s*<!--.*?-->)*+\s*<!doctype\s+html\s*(?:system\s*["']about:legacy-compat["']\s*)?>""",
    re.IGNORECASE | re.DOTALL,
)
#: A link to a place in the page itself: it would lead to that place in the page around it.
_PLACE = re.compile(r"""\shref\s*=\s*["']?#""", re.IGNORECASE)
_OWN_BASE = '<base href="about:srcdoc">'


class PageFrames:
    """The frames of one HTML page."""

    def __init__(self, page: ParsedDocument) -> None:
        self._page = page
        self._within: list[tuple[int, int]] | None = None
        self._token = f"srcdoc-{secrets.token_hex(8)}-"
        self._markup: list[str] = []

    def takes(self, link: Link) -> bool:
        """Return whether that frame can have a ``srcdoc`` instead."""
        if link.construct != "iframe[src]" or link.fragment or self._page.encoding in _WIDE:
            return False
        before = self._page.text[max(0, link.start - 20) : link.start]
        return _BEFORE.search(before) is not None and not self._is_within(link.start)

    def _is_within(self, place: int) -> bool:
        """Return whether a place is within another ``srcdoc``, where quotes would end that."""
        if self._within is None:
            self._within = [match.span() for match in _SRCDOC.finditer(self._page.text)]
        index = bisect_right(self._within, (place, 0))
        return index > 0 and place < self._within[index - 1][1]

    def add(self, text: str) -> str:
        """Return what is written as the address of a frame until :meth:`put_into` is called."""
        self._markup.append(text)
        return f"{self._token}{len(self._markup) - 1}."

    def put_into(self, body: bytes) -> bytes:
        """Return the page with the frames in it."""
        if not self._markup:
            return body
        token = self._token.encode()
        return re.sub(
            rb"""src\s*=\s*["']?""" + token + rb"""(\d+)\.["']?""",
            lambda match: b'srcdoc="' + self._encoded(self._markup[int(match[1])]) + b'"',
            body,
            flags=re.IGNORECASE,
        )

    def _encoded(self, text: str) -> bytes:
        if self._page.encoding == "utf-8":
            return text.encode("utf-8", "replace")
        return text.encode("ascii", "xmlcharrefreplace")


def markup(body: bytes, encoding: str) -> str | None:
    """Return a page as the value of ``srcdoc``, or None if it would be another page there."""
    if encoding != "utf-8":
        return None
    text = ParsedDocument(Document(body, "text/plain", address_of(""), "utf-8")).text
    doctype = _DOCTYPE.match(text)
    if doctype is None:
        return None
    if _PLACE.search(text):
        text = f"{doctype[0]}{_OWN_BASE}{text[doctype.end() :]}"
    text = text.encode("utf-8", "replace").decode()
    return text.replace("&", "&amp;").replace('"', "&quot;")
