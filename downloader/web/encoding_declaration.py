"""Declarations of the character encoding in HTML and CSS: detect one, or insert one.

A saved page has lost its Content-Type header, so it must declare what only the header said.
"""

import re

#: The rest of a tag behind its name; an attribute value may contain ``>``.
_REST = rb"""(?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+"""
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_META = re.compile(
    rb"(<meta\s[^>]*charset)|<!--.*?(?:-->|\Z)|<[a-z]" + _REST, re.IGNORECASE | re.DOTALL
)
_START = re.compile(
    rb"(?>(?>\s*<!--.*?-->)*+\s*(?:<!doctype[^>]*>|<html(?=[\s>])"
    + _REST
    + rb">|<head(?=[\s>])"
    + _REST
    + rb">))*",
    re.IGNORECASE | re.DOTALL,
)
#: A script or a picture that is served as HTML does not begin like this; a tag would break it.
_MARKUP = re.compile(rb"\s*<[!?/a-z]", re.IGNORECASE)
#: Bytes in which browsers look for a declaration (HTML standard, 13.2.3.2).
_PRESCAN_BYTES = 1024


def head_offset(body: bytes) -> int:
    """Return where a ``meta`` element can be inserted into a page so that it is in its head."""
    start = _START.match(body[:_PRESCAN_BYTES])
    return start.end() if start and start.end() < _PRESCAN_BYTES // 2 else 0


def declares_encoding(body: bytes) -> bool:
    """Return whether a page declares its encoding where browsers look for it."""
    start = body[:_PRESCAN_BYTES]
    return start.startswith(_BOMS) or any(found[1] for found in _META.finditer(start))


def with_encoding(body: bytes, media_type: str, encoding: str) -> bytes:
    """Return a document that declares its encoding, if it needs to and does not yet.

    A page gets a ``meta`` element, a style sheet an ``@charset`` rule (CSS Syntax, 3.2), and text
    in UTF-16 a byte order mark, because the others have no effect there. Pure ASCII needs none,
    and other types of documents cannot declare one.

    Args:
        body: the document.
        media_type: its type.
        encoding: the encoding's name in the Encoding standard; empty if it is not known.
    """
    page = media_type == "text/html"
    if not encoding or body.startswith(_BOMS) or not (page or media_type == "text/css"):
        return body
    if encoding.startswith("utf-16"):
        return (b"\xfe\xff" if encoding == "utf-16be" else b"\xff\xfe") + body
    if body.isascii() or (declares_encoding(body) if page else body.startswith(b"@charset ")):
        return body
    if page and not _MARKUP.match(body):
        return body
    if not page:
        return f'@charset "{encoding}";'.encode("ascii") + body
    position = head_offset(body)
    meta = f"<meta charset={encoding}>".encode("ascii")
    return body[:position] + meta + body[position:]
