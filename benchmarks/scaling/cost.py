"""What a cluster takes beside the command alone, for pages of 25 kB that come at once.

Seconds of CPU are those of all processes but the server's, and say the same on a machine that has
other work. A list of one line tells what each way takes once; the rest is for each line.
"""

import shutil
import tempfile
import time
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


def main(runs: int, lines: int) -> int:
    """Print a table, and the ratios that are goals."""
    ram = Path("/dev/shm")
    ram = ram if ram.is_dir() else Path(tempfile.gettempdir())
    with stage(Settings(ram, runs), HOSTS) as here:
        shards = lines // SHARD
        whole = here.work(even(here.origins, lines, bodies=FIXED, slow=False))
        least = here.work(even(here.origins, 1, bodies=FIXED, slow=False))
        print(f"{lines:,} pages of 25 kB over {HOSTS} hosts, {shards} shards; medians of {runs}")
        print("| | seconds | command | scheduler | workers | server | MiB of a worker |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        found: dict[tuple[int, int], list[Cost]] = {}
        for _ in range(runs):
            for work, count in ((least, 1), (whole, lines)):
                for workers in (0, 1, 2):
                    cost = measured(here, work, workers, shards)
                    found.setdefault((workers, count), []).append(cost)
        costs = {key: middle(each) for key, each in found.items()}
        for (workers, count), cost in costs.items():
            print(
                f"| {workers or 'no'} worker{'s' * (workers != 1)}, {count:,} "
                f"line{'s' * (count != 1)} | {cost.seconds:.2f} | {cost.command:.2f} | "
                f"{cost.scheduler:.2f} | {cost.workers:.2f} | {cost.server:.2f} | "
                f"{cost.memory:.0f} |"
            )
        conclude(costs, lines, shards)
    return 0


def conclude(costs: dict[tuple[int, int], Cost], lines: int, shards: int) -> None:
    """Print what the figures come to."""
    alone, one, two = (costs[workers, lines] for workers in (0, 1, 2))
    once = [costs[workers, 1] for workers in (0, 1, 2)]
    print(f"CPU of a line, alone: {(alone.cpu - once[0].cpu) / lines * 1e6:.0f} µs")
    for cost, start, name in ((one, once[1], "1 worker"), (two, once[2], "2 workers")):
        each = (cost.cpu - start.cpu) / (alone.cpu - once[0].cpu) - 1
        all_in = cost.cpu / alone.cpu - 1
        print(f"engine, CPU beside the command alone, {name}: {each:+.1%}; all in {all_in:+.1%}")
    per_line = (one.command - once[1].command) / lines
    print(f"command beside a cluster, CPU of a line: {per_line * 1e6:.0f} µs")
    print(f"command beside a cluster, CPU once: {once[1].command - once[0].command:.2f} s more")
    print(f"journals, of a line: {one.journals / lines:.0f} bytes")
    print(f"scheduler, CPU of a shard: {one.scheduler / shards * 1e3:.0f} ms")
    speed_up = (one.seconds - once[1].seconds) / (two.seconds - once[2].seconds)
    print(f"time of 1 worker / time of 2: {speed_up:.2f}")
    # Two workers share what the server and the command leave of the cores; one has a core anyway.
    seconds = two.seconds - once[2].seconds
    share = two.server - once[2].server
    left = CORES - share / seconds
    print(f"efficiency, the server's share of {CORES} cores taken out: {speed_up / left:.2f}")
    others = share + two.command + two.scheduler - once[2].command - once[2].scheduler
    left = CORES - others / seconds
    print(f"the same, the command's and the scheduler's too: {speed_up / left:.2f}")


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
