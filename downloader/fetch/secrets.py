"""What each request may carry: secrets stay with the origin they were given for."""

import base64
import netrc
import os
import urllib.request
from collections.abc import Iterable
from http.cookiejar import LoadError, MozillaCookieJar
from pathlib import Path
from urllib.parse import unquote

from multidict import CIMultiDict

from downloader import urls
from downloader.decode import ACCEPT_ENCODING
from downloader.errors import RunError
from downloader.models import Options
from downloader.urls import Url

#: Request headers without secrets, which may cross origins: those that the Fetch standard calls
#: CORS-safelisted, and those of conditional and range requests (RFC 9110, sections 13 and 14).
_HARMLESS = frozenset(
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


class Secrets:
    """Knows the user's headers, cookies and passwords.

    Raises, when made:
        RunError: a file that holds them cannot be read.
    """

    def __init__(self, options: Options) -> None:
        self._own = CIMultiDict(options.headers)
        self._cookies = _read_cookies(options.cookies) if options.cookies else None
        self._netrc = _read_netrc() if options.netrc else None
        self._defaults = CIMultiDict(
            {
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING,
            }
        )

    def chain(self, url: Url, headers: Iterable[tuple[str, str]]) -> "Chain":
        """Return what goes with the requests of one URL and its redirects."""
        own = self._own.copy()
        own.extend(headers)
        return Chain(self, url, own)

    def headers(
        self, url: Url, own: CIMultiDict[str], received: dict[str, str]
    ) -> CIMultiDict[str]:
        """Return all headers of a request: the defaults, *own*, cookies, and a password."""
        headers = self._defaults.copy()
        headers.update(own)
        cookies = [f"{name}={value}" for name, value in received.items()]
        if self._cookies is not None:
            request = urllib.request.Request(url)  # noqa: S310 - it is not opened, only asked
            self._cookies.add_cookie_header(request)
            cookies += filter(None, [request.get_header("Cookie")])
        if cookies:
            headers["Cookie"] = "; ".join([*own.getall("Cookie", ()), *cookies])
        if self._netrc is not None and "Authorization" not in headers:
            known = self._netrc.authenticators(urls.hostname(url))
            if known is not None:
                headers["Authorization"] = _basic(known[0], known[2])
        return headers


class Chain:
    """The requests of one URL: its own headers for its own origin, and cookies set on the way.

    Cookies that a redirect sets are sent to that origin alone, and forgotten afterwards; many
    sites redirect in a circle without them.
    """

    def __init__(self, secrets: Secrets, url: Url, own: CIMultiDict[str]) -> None:
        self.start, credentials = urls.without_credentials(url)
        if credentials:
            own.setdefault("Authorization", _basic(*map(unquote, credentials)))
        self._secrets = secrets
        self._own = own
        self._harmless = CIMultiDict(pair for pair in own.items() if pair[0].lower() in _HARMLESS)
        self._origin = urls.origin(self.start)
        self._received: dict[str, dict[str, str]] = {}

    def headers(self, url: Url) -> CIMultiDict[str]:
        """Return the headers of the request to *url*."""
        origin = urls.origin(url)
        own = self._own if origin == self._origin else self._harmless
        return self._secrets.headers(url, own, self._received.get(origin, {}))

    def learn(self, url: Url, set_cookies: Iterable[str]) -> None:
        """Take in the ``Set-Cookie`` fields of a redirect from *url* (RFC 6265, section 5.2)."""
        for field in set_cookies:
            name, equals, value = field.partition(";")[0].partition("=")
            if equals and name.strip() and field.isascii() and field.isprintable():
                jar = self._received.setdefault(urls.origin(url), {})
                jar[name.strip()] = value.strip()


def _basic(user: str, password: str) -> str:
    """Return the Authorization field for user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def _read_cookies(file: Path) -> MozillaCookieJar:
    jar = MozillaCookieJar(file)
    try:
        jar.load(ignore_discard=True)
    except (OSError, LoadError, UnicodeDecodeError) as error:
        raise RunError(
            f"cannot read cookies from {file}: {_reason(error)}",
            hint="it must be in Netscape's format",
        ) from error
    return jar


def _read_netrc() -> netrc.netrc:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return netrc.netrc(file)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read {file}: {_reason(error)}", hint="see --netrc") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "msg", None) or "not in its format"
