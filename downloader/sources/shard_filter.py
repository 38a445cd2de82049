"""Which entries of a list belong to this run, when several runs share the list."""

from collections.abc import Iterable, Iterator

from downloader.errors import ErrorKind
from downloader.models import Failed
from downloader.models.shards import Shard
from downloader.sources.entries import Entry


class ShardFilter:
    """Selects the entries of one shard.

    A line that is no valid URL has no host; it belongs to the first shard. A nested list that
    could not be fetched is reported by every shard, because each may miss lines of its own.

    Attributes:
        shard: the shard of this run; None for the whole list.
        others: entries of other shards among those read so far.
    """

    def __init__(self, shard: Shard | None) -> None:
        self.others = 0
        self.shard = shard

    def select(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Return the entries of this shard; without a shard, all."""
        return iter(entries) if self.shard is None else self._select(self.shard, entries)

    def _select(self, shard: Shard, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if _belongs_to(shard, entry):
                yield entry
            else:
                self.others += 1


def _belongs_to(shard: Shard, entry: Entry) -> bool:
    if isinstance(entry, Failed):
        return shard.number == 1 or entry.kind is not ErrorKind.BAD_URL
    return shard.owns(entry.url)
