"""Pure: which part of a run a host belongs to.

A host belongs to one part, whatever it is asked for, so that its limits hold over all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Self

from downloader.web.urls import Url, hostname

#: Hosts are dealt out by so many groups, because a table of hosts would grow with the list.
_GROUPS = 4096


@lru_cache(maxsize=2**16)
def shard_of(host: str, shards: int) -> int:
    """Return which of so many parts *host* (see :func:`downloader.web.urls.host`) belongs to.

    It is the same in every process, on every machine and for every version of Python.

    Example:
        >>> shard_of("www.python.org", 4), shard_of("docs.python.org", 4)
        (0, 3)
    """
    digest = blake2b(host.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several runs that share a list, and do not know of each other.

    A host belongs to one of them, by its name alone: all its ports are one machine's, and which
    names are one owner's is only told by a list that changes.

    Attributes:
        number: which of them this is, from 1 on.
        count: how many there are.

    Raises:
        ValueError: there is no such one.

    Example:
        >>> Shard.parse("4/4").owns(Url("https://docs.python.org/3/"))
        True
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        """Check that there is such a shard."""
        if not 1 <= self.number <= self.count:
            raise ValueError(f"there is no shard {self}: the first of N is 1/N, the last N/N")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that is written ``K/N``.

        Raises:
            ValueError: it is none.
        """
        number, slash, count = text.strip().partition("/")
        if not (slash and number.isdecimal() and count.isdecimal()):
            raise ValueError(f"{text!r} is not of the form K/N, such as 1/4")
        return cls(int(number), int(count))

    def owns(self, url: Url) -> bool:
        """Return whether the host of *url* is this run's."""
        return shard_of(hostname(url).removesuffix("."), self.count) == self.number - 1


def group_of(host: str) -> int:
    """Return which group of hosts *host* is dealt out with."""
    return shard_of(host, _GROUPS)


class HostDealer:
    """Deals hosts out to parts that begin together, to each the next when it has least to do.

    A hash alone would give both of two hosts to one of two processes every other time.
    """

    def __init__(self) -> None:
        self._owners: dict[int, int] = {}

    def owner(self, host: str, loads: Sequence[int]) -> int:
        """Return the part that *host* belongs to, now and later; *loads* is what each has to do."""
        group = group_of(host)
        owner = self._owners.get(group)
        if owner is None:
            owner = self._owners[group] = loads.index(min(loads))
        return owner
