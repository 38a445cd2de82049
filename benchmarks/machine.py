"""The machine and the software versions of a benchmark."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers import first_line, versions


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, the versions and the date."""

    processor: str
    cores: int
    memory: int  # bytes
    kernel: str
    python: str
    aiohttp: str
    commit: str
    date: str
    load: float  # average of the last minute, before the first run
    tools: dict[str, str]

    @property
    def named(self) -> str:
        """The machine, in one line."""
        gib = self.memory / (1 << 30)
        return (
            f"{self.processor}, {self.cores} cores, {gib:.0f} GiB, Linux {self.kernel}, "
            f"Python {self.python}, {self.date[:10]}"
        )


def this_machine() -> Machine:
    """Return the machine that this process runs on."""
    folder = Path(__file__).parent
    commit = first_line(["git", "-C", str(folder), "describe", "--always", "--dirty"])
    return Machine(
        processor=processor(),
        cores=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=platform.release(),
        python=platform.python_version(),
        aiohttp=version("aiohttp"),
        commit=commit,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        load=os.getloadavg()[0],
        tools=versions(),
    )


def processor() -> str:
    """Return the name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
