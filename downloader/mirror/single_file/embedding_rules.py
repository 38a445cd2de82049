"""How a file is embedded, by the kind of the link to it; as data."""

from downloader.links import Link, LinkKind
from downloader.web.media_types import OCTET_STREAM, guess_media_type

FRAME_KINDS = {LinkKind.FRAME, LinkKind.OBJECT}
#: Kinds of files that load others. An SVG image loads nothing, whatever it says (SVG 2, 2.2.1).
DOCUMENT_KINDS = {
    *(LinkKind.STYLESHEET, LinkKind.SCRIPT, LinkKind.MODULE, LinkKind.MANIFEST),
    *FRAME_KINDS,
}
#: The media type of a file whose name does not tell.
_MEDIA_TYPES = {
    LinkKind.STYLESHEET: "text/css",
    LinkKind.SCRIPT: "text/javascript",
    LinkKind.MODULE: "text/javascript",
    LinkKind.MANIFEST: "application/manifest+json",
    LinkKind.TRACK: "text/vtt",
}
#: Kinds whose media type is known whatever the name.
_KINDS_OF_ONE_MEDIA_TYPE = {LinkKind.STYLESHEET, LinkKind.SCRIPT, LinkKind.MODULE}
#: The replacement of a file that would contain itself.
EMPTY_DOCUMENTS = {
    LinkKind.FRAME: "about:blank",
    LinkKind.OBJECT: "about:blank",
    LinkKind.STYLESHEET: "data:text/css,",
}


def embedded_media_type(path: str, kind: LinkKind) -> str:
    """Return the media type of a file that a link of this kind leads to."""
    by_name = guess_media_type(path)
    if by_name == OCTET_STREAM or kind in _KINDS_OF_ONE_MEDIA_TYPE:
        return _MEDIA_TYPES.get(kind, by_name)
    return by_name


def is_only_preload(link: Link) -> bool:
    """Return whether a link only has something loaded early, which is embedded anyway.

    A preloaded style sheet is none: ``onload`` often turns it into one that is applied.
    """
    is_preload = "preload" in link.rel or "modulepreload" in link.rel
    return link.kind is LinkKind.HINT or (is_preload and link.kind is not LinkKind.STYLESHEET)
