"""Pack a mirrored page and everything it needs into one HTML file; no I/O.

What a page loads is embedded as ``data:`` URIs (RFC 2397; Fetch standard, 6), each with what it
loads itself, from the inside outwards. That works wherever a URL can stand. Four things are
embedded differently:

- A frame of the page's own origin goes into ``srcdoc``, where it keeps that origin and is drawn
  with the page. One of another origin stays apart, in a ``data:`` URI (:mod:`.srcdoc_frames`).
- Modules that import each other get names in an import map (:mod:`.js_modules`).
- Browsers refuse ``<use href>`` from ``data:`` URIs, so the SVG files are inserted into the page
  (:mod:`.svg_use`).
- A circle ends where a browser ends it: a frame within itself is empty, and so is a style sheet
  that imports itself.
"""

from downloader.mirror.single_file.cache import PackedFileCache
from downloader.mirror.single_file.data_uri import data_uri
from downloader.mirror.single_file.model import (
    MIB,
    NOT_SAVED,
    ExternalReference,
    IsBeside,
    ReadFile,
    SingleFilePage,
    SourceUrl,
)
from downloader.mirror.single_file.packer import PagePacker

__all__ = [
    "MIB",
    "NOT_SAVED",
    "ExternalReference",
    "IsBeside",
    "PackedFileCache",
    "ReadFile",
    "SingleFilePage",
    "SourceUrl",
    "data_uri",
    "single_file",
]


def single_file(
    path: str,
    read: ReadFile,
    *,
    source_url: SourceUrl = lambda _: None,
    is_beside: IsBeside = lambda _: False,
    max_file_bytes: int = 16 * MIB,
    max_page_characters: int = 128 * MIB,
    media_type: str | None = None,
    charset: str | None = None,
    cache: PackedFileCache | None = None,
) -> SingleFilePage:
    """Return the page at *path* as one file.

    Args:
        path: the page, relative to the mirrored folder.
        read: returns the bytes of a file.
        source_url: returns the URL of a file. It is written for links to other pages and for what
            cannot be embedded, and tells which frames are of the page's own origin. If it returns
            None the link stays, relative to the page.
        is_beside: whether a file will stand beside the page when it is read: links to it stay.
        max_file_bytes: larger files (with what is embedded in them) are not embedded.
        max_page_characters: limit of all that is embedded in the page.
        media_type: that of the page, if its name does not tell.
        charset: a label of its encoding, if its bytes do not tell.
        cache: shared by the pages of one folder, with the same functions and *max_file_bytes*.

    Raises:
        FileNotFoundError: there is no such page.
    """
    body = read(path)
    if body is None:
        raise FileNotFoundError(path)
    packer = PagePacker(
        path,
        read,
        source_url,
        is_beside,
        max_file_bytes=max_file_bytes,
        max_page_characters=max_page_characters,
        cache=cache or PackedFileCache(0),
    )
    return packer.pack(body, media_type, charset)
