"""The cookies of a run: those that the user gave, and those that servers set."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from downloader.http.cookies import Cookie, CookieKey, domains_of, parse_set_cookie, path_matches
from downloader.web import urls
from downloader.web.urls import Url

#: Cookies of one response that are stored.
_MAX_PER_RESPONSE = 150
#: Cookies of one domain; browsers keep 180.
_MAX_PER_DOMAIN = 150
#: Cookies of all domains together, and the bytes of their names, values and paths.
_MAX_COOKIES = 10_000
_MAX_TOTAL_BYTES = 8 * 1024**2
#: Bytes of a request's cookies; many servers refuse more in a field. curl sends as many.
_MAX_HEADER_BYTES = 8190

_Cookies = dict[CookieKey, Cookie]


@dataclass(frozen=True, slots=True)
class JarContents:
    """The cookies of a jar, for a jar in another process.

    Attributes:
        given: those that the user gave.
        received: those that servers set, the least recently used domain first.
    """

    given: tuple[Cookie, ...]
    received: tuple[Cookie, ...]


class CookieJar:
    """Cookies by the domain that they are sent to.

    Those that the user gave are sent only if they also belong to the host that the user named: a
    page, or a redirect, cannot send a browser's cookies to sites that have nothing to do with it.
    They are never dropped to make room.

    Args:
        clock: for tests; seconds since the epoch.

    Attributes:
        given: the cookies that the user gave and no server has replaced, by domain.
        received: the cookies that servers set, by domain; the least recently used domain first.
        records_changes: whether to keep what servers set for :meth:`take_changes`.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.given: dict[str, _Cookies] = {}
        self.received: OrderedDict[str, _Cookies] = OrderedDict()
        self.records_changes = False
        self._clock = clock
        self._changes: dict[tuple[str, CookieKey], Cookie] = {}
        self._count = 0
        self._bytes = 0

    @property
    def contents(self) -> JarContents:
        """The cookies of the jar; see :meth:`fill`."""
        given, received = (
            tuple(cookie for cookies in domains.values() for cookie in cookies.values())
            for domains in (self.given, self.received)
        )
        return JarContents(given, received)

    def fill(self, contents: JarContents) -> None:
        """Add the contents of another jar."""
        self.give(contents.given)
        self.apply_changes(contents.received)

    def give(self, cookies: Iterable[Cookie]) -> None:
        """Add cookies that the user gave; they replace those given before."""
        for cookie in cookies:
            self.given.setdefault(cookie.domain, {})[cookie.key] = cookie

    def __iter__(self) -> Iterator[Cookie]:
        """Iterate over the cookies that have not expired."""
        now = self._clock()
        for cookies in (*self.given.values(), *self.received.values()):
            for cookie in cookies.values():
                if not cookie.is_expired(now):
                    yield cookie

    def store(self, url: Url, fields: Iterable[str]) -> list[str]:
        """Store what the ``Set-Cookie`` *fields* of a response from *url* set.

        Returns:
            The cookies that were stored, as ``name=value``.
        """
        now = self._clock()
        secure = [] if url.startswith("https:") else self._secure_cookies(url)
        stored = []
        for field in islice(fields, _MAX_PER_RESPONSE):
            cookie = parse_set_cookie(field, url, now)
            if cookie is None or any(_hides(cookie, other) for other in secure):
                continue
            before = self._put(cookie, now)
            if before != cookie and self.records_changes:
                self._changes[cookie.domain, cookie.key] = cookie
            if not cookie.is_expired(now):
                stored.append(cookie.pair)
        self._make_room(urls.hostname(url), now)
        return stored

    def matching(self, url: Url, home: Url) -> list[str]:
        """Return the cookies of a request, as ``name=value`` (RFC 6265, section 5.4).

        Args:
            url: the URL of the request.
            home: the URL that the user named and that led to it.
        """
        host, named = urls.hostname(url), f".{urls.hostname(home)}"
        given: list[Cookie] = []
        received: list[Cookie] = []
        for domain in domains_of(host):
            if domain in self.given and named.endswith(f".{domain}"):
                at_home = named == f".{domain}"
                given += _of_host(self.given[domain], is_host=domain == host and at_home)
            if domain in self.received and len(received) < _MAX_PER_DOMAIN:
                self.received.move_to_end(domain)
                received += _of_host(self.received[domain], is_host=domain == host)
        if not given and not received:
            return []
        sent = self._sent(given, url)
        bytes_left = _MAX_HEADER_BYTES - sum(len(cookie.pair) + 2 for cookie in sent)
        for cookie in self._sent(received, url):
            bytes_left -= len(cookie.pair) + 2
            if bytes_left < 0:
                break
            sent.append(cookie)
        return [cookie.pair for cookie in sorted(sent, key=_path_order)]

    def _sent(self, cookies: Iterable[Cookie], url: Url) -> list[Cookie]:
        """Return those that path, time and TLS allow, the ones for the longest path first."""
        now, over_tls, path = self._clock(), url.startswith("https:"), urls.split(url)[1]
        allowed = [
            cookie
            for cookie in cookies
            if (over_tls or not cookie.secure)
            and path_matches(path, cookie.path)
            and not cookie.is_expired(now)
        ]
        return sorted(allowed, key=_path_order)

    def take_changes(self) -> list[Cookie]:
        """Return what servers have set since the last call; expired cookies are removed ones."""
        changes, self._changes = list(self._changes.values()), {}
        return changes

    def apply_changes(self, changes: Iterable[Cookie]) -> None:
        """Store what servers have set elsewhere: the :meth:`take_changes` of another jar."""
        now = self._clock()
        for cookie in changes:
            self._put(cookie, now)
            self._make_room(cookie.domain, now)

    def _put(self, cookie: Cookie, now: float) -> Cookie | None:
        """Add, replace or remove a cookie; return the one before it."""
        domain, key = cookie.domain, cookie.key
        given = self.given.get(domain)
        before = given.pop(key, None) if given else None
        if given is not None and not given:
            del self.given[domain]
        received = self.received.get(domain, {})
        if key in received:
            # Replaced in place: a cookie keeps its age (RFC 6265, section 5.3).
            before = received[key]
            self._count_bytes(before, -1)
        if not cookie.is_expired(now):
            received[key] = cookie
            self._count_bytes(cookie, 1)
            self.received[domain] = received
            self.received.move_to_end(domain)
        elif key in received:
            del received[key]
            if not received:
                del self.received[domain]
        return before

    def _count_bytes(self, cookie: Cookie, sign: int) -> None:
        self._count += sign
        self._bytes += sign * (len(cookie.name) + len(cookie.value) + len(cookie.path))

    def _secure_cookies(self, url: Url) -> list[Cookie]:
        """Return the cookies of a host and its domains that are only for TLS."""
        return [
            cookie
            for domain in domains_of(urls.hostname(url))
            for cookies in (self.given.get(domain, {}), self.received.get(domain, {}))
            for cookie in cookies.values()
            if cookie.secure
        ]

    def _make_room(self, host: str, now: float) -> None:
        """Drop cookies beyond the limits, after some were stored for *host* or its domains."""
        for domain in domains_of(host):
            cookies = self.received.get(domain, {})
            if len(cookies) > _MAX_PER_DOMAIN:
                self._shrink(cookies, now)
        while self._count > _MAX_COOKIES or self._bytes > _MAX_TOTAL_BYTES:
            _, dropped = self.received.popitem(last=False)
            for cookie in dropped.values():
                self._count_bytes(cookie, -1)

    def _shrink(self, cookies: _Cookies, now: float) -> None:
        """Drop expired cookies of a domain first, then those for any wire, then the oldest."""
        ranked = sorted(cookies.values(), key=lambda each: (not each.is_expired(now), each.secure))
        for cookie in ranked[: len(cookies) - _MAX_PER_DOMAIN]:
            del cookies[cookie.key]
            self._count_bytes(cookie, -1)


def _hides(cookie: Cookie, secure: Cookie) -> bool:
    """Return whether a cookie that came without TLS would hide one that is only for TLS.

    Whoever is between could plant it (RFC 6265bis, section 5.7).
    """
    return secure.name == cookie.name and path_matches(cookie.path, secure.path)


def _of_host(cookies: _Cookies, *, is_host: bool) -> list[Cookie]:
    """Return the cookies of a domain that its host gets, or else a subdomain."""
    return [cookie for cookie in cookies.values() if is_host or not cookie.host_only]


def _path_order(cookie: Cookie) -> int:
    """The key that sorts cookies for longer paths first (RFC 6265, section 5.4)."""
    return -len(cookie.path)
