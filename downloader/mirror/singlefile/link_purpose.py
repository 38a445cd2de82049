"""What a file is to the document that needs it, as data."""

from downloader.links import Link, LinkKind
from downloader.web.media_types import OCTET_STREAM, guess_media_type

FRAMES = {LinkKind.FRAME, LinkKind.OBJECT}
#: What loads more by itself. A picture loads nothing, whatever its file says (SVG 2, 2.2.1).
DOCUMENTS = {LinkKind.STYLESHEET, LinkKind.SCRIPT, LinkKind.MODULE, LinkKind.MANIFEST, *FRAMES}
#: What a file is that its name does not tell, by what it is used for.
_BY_USE = {
    LinkKind.STYLESHEET: "text/css",
    LinkKind.SCRIPT: "text/javascript",
    LinkKind.MODULE: "text/javascript",
    LinkKind.MANIFEST: "application/manifest+json",
    LinkKind.TRACK: "text/vtt",
}
_ALWAYS = {LinkKind.STYLESHEET, LinkKind.SCRIPT, LinkKind.MODULE}
#: What stands for a file where a circle is cut.
EMPTY = {
    LinkKind.FRAME: "about:blank",
    LinkKind.OBJECT: "about:blank",
    LinkKind.STYLESHEET: "data:text/css,",
}


def type_of(path: str, use: LinkKind) -> str:
    """Return the media type of a file that is used so."""
    kind = guess_media_type(path)
    return _BY_USE.get(use, kind) if kind == OCTET_STREAM or use in _ALWAYS else kind


def needless(link: Link) -> bool:
    """Return whether a link only has something loaded early, which is within anyway.

    A style sheet is no such: ``onload`` makes it one that is used.
    """
    early = "preload" in link.rel or "modulepreload" in link.rel
    return link.kind is LinkKind.HINT or (early and link.kind is not LinkKind.STYLESHEET)
