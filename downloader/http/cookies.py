"""Cookies: how servers set them, and which requests they belong to (RFC 6265).

Where browsers differ from RFC 6265, its revision decides (draft-ietf-httpbis-rfc6265bis-22).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from downloader.web import urls
from downloader.web.urls import Url

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

#: Name and value together; a longer cookie is ignored (RFC 6265bis, section 5.6).
_MAX_PAIR_BYTES = 4096
#: A longer attribute is ignored (RFC 6265bis, section 5.6).
_MAX_ATTRIBUTE_CHARACTERS = 1024
#: No cookie is kept for longer (RFC 6265bis, section 5.5).
_MAX_LIFETIME_SECONDS = 400 * 24 * 3600
#: More digits of Max-Age are longer than any lifetime.
_MAX_AGE_DIGITS = 9
_MAX_AGE = re.compile(r"-?[0-9]+")
#: Characters that would break a header field, or the tab that would break a file of cookies.
CONTROLS = re.compile("[\x00-\x1f\x7f]")
#: Parent domains whose cookies are looked up; a host name could have more than a hundred.
_MAX_PARENTS = 10
_WHITESPACE = " \t"
_SECURE_PREFIXES = ("__secure-", "__host-")
_HOST_PREFIX = "__host-"
_IP_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")

# The grammar of dates (RFC 6265, section 5.1.1).
_DATE_DELIMITERS = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIRST_YEAR = 1601

#: Name, path, and whether the host alone gets it: a domain has one cookie for each.
CookieKey = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie; it can be pickled.

    Attributes:
        name: may be empty, if it comes from a file.
        value: as it is sent.
        domain: the host or domain that it is sent to, in lower case; IPv6 in brackets.
        host_only: whether subdomains do not get it.
        path: the path that it is sent to, with everything below.
        secure: whether it is sent only over TLS.
        expires: seconds since the epoch; 0 for the end of the session.
    """

    name: str
    value: str = field(repr=False)
    domain: str
    host_only: bool = True
    path: str = "/"
    secure: bool = False
    expires: float = 0

    @property
    def key(self) -> CookieKey:
        """What a cookie of the same domain has in common with the one that it replaces."""
        return self.name, self.path, self.host_only

    @property
    def pair(self) -> str:
        """Name and value, as they are sent; without a name only the value."""
        return f"{self.name}={self.value}" if self.name else self.value

    def is_expired(self, now: float) -> bool:
        """Return whether its time is over at *now*."""
        return bool(self.expires) and self.expires <= now


def parse_set_cookie(text: str, url: Url, now: float) -> Cookie | None:
    """Return the cookie that a ``Set-Cookie`` field of a response sets, or None if it is refused.

    Args:
        text: the value of the field.
        url: the URL of the response.
        now: seconds since the epoch.
    """
    pair, *attributes = text.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_WHITESPACE), value.strip(_WHITESPACE)
    if not equals or not name or CONTROLS.search(text.replace("\t", " ")):
        return None
    try:
        size = len(f"{name}{value}".encode())
    except UnicodeEncodeError:
        # Its bytes are not UTF-8, and would not be sent back as they are.
        return None
    if size > _MAX_PAIR_BYTES or "\t" in name or "\t" in value:
        return None
    given = _attributes(attributes)
    cookie_domain = _domain(given.get("domain", ""), urls.hostname(url))
    if cookie_domain is None:
        return None
    domain, host_only = cookie_domain
    path = given.get("path", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain,
        host_only=host_only,
        path=path if path.startswith("/") and not CONTROLS.search(path) else _default_path(url),
        secure="secure" in given,
        expires=_expiry(given, now),
    )
    return cookie if _is_allowed(cookie, given, url) else None


def _attributes(texts: list[str]) -> dict[str, str]:
    """Return the attributes by their names in lower case; the last one of a name counts."""
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        name, value = name.strip(_WHITESPACE).lower(), value.strip(_WHITESPACE)
        if len(value) <= _MAX_ATTRIBUTE_CHARACTERS and _is_used(name, value):
            found[name] = value
    return found


