"""Lists of URLs in any format, read as a stream of targets.

A list is never held in memory: its bytes are read, decompressed and parsed chunk by chunk. A line
that is no valid URL becomes a :class:`~downloader.models.Failed` outcome of that line; a list that
cannot be read raises :class:`~downloader.errors.SourceError`.

``inputs`` opens the SOURCE arguments of a command line, ``registry`` detects the format of each
list, and the modules in ``formats`` parse one format each, by way of ``lines`` where it is text.
``entries`` validates what a line says. ``shard_filter`` skips entries of other shards.

All of it blocks, and is meant to run in a thread of its own (``core.read_ahead``).
"""

from downloader.sources.entries import (
    Entry,
    from_addresses,
    from_items,
    parse_checksum,
    parse_header,
)
from downloader.sources.inputs import STDIN, check_readable, is_archive, is_url, read
from downloader.sources.list_format import FetchList
from downloader.sources.registry import FORMATS, format_names
from downloader.sources.shard_filter import ShardFilter

__all__ = [
    "FORMATS",
    "STDIN",
    "Entry",
    "FetchList",
    "ShardFilter",
    "check_readable",
    "format_names",
    "from_addresses",
    "from_items",
    "is_archive",
    "is_url",
    "parse_checksum",
    "parse_header",
    "read",
]
