"""Follows the links of all documents of a mirrored folder."""

import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote

from downloader.links import Document, Link, ParsedDocument, can_contain_links
from downloader.mirror.check.mirror_folder import MirrorFolder
from downloader.mirror.check.model import EXTERNAL, CheckTotals, DanglingLink, UnreadableFile
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, host, redact_text, split

#: Hosts that are counted one by one.
_MAX_EXTERNAL_HOSTS = 10_000
#: Documents whose fragments are cached.
_MAX_CACHED_FRAGMENTS = 16
_OUTSIDE = "outside the folder"
_FILE_SCHEME = re.compile(r"[\x00-\x20]*file:", re.IGNORECASE)
_ID_OR_NAME = re.compile(
    r"""\s(?:xml:)?(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I
)
_MARKUP_TYPE = re.compile(r"text/html|.*[/+]xml")


class _MissingTarget(NamedTuple):
    """The target that a link does not find; see :class:`DanglingLink`."""

    shown: str
    is_fragment: bool = False


class MirrorCheck:
    """Checks a mirrored folder.

    Attributes:
        totals: what was checked so far.
    """

    def __init__(self, folder: Path, *, fragments: bool = False) -> None:
        """Prepare to check *folder*; with *fragments*, those of local links are looked up."""
        self._folder = MirrorFolder(folder)
        self._checks_fragments = fragments
        # A random segment that no page can contain: references that leave the folder lose it.
        self._base_url = f"http://mirror.invalid/{secrets.token_hex(8)}/"
        self._fragments: OrderedDict[str, frozenset[str] | None] = OrderedDict()
        self.totals = CheckTotals()

    def findings(self) -> Iterator[DanglingLink | UnreadableFile]:
        """Yield the dangling links and unreadable files, in the order of the files' names."""
        for file in self._folder.files():
            if isinstance(file, UnreadableFile):
                yield self._count_unreadable(file)
                continue
            media_type = guess_media_type(file)
            if not can_contain_links(media_type):
                continue
            body = self._folder.read(file)
            if isinstance(body, UnreadableFile):
                yield self._count_unreadable(body)
            else:
                yield from self._dangling_links(file, media_type, body)

    def _count_unreadable(self, file: UnreadableFile) -> UnreadableFile:
        self.totals.unreadable += 1
        return file

    def _dangling_links(self, path: str, media_type: str, body: bytes) -> Iterator[DanglingLink]:
        self.totals.documents += 1
        url = Url(self._base_url + quote_from_bytes(os.fsencode(path)))
        document = ParsedDocument(Document(body, media_type, url))
        line, position = 1, 0
        for link in sorted(document.links, key=lambda link: link.start):
            missing = self._missing_target(path, link)
            if missing is not None:
                line += document.text.count("\n", position, link.start)
                position = link.start
                is_local_file = not missing.is_fragment and missing.shown is not EXTERNAL
                self.totals.dangling += is_local_file
                yield DanglingLink(path, line, redact_text(link.value), *missing)

    def _missing_target(self, path: str, link: Link) -> _MissingTarget | None:
        """Return the target that a link does not find; None if there is one."""
        if link.url is None:
            if _FILE_SCHEME.match(link.value):
                self.totals.local += 1
                return _MissingTarget(_OUTSIDE)
            return self._missing_fragment(path, link) if link.fragment else None
        if not link.url.startswith(self._base_url):
            # A relative reference that leads out of the folder.
            if split(link.url)[0] == "mirror.invalid":
                self.totals.local += 1
                return _MissingTarget(_OUTSIDE)
            return self._missing_external(link)
        self.totals.local += 1
        target = self._folder.find(link.url[len(self._base_url) :].partition("?")[0])
        if target.path is None:
            return _MissingTarget(_OUTSIDE)
        if target.file is None:
            return _MissingTarget(redact_text(target.path))
        return self._missing_fragment(target.file, link) if link.fragment else None

    def _missing_external(self, link: Link) -> _MissingTarget | None:
        """Count a link to another host, and return its target if it is a requisite."""
        name = host(link.url or Url(""))
        external = self.totals.external
        is_counted = name in external or len(external) < _MAX_EXTERNAL_HOSTS
        external[name if is_counted else ""] += 1
        if not link.kind.is_requisite:
            return None
        self.totals.missing_requisites += 1
        return _MissingTarget(EXTERNAL)

    def _missing_fragment(self, path: str, link: Link) -> _MissingTarget | None:
        """Return the fragment that a document does not have (HTML standard, 7.4.6.3)."""
        if not self._checks_fragments or not _MARKUP_TYPE.fullmatch(guess_media_type(path)):
            return None
        fragment = link.fragment[1:].partition(":~:")[0]
        fragments = self._fragments_of(path)
        if not fragment or fragments is None:
            return None
        if fragment in fragments or unquote(fragment) in fragments:
            return None
        if unquote(fragment).lower() == "top":
            return None
        return _MissingTarget(redact_text(f"{path}#{fragment}"), is_fragment=True)

    def _fragments_of(self, path: str) -> frozenset[str] | None:
        """Return the fragments of a document, cached for the most recent ones."""
        if path not in self._fragments:
            body = self._folder.read(path)
            self._fragments[path] = _ids_and_names(body) if isinstance(body, bytes) else None
            if len(self._fragments) > _MAX_CACHED_FRAGMENTS:
                self._fragments.popitem(last=False)
        self._fragments.move_to_end(path)
        return self._fragments[path]


def _ids_and_names(body: bytes) -> frozenset[str]:
    """Return the values of ``id`` and ``name`` in a document."""
    url = Url("http://mirror.invalid/")
    text = ParsedDocument(Document(body, "text/plain", url)).text
    return frozenset(
        unescape(next(filter(None, groups), "")) for groups in _ID_OR_NAME.findall(text)
    )
