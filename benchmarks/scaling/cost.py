"""What a cluster takes beside the command alone, for pages of 25 kB that come at once.

Seconds of CPU are those of all processes but the server's, and say the same on a machine that has
other work. A list of one line tells what each way takes once; the rest is for each line.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.data import Settings, Work
from benchmarks.measure import Stage, launch, stage
from benchmarks.pages import FIXED, even
from benchmarks.peers import our_command
from benchmarks.scaling.processes import cluster, cpu_of, memory_of, wait_until_idle

HOSTS = 200
SHARD = 10_000
"""Lines of a shard, as the goal has it."""
CORES = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """One run. Seconds of CPU, but for *seconds*; memory in MiB, journals in bytes."""

    seconds: float
    command: float
    scheduler: float
    workers: float
    server: float
    memory: float
    journals: float

    @property
    def cpu(self) -> float:
        """What all but the server used."""
        return self.command + self.scheduler + self.workers

    def beyond(self, once: "Cost") -> "Cost":
        """Return what this took more than another."""
        names = Cost.__dataclass_fields__
        return Cost(**{name: getattr(self, name) - getattr(once, name) for name in names})


def main(runs: int, lines: int) -> int:
    """Print two tables: medians, and the ratios of each round, some of which are goals."""
    ram = Path("/dev/shm")
    ram = ram if ram.is_dir() else Path(tempfile.gettempdir())
    with stage(Settings(ram, runs), HOSTS) as here:
        shards = lines // SHARD
        whole = here.work(even(here.origins, lines, bodies=FIXED, slow=False))
        least = here.work(even(here.origins, 1, bodies=FIXED, slow=False))
        rounds = [
            {
                (workers, count): measured(here, work, workers, shards)
                for work, count in ((least, 1), (whole, lines))
                for workers in (0, 1, 2)
            }
            for _ in range(runs)
        ]
    print(f"{lines:,} pages of 25 kB over {HOSTS} hosts, {shards} shards; medians of {runs}")
    print()
    print("| | seconds | command | scheduler | workers | server | MiB of a worker |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for workers, count in rounds[0]:
        cost = middle([each[workers, count] for each in rounds])
        print(
            f"| {workers or 'no'} worker{'s' * (workers != 1)}, {count:,} "
            f"line{'s' * (count != 1)} | {cost.seconds:.2f} | {cost.command:.2f} | "
            f"{cost.scheduler:.2f} | {cost.workers:.2f} | {cost.server:.2f} | "
            f"{cost.memory:.0f} |"
        )
    print()
    print("| of each round | median | least | most |")
    print("| --- | ---: | ---: | ---: |")
    found = [dict(conclusions(each, lines, shards)) for each in rounds]
    for label in found[0]:
        values = sorted(each[label] for each in found)
        cells = " | ".join(f"{value:.3g}" for value in (median(values), values[0], values[-1]))
        print(f"| {label} | {cells} |")
    return 0


def conclusions(
    costs: dict[tuple[int, int], Cost], lines: int, shards: int
) -> Iterator[tuple[str, float]]:
    """Yield what the figures of one round come to, without what each way takes once."""
    alone, one, two = (costs[workers, lines].beyond(costs[workers, 1]) for workers in (0, 1, 2))
    yield "CPU of a line, alone, in µs", alone.cpu / lines * 1e6
    yield "time with one worker / alone", one.seconds / alone.seconds
    for cost, name in ((one, "one worker"), (two, "two workers")):
        yield f"CPU with {name} / alone", cost.cpu / alone.cpu
        yield f"CPU of {name} / alone", cost.workers / alone.cpu
    yield "CPU of the command for a line, in µs", one.command / lines * 1e6
    yield "CPU of the scheduler for a shard, in ms", one.scheduler / shards * 1e3
    yield "bytes of journals for a line", costs[1, lines].journals / lines
    speed_up = one.seconds / two.seconds
    yield "time with one worker / with two", speed_up
    # Two workers share what the others leave of the cores; one has a core anyway.
    left = CORES - two.server / two.seconds
    yield f"efficiency, the server's share of {CORES} cores taken out", speed_up / left
    left = CORES - (two.server + two.command + two.scheduler) / two.seconds
    yield "the same, the command's and the scheduler's too", speed_up / left


def measured(here: Stage, work: Work, workers: int, shards: int) -> Cost:
    """Run the command alone, or with so many workers."""
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir=here.folder))
    try:
        command = [our_command(), str(work.urls), "-o", str(folder / "out"), "--no-progress"]
        if not workers:
            return taken(here, folder, command)
        with cluster(folder, workers) as dask:
            processes = (dask.scheduler, *dask.workers)
            wait_until_idle(processes)
            chief, others = cpu_of(dask.scheduler), sum(map(cpu_of, dask.workers))
            engine = ("--engine", "dask", "--scheduler", dask.address, "--shards", str(shards))
            cost = taken(here, folder, [*command, *engine])
            return Cost(
                cost.seconds,
                cost.command,
                cpu_of(dask.scheduler) - chief,
                sum(map(cpu_of, dask.workers)) - others,
                cost.server,
                max(map(memory_of, dask.workers)),
                cost.journals,
            )
    finally:
        shutil.rmtree(folder)
        time.sleep(0.2)


def taken(here: Stage, folder: Path, command: list[str]) -> Cost:
    """Run the command and see that it did everything."""
    before = here.server.cpu()
    ran = launch(command, folder, folder / "stderr", 600)
    if ran["exit_status"]:
        raise SystemExit((folder / "stderr").read_text())
    server = here.server.cpu() - before
    journals = sum(file.stat().st_size for file in folder.rglob("journal.sqlite3*"))
    return Cost(ran["seconds"], ran["cpu"], 0, 0, server, ran["peak_memory"] / 2**20, journals)


def middle(costs: list[Cost]) -> Cost:
    """Return the medians."""
    names = Cost.__dataclass_fields__
    return Cost(**{name: median(getattr(cost, name) for cost in costs) for name in names})
