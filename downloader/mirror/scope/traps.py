"""Crawler traps: sites without end, such as calendars, loops of relative links, combined filters.

Such a site makes up a page for every URL, mostly without meaning to. So pages are not judged, only
URLs, and each limit is far above what documents for people need.
"""

import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from downloader.web.urls import Url, split

_DIGITS = re.compile(r"[0-9]+")
#: A year and a month, in a path, in a query or within one name: 2024/05, 2024-05, y=2024&m=5.
_DATE = re.compile(r"(?<![0-9])(?:19|20|21)[0-9]{2}(?:[^0-9]{1,12})(?:0?[1-9]|1[0-2])(?![0-9])")
#: An escape that was escaped twice more: a query with a URL, whose query has a URL …
_NESTED_ESCAPE = re.compile(r"%2525[0-9A-Fa-f]{2}")


class TrapReason(StrEnum):
    """Why a URL looks like a trap; the values are for people."""

    LENGTH = "the URL is too long"
    DEPTH = "the path has too many segments"
    REPEATS = "segments of the path repeat"
    QUERY_LOOP = "the query repeats itself"
    QUERIES = "too many queries of one path"
    DATES = "too many dates of one calendar"


@dataclass(frozen=True, slots=True)
class TrapLimits:
    """Limits beyond which a URL is taken for a trap.

    Attributes:
        max_url_length: characters of a URL; servers are to support 8000 (RFC 9110, 4.1), and no
            link for people comes near the default.
        max_path_segments: segments of a path.
        max_repeats: how often a sequence of segments may follow itself. One more is allowed for a
            segment that returns after others, and for a parameter of the query that returns with
            the same value.
        max_queries_per_path: queries of one path that are followed; None for no limit.
        max_dates_per_shape: URLs that differ only in the numbers of a date; None for no limit.
        max_counted_paths: paths whose queries and dates are counted, the most recent ones.
    """

    max_url_length: int = 2000
    max_path_segments: int = 20
    max_repeats: int = 2
    max_queries_per_path: int | None = 10_000
    max_dates_per_shape: int | None = 1000
    max_counted_paths: int = 10_000


class TrapDetector:
    """Recognises traps by the URLs that it was asked about before.

    Each new URL is to be checked once, because a check counts it. Memory is bounded by
    :attr:`TrapLimits.max_counted_paths`, whatever the number of URLs.
    """

    def __init__(self, limits: TrapLimits | None = None) -> None:
        self._limits = limits or TrapLimits()
        self._queries = _RecentCounts(self._limits.max_counted_paths)
        self._dates = _RecentCounts(self._limits.max_counted_paths)

    def check(self, url: Url) -> TrapReason | None:
        """Return why *url* is not to be followed; otherwise count it and return None."""
        limits = self._limits
        if len(url) > limits.max_url_length:
            return TrapReason.LENGTH
        authority, path, query = split(url)
        segments = path.strip("/").split("/")
        if len(segments) > limits.max_path_segments:
            return TrapReason.DEPTH
        if _has_repeats(segments, limits.max_repeats):
            return TrapReason.REPEATS
        if query and _is_query_loop(query, limits.max_repeats):
            return TrapReason.QUERY_LOOP
        has_date = _DATE.search(f"{path}?{query}") is not None
        shape = _DIGITS.sub("0", f"{authority}{path}?{query}")
        if has_date and self._dates.is_reached(shape, limits.max_dates_per_shape):
            return TrapReason.DATES
        if query and self._queries.is_reached(authority + path, limits.max_queries_per_path):
            return TrapReason.QUERIES
        if has_date:
            self._dates.increment(shape)
        if query:
            self._queries.increment(authority + path)
        return None


class _RecentCounts:
    """Counts by key, for the most recently used keys.

    Only hashes of the keys are kept: a collision makes a limit a little tighter.
    """

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self._counts: OrderedDict[int, int] = OrderedDict()

    def is_reached(self, key: str, limit: int | None) -> bool:
        return limit is not None and self._counts.get(hash(key), 0) >= limit

    def increment(self, key: str) -> None:
        hashed = hash(key)
        self._counts[hashed] = self._counts.pop(hashed, 0) + 1
        if len(self._counts) > self._max_keys:
            self._counts.popitem(last=False)


def _has_repeats(segments: list[str], max_repeats: int) -> bool:
    """Return whether a sequence of segments stands more than *max_repeats* times in a row.

    Numbers do not count: ``/11/11/11`` is a date.
    """
    words = [
        segment if not segment.isdigit() else f"{segment}#{index}"
        for index, segment in enumerate(segments)
    ]
    if len(words) == len(set(words)):
        return False
    if any(words.count(word) > max_repeats + 1 for word in set(words)):
        return True
    for size in range(1, len(words) // (max_repeats + 1) + 1):
        repeated = 0
        for index in range(size, len(words)):
            repeated = repeated + 1 if words[index] == words[index - size] else 0
            if repeated >= size * max_repeats:
                return True
    return False


def _is_query_loop(query: str, max_repeats: int) -> bool:
    """Return whether a query was appended to, or nested in, an earlier one again and again."""
    if _NESTED_ESCAPE.search(query):
        return True
    parameters = Counter(parameter for parameter in query.split("&") if parameter)
    return any(count > max_repeats + 1 for count in parameters.values())
