"""File names of URLs, decided by the URL and the media type of its body alone.

A name is decided in two steps. The URL gives a :class:`FileName`, which the journal claims before
the request is made, in the order of the list; the media type then adds an extension, which gives
the :data:`SafePath`. Two URLs never share a file: :func:`claim_keys` covers every path that a name
may become, and of two names that could become the same path, the second one in the list gets a
short hash of its URL. So does every request that is no plain GET, with its method and body in the
hash. So the same list gives the same names on every machine and in every run.
"""

import base64
import hashlib
import re
import sys
import unicodedata
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType
from urllib.parse import unquote

from downloader.errors import BlockedError
from downloader.web.media_types import MAX_EXTENSION_LENGTH, extension_for, media_type_table
from downloader.web.urls import Url, redact, split

#: A path relative to the output folder, ``/``-separated, that cannot leave it.
SafePath = NewType("SafePath", str)

#: Suffix of a file whose body is not complete yet.
PART = ".part"

#: By extension: the extensions that mean the same to a browser. A browser shows such a file wrongly
#: under any other name, so the extension is added even after another one (``page.php`` becomes
#: ``page.php.html``).
_MARKUP_EXTENSIONS = {
    ".html": (".html", ".htm", ".shtml", ".xhtml"),
    ".xhtml": (".html", ".htm", ".shtml", ".xhtml"),
    ".css": (".css",),
}
#: Limits of common file systems, in bytes of UTF-8.
_MAX_NAME_BYTES = 255
_MAX_BASE_BYTES = _MAX_NAME_BYTES - len(PART) - MAX_EXTENSION_LENGTH
_MAX_PATH_BYTES = 1000
_MAX_QUERY_LENGTH = 100
#: Bytes of an overlong name that are kept.
_CUT_NAME_BYTES = 150
#: Base32 characters of the hash in a name: 50 bits suffice against chance; all 256 bits against
#: somebody who makes names collide on purpose.
_SHORT_HASH_LENGTH, _FULL_HASH_LENGTH = 10, 52
#: The folder of names whose own folder cannot exist, because a file has its name.
_FALLBACK_FOLDER = "_"
_EXTENSION = re.compile(r"(?<=[^/])\.(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,11}\Z")
#: A segment of a URL that is a safe name as it stands; those that begin like devices are not sure.
_PLAIN = re.compile(
    rf"(?!(?i:con|prn|aux|nul|clock|com|lpt)|.*(?i:{re.escape(PART)})\Z)[A-Za-z0-9_-]"
    rf"(?:[A-Za-z0-9._@=&,+-]{{0,{_MAX_BASE_BYTES - 2}}}[A-Za-z0-9_@=&,+-])?"
)
#: Names that Windows keeps for devices, even before spaces and an extension (``con .txt``).
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|(?:conin|conout|clock)\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)", re.IGNORECASE
)
#: A path from the root of a file system, a share or a drive.
_ABSOLUTE_PATH = re.compile(r"\s*(?:[/\\]|[A-Za-z]:[/\\])")
_HOST_CHARACTERS = str.maketrans({":": "_", "[": None, "]": None})
_FILESYSTEM_ENCODING = sys.getfilesystemencoding()
#: Parts that are more than dots and spaces, without what separates folders, drives and streams on
#: Windows, and without the end of a C string; the first does not begin with a dot.
_WITHIN = re.compile(r"(?!\.)[ .]*+[^/\\:\0]++(?:/[ .]*+[^/\\:\0]++)*+")
#: Unicode categories: control, format, surrogate, private, unassigned, and the separators of lines
#: and paragraphs.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ExtensionRule(StrEnum):
    """Which extensions the media type may add to a name."""

    ALWAYS = "always"
    MARKUP = "markup"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class FileName:
    """The name of a URL's file before the media type of its body is known.

    Attributes:
        base: relative path, ``/``-separated, each part safe on every common file system.
        extension_rule: which extensions the media type may add.
    """

    base: str
    extension_rule: ExtensionRule

    def path(self, media_type: str) -> SafePath:
        """Return the file for a body of *media_type* (lower case, without parameters)."""
        extension = extension_for(media_type)
        if self.extension_rule is ExtensionRule.ALWAYS:
            return SafePath(self.base + extension)
        if self.extension_rule is ExtensionRule.MARKUP:
            equivalent = _MARKUP_EXTENSIONS.get(extension)
            if equivalent and not self.base.lower().endswith(equivalent):
                return SafePath(self.base + extension)
        return SafePath(self.base)

    def may_become(self, path: SafePath) -> bool:
        """Return whether *path* is this name with one of the extensions that it may get."""
        if path == self.base:
            return self.extension_rule is not ExtensionRule.ALWAYS
        return path.startswith(self.base) and path[len(self.base) :] in self._extensions()

    def possible_paths(self) -> Iterator[SafePath]:
        """Yield every path for which :meth:`may_become` is true."""
        if self.extension_rule is not ExtensionRule.ALWAYS:
            yield SafePath(self.base)
        for extension in self._extensions():
            yield SafePath(self.base + extension)

    def _extensions(self) -> Collection[str]:
        match self.extension_rule:
            case ExtensionRule.ALWAYS:
                return media_type_table().appendable
            case ExtensionRule.MARKUP:
                return _MARKUP_EXTENSIONS.keys()
            case ExtensionRule.NEVER:
                return ()


