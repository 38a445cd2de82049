"""Modules that import each other, which cannot be embedded in each other and so get names.

A name is a URL of a scheme that nobody uses. An import map of the page (HTML standard, 8.1.6) says
what it stands for, so the module is one and the same for all that import it.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from downloader.mirror.single_file.insertion_points import first_script_offset

_SCHEME = "single-file:"


def module_name(path: str) -> str:
    """Return the name of the module at *path*, the same in all pages."""
    return _SCHEME + quote(path, errors="surrogateescape")


def with_import_map(body: bytes, imports: Mapping[str, str]) -> bytes:
    """Return an HTML page with an import map before its first script."""
    offset = first_script_offset(body)
    if offset is None or not imports:
        return body
    text = json.dumps({"imports": imports}, separators=(",", ":")).replace("<", "\\u003c")
    script = f"<script type=importmap>{text}</script>".encode("ascii")
    return body[:offset] + script + body[offset:]
