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

_SCHEMES = frozenset({"http:", "https:"})
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
#: A tab or line break inside a URL is dropped by the standard's parser, which would fetch
#: another address than the one a person sees; U+FFFD is what is left of undecodable bytes.
_TREACHEROUS = re.compile("[\x00-\x1f\x7f\ufffd]")


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
        url = ada_url.URL(text, base) if base else ada_url.URL(text)
    except ValueError:
        raise BadUrlError("not a web address") from None
    if url.protocol not in _SCHEMES:
        raise BadUrlError(f"{url.protocol} is not fetched, only http: and https:")
    if "#" in url.href:
        url.hash = ""
    return Url(url.href)


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

    Two URLs that differ in the password alone are one address, so this is also the identity by
    which duplicates are found.
    """
    if "@" not in url:
        return url
    parsed = ada_url.URL(url)
    if parsed.password:
        parsed.password = ""
    return parsed.href


def host(url: Url) -> str:
    """Return the host with its port where that is not the scheme's own, such as ``h:8080``."""
    return ada_url.URL(url).host


def hostname(url: Url) -> str:
    """Return the host without its port."""
    return ada_url.URL(url).hostname


def origin(url: Url) -> str:
    """Return the origin (RFC 6454): scheme, host and port."""
    return ada_url.URL(url).origin


def split(url: Url) -> tuple[str, str, str]:
    """Return host (with port), path and query (without ``?``) of *url*, percent-encoded."""
    parsed = ada_url.URL(url)
    return parsed.host, parsed.pathname, parsed.search[1:]
