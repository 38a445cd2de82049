"""Pure: what a saved file is, by its name."""

import re

from downloader.web.filenames import EXTENSIONS

UNKNOWN = "application/octet-stream"
_EXTENSION = re.compile(r"\.[^./]+\Z")
#: Several types share an extension; the first one listed is its best name.
_TYPES = {extension: media_type for media_type, extension in reversed(EXTENSIONS.items())} | {
    ".htm": "text/html",
    ".shtml": "text/html",
    ".mjs": "text/javascript",
    ".vtt": "text/vtt",
    ".jpeg": "image/jpeg",
    ".jfif": "image/jpeg",
    ".apng": "image/apng",
    ".cur": "image/x-icon",
    ".ogg": "audio/ogg",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".m4v": "video/mp4",
    ".eot": "application/vnd.ms-fontobject",
}


def media_type(name: str) -> str:
    """Return the media type of a file that was saved as *name*."""
    match = _EXTENSION.search(name)
    return _TYPES.get(match[0].lower(), UNKNOWN) if match else UNKNOWN
