"""robots.txt (RFC 9309): read by protego, asked for once for each origin.

Nothing here opens a connection: whoever makes a :class:`Robots` gives the function that fetches.
"""

import asyncio
import codecs
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from protego import Protego

from downloader.errors import RobotsError, UrlError
from downloader.urls import Url, origin, split

#: How much of a file is read (RFC 9309, 2.5: at least 500 kibibytes).
LIMIT = 500 * 1024
HINT = "see --no-robots"
#: Bytes of all files that are kept; parsed, rules take some 50 times as much.
_MOST_BYTES = 4 * LIMIT
#: Seconds for which an answer holds (RFC 9309, 2.4: no more than 24 hours), and no answer does.
_KEPT, _UNREACHABLE_KEPT = 24 * 3600.0, 600.0
_TOKEN = re.compile(r"[A-Za-z_-]+")
#: How browsers' look-alikes name themselves: ``Mozilla/5.0 (compatible; Example/1.0)``.
_COMPATIBLE = re.compile(r"\bcompatible;\s*([A-Za-z_-]+)", re.IGNORECASE)
_AGENT = re.compile(r"^([ \t]*user[- ]?agent[ \t]*[: \t])([^\r\n#]*)", re.IGNORECASE | re.MULTILINE)
_FOREIGN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FOREIGN_BYTES = re.compile(rb"[\x80-\xff]")

#: Fetches ``ORIGIN/robots.txt``, following at least five redirects (RFC 9309, 2.3.1.2), and
#: returns the last status and the body, of which no more than LIMIT bytes are looked at. Raises
#: UrlError when there is no answer.
Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]


class Rules:
    """What one robots.txt says.

    Attributes:
        refused: why nothing is allowed, whatever the file says; an empty string otherwise.
        size: bytes of the file that were read.
    """

    def __init__(self, body: bytes = b"", *, refused: str = "") -> None:
        """Read the bytes of a file; whatever they are, this does not fail."""
        self.refused = refused
        self.size = min(len(body), LIMIT)
        self._parsed = Protego.parse(_text(body))

    @classmethod
    def answered(cls, status: int, body: bytes) -> "Rules":
        """Return the rules after an answer with *status* (RFC 9309, 2.3.1).

        A client error means that there are none, and so do too many redirects; a server error
        that nothing is allowed. 429 is a client error that says to stay away, and is taken so.
        """
        if 200 <= status < 300:
            return cls(body)
        if 300 <= status < 500 and status != 429:
            return cls()
        return cls(refused=f"robots.txt was answered with {status}, which forbids everything")

    def allowed(self, url: Url, user_agent: str) -> bool:
        """Return whether a robot that sends this User-Agent may ask for *url*."""
        if self.refused:
            return False
        _, path, query = split(url)
        # Rules are about paths. The host is left out, because protego splits an address its way.
        address = f"http://host{path}?{query}" if "?" in url else f"http://host{path}"
        return self._parsed.can_fetch(address, _marked(product(user_agent)))

    def crawl_delay(self, user_agent: str) -> float | None:
        """Return the seconds that the site wants between two requests, or None."""
        return self._parsed.crawl_delay(_marked(product(user_agent)))


@dataclass(slots=True)
class _Entry:
    """What is known of one origin; the lock is held while it is asked."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules: Rules | None = None
    until: float = 0.0


class Robots:
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
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    async def rules(self, url: Url) -> Rules:
        """Return the rules of the site of *url*, which is asked for them if need be."""
        site = origin(url)
        entry = self._entries.get(site)
        if entry is None:
            entry = self._entries[site] = _Entry()
        self._entries.move_to_end(site)
        async with entry.lock:
            if entry.rules is None or self._clock() >= entry.until:
                entry.rules, kept = await self._ask(site)
                entry.until = self._clock() + kept
                self._forget()
            return entry.rules

    async def allowed(self, url: Url) -> bool:
        """Return whether the site allows *url*."""
        return (await self.rules(url)).allowed(url, self._agent)

    async def check(self, url: Url) -> None:
        """Do nothing if the site allows *url*.

        Raises:
            RobotsError: it does not.
        """
        rules = await self.rules(url)
        if not rules.allowed(url, self._agent):
            raise RobotsError(rules.refused or "robots.txt disallows it", hint=HINT)

    async def crawl_delay(self, url: Url) -> float | None:
        """Return the seconds that the site of *url* wants between two requests, or None."""
        return (await self.rules(url)).crawl_delay(self._agent)

    async def _ask(self, site: str) -> tuple[Rules, float]:
        try:
            rules = Rules.answered(*await self._fetch(site))
        except UrlError as error:
            # RFC 9309, 2.3.1.4: what cannot be reached allows nothing.
            rules = Rules(refused=f"robots.txt cannot be fetched: {error.message}")
        return rules, _UNREACHABLE_KEPT if rules.refused else _KEPT

    def _forget(self) -> None:
        """Drop the oldest answers; who is being asked must not be asked twice."""
        size = sum(entry.rules.size for entry in self._entries.values() if entry.rules)
        idle = [site for site, entry in self._entries.items() if not entry.lock.locked()]
        for site in idle:
            if len(self._entries) <= self._most and size <= _MOST_BYTES:
                return
            rules = self._entries.pop(site).rules
            size -= rules.size if rules else 0


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


def _text(body: bytes) -> str:
    r"""Return the text of a file as ASCII, with line ends that everybody takes for such.

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
    return _AGENT.sub(lambda match: match[1] + _line_agent(match[2]), text)


def _line_agent(value: str) -> str:
    """Return what a ``User-agent`` line names, so that protego finds it equal or not at all.

    By itself protego would take ``d`` for ``download``, and not take ``download/2`` for it.
    """
    value = value.strip()
    if value.startswith("*") and not _TOKEN.match(value[1:2]):
        return "*"
    token = _TOKEN.match(value.lstrip("*"))
    return _marked(token[0].lower()) if token else "="


def _marked(token: str) -> str:
    return f"={token}="
