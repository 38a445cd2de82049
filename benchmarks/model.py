"""The data of the benchmarks: lists, runs, and the sections of the results."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

#: Placeholder in a command for the output folder of the run.
OUTPUT = "{output}"

#: What the bars of a section show.
Metric = Literal["seconds", "cpu", "memory", "rate"]

#: How a run ended: ``done`` saved everything with exit status 0; ``capped`` was stopped, because it
#: took too long.
Ended = Literal["done", "failed", "capped"]


@dataclass(frozen=True, slots=True)
class Page:
    """One URL of a list, and what the server answers."""

    url: str
    name: str  # the last segment of its path, which is unique in the list
    body: str  # the file that the server sends
    wait: int  # milliseconds until the server answers


@dataclass(frozen=True, slots=True)
class UrlList:
    """A list of URLs, in the formats that the tools read."""

    pages: tuple[Page, ...]
    sizes: dict[str, int]  # bytes of each body
    bodies: Path  # the folder of the bodies
    urls: Path  # one URL a line
    curl: Path  # a config file of curl
    authority: Path | None = None  # of the certificates of https URLs, in PEM

    @property
    def size(self) -> int:
        """Bytes of the bodies of all pages."""
        return sum(self.sizes[page.body] for page in self.pages)

    @property
    def latency(self) -> float:
        """Sum of all latencies, in seconds."""
        return sum(page.wait for page in self.pages) / 1000


@dataclass(frozen=True, slots=True)
class Contender:
    """A command to measure."""

    label: str
    command: tuple[str, ...]
    note: str = ""
    ours: bool = False
    saves: bool = True  # otherwise only its exit status is checked
    mirrors: bool = False  # its files are only counted, because it replaces links


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command, measured from outside; times in seconds, sizes in bytes."""

    ended: Ended
    exit_status: int
    seconds: float
    cpu: float  # user + system, with child processes
    peak_memory: int  # of the largest process
    server_cpu: float
    transferring: float  # time since the first request, if the server has a log; else 0
    saved: int  # files that are identical to what was served
    wrong: int  # files with other bytes
    complaint: str  # the last line on stderr, if the run failed


@dataclass(frozen=True, slots=True)
class Entry:
    """All runs of one contender on one list, or the reason why there are none."""

    contender: Contender
    runs: tuple[Run, ...] = ()
    left_out: str = ""

    @property
    def done_runs(self) -> tuple[Run, ...]:
        """The runs that succeeded."""
        return tuple(run for run in self.runs if run.ended == "done")

    @property
    def all_done(self) -> bool:
        """Whether there are runs, and all of them succeeded."""
        return bool(self.runs) and len(self.done_runs) == len(self.runs)

    @property
    def seconds(self) -> float:
        """Median of the runs that succeeded."""
        return median(run.seconds for run in self.done_runs)

    @property
    def cpu(self) -> float:
        """Median of the runs that succeeded."""
        return median(run.cpu for run in self.done_runs)

    @property
    def server_cpu(self) -> float:
        """Median of the runs that succeeded."""
        return median(run.server_cpu for run in self.done_runs)

    @property
    def transferring(self) -> float:
        """Median of the runs that succeeded."""
        return median(run.transferring for run in self.done_runs)

    @property
    def peak_memory(self) -> int:
        """Median of the runs that succeeded."""
        return round(median(run.peak_memory for run in self.done_runs))


def paired_ratio(ours: Entry, other: Entry, figure: Callable[[Run], float]) -> float:
    """Return a figure of ours divided by that of another contender: the median over the rounds.

    Both run in each round, so that a load of the machine that lasts longer affects both.
    """
    return median(
        figure(run) / figure(beside) for run, beside in zip(ours.runs, other.runs, strict=False)
    )


@dataclass(frozen=True, slots=True)
class Floor:
    """A lower bound of the time of any tool, under the condition that its label names."""

    label: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure calculated from others, and its goal, if there is one."""

    text: str
    value: float
    unit: str = ""
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the goal is met, if there is one."""
        return self.at_most is None or self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Section:
    """The results of one list: a table, and a panel of the picture."""

    name: str
    title: str
    pages: int
    size: int  # bytes of all bodies
    entries: tuple[Entry, ...]
    metric: Metric = "seconds"
    floors: tuple[Floor, ...] = ()
    findings: tuple[Finding, ...] = ()

    def with_findings(self, findings: Iterable[Finding]) -> "Section":
        """Return the section with these findings."""
        return replace(self, findings=tuple(findings))

    def entry(self, label: str) -> Entry | None:
        """Return the entry with this label, if all of its runs succeeded."""
        found = (
            entry for entry in self.entries if entry.contender.label == label and entry.all_done
        )
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of the command line."""

    ram: Path
    rounds: int = 3
    quick: bool = False
    cap: float = 200  # seconds after which a run is stopped
    long: float = 30  # a run of more seconds is not repeated
    workers: int = 1  # processes of nginx
    docs: Path | None = None  # where Debian's documentation packages are unpacked
    tools: tuple[str, ...] = ()  # other tools; empty: all

    def scaled(self, full: int, quick: int) -> int:
        """Return *quick* with ``--quick``, else *full*."""
        return quick if self.quick else full
