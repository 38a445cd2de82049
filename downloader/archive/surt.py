"""Pure: the key under which an index lists an address (SURT, as the Wayback Machine makes it).

Replay looks an address up by the same key, so it has to be the very one that the package ``surt``
gives; a test compares. That package takes as long for one address as writing a whole record does,
and asks a name server about hosts that look like numbers.
"""

import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

from downloader.web.urls import Url

_SAFE = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_PLAIN = re.compile(r"(https?)://([a-z0-9.-]+)(?::(\d+))?(/[a-z0-9/_.,~-]*)")
_WWW = re.compile(r"www\d*\.")
_IN_PATH = (
    re.compile(r"(.*/)(\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)", re.IGNORECASE),
    re.compile(r"(.*/)(\([0-9a-z]{24}\)/)([^?]+\.aspx.*)", re.IGNORECASE),
)
_IN_QUERY = tuple(
    re.compile(rf"(.*)(?:{session})(?:&(.*))?", re.IGNORECASE)
    for session in (
        "jsessionid=[0-9a-zA-Z]{32}",
        "phpsessid=[0-9a-zA-Z]{32}",
        "sid=[0-9a-zA-Z]{32}",
        "ASPSESSIONID[a-zA-Z]{8}=[a-zA-Z]{24}",
        "cfid=[^&]+&cftoken=[^&]+",
    )
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def surt(url: Url) -> str:
    """Return the key of an address, such as ``org,python)/about``."""
    if (plain := _PLAIN.fullmatch(url)) and "//" not in plain[4] and "/." not in plain[4]:
        scheme, host, port, path = plain.groups()
        return _key(scheme, host, port or "", path, "")
    scheme, _, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    path, _, query = tail.partition("?")
    host, colon, port = authority.rpartition("@")[2].rpartition(":")
    if not colon or port.endswith("]"):
        host, port = host + colon + port, ""
    return _key(scheme, host.strip("[]"), port, _path(slash + path), _query(query))


def _key(scheme: str, host: str, port: str, path: str, query: str) -> str:
    host = _WWW.sub("", host, count=1) if host.startswith("www") else host
    name = ",".join(reversed(host.rstrip(".").split(".")))
    if port and port != _DEFAULT_PORTS.get(scheme):
        name += ":" + port
    if len(path) > 1:
        path = path.removesuffix("/")
    return f"{name}){path}?{query}" if query else f"{name}){path}"


def _path(path: str) -> str:
    kept: list[str] = []
    parts = _escaped(path).lower().split("/")[1:]
    for part in parts:
        if part == ".." and kept:
            kept.pop()
        elif part != ".":
            kept.append(part)
    text = "/" + "".join(part + "/" for part in kept[:-1] if part) + (kept[-1] if kept else "")
    for session in _IN_PATH:
        if match := session.fullmatch(text):
            text = match[1] + match[3]
    return text


def _query(query: str) -> str:
    if not query:
        return ""
    text = _escaped(query)
    for session in _IN_QUERY:
        if match := session.fullmatch(text):
            text = match[1] + (match[2] or "")
    text = text.lower()
    arguments = sorted(tuple(part.split("=", 1)) for part in text.split("&"))
    return "&".join("=".join(argument) for argument in arguments) if len(text) > 1 else text


def _escaped(text: str) -> str:
    """Undo percent-encoding as often as there is some, and do it once where it is needed."""
    data = text.encode("utf-8")
    while (once := unquote_to_bytes(data)) != data:
        data = once
    return quote_from_bytes(data, safe=_SAFE)
