"""The data that this package takes and returns: documents, links and replacements; all frozen."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from downloader.web.urls import Url


class LinkKind(Enum):
    """The purpose of a link, by the element or rule that it stands in."""

    IMAGE = "image"
    STYLESHEET = "stylesheet"
    SCRIPT = "script"
    MODULE = "module"
    FONT = "font"
    MEDIA = "media"
    TRACK = "track"
    ICON = "icon"
    MANIFEST = "manifest"
    #: A document in the page: ``iframe``, ``frame``.
    FRAME = "frame"
    #: ``object`` and ``embed``: a document, an image or anything else.
    OBJECT = "object"
    #: An element of another SVG file that is rendered in this one, such as ``use``.
    SVG_ELEMENT = "svg-element"
    #: A request of a script: ``link rel=preload as=fetch``, ``new URL(…, import.meta.url)``.
    FETCH = "fetch"
    #: ``a`` and ``area``.
    ANCHOR = "anchor"
    #: ``meta http-equiv=refresh`` with a delay.
    REFRESH = "refresh"
    #: ``meta http-equiv=refresh`` without a delay: the browser shows the other page.
    REDIRECT = "redirect"
    #: ``link rel=next``, ``canonical``, ``alternate`` and other relations between pages.
    RELATED = "related"
    #: ``link rel=prefetch``, ``preconnect``, ``dns-prefetch``: the page works without it.
    HINT = "hint"
    #: Where a form is submitted to, and ``a ping``.
    FORM = "form"
    #: Never fetched by a browser: ``cite``, ``longdesc``, a ``link`` of an unknown type.
    METADATA = "metadata"

    def __init__(self, name: str) -> None:
        #: Whether it leads a reader to another page.
        self.is_navigation = name in {"anchor", "refresh", "redirect", "related"}
        #: Whether a browser needs it to show the page as intended (a "page requisite" of wget).
        self.is_requisite = not self.is_navigation and name not in {"hint", "form", "metadata"}


@dataclass(frozen=True, slots=True)
class Document:
    """A saved response body, and what its bytes alone do not tell.

    Attributes:
        body: the bytes, without content coding.
        media_type: such as ``text/html``, in lower case, without parameters; selects the parser.
        url: the URL of the response, after redirects.
        charset: a label of the encoding, from the response; None to detect it from the body.
        page_fields: the response fields that act like elements of a page, as
            :func:`downloader.web.page_fields.page_fields` returns them.
        robot: the product token, in lower case, by which ``meta`` elements and X-Robots-Tag may
            address this program beside ``robots``.
    """

    body: bytes
    media_type: str
    url: Url
    charset: str | None = None
    page_fields: str = ""
    robot: str = ""


class Link(NamedTuple):
    """One reference to another resource; a tuple, because a page has hundreds.

    Attributes:
        url: the absolute URL; None for what cannot be fetched (``data:``, ``mailto:``, an invalid
            URL) and for a reference to the same document (``#part``).
        fragment: the fragment with its ``#``; empty if there is none.
        kind: what the link is for.
        value: the reference, character references and escapes decoded.
        raw: the reference as it is written in the document.
        start, end: the span of *raw*, in characters of :attr:`ParsedDocument.text`.
        construct: where it stands, such as ``img[srcset]``, for people.
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
    construct: str
    rel: tuple[str, ...] = ()
    nofollow: bool = False
    lazy: bool = False


class LocalFile(NamedTuple):
    """A file of the offline copy, as the new target of a link.

    Attributes:
        relative_url: its URL, relative to the document in the copy.
    """

    relative_url: str


class Replacement(NamedTuple):
    """One span in which a rewritten document differs from the original.

    Attributes:
        start, end: the span, in characters of the original.
        before, after: the text of the original and of the rewritten document.
        link: the link that was replaced; None for other changes (``base``, ``integrity`` …).
    """

    start: int
    end: int
    before: str
    after: str
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class RewrittenDocument:
    """A document with replaced links.

    Attributes:
        body: the new bytes, in the encoding of the original.
        replacements: all differences, in order; empty if the bytes are the same.
    """

    body: bytes
    replacements: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class RobotsMeta:
    """The directives of ``meta name=robots`` and of X-Robots-Tag that concern a crawler."""

    noindex: bool = False
    nofollow: bool = False
