"""The links of one document, with their lines, and what its fragments can lead to. Pure."""

import re
from array import array
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import unquote

from downloader.errors import BadUrlError
from downloader.links import Document, Link, LinkKind, ParsedDocument
from downloader.web import urls
from downloader.web.urls import Url, redact_text

#: A reference with a scheme that is not fetched. Such links are left alone.
_OTHER_SCHEME = re.compile(r"[\x00-\x20]*+(?!https?:)[A-Za-z][A-Za-z0-9+.-]*+:", re.IGNORECASE)
#: Relations that name a host to connect to early, and no resource.
_CONNECTION_HINTS = frozenset({"preconnect", "dns-prefetch"})
#: Fragments that a script of the page reads, such as the routes of an application.
_SCRIPT_FRAGMENT = ("!", "/")


class FoundLink(NamedTuple):
    """A link of a document.

    Attributes:
        url: its URL without credentials and fragment.
        fragment: without the ``#``; empty if it need not be looked up.
        kind: what the link is for.
        line: where it is written, from 1.
        construct: the element or rule that it stands in.
        nofollow: whether the page asks robots not to follow it.
    """

    url: Url
    fragment: str
    kind: LinkKind
    line: int
    construct: str
    nofollow: bool


class BadLink(NamedTuple):
    """A reference that is no URL.

    Attributes:
        reference: as it is written, shortened.
        message: what is wrong with it.
        line, construct: as in :class:`FoundLink`.
    """

    reference: str
    message: str
    line: int
    construct: str


class DocumentLinks(NamedTuple):
    """The links of one document.

    Attributes:
        url: the document's URL, after redirects.
        links: those that are to be checked.
        bad: those that are no URLs.
        targets: hashes of what its fragments can lead to, see :func:`hashes_of`; None for a
            document without such targets, or if they are not known.
        warnings: what was left out because of a limit.
    """

    url: Url
    links: list[FoundLink]
    bad: list[BadLink]
    targets: bytes | None
    warnings: tuple[str, ...]


def document_links(document: Document) -> DocumentLinks:
    """Return the links of *document*."""
    parsed = ParsedDocument(document, fragment_targets=True)
    found: list[FoundLink] = []
    bad: list[BadLink] = []
    line, position, text = 1, 0, parsed.text
    for link in sorted(parsed.links, key=_start):
        if not _is_checked(link):
            continue
        line += text.count("\n", position, link.start)
        position = link.start
        url = link.url
        if url is None:
            if not link.fragment:
                if not _OTHER_SCHEME.match(link.value):
                    bad.append(_bad_link(parsed, link, line))
                continue
            # A reference to the same document.
            url = document.url
        elif "@" in url:
            url, _ = urls.without_credentials(url)
        fragment = link.fragment and _looked_up(link.fragment)
        nofollow = link.nofollow or parsed.robots.nofollow
        found.append(FoundLink(url, fragment, link.kind, line, link.construct, nofollow))
    # Of a document that was not read as a whole, it is not known what is missing.
    targets = parsed.fragment_targets if not parsed.warnings else None
    hashes = None if targets is None else hashes_of(targets)
    return DocumentLinks(document.url, found, bad, hashes, parsed.warnings)


def _start(link: Link) -> int:
    return link.start


def _is_checked(link: Link) -> bool:
    """Return whether a link is one that a reader or a browser follows with a GET."""
    kind = link.kind
    if kind is LinkKind.HINT:
        return _CONNECTION_HINTS.isdisjoint(link.rel)
    if kind is LinkKind.METADATA:
        return not link.construct.startswith("link")
    return kind is not LinkKind.FORM


def _bad_link(parsed: ParsedDocument, link: Link, line: int) -> BadLink:
    message = "not a web address"
    try:
        urls.join(parsed.base_url, link.value)
        message = "the address is too long"
    except BadUrlError as error:
        message = error.message
    return BadLink(redact_text(link.value), message, line, link.construct)


def _looked_up(fragment: str) -> str:
    """Return the part of a fragment, written with ``#``, that names an element."""
    part = fragment[1:].partition(":~:")[0]
    if part.startswith(_SCRIPT_FRAGMENT) or part.lower() == "top":
        return ""
    return part


def hashes_of(targets: Collection[str]) -> bytes:
    """Return the hashes of the targets of fragments, eight bytes each."""
    return array("q", map(hash, targets)).tobytes()


class FragmentTargets:
    """The targets of one document, by the hashes that :func:`hashes_of` has made."""

    def __init__(self, hashes: bytes) -> None:
        numbers = array("q")
        numbers.frombytes(hashes)
        self._hashes = frozenset(numbers)

    def has(self, fragment: str) -> bool:
        """Return whether a fragment, without the ``#``, leads to an element.

        As it is written, or percent-decoded as UTF-8 (HTML standard, 7.4.6.3). Pages of GitHub
        put a prefix before each ``id``, which a script of theirs takes into account.
        """
        decoded = unquote(fragment, errors="replace")
        names = (fragment, decoded, f"user-content-{decoded}")
        return decoded.lower() == "top" or any(hash(name) in self._hashes for name in names)
