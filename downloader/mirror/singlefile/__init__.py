"""Pure: one mirrored page and all it needs, as one file.

What a page loads is written into it as ``data:`` URIs (RFC 2397; Fetch standard, 6), each with
what it loads itself, from the inside outwards. That is what works in every place that takes an
address. Four things work differently:

- A frame of the page's own origin goes into ``srcdoc``, where it keeps that origin and is drawn
  with the page. One of another origin keeps apart, in a ``data:`` URI (:mod:`frames`).
- Modules that import each other get names in an import map (:mod:`modules`).
- Browsers refuse ``<use href>`` from ``data:`` URIs, so the graphics are put into the page
  (:mod:`graphics`).
- What would go round in a circle is left out where a browser leaves it out: a frame within
  itself is empty, and so is a style sheet that imports itself.
"""

from downloader.mirror.singlefile.cache import PackedFileCache
from downloader.mirror.singlefile.data_uris import data_uri
from downloader.mirror.singlefile.model import (
    MIB,
    NOT_SAVED,
    Address,
    Beside,
    ExternalReference,
    Read,
    SingleFilePage,
)
from downloader.mirror.singlefile.packer import PagePacker

__all__ = [
    "MIB",
    "NOT_SAVED",
    "Address",
    "Beside",
    "ExternalReference",
    "PackedFileCache",
    "Read",
    "SingleFilePage",
    "data_uri",
    "single_file",
]


def single_file(
    path: str,
    read: Read,
    *,
    address: Address = lambda _: None,
    beside: Beside = lambda _: False,
    most: int = 16 * MIB,
    total: int = 128 * MIB,
    kind: str | None = None,
    charset: str | None = None,
    cache: PackedFileCache | None = None,
) -> SingleFilePage:
    """Return the page at *path* as one file.

    Args:
        path: the page, relative to the mirrored folder.
        read: gives the files of the folder.
        address: gives the address of a file. It is written for links to other pages, and for
            what cannot be within; by it frames are known to be of the page's own origin. Where
            it gives None the link stays, relative to the page.
        beside: whether a file stands beside the page when it is read: links to it stay.
        most: bytes above which a file (with what is within it) stays outside.
        total: characters that all that is put into the page may have together.
        kind: the media type of the page, if its name does not tell.
        charset: a label of its encoding, if its bytes do not tell.
        cache: shared by the pages of one folder, with the same functions and *most*.

    Raises:
        FileNotFoundError: there is no such page.
    """
    body = read(path)
    if body is None:
        raise FileNotFoundError(path)
    packer = PagePacker(
        path, read, address, beside, most=most, total=total, cache=cache or PackedFileCache(0)
    )
    return packer.pack(body, kind, charset)
