"""The headers of each request: secrets are sent only to the origin that they were given for.

Cookies are sent to their host instead, whatever the scheme and the port (RFC 6265, section 8.5):
those of a file to the host that the user named, those of redirects to the host that set them.
"""

import base64
import netrc
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDict

from downloader.errors import RunError
from downloader.http.cookies import CookieFile
from downloader.models import NetworkOptions
from downloader.web import urls
from downloader.web.content_coding import ACCEPT_ENCODING
from downloader.web.urls import Url

#: Request headers without secrets, which may be sent to other origins: those that the Fetch
#: standard calls CORS-safelisted, and those of conditional and range requests (RFC 9110, sections
#: 13 and 14).
_CROSS_ORIGIN_HEADERS = frozenset(
    {
        "accept",
        "accept-language",
        "accept-encoding",
        "user-agent",
        "range",
        "if-range",
        "if-none-match",
        "if-modified-since",
    }
)
#: Sizes that a client has to be able to store (RFC 6265, section 6.1).
_MAX_COOKIE_BYTES, _MAX_COOKIES_PER_HOST = 4096, 50


@dataclass(frozen=True, slots=True)
class RedirectCookie:
    """A cookie that a redirect has set; it can be pickled.

    Attributes:
        value: as it is sent.
        secure: whether it is sent only over TLS.
    """

    value: str
    secure: bool


