"""Pure: a URL and a content type decide the name of a file.

A name is decided in two steps. The URL alone gives a :class:`FileName`, which is claimed before the
request is made, in the order of the list; the content type then adds the extension, giving the
:data:`SafePath`. :func:`claims` is what makes two URLs never share a file: it lists everything
that a name might become, so that names whose futures could meet are told apart beforehand, by a
short hash of the URL. So the same list gives the same names on every machine and in every run.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NewType
from urllib.parse import unquote

from downloader.errors import BlockedError
from downloader.web.urls import Url, redact, split

#: A path relative to the output folder, ``/``-separated, that cannot leave it.
SafePath = NewType("SafePath", str)

#: Suffix of a file that is not yet whole.
PART = ".part"

#: Extensions by media type. Fixed here, because the ``mimetypes`` module reads the machine's own
#: tables and differs between Python versions, and names must agree everywhere.
EXTENSIONS = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/css": ".css",
    "text/javascript": ".js",
    "application/javascript": ".js",
    "application/x-javascript": ".js",
    "application/json": ".json",
    "application/ld+json": ".jsonld",
    "application/manifest+json": ".webmanifest",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".rss",
    "application/atom+xml": ".atom",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/calendar": ".ics",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/avif": ".avif",
    "image/svg+xml": ".svg",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/x-icon": ".ico",
    "image/vnd.microsoft.icon": ".ico",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "font/ttf": ".ttf",
    "font/otf": ".otf",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".oga",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/ogg": ".ogv",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/zip": ".zip",
    "application/gzip": ".gz",
    "application/x-gzip": ".gz",
    "application/x-tar": ".tar",
    "application/wasm": ".wasm",
}
_UNKNOWN = ".bin"
_APPENDABLE = frozenset(EXTENSIONS.values()) | {_UNKNOWN}
#: Without these a browser would not take the saved file for what it is, so they are added even
#: after another extension (``page.php`` becomes ``page.php.html``), unless one that means the
#: same is there.
_MARKUP = {
    ".html": (".html", ".htm", ".shtml", ".xhtml"),
    ".xhtml": (".html", ".htm", ".shtml", ".xhtml"),
    ".css": (".css",),
}
_NAME_MAX = 255
_LONGEST_BASE = _NAME_MAX - len(PART) - max(map(len, _APPENDABLE))
_LONGEST_PATH = 1000
_LONGEST_QUERY = 100
#: 50 bits tell apart what meets by chance; the full digest what meets on purpose.
_SHORT, _FULL = 10, 52
#: Where names go whose own folder cannot exist, because a file has its name.
_FLAT = "_"
_EXTENSION = re.compile(r"\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,11}\Z")
_PLAIN = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._@=&,+-]*[A-Za-z0-9_@=&,+-])?")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|clock|com|lpt)", re.IGNORECASE)
#: Device names that Windows sees through spaces and an extension, as in ``con .txt``.
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|(?:conin|conout|clock)\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
_HOST = str.maketrans({":": "_", "[": None, "]": None})
#: Separators of Windows, of folders, drives and streams, and what ends a name everywhere.
_TREACHEROUS = frozenset("\\:\0")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ExtensionRule(Enum):
    """Which extension the content type may add to a name."""

    ALWAYS = "always"
    MARKUP = "markup"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FileName:
    """The name of a URL's file before its content type is known.

    Attributes:
        base: relative path, ``/``-separated, each part safe on every common file system.
        growth: which extension the content type may add.
    """

    base: str
    growth: ExtensionRule

    def path(self, media_type: str) -> SafePath:
        """Return the file for a body of *media_type* (lower case, without parameters)."""
        extension = EXTENSIONS.get(media_type, _UNKNOWN)
        if self.growth is ExtensionRule.ALWAYS:
            return SafePath(self.base + extension)
        same = _MARKUP.get(extension)
        if self.growth is ExtensionRule.MARKUP and same and not self.base.lower().endswith(same):
            return SafePath(self.base + extension)
        return SafePath(self.base)

    def may_become(self, path: SafePath) -> bool:
        """Return whether *path* is this name with one of the extensions it may get."""
        if path == self.base:
            return self.growth is not ExtensionRule.ALWAYS
        extensions = {
            ExtensionRule.ALWAYS: _APPENDABLE,
            ExtensionRule.MARKUP: _MARKUP.keys(),
            ExtensionRule.NEVER: frozenset[str](),
        }[self.growth]
        return path.startswith(self.base) and path[len(self.base) :] in extensions


@dataclass(frozen=True, slots=True)
class NameRequirements:
    """What a name takes, and what must not be taken already for it to be free."""

    own: tuple[str, ...]
    against: tuple[str, ...]


def candidates(url: Url) -> Iterator[FileName]:
    """Yield the names that *url* may have, best first; the first free one is its name.

    The last is as good as unique, whatever the others met.
    """
    plain, certain = _from_url(url)
    if certain:
        yield plain
    digest = base64.b32encode(hashlib.sha256(redact(url).encode()).digest()).decode().lower()
    folder, _, leaf = plain.base.rpartition("/")
    if len(folder.encode()) <= _LONGEST_PATH:
        yield FileName(_in(folder, _marked(leaf, digest[:_SHORT], plain.growth)), plain.growth)
    yield FileName(_in(_FLAT, _marked(leaf, digest[:_SHORT], plain.growth)), plain.growth)
    yield FileName(_in(_FLAT, _marked(leaf, digest[:_FULL], plain.growth)), plain.growth)


def given(name: str) -> FileName:
    """Return the name that a list gives for a URL, taken to the letter.

    Raises:
        BlockedError: it would leave the output folder, or cannot be a file name everywhere.
    """
    parts = name.replace("\\", "/").split("/")
    if len(name.encode(errors="replace")) > _LONGEST_PATH or parts != [
        _safe(part, leading=index == 0) for index, part in enumerate(parts)
    ]:
        raise BlockedError(
            f"the name {name[:200]!r} is not a safe file name", hint="give a plain relative path"
        )
    return FileName("/".join(parts), ExtensionRule.NEVER)


def stays_within(path: str) -> bool:
    """Return whether *path*, which somebody else says is a :data:`SafePath`, may be one.

    It leads nowhere but to what is below the output folder, and not to this program's own files.

    Example:
        >>> stays_within("example.org/index.html"), stays_within("example.org/../../index.html")
        (True, False)
    """
    parts = path.split("/")
    return not path.startswith(".") and all(
        part.strip(" .") and not _TREACHEROUS.intersection(part) for part in parts
    )


def claims(name: FileName, known: Container[str] = ()) -> NameRequirements:
    """Return what *name* takes, as keys that are equal where file systems see one name.

    Folders in *known*, folded, are left out: it is known that they are taken as folders.

    Names are compared after Unicode normalisation (NFC) and case folding. Keys are prefixed:
    ``=`` a file of this name, ``?`` a file of this name plus some extension, ``*`` a file of this
    name plus any one extension, ``h`` the same for a markup extension, ``/`` a folder.
    """
    base = fold(name.base)
    stem, extension = _stem(base)
    own: list[str] = []
    against: list[str] = []
    if name.growth is ExtensionRule.ALWAYS:
        own.append(f"?{base}")
        against += [f"?{base}", f"={base}", f"*{base}", f"/*{base}"]
    else:
        own.append(f"={base}")
        against += [f"={base}", f"?{base}", f"/{base}"]
        if name.growth is ExtensionRule.MARKUP:
            against += [f"h{base}", f"/h{base}"]
        if extension in _APPENDABLE:
            own.append(f"*{stem}")
            against.append(f"?{stem}")
        if extension in _MARKUP:
            own.append(f"h{stem}")
            against.append(f"={stem}")
    for folder in folders(base):
        if folder in known:
            continue
        stem, extension = _stem(folder)
        own.append(f"/{folder}")
        against.append(f"={folder}")
        if extension in _APPENDABLE:
            own.append(f"/*{stem}")
            against.append(f"?{stem}")
        if extension in _MARKUP:
            own.append(f"/h{stem}")
            against.append(f"={stem}")
    return NameRequirements(tuple(own), tuple(against))


def fold(path: str) -> str:
    """Return *path* as the least discerning file system sees it: normalised, without case."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _from_url(url: Url) -> tuple[FileName, bool]:
    """Return the plain name of *url*, and whether nothing about it is ambiguous."""
    host, path, query = split(url)
    first, certain = _clean(host.translate(_HOST), leading=True)
    *folders, last = path.split("/")[1:]
    parts = [first]
    for folder in folders:
        part, same = _clean(folder)
        parts.append(part)
        certain = certain and same
    if last:
        leaf, same = _clean(last)
        certain = certain and same
        parts.append(leaf)
    elif folders:
        parts.append("index")
    stem, extension = _stem(parts[-1]) if last else (parts[-1], "")
    growth = ExtensionRule.MARKUP if extension else ExtensionRule.ALWAYS
    if query:
        words, same = _clean(query)
        certain = certain and same and len(query) <= _LONGEST_QUERY
        stem = f"{stem}@{_cut(words, _LONGEST_QUERY)}"
    if len((stem + extension).encode()) > _LONGEST_BASE:
        stem, certain = _cut(stem, _LONGEST_BASE - len(extension) - _FULL - 1), False
    parts[-1] = stem + extension
    base = "/".join(parts)
    return FileName(base, growth), certain and len(base.encode()) <= _LONGEST_PATH


