"""Offline copies: fetch what pages need and link to, then point their links at the saved files.

A :class:`Mirror` observes a run. It parses each document that was saved (``document_reader``),
selects the links to fetch (``link_selector``, by the rules of :mod:`.scope`) and adds them to the
run, once robots.txt of their sites allows it (``robots_gate``). When everything has been fetched,
``finalizer`` rewrites the links of all documents, or packs each page into one file
(:mod:`.single_file`). :mod:`.check` looks through the result.

Terms, beside those of :mod:`downloader.links`:

document
    A saved file that can contain links; a *page* is one in HTML or XHTML.
requisite
    A file that a page needs to be shown as intended (``wget --page-requisites``): an image, a style
    sheet, a frame; ``needed`` in a target. An *optional* requisite is the icon that a browser
    requests by itself.
link that is followed
    A link to another page within the scope of ``--recursive``.
depth, nesting
    Links from a line of the list to a page; levels of requisites from a page to a file.
original
    A document as it was received. It is kept apart when its file in the folder gets new links. A
    file is *withdrawn* if it only exists among the originals: the user does not want it in the
    folder, but a later run need not fetch it again.
"""

from downloader.mirror.mirror import Mirror

__all__ = ["Mirror"]