@dataclass(slots=True)
class RedirectTrail:
    """The redirects of one URL so far; it can be pickled.

    Attributes:
        start: the URL of the list, or that a page refers to.
        home: for a URL that a page refers to, the URL of the list that led to the page.
        via: for such a URL, the page.
        hops_from_seed: for such a URL, the path from the list, see
            :class:`~downloader.models.exchange.Exchange`.
        next: the URL to request next, without credentials.
        redirects: the URLs that redirected, in order.
        cookies: those that redirects have set, by host and name.
    """

    start: Url
    home: Url | None = None
    via: Url | None = None
    hops_from_seed: str = ""
    next: Url = field(init=False)
    redirects: tuple[Url, ...] = ()
    cookies: dict[str, dict[str, RedirectCookie]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin at the start."""
        self.next, _ = urls.without_credentials(self.start)


class Credentials:
    """The user's headers, cookies and passwords.

    Attributes:
        default_headers: the headers of every request; they must not be changed.
        by_origin: whether cookies or passwords are added for some origins or hosts.

    Raises, when made:
        RunError: a file that holds them cannot be read.
    """

    def __init__(self, options: NetworkOptions) -> None:
        self._headers = CIMultiDict(options.headers)
        self._cookies = CookieFile(options.cookies) if options.cookies else None
        self._netrc = _read_netrc() if options.netrc else None
        self.by_origin = self._cookies is not None or self._netrc is not None
        self.default_headers = CIMultiDict(
            {
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING if options.compressed else "identity",
            }
        )

    def chain(self, trail: RedirectTrail, headers: Iterable[tuple[str, str]]) -> "RequestChain":
        """Return the headers of the requests of one URL, to which *headers* are added."""
        own = self._headers.copy()
        own.extend(headers)
        return RequestChain(self, trail, own)

    def headers(
        self, url: Url, own: CIMultiDict[str], received: list[str], *, home: Url
    ) -> CIMultiDict[str]:
        """Return all headers of a request: the defaults, *own*, cookies, and a password.

        Args:
            url: the URL of the request.
            own: headers of this URL, which replace defaults.
            received: cookies that redirects have set, as ``name=value``.
            home: the URL that the user named.
        """
        headers = self.default_headers.copy()
        headers.update(own)
        cookies = [*own.getall("Cookie", ()), *received]
        if self._cookies is not None and urls.hostname(url) == urls.hostname(home):
            cookies += self._cookies.matching(url)
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        at_home = urls.origin(url) == urls.origin(home)
        if "Authorization" not in headers and (basic := self._netrc_field(url, at_home=at_home)):
            headers["Authorization"] = basic
        return headers

    def _netrc_field(self, url: Url, *, at_home: bool) -> str | None:
        """Return the Authorization field that netrc has for *url*.

        A redirect may lead to another machine that netrc names, such as a sign-on service. There
        the default entry does not apply, nor any port or scheme but HTTPS on its own port.
        """
        if self._netrc is None:
            return None
        machine = urls.hostname(url)
        if at_home:
            entry = self._netrc.authenticators(machine.strip("[]"))
        elif urls.origin(url) == f"https://{machine}":
            entry = self._netrc.hosts.get(machine.strip("[]"))
        else:
            entry = None
        return _basic(entry[0].encode(), entry[2].encode()) if entry else None


class RequestChain:
    """The headers of one URL's requests, and the cookies that its redirects set.

    Such cookies are sent to their own host, and forgotten after the chain; without them, many sites
    redirect in a circle.
    """

    def __init__(
        self, credentials: Credentials, trail: RedirectTrail, own: CIMultiDict[str]
    ) -> None:
        self._credentials = credentials
        self._trail = trail
        self._own = own
        self._home, password = urls.without_credentials(trail.home or trail.start)
        if password:
            own.setdefault("Authorization", _basic(*map(unquote_to_bytes, password)))

    def headers(self, url: Url) -> CIMultiDict[str]:
        """Return the headers of the request to *url*; they must not be changed."""
        if not self._own and not self._trail.cookies and not self._credentials.by_origin:
            # The usual case: nothing depends on the origin.
            return self._credentials.default_headers
        at_home = urls.origin(url) == urls.origin(self._home)
        own = self._own if at_home else self._cross_origin_headers()
        over_tls = url.startswith("https:")
        received = [
            f"{name}={cookie.value}"
            for name, cookie in self._trail.cookies.get(urls.hostname(url), {}).items()
            if over_tls or not cookie.secure
        ]
        return self._credentials.headers(url, own, received, home=self._home)

    def _cross_origin_headers(self) -> CIMultiDict[str]:
        return CIMultiDict(
            pair for pair in self._own.items() if pair[0].lower() in _CROSS_ORIGIN_HEADERS
        )

    def remember_cookies(self, url: Url, set_cookies: Iterable[str]) -> None:
        """Store the ``Set-Cookie`` fields of a redirect from *url* (RFC 6265, section 5.2).

        Without TLS, none is stored that is only for TLS, or in place of such a one (RFC 6265bis,
        section 5.7).
        """
        over_tls = url.startswith("https:")
        for set_cookie in set_cookies:
            pair, *attributes = set_cookie.split(";")
            name, equals, value = pair.partition("=")
            name = name.strip()
            printable = set_cookie.isascii() and set_cookie.isprintable()
            if len(pair) > _MAX_COOKIE_BYTES or not printable or not equals or not name:
                continue
            secure = any(each.partition("=")[0].strip().lower() == "secure" for each in attributes)
            jar = self._trail.cookies.setdefault(urls.hostname(url), {})
            before = jar.get(name)
            if not over_tls and (secure or (before is not None and before.secure)):
                continue
            if before is not None or len(jar) < _MAX_COOKIES_PER_HOST:
                jar[name] = RedirectCookie(value.strip(), secure)


def _basic(user: bytes, password: bytes) -> str:
    """Return the Authorization field for user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(user + b':' + password).decode('ascii')}"


def netrc_warnings() -> list[str]:
    """Return a warning if other users of this machine can read the netrc file."""
    file = _netrc_file()
    try:
        mode = file.stat().st_mode
    except OSError:
        return []  # reading it will fail, and say why
    if (
        sys.platform == "win32"
        or not stat.S_ISREG(mode)
        or not mode & (stat.S_IRGRP | stat.S_IROTH)
    ):
        return []
    return [f"other users can read the passwords in {file}; protect it with: chmod 600"]


def _netrc_file() -> Path:
    return Path(os.environ.get("NETRC") or Path.home() / ".netrc")


def _read_netrc() -> netrc.netrc:
    file = _netrc_file()
    try:
        return netrc.netrc(file)
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}", hint="see --netrc") from None
    except netrc.NetrcParseError as error:
        # Its message, and so its traceback, may quote a password.
        reason = f"line {error.lineno} is not in its format"
    except UnicodeDecodeError:
        reason = "it is not in UTF-8"
    raise RunError(f"cannot read {file}: {reason}", hint="see --netrc")
