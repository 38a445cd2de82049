"""Pure: parse, normalise, join and redact URLs, exactly as the WHATWG URL standard says.

The parser is ``ada-url``, the one Node.js uses. A URL is kept as its normalised text, because a
text is what travels: to the request, the journal, the report and other processes.
"""

import re
from typing import NewType

import ada_url

from downloader.errors import BadUrlError

#: An absolute http or https URL, normalised, without a fragment. It may hold a password:
#: print and store only what :func:`redact` returns.
Url = NewType("Url", str)

_SCHEMES = ("http://", "https://")
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
#: A tab or line break inside a URL is dropped by the standard's parser, which would fetch
#: another address than the one a person sees; U+FFFD is what is left of undecodable bytes.
_TREACHEROUS = re.compile("[\x00-\x1f\x7f\ufffd]")
_ANY_SCHEME = re.compile(r"[^:/\\@]*:[/\\]+")
_LONGEST_SHOWN = 200


def parse(text: str) -> Url:
    """Return the URL that *text* means; without a scheme, ``https://`` is meant.

    Raises:
        BadUrlError: the text is no http or https address.
    """
    text = text.strip(" ")
    if not text:
        raise BadUrlError("the address is empty")
    if _TREACHEROUS.search(text):
        raise BadUrlError("control characters or undecodable bytes in the address")
    if text[0] in "/\\" and text[:2] != "//":
        raise BadUrlError("a path without a host")
    if not _HAS_SCHEME.match(text):
        text = f"https://{text}"
    return _normalise(text, None)


def join(base: Url, reference: str) -> Url:
    """Return the URL that *reference* means on a page at *base*.

    Raises:
        BadUrlError: the result is no http or https address.
    """
    return _normalise(reference, base)


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
    """Return *url* without user and password, and those two (percent-encoded) if it had any."""
    if "@" not in url:
        return url, None
    parsed = ada_url.URL(url)
    user, password = parsed.username, parsed.password
    if not user and not password:
        return url, None
    parsed.username = parsed.password = ""
    return Url(parsed.href), (user, password)


def redact(url: Url) -> str:
    """Return *url* without its password, fit to be printed and stored.

    A user without a password is one as well: it is how tokens are written. Two URLs that differ
    in these alone are one address, so this is also the identity by which duplicates are found.
    """
    if "@" not in url:
        return url
    parsed = ada_url.URL(url)
    if parsed.password:
        parsed.password = ""
    elif parsed.username:
        parsed.username = "***"
    return parsed.href


def conceal(text: str) -> str:
    """Return text that is no URL fit to be shown: short, and without what may be a password."""
    before, at, after = text.strip().rpartition("@")
    scheme = _ANY_SCHEME.match(before)
    start = scheme.end() if scheme else 0
    user, colon, _ = before[start:].partition(":")
    text = f"{before[:start]}{user}:***@{after}" if colon else f"{before}{at}{after}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def host(url: Url) -> str:
    """Return the host with its port where that is not the scheme's own, such as ``h:8080``."""
    return _authority(url)[1]


def hostname(url: Url) -> str:
    """Return the host without its port; an IPv6 address keeps its brackets."""
    name, colon, port = _authority(url)[1].rpartition(":")
    return name if colon and port.isdigit() else name + colon + port


def origin(url: Url) -> str:
    """Return the origin (RFC 6454): scheme, host and port."""
    scheme, authority, _ = _authority(url)
    return f"{scheme}//{authority}"


def split(url: Url) -> tuple[str, str, str]:
    """Return host (with port), path and query (without ``?``) of *url*, percent-encoded."""
    _, authority, rest = _authority(url)
    path, _, query = rest.partition("?")
    return authority, f"/{path}", query


def _authority(url: Url) -> tuple[str, str, str]:
    """Return scheme (with colon), host with port, and what follows the slash behind that.

    In a URL that the parser has normalised these are found by their separators, which is several
    times quicker than to parse it again, and this is asked often.
    """
    scheme, _, rest = url.partition("//")
    authority, _, rest = rest.partition("/")
    return scheme, authority.rpartition("@")[2], rest