@dataclass(frozen=True, slots=True)
class ClaimKeys:
    """The keys by which the journal keeps names apart.

    Attributes:
        folder: the folded path of the name's folder; empty if it is in none.
        claimed: keys that the owner of the name takes.
        conflicting: keys of others that make the name unavailable.
    """

    folder: str
    claimed: tuple[str, ...]
    conflicting: tuple[str, ...]


def preferred_name(url: Url, request: str = "") -> FileName:
    """Return the first of the :func:`candidates` for *url*."""
    plain, unambiguous = _from_url(url)
    return plain if unambiguous and not request else next(candidates(url, request))


def candidates(url: Url, request: str = "") -> Iterator[FileName]:
    """Yield the names that *url* may have, best first; its name is the first that is free.

    The last one has a full hash, so it is as good as unique.

    Args:
        url: the URL.
        request: what tells its request from a plain GET, if it is another one; the plain name of
            the URL is that of the GET.
    """
    plain, unambiguous = _from_url(url)
    if unambiguous and not request:
        yield plain
    digest = _digest(url, request)
    folder, _, leaf = plain.base.rpartition("/")
    short, full = (
        _with_hash(leaf, digest[:length], plain.extension_rule)
        for length in (_SHORT_HASH_LENGTH, _FULL_HASH_LENGTH)
    )
    if len(folder.encode()) <= _MAX_PATH_BYTES:
        yield FileName(f"{folder}/{short}" if folder else short, plain.extension_rule)
    yield FileName(f"{_FALLBACK_FOLDER}/{short}", plain.extension_rule)
    yield FileName(f"{_FALLBACK_FOLDER}/{full}", plain.extension_rule)


def names_from_list(name: str, url: Url, request: str = "") -> Iterator[FileName]:
    """Yield the names for *url* if a list gives it *name*, best first.

    The first one is *name*, changed as little as makes it valid on every common file system; the
    others, for a name that another URL has, add a hash of *url* and of *request*, which is as in
    :func:`candidates`.

    Raises:
        BlockedError: the name leads out of the output folder, or is too long.
    """
    parts = name.replace("\\", "/").split("/")
    leads_out = _ABSOLUTE_PATH.match(name) or ".." in map(str.strip, parts)
    parts = [part for part in parts if part.strip() not in {"", "."}]
    is_short = len(name.encode(errors="replace")) <= _MAX_PATH_BYTES
    if leads_out or not parts or not is_short:
        raise BlockedError(
            f"the name {name[:200]!r} is not a safe file name", hint="give a plain relative path"
        )
    base = "/".join(_safe(part, first_part=index == 0) for index, part in enumerate(parts))
    yield FileName(base, ExtensionRule.NEVER)
    folder, slash, leaf = base.rpartition("/")
    digest = _digest(url, request)
    for length in (_SHORT_HASH_LENGTH, _FULL_HASH_LENGTH):
        hashed = _with_hash(leaf, digest[:length], ExtensionRule.NEVER)
        yield FileName(f"{folder}{slash}{hashed}", ExtensionRule.NEVER)


