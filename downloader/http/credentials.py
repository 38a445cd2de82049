"""The headers of each request: secrets are sent only to the origin that they were given for.

Cookies are sent to their host instead, whatever the scheme and the port (RFC 6265, section 8.5):
those of a file to the host that the user named, those of redirects to the host that set them.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDict

from downloader.http.cookies import CookieFile
from downloader.http.digest import DigestSession, Login
from downloader.http.netrc_file import NetrcFile
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
#: A URL of no origin that a user could have named (RFC 6761, section 6.4).
NO_ORIGIN = Url("http://nobody.invalid/")
#: Sizes that a client has to be able to store (RFC 6265, section 6.1).
_MAX_COOKIE_BYTES, _MAX_COOKIES_PER_HOST = 4096, 50
#: Origins whose last Digest challenge is kept, to answer it with the next request.
_MAX_DIGEST_SESSIONS = 1000


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
        home: for a URL that a page or a sitemap refers to, the URL of the list, or of the sitemap
            that the user named, that led to it.
        via: for a URL that a page refers to, the page.
        hops_from_seed: for such a URL, the path from the list, see
            :class:`~downloader.models.exchange.Exchange`.
        next: the URL to request next, without credentials.
        redirects: the URLs that redirected, in order.
        cookies: those that redirects have set, by host and name.
        challenges: how many challenges of the next URL's server have been answered.
    """

    start: Url
    home: Url | None = None
    via: Url | None = None
    hops_from_seed: str = ""
    next: Url = field(init=False)
    redirects: tuple[Url, ...] = ()
    cookies: dict[str, dict[str, RedirectCookie]] = field(default_factory=dict)
    challenges: int = 0

    def __post_init__(self) -> None:
        """Begin at the start."""
        self.next, _ = urls.without_credentials(self.start)


