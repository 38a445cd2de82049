"""The cost of a cluster compared with the command alone, for pages of 25 kB without latency.

Seconds of CPU are those of all processes except the server; other load on the machine has little
effect on them. A list of one line shows the cost of the start; the rest is the cost of the lines.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import Runner, launch, open_runner
from benchmarks.model import Settings, UrlList
from benchmarks.pages import FIXED, evenly_distributed
from benchmarks.peers import our_command
from benchmarks.scaling.dask_processes import cluster, cpu_of, memory_of, wait_until_idle

HOSTS = 200
LINES_PER_SHARD = 10_000
CORES = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: its wall time in *seconds*, seconds of CPU, MiB of memory, and bytes of journals."""

    seconds: float
    command: float
    scheduler: float
    workers: float
    server: float
    memory: float
    journals: float

    @property
    def cpu(self) -> float:
        """The CPU of all processes except the server."""
        return self.command + self.scheduler + self.workers

    def minus(self, other: "Cost") -> "Cost":
        """Return the difference to another run."""
        names = Cost.__dataclass_fields__
        return Cost(**{name: getattr(self, name) - getattr(other, name) for name in names})


def main(runs: int, lines: int) -> int:
    """Print two tables: the medians, and the ratios of the rounds."""
    ram = Path("/dev/shm")
    ram = ram if ram.is_dir() else Path(tempfile.gettempdir())
    with open_runner(Settings(ram, runs), HOSTS) as runner:
        shards = lines // LINES_PER_SHARD
        all_lines = runner.write_list(
            evenly_distributed(runner.origins, lines, bodies=FIXED, slow=False)
        )
        one_line = runner.write_list(
            evenly_distributed(runner.origins, 1, bodies=FIXED, slow=False)
        )
        rounds = [
            {
                (workers, count): measure(runner, url_list, workers, shards)
                for url_list, count in ((one_line, 1), (all_lines, lines))
                for workers in (0, 1, 2)
            }
            for _ in range(runs)
        ]
    print(f"{lines:,} pages of 25 kB over {HOSTS} hosts, {shards} shards; medians of {runs}")
    print()
    print("| | seconds | command | scheduler | workers | server | memory of a worker, MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for workers, count in rounds[0]:
        cost = medians([each[workers, count] for each in rounds])
        print(
            f"| {workers or 'no'} worker{'s' * (workers != 1)}, {count:,} "
            f"line{'s' * (count != 1)} | {cost.seconds:.2f} | {cost.command:.2f} | "
            f"{cost.scheduler:.2f} | {cost.workers:.2f} | {cost.server:.2f} | "
            f"{cost.memory:.0f} |"
        )
    print()
    print("| of each round | median | least | most |")
    print("| --- | ---: | ---: | ---: |")
    ratios = [dict(conclusions(each, lines, shards)) for each in rounds]
    for label in ratios[0]:
        values = sorted(each[label] for each in ratios)
        cells = " | ".join(f"{value:.3g}" for value in (median(values), values[0], values[-1]))
        print(f"| {label} | {cells} |")
    return 0


def conclusions(
    costs: dict[tuple[int, int], Cost], lines: int, shards: int
) -> Iterator[tuple[str, float]]:
    """Yield the ratios of one round, without the cost of the start."""
    alone, one, two = (costs[workers, lines].minus(costs[workers, 1]) for workers in (0, 1, 2))
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
    # Two workers share the cores with the other processes; one worker has a core of its own.
    left = CORES - two.server / two.seconds
    yield f"efficiency, the server's share of {CORES} cores subtracted", speed_up / left
    left = CORES - (two.server + two.command + two.scheduler) / two.seconds
    yield "the same, also without the command and the scheduler", speed_up / left


def measure(runner: Runner, url_list: UrlList, workers: int, shards: int) -> Cost:
    """Run the command alone, or with this many workers."""
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir=runner.folder))
    try:
        command = [our_command(), str(url_list.urls), "-o", str(folder / "out"), "--no-progress"]
        if not workers:
            return run_command(runner, folder, command)
        with cluster(folder, workers) as dask:
            processes = (dask.scheduler, *dask.workers)
            wait_until_idle(processes)
            scheduler_before, workers_before = (
                cpu_of(dask.scheduler),
                sum(map(cpu_of, dask.workers)),
            )
            engine = ("--engine", "dask", "--scheduler", dask.address, "--shards", str(shards))
            cost = run_command(runner, folder, [*command, *engine])
            return Cost(
                cost.seconds,
                cost.command,
                cpu_of(dask.scheduler) - scheduler_before,
                sum(map(cpu_of, dask.workers)) - workers_before,
                cost.server,
                max(map(memory_of, dask.workers)),
                cost.journals,
            )
    finally:
        shutil.rmtree(folder)
        time.sleep(0.2)


def run_command(runner: Runner, folder: Path, command: list[str]) -> Cost:
    """Run the command; exit if it fails."""
    before = runner.server.cpu()
    usage = launch(command, folder, folder / "stderr", 600)
    if usage["exit_status"]:
        raise SystemExit((folder / "stderr").read_text())
    server = runner.server.cpu() - before
    journals = sum(file.stat().st_size for file in folder.rglob("journal.sqlite3*"))
    return Cost(
        usage["seconds"], usage["cpu"], 0, 0, server, usage["peak_memory"] / 2**20, journals
    )


def medians(costs: list[Cost]) -> Cost:
    """Return the median of each figure."""
    names = Cost.__dataclass_fields__
    return Cost(**{name: median(getattr(cost, name) for cost in costs) for name in names})
