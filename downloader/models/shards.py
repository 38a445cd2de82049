"""Distribute hosts over shards and processes.

All URLs of a host go to the same one, so that the limits per host hold over all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Self

from downloader.web.urls import Url, hostname

#: Parts that a cluster splits a list into, unless another number is given.
DEFAULT_CLUSTER_SHARDS = 64
#: Groups of hosts that are assigned together; a table of single hosts would grow with the list.
_HOST_GROUPS = 4096


@lru_cache(maxsize=2**16)
def shard_of(host: str, shards: int) -> int:
    """Return the shard of *host*, from 0 to *shards* - 1.

    The result is the same on every machine and for every version of Python.

    Example:
        >>> shard_of("www.python.org", 4), shard_of("docs.python.org", 4)
        (0, 3)
    """
    digest = blake2b(host.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several independent runs that share a list.

    A URL belongs to the shard of its host name, without the port, because all ports of a host are
    the same machine. Subdomains are separate hosts: which domains have one owner is known only from
    a list that changes (the Public Suffix List).

    Attributes:
        number: of this shard, from 1.
        count: of all shards.

    Raises:
        ValueError: the number is not between 1 and the count.

    Example:
        >>> Shard.parse("4/4").owns(Url("https://docs.python.org/3/"))
        True
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        """Validate the number."""
        if not 1 <= self.number <= self.count:
            raise ValueError(f"there is no shard {self}: the first of N is 1/N, the last N/N")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a shard that is written ``K/N``.

        Raises:
            ValueError: the text has another form, or K is not between 1 and N.
        """
        number, slash, count = text.strip().partition("/")
        if not (slash and number.isdecimal() and count.isdecimal()):
            raise ValueError(f"{text!r} is not of the form K/N, such as 1/4")
        return cls(int(number), int(count))

    def owns(self, url: Url) -> bool:
        """Return whether *url* belongs to this shard."""
        return shard_of(hostname(url).removesuffix("."), self.count) == self.number - 1


def host_group(host: str) -> int:
    """Return the number of the group of hosts that *host* is assigned with."""
    return shard_of(host, _HOST_GROUPS)


class HostAssignment:
    """Assigns hosts to processes: each new host to the process with the least load.

    By hash alone, two hosts would share one of two processes half of the time.
    """

    def __init__(self) -> None:
        self._owners: dict[int, int] = {}

    def owner(self, host: str, loads: Sequence[int]) -> int:
        """Return the process of *host*, the same in every call.

        Args:
            host: see :func:`downloader.web.urls.host`.
            loads: the number of transfers of each process.
        """
        group = host_group(host)
        owner = self._owners.get(group)
        if owner is None:
            owner = self._owners[group] = loads.index(min(loads))
        return owner
