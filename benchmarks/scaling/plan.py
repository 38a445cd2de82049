"""Machines, hours and money for lists that no machine here could hold: measured, then extrapolated.

The measured figures are those of ``cost`` and ``parts``, of ``benchmarks.store`` and of
``benchmarks archive``, on one machine, with pages of 25 kB that come at once. Real pages also take
TLS and resolving, which ``REAL`` stands for: an assumption. All else follows from them by
multiplication, which is what makes it an extrapolation.
"""

import math
from dataclasses import dataclass

# Measured, rounded.
CPU_ALONE = 400e-6
"""Seconds of CPU of a line, fetched and saved."""
CPU_PACK = 80e-6
"""More of them for a line that is packed."""
CPU_OBJECT = 2000e-6
"""More of them for a line that becomes an object of its own."""
CPU_COMMAND = 32e-6
"""Seconds of CPU of a line, in the command beside a cluster."""
CPU_CUT = 13e-6
"""Seconds of CPU to read a line and put it into its part."""
CPU_READ_PAST = 9e-6
"""Seconds of CPU to read a line and see that it is another shard's."""
SCHEDULER_SHARD = 0.08
"""Seconds of CPU of the scheduler, for each portion."""
JOURNAL = 590
"""Bytes of a journal for each line."""
PART = 140
"""Bytes of a cut list for each line."""
WORKER_MEMORY = 165
"""MiB."""

# Assumed.
REAL = 3.0
"""So many times the CPU of a page on loopback, with TLS, resolving and distance."""
BUSY = 0.5
"""The share of its cores that a machine uses, because hosts hold it back."""
CORES = 16
LINK = 10e9 / 8
"""Bytes a second of a machine's network."""
PAGE = 25_000
CORE_HOUR = 0.04
"""Dollars."""
PUT = 5e-6
"""Dollars for each object written."""
STORED = 0.023
"""Dollars for each GB and month."""
PORTION = 10_000
VOLUME = 2**30


@dataclass(frozen=True, slots=True)
class Need:
    """What a list of so many lines needs, packed or as single objects."""

    lines: int
    machines: int
    objects: bool = False

    @property
    def core_hours(self) -> float:
        """Of all workers."""
        saving = CPU_OBJECT if self.objects else CPU_PACK
        return self.lines * (CPU_ALONE * REAL + saving) / 3600

    @property
    def by_cpu(self) -> float:
        """Hours, if cores are what it waits for."""
        return self.core_hours / (self.machines * CORES * BUSY)

    @property
    def by_link(self) -> float:
        """Hours, if the network is."""
        return self.lines * PAGE / (self.machines * LINK) / 3600

    @property
    def by_command(self) -> float:
        """Hours that one command takes to tell of all lines."""
        return self.lines * CPU_COMMAND / 3600

    @property
    def hours(self) -> float:
        """What it waits for most, with as many commands as keep up with the machines."""
        return max(self.by_cpu, self.by_link)

    @property
    def commands(self) -> int:
        """How many commands that takes: each its own shard, cluster and scheduler."""
        return math.ceil(self.by_command / self.hours)


def main() -> int:
    """Print three tables."""
    print("| lines | saved as | machines | hours | waits for | core hours | $ | commands |")
    print("| ---: | --- | ---: | ---: | --- | ---: | ---: | ---: |")
    for lines, machines in ((10**6, 1), (10**8, 1), (10**8, 4), (10**10, 20), (10**10, 100)):
        for objects in (False, True):
            need = Need(lines, machines, objects)
            ways = {"CPU": need.by_cpu, "network": need.by_link}
            why = max(ways, key=lambda way: ways[way])
            money = need.hours * machines * CORES * CORE_HOUR
            print(
                f"| {lines:.0e} | {'objects' if objects else 'packs'} | {machines} | "
                f"{need.hours:,.2f} | {why} | {need.core_hours:,.0f} | {money:,.0f} | "
                f"{need.commands} |"
            )
    print()
    print("| lines | to cut it, one core | its parts | journals | portions | memory of workers |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for lines, machines in ((10**6, 1), (10**8, 4), (10**10, 100)):
        print(
            f"| {lines:.0e} | {lines * CPU_CUT / 3600:.2f} h | {lines * PART / 1e9:,.1f} GB | "
            f"{lines * JOURNAL / 1e9:,.1f} GB | {lines // PORTION:,} | "
            f"{machines} times {CORES * WORKER_MEMORY / 1024:.1f} GiB |"
        )
    print()
    print("| lines | bodies | a month of them | objects, single | packed in 1 GiB |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for lines in (10**6, 10**8, 10**10):
        bodies = lines * PAGE
        volumes = max(1, bodies // VOLUME)
        print(
            f"| {lines:.0e} | {bodies / 1e12:,.2f} TB | ${bodies / 1e9 * STORED:,.0f} | "
            f"${lines * PUT:,.0f} | ${volumes * PUT:,.2f} |"
        )
    print()
    print(f"one command feeds {1 / CPU_COMMAND:,.0f} lines a second, that is", end=" ")
    print(f"{CPU_ALONE * REAL / CPU_COMMAND / BUSY / CORES:.1f} machines of {CORES} cores")
    scheduled = PORTION / SCHEDULER_SHARD
    print(f"one scheduler, at {SCHEDULER_SHARD * 1e3:.0f} ms a portion: {scheduled:,.0f} a second")
    past = 10**10 * CPU_READ_PAST / 3600
    print(f"a shard K/N of 1e+10 lines reads past them in {past:.0f} h of one core")
    return 0
