"""Machines, hours and money for very long lists, extrapolated from measurements on one machine.

The measured figures are those of ``cost`` and ``parts``, of ``benchmarks.store`` and of
``benchmarks archive``, with pages of 25 kB without latency. Real pages also need TLS and name
resolution: ``REAL_PAGE_FACTOR`` is an assumption about them. The rest is multiplication.
"""

import math
from dataclasses import dataclass

# Measured, rounded: seconds of CPU for each line.
#: To fetch and save it.
CPU_ALONE = 400e-6
#: More, if it is packed.
CPU_PACK = 80e-6
#: More, if it is saved as an object of its own.
CPU_OBJECT = 2000e-6
#: In the command, with a cluster.
CPU_COMMAND = 32e-6
#: To read it and write it to its part.
CPU_CUT = 13e-6
#: To read it and skip it, because it belongs to another shard.
CPU_SKIP = 9e-6

# Measured, rounded.
#: Seconds of CPU of the scheduler, for each portion.
CPU_SCHEDULER_PER_PORTION = 0.08
JOURNAL_BYTES_PER_LINE = 590
PART_BYTES_PER_LINE = 140
WORKER_MEMORY_MIB = 165

# Assumed.
#: CPU of a real page relative to one on loopback: TLS, name resolution, distance.
REAL_PAGE_FACTOR = 3.0
#: The share of its cores that a machine uses, because hosts are slow.
CORE_USE = 0.5
CORES = 16
LINK_BYTES_PER_SECOND = 10e9 / 8
PAGE_BYTES = 25_000
DOLLARS_PER_CORE_HOUR = 0.04
DOLLARS_PER_OBJECT = 5e-6
DOLLARS_PER_GB_MONTH = 0.023
LINES_PER_PORTION = 10_000
VOLUME_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Need:
    """What a list needs with a number of machines, packed or as single objects."""

    lines: int
    machines: int
    objects: bool = False

    @property
    def core_hours(self) -> float:
        """Core hours of all workers."""
        saving = CPU_OBJECT if self.objects else CPU_PACK
        return self.lines * (CPU_ALONE * REAL_PAGE_FACTOR + saving) / 3600

    @property
    def by_cpu(self) -> float:
        """Hours, if CPU is the bottleneck."""
        return self.core_hours / (self.machines * CORES * CORE_USE)

    @property
    def by_link(self) -> float:
        """Hours, if the network is the bottleneck."""
        return self.lines * PAGE_BYTES / (self.machines * LINK_BYTES_PER_SECOND) / 3600

    @property
    def by_command(self) -> float:
        """Hours that one command takes to report all lines."""
        return self.lines * CPU_COMMAND / 3600

    @property
    def hours(self) -> float:
        """Hours, with enough commands to keep up with the machines."""
        return max(self.by_cpu, self.by_link)

    @property
    def commands(self) -> int:
        """How many commands are needed, each with a shard, a cluster and a scheduler of its own."""
        return math.ceil(self.by_command / self.hours)


def main() -> int:
    """Print three tables."""
    print("| lines | saved as | machines | hours | limited by | core hours | $ | commands |")
    print("| ---: | --- | ---: | ---: | --- | ---: | ---: | ---: |")
    for lines, machines in ((10**6, 1), (10**8, 1), (10**8, 4), (10**10, 20), (10**10, 100)):
        for objects in (False, True):
            need = Need(lines, machines, objects)
            bounds = {"CPU": need.by_cpu, "network": need.by_link}
            bottleneck = max(bounds, key=lambda bound: bounds[bound])
            dollars = need.hours * machines * CORES * DOLLARS_PER_CORE_HOUR
            print(
                f"| {lines:.0e} | {'objects' if objects else 'packs'} | {machines} | "
                f"{need.hours:,.2f} | {bottleneck} | {need.core_hours:,.0f} | {dollars:,.0f} | "
                f"{need.commands} |"
            )
    print()
    print(
        "| lines | to cut it, with one core | its parts | journals | portions | memory of workers |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for lines, machines in ((10**6, 1), (10**8, 4), (10**10, 100)):
        print(
            f"| {lines:.0e} | {lines * CPU_CUT / 3600:.2f} h | "
            f"{lines * PART_BYTES_PER_LINE / 1e9:,.1f} GB | "
            f"{lines * JOURNAL_BYTES_PER_LINE / 1e9:,.1f} GB | {lines // LINES_PER_PORTION:,} | "
            f"{machines} x {CORES * WORKER_MEMORY_MIB / 1024:.1f} GiB |"
        )
    print()
    print("| lines | bodies | a month of them | objects, single | packed in 1 GiB |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for lines in (10**6, 10**8, 10**10):
        bodies = lines * PAGE_BYTES
        volumes = max(1, bodies // VOLUME_BYTES)
        print(
            f"| {lines:.0e} | {bodies / 1e12:,.2f} TB | "
            f"${bodies / 1e9 * DOLLARS_PER_GB_MONTH:,.0f} | "
            f"${lines * DOLLARS_PER_OBJECT:,.0f} | ${volumes * DOLLARS_PER_OBJECT:,.2f} |"
        )
    print()
    machines_per_command = CPU_ALONE * REAL_PAGE_FACTOR / CPU_COMMAND / CORE_USE / CORES
    print(
        f"one command reports {1 / CPU_COMMAND:,.0f} lines a second, "
        f"as many as {machines_per_command:.1f} machines of {CORES} cores fetch"
    )
    scheduled = LINES_PER_PORTION / CPU_SCHEDULER_PER_PORTION
    print(
        f"one scheduler, at {CPU_SCHEDULER_PER_PORTION * 1e3:.0f} ms a portion: "
        f"{scheduled:,.0f} lines a second"
    )
    hours = 10**10 * CPU_SKIP / 3600
    print(
        f"a shard K/N of 1e+10 lines reads the lines of other shards in {hours:.0f} h of one core"
    )
    return 0
