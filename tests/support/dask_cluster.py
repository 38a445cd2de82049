"""A Dask scheduler and workers, each a process of its own."""

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class DaskCluster:
    """A scheduler and workers, started by their own commands.

    Attributes:
        address: of the scheduler.
        workers: processes.
    """

    folder: Path
    address: str = ""
    workers: list[asyncio.subprocess.Process] = field(default_factory=list)
    _all: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, count: int) -> None:
        file = self.folder / "scheduler.json"
        host = ("--host", "127.0.0.1", "--no-dashboard")
        await self._dask("scheduler", "--port", "0", "--scheduler-file", str(file), *host)
        async with asyncio.timeout(30):
            while not self.address:
                await asyncio.sleep(0.05)
                with suppress(OSError, ValueError):
                    self.address = json.loads(file.read_text())["address"]
        for number in range(count):
            await self.add(f"worker-{number}")

    async def add(self, name: str) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--name", name, "--host", "127.0.0.1")
        local = ("--local-directory", str(self.folder), "--no-dashboard")
        self.workers.append(await self._dask("worker", self.address, *options, *local))

    async def _dask(self, *arguments: str) -> asyncio.subprocess.Process:
        # They are killed before they could save what coverage measured.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dask", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.folder,
            env=environment,
        )
        self._all.append(process)
        return process

    async def close(self) -> None:
        for process in reversed(self._all):
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        self.address = ""
        (self.folder / "scheduler.json").unlink(missing_ok=True)
