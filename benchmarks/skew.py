"""Simulate how unequal hosts bound a cluster, and what shards by hosts add to that bound.

    python -m benchmarks.skew [--urls N] [--hosts N]

URLs fall on hosts by Zipf's law. No run that keeps to ``--per-host`` can end before its largest
host has been asked for everything, nor before all workers together have used the CPU that all URLs
need: that is the bound. A shard takes its URLs' CPU, or as long as its largest host, whichever is
longer; a worker has so many shards at once as it has threads, which share its CPU evenly. What is
printed is by how much longer than the bound a run takes, when shards with most URLs go first.
"""

import argparse
import heapq
import itertools
import random
import sys

#: Requests to one host at once, and how long each takes it, in seconds.
PER_HOST = 6
SECONDS = 0.2
#: URLs that one worker does in a second when hosts do not hold it back.
RATE = 1500.0


def sizes(urls: int, hosts: int, exponent: float) -> list[int]:
    """Return how many URLs each host has."""
    weights = [1 / rank**exponent for rank in range(1, hosts + 1)]
    whole = sum(weights)
    return [max(1, round(urls * weight / whole)) for weight in weights]


def host_seconds(size: int) -> float:
    """Return how long a host takes, asked for as much as it may be."""
    return size * SECONDS / PER_HOST


def makespan(counts: list[int], shards: int, workers: int, threads: int) -> float:
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


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--urls", type=int, default=10_000_000)
    parser.add_argument("--hosts", type=int, default=100_000)
    given = parser.parse_args()
    print("| Zipf | workers | shards | bound | 1 thread | 4 threads | 16 threads |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for exponent, workers, shards in itertools.product((0.4, 0.7, 1.0), (4, 64), (64, 1024)):
        counts = sizes(given.urls, given.hosts, exponent)
        cpu, largest = sum(counts) / RATE / workers, host_seconds(max(counts))
        bound = max(cpu, largest)
        ratios = [makespan(counts, shards, workers, threads) / bound for threads in (1, 4, 16)]
        why = "CPU" if cpu >= largest else "largest host"
        cells = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"| {exponent} | {workers} | {shards} | {bound / 3600:.2f} h, {why} | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
