"""A Dask scheduler and its workers, started by their commands, and the resources of a process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.nginx import reachable

Process = subprocess.Popen[bytes]
#: Without a dashboard, nobody looks at the profile.
_NO_PROFILE = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running scheduler and its workers."""

    address: str
    scheduler: Process
    workers: tuple[Process, ...]


@contextmanager
def cluster(folder: Path, size: int) -> Iterator[Cluster]:
    """Run a scheduler and *size* workers of four threads each."""
    dask = (sys.executable, "-m", "dask")
    quiet = "--no-dashboard"
    with ExitStack() as stack:
        while True:
            port = free_port()
            command = (*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), quiet)
            scheduler = stack.enter_context(running(*command, cwd=folder))
            while scheduler.poll() is None and not reachable("127.0.0.1", port):
                time.sleep(0.05)
            # Another process may have taken the port meanwhile.
            if scheduler.poll() is None:
                break
        address = f"tcp://127.0.0.1:{port}"
        worker = (*dask, "worker", address, "--nthreads", "4", "--no-nanny", quiet)
        local_folder = ("--local-directory", str(folder / "workers"))
        workers = [
            stack.enter_context(running(*worker, *local_folder, cwd=folder)) for _ in range(size)
        ]
        yield Cluster(address, scheduler, tuple(workers))


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[Process]:
    """Run a command, and kill it on leaving."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **_NO_PROFILE},
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def wait_until_idle(processes: tuple[Process, ...]) -> None:
    """Wait until the processes have started: together they use less than a tenth of a core."""
    before = -1.0
    while (now := sum(cpu_of(process) for process in processes)) - before > 0.05 or now < 0.5:
        before = now
        time.sleep(0.5)


def free_port() -> int:
    """Return a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def cpu_of(process: Process) -> float:
    """Return the seconds of CPU of a running process."""
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(process: Process) -> float:
    """Return the peak memory of a running process, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
