"""The kind of file that a record is about, by which page weight is reported."""

from enum import StrEnum

from downloader.report.url_record import Record
from downloader.web.media_types import extension_for, guess_media_type


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


#: Kinds by the extension of a media type, so that all names of a type count as one.
_KINDS = {
    ".html": FileKind.HTML,
    ".xhtml": FileKind.HTML,
    ".css": FileKind.CSS,
    ".js": FileKind.JS,
    ".woff": FileKind.FONTS,
    ".woff2": FileKind.FONTS,
    ".ttf": FileKind.FONTS,
    ".otf": FileKind.FONTS,
    ".eot": FileKind.FONTS,
}


def kind_of(record: Record) -> FileKind:
    """Return the kind by the content type or, if that is not known, by the file's name."""
    media_type = record.content_type
    if media_type is None:
        if record.path is None:
            return FileKind.OTHER
        media_type = guess_media_type(record.path)
    if media_type.startswith("image/"):
        return FileKind.IMAGES
    if media_type.startswith(("font/", "application/x-font")):
        return FileKind.FONTS
    return _KINDS.get(extension_for(media_type), FileKind.OTHER)
