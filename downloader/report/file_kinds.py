"""Which kind of file a record is about, as page weight is told."""

from enum import StrEnum
from pathlib import PurePosixPath

from downloader.report.record import Record
from downloader.web.filenames import EXTENSIONS


class FileKind(StrEnum):
    """Kinds of files, in the order in which they are shown."""

    HTML = "html"
    CSS = "css"
    JS = "js"
    IMAGES = "images"
    FONTS = "fonts"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The name for a heading."""
        return self.upper() if len(self) <= len("html") else self.capitalize()


_TYPES = {
    "text/html": FileKind.HTML,
    "application/xhtml+xml": FileKind.HTML,
    "text/css": FileKind.CSS,
    "text/javascript": FileKind.JS,
    "application/javascript": FileKind.JS,
    "application/x-javascript": FileKind.JS,
    "application/ecmascript": FileKind.JS,
    "application/vnd.ms-fontobject": FileKind.FONTS,
    "application/font-woff": FileKind.FONTS,
    "application/font-woff2": FileKind.FONTS,
    "application/x-font-ttf": FileKind.FONTS,
}
_EXTENSIONS = {extension: media_type for media_type, extension in reversed(EXTENSIONS.items())}


def kind_of(record: Record) -> FileKind:
    """Return the kind by the content type, or, when that is not known, by the file's name."""
    media_type = record.content_type
    if media_type is None and record.path is not None:
        media_type = _EXTENSIONS.get(PurePosixPath(record.path).suffix)
    if media_type is None:
        return FileKind.OTHER
    kind = _TYPES.get(media_type)
    if kind is None and media_type.startswith("image/"):
        return FileKind.IMAGES
    if kind is None and media_type.startswith(("font/", "application/x-font")):
        return FileKind.FONTS
    return kind or FileKind.OTHER
