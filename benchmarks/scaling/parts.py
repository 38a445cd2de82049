"""The CPU to read a list, to skip the lines of other shards, and to cut the list into parts."""

import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from downloader.cluster.partition import Partitioner
from downloader.models.shards import Shard
from downloader.sources import Entry, ShardFilter, read
from downloader.web.urls import Url

SHARDS = 64
HOSTS = 100_000
ENTRIES_PER_BATCH = 2048


def main(lines: int) -> int:
    """Print a table."""
    with tempfile.TemporaryDirectory(prefix="download-parts-") as name:
        folder = Path(name)
        file, output = folder / "list.txt", folder / "out"
        write_list(file, lines)
        (output / ".download").mkdir(parents=True)
        partitioner = Partitioner(output, SHARDS)
        partitioner.begin()
        tasks: dict[str, Callable[[], object]] = {
            "to read it": lambda: count(entries(file)),
            "to read it and skip the lines of other shards (1/100)": lambda: count(
                ShardFilter(Shard(1, 100)).select(entries(file))
            ),
            f"to read it and write it to one of {SHARDS} parts": lambda: cut(
                partitioner, entries(file)
            ),
        }
        print(f"{lines:,} lines over {HOSTS:,} hosts, {file.stat().st_size / lines:.0f} bytes each")
        print("| of a line | CPU |")
        print("| --- | ---: |")
        for label, task in tasks.items():
            began = time.process_time()
            task()
            print(f"| {label} | {(time.process_time() - began) / lines * 1e6:.1f} µs |")
        parts = sum(part.stat().st_size for part in output.rglob("*") if part.is_file())
        print(f"the parts have {parts / lines:.0f} bytes for each line")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of one process for all three: {peak:.0f} MiB")
    return 0


def write_list(file: Path, lines: int) -> None:
    """Write URLs of the length that is usual in lists of images."""
    with file.open("w", encoding="ascii") as out:
        for number in range(lines):
            host = number * 7919 % HOSTS
            out.write(f"https://host{host}.example.org/uploads/2026/11/picture-{number}.jpg\n")


def entries(file: Path) -> Iterator[Entry]:
    """Read the list."""
    return read([str(file)], fetch_nothing)


def fetch_nothing(_url: Url, _home: Url) -> Iterator[bytes]:
    """Fetch a nested list; this list has none."""
    return iter(())


def count(items: Iterable[Entry]) -> int:
    """Return the number of entries."""
    return sum(1 for _ in items)


def cut(partitioner: Partitioner, items: Iterator[Entry]) -> None:
    """Write all entries to the parts of their shards."""
    while batch := list(islice(items, ENTRIES_PER_BATCH)):
        partitioner.add(batch)
    partitioner.finish("", 0)
