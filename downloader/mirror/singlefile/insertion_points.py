"""Where in an HTML page something can be put, without parsing it again."""

import re

#: What follows the name of a tag; an attribute may hold a whole page.
_REST = rb"""(?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+"""
_FIRST = re.compile(
    rb"<!--.*?(?:-->|\Z)|(<script[\s>/])|<(style|title|textarea|noscript|xmp|iframe|template)\b"
    + _REST
    + rb">.*?(?:</\2|\Z)|<[a-z]"
    + _REST,
    re.IGNORECASE | re.DOTALL,
)


def before_scripts(body: bytes) -> int | None:
    """Return where the first script of a page begins, if there is any."""
    return next((found.start(1) for found in _FIRST.finditer(body) if found[1]), None)
