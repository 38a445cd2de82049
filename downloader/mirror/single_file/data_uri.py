"""``data:`` URIs, and the internal URLs by which links to files of the folder are recognised."""

import base64
import re
from urllib.parse import quote, unquote_to_bytes

from downloader.links import Link
from downloader.web.urls import Url

_INTERNAL_BASE = "http://mirror.invalid/single/"
#: Characters that need no escape in a ``data:`` URI in markup, CSS or a script.
_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$*+,/:;=?@"
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-._~!$*+,/:;=?@]")
_ESCAPES = {bytes([value]): b"%%%02X" % value for value in range(256)}


def data_uri(body: bytes, media_type: str) -> str:
    """Return *body* as a ``data:`` URI, percent-encoded or in Base64, whichever is shorter.

    >>> data_uri(b"a { b: c }", "text/css")
    'data:text/css,a%20%7B%20b:%20c%20%7D'
    >>> data_uri(bytes(6), "image/png")
    'data:image/png;base64,AAAAAAAA'
    """
    percent_encoded_length = len(body) + 2 * len(body.translate(None, _SAFE))
    if percent_encoded_length <= (len(body) + 2) // 3 * 4 + len(";base64"):
        text = _UNSAFE.sub(lambda match: _ESCAPES[match[0]], body)
        # A comma at the end would not belong to the URL in a srcset (HTML standard, 4.8.4.4).
        text = text.removesuffix(b",") + b"%2C" if text.endswith(b",") else text
        return f"data:{media_type},{text.decode('ascii')}"
    return f"data:{media_type};base64,{base64.b64encode(body).decode('ascii')}"


def internal_url(path: str) -> Url:
    """Return the internal URL of a file of the folder."""
    return Url(_INTERNAL_BASE + quote(path, errors="surrogateescape"))


def linked_path(link: Link) -> str | None:
    """Return the path of the file that a link leads to; None if it is not in the folder."""
    if link.url is None or not link.url.startswith(_INTERNAL_BASE):
        return None
    encoded = link.url[len(_INTERNAL_BASE) :].partition("?")[0]
    path = unquote_to_bytes(encoded).decode("utf-8", "surrogateescape")
    if path.count("/") != encoded.count("/") or "\\" in path or "\0" in path:
        return None  # An escaped slash could lead out of the folder.
    return f"{path}index.html" if not path or path.endswith("/") else path