def stays_within(path: str) -> bool:
    """Return whether *path*, read from a journal that anybody may have written, is safe to use.

    It must lead to a file below the output folder, and not to this program's own files.

    Example:
        >>> stays_within("example.org/index.html"), stays_within("example.org/../../index.html")
        (True, False)
    """
    return _WITHIN.fullmatch(path) is not None


def claim_keys(name: FileName, known_folders: Container[str] = ()) -> ClaimKeys:
    """Return the keys of *name*, which are equal where some file system sees one name.

    Names are compared after Unicode normalisation (NFC) and case folding. A key begins with ``=``
    for a file of this name, ``?`` for a file of this name plus an extension that is not known yet,
    ``*`` for a file of this name plus any one extension, ``h`` for the same with a markup
    extension, and ``/`` for a folder. Their number does not depend on how many extensions exist.

    Args:
        name: the name.
        known_folders: folded paths already claimed as folders, for which no keys are needed; with
            a folder, those above it.
    """
    base = fold(name.base)
    appendable = media_type_table().appendable
    if name.extension_rule is ExtensionRule.ALWAYS:
        claimed = [f"?{base}"]
        conflicting = [f"?{base}", f"={base}", f"*{base}", f"/*{base}"]
    else:
        claimed = [f"={base}"]
        conflicting = [f"={base}", f"?{base}", f"/{base}"]
        if name.extension_rule is ExtensionRule.MARKUP:
            conflicting += [f"h{base}", f"/h{base}"]
        stem, extension = _split_extension(base)
        if extension in appendable:
            claimed += [f"*{stem}"]
            conflicting += [f"?{stem}"]
        if extension in _MARKUP_EXTENSIONS:
            claimed += [f"h{stem}"]
            conflicting += [f"={stem}"]
    parent = base.rpartition("/")[0]
    # A folder is known together with those above it.
    for folder in parent_folders(base) if parent not in known_folders else ():
        if folder in known_folders:
            continue
        stem, extension = _split_extension(folder)
        claimed += [f"/{folder}"]
        conflicting += [f"={folder}"]
        if extension in appendable:
            claimed += [f"/*{stem}"]
            conflicting += [f"?{stem}"]
        if extension in _MARKUP_EXTENSIONS:
            claimed += [f"/h{stem}"]
            conflicting += [f"={stem}"]
    return ClaimKeys(parent, tuple(claimed), tuple(conflicting))


