"""robots.txt (RFC 9309): parsed by protego, fetched once for each origin.

Nothing here opens a connection: a :class:`RobotsCache` is given the function that fetches.
"""

import asyncio
import codecs
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from protego import Protego

from downloader.errors import RedirectError, UrlError
from downloader.web.urls import Url, origin, split

#: Bytes of a file that are read (RFC 9309, 2.5: at least 500 kibibytes).
MAX_ROBOTS_BYTES = 500 * 1024
#: The longest Crawl-delay that is kept; with a longer one, a site could hold up the run for ever.
MAX_CRAWL_DELAY_SECONDS = 60.0
#: Rules for this robot that are used, and how many of these may have wildcards: all of the latter
#: are tried for each URL.
MAX_RULES, MAX_WILDCARD_RULES = 10_000, 2000
#: Larger files are parsed in a thread, and so is what their rules say about many URLs.
_LARGE_BYTES = 16 * 1024
_MAX_MATCHES_AT_ONCE = 20_000
#: Bytes of the files whose rules are cached; parsed, they take some 50 times as much.
_MAX_CACHED_BYTES = 2 * MAX_ROBOTS_BYTES
#: How long an answer is cached (RFC 9309, 2.4: no more than 24 hours).
_CACHED_SECONDS = 24 * 3600.0
#: The same for a server that failed, so that everything is disallowed.
_UNREACHABLE_CACHED_SECONDS = 600.0
#: The same for a failure that a new attempt may not have.
_TRANSIENT_FAILURE_CACHED_SECONDS = 1.0
_PRODUCT_TOKEN = re.compile(r"[A-Za-z_-]+")
#: A robot that calls itself compatible with a browser: ``Mozilla/5.0 (compatible; Example/1.0)``.
_COMPATIBLE = re.compile(r"\bcompatible;\s*([A-Za-z_-]+)", re.IGNORECASE)
_USER_AGENT_LINE = re.compile(
    r"^([ \t]*user[- ]?agent[ \t]*[: \t])([^\r\n#]*)", re.IGNORECASE | re.MULTILINE
)
#: Sites with too many rules that are named.
_MAX_WARNINGS = 20
#: The names that protego gets for this robot, and for all others, whose rules are not used.
_OUR_NAME, _OTHER_NAME = "ours", "others"
#: Lines that may stand anywhere, even between the names of the robots of a group.
_LINES_OF_NO_GROUP = ("sitemap", "site-map", "host")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NON_ASCII_BYTE = re.compile(rb"[\x80-\xff]")

#: Fetches ``ORIGIN/robots.txt``, following at least five redirects (RFC 9309, 2.3.1.2). Returns
#: the last status and the body, of which MAX_ROBOTS_BYTES are used. Raises RedirectError if the
#: redirects lead nowhere, another UrlError if there is no response.
FetchRobots = Callable[[str], Awaitable[tuple[int, bytes]]]


