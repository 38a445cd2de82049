"""Parts of paths as names that every common file system takes; no part leaves its folder."""

import re
import unicodedata
from urllib.parse import unquote

from downloader.web.media_types import MAX_EXTENSION_LENGTH

#: Suffix of a file whose body is not complete yet.
PART = ".part"

#: The limit of common file systems, in bytes of UTF-8.
MAX_NAME_BYTES = 255
#: Bytes of a name to which an extension and :data:`PART` may be added.
MAX_BASE_BYTES = MAX_NAME_BYTES - len(PART) - MAX_EXTENSION_LENGTH
#: Bytes of an overlong name that are kept.
_CUT_NAME_BYTES = 150
_EXTENSION = re.compile(r"(?<=[^/])\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,11}\Z")
#: A segment of a URL that is a safe name as it stands; those that begin like devices are not sure.
_PLAIN = re.compile(
    rf"(?!(?i:con|prn|aux|nul|clock|com|lpt)|.*(?i:{re.escape(PART)})\Z)[A-Za-z0-9_-]"
    rf"(?:[A-Za-z0-9._@=&,+-]{{0,{MAX_BASE_BYTES - 2}}}[A-Za-z0-9_@=&,+-])?"
)
#: Names that Windows keeps for devices, even before spaces and an extension (``con .txt``).
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|(?:conin|conout|clock)\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
#: Unicode categories: control, format, surrogate, private, unassigned, and the separators of lines
#: and paragraphs.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_segment(segment: str, *, first_part: bool = False) -> tuple[str, bool]:
    """Return a segment of a URL as a file name, and whether nothing but percent-encoding is lost.

    The first part of a path must not begin with a dot: such names in the output folder are this
    program's own.
    """
    if _PLAIN.fullmatch(segment):
        return segment, True
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        text = segment
    wanted = unicodedata.normalize("NFC", text)
    safe = safe_part(wanted, first_part=first_part)
    return safe, safe == wanted


def safe_part(text: str, *, first_part: bool) -> str:
    """Return *text*, changed as little as makes it a valid name on every common file system."""
    # Imported late: few names need it, and it is slow to import.
    from pathvalidate import sanitize_filename

    safe = "".join("_" if unicodedata.category(char) in _INVISIBLE else char for char in text)
    safe = sanitize_filename(
        safe,
        replacement_text="_",
        platform="universal",
        max_len=100_000,
        fs_encoding="utf-8",
    )
    safe = safe.strip().rstrip(" .") or "_"
    if len(safe.encode()) > MAX_BASE_BYTES:
        # The cut may be behind a dot or a space, which Windows drops at the end of a name.
        safe = f"{cut(safe, _CUT_NAME_BYTES)}_"
    if _RESERVED.match(safe) or (first_part and safe.startswith(".")):
        safe = f"_{safe}"
    return f"{safe}_" if safe.lower().endswith(PART) else safe


def safe_leaf(text: str, *, first_part: bool) -> tuple[str, bool]:
    """Return *text* as the name of a file, and whether it is whole.

    Of an overlong name the extension is kept, unlike by :func:`safe_part`.
    """
    stem, extension = split_extension(text.strip().rstrip(" ."))
    whole = len((stem + extension).encode(errors="replace")) <= MAX_BASE_BYTES
    if not whole:
        stem = cut(stem, _CUT_NAME_BYTES)
    return safe_part(stem + extension, first_part=first_part), whole


def split_extension(path: str) -> tuple[str, str]:
    """Split *path* before its extension; ``3.11`` has none, because it is a version number."""
    match = _EXTENSION.search(path)
    return (path[: match.start()], match[0]) if match else (path, "")


def cut(text: str, size: int) -> str:
    """Return as much of *text* as fits in *size* bytes of UTF-8."""
    return text.encode(errors="replace")[:size].decode(errors="ignore")
