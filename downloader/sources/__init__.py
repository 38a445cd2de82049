"""Lists of URLs in any format, parsed as a stream of targets.

A list is never held in memory: its bytes are read, decompressed and parsed chunk by chunk. A line
that is no valid URL becomes a :class:`~downloader.models.Failed` outcome of that line; a list that
cannot be read raises :class:`~downloader.errors.SourceError`.

``source_arguments`` opens the SOURCE arguments of a command line. ``list_reader`` detects the
format of each list by the registry in ``formats``, whose modules parse one format each, by way of
``text_lines``, ``markup_text`` and ``xml_scanner`` where it is text; ``list_input`` is what a
parser gets. Tables and JSON (``json_records``) share ``url_column``, ``request_columns`` and
``kept_columns``. ``entries`` validates what a line says. ``list_selection`` chooses lines, and
``shard_filter`` skips those of other shards.

All of it blocks, and is meant to run in a thread of its own (``core.read_ahead``). The names below
are imported when they are first used, so that help can name the formats without loading the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from downloader.sources.entries import (
        Entry,
        from_archive,
        from_items,
        parse_header,
    )
    from downloader.sources.list_input import FetchList, ListSettings
    from downloader.sources.list_selection import select_lines
    from downloader.sources.shard_filter import ShardFilter
    from downloader.sources.source_arguments import STDIN, check_readable, is_archive, is_url, read
else:

    def __getattr__(name: str) -> object:
        """Import a name when it is first used (PEP 562)."""
        if name in __all__:
            for module in map(import_module, _EXPORTING_MODULES):
                if hasattr(module, name):
                    return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


#: The modules that define the names below.
_EXPORTING_MODULES = tuple(
    f"{__name__}.{module}"
    for module in ("entries", "list_input", "list_selection", "shard_filter", "source_arguments")
)

__all__ = [
    "STDIN",
    "Entry",
    "FetchList",
    "ListSettings",
    "ShardFilter",
    "check_readable",
    "from_archive",
    "from_items",
    "is_archive",
    "is_url",
    "parse_header",
    "read",
    "select_lines",
]
