"""File names of URLs, best first: of two URLs that could get the same one, the second gets a hash.

So the same list gives the same names on every machine and in every run.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from downloader.errors import BlockedError
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.media_types import MAX_EXTENSION_LENGTH
from downloader.web.path_parts import (
    MAX_BASE_BYTES,
    PART,
    clean_segment,
    cut,
    safe_leaf,
    safe_part,
    split_extension,
)
from downloader.web.urls import Url, redact, split

_MAX_PATH_BYTES = 1000
_MAX_QUERY_LENGTH = 100
#: Base32 characters of the hash in a name: 50 bits suffice against chance; all 256 bits against
#: somebody who makes names collide on purpose.
_SHORT_HASH_LENGTH, _FULL_HASH_LENGTH = 10, 52
#: The folder of names whose own folder cannot exist, because a file has its name.
_FALLBACK_FOLDER = "_"
_HOST_CHARACTERS = str.maketrans({":": "_", "[": None, "]": None})
#: The hash at the end of a name without its extension.
_HASH = re.compile(
    rf"~[a-z2-7]{{{_SHORT_HASH_LENGTH}}}(?:[a-z2-7]{{{_FULL_HASH_LENGTH - _SHORT_HASH_LENGTH}}})?\Z"
)
#: What makes a path absolute, or relative to a drive of Windows.
_ABSOLUTE = re.compile(r"\s*(?:/|[A-Za-z]:(?:/|\Z))")


@dataclass(frozen=True, slots=True)
class FolderLayout:
    """Which folders the names of URLs have, as in wget.

    Attributes:
        host: whether the first folder is that of the host.
        cut_dirs: folders of the path that are left out, from the first one on.
        start_page_inside: whether the start page of a host is in its folder.
    """

    host: bool = True
    cut_dirs: int = 0
    start_page_inside: bool = False

    @property
    def has_start_page_beside(self) -> bool:
        """Whether the start page of a host is beside its folder, and has its name."""
        return self.host and not self.start_page_inside

    def apply(self, folder: str) -> str:
        """Return *folder*, which begins with that of the host, in this layout."""
        host, *parts = folder.split("/")
        parts = parts[self.cut_dirs :]
        return "/".join([host, *parts] if self.host else parts)


@dataclass(frozen=True, slots=True)
class UrlParts:
    """What the name of a URL is made of; each part is safe, and none has a slash.

    Attributes:
        host: with the port, such as ``h_8080``.
        folders: of the path.
        stem: the last segment of the path without its extension; ``index`` for a folder.
        extension: of the last segment, with its dot, or empty.
        query: empty if there is none.
    """

    host: str
    folders: tuple[str, ...]
    stem: str
    extension: str
    query: str

    @property
    def leaf(self) -> str:
        """The last part of the name."""
        return f"{self.stem}{f'@{self.query}' if self.query else ''}{self.extension}"


def preferred_name(url: Url, request: str = "") -> FileName:
    """Return the first of the :func:`candidates` for *url*."""
    plain, unambiguous = _from_url(url)
    return plain if unambiguous and not request else next(candidates(url, request))


def candidates(
    url: Url, request: str = "", layout: FolderLayout | None = None
) -> Iterator[FileName]:
    """Yield the names that *url* may have, best first; its name is the first that is free.

    The last one has a full hash, so it is as good as unique.

    Args:
        url: the URL.
        request: what tells its request from a plain GET, if it is another one; the plain name of
            the URL is that of the GET.
        layout: which folders the names have.
    """
    plain, unambiguous = _from_url(url, layout)
    return alternatives(plain, url, request, ambiguous=not unambiguous or bool(request))


def alternatives(
    plain: FileName, url: Url, request: str = "", *, ambiguous: bool = False
) -> Iterator[FileName]:
    """Yield *plain*, unless it is *ambiguous*, and then names with a hash, best first.

    The hash is that of *url* and of *request*, which is as in :func:`candidates`.
    """
    if not ambiguous:
        yield plain
    folder, _, leaf = plain.base.rpartition("/")
    short, full = (
        _with_hash(leaf, url_hash(url, request, length), plain.extension_rule)
        for length in (_SHORT_HASH_LENGTH, _FULL_HASH_LENGTH)
    )
    if len(folder.encode()) <= _MAX_PATH_BYTES:
        yield FileName(f"{folder}/{short}" if folder else short, plain.extension_rule)
    yield FileName(f"{_FALLBACK_FOLDER}/{short}", plain.extension_rule)
    yield FileName(f"{_FALLBACK_FOLDER}/{full}", plain.extension_rule)


def names_from_list(name: str, url: Url, request: str = "") -> Iterator[FileName]:
    """Yield the names that *url* may have when the list names it *name*, best first.

    The first one is *name*, changed as little as makes it valid on every common file system; the
    others, for a name that another URL has, add a hash of *url* and of *request*, which is as in
    :func:`candidates`.

    Raises:
        BlockedError: the name leads out of the output folder, or is none.
    """
    path = name.replace("\\", "/")
    parts = path.split("/")
    if _ABSOLUTE.match(path) or ".." in map(str.strip, parts):
        raise BlockedError(
            f"the name {name[:200]!r} leads out of the output folder",
            hint="give a relative path",
        )
    kept = [part for part in parts if part.strip() not in ("", ".")]
    if not kept:
        raise BlockedError(f"the name {name[:200]!r} is empty", hint="give a relative path")
    is_long = len(path) > _MAX_PATH_BYTES
    if is_long:
        # No more than the leaf counts, and to clean all parts might take long.
        kept = [_FALLBACK_FOLDER, kept[-1]]
    plain, whole = path_of_parts(kept, ExtensionRule.NEVER)
    yield from alternatives(plain, url, request, ambiguous=is_long or not whole)


def path_of_parts(parts: list[str], rule: ExtensionRule | None) -> tuple[FileName, bool]:
    """Return the name with these parts, made safe, and whether it is whole and not cut.

    With None for *rule*, the media type adds an extension to a name without one.
    """
    *folders, leaf = parts
    safe = [safe_part(folder, first_part=not index) for index, folder in enumerate(folders)]
    leaf, whole = safe_leaf(leaf, first_part=not folders)
    if rule is None:
        rule = ExtensionRule.MARKUP if split_extension(leaf)[1] else ExtensionRule.ALWAYS
    base = "/".join([*safe, leaf])
    return FileName(base, rule), whole and len(base.encode()) <= _MAX_PATH_BYTES


def shortened(name: FileName, url: Url, max_name_bytes: int, request: str = "") -> FileName:
    """Return *name* for a file system whose names have no more than *max_name_bytes*.

    What is cut ends in a hash: of the URL, or of a folder's own name.
    """
    limit = max_name_bytes - len(PART) - MAX_EXTENSION_LENGTH
    *folders, leaf = name.base.split("/")
    shorter = [
        part if len(part.encode()) <= limit else _cut_before(part, f"~{_hash_of(part)}", limit)
        for part in folders
    ]
    if len(leaf.encode()) > limit:
        is_stem = name.extension_rule is ExtensionRule.ALWAYS
        stem, extension = (leaf, "") if is_stem else split_extension(leaf)
        hashed = _HASH.search(stem)
        mark = hashed[0] if hashed else f"~{url_hash(url, request)}"
        leaf = _cut_before(stem.removesuffix(mark), mark + extension, limit)
    return FileName("/".join([*shorter, leaf]), name.extension_rule)


def url_hash(url: Url, request: str = "", length: int = _SHORT_HASH_LENGTH) -> str:
    """Return the first *length* characters of the hash of *url*, without its password.

    *request* is as in :func:`candidates`.
    """
    return _hash_of(f"{request} {redact(url)}" if request else redact(url), length)


def url_parts(url: Url) -> UrlParts:
    """Return what the name of *url* is made of."""
    host, path, query = split(url)
    *folders, last = path.split("/")[1:]
    stem, extension = split_extension(clean_segment(last)[0]) if last else ("index", "")
    return UrlParts(
        _host_folder(host)[0],
        tuple(clean_segment(folder)[0] for folder in folders),
        stem,
        extension,
        cut(clean_segment(query)[0], _MAX_QUERY_LENGTH) if query else "",
    )


def _from_url(url: Url, layout: FolderLayout | None = None) -> tuple[FileName, bool]:
    """Return the plain name of *url*, and whether no other URL can have the same."""
    address, _, query = url.partition("?")
    parent, _, last = address.rpartition("/")
    folder, unambiguous = _folder(parent) if len(parent) <= _MAX_PATH_BYTES else _new_folder(parent)
    stem, extension = "index", ""
    if last:
        leaf, unchanged = clean_segment(last)
        unambiguous = unambiguous and unchanged
        stem, extension = split_extension(leaf)
    elif "/" not in folder and (layout is None or layout.has_start_page_beside):
        folder, stem = "", folder
    if layout is not None and folder:
        folder = layout.apply(folder)
        if not folder and stem.startswith("."):
            stem = f"_{stem}"
        elif folder.startswith("."):
            folder = f"_{folder}"
    rule = ExtensionRule.MARKUP if extension else ExtensionRule.ALWAYS
    if query:
        words, unchanged = clean_segment(query)
        unambiguous = unambiguous and unchanged and len(query) <= _MAX_QUERY_LENGTH
        stem = f"{stem}@{cut(words, _MAX_QUERY_LENGTH)}"
    if len((stem + extension).encode()) > MAX_BASE_BYTES:
        stem, unambiguous = cut(stem, _stem_bytes(extension)), False
    base = f"{folder}/{stem}{extension}" if folder else stem + extension
    return FileName(base, rule), unambiguous and len(base.encode()) <= _MAX_PATH_BYTES


def _new_folder(parent: str) -> tuple[str, bool]:
    """Return the folder of URLs that begin with *parent* and a slash, as clean_segment() does."""
    host, path, _ = split(Url(f"{parent}/"))
    first, unambiguous = _host_folder(host)
    parts = [first]
    for segment in path.split("/")[1:-1]:
        part, unchanged = clean_segment(segment)
        parts.append(part)
        unambiguous = unambiguous and unchanged
    return "/".join(parts), unambiguous


#: The same, remembered, because URLs of one folder often follow each other.
_folder = lru_cache(maxsize=1024)(_new_folder)


def _host_folder(host: str) -> tuple[str, bool]:
    # The only percent sign of a host is that of a zone.
    return clean_segment(host.translate(_HOST_CHARACTERS).replace("%25", "-"), first_part=True)


def _with_hash(leaf: str, digest: str, rule: ExtensionRule) -> str:
    """Return the last part of a name with a hash before its extension."""
    stem, extension = (leaf, "") if rule is ExtensionRule.ALWAYS else split_extension(leaf)
    return f"{cut(stem, _stem_bytes(extension))}~{digest}{extension}"


def _stem_bytes(extension: str) -> int:
    """Return the bytes left for a stem beside the longest hash and an extension."""
    return MAX_BASE_BYTES - len(extension) - _FULL_HASH_LENGTH - 1


def _cut_before(text: str, end: str, limit: int) -> str:
    """Return as much of *text* as fits in *limit* bytes before *end*."""
    return cut(text, limit - len(end.encode())) + end


def _hash_of(text: str, length: int = _SHORT_HASH_LENGTH) -> str:
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).digest()
    return base64.b32encode(digest).decode().lower()[:length]