class Credentials:
    """The user's headers, cookies and passwords.

    Attributes:
        default_headers: the headers of every request; they must not be changed.
        has_referer: whether the user gave a Referer.
        by_origin: whether cookies or passwords are added for some origins or hosts.

    Raises, when made:
        RunError: a file that holds them cannot be read.
    """

    def __init__(self, options: NetworkOptions) -> None:
        self._headers = CIMultiDict(options.headers)
        self._cookies = CookieFile(options.cookies) if options.cookies else None
        self._netrc = NetrcFile() if options.netrc else None
        self._login = Login(*map(str.encode, options.user)) if options.user else None
        self._bearer = f"Bearer {options.bearer}" if options.bearer else None
        self._only_digest = options.digest
        self._referer = options.referer and urls.parse(options.referer)
        self._send_referer = options.send_referer
        self.has_referer = bool(options.referer)
        self._digest_sessions: dict[str, DigestSession] = {}
        self.by_origin = any(
            each is not None for each in (self._cookies, self._netrc, self._login, self._bearer)
        )
        self.default_headers = CIMultiDict(
            {
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING if options.compressed else "identity",
            }
        )

    def chain(self, trail: RedirectTrail, headers: Sequence[tuple[str, str]]) -> "RequestChain":
        """Return the headers of the requests of one URL, to which *headers* are added."""
        own = self._headers
        if headers:
            own = own.copy()
            own.extend(headers)
        return RequestChain(self, trail, own)

    def referrer(self, trail: RedirectTrail, url: Url) -> str:
        """Return the Referer of a request, or an empty text: the page, or what the user gave."""
        if trail.via is not None:
            return urls.referrer(trail.via, url) if self._send_referer else ""
        # What pages need has a page, and robots.txt no origin; the rest are lines of the list.
        if self._referer and trail.home != NO_ORIGIN:
            return urls.without_credentials(self._referer)[0].partition("#")[0]
        return ""

    def headers(
        self,
        url: Url,
        own: CIMultiDict[str],
        received: list[str],
        *,
        referrer: str,
        home: Url,
        login: Login | None,
    ) -> CIMultiDict[str]:
        """Return all headers of a request: the defaults, *own*, cookies, and a password.

        Args:
            url: the URL of the request.
            own: headers of this URL, which replace defaults.
            received: cookies that redirects have set, as ``name=value``.
            referrer: the Referer, unless *own* has one; empty for none.
            home: the URL that the user named.
            login: its user and password; an empty password may be in netrc.
        """
        headers = self.default_headers.copy()
        if referrer:
            headers["Referer"] = referrer
        headers.update(own)
        cookies = [*own.getall("Cookie", ()), *received]
        if self._cookies is not None and urls.hostname(url) == urls.hostname(home):
            cookies += self._cookies.matching(url)
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        if "Authorization" not in headers and (
            authorization := self._authorization(url, home, login)
        ):
            headers["Authorization"] = authorization
        return headers

    def _authorization(self, url: Url, home: Url, login: Login | None) -> str | None:
        """Return the Authorization field of a request, or None."""
        if login is None and self._bearer and urls.origin(url) == urls.origin(home):
            return self._bearer
        login = self.login(url, home, login)
        if login is None:
            return None
        session = self._digest_sessions.get(urls.origin(url))
        if session is not None:
            return session.authorization(login, "GET", _request_target(url))
        return None if self._only_digest else _basic(login)

    def login(self, url: Url, home: Url, of_home: Login | None) -> Login | None:
        """Return the user and password for a request, or None.

        A redirect may lead to another machine that netrc names, such as a sign-on service. There
        the default entry does not apply, nor any port or scheme but HTTPS on its own port.

        Args:
            url: the URL of the request.
            home: the URL that the user named.
            of_home: user and password of that URL.
        """
        machine = urls.hostname(url)
        name = machine.strip("[]")
        if urls.origin(url) == urls.origin(home):
            if of_home is not None and not of_home.password and self._netrc is not None:
                return self._netrc.login(name, of_home.user, default=True) or of_home
            login = of_home or self._login
            if login is None and self._netrc is not None:
                login = self._netrc.login(name, default=True)
            return login
        if self._netrc is not None and urls.origin(url) == f"https://{machine}":
            return self._netrc.login(name, default=False)
        return None

    def remember_challenge(self, url: Url, session: DigestSession) -> None:
        """Answer a challenge from now on, with each request to its origin."""
        sessions = self._digest_sessions
        sessions.pop(urls.origin(url), None)
        while len(sessions) >= _MAX_DIGEST_SESSIONS:
            del sessions[next(iter(sessions))]
        sessions[urls.origin(url)] = session


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
        self._login = Login(*map(unquote_to_bytes, password)) if password else None

    def headers(self, url: Url) -> CIMultiDict[str]:
        """Return the headers of the request to *url*; they must not be changed."""
        sends_referrer = self._trail.via is not None or self._credentials.has_referer
        referrer = self._credentials.referrer(self._trail, url) if sends_referrer else ""
        if (
            not self._own
            and not referrer
            and not self._trail.cookies
            and self._login is None
            and not self._credentials.by_origin
        ):
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
        return self._credentials.headers(
            url, own, received, referrer=referrer, home=self._home, login=self._login
        )

    def accept_challenge(self, url: Url, challenges: Iterable[str]) -> bool:
        """Return whether the request to *url* is made again, to answer a challenge.

        Args:
            url: the URL that was answered with 401.
            challenges: the values of ``WWW-Authenticate``.
        """
        if "Authorization" in self._own:
            return False
        if self._credentials.login(url, self._home, self._login) is None:
            return False
        session = DigestSession.from_fields(challenges)
        # After an answer, only one about another nonce can be accepted.
        if session is None or self._trail.challenges > session.stale:
            return False
        self._trail.challenges += 1
        self._credentials.remember_challenge(url, session)
        return True

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


def _basic(login: Login) -> str:
    """Return the Authorization field for user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(login.user + b':' + login.password).decode('ascii')}"


def _request_target(url: Url) -> str:
    """Return path and query, as they are sent."""
    return f"/{url.partition('//')[2].partition('/')[2]}"
