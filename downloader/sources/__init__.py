"""Read lists of addresses, in any format, as a stream of targets.

A list is never held: bytes are read, uncompressed and parsed piece by piece, whatever its length.
A line that is no address becomes that line's :class:`~downloader.models.Failed`; a list that
cannot be read at all raises :class:`~downloader.errors.SourceError`.

``inputs`` opens what the command line names and ``formats`` finds out what it is; ``plain``,
``records`` and ``sitemap`` parse one family of formats each. Below them, ``lines`` turns bytes
into lines, and ``entries`` turns what a line says into a target or a failure. ``sharing`` leaves
out what other runs have of the list.

Everything here blocks, and is meant to run in a thread of its own (see ``reader``).
"""

from downloader.sources.entries import (
    Entry,
    from_addresses,
    from_items,
    parse_checksum,
    parse_header,
)
from downloader.sources.formats import FetchList
from downloader.sources.inputs import STDIN, check, is_address, is_archive, read
from downloader.sources.shard_filter import ShardFilter

__all__ = [
    "STDIN",
    "Entry",
    "FetchList",
    "ShardFilter",
    "check",
    "from_addresses",
    "from_items",
    "is_address",
    "is_archive",
    "parse_checksum",
    "parse_header",
    "read",
]
