"""Pure: what a document says of its own encoding, and has it say what only a header told."""

import re

#: What follows the name of a tag; an attribute may hold a whole page.
_REST = rb"""(?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+"""
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
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
#: What is served as a page may be a script or a picture, in which a tag would break something.
_MARKUP = re.compile(rb"\s*<[!?/a-z]", re.IGNORECASE)
#: Where browsers look for it (HTML standard, 13.2.3.2).
_PRESCAN = 1024


def declares_encoding(body: bytes) -> bool:
    """Return whether a page says where browsers look for it which encoding it is in."""
    start = body[:_PRESCAN]
    return start.startswith(_MARKS) or any(found[1] for found in _META.finditer(start))


def with_encoding(body: bytes, media_type: str, encoding: str) -> bytes:
    """Return a document that says itself that it is in *encoding*, if it does not and has to.

    *encoding* is the name that the Encoding standard gives it, or empty if nobody told it. A page
    gets a ``meta`` element, a style sheet an ``@charset`` rule (CSS Syntax, 3.2), and what is in
    UTF-16 a byte order mark, because there the others mean nothing. What is in ASCII means the
    same in every other encoding; other kinds of documents cannot say it, nor does what is called
    a page and does not begin with markup.
    """
    page = media_type == "text/html"
    if not encoding or body.startswith(_MARKS) or not (page or media_type == "text/css"):
        return body
    if encoding.startswith("utf-16"):
        return (b"\xfe\xff" if encoding == "utf-16be" else b"\xff\xfe") + body
    if body.isascii() or (declares_encoding(body) if page else body.startswith(b"@charset ")):
        return body
    if page and not _MARKUP.match(body):
        return body
    if not page:
        return f'@charset "{encoding}";'.encode("ascii") + body
    start = _START.match(body)
    place = start.end() if start and start.end() < _PRESCAN // 2 else 0
    return body[:place] + f"<meta charset={encoding}>".encode("ascii") + body[place:]
