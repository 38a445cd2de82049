"""What it costs to read a list, to leave out other shards' lines, and to cut it into parts."""

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
AT_ONCE = 2048


def main(lines: int) -> int:
    """Print a table."""
    with tempfile.TemporaryDirectory(prefix="download-parts-") as name:
        folder = Path(name)
        file, output = folder / "list.txt", folder / "out"
        write_list(file, lines)
        (output / ".download").mkdir(parents=True)
        cutter = Partitioner(output, SHARDS)
        cutter.begin()
        ways: dict[str, Callable[[], object]] = {
            "to read it": lambda: count(entries(file)),
            "to read it and leave out other shards' lines (1/100)": lambda: count(
                ShardFilter(Shard(1, 100)).select(entries(file))
            ),
            f"to read it and put it into one of {SHARDS} parts": lambda: cut(cutter, entries(file)),
        }
        print(f"{lines:,} lines over {HOSTS:,} hosts, {file.stat().st_size / lines:.0f} bytes each")
        print("| of a line | CPU |")
        print("| --- | ---: |")
        for label, way in ways.items():
            began = time.process_time()
            way()
            print(f"| {label} | {(time.process_time() - began) / lines * 1e6:.1f} µs |")
        parts = sum(part.stat().st_size for part in output.rglob("*") if part.is_file())
        print(f"the parts have {parts / lines:.0f} bytes a line")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory, all of these in one process: {peak:.0f} MiB")
    return 0


def write_list(file: Path, lines: int) -> None:
    """Write addresses as long as those of image lists are."""
    with file.open("w", encoding="ascii") as out:
        for number in range(lines):
            host = number * 7919 % HOSTS
            out.write(f"https://host{host}.example.org/uploads/2026/11/picture-{number}.jpg\n")


def entries(file: Path) -> Iterator[Entry]:
    """Read the list."""
    return read([str(file)], nothing)


def nothing(_url: Url) -> Iterator[bytes]:
    """Fetch no list: there are none in this one."""
    return iter(())


def count(some: Iterable[Entry]) -> int:
    """Read to the end."""
    return sum(1 for _ in some)


def cut(cutter: Partitioner, some: Iterator[Entry]) -> None:
    """Put all into parts."""
    while batch := list(islice(some, AT_ONCE)):
        cutter.add(batch)
    cutter.finish("", 0)
