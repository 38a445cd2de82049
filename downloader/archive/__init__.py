"""Web archives: every exchange of a run in WARC files, packed as WACZ, and read again.

``records`` says what is written of an exchange, ``members`` compresses it, ``writer`` puts it into
the files that ``names`` knows, and lists it in an ``index`` under the key that ``surt`` makes;
``dedup`` and ``earlier`` know what is there already. ``recorder`` is their side of the event loop.
``recovery`` makes whole files of what a killed run left, ``wacz`` packs them, and ``keeping`` does
both around a run. The other way, ``volumes`` and ``reading`` read archives of whatever tool, and
``holdings`` answers from them in the network's place.
"""

from downloader.archive.keeping import Keeping, open_archive, opened, targets

__all__ = ["Keeping", "open_archive", "opened", "targets"]
