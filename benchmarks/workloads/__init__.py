"""The workloads, by the names that the command line takes."""

from collections.abc import Callable, Iterator

from benchmarks.model import Section, Settings
from benchmarks.workloads import (
    archive,
    auto_concurrency,
    cpu,
    large,
    latency,
    memory,
    one_site,
)

Workload = Callable[[Settings], Iterator[Section]]

WORKLOADS: dict[str, Workload] = {
    "latency": latency.shuffled,
    "sorted": latency.sorted_by_host,
    "one-site": one_site.one_site,
    "one-host": cpu.one_host,
    "many-hosts-cpu": cpu.many_hosts,
    "large": large.large_bodies,
    "auto": auto_concurrency.auto,
    "memory": memory.long_lists,
    "limit-rate": large.limit_rate,
    "archive": archive.with_and_without,
}
