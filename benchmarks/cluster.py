"""Measure ``--engine dask`` on this machine, and see that nothing is lost when workers are killed.

    python -m benchmarks.cluster kills [--runs N] [--lines N] [--hosts N]
    python -m benchmarks.cluster cost [--lines N] [--hosts N] [--shards N]

``kills`` starts a scheduler and two workers by their own commands, kills one in mid-run, and checks
each run: every line told of once, every file there once and whole, and at the server that no host
had more connections than ``--per-host``. ``cost`` compares the CPU seconds of all processes with
those of the command alone, which says the same on a machine that has other work.
"""

import argparse
import asyncio
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar
from urllib.request import urlopen

PER_HOST = 6
BODY = b"<!doctype html><title>page</title>" + b"<p>words of a page</p>" * 90
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
) + BODY


class Host(asyncio.Protocol):
    """Answers every request with the same page, and counts by the address that was asked."""

    requests: ClassVar[Counter[str]] = Counter()
    now: ClassVar[Counter[str]] = Counter()
    most: ClassVar[Counter[str]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.host = str(transport.get_extra_info("sockname")[0])
        self.now[self.host] += 1
        self.most[self.host] = max(self.most[self.host], self.now[self.host])
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            path = self.held.split(b" ", 2)[1]
            self.held = self.held[end + 4 :]
            if path == b"/~counts":
                self.tell()
                continue
            self.requests[path.decode()] += 1
            self.transport.write(ANSWER)

    def tell(self) -> None:
        """Answer with the counts since the last time."""
        counts = {
            "requests": self.requests.total(),
            "twice": sum(number - 1 for number in self.requests.values()),
            "most": max(self.most.values()),
        }
        body = json.dumps(counts).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (len(body), body)
        )
        self.transport.close()
        self.requests.clear()
        self.most.clear()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count one less."""
        self.now[self.host] -= 1


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Host, "0.0.0.0", port, backlog=4096)
    await server.serve_forever()


def counts(port: int) -> dict[str, int]:
    with urlopen(f"http://127.0.0.1:{port}/~counts") as answer:
        told: dict[str, int] = json.load(answer)
    return told


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path) -> Iterator[int]:
    port = free_port()
    with running(sys.executable, "-m", "benchmarks.cluster", "serve", str(port), cwd=Path.cwd()):
        for _ in range(100):
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield port


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = free_port()
    dask = (sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--no-dashboard")
    with running(*dask, "--port", str(port), cwd=folder) as process:
        yield f"tcp://127.0.0.1:{port}", process


@contextmanager
def worker(address: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    dask = (sys.executable, "-m", "dask", "worker", address, "--nthreads", "1", "--no-nanny")
    local = ("--no-dashboard", "--local-directory", str(folder))
    with running(*dask, *local, cwd=folder) as process:
        yield process


def write_list(folder: Path, port: int, lines: int, hosts: int) -> Path:
    file = folder / "list.txt"
    with file.open("w") as out:
        for number in range(lines):
            host = random.Random(number).randrange(hosts)
            out.write(f"http://127.1.{host // 250}.{host % 250 + 1}:{port}/{number}.html\n")
    return file


def download(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "downloader",
                "list.txt",
                "-o",
                "out",
                "--no-progress",
                *options,
            ],
            cwd=folder,
            stdout=out,
            stderr=err,
        )


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
    if sizes != {len(BODY)}:
        wrong.append(f"sizes {sizes}")
    return wrong


def kills(runs: int, lines: int, hosts: int) -> int:
    bad = 0
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as port:
        folder = Path(name)
        write_list(folder, port, lines, hosts)
        chance = random.Random(8)
        for run in range(runs):
            shutil.rmtree(folder / "out", ignore_errors=True)
            with (
                scheduler(folder) as (address, _),
                worker(address, folder) as one,
                worker(address, folder),
            ):
                counted = counts(port)
                process = download(folder, "--engine", "dask", "--scheduler", address)
                # From when it is at work until somewhat before it is done.
                wanted = int(lines * chance.uniform(0.05, 0.8))
                while process.poll() is None:
                    files = sum(1 for _ in (folder / "out").glob("shard-*/*/*.html"))
                    if files >= wanted:
                        break
                    time.sleep(0.05)
                one.send_signal(signal.SIGKILL)
                process.wait()
                out, err = ((folder / each).read_text() for each in ("stdout", "stderr"))
                counted = counts(port)
            wrong = faults(folder, out, lines)
            if process.returncode or counted["most"] > PER_HOST:
                wrong.append(f"exit status {process.returncode}, {err[-300:]}")
            bad += bool(wrong)
            last = out.splitlines()[-1] if out else ""
            print(
                f"{run + 1}: killed at {wanted}; {last}; at the server {counted}; {wrong or 'ok'}"
            )
            sys.stdout.flush()
    print(f"{runs} runs, {bad} with faults")
    return int(bad > 0)


def seconds_of(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds of CPU that a running process has used."""
    stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def megabytes_of(process: subprocess.Popen[bytes]) -> float:
    """Return the memory of a running process, in MiB."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096 / 2**20


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(lines: int, hosts: int, shards: int) -> int:
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as port:
        folder = Path(name)
        write_list(folder, port, lines, hosts)
        began, before = time.monotonic(), children_seconds()
        download(folder).wait()
        alone = children_seconds() - before
        print(f"alone: {alone:.2f} s of CPU, {time.monotonic() - began:.2f} s")
        for count in (1, 2):
            shutil.rmtree(folder / "out", ignore_errors=True)
            with scheduler(folder) as (address, chief), worker(address, folder) as one:
                extra = [worker(address, folder)] * (count - 1)
                for each in extra:
                    two = each.__enter__()
                workers = [one, *([two] if extra else [])]
                time.sleep(6)
                processes = {"scheduler": [chief], "workers": workers}
                start = {key: sum(map(seconds_of, some)) for key, some in processes.items()}
                began, before = time.monotonic(), children_seconds()
                process = download(
                    folder, "--engine", "dask", "--scheduler", address, "--shards", str(shards)
                )
                process.wait()
                took, driver = time.monotonic() - began, children_seconds() - before
                used = {
                    key: sum(map(seconds_of, some)) - start[key] for key, some in processes.items()
                }
                memory = max(map(megabytes_of, workers))
                for each in extra:
                    each.__exit__(None, None, None)
            whole = driver + sum(used.values())
            print(
                f"{count} workers, {lines // shards} lines a shard: {whole:.2f} s of CPU "
                f"(command {driver:.2f}, scheduler {used['scheduler']:.2f}, workers "
                f"{used['workers']:.2f}), {took:.2f} s; {whole / alone - 1:+.1%}; "
                f"a worker has {memory:.0f} MiB"
            )
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=["kills", "cost", "serve"])
    parser.add_argument("port", nargs="?", type=int, default=0)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--hosts", type=int, default=500)
    parser.add_argument("--shards", type=int, default=4)
    given = parser.parse_args()
    if given.what == "serve":
        asyncio.run(serve(given.port))
        return 0
    if given.what == "kills":
        return kills(given.runs, given.lines, given.hosts)
    return cost(given.lines, given.hosts, given.shards)


if __name__ == "__main__":
    sys.exit(main())
