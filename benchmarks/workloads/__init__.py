"""What is measured, by name."""

from collections.abc import Callable, Iterator

from benchmarks.data import Section, Settings
from benchmarks.workloads import adaptive, archive, cpu, large, latency, memory

Workload = Callable[[Settings], Iterator[Section]]

WORKLOADS: dict[str, Workload] = {
    "latency": latency.shuffled,
    "sorted": latency.by_host,
    "one-host": cpu.one_host,
    "many-hosts-cpu": cpu.many_hosts,
    "large": large.one_body,
    "auto": adaptive.auto,
    "memory": memory.long_list,
    "limit-rate": large.limit_rate,
    "archive": archive.kept,
}
