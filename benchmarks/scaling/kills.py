"""Kill one of two workers during runs, and check that nothing is lost or reported twice."""

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

from benchmarks.scaling import counting_server
from benchmarks.scaling.dask_processes import Process, cluster

PER_HOST = 6


def main(runs: int, lines: int, hosts: int) -> int:
    """Print one line for each run."""
    failed_runs = 0
    with tempfile.TemporaryDirectory() as name, counting_server.serving() as port:
        folder = Path(name)
        write_list(folder, port, lines, hosts)
        rng = random.Random(8)
        for run in range(runs):
            shutil.rmtree(folder / "out", ignore_errors=True)
            # Between the start of the downloads and some time before the end.
            after = int(lines * rng.uniform(0.05, 0.8))
            summary, problems = run_and_kill(folder, port, lines, after)
            failed_runs += bool(problems)
            print(
                f"{run + 1}: killed at {after}; {summary}; {'; '.join(problems) or 'ok'}",
                flush=True,
            )
    print(f"{runs} runs, {failed_runs} with problems")
    return int(failed_runs > 0)


def run_and_kill(folder: Path, port: int, lines: int, after: int) -> tuple[str, list[str]]:
    """Kill a worker once *after* files are saved; return a summary, and the problems."""
    with cluster(folder, 2) as dask:
        counting_server.read_counts(port)
        process = download(folder, "--engine", "dask", "--scheduler", dask.address)
        while process.poll() is None:
            if sum(1 for _ in (folder / "out").glob("shard-*/*/*.html")) >= after:
                break
            time.sleep(0.05)
        dask.workers[0].send_signal(signal.SIGKILL)
        process.wait()
        counts = counting_server.read_counts(port)
    out, err = ((folder / each).read_text() for each in ("stdout", "stderr"))
    problems = find_problems(folder, out, lines)
    if process.returncode:
        problems.append(f"exit status {process.returncode}, {err[-300:]}")
    if counts["most"] > PER_HOST:
        problems.append(f"{counts['most']} connections to one host")
    last = out.splitlines()[-1] if out else ""
    return f"{last}; by the server: {counts}", problems


def write_list(folder: Path, port: int, lines: int, hosts: int) -> None:
    """Write a list of pages on random hosts."""
    with (folder / "list.txt").open("w") as out:
        for number in range(lines):
            host = random.Random(number).randrange(hosts)
            out.write(f"http://127.1.{host // 250}.{host % 250 + 1}:{port}/{number}.html\n")


def download(folder: Path, *options: str) -> Process:
    """Start the command on the list."""
    command = [sys.executable, "-m", "downloader", "list.txt", "-o", "out", "--no-progress"]
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen([*command, *options], cwd=folder, stdout=out, stderr=err)


def find_problems(folder: Path, out: str, lines: int) -> list[str]:
    """Return the problems of a run that should have fetched everything."""
    reported = Counter(re.findall(r"^(?:Downloaded|Skipped|Failed) \S*?/(\d+)\.html", out, re.M))
    problems = []
    if len(reported) != lines or set(reported.values()) != {1}:
        problems.append(
            f"{len(reported)} lines reported, {reported.total() - len(reported)} more than once"
        )
    files = Counter(
        path.name for path in (folder / "out").rglob("*") if path.suffix in (".html", ".part")
    )
    if len(files) != lines or set(files.values()) != {1}:
        problems.append(f"{len(files)} names of files, {files.total() - len(files)} more than once")
    sizes = {path.stat().st_size for path in (folder / "out").rglob("*.html")}
    if sizes != {len(counting_server.BODY)}:
        problems.append(f"sizes {sizes}")
    return problems
