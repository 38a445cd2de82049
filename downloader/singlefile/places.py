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
_DECLARATION = re.compile(
    rb"(\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)|<meta\s[^>]*charset)|<!--.*?(?:-->|\Z)|<[a-z]" + _REST,
    re.IGNORECASE | re.DOTALL,
)
_DOCTYPE = re.compile(rb"(?>\s*<!--.*?-->)*+\s*<!doctype[^>]*>", re.IGNORECASE | re.DOTALL)


def before_scripts(body: bytes) -> int | None:
    """Return where the first script of a page begins, if there is any."""
    return next((found.start(1) for found in _FIRST.finditer(body) if found[1]), None)


def declares_encoding(body: bytes) -> bool:
    """Return whether a page says where browsers look for it which encoding it is in."""
    # HTML standard, 13.2.3.2: in the first 1024 bytes.
    return any(found[1] is not None for found in _DECLARATION.finditer(body[:1024]))


def with_encoding(body: bytes, encoding: str) -> bytes:
    """Return a page that says near its beginning which encoding it is in.

    A declaration in ASCII would mean nothing in UTF-16.
    """
    if encoding.startswith("utf-16"):
        return body
    doctype = _DOCTYPE.match(body)
    place = doctype.end() if doctype else 0
    return body[:place] + f"<meta charset={encoding}>".encode("ascii") + body[place:]