def fold(path: str) -> str:
    """Return *path* normalised (NFC) and case-folded, as the least exact file system sees it."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _from_url(url: Url) -> tuple[FileName, bool]:
    """Return the plain name of *url*, and whether no other URL can have the same."""
    address, _, query = url.partition("?")
    parent, _, last = address.rpartition("/")
    folder, unambiguous = _folder(parent) if len(parent) <= _MAX_PATH_BYTES else _new_folder(parent)
    stem, extension = "index", ""
    if last:
        leaf, unchanged = _clean(last)
        unambiguous = unambiguous and unchanged
        stem, extension = _split_extension(leaf)
    elif "/" not in folder:
        folder, stem = "", folder
    rule = ExtensionRule.MARKUP if extension else ExtensionRule.ALWAYS
    if query:
        words, unchanged = _clean(query)
        unambiguous = unambiguous and unchanged and len(query) <= _MAX_QUERY_LENGTH
        stem = f"{stem}@{_cut(words, _MAX_QUERY_LENGTH)}"
    if len((stem + extension).encode()) > _MAX_BASE_BYTES:
        stem, unambiguous = _cut(stem, _stem_bytes(extension)), False
    base = f"{folder}/{stem}{extension}" if folder else stem + extension
    return FileName(base, rule), unambiguous and len(base.encode()) <= _MAX_PATH_BYTES


def _new_folder(parent: str) -> tuple[str, bool]:
    """Return the folder of URLs that begin with *parent* and a slash, as :func:`_clean` does."""
    host, path, _ = split(Url(f"{parent}/"))
    # The only percent sign of a host is that of a zone.
    host = host.translate(_HOST_CHARACTERS).replace("%25", "-")
    first, unambiguous = _clean(host, first_part=True)
    parts = [first]
    for segment in path.split("/")[1:-1]:
        part, unchanged = _clean(segment)
        parts.append(part)
        unambiguous = unambiguous and unchanged
    return "/".join(parts), unambiguous


#: The same, remembered, because URLs of one folder often follow each other.
_folder = lru_cache(maxsize=1024)(_new_folder)


def _clean(segment: str, *, first_part: bool = False) -> tuple[str, bool]:
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
    safe = _safe(wanted, first_part=first_part)
    return safe, safe == wanted


def _safe(text: str, *, first_part: bool) -> str:
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
    if len(safe.encode()) > _MAX_BASE_BYTES:
        # The cut may be behind a dot or a space, which Windows drops at the end of a name.
        safe = f"{_cut(safe, _CUT_NAME_BYTES)}_"
    if _RESERVED.match(safe) or (first_part and safe.startswith(".")):
        safe = f"_{safe}"
    return f"{safe}_" if safe.lower().endswith(PART) else safe


def _split_extension(path: str) -> tuple[str, str]:
    """Split *path* before its extension; ``3.11`` has none, because it is a version number."""
    match = _EXTENSION.search(path)
    return (path[: match.start()], match[0]) if match else (path, "")


def filesystem_path(path: str) -> str:
    """Return what the system has to be given so that a path of ours is written in UTF-8.

    In another encoding, such as the ASCII of ``LC_ALL=C`` without Python's UTF-8 mode, other names
    could not be saved, and the same list would give other names.
    """
    if _FILESYSTEM_ENCODING == "utf-8":
        return path
    return path.encode("utf-8", "surrogateescape").decode(_FILESYSTEM_ENCODING, "surrogateescape")


def from_filesystem(path: str) -> str:
    """Return a path that the system has given as one of ours; undo :func:`filesystem_path`."""
    if _FILESYSTEM_ENCODING == "utf-8":
        return path
    return path.encode(_FILESYSTEM_ENCODING, "surrogateescape").decode("utf-8", "surrogateescape")


def parent_folders(path: str) -> Iterator[str]:
    """Yield the folders above *path*, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _digest(url: Url, request: str) -> str:
    """Return the hash that names may get, in letters that every file system keeps."""
    hashed = f"{request} {redact(url)}" if request else redact(url)
    return base64.b32encode(hashlib.sha256(hashed.encode()).digest()).decode().lower()


def _with_hash(leaf: str, digest: str, rule: ExtensionRule) -> str:
    """Return the last part of a name with a hash before its extension."""
    stem, extension = (leaf, "") if rule is ExtensionRule.ALWAYS else _split_extension(leaf)
    return f"{_cut(stem, _stem_bytes(extension))}~{digest}{extension}"


def _stem_bytes(extension: str) -> int:
    """Return the bytes left for a stem beside the longest hash and an extension."""
    return _MAX_BASE_BYTES - len(extension) - _FULL_HASH_LENGTH - 1


def _cut(text: str, size: int) -> str:
    """Return as much of *text* as fits in *size* bytes of UTF-8."""
    return text.encode()[:size].decode(errors="ignore")
