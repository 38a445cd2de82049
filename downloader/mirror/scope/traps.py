"""Bounds for sites that have no end: calendars, loops of relative links, filters that combine.

Nobody means to catch crawlers; such sites simply make up a page for every address. So nothing
here judges a page, only addresses, and each bound is far above what documents for people need.
"""

import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from downloader.web.urls import Url, split

_DIGITS = re.compile(r"[0-9]+")
#: A year and a month, in a path, in a query or within one name: 2024/05, 2024-05, y=2024&m=5.
_DATE = re.compile(r"(?<![0-9])(?:19|20|21)[0-9]{2}(?:[^0-9]{1,12})(?:0?[1-9]|1[0-2])(?![0-9])")

#: What was escaped three times: a query that holds an address, whose query holds an address …
_NESTED = re.compile(r"%2525[0-9A-Fa-f]{2}")


class TrapReason(StrEnum):
    """Why an address looks like a trap; the values are for people."""

    LENGTH = "the address is too long"
    DEPTH = "the path has too many parts"
    REPEATS = "parts of the path repeat"
    QUERY_LOOP = "the query repeats itself"
    QUERIES = "too many queries of one path"
    DATES = "too many dates of one calendar"


@dataclass(frozen=True, slots=True)
class TrapLimits:
    """What is still believed.

    Attributes:
        length: characters of an address; RFC 9110, 4.1, has 8000 supported, and no link that is
            meant for people comes near the default.
        depth: parts of a path.
        repeats: how often a sequence of parts may stand one after another; one more is allowed
            for a part that comes again with others between, and for a parameter of the query that
            comes again with the same value.
        queries: how many queries of one path are followed.
        dates: how many addresses that differ only in the numbers of a date.
        remembered: for so many paths queries and dates are counted, the ones asked for last.
    """

    length: int = 2000
    depth: int = 20
    repeats: int = 2
    queries: int = 1000
    dates: int = 1000
    remembered: int = 10_000


class TrapDetector:
    """Counts what was followed.

    Ask once for each address that is new: asking is what counts. Memory is bounded by
    :attr:`TrapLimits.remembered`, whatever the number of addresses.
    """

    def __init__(self, bounds: TrapLimits | None = None) -> None:
        self._bounds = bounds or TrapLimits()
        self._queries = _Counts(self._bounds.remembered)
        self._dates = _Counts(self._bounds.remembered)

    def trap(self, url: Url) -> TrapReason | None:
        """Return why *url* is not to be followed, or None and count it."""
        bounds = self._bounds
        if len(url) > bounds.length:
            return TrapReason.LENGTH
        authority, path, query = split(url)
        parts = path.strip("/").split("/")
        if len(parts) > bounds.depth:
            return TrapReason.DEPTH
        if _repeats(parts, bounds.repeats):
            return TrapReason.REPEATS
        if query and _loops(query, bounds.repeats):
            return TrapReason.QUERY_LOOP
        found = _DATE.search(f"{path}?{query}") is not None
        shape = _DIGITS.sub("0", f"{authority}{path}?{query}")
        if found and self._dates.get(shape) >= bounds.dates:
            return TrapReason.DATES
        if query and self._queries.get(authority + path) >= bounds.queries:
            return TrapReason.QUERIES
        if found:
            self._dates.add(shape)
        if query:
            self._queries.add(authority + path)
        return None


class _Counts:
    """Counts by key, of the keys that were used last.

    Keys are kept as hashes: that two are taken for one only makes a bound a little tighter.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: OrderedDict[int, int] = OrderedDict()

    def get(self, key: str) -> int:
        return self._counts.get(hash(key), 0)

    def add(self, key: str) -> None:
        number = hash(key)
        self._counts[number] = self._counts.pop(number, 0) + 1
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)


def _repeats(parts: list[str], most: int) -> bool:
    """Return whether a sequence of parts stands more than *most* times in a row.

    Numbers do not count: ``/11/11/11`` is a date.
    """
    words = [part if not part.isdigit() else f"{part}#{place}" for place, part in enumerate(parts)]
    if len(words) == len(set(words)):
        return False
    if any(words.count(word) > most + 1 for word in set(words)):
        return True
    for size in range(1, len(words) // (most + 1) + 1):
        run = 0
        for place in range(size, len(words)):
            run = run + 1 if words[place] == words[place - size] else 0
            if run >= size * most:
                return True
    return False


def _loops(query: str, most: int) -> bool:
    """Return whether a query grew by being put behind, or into, one that was there before."""
    if _NESTED.search(query):
        return True
    pairs = Counter(pair for pair in query.split("&") if pair)
    return any(times > most + 1 for times in pairs.values())
