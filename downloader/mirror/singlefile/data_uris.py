"""``data:`` URIs, and the addresses by which files of the folder are known."""

import base64
import re
from urllib.parse import quote, unquote_to_bytes

from downloader.links import Link
from downloader.web.urls import Url

_BASE = "http://mirror.invalid/single/"
#: What stands in data: URIs unescaped, wherever they are written: in markup, CSS and scripts.
_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$*+,/:;=?@"
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-._~!$*+,/:;=?@]")
_ESCAPES = {bytes([value]): b"%%%02X" % value for value in range(256)}


def data_uri(body: bytes, kind: str) -> str:
    """Return *body* as a ``data:`` URI, in the shorter one of the two ways to write it.

    >>> data_uri(b"a { b: c }", "text/css")
    'data:text/css,a%20%7B%20b:%20c%20%7D'
    >>> data_uri(bytes(6), "image/png")
    'data:image/png;base64,AAAAAAAA'
    """
    escaped = len(body) + 2 * len(body.translate(None, _SAFE))
    if escaped <= (len(body) + 2) // 3 * 4 + len(";base64"):
        text = _UNSAFE.sub(lambda match: _ESCAPES[match[0]], body)
        # A comma at its end would not belong to it in a srcset (HTML standard, 4.8.4.4).
        text = text.removesuffix(b",") + b"%2C" if text.endswith(b",") else text
        return f"data:{kind},{text.decode('ascii')}"
    return f"data:{kind};base64,{base64.b64encode(body).decode('ascii')}"


def address_of(path: str) -> Url:
    """Return the address by which a file of the folder is known here."""
    return Url(_BASE + quote(path, errors="surrogateescape"))


def path_of(link: Link) -> str | None:
    """Return the path of a file of the folder; None for what is elsewhere."""
    if link.url is None or not link.url.startswith(_BASE):
        return None
    place = link.url[len(_BASE) :].partition("?")[0]
    path = unquote_to_bytes(place).decode("utf-8", "surrogateescape")
    if path.count("/") != place.count("/") or "\\" in path or "\0" in path:
        return None  # an escaped slash would lead anywhere
    return f"{path}index.html" if not path or path.endswith("/") else path
