"""What is read and what is found: frozen data."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from downloader.web.urls import Url


class LinkKind(Enum):
    """What a link is for, by where it stands."""

    IMAGE = "image"
    STYLESHEET = "stylesheet"
    SCRIPT = "script"
    MODULE = "module"
    FONT = "font"
    MEDIA = "media"
    TRACK = "track"
    ICON = "icon"
    MANIFEST = "manifest"
    #: A page inside the page: ``iframe``, ``frame``.
    FRAME = "frame"
    #: ``object`` and ``embed``: a page, an image or anything else.
    OBJECT = "object"
    #: Part of an SVG file that another document shows, such as ``use``.
    GRAPHIC = "graphic"
    #: What a script will ask for: ``link rel=preload as=fetch``.
    FETCH = "fetch"
    #: ``a`` and ``area``.
    ANCHOR = "anchor"
    #: ``meta http-equiv=refresh`` after a time.
    REFRESH = "refresh"
    #: The same at once: who opens the page sees the other one.
    FORWARD = "forward"
    #: ``link rel=next``, ``canonical``, ``alternate`` and other relations between pages.
    RELATED = "related"
    #: ``link rel=prefetch``, ``preconnect``, ``dns-prefetch``: nothing is lost without it.
    HINT = "hint"
    #: Where a form is sent.
    FORM = "form"
    #: Never fetched by a browser: ``cite``, ``longdesc``.
    REFERENCE = "reference"

    def __init__(self, name: str) -> None:
        #: Whether it leads a reader to another page.
        self.page = name in {"anchor", "refresh", "forward", "related"}
        #: Whether the page does not show as it should without it.
        self.requisite = not self.page and name not in {"hint", "form", "reference"}


@dataclass(frozen=True, slots=True)
class Document:
    """A body as it was saved, and what its bytes alone do not tell.

    Attributes:
        body: the bytes, content coding undone.
        media_type: such as ``text/html``, lower case, without parameters; it decides the parser.
        url: where it was found, after redirects: what its relative links are relative to.
        charset: a label of its encoding, as the transfer found it; None to find it from the body.
    """

    body: bytes
    media_type: str
    url: Url
    charset: str | None = None


class Link(NamedTuple):
    """One reference in a document; a tuple, because a page has hundreds.

    Attributes:
        url: what it means, absolute; None for what cannot be fetched (``data:``, ``mailto:``,
            no URL at all) and for a place in the document itself (``#part``).
        fragment: with its ``#``; empty if there is none.
        kind: what it is for.
        value: the reference as the page means it: character references and escapes undone.
        raw: the same as it stands in the document.
        start, end: where it stands, in characters of :attr:`Page.text`.
        where: the construct, such as ``img[srcset]``, for people.
        rel: the link types of its element, in lower case.
        nofollow: whether the page asks robots not to follow it.
        lazy: whether only a script would load it (``data-src``): a guess, though a good one.
    """

    url: Url | None
    fragment: str
    kind: LinkKind
    value: str
    raw: str
    start: int
    end: int
    where: str
    rel: tuple[str, ...] = ()
    nofollow: bool = False
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file of the same copy, to which a link is to lead.

    Attributes:
        reference: its URL, relative to where the document is in the copy.
    """

    reference: str


class Replacement(NamedTuple):
    """One place at which a rewritten document differs.

    Attributes:
        start, end: where, in characters of the original.
        before, after: the text there.
        link: what was replaced; None for what had to give way (``base``, ``integrity`` …).
    """

    start: int
    end: int
    before: str
    after: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class RewrittenDocument:
    """A document with other links.

    Attributes:
        body: the new bytes, in the encoding of the old ones.
        changes: all differences, in order; empty if the bytes are the same.
    """

    body: bytes
    changes: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class RobotsMeta:
    """What ``meta name=robots`` asks for."""

    noindex: bool = False
    nofollow: bool = False
