"""SURT keys: the sort-friendly form of URLs by which CDXJ indexes are sorted and looked up.

Replay tools look a URL up by the key of the package ``surt``, so the key must be the same; a test
compares them. That package takes as long for one URL as writing a whole record does, and resolves
hosts that look like numbers by DNS.
"""

import re
from collections import deque
from urllib.parse import quote_from_bytes, unquote_to_bytes

from downloader.web.urls import Url

#: Characters that stay unescaped.
_SAFE_CHARACTERS = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
#: URLs that need no canonicalization of path and query.
_SIMPLE_URL = re.compile(r"(https?)://([a-z0-9.-]+)(?::(\d+))?(/[a-z0-9/_.,~-]*)")
_WWW_LABEL = re.compile(r"www\d*\.")
#: Session identifiers, which the key leaves out: in paths of ASP.NET, and in queries.
_PATH_SESSIONS = (
    re.compile(r"(?<=/)\((?:[a-z]\([0-9a-z]{24}\))+\)/"),
    re.compile(r"(?<=/)\([0-9a-z]{24}\)/"),
)
_ASP_SUFFIX = ".aspx"
_QUERY_SESSIONS = tuple(
    re.compile(rf"(.*)(?:{parameter})(?:&(.*))?", re.IGNORECASE)
    for parameter in (
        "jsessionid=[0-9a-zA-Z]{32}",
        "phpsessid=[0-9a-zA-Z]{32}",
        "sid=[0-9a-zA-Z]{32}",
        "ASPSESSIONID[a-zA-Z]{8}=[a-zA-Z]{24}",
    )
)
#: The two parameters of a session in ColdFusion; the first may be the end of another's.
_COLD_FUSION = "cfid=", "cftoken="
#: Layers of percent-encoding that are removed one by one; more of them, all at once.
_LAYERS = 3
_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_PERCENT = ord("%")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def surt(url: Url) -> str:
    """Return the key of a URL, such as ``org,python)/about``."""
    if (simple := _SIMPLE_URL.fullmatch(url)) and "//" not in simple[4] and "/." not in simple[4]:
        scheme, host, port, path = simple.groups()
        return _key(scheme, host, port or "", path, "")
    scheme, _, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    path, _, query = tail.partition("?")
    host, colon, port = authority.rpartition("@")[2].rpartition(":")
    if not colon or port.endswith("]"):
        host, port = host + colon + port, ""
    return _key(
        scheme, host.strip("[]"), port, _canonical_path(slash + path), _canonical_query(query)
    )


def _key(scheme: str, host: str, port: str, path: str, query: str) -> str:
    host = _WWW_LABEL.sub("", host, count=1) if host.startswith("www") else host
    name = ",".join(reversed(host.rstrip(".").split(".")))
    if port and port != _DEFAULT_PORTS.get(scheme):
        name += ":" + port
    if len(path) > 1:
        path = path.removesuffix("/")
    return f"{name}){path}?{query}" if query else f"{name}){path}"


def _canonical_path(path: str) -> str:
    segments: list[str] = []
    for segment in _minimally_escaped(path).lower().split("/")[1:]:
        if segment == ".." and segments:
            segments.pop()
        elif segment != ".":
            segments.append(segment)
    folders = "".join(segment + "/" for segment in segments[:-1] if segment)
    text = "/" + folders + (segments[-1] if segments else "")
    for session in _PATH_SESSIONS:
        text = _without_path_session(text, session)
    return text


def _without_path_session(path: str, session: re.Pattern[str]) -> str:
    """Remove the last session that is before the name of an ASP.NET page, with no ? between."""
    end = len(path)
    while end >= 0:
        start = path.rfind("?", 0, end) + 1
        suffix = path.rfind(_ASP_SUFFIX, start, end)
        # The last of several sessions is removed.
        found = deque(session.finditer(path, start, max(start, suffix - 1)), maxlen=1)
        if found:
            return path[: found[0].start()] + path[found[0].end() :]
        end = start - 1
    return path


def _without_cold_fusion_session(query: str) -> str:
    first, second = _COLD_FUSION
    parameters = query.split("&")
    names = [parameter.lower() for parameter in parameters]
    for number in range(len(names) - 1, 0, -1):
        if names[number].startswith(second) and names[number] != second:
            # Its value has at least one character.
            start = names[number - 1].rfind(first, 0, -1)
            if start >= 0:
                before = [*parameters[: number - 1], parameters[number - 1][:start]]
                return "&".join(before) + "&".join(parameters[number + 1 :])
    return query


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    text = _minimally_escaped(query)
    for session in _QUERY_SESSIONS:
        if match := session.fullmatch(text):
            text = match[1] + (match[2] or "")
    text = _without_cold_fusion_session(text)
    text = text.lower()
    parameters = sorted(tuple(part.split("=", 1)) for part in text.split("&"))
    return "&".join("=".join(parameter) for parameter in parameters) if len(text) > 1 else text


def _minimally_escaped(text: str) -> str:
    """Remove all layers of percent-encoding, then encode what must be, once."""
    return quote_from_bytes(_fully_unquoted(text.encode("utf-8")), safe=_SAFE_CHARACTERS)


def _fully_unquoted(data: bytes) -> bytes:
    """Remove all layers of percent-encoding, in linear time."""
    for _ in range(_LAYERS):
        unquoted = unquote_to_bytes(data)
        if unquoted == data:
            return data
        data = unquoted
    output = bytearray()
    for byte in data:
        output.append(byte)
        while len(output) > 2 and output[-3] == _PERCENT and _HEX_DIGITS.issuperset(output[-2:]):
            output[-3:] = bytes((int(output[-2:], 16),))
    return bytes(output)
