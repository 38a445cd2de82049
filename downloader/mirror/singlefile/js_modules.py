"""Modules that import each other: they cannot be within each other, so they get names.

A name is an address of a scheme that nobody has; the page says in an import map (HTML standard,
8.1.6) what it stands for, and so the module is one and the same for all that import it.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from downloader.mirror.singlefile.insertion_points import before_scripts

_SCHEME = "single-file:"


def name_of(path: str) -> str:
    """Return the name of the module at *path*, the same in all pages."""
    return _SCHEME + quote(path, errors="surrogateescape")


def with_import_map(body: bytes, named: Mapping[str, str]) -> bytes:
    """Return an HTML page that says before its first script what names stand for."""
    place = before_scripts(body)
    if place is None or not named:
        return body
    text = json.dumps({"imports": named}, separators=(",", ":")).replace("<", "\\u003c")
    script = f"<script type=importmap>{text}</script>".encode("ascii")
    return body[:place] + script + body[place:]
