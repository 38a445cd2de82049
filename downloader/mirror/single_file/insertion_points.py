"""Positions for insertions into an HTML page, found without parsing it again."""

import re

#: The rest of a tag behind its name; an attribute may hold a whole page.
_TAG_REST = rb"""(?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+"""
_MARKUP = re.compile(
    rb"<!--.*?(?:-->|\Z)|(<script[\s>/])|<(style|title|textarea|noscript|xmp|iframe|template)\b"
    + _TAG_REST
    + rb">.*?(?:</\2|\Z)|<[a-z]"
    + _TAG_REST,
    re.IGNORECASE | re.DOTALL,
)


def first_script_offset(body: bytes) -> int | None:
    """Return the offset of the first script of a page; None if it has none."""
    return next((match.start(1) for match in _MARKUP.finditer(body) if match[1]), None)
