"""Opens what was mirrored, without a browser: does every local reference lead to a file?

Pages are read one after another, so memory holds one of them, and a bounded memory of what was
looked up. Nothing outside the folder is opened: not by a link of the file system, not by a
reference.
"""

import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote

from downloader.links import Document, Link, ParsedDocument, can_contain_links
from downloader.mirror.check.model import EXTERNAL, CheckTotals, DanglingLink, UnreadableFile
from downloader.mirror.check.tree import LARGEST, MirrorTree
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, conceal, host, split

__all__ = ["EXTERNAL", "LARGEST", "CheckTotals", "DanglingLink", "MirrorCheck", "UnreadableFile"]

_HOSTS = 10_000
_OUTSIDE = "outside the folder"
_FILE = re.compile(r"[\x00-\x20]*file:", re.IGNORECASE)
_NAMED = re.compile(r"""\s(?:xml:)?(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_MARKUP = re.compile(r"text/html|.*[/+]xml")


class MirrorCheck:
    """Looks through a mirrored folder.

    Attributes:
        totals: what was looked at so far.
    """

    def __init__(self, folder: Path, *, fragments: bool = False) -> None:
        """Prepare to look through *folder*; with *fragments*, places within pages are looked up."""
        self._tree = MirrorTree(folder)
        self._fragments = fragments
        # A part of the path that no page can know: what climbs out of the folder loses it.
        self._base = f"http://mirror.invalid/{secrets.token_hex(8)}/"
        self._ids: OrderedDict[str, frozenset[str] | None] = OrderedDict()
        self.totals = CheckTotals()

    def findings(self) -> Iterator[DanglingLink | UnreadableFile]:
        """Yield what leads nowhere and what cannot be read, in the order of names."""
        for name in self._tree.files():
            if isinstance(name, str):
                kind = guess_media_type(name)
                if not can_contain_links(kind):
                    continue
                body = self._tree.read(name)
                if isinstance(body, bytes):
                    yield from self._page(name, kind, body)
                    continue
                name = body
            self.totals.unread += 1
            yield name

    def _page(self, name: str, kind: str, body: bytes) -> Iterator[DanglingLink]:
        self.totals.documents += 1
        base = Url(self._base + quote_from_bytes(os.fsencode(name)))
        page = ParsedDocument(Document(body, kind, base))
        line, position = 1, 0
        for link in sorted(page.links, key=lambda link: link.start):
            missing = self._missing(name, link)
            if missing is not None:
                line += page.text.count("\n", position, link.start)
                position = link.start
                text, note = missing
                self.totals.dangling += not note and text is not EXTERNAL
                yield DanglingLink(name, line, conceal(link.value), text, note)

    def _missing(self, name: str, link: Link) -> tuple[str, bool] | None:
        """Return what a link does not find, and whether that is only a place in a page."""
        if link.url is None:
            if _FILE.match(link.value):
                self.totals.local += 1
                return _OUTSIDE, False
            return self._fragment(name, link) if link.fragment else None
        if not link.url.startswith(self._base):
            # A reference that was relative, and is not below the folder any more.
            if split(link.url)[0] == "mirror.invalid":
                self.totals.local += 1
                return _OUTSIDE, False
            return self._external(link)
        self.totals.local += 1
        path, found = self._tree.find(link.url[len(self._base) :].partition("?")[0])
        if path is None:
            return _OUTSIDE, False
        if found is None:
            return conceal(path), False
        return self._fragment(found, link) if link.fragment else None

    def _external(self, link: Link) -> tuple[str, bool] | None:
        """Count a reference to another host, and return it if the page needs what it leads to."""
        name = host(link.url or Url(""))
        known = name in self.totals.external or len(self.totals.external) < _HOSTS
        self.totals.external[name if known else ""] += 1
        if not link.kind.is_requisite:
            return None
        self.totals.missed += 1
        return EXTERNAL, False

    def _fragment(self, name: str, link: Link) -> tuple[str, bool] | None:
        """Return the place that *name* does not have (HTML standard, 7.4.6.3)."""
        if not self._fragments or not _MARKUP.fullmatch(guess_media_type(name)):
            return None
        place = link.fragment[1:].partition(":~:")[0]
        ids = self._places(name)
        if not place or ids is None or place in ids or unquote(place) in ids:
            return None
        return None if unquote(place).lower() == "top" else (conceal(f"{name}#{place}"), True)

    def _places(self, name: str) -> frozenset[str] | None:
        """Return what can be referred to in a page, of the last few pages asked for."""
        if name not in self._ids:
            body = self._tree.read(name)
            self._ids[name] = _named(body) if isinstance(body, bytes) else None
            if len(self._ids) > 16:
                self._ids.popitem(last=False)
        self._ids.move_to_end(name)
        return self._ids[name]


def _named(body: bytes) -> frozenset[str]:
    """Return the names of the places in a page."""
    text = ParsedDocument(Document(body, "text/plain", Url("http://mirror.invalid/"))).text
    return frozenset(unescape(next(filter(None, groups), "")) for groups in _NAMED.findall(text))
