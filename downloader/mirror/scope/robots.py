"""robots.txt (RFC 9309): read by protego, asked for once for each origin.

Nothing here opens a connection: a :class:`RobotsCache` is given the function that fetches.
"""

import asyncio
import codecs
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protego import Protego

from downloader.errors import RedirectError, RobotsError, UrlError
from downloader.web.urls import Url, origin, split

#: How much of a file is read (RFC 9309, 2.5: at least 500 kibibytes).
LIMIT = 500 * 1024
HINT = "see --no-robots"
#: Bytes of all files that are kept; parsed, rules take some 50 times as much.
_MOST_BYTES = 2 * LIMIT
#: Seconds for which an answer holds (RFC 9309, 2.4: no more than 24 hours), one that forbids
#: everything because the server failed, and a failure that may pass when it is tried again.
_KEPT, _UNREACHABLE_KEPT, _FAULT_KEPT = 24 * 3600.0, 600.0, 1.0
#: Seconds between two requests that a site may ask for; more would be to hold up the run for ever.
LONGEST_DELAY = 60.0
_TOKEN = re.compile(r"[A-Za-z_-]+")
#: How browsers' look-alikes name themselves: ``Mozilla/5.0 (compatible; Example/1.0)``.
_COMPATIBLE = re.compile(r"\bcompatible;\s*([A-Za-z_-]+)", re.IGNORECASE)
_AGENT = re.compile(r"^([ \t]*user[- ]?agent[ \t]*[: \t])([^\r\n#]*)", re.IGNORECASE | re.MULTILINE)
#: What protego is told of robots: this one, and all the others, which are one to us.
_OURS, _OTHERS = "ours", "others"
_FOREIGN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOREIGN_BYTES = re.compile(rb"[\x80-\xff]")

#: Fetches ``ORIGIN/robots.txt``, following at least five redirects (RFC 9309, 2.3.1.2), and
#: returns the last status and the body, of which no more than LIMIT bytes are looked at. Raises
#: RedirectError when the redirects lead nowhere, another UrlError when there is no answer.
Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]


class RobotsRules:
    """What one robots.txt says to one robot.

    Attributes:
        refused: why nothing is allowed, whatever the file says; an empty string otherwise.
        size: bytes of the file that were read.
        crawl_delay: seconds that the site wants between two requests, at most LONGEST_DELAY.
    """

    def __init__(self, body: bytes = b"", user_agent: str = "", *, refused: str = "") -> None:
        """Read the bytes of a file; whatever they are, this does not fail.

        *user_agent* is the field that the robot sends.
        """
        self.refused = refused
        self.size = min(len(body), LIMIT)
        self._parsed = Protego.parse(_text(body, product(user_agent)))
        delay = self._parsed.crawl_delay(_OURS)
        self.crawl_delay = None if delay is None else min(delay, LONGEST_DELAY)

    @classmethod
    def answered(cls, status: int, body: bytes, user_agent: str) -> "RobotsRules":
        """Return the rules after an answer with *status* (RFC 9309, 2.3.1).

        A client error means that there are none, and so do too many redirects; a server error
        that nothing is allowed. 429 is a client error that says to stay away, and is taken so.
        """
        if 200 <= status < 300:
            return cls(body, user_agent)
        if 300 <= status < 500 and status != 429:
            return cls()
        return cls(refused=f"robots.txt was answered with {status}, which forbids everything")

    def allowed(self, url: Url) -> bool:
        """Return whether the robot may ask for *url*."""
        if self.refused:
            return False
        _, path, query = split(url)
        # Rules are about paths. The host is left out, because protego splits an address its way.
        address = f"http://host{path}?{query}" if "?" in url else f"http://host{path}"
        return self._parsed.can_fetch(address, _OURS)