@lru_cache(maxsize=4096)
def _clean(segment: str, *, leading: bool = False) -> tuple[str, bool]:
    """Return a URL's *segment* as a file name, and whether it says the same as before.

    *leading* is for the first part of a path, which must not begin with a dot: such names in the
    output folder are this program's own.
    """
    if (
        len(segment) <= _LONGEST_BASE
        and _PLAIN.fullmatch(segment)
        and not _DEVICE.match(segment)
        and not segment.lower().endswith(PART)
    ):
        return segment, True
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        text = segment
    wanted = unicodedata.normalize("NFC", text)
    safe = _safe(wanted, leading=leading)
    return safe, safe == wanted


def _safe(text: str, *, leading: bool) -> str:
    """Return *text* if every common file system takes it as a name, or else what comes closest."""
    # Few names need it, and it takes a while to import.
    from pathvalidate import sanitize_filename

    safe = "".join("_" if unicodedata.category(char) in _INVISIBLE else char for char in text)
    safe = sanitize_filename(safe, replacement_text="_", platform="universal", max_len=100_000)
    safe = safe.strip().rstrip(" .") or "_"
    if len(safe.encode()) > _LONGEST_BASE:
        # What is cut may end in a dot or a space, which Windows drops: so nothing ends there.
        safe = f"{_cut(safe, 150)}_"
    if _RESERVED.match(safe) or (leading and safe.startswith(".")):
        safe = f"_{safe}"
    return f"{safe}_" if safe.lower().endswith(PART) else safe


def _stem(path: str) -> tuple[str, str]:
    """Split *path* before its extension; ``3.11`` has none, because a version is no type."""
    match = _EXTENSION.search(path)
    if match is None or match.start() == path.rfind("/") + 1:
        return path, ""
    return path[: match.start()], match[0]


def folders(path: str) -> Iterator[str]:
    """Yield the folders above *path*, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _marked(leaf: str, mark: str, growth: ExtensionRule) -> str:
    stem, extension = (leaf, "") if growth is ExtensionRule.ALWAYS else _stem(leaf)
    return f"{_cut(stem, _LONGEST_BASE - len(extension) - _FULL - 1)}~{mark}{extension}"


def _in(folder: str, leaf: str) -> str:
    return f"{folder}/{leaf}" if folder else leaf


def _cut(text: str, size: int) -> str:
    """Return as much of *text* as fits in *size* bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")
