"""What a file is to the document that needs it, as data."""

from downloader.links import Kind, Link
from downloader.mediatypes import UNKNOWN, media_type

FRAMES = {Kind.FRAME, Kind.OBJECT}
#: What loads more by itself. A picture loads nothing, whatever its file says (SVG 2, 2.2.1).
DOCUMENTS = {Kind.STYLESHEET, Kind.SCRIPT, Kind.MODULE, Kind.MANIFEST, *FRAMES}
#: What a file is that its name does not tell, by what it is used for.
_BY_USE = {
    Kind.STYLESHEET: "text/css",
    Kind.SCRIPT: "text/javascript",
    Kind.MODULE: "text/javascript",
    Kind.MANIFEST: "application/manifest+json",
    Kind.TRACK: "text/vtt",
}
_ALWAYS = {Kind.STYLESHEET, Kind.SCRIPT, Kind.MODULE}
#: What stands for a file where a circle is cut.
EMPTY = {Kind.FRAME: "about:blank", Kind.OBJECT: "about:blank", Kind.STYLESHEET: "data:text/css,"}


def type_of(path: str, use: Kind) -> str:
    """Return the media type of a file that is used so."""
    kind = media_type(path)
    return _BY_USE.get(use, kind) if kind == UNKNOWN or use in _ALWAYS else kind


def needless(link: Link) -> bool:
    """Return whether a link only has something loaded early, which is within anyway.

    A style sheet is no such: ``onload`` makes it one that is used.
    """
    early = "preload" in link.rel or "modulepreload" in link.rel
    return link.kind is Kind.HINT or (early and link.kind is not Kind.STYLESHEET)
