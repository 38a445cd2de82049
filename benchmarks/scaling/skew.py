"""Simulate how unequal hosts bound a cluster, and what shards by hosts add to that bound.

URLs fall on hosts by Zipf's law. No run that keeps to ``--per-host`` can end before its largest
host has been asked for everything, nor before all workers together have used the CPU that all URLs
need: that is the bound. A shard takes its URLs' CPU, or as long as its largest host, whichever is
longer; a worker has so many shards at once as it has threads, which share its CPU evenly. What is
printed is by how much longer than the bound a run takes, when shards with most URLs go first.

Without host partitioning, lines go to whatever worker is free. If each of them keeps to
``--per-host`` by itself, a run is as quick as if hosts allowed so many times more, which is what
its largest host meets. If they divide it, each may ask a host for a share of it, at least one
connection: no quicker than the bound, and more than ``--per-host`` with more workers than that.
"""

import heapq
import itertools
import random
from collections.abc import Sequence

PER_HOST = 6
"""Requests to one host at once."""
SECONDS = 0.2
"""How long each takes the host."""
RATE = 1500.0
"""URLs that one worker does in a second when hosts do not hold it back."""
THREADS = (1, 4, 16)


def main(urls: int, hosts: int) -> int:
    """Print a table."""
    print(
        "| Zipf | workers | bound | shards by hosts | "
        + " | ".join(f"{threads} thread{'s' * (threads > 1)}" for threads in THREADS)
        + " | by lines, each worker for itself | a host then meets |"
    )
    print("| ---: | ---: | ---: | ---: |" + " ---: |" * (len(THREADS) + 2))
    for exponent, workers, shards in itertools.product((0.4, 0.7, 1.0), (4, 64), (64, 1024)):
        counts = sizes(urls, hosts, exponent)
        cpu, largest = sum(counts) / RATE / workers, host_seconds(max(counts))
        bound = max(cpu, largest)
        ratios = [makespan(counts, shards, workers, threads) / bound for threads in THREADS]
        why = "CPU" if cpu >= largest else "largest host"
        cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        lines = max(cpu, largest / workers) / bound
        print(
            f"| {exponent} | {workers} | {bound / 3600:.2f} h, {why} | {shards} | {cells} | "
            f"{lines:.2f} | {PER_HOST * workers} |"
        )
    return 0


def sizes(urls: int, hosts: int, exponent: float) -> list[int]:
    """Return how many URLs each host has."""
    weights = [1 / rank**exponent for rank in range(1, hosts + 1)]
    whole = sum(weights)
    return [max(1, round(urls * weight / whole)) for weight in weights]


def host_seconds(size: int) -> float:
    """Return how long a host takes, asked for as much as it may be."""
    return size * SECONDS / PER_HOST


def makespan(counts: Sequence[int], shards: int, workers: int, threads: int) -> float:
    """Return when the last shard ends."""
    chance = random.Random(1)
    threads = min(threads, -(-shards // workers))
    work, longest = [0] * shards, [0.0] * shards
    for size in counts:
        shard = chance.randrange(shards)
        work[shard] += size
        longest[shard] = max(longest[shard], host_seconds(size))
    jobs = sorted(zip(work, longest, strict=True), reverse=True)
    free = [0.0] * min(workers * threads, shards)
    for size, most in jobs:
        heapq.heapreplace(free, free[0] + max(size / RATE * threads, most))
    return max(free)