class RobotsRules:
    """The rules of one robots.txt for one robot.

    Attributes:
        unavailable: why everything is disallowed whatever the file says; empty otherwise.
        size: bytes of the file that were read.
        is_cut: whether the file has more rules for the robot than are used.
        crawl_delay: seconds that the site wants between requests, at most
            MAX_CRAWL_DELAY_SECONDS; None if it does not say.
    """

    def __init__(self, body: bytes = b"", user_agent: str = "", *, unavailable: str = "") -> None:
        """Parse the bytes of a file; no bytes make this fail.

        *user_agent* is the ``User-Agent`` field that the robot sends.
        """
        self.unavailable = unavailable
        self.size = min(len(body), MAX_ROBOTS_BYTES)
        text, self._rule_count, self.is_cut = _first_rules(
            _prepare(body, product_token(user_agent))
        )
        self._parser = Protego.parse(text)
        delay = self._parser.crawl_delay(_OUR_NAME)
        self.crawl_delay = None if delay is None else min(delay, MAX_CRAWL_DELAY_SECONDS)

    @classmethod
    def from_response(cls, status: int, body: bytes, user_agent: str) -> "RobotsRules":
        """Return the rules that a response stands for (RFC 9309, 2.3.1).

        After a client error or too many redirects everything is allowed, after a server error
        nothing. 429 asks a client to stay away and is treated like a server error.
        """
        if 200 <= status < 300:
            return cls(body, user_agent)
        if 300 <= status < 500 and status != 429:
            return cls()
        return cls(unavailable=f"robots.txt was answered with {status}, which forbids everything")

    async def allow(self, addresses: Sequence[Url]) -> list[bool]:
        """Return for each URL whether the robot may request it."""

        def decide() -> list[bool]:
            return [self.allows(url) for url in addresses]

        if self._rule_count * len(addresses) <= _MAX_MATCHES_AT_ONCE:
            return decide()
        return await asyncio.to_thread(decide)

    def allows(self, url: Url) -> bool:
        """Return whether the robot may request *url*."""
        if self.unavailable:
            return False
        _, path, query = split(url)
        # Rules are about paths. protego splits URLs in its own way, so it gets a plain host.
        simple_url = f"http://host{path}?{query}" if "?" in url else f"http://host{path}"
        return self._parser.can_fetch(simple_url, _OUR_NAME)


