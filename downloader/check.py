"""Opens what was mirrored, without a browser: does every local reference lead to a file?

Pages are read one after another, so memory holds one of them, and a bounded memory of what was
looked up. Nothing outside the folder is opened: not by a link of the file system, not by a
reference.
"""

import os
import re
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes

from downloader.journal import FOLDER
from downloader.links import Document, Link, Page, readable
from downloader.mediatypes import media_type
from downloader.urls import Url, conceal, host, split

#: What is larger is no page, whatever its name: reading it would take some 20 times its size.
LARGEST = 64 * 1024 * 1024
_HOSTS = 10_000
_OUTSIDE = "outside the folder"
_FILE = re.compile(r"[\x00-\x20]*file:", re.IGNORECASE)
_NAMED = re.compile(r"""\s(?:xml:)?(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_MARKUP = re.compile(r"text/html|.*[/+]xml")


@dataclass(frozen=True, slots=True)
class Finding:
    """A reference that leads nowhere.

    Attributes:
        page: the file it stands in, relative to the folder.
        line: the line there, from 1.
        reference: as the page means it; cut when it is long, without a password.
        missing: what is not there: a path relative to the folder, perhaps with a fragment.
        note: whether the file is there and only the place in it is not.
    """

    page: str
    line: int
    reference: str
    missing: str
    note: bool = False


@dataclass(slots=True)
class Totals:
    """What was looked at so far.

    Attributes:
        documents: files that were read.
        local: references to files of the folder, whether there or not.
        dangling: those that lead nowhere.
        external: references to other hosts, by host; those that are too many under an empty name.
        unread: files that could not be read, with the reason.
    """

    documents: int = 0
    local: int = 0
    dangling: int = 0
    external: Counter[str] = field(default_factory=Counter)
    unread: list[tuple[str, str]] = field(default_factory=list)


class _Place(NamedTuple):
    """Where a reference leads, relative to the folder.

    Attributes:
        path: as the reference has it; None for outside.
        found: the file that is there, links of the file system followed; or None.
    """

    path: str | None
    found: str | None


class Check:
    """Looks through a mirrored folder.

    Attributes:
        totals: what was looked at so far.
    """

    def __init__(self, folder: Path, *, fragments: bool = False) -> None:
        """Prepare to look through *folder*; with *fragments*, places within pages are looked up."""
        self._root = os.fspath(folder)
        self._real = os.path.realpath(self._root)
        self._fragments = fragments
        # A part of the path that no page can know: what climbs out of the folder loses it.
        self._base = f"http://mirror.invalid/{secrets.token_hex(8)}/"
        self._exists = lru_cache(maxsize=65_536)(self._look_up)
        self._ids: OrderedDict[str, frozenset[str] | None] = OrderedDict()
        self.totals = Totals()

    def findings(self) -> Iterator[Finding]:
        """Yield what leads nowhere, page by page, in the order of their names."""
        for name in self._files():
            kind = media_type(name)
            if readable(kind) and (body := self._read(name)) is not None:
                yield from self._page(name, kind, body)

    def _files(self) -> Iterator[str]:
        """Yield the files, relative to the folder; links of the file system are not followed."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(os.path.join(self._root, folder)) as entries:
                    found = sorted(
                        (entry.name, entry.is_dir(follow_symlinks=False))
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        or entry.is_file(follow_symlinks=False)
                    )
            except OSError as error:
                self.totals.unread.append((folder, error.strerror or "unreadable"))
                continue
            inner = []
            for name, is_folder in found:
                path = f"{folder}{name}"
                if not is_folder:
                    yield path
                elif path != FOLDER:
                    inner.append(f"{path}/")
            waiting += reversed(inner)

    def _read(self, name: str) -> bytes | None:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with open(os.open(os.path.join(self._root, name), flags), "rb") as file:
                body = file.read(LARGEST + 1)
        except OSError as error:
            self.totals.unread.append((name, error.strerror or "unreadable"))
            return None
        if len(body) > LARGEST:
            self.totals.unread.append((name, "too large for a page"))
            return None
        return body

    def _page(self, name: str, kind: str, body: bytes) -> Iterator[Finding]:
        self.totals.documents += 1
        base = Url(self._base + quote_from_bytes(os.fsencode(name)))
        page = Page(Document(body, kind, base))
        line, position = 1, 0
        for link in sorted(page.links, key=lambda link: link.start):
            missing = self._missing(name, link)
            if missing is not None:
                line += page.text.count("\n", position, link.start)
                position = link.start
                text, note = missing
                self.totals.dangling += not note
                yield Finding(name, line, conceal(link.value), text, note)

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
            self._external(host(link.url))
            return None
        self.totals.local += 1
        path, found = self._exists(link.url[len(self._base) :].partition("?")[0])
        if path is None:
            return _OUTSIDE, False
        if found is None:
            return path, False
        return self._fragment(found, link) if link.fragment else None

    def _external(self, name: str) -> None:
        known = name in self.totals.external or len(self.totals.external) < _HOSTS
        self.totals.external[name if known else ""] += 1

    def _look_up(self, reference: str) -> _Place:
        """Return the file that a static server would send, without redirects."""
        data = unquote_to_bytes(reference)
        path = os.fsdecode(data)
        # An escaped slash or a null is no part of any name.
        if b"\0" in data or data.count(b"/") != reference.count("/"):
            return _Place(path, None)
        full = os.path.join(self._root, path)
        if not path or path.endswith("/") or os.path.isdir(full):
            path = f"{path.rstrip('/')}/index.html".lstrip("/")
            full = os.path.join(self._root, path)
        real = os.path.realpath(full)
        if not real.startswith(os.path.join(self._real, "")):
            return _Place(None, None)
        return _Place(path, real[len(self._real) + 1 :] if os.path.isfile(real) else None)

    def _fragment(self, name: str, link: Link) -> tuple[str, bool] | None:
        """Return the place that *name* does not have (HTML standard, 7.4.6.3)."""
        if not self._fragments or not _MARKUP.fullmatch(media_type(name)):
            return None
        place = link.fragment[1:].partition(":~:")[0]
        ids = self._places(name)
        if not place or ids is None or place in ids or unquote(place) in ids:
            return None
        return None if unquote(place).lower() == "top" else (conceal(f"{name}#{place}"), True)

    def _places(self, name: str) -> frozenset[str] | None:
        """Return what can be referred to in a page, of the last few pages asked for."""
        if name not in self._ids:
            body = self._read(name)
            text = Page(Document(body, "text/plain", Url(self._base))).text if body else None
            self._ids[name] = (
                text
                if text is None
                else frozenset(
                    unescape(next(filter(None, groups), "")) for groups in _NAMED.findall(text)
                )
            )
            if len(self._ids) > 16:
                self._ids.popitem(last=False)
        self._ids.move_to_end(name)
        return self._ids[name]
