"""The headers of each request: secrets are sent only to the origin that they were given for.

Cookies are sent to their host or domain instead, whatever the scheme and the port (RFC 6265,
section 8.5); see :class:`~downloader.http.cookie_jar.CookieJar`.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDict

from downloader.http.cookie_jar import CookieJar
from downloader.http.digest import DigestSession, Login
from downloader.http.netrc_file import NetrcFile
from downloader.models import NetworkOptions, Request
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
#: Fields about the body of a request: it keeps them where its body goes, and loses them with it.
_BODY_HEADERS = frozenset(
    {"content-type", "content-encoding", "content-language", "content-location"}
)
#: Fields that frame a message: they follow from the body, which is sent at once.
_FRAMING_HEADERS = ("Content-Length", "Transfer-Encoding", "Expect")
#: The type of a body unless a header says another one, as in curl.
_FORM_TYPE = "application/x-www-form-urlencoded"
#: A URL of no origin that a user could have named (RFC 6761, section 6.4).
NO_ORIGIN = Url("http://nobody.invalid/")
#: Origins whose last Digest challenge is kept, to answer it with the next request.
_MAX_DIGEST_SESSIONS = 1000


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
        statuses: the statuses that they answered with.
        sets_cookies: whether a response has set a cookie that its request did not have.
        challenges: how many challenges of the next URL's server have been answered.
        request: the method and body to send next; None for a GET without a body.
        lost_body: whether a redirect has dropped the body.
        was_submitted: whether a request was sent that must not be sent twice.
    """

    start: Url
    home: Url | None = None
    via: Url | None = None
    hops_from_seed: str = ""
    next: Url = field(init=False)
    redirects: tuple[Url, ...] = ()
    sets_cookies: bool = False
    challenges: int = 0
    request: Request | None = None
    lost_body: bool = False
    was_submitted: bool = False
    statuses: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Begin at the start."""
        self.next, _ = urls.without_credentials(self.start)


class Credentials:
    """The user's headers and passwords, and the cookies of the run.

    Attributes:
        default_headers: the headers of every request; they must not be changed.
        jar: the cookies of the run, or None.
        has_referer: whether the user gave a Referer.
        by_origin: whether passwords are added for some origins.

    Raises, when made:
        RunError: a file that holds them cannot be read.
    """

    def __init__(self, options: NetworkOptions, jar: CookieJar | None = None) -> None:
        self.jar = jar
        self._headers = CIMultiDict(options.headers)
        # Beside a body for the lines of the list, these fields are about it.
        self._headers_of_get = (
            self._headers if options.body is None else _without_body_headers(self._headers)
        )
        self._netrc = NetrcFile() if options.netrc else None
        self._login = Login(*map(str.encode, options.user)) if options.user else None
        self._bearer = f"Bearer {options.bearer}" if options.bearer else None
        self._only_digest = options.digest
        self._referer = options.referer and urls.parse(options.referer)
        self._send_referer = options.send_referer
        self.has_referer = bool(options.referer)
        self._digest_sessions: dict[str, DigestSession] = {}
        self.by_origin = any(each is not None for each in (self._netrc, self._login, self._bearer))
        self.default_headers = CIMultiDict(
            {
                "User-Agent": options.user_agent,
                "Accept": "*/*",
                "Accept-Encoding": ACCEPT_ENCODING if options.compressed else "identity",
            }
        )

    def chain(self, trail: RedirectTrail, headers: Sequence[tuple[str, str]]) -> "RequestChain":
        """Return the headers of the requests of one URL, to which *headers* are added."""
        own = self._headers if trail.request is not None else self._headers_of_get
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
        cookies: Sequence[str],
        *,
        referrer: str,
        home: Url,
        login: Login | None,
        method: str,
    ) -> CIMultiDict[str]:
        """Return all headers of a request: the defaults, *own*, cookies, and a password.

        Args:
            url: the URL of the request.
            own: headers of this URL, which replace defaults.
            cookies: those of the jar, as ``name=value``.
            referrer: the Referer, unless *own* has one; empty for none.
            home: the URL that the user named.
            login: its user and password; an empty password may be in netrc.
            method: of the request.
        """
        headers = self.default_headers.copy()
        if referrer:
            headers["Referer"] = referrer
        headers.update(own)
        own_cookies = own.getall("Cookie", ())
        if own_cookies or cookies:
            headers["Cookie"] = _with_cookies(own_cookies, cookies)
        if "Authorization" not in headers and (
            authorization := self._authorization(url, home, login, method)
        ):
            headers["Authorization"] = authorization
        return headers

    def _authorization(self, url: Url, home: Url, login: Login | None, method: str) -> str | None:
        """Return the Authorization field of a request, or None."""
        if login is None and self._bearer and urls.origin(url) == urls.origin(home):
            return self._bearer
        login = self.login(url, home, login)
        if login is None:
            return None
        session = self._digest_sessions.get(urls.origin(url))
        if session is not None:
            return session.authorization(login, method, _request_target(url))
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
    """The headers of one URL's requests."""

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
        request = self._trail.request
        jar = self._credentials.jar
        cookies: Sequence[str] = ()
        if jar is not None and (jar.received or jar.given):
            cookies = jar.matching(url, self._home)
        if (
            not self._own
            and request is None
            and not referrer
            and not cookies
            and self._login is None
            and not self._credentials.by_origin
        ):
            # The usual case: nothing depends on the origin.
            return self._credentials.default_headers
        at_home = urls.origin(url) == urls.origin(self._home)
        own = self._own if at_home else self._cross_origin_headers()
        if self._trail.lost_body:
            own = _without_body_headers(own)
        headers = self._credentials.headers(
            url,
            own,
            cookies,
            referrer=referrer,
            home=self._home,
            login=self._login,
            method="GET" if request is None else request.method,
        )
        if request is not None and request.body is not None:
            for name in _FRAMING_HEADERS:
                headers.popall(name, None)
            headers.setdefault("Content-Type", _FORM_TYPE)
        if request is not None and request.method == "HEAD" and "Accept-Encoding" not in own:
            # The size of a coded body would not be that of the page.
            headers["Accept-Encoding"] = "identity"
        return headers

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
        kept = _CROSS_ORIGIN_HEADERS
        if self._trail.request is not None:
            kept |= _BODY_HEADERS
        return CIMultiDict(pair for pair in self._own.items() if pair[0].lower() in kept)


def _with_cookies(own: Sequence[str], cookies: Iterable[str]) -> str:
    """Return the Cookie field of the user's own fields and of *cookies* with other names."""
    names = {pair.partition("=")[0].strip() for field in own for pair in field.split(";")}
    return "; ".join([*own, *(pair for pair in cookies if pair.partition("=")[0] not in names)])


def without_body_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request that are not about its body."""
    return tuple(pair for pair in headers if pair[0].lower() not in _BODY_HEADERS)


def _without_body_headers(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    return CIMultiDict(without_body_headers(headers.items()))


def _basic(login: Login) -> str:
    """Return the Authorization field for user and password (RFC 7617)."""
    return f"Basic {base64.b64encode(login.user + b':' + login.password).decode('ascii')}"


def _request_target(url: Url) -> str:
    """Return path and query, as they are sent."""
    return f"/{url.partition('//')[2].partition('/')[2]}"
