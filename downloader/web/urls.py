"""Parse, normalise, join and redact URLs, as the WHATWG URL standard defines.

The parser is ``ada-url``, which Node.js uses as well. A URL is kept as its normalised text, because
requests, the journal, reports and other processes need it as text.
"""

import ipaddress
import re
from typing import NewType

import ada_url

from downloader.errors import BadUrlError

#: An absolute http or https URL, normalised, without a fragment. It may contain a password:
#: print and store only what :func:`redact` returns.
Url = NewType("Url", str)

_SCHEMES = ("http://", "https://")
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
#: The standard's parser drops tabs and line breaks, so another URL would be fetched than a person
#: sees; U+FFFD stands for undecodable bytes.
_MISLEADING = re.compile("[\x00-\x1f\x7f\ufffd]")
#: Characters that nobody sees and that come with copied text: byte order marks, zero-width spaces,
#: word joiners and marks of direction. Joiners belong to some scripts, but not to an end.
_INVISIBLE = re.compile(
    "[\ufeff\u200b\u200e\u200f\u2060\u202a-\u202e\u2066-\u2069]|^[\u200c\u200d]+|[\u200c\u200d]+$"
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
#: A URL that is normalised already, as most are, so that its parser need not be called. It has
#: nothing that the parser would change: no capitals, no Punycode and no other form of an IPv4
#: address in the host, no port of the scheme, no segment of dots, no character to encode.
_NORMALISED = re.compile(
    r"https?://(?![^/]*xn--)"
    rf"(?:(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*|{_BYTE}(?:\.{_BYTE}){{3}})"
    r"(?::[1-9][0-9]{3}|:[1-5][0-9]{4})?"
    r"(?:/(?!\.|%2[Ee])[\w.~!$&()*+,;=:@%-]*)+"
    r"(?:\?[\w.~!$&()*+,;=:@%/?-]+)?",
    re.ASCII,
)
#: A URL up to the end of an IPv6 address, and its zone: the interface to reach a link-local address
#: through, as RFC 6874 writes it, or as people do, with a bare percent sign.
_WITH_ZONE = re.compile(
    r"([A-Za-z]+:[/\\]{2}(?:[^/\\?#@\[\]]*@)?\[[0-9A-Fa-f:.]+)%(?:25)?+([A-Za-z0-9._~-]{1,64})(?=\])"
)
_ANY_SCHEME = re.compile(r"[^:/\\@]*:[/\\]+")
_MAX_SHOWN_LENGTH = 200


def parse(text: str, *, zones: bool = False) -> Url:
    """Parse a URL; without a scheme, it gets ``https://``.

    Args:
        text: the URL.
        zones: whether an IPv6 address may have a zone (RFC 6874), which the URL standard leaves
            out. Only a user can know the interfaces of the machine; others could name one to reach
            what is behind it.

    Raises:
        BadUrlError: the text is not an http or https URL.
    """
    if _NORMALISED.fullmatch(text):
        return Url(text)
    text = without_invisible(text).strip(" \u00a0\u3000")
    if not text:
        raise BadUrlError("the address is empty")
    if _MISLEADING.search(text):
        raise BadUrlError("control characters or undecodable bytes in the address")
    if text[0] in "/\\" and text[:2] != "//":
        raise BadUrlError("a path without a host")
    if not _HAS_SCHEME.match(text):
        text = f"https://{text}"
    if zones and "%" in text and (match := _WITH_ZONE.match(text)):
        return _with_zone(_normalise(match[1] + text[match.end() :], None), match[2])
    return _normalise(text, None)


def _with_zone(url: Url, zone: str) -> Url:
    """Return *url*, whose host is an IPv6 address without a zone, with this one.

    Raises:
        BadUrlError: the address is the same on all interfaces.
    """
    address = ipaddress.IPv6Address(hostname(url)[1:-1])
    if not (address.is_link_local or address.is_loopback):
        raise BadUrlError(f"the address {address} takes no zone, only link-local addresses do")
    # In a normalised URL the first bracket is that of the host.
    return Url(url.replace("]", f"%25{zone}]", 1))


def split_zone(url: Url) -> tuple[Url, str]:
    """Return *url* without the zone of its address, and the zone; empty for none."""
    match = _WITH_ZONE.match(url) if "%25" in url else None
    if match is None:
        return url, ""
    return Url(match[1] + url[match.end() :]), match[2]


def without_invisible(text: str) -> str:
    """Return *text* without characters that nobody sees in an address."""
    return text if text.isascii() else _INVISIBLE.sub("", text)


def join(base: Url, reference: str) -> Url:
    """Resolve *reference* against *base*.

    A zone of *base* counts for the same address: the server does not know it (RFC 6874, section 4).

    Raises:
        BadUrlError: the result is not an http or https URL.
    """
    if "%25" not in base:
        return _normalise(reference, base)
    base, zone = split_zone(base)
    url = _normalise(reference, base)
    return _with_zone(url, zone) if zone and hostname(url) == hostname(base) else url


def _normalise(text: str, base: Url | None) -> Url:
    try:
        href = ada_url.join_url(base, text) if base else ada_url.normalize_url(text)
    except ValueError:
        raise BadUrlError("not a web address") from None
    if not href.startswith(_SCHEMES):
        scheme = href.partition(":")[0]
        raise BadUrlError(f"{scheme}: is not fetched, only http: and https:")
    # In a normalised URL the first "#" begins the fragment, which is never sent.
    return Url(href.partition("#")[0])


def without_credentials(url: Url) -> tuple[Url, tuple[str, str] | None]:
    """Return *url* without user and password, and these two, percent-encoded, if it had any."""
    if "@" not in url:
        return url, None
    bare, zone = split_zone(url)
    parsed = ada_url.URL(bare)
    user, password = parsed.username, parsed.password
    if not user and not password:
        return url, None
    parsed.username = parsed.password = ""
    bare = Url(parsed.href)
    return _with_zone(bare, zone) if zone else bare, (user, password)


def redact(url: Url) -> str:
    """Return *url* without its password, for printing and storing.

    A user without a password is removed as well, because tokens are written like that. URLs that
    differ only in these are duplicates of each other.
    """
    if "@" not in url:
        return url
    bare, zone = split_zone(url)
    parsed = ada_url.URL(bare)
    if parsed.password:
        parsed.password = ""
    elif parsed.username:
        parsed.username = "***"
    return _with_zone(Url(parsed.href), zone) if zone else parsed.href


def redact_text(text: str) -> str:
    """Return text that is not a valid URL for printing: short, and without a possible password."""
    before, at, after = text.strip().rpartition("@")
    scheme = _ANY_SCHEME.match(before)
    start = scheme.end() if scheme else 0
    user, colon, _ = before[start:].partition(":")
    text = f"{before[:start]}{user}:***@{after}" if colon else f"{before}{at}{after}"
    return text if len(text) <= _MAX_SHOWN_LENGTH else f"{text[: _MAX_SHOWN_LENGTH - 1]}…"


def host(url: Url) -> str:
    """Return the host, with its port if that is not the scheme's default, such as ``h:8080``."""
    authority = url.split("/", 3)[2]
    return authority.rpartition("@")[2] if "@" in authority else authority


def hostname(url: Url) -> str:
    """Return the host without its port; an IPv6 address keeps its brackets."""
    name, colon, port = _authority(url)[1].rpartition(":")
    return name if colon and port.isdigit() else name + colon + port


def origin(url: Url) -> str:
    """Return the origin (RFC 6454): scheme, host and port."""
    scheme, authority, _ = _authority(url)
    return f"{scheme}//{authority}"


def referrer(page: Url, url: Url) -> str:
    """Return the Referer of a request that *page* leads to, or an empty text for none.

    It never has credentials or a fragment; the policy is ``strict-origin-when-cross-origin``, that
    of browsers: the whole page within its origin, its origin for another, and nothing from https
    to http (Referrer Policy, section 3.7).
    """
    page = Url(without_credentials(page)[0].partition("#")[0])
    is_same_origin = origin(page) == origin(url)
    # A zone means nothing to the server.
    page, _ = split_zone(page)
    if is_same_origin:
        return page
    if page.startswith("https:") and not url.startswith("https:"):
        return ""
    return f"{origin(page)}/"


def split(url: Url) -> tuple[str, str, str]:
    """Return host (with port), path and query (without ``?``), percent-encoded."""
    _, authority, rest = _authority(url)
    path, _, query = rest.partition("?")
    return authority, f"/{path}", query


def _authority(url: Url) -> tuple[str, str, str]:
    """Return scheme (with colon), host with port, and the rest behind the next slash.

    Splitting a normalised URL at its separators is several times faster than parsing it again.
    """
    scheme, _, rest = url.partition("//")
    authority, _, rest = rest.partition("/")
    return scheme, authority.rpartition("@")[2], rest
