"""Declarations of the character encoding in HTML, XML and CSS: read one, or insert one.

A saved page has lost its Content-Type header, so it must declare what only the header said.
"""

import re
from functools import lru_cache

import webencodings
from webencodings import Encoding

#: Bytes in which browsers look for a declaration (HTML standard, 13.2.3.2).
_PRESCAN_BYTES = 1024
#: Distinct names of encodings to remember.
_CACHED_LABELS = 256
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SPACE = rb"\t\n\f\r "
#: An attribute, as "get an attribute" of the HTML standard (13.2.3.2) reads it.
_ATTRIBUTE = (
    rb"[/" + _SPACE + rb"]*+"
    rb"(%b[^/>" + _SPACE + rb"][^/>=" + _SPACE + rb"]*+)"
    rb"(?:[" + _SPACE + rb"]*+=[" + _SPACE + rb"]*+"
    rb"(?:\"(%b[^\"]*+)\"|'(%b[^']*+)'|(%b[^\"'>" + _SPACE + rb"][^>" + _SPACE + rb"]*+)|(?=>))"
    rb"|(?![" + _SPACE + rb"]*+=))"
)
_TAG_REST = b"(?:" + _ATTRIBUTE.replace(b"%b", b"?:") + b")*+[/" + _SPACE + b"]*+>"
#: What stands before a ``meta`` tag: text, comments, other tags, and what is no markup.
_BEFORE_META = (
    rb"(?:[^<]++"
    rb"|<!(?=--)[\s\S]*?-->"
    rb"|<(?!meta[/" + _SPACE + rb"])/?[a-z][^>" + _SPACE + rb"]*+" + _TAG_REST + rb""
    rb"|<(?!!--|/[a-z])[!/?][^>]*+>"
    rb"|<(?![a-z!/?]))*+"
)
_META = re.compile(_BEFORE_META + rb"<meta(?=[/" + _SPACE + rb"])(" + _TAG_REST + rb")", re.I)
_META_ATTRIBUTE = re.compile(_ATTRIBUTE.replace(b"%b", b""), re.I)
#: The encoding in the ``content`` of a ``meta`` element (HTML standard, 2.6.5).
_CONTENT_CHARSET = re.compile(
    rb"charset[" + _SPACE + rb"]*+=[" + _SPACE + rb"]*+"
    rb"(?:\"([^\"]*+)\"|'([^']*+)'|[\"']|([^;" + _SPACE + rb"]*+))",
    re.IGNORECASE,
)
#: "Get an XML encoding" of the HTML standard (13.2.3.2).
_XML_ENCODING = re.compile(
    rb"<\?xml(?:(?!encoding)[^>])*+encoding[\0- ]*+=[\0- ]*+(?:\"([^\"\0- ]*+)\"|'([^'\0- ]*+)')"
    rb"(?=[^>]*+>)"
)
_XML_DECLARATIONS_IN_UTF16 = {b"<\0?\0x\0": "utf-16le", b"\0<\0?\0x": "utf-16be"}
#: CSS Syntax, 3.2.
_CSS_ENCODING = re.compile(rb'@charset "([^"]{0,100})";')
#: The rest of a tag behind its name; an attribute value may contain ``>``.
_REST = rb"""(?:[^>"']|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+"""
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


@lru_cache(maxsize=_CACHED_LABELS)
def lookup_encoding(label: str) -> Encoding | None:
    """Return the encoding that a label stands for (Encoding standard, 4.2), or None."""
    return webencodings.lookup(label) if label.isascii() else None


def declared_encoding(body: bytes, media_type: str) -> Encoding | None:
    """Return the encoding that a document, or its beginning, declares; None if it does not.

    Args:
        body: the document, without a byte order mark.
        media_type: its type, which decides how declarations are written; if it is empty, those of
            HTML and of CSS are looked for.
    """
    if media_type == "text/html" or not media_type:
        found = _prescan(body)
        return found or (None if media_type else _declared_in_css(body))
    if media_type == "text/css":
        return _declared_in_css(body)
    if media_type.endswith(("/xml", "+xml")):
        return _declared_in_xml(body[:_PRESCAN_BYTES])
    return None


