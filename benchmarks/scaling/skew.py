"""Simulate how hosts of unequal size limit a cluster, and what partitioning by host adds.

The sizes of hosts follow Zipf's law. With ``--per-host``, a run cannot end before its largest host
has answered all its requests, nor before all workers together have used the CPU that all URLs
need: the longer of the two is the lower bound. A shard takes the CPU of its URLs, or as long as its
largest host, whichever is longer. A worker runs one shard in each of its threads, which share its
CPU evenly. The table shows the time of a run relative to the bound, when the largest shards start
first.

Without partitioning by host, lines go to any free worker. If each worker keeps to ``--per-host`` on
its own, a run is as fast as if hosts allowed that many times more requests, and this is what its
largest host receives. If the workers divide ``--per-host``, each may use its share of it, but at
least one connection. Then a run is no faster than the bound, and exceeds ``--per-host`` if there
are more workers than that.
"""

import heapq
import itertools
import random
from collections.abc import Sequence

#: Requests to one host at once.
PER_HOST = 6
SECONDS_PER_REQUEST = 0.2
#: URLs a second of one worker, if hosts are not the bottleneck.
URLS_PER_SECOND = 1500.0
THREADS = (1, 4, 16)


def main(urls: int, hosts: int) -> int:
    """Print a table."""
    print(
        "| Zipf | workers | bound | shards by hosts | "
        + " | ".join(f"{threads} thread{'s' * (threads > 1)}" for threads in THREADS)
        + " | by lines, each worker on its own | requests at once to one host |"
    )
    print("| ---: | ---: | ---: | ---: |" + " ---: |" * (len(THREADS) + 2))
    for exponent, workers, shards in itertools.product((0.4, 0.7, 1.0), (4, 64), (64, 1024)):
        counts = sizes(urls, hosts, exponent)
        cpu, largest = sum(counts) / URLS_PER_SECOND / workers, host_seconds(max(counts))
        bound = max(cpu, largest)
        ratios = [makespan(counts, shards, workers, threads) / bound for threads in THREADS]
        bottleneck = "CPU" if cpu >= largest else "largest host"
        cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        by_lines = max(cpu, largest / workers) / bound
        print(
            f"| {exponent} | {workers} | {bound / 3600:.2f} h, {bottleneck} | {shards} | {cells} | "
            f"{by_lines:.2f} | {PER_HOST * workers} |"
        )
    return 0


def sizes(urls: int, hosts: int, exponent: float) -> list[int]:
    """Return how many URLs each host has."""
    weights = [1 / rank**exponent for rank in range(1, hosts + 1)]
    total = sum(weights)
    return [max(1, round(urls * weight / total)) for weight in weights]


def host_seconds(size: int) -> float:
    """Return the seconds that a host takes at its limit of requests."""
    return size * SECONDS_PER_REQUEST / PER_HOST


def makespan(counts: Sequence[int], shards: int, workers: int, threads: int) -> float:
    """Return the seconds after which the last shard ends."""
    rng = random.Random(1)
    threads = min(threads, -(-shards // workers))
    work, longest = [0] * shards, [0.0] * shards
    for size in counts:
        shard = rng.randrange(shards)
        work[shard] += size
        longest[shard] = max(longest[shard], host_seconds(size))
    jobs = sorted(zip(work, longest, strict=True), reverse=True)
    free = [0.0] * min(workers * threads, shards)
    for size, most in jobs:
        heapq.heapreplace(free, free[0] + max(size / URLS_PER_SECOND * threads, most))
    return max(free)
