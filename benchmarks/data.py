"""What is asked for, what was measured and what is shown: data only."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

OUTPUT = "{output}"
"""Stands in a command for the folder of the run."""

Metric = Literal["seconds", "cpu", "memory", "rate"]
"""What a section is about: the bars of its panel."""

Ended = Literal["done", "failed", "capped"]
"""All was saved and the exit status is 0; not so; or it was stopped because it took too long."""


@dataclass(frozen=True, slots=True)
class Page:
    """One address of a list, and what is behind it."""

    url: str
    name: str  # its last part, which no other page of the list has
    body: str  # the file that the server sends
    wait: int  # milliseconds until the server answers


@dataclass(frozen=True, slots=True)
class Work:
    """A list, in the formats the tools read."""

    pages: tuple[Page, ...]
    sizes: dict[str, int]  # of bodies
    bodies: Path
    urls: Path
    curl: Path

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(self.sizes[page.body] for page in self.pages)

    @property
    def latency(self) -> float:
        """Seconds that the server waits in all."""
        return sum(page.wait for page in self.pages) / 1000


@dataclass(frozen=True, slots=True)
class Contender:
    """A command to measure."""

    label: str
    command: tuple[str, ...]
    note: str = ""
    ours: bool = False
    saves: bool = True  # otherwise its exit status alone says whether it did the work


@dataclass(frozen=True, slots=True)
class Run:
    """One whole process, as seen from outside. Times are in seconds, sizes in bytes."""

    ended: Ended
    exit_status: int
    seconds: float
    cpu: float  # user + system, children included
    peak_memory: int  # of the largest process
    server_cpu: float
    transferring: float  # from the first request on, where the server keeps a log; else 0
    saved: int  # files that are there and are the ones served
    wrong: int  # files that are there with other bytes
    complaint: str  # the last line it wrote to stderr, unless all went well


@dataclass(frozen=True, slots=True)
class Entry:
    """All runs of one contender on one list, or why there are none."""

    contender: Contender
    runs: tuple[Run, ...] = ()
    left_out: str = ""

    @property
    def good(self) -> tuple[Run, ...]:
        """The runs that did all of the work."""
        return tuple(run for run in self.runs if run.ended == "done")

    @property
    def sound(self) -> bool:
        """Whether there are runs, and every one did all of the work."""
        return bool(self.runs) and len(self.good) == len(self.runs)

    @property
    def seconds(self) -> float:
        """Median of the good runs."""
        return median(run.seconds for run in self.good)

    @property
    def cpu(self) -> float:
        """Median of the good runs."""
        return median(run.cpu for run in self.good)

    @property
    def server_cpu(self) -> float:
        """Median of the good runs."""
        return median(run.server_cpu for run in self.good)

    @property
    def transferring(self) -> float:
        """Median of the good runs."""
        return median(run.transferring for run in self.good)

    @property
    def peak_memory(self) -> int:
        """Median of the good runs."""
        return round(median(run.peak_memory for run in self.good))


@dataclass(frozen=True, slots=True)
class Floor:
    """A time that no tool can beat under the conditions its label names."""

    label: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure made of others, and the goal it is held against, if there is one."""

    text: str
    value: float
    unit: str = ""
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the goal, if any, is met."""
        return self.at_most is None or self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Section:
    """One table and one panel of the picture."""

    name: str
    title: str
    pages: int
    size: int  # bytes of all bodies
    entries: tuple[Entry, ...]
    metric: Metric = "seconds"
    floors: tuple[Floor, ...] = ()
    findings: tuple[Finding, ...] = ()

    def concluding(self, findings: Iterable[Finding]) -> "Section":
        """Return the section with its findings."""
        return replace(self, findings=tuple(findings))

    def entry(self, label: str) -> Entry | None:
        """Return the entry with this label, if it did all of the work."""
        found = (entry for entry in self.entries if entry.contender.label == label and entry.sound)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    ram: Path
    rounds: int = 3
    quick: bool = False
    cap: float = 200  # seconds after which a run is stopped
    long: float = 30  # seconds from which on a run is not repeated
    workers: int = 1  # of nginx
    tools: tuple[str, ...] = ()  # empty: all

    def scaled(self, full: int, quick: int) -> int:
        """Return the size to use."""
        return quick if self.quick else full
