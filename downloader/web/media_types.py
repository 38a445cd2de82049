"""Media types (RFC 6838): out of a Content-Type field, to file name extensions and back.

Both directions come from one pinned table, ``mime.types`` beside this module, because the names of
saved files must be the same in every run: :mod:`mimetypes` reads the machine's own tables and
differs between versions of Python.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

#: The media type of bytes of which nothing else is known.
OCTET_STREAM = "application/octet-stream"
#: The media types of pages: HTML in either of its syntaxes.
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
#: Characters in the longest extension, with its dot.
MAX_EXTENSION_LENGTH = 12

_UNKNOWN = ".bin"
#: Extensions by structured syntax suffix (RFC 6838, section 4.2.8), for types not in the table.
_SUFFIX_EXTENSIONS = {
    "json": ".json",
    "xml": ".xml",
    "zip": ".zip",
    "gzip": ".gz",
    "yaml": ".yaml",
    "zstd": ".zst",
}
_EXTENSION = re.compile(r"\.[^./]+\Z")
_TEXT = re.compile(
    r"text/.*|application/(?:(?:x-)?javascript|ecmascript|json|xml|xhtml\+xml|x-sh|toml|yaml"
    r"|x-ndjson|.+\+(?:json|xml))|image/svg\+xml"
)
#: One of the values that commas separate; a comma in quotes belongs to its value.
_VALUE = re.compile(r"""(?:[^,"]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))++""", re.DOTALL)
#: Type and subtype at the start of a value (RFC 9110, 8.3.1).
_NAME = r"[\w!#$%&'*+.^`|~-]+"
_ESSENCE = re.compile(rf"\s*({_NAME}/{_NAME})(?=\s*(?:;|\Z)|\s+{_NAME}\s*=)", re.ASCII)
#: Characters of a field that are read.
_MAX_FIELD_LENGTH = 2000
#: Distinct Content-Type fields to remember: most responses of a site have one of a few.
_CACHED_FIELDS = 256


@dataclass(frozen=True, slots=True)
class MediaTypeTable:
    """The two directions of ``mime.types``.

    Attributes:
        extensions: by media type: what is appended to names of its files, with the dot.
        types: by extension, in lower case and with the dot: its media type.
        appendable: all that may be appended to a name.
    """

    extensions: dict[str, str]
    types: dict[str, str]
    appendable: frozenset[str]


@cache
def media_type_table() -> MediaTypeTable:
    """Return the pinned table, which is read when it is first needed."""
    extensions: dict[str, str] = {}
    types: dict[str, str] = {}
    text = Path(__file__).with_name("mime.types").read_text("ascii")
    for line in text.splitlines():
        media_type, *names = line.split() or ["#"]
        if media_type.startswith("#"):
            continue
        extensions[media_type] = f".{names[0]}"
        for name in names:
            types.setdefault(f".{name}", media_type)
    appendable = {*extensions.values(), *_SUFFIX_EXTENSIONS.values(), _UNKNOWN}
    return MediaTypeTable(extensions, types, frozenset(appendable))


@lru_cache(maxsize=_CACHED_FIELDS)
def parse_media_type(content_type: str) -> str:
    """Return type and subtype of a Content-Type field, in lower case and without parameters.

    Empty if the field has no valid type; see :func:`effective_content_type`.
    """
    essence = _ESSENCE.match(effective_content_type(content_type))
    return essence[1].lower() if essence else ""


@lru_cache(maxsize=_CACHED_FIELDS)
def effective_content_type(content_type: str) -> str:
    """Return the value that counts in a field with several, perhaps of several fields.

    The last valid one that is not ``*/*`` counts. Without a charset of its own, it has that of an
    earlier value of the same type (Fetch standard, 2.2.2, "extract a MIME type"). Parameters after
    a space instead of a semicolon are read, which the standard takes for a failure: Chromium does
    so, and the type is beyond doubt.

    Example:
        >>> effective_content_type("text/html; charset=utf-8, text/html")
        'text/html; charset=utf-8'
    """
    chosen = essence = ""
    for value in _VALUE.findall(content_type[:_MAX_FIELD_LENGTH]):
        match = _ESSENCE.match(value)
        if match is None or match[1] == "*/*":
            continue
        is_same = match[1].lower() == essence
        if not is_same or "charset" in value.lower() or "charset" not in chosen.lower():
            chosen = value.strip()
        essence = match[1].lower()
    return chosen


def extension_for(media_type: str) -> str:
    """Return the extension, with its dot, of files of *media_type*; ``.bin`` if it is unknown.

    Example:
        >>> extension_for("image/png"), extension_for("application/problem+json")
        ('.png', '.json')
    """
    extension = media_type_table().extensions.get(media_type)
    if extension is not None:
        return extension
    if media_type.startswith("text/"):
        return ".txt"
    return _SUFFIX_EXTENSIONS.get(media_type.rpartition("+")[2], _UNKNOWN)


def guess_media_type(path: str) -> str:
    """Return the media type that a file name's extension stands for, or :data:`OCTET_STREAM`.

    Example:
        >>> guess_media_type("example.org/logo.PNG")
        'image/png'
    """
    match = _EXTENSION.search(path)
    return media_type_table().types.get(match[0].lower(), OCTET_STREAM) if match else OCTET_STREAM


@lru_cache(maxsize=_CACHED_FIELDS)
def is_text(media_type: str) -> bool:
    """Return whether a body of this media type is counted in characters."""
    return _TEXT.fullmatch(media_type) is not None
