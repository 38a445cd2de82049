"""Pure: which part of a run a host belongs to.

A host belongs to one part, whatever it is asked for, so that its limits hold over all of them.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

#: Hosts are dealt out by so many groups, because a table of hosts would grow with the list.
_GROUPS = 4096


@lru_cache(maxsize=2**16)
def shard_of(host: str, shards: int) -> int:
    """Return which of so many parts *host* (see :func:`downloader.urls.host`) belongs to.

    It is the same in every process, on every machine and for every version of Python.

    Example:
        >>> shard_of("www.python.org", 4), shard_of("docs.python.org", 4)
        (0, 3)
    """
    digest = blake2b(host.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % shards


def group_of(host: str) -> int:
    """Return which group of hosts *host* is dealt out with."""
    return shard_of(host, _GROUPS)


class Dealer:
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
