"""Which entries of a list are this run's, when several runs share it."""

from collections.abc import Iterable, Iterator

from downloader.errors import ErrorKind
from downloader.models import Failed
from downloader.models.shards import Shard
from downloader.sources.entries import Entry


class ShardFilter:
    """The part of a list that is one shard's.

    A line that is no address has no host, and is the first shard's. That a list which the list
    names could not be fetched is everybody's: each of them misses lines of its own.

    Attributes:
        shard: which; None for all of the list.
        others: how many entries other shards have, of those that have been read.
    """

    def __init__(self, shard: Shard | None) -> None:
        self.others = 0
        self.shard = shard

    def of(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries that are this run's; without a shard, all."""
        if self.shard is None:
            yield from entries
            return
        for entry in entries:
            if _is_of(self.shard, entry):
                yield entry
            else:
                self.others += 1


def _is_of(shard: Shard, entry: Entry) -> bool:
    if isinstance(entry, Failed):
        return shard.number == 1 or entry.kind is not ErrorKind.BAD_URL
    return shard.owns(entry.url)