@dataclass(slots=True)
class _OriginEntry:
    """What is known of one origin; the lock is held while it is asked."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: RobotsRules | UrlError | None = None
    until: float = 0.0


class RobotsCache:
    """The rules of many sites, for one robot.

    One request for each origin is made at a time, and its answer holds for all who wait; when the
    one who asks is cancelled, the next one asks. The answers of the last *most* origins are kept,
    or of fewer if they are large.
    """

    def __init__(
        self,
        fetch: Fetch,
        user_agent: str,
        *,
        most: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._agent = user_agent
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[str, _OriginEntry] = OrderedDict()

    async def rules(self, url: Url) -> RobotsRules:
        """Return the rules of the site of *url*, which is asked for them if need be.

        Raises:
            UrlError: the site gives no answer, to this or to anything else.
        """
        site = origin(url)
        entry = self._entries.get(site)
        if entry is None:
            entry = self._entries[site] = _OriginEntry()
        self._entries.move_to_end(site)
        async with entry.lock:
            answer = entry.answer
            if answer is None or self._clock() >= entry.until:
                answer, kept = await self._ask(site)
                entry.answer, entry.until = answer, self._clock() + kept
                self._forget()
        if isinstance(answer, UrlError):
            # It is raised many times, and each time would add to its traceback.
            raise answer.with_traceback(None)
        return answer

    async def check(self, url: Url) -> RobotsRules:
        """Return the rules of the site of *url* if they allow it.

        Raises:
            RobotsError: they do not.
            UrlError: the site gives no answer, to this or to anything else. RFC 9309, 2.3.1.4,
                has nothing asked for then; the error says why, and whether it may pass.
        """
        rules = await self.rules(url)
        if not rules.allowed(url):
            raise RobotsError(rules.refused or "robots.txt disallows it", hint=HINT)
        return rules

    async def _ask(self, site: str) -> tuple[RobotsRules | UrlError, float]:
        """Return what the site says, and for how many seconds that holds."""
        try:
            rules = RobotsRules.answered(*await self._fetch(site), self._agent)
        except RedirectError:
            return RobotsRules(), _KEPT
        except UrlError as error:
            return error, _FAULT_KEPT if error.retryable else _UNREACHABLE_KEPT
        return rules, _UNREACHABLE_KEPT if rules.refused else _KEPT

    def _forget(self) -> None:
        """Drop the oldest answers, but none that is being asked for."""
        size = sum(map(_size, self._entries.values()))
        idle = [site for site, entry in self._entries.items() if not entry.lock.locked()]
        for site in idle:
            if len(self._entries) <= self._most and size <= _MOST_BYTES:
                return
            size -= _size(self._entries.pop(site))


def _size(entry: _OriginEntry) -> int:
    return entry.answer.size if isinstance(entry.answer, RobotsRules) else 0


def product(user_agent: str) -> str:
    """Return the product token by which sites name a robot (RFC 9309, 2.2.1), in lower case.

    >>> product("download/0.1.0 (concurrent website downloader)")
    'download'
    >>> product("Mozilla/5.0 (compatible; Example-Bot/2.1)")
    'example-bot'
    """
    match = _COMPATIBLE.search(user_agent)
    token = match[1] if match else _TOKEN.match(user_agent.strip())
    return (token if isinstance(token, str) else token[0] if token else "").lower()


def _text(body: bytes, product: str) -> str:
    """Return the text of a file as ASCII, with line ends that everybody takes for such.

    The file is UTF-8, but what is not is kept as the bytes that stand in addresses (RFC 9309,
    2.2.2: octets outside US-ASCII are compared percent-encoded). Control characters are encoded,
    too, because ``str.splitlines`` would end lines at some of them.
    """
    cut = len(body) > LIMIT
    body = body[:LIMIT]
    if cut:
        # Half a rule may say the opposite of the whole one.
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if body.startswith(mark):
            body = body[2:].decode(encoding, "replace").encode("utf-8", "replace")
    body = body.removeprefix(codecs.BOM_UTF8)
    text = _FOREIGN_BYTES.sub(lambda match: b"%%%02X" % match[0][0], body).decode("ascii")
    text = _FOREIGN.sub(lambda match: f"%{ord(match[0]):02X}", text)
    return _AGENT.sub(lambda match: match[1] + _named(match[2], product), text)


def _named(value: str, product: str) -> str:
    """Return what protego is told instead of the value of a ``User-agent`` line.

    By itself it would take ``d`` for ``download``, and not take ``download/2`` for it; and the
    rules of a group are kept once for each robot of it, so that a file of 100 kilobytes with many
    robots would take a gigabyte.
    """
    value = value.strip()
    if value.startswith("*") and not _TOKEN.match(value[1:2]):
        return "*"
    token = _TOKEN.match(value.lstrip("*"))
    return _OURS if token and token[0].lower() == product else _OTHERS