def _is_used(name: str, value: str) -> bool:
    """Return whether an attribute has an effect; the one before it counts otherwise."""
    if name == "max-age":
        return _MAX_AGE.fullmatch(value) is not None
    if name == "expires":
        return parse_cookie_date(value) is not None
    return name != "domain" or value.strip(".") != ""


def _is_allowed(cookie: Cookie, attributes: dict[str, str], url: Url) -> bool:
    """Check what the name and ``Secure`` demand (RFC 6265bis, sections 5.7 and 4.1.3)."""
    if cookie.secure and not url.startswith("https:"):
        return False
    name = cookie.name.lower()
    if name.startswith(_SECURE_PREFIXES) and not cookie.secure:
        return False
    if name.startswith(_HOST_PREFIX):
        return "domain" not in attributes and attributes.get("path") == "/"
    return True


def _domain(attribute: str, host: str) -> tuple[str, bool] | None:
    """Return the domain of a cookie, and whether it is the host alone; None if it is refused.

    No cookie is for a public suffix, such as ``co.uk``: it would be sent to other people's sites.
    """
    domain = attribute.lower().removeprefix(".")
    if not domain:
        return host, True
    if domain == host:
        return host, is_address(host) or is_public_suffix(host)
    if is_address(host) or not host.endswith(f".{domain}") or is_public_suffix(domain):
        return None
    return domain, False


def is_address(host: str) -> bool:
    """Return whether the host of a URL is an IP address, which has no parent domains."""
    return _IP_ADDRESS.fullmatch(host) is not None


def is_public_suffix(domain: str) -> bool:
    """Return whether names below *domain* belong to different owners."""
    return "." not in domain or bool(_public_suffixes().is_public(domain))


@lru_cache(maxsize=1)
def _public_suffixes() -> "PublicSuffixList":
    # Imported only for a cookie with a domain, because the list takes a while to read.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def _expiry(attributes: dict[str, str], now: float) -> float:
    """Return when a cookie expires, in seconds since the epoch; Max-Age goes before Expires."""
    max_age = attributes.get("max-age")
    if max_age is not None:
        # The length is checked first, because Python refuses to convert thousands of digits.
        seconds = int(max_age) if len(max_age) <= _MAX_AGE_DIGITS else _MAX_LIFETIME_SECONDS
        expires = now + seconds if seconds > 0 and max_age[0] != "-" else 1
    elif (date := parse_cookie_date(attributes.get("expires", ""))) is not None:
        # 0 would be no date, and the past is the same whenever it was.
        expires = max(date, 1)
    else:
        return 0
    return min(expires, now + _MAX_LIFETIME_SECONDS)


def parse_cookie_date(text: str) -> float | None:
    """Return seconds since the epoch, or None if *text* is no date (RFC 6265, section 5.1.1)."""
    clock: tuple[int, int, int] | None = None
    day: int | None = None
    month: int | None = None
    year: int | None = None
    for token in _DATE_DELIMITERS.split(text):
        if clock is None and (match := _TIME.match(token)):
            clock = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.match(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.match(token)):
            year = _four_digits(int(match[1]))
    if clock is None or day is None or month is None or year is None or year < _FIRST_YEAR:
        return None
    try:
        return datetime(year, month, day, *clock, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _four_digits(year: int) -> int:
    """Return the year that two digits stand for."""
    if year > 99:
        return year
    return year + (1900 if year >= 70 else 2000)


def _default_path(url: Url) -> str:
    """Return the folder of *url*, without a slash at its end (RFC 6265, section 5.1.4)."""
    return urls.split(url)[1].rpartition("/")[0] or "/"


def path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie for *cookie_path* is sent to *path* (RFC 6265, section 5.1.4)."""
    if not path.startswith(cookie_path):
        return False
    return (
        len(path) == len(cookie_path) or cookie_path.endswith("/") or path[len(cookie_path)] == "/"
    )


def domains_of(host: str) -> Iterator[str]:
    """Yield *host* and its nearest parent domains, but for the last part of the name."""
    yield host
    if is_address(host):
        return
    parent = host
    for _ in range(_MAX_PARENTS):
        parent = parent.partition(".")[2]
        if "." not in parent:
            return
        yield parent
