"""File names: what a name may become, which names exclude each other, and how systems see them.

A name is decided in two steps. The URL, or what the user asks for, gives a :class:`FileName`, which
the journal claims before the request is made, in the order of the list; the media type then adds an
extension, which gives the :data:`SafePath`. Two URLs never share a file: :func:`claim_keys` covers
every path that a name may become. :mod:`downloader.web.url_names` has the names of URLs.
"""

import re
import sys
import unicodedata
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from downloader.web.media_types import extension_for, media_type_table
from downloader.web.path_parts import split_extension

#: A path relative to the output folder, ``/``-separated, that cannot leave it.
SafePath = NewType("SafePath", str)

#: By extension: the extensions that mean the same to a browser. A browser shows such a file wrongly
#: under any other name, so the extension is added even after another one (``page.php`` becomes
#: ``page.php.html``).
_MARKUP_EXTENSIONS = {
    ".html": (".html", ".htm", ".shtml", ".xhtml"),
    ".xhtml": (".html", ".htm", ".shtml", ".xhtml"),
    ".css": (".css",),
}
_FILESYSTEM_ENCODING = sys.getfilesystemencoding()
#: Parts that are more than dots and spaces, without what separates folders, drives and streams on
#: Windows, and without the end of a C string; the first does not begin with a dot.
_WITHIN = re.compile(r"(?!\.)[ .]*+[^/\\:\0]++(?:/[ .]*+[^/\\:\0]++)*+")


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
        stem, extension = split_extension(base)
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
        stem, extension = split_extension(folder)
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
