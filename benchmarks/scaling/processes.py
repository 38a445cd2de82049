"""A Dask scheduler and its workers, started by their own commands; and what a process uses."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import reachable

Process = subprocess.Popen[bytes]
_PLAIN = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
"""As docs/explanation/scaling.md has it: without a dashboard nobody looks at samples of threads."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running scheduler with workers, each of one thread."""

    address: str
    scheduler: Process
    workers: tuple[Process, ...]


@contextmanager
def cluster(folder: Path, size: int) -> Iterator[Cluster]:
    """Run a scheduler and so many workers until left."""
    dask = (sys.executable, "-m", "dask")
    quiet = "--no-dashboard"
    with ExitStack() as stack:
        while True:
            port = free_port()
            begin = (*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), quiet)
            scheduler = stack.enter_context(running(*begin, cwd=folder))
            while scheduler.poll() is None and not reachable("127.0.0.1", port):
                time.sleep(0.05)
            # Somebody else may have taken the port meanwhile.
            if scheduler.poll() is None:
                break
        address = f"tcp://127.0.0.1:{port}"
        join = (*dask, "worker", address, "--nthreads", "4", "--no-nanny", quiet)
        place = ("--local-directory", str(folder / "workers"))
        workers = [stack.enter_context(running(*join, *place, cwd=folder)) for _ in range(size)]
        yield Cluster(address, scheduler, tuple(workers))


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[Process]:
    """Run a command until left, and kill it then."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **_PLAIN},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def wait_until_idle(processes: tuple[Process, ...]) -> None:
    """Return when none of the processes uses a tenth of a core any more: they have started."""
    before = -1.0
    while (now := sum(cpu_of(process) for process in processes)) - before > 0.05 or now < 0.5:
        before = now
        time.sleep(0.5)


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def cpu_of(process: Process) -> float:
    """Return the seconds of CPU that a running process has used."""
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(process: Process) -> float:
    """Return the most memory that a running process has had, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
