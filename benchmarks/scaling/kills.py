"""Kill one of two workers in the midst of runs, and see that nothing is lost or told twice."""

import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.scaling import origin
from benchmarks.scaling.processes import Process, cluster

PER_HOST = 6


def main(runs: int, lines: int, hosts: int) -> int:
    """Print one line for each run."""
    bad = 0
    with tempfile.TemporaryDirectory() as name, origin.serving() as port:
        folder = Path(name)
        write_list(folder, port, lines, hosts)
        chance = random.Random(8)
        for run in range(runs):
            shutil.rmtree(folder / "out", ignore_errors=True)
            # From when it is at work until somewhat before it is done.
            after = int(lines * chance.uniform(0.05, 0.8))
            said, wrong = one_run(folder, port, lines, after)
            bad += bool(wrong)
            print(f"{run + 1}: killed at {after}; {said}; {'; '.join(wrong) or 'ok'}", flush=True)
    print(f"{runs} runs, {bad} with faults")
    return int(bad > 0)


def one_run(folder: Path, port: int, lines: int, after: int) -> tuple[str, list[str]]:
    """Kill a worker once so many files are there; return what was said, and what was wrong."""
    with cluster(folder, 2) as dask:
        origin.counts(port)
        process = download(folder, "--engine", "dask", "--scheduler", dask.address)
        while process.poll() is None:
            if sum(1 for _ in (folder / "out").glob("shard-*/*/*.html")) >= after:
                break
            time.sleep(0.05)
        dask.workers[0].send_signal(signal.SIGKILL)
        process.wait()
        counted = origin.counts(port)
    out, err = ((folder / each).read_text() for each in ("stdout", "stderr"))
    wrong = faults(folder, out, lines)
    if process.returncode:
        wrong.append(f"exit status {process.returncode}, {err[-300:]}")
    if counted["most"] > PER_HOST:
        wrong.append(f"{counted['most']} connections to one host")
    last = out.splitlines()[-1] if out else ""
    return f"{last}; at the server {counted}", wrong


def write_list(folder: Path, port: int, lines: int, hosts: int) -> None:
    """Write a list of pages that fall on hosts by chance."""
    with (folder / "list.txt").open("w") as out:
        for number in range(lines):
            host = random.Random(number).randrange(hosts)
            out.write(f"http://127.1.{host // 250}.{host % 250 + 1}:{port}/{number}.html\n")


def download(folder: Path, *options: str) -> Process:
    """Start the command over that list."""
    command = [sys.executable, "-m", "downloader", "list.txt", "-o", "out", "--no-progress"]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen([*command, *options], cwd=folder, stdout=out, stderr=err)


def faults(folder: Path, out: str, lines: int) -> list[str]:
    """Return what is wrong with a run that should have done everything."""
    told = Counter(re.findall(r"^(?:Downloaded|Skipped|Failed) \S*?/(\d+)\.html", out, re.M))
    wrong = []
    if len(told) != lines or set(told.values()) != {1}:
        wrong.append(f"{len(told)} lines told of, {told.total() - len(told)} more than once")
    files = Counter(
        path.name for path in (folder / "out").rglob("*") if path.suffix in (".html", ".part")
    )
    if len(files) != lines or set(files.values()) != {1}:
        wrong.append(f"{len(files)} names of files, {files.total() - len(files)} more than once")
    sizes = {path.stat().st_size for path in (folder / "out").rglob("*.html")}
    if sizes != {len(origin.BODY)}:
        wrong.append(f"sizes {sizes}")
    return wrong
