"""What each request may carry: secrets stay with the origin they were given for."""

import base64
import netrc
import os
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


@dataclass(slots=True)
class RedirectTrail:
    """Where the redirects of one URL have led; it goes along with the URL, and to other processes.

    Attributes:
        start: the address that the user named, or that a page refers to.
        home: in that case the address that the user named, which led there.
        via: in that case the page.
        hops: in that case how the page and this were found, as an archive says it.
        next: the address that is to be asked next, without credentials once it is a redirect's.
        redirects: the addresses that answered with a redirect, in order.
        cookies: those that redirects have set, by origin.
    """

    start: Url
    home: Url | None = None
    via: Url | None = None
    hops: str = ""
    next: Url = field(init=False)
    redirects: tuple[Url, ...] = ()
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin at the start."""
        self.next, _ = urls.without_credentials(self.start)


#: What a client has to keep (RFC 6265, section 6.1): bytes of a cookie, and cookies of an origin.
_LONGEST_COOKIE, _MOST_COOKIES = 4096, 50


class Credentials:
    """Knows the user's headers, cookies and passwords.

    Raises, when made:
        RunError: a file that holds them cannot be read.
    """

    def __init__(self, options: NetworkOptions) -> None:
        self._own = CIMultiDict(options.headers)
        self._cookies = CookieFile(options.cookies) if options.cookies else None
        self._netrc = _read_netrc() if options.netrc else None
        self._defaults = CIMultiDict(
            {
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING,
            }
        )

    def chain(self, trail: RedirectTrail, headers: Iterable[tuple[str, str]]) -> "RequestChain":
        """Return what goes with the requests of one URL and its redirects."""
        own = self._own.copy()
        own.extend(headers)
        return RequestChain(self, trail, own)

    def headers(
        self, url: Url, own: CIMultiDict[str], received: dict[str, str], *, at_home: bool
    ) -> CIMultiDict[str]:
        """Return all headers of a request: the defaults, *own*, cookies, and a password.

        *at_home* is whether it goes to the origin that the user named. They are not to be changed.
        """
        if not (own or received or self._cookies or self._netrc):
            return self._defaults
        headers = self._defaults.copy()
        headers.update(own)
        cookies = [f"{name}={value}" for name, value in received.items()]
        if self._cookies is not None and at_home:
            cookies += self._cookies.fitting(url)
        if cookies:
            headers["Cookie"] = "; ".join([*own.getall("Cookie", ()), *cookies])
        if "Authorization" not in headers and (known := self._known(url, at_home=at_home)):
            headers["Authorization"] = known
        return headers

    def _known(self, url: Url, *, at_home: bool) -> str | None:
        """Return the Authorization field that netrc has for *url*.

        A redirect may lead on to a machine that netrc names, as those to a sign-on service do;
        but there neither the default entry is meant, nor another service or wire of that machine.
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
    """The requests of one URL: its own headers for its own origin, and cookies set on the way.

    Cookies that a redirect sets are sent to that origin alone, and forgotten afterwards; many
    sites redirect in a circle without them.
    """

    def __init__(self, secrets: Credentials, trail: RedirectTrail, own: CIMultiDict[str]) -> None:
        self._secrets = secrets
        self._trail = trail
        self._own = own
        start, credentials = urls.without_credentials(trail.home or trail.start)
        if credentials:
            own.setdefault("Authorization", _basic(*map(unquote_to_bytes, credentials)))
        self._origin = urls.origin(start)

    def headers(self, url: Url) -> CIMultiDict[str]:
        """Return the headers of the request to *url*."""
        origin = urls.origin(url)
        at_home = origin == self._origin
        own = self._own if at_home else self._harmless()
        received = self._trail.cookies.get(origin, {})
        return self._secrets.headers(url, own, received, at_home=at_home)

    def _harmless(self) -> CIMultiDict[str]:
        return CIMultiDict(pair for pair in self._own.items() if pair[0].lower() in _HARMLESS)

    def learn(self, url: Url, set_cookies: Iterable[str]) -> None:
        """Take in the ``Set-Cookie`` fields of a redirect from *url* (RFC 6265, section 5.2)."""
        for said in set_cookies:
            pair = said.partition(";")[0]
            name, equals, value = pair.partition("=")
            if len(pair) > _LONGEST_COOKIE or not (said.isascii() and said.isprintable()):
                continue
            jar = self._trail.cookies.setdefault(urls.origin(url), {})
            if equals and name.strip() and (name.strip() in jar or len(jar) < _MOST_COOKIES):
                jar[name.strip()] = value.strip()


def _basic(user: bytes, password: bytes) -> str:
    """Return the Authorization field for user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(user + b':' + password).decode('ascii')}"


def _read_netrc() -> netrc.netrc:
    file = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        return netrc.netrc(file)
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}", hint="see --netrc") from None
    except netrc.NetrcParseError as error:
        # Its message, and so its traceback, quotes the word that it stumbled over: a password.
        where = f"line {error.lineno} is not in its format"
    except UnicodeDecodeError:
        where = "it is not in UTF-8"
    raise RunError(f"cannot read {file}: {where}", hint="see --netrc")
