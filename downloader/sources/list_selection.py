"""Choose lines of a list: the first ones (``--limit``), or a random sample (``--sample``)."""

import heapq
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice

from downloader.models import ListOptions
from downloader.sources.entries import Entry

_RANK_BYTES = 16


def select_lines(entries: Iterable[Entry], options: ListOptions) -> Iterator[Entry]:
    """Yield the entries of a list that *options* select, in the order of the list.

    No more of the list is read than the limit needs. A sample is known only at the end of the list.
    """
    lines = islice(entries, options.limit)
    return lines if options.sample is None else _sampled(lines, options.sample, options.seed)


def _sampled(entries: Iterable[Entry], size: int, seed: int) -> Iterator[Entry]:
    """Yield *size* entries with different URLs: those whose hashes with the seed are the lowest.

    So every run has the same sample, and one of a list that has grown keeps most of it.
    """
    key = str(seed).encode()
    #: The entry with the highest rank comes first; the index decides between equal ones.
    heap: list[tuple[int, int, Entry]] = []
    ranks: set[int] = set()
    for entry in entries:
        url = entry.url.encode("utf-8", "surrogatepass")
        rank = int.from_bytes(blake2b(url, key=key, digest_size=_RANK_BYTES).digest(), "big")
        if rank in ranks:
            continue
        ranks.add(rank)
        item = (-rank, -entry.index, entry)
        if len(heap) < size:
            heapq.heappush(heap, item)
        else:
            dropped = heapq.heappushpop(heap, item)
            ranks.remove(-dropped[0])
    yield from sorted((entry for *_, entry in heap), key=lambda entry: entry.index)