@dataclass(slots=True)
class _OriginEntry:
    """The cached answer of one origin; the lock is held while it is fetched."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: RobotsRules | UrlError | None = None
    expires: float = 0.0


class RobotsCache:
    """The rules of many sites, for one robot.

    An origin is asked once at a time, and its answer holds for all who wait; if the task that
    asks is cancelled, the next one asks. The answers of the last *max_origins* origins are
    cached, or of fewer if they are large.
    """

    def __init__(
        self,
        fetch: FetchRobots,
        user_agent: str,
        *,
        max_origins: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._user_agent = user_agent
        self._max_origins = max_origins
        self._clock = clock
        self._entries: OrderedDict[str, _OriginEntry] = OrderedDict()
        self._cached_bytes = 0
        self._cut_sites: dict[str, None] = {}

    @property
    def warnings(self) -> list[str]:
        """Warnings so far, one line each: the first sites that have more rules than are used."""
        return [
            f"{site}/robots.txt has more rules than are used ({MAX_RULES:,}, of which "
            f"{MAX_WILDCARD_RULES:,} with wildcards); the others are ignored"
            for site in self._cut_sites
        ]

    async def rules(self, url: Url) -> RobotsRules:
        """Return the rules of the site of *url*, fetched if need be.

        Raises:
            UrlError: the site cannot be reached; the error says why, and whether to retry. In this
                case nothing may be requested (RFC 9309, 2.3.1.4).
        """
        site = origin(url)
        entry = self._entries.get(site)
        if entry is None:
            entry = self._entries[site] = _OriginEntry()
        self._entries.move_to_end(site)
        async with entry.lock:
            answer = entry.answer
            if answer is None or self._clock() >= entry.expires:
                answer, seconds = await self._ask(site)
                self._cached_bytes += _size(answer) - _size(entry.answer)
                entry.answer, entry.expires = answer, self._clock() + seconds
                self._evict()
        if isinstance(answer, UrlError):
            # The same error is raised many times, and each time would add to its traceback.
            raise answer.with_traceback(None)
        return answer

    async def _ask(self, site: str) -> tuple[RobotsRules | UrlError, float]:
        """Return the answer of a site, and for how many seconds it is cached."""
        try:
            status, body = await self._fetch(site)
            if len(body) < _LARGE_BYTES:
                rules = RobotsRules.from_response(status, body, self._user_agent)
            else:
                rules = await asyncio.to_thread(
                    RobotsRules.from_response, status, body, self._user_agent
                )
        except RedirectError:
            return RobotsRules(), _CACHED_SECONDS
        except UrlError as error:
            return error, (
                _TRANSIENT_FAILURE_CACHED_SECONDS
                if error.retryable
                else _UNREACHABLE_CACHED_SECONDS
            )
        if rules.is_cut and len(self._cut_sites) < _MAX_WARNINGS:
            self._cut_sites[site] = None
        return rules, _UNREACHABLE_CACHED_SECONDS if rules.unavailable else _CACHED_SECONDS

    def _evict(self) -> None:
        """Drop the least recently used answers, but none that is being fetched."""
        busy = 0
        while len(self._entries) > self._max_origins or self._cached_bytes > _MAX_CACHED_BYTES:
            if busy == len(self._entries):
                return
            site, entry = self._entries.popitem(last=False)
            if entry.lock.locked():
                self._entries[site] = entry
                busy += 1
            else:
                self._cached_bytes -= _size(entry.answer)


def _size(answer: RobotsRules | UrlError | None) -> int:
    return answer.size if isinstance(answer, RobotsRules) else 0


def product_token(user_agent: str) -> str:
    """Return the product token by which sites name a robot (RFC 9309, 2.2.1), in lower case.

    >>> product_token("download-sites/0.1.0 (concurrent website downloader)")
    'download-sites'
    >>> product_token("Mozilla/5.0 (compatible; Example-Bot/2.1)")
    'example-bot'
    """
    compatible = _COMPATIBLE.search(user_agent)
    if compatible:
        return compatible[1].lower()
    token = _PRODUCT_TOKEN.match(user_agent.strip())
    return token[0].lower() if token else ""


def _prepare(body: bytes, our_token: str) -> str:
    """Return a file as ASCII text that protego reads as RFC 9309 says.

    Bytes outside ASCII are percent-encoded, as they are in URLs (RFC 9309, 2.2.2). So are control
    characters, because ``str.splitlines`` would end lines at some of them.
    """
    is_truncated = len(body) > MAX_ROBOTS_BYTES
    body = body[:MAX_ROBOTS_BYTES]
    if is_truncated:
        # Half a rule may say the opposite of the whole one.
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if body.startswith(mark):
            body = body[2:].decode(encoding, "replace").encode("utf-8", "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    text = _NON_ASCII_BYTE.sub(lambda match: b"%%%02X" % match[0][0], body).decode("ascii")
    text = _CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", text)
    return _USER_AGENT_LINE.sub(lambda match: match[1] + _robot_name(match[2], our_token), text)


def _first_rules(text: str) -> tuple[str, int, bool]:
    """Return a prepared file with as many rules for this robot as are used.

    Returns:
        the text, the number of these rules, and whether there were more.
    """
    lines = list[str]()
    rules = wildcard_rules = 0
    is_cut = is_ours = in_agents = False
    for line in text.splitlines():
        agent = _USER_AGENT_LINE.match(line)
        if agent:
            is_ours = (in_agents and is_ours) or agent[2].strip() in {_OUR_NAME, "*"}
            in_agents = True
        elif is_ours and (content := line.partition("#")[0].strip()):
            in_agents = in_agents and content.lower().startswith(_LINES_OF_NO_GROUP)
            has_wildcard = "*" in content
            if rules >= MAX_RULES or (has_wildcard and wildcard_rules >= MAX_WILDCARD_RULES):
                is_cut = True
                continue
            rules += 1
            wildcard_rules += has_wildcard
        elif line.strip():
            in_agents = False
        lines.append(line)
    return "\n".join(lines), rules, is_cut


def _robot_name(value: str, our_token: str) -> str:
    """Return the name that replaces the value of a ``User-agent`` line for protego.

    protego would take ``d`` for ``download-sites``, and not ``download-sites/2``. It also keeps
    the rules of a group once for each of its robots, so that a file of 100 kilobytes with many
    robots would take a gigabyte.
    """
    value = value.strip()
    if value.startswith("*") and not _PRODUCT_TOKEN.match(value[1:2]):
        return "*"
    token = _PRODUCT_TOKEN.match(value.lstrip("*"))
    return _OUR_NAME if token and token[0].lower() == our_token else _OTHER_NAME