def _prescan(body: bytes) -> Encoding | None:
    """Return the encoding that a page declares (HTML standard, "prescan a byte stream")."""
    utf16 = _XML_DECLARATIONS_IN_UTF16.get(body[:6])
    if utf16 is not None:
        return lookup_encoding(utf16)
    position = 0
    while meta := _META.match(body, position, _PRESCAN_BYTES):
        attributes = meta[1]
        # Most meta elements are about something else.
        if b"charset" in attributes.lower() and (encoding := _encoding_of_meta(attributes)):
            return encoding
        position = meta.end()
    return _declared_in_xml(body[:_PRESCAN_BYTES])


@lru_cache(maxsize=_CACHED_LABELS)
def _encoding_of_meta(attributes: bytes) -> Encoding | None:
    """Return the encoding that a ``meta`` element declares; *attributes* are the rest of its tag.

    The pages of a site declare it with the same bytes, so that the last ones are remembered.
    Of two attributes of one name, the first counts. ``charset`` counts more than ``content``, which
    needs an ``http-equiv`` beside it.
    """
    values: dict[bytes, bytes] = {}
    for found in _META_ATTRIBUTE.finditer(attributes):
        values.setdefault(found[1].lower(), found[2] or found[3] or found[4] or b"")
    encoding: Encoding | None = None
    needs_pragma: bool | None = None
    for name, value in values.items():
        if name == b"charset":
            encoding, needs_pragma = _lookup_bytes(value), False
        elif name == b"content" and encoding is None and needs_pragma is None:
            encoding = _encoding_in_content(value)
            needs_pragma = True if encoding is not None else None
    if needs_pragma and values.get(b"http-equiv", b"").lower() != b"content-type":
        return None
    return _readable_as_ascii(encoding)


def _encoding_in_content(value: bytes) -> Encoding | None:
    found = _CONTENT_CHARSET.search(value)
    return None if found is None else _lookup_bytes(found[1] or found[2] or found[3] or b"")


def _declared_in_xml(start: bytes) -> Encoding | None:
    found = _XML_ENCODING.match(start)
    return None if found is None else _readable_as_ascii(_lookup_bytes(found[1] or found[2] or b""))


def _declared_in_css(body: bytes) -> Encoding | None:
    found = _CSS_ENCODING.match(body)
    return None if found is None else _readable_as_ascii(_lookup_bytes(found[1]))


def _lookup_bytes(label: bytes) -> Encoding | None:
    return lookup_encoding(label.decode("latin-1"))


def _readable_as_ascii(encoding: Encoding | None) -> Encoding | None:
    """Return what a declaration means that was read as ASCII, so that it cannot be in UTF-16."""
    if encoding is None:
        return None
    if encoding.name.startswith("utf-16"):
        return webencodings.UTF8
    return lookup_encoding("windows-1252") if encoding.name == "x-user-defined" else encoding


def head_offset(body: bytes) -> int:
    """Return where a ``meta`` element can be inserted into a page so that it is in its head."""
    start = _START.match(body[:_PRESCAN_BYTES])
    return start.end() if start and start.end() < _PRESCAN_BYTES // 2 else 0


def declares_encoding(body: bytes) -> bool:
    """Return whether a page declares its encoding where browsers look for it."""
    return body.startswith(_BOMS) or _prescan(body) is not None


def with_encoding(body: bytes, media_type: str, encoding: str) -> bytes:
    """Return a document that declares its encoding, if it needs to and does not yet.

    A page gets a ``meta`` element, a style sheet an ``@charset`` rule (CSS Syntax, 3.2), and text
    in UTF-16 a byte order mark, because the others have no effect there. Pure ASCII needs none,
    and other types of documents cannot declare one. Of two declarations, browsers take the first.

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
    declared = declared_encoding(body, media_type)
    if body.isascii() or (declared is not None and declared is lookup_encoding(encoding)):
        return body
    if page and not _MARKUP.match(body):
        return body
    if not page:
        return f'@charset "{encoding}";'.encode("ascii") + body
    position = head_offset(body)
    meta = f"<meta charset={encoding}>".encode("ascii")
    return body[:position] + meta + body[position:]
