"""Follows the links of all documents of a mirrored folder."""

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote

from downloader.journal.recorded_failures import RecordedFailures
from downloader.links import Document, Link, LinkKind, ParsedDocument, can_contain_links
from downloader.mirror.check.mirror_folder import MirrorFolder
from downloader.mirror.check.missing_targets import MissingTargets
from downloader.mirror.check.model import (
    CheckTotals,
    MissingReason,
    MissingTarget,
    UnreadableFile,
)
from downloader.web.media_types import guess_media_type
from downloader.web.urls import Url, host, redact_text, split

#: Hosts that are counted one by one.
_MAX_EXTERNAL_HOSTS = 10_000
#: Links with fragments that are looked up.
MAX_FRAGMENT_LINKS = 500_000
#: Kinds of links that a browser neither loads nor offers to a reader, such as ``rel=canonical``.
_UNUSED_KINDS = {LinkKind.RELATED, LinkKind.HINT, LinkKind.METADATA}
_FILE_SCHEME = re.compile(r"[\x00-\x20]*file:", re.IGNORECASE)
_ID_OR_NAME = re.compile(
    r"""\s(?:xml:)?(?:id|name)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I
)
_MARKUP_TYPE = re.compile(r"text/html|.*[/+]xml")


class _Missing(NamedTuple):
    """The target that a link does not find; see :class:`MissingTarget`."""

    target: str
    reason: MissingReason
    status: int | None = None


class MirrorCheck:
    """Checks a mirrored folder.

    Attributes:
        totals: what was checked so far.
    """

    def __init__(self, folder: Path, *, fragments: bool = False) -> None:
        """Prepare to check *folder*; with *fragments*, those of local links are looked up."""
        self._folder = MirrorFolder(folder)
        self._failures = RecordedFailures(folder)
        self._checks_fragments = fragments
        # A random segment that no page can contain: references that leave the folder lose it.
        self._base_url = f"http://mirror.invalid/{secrets.token_hex(8)}/"
        self._missing = MissingTargets()
        #: The links with fragments, by the document that these lead to.
        self._fragments: dict[str, MissingTargets] = {}
        self._fragment_links = 0
        self.totals = CheckTotals()

    def findings(self) -> Iterator[MissingTarget | UnreadableFile]:
        """Yield unreadable files as they are found, and then all missing targets."""
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
                yield from self._check_document(file, media_type, body)
        self._failures.close()
        self.totals.unlisted = self._missing.unlisted
        yield from self._missing
        yield from self._missing_fragments()

    def _count_unreadable(self, file: UnreadableFile) -> UnreadableFile:
        self.totals.unreadable += 1
        return file

    def _check_document(self, path: str, media_type: str, body: bytes) -> Iterator[UnreadableFile]:
        """Check the links of a document; yield it if it was not read as a whole."""
        self.totals.documents += 1
        url = Url(self._base_url + quote_from_bytes(os.fsencode(path)))
        document = ParsedDocument(Document(body, media_type, url))
        line, position = 1, 0
        for link in sorted(document.links, key=lambda link: link.start):
            missing = self._missing_target(link)
            if missing is None and not link.fragment:
                continue
            line += document.text.count("\n", position, link.start)
            position = link.start
            if missing is None:
                self._add_fragment(path, line, link)
            else:
                self._missing.add(*missing[:2], path, line, missing.status)
        for warning in document.warnings:
            yield self._count_unreadable(UnreadableFile(path, warning, is_partly_read=True))

    def _missing_target(self, link: Link) -> _Missing | None:
        """Return the target that a link does not find; None if there is one, or none is needed."""
        if link.url is None:
            if not _FILE_SCHEME.match(link.value):
                return None
            self.totals.local += 1
            return self._dangling(link, redact_text(link.value), MissingReason.OUTSIDE)
        if link.url.startswith(self._base_url):
            self.totals.local += 1
            target = self._folder.find(link.url[len(self._base_url) :].partition("?")[0])
            if target.path is None:
                return self._dangling(link, redact_text(link.value), MissingReason.OUTSIDE)
            if target.file is None:
                return self._dangling(link, redact_text(target.path), MissingReason.NO_FILE)
            return None
        if split(link.url)[0] == "mirror.invalid":
            # A relative reference that leads out of the folder.
            self.totals.local += 1
            return self._dangling(link, redact_text(link.value), MissingReason.OUTSIDE)
        return self._missing_external(link, link.url)

    def _dangling(self, link: Link, target: str, reason: MissingReason) -> _Missing | None:
        """Count a link that dangles, unless it is neither loaded nor clicked."""
        if link.kind in _UNUSED_KINDS:
            return None
        self.totals.dangling += 1
        return _Missing(target, reason)

    def _missing_external(self, link: Link, url: Url) -> _Missing | None:
        """Count a link to another host, and return its target if it is a requisite."""
        if link.kind.is_requisite and (status := self._failures.status(url)):
            self.totals.not_saved += 1
            return _Missing(redact_text(url), MissingReason.NOT_SAVED, status)
        name = host(url)
        external = self.totals.external
        is_counted = name in external or len(external) < _MAX_EXTERNAL_HOSTS
        external[name if is_counted else ""] += 1
        if not link.kind.is_requisite:
            return None
        self.totals.external_requisites += 1
        return _Missing(redact_text(link.value), MissingReason.EXTERNAL)

    def _add_fragment(self, document: str, line: int, link: Link) -> None:
        """Remember a link with a fragment, whose document is read once all links are known."""
        fragment = link.fragment[1:].partition(":~:")[0]
        path: str | None = document
        if link.url is not None:
            if not link.url.startswith(self._base_url):
                return
            path = self._folder.find(link.url[len(self._base_url) :].partition("?")[0]).file
        if not self._checks_fragments or path is None or not fragment:
            return
        if not _MARKUP_TYPE.fullmatch(guess_media_type(path)):
            return
        self._fragment_links += 1
        if self._fragment_links > MAX_FRAGMENT_LINKS:
            self.totals.unlisted += 1
            return
        links = self._fragments.setdefault(path, MissingTargets())
        links.add(fragment, MissingReason.NO_FRAGMENT, document, line)

    def _missing_fragments(self) -> Iterator[MissingTarget]:
        """Yield the fragments that a document does not have (HTML standard, 7.4.6.3)."""
        for path, links in self._fragments.items():
            body = self._folder.read(path)
            if isinstance(body, UnreadableFile):
                continue
            names = _ids_and_names(body)
            for link in links:
                decoded = unquote(link.target)
                if link.target in names or decoded in names or decoded.lower() == "top":
                    continue
                yield replace(link, target=redact_text(f"{path}#{link.target}"))


def _ids_and_names(body: bytes) -> frozenset[str]:
    """Return the values of ``id`` and ``name`` in a document."""
    url = Url("http://mirror.invalid/")
    text = ParsedDocument(Document(body, "text/plain", url)).text
    return frozenset(
        unescape(next(filter(None, groups), "")) for groups in _ID_OR_NAME.findall(text)
    )
