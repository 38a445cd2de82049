"""Run every contender in turn, round after round, and check what each has saved."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import TypedDict

from benchmarks.data import OUTPUT, Contender, Ended, Entry, Page, Run, Settings, Work
from benchmarks.pages import hosts, write_bodies, write_work
from benchmarks.servers import Server, pages_server

LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).parent / "launch.py"))
LONGEST_COMPLAINT = 200


class Taken(TypedDict):
    """What the launcher prints."""

    began: float
    seconds: float
    cpu: float
    peak_memory: int
    exit_status: int
    capped: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """A server with its bodies, and a folder in memory."""

    settings: Settings
    folder: Path
    server: Server
    sizes: dict[str, int]
    origins: tuple[str, ...]

    def work(self, pages: Iterable[Page]) -> Work:
        """Write a list."""
        folder = Path(tempfile.mkdtemp(prefix="list-", dir=self.folder))
        return write_work(folder, self.folder / "bodies", self.sizes, pages)

    def measure(
        self, name: str, work: Work, contenders: Iterable[Contender | Entry]
    ) -> tuple[Entry, ...]:
        """Run all contenders in turn, for as many rounds as are set."""
        entries = [
            contender if isinstance(contender, Entry) else Entry(contender)
            for contender in contenders
        ]
        for number in range(self.settings.rounds):
            for place, entry in enumerate(entries):
                if entry.left_out or not worth_another(entry.runs, self.settings.long):
                    continue
                run = self.run(entry.contender, work)
                entries[place] = Entry(entry.contender, (*entry.runs, run))
                say(f"{name}, round {number + 1}: {entry.contender.label}: {told(run)}")
        return tuple(entries)

    def run(self, contender: Contender, work: Work) -> Run:
        """Run one contender once, in a new folder."""
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        output, home, log = folder / "output", folder / "home", folder / "stderr"
        output.mkdir()
        home.mkdir()
        try:
            server_before = self.server.cpu()
            command = [part.replace(OUTPUT, str(output)) for part in contender.command]
            taken = launch(command, home, log, self.settings.cap)
            server_cpu = self.server.cpu() - server_before
            saved, wrong = compare(work, output) if contender.saves else (len(work.pages), 0)
            ended = judged(taken, all_saved=saved == len(work.pages))
            return Run(
                ended=ended,
                exit_status=taken["exit_status"],
                seconds=taken["seconds"],
                cpu=taken["cpu"],
                peak_memory=taken["peak_memory"],
                server_cpu=server_cpu,
                transferring=self.server.since_first_request(taken["began"], taken["seconds"]),
                saved=saved,
                wrong=wrong,
                complaint=last_line(log) if ended == "failed" else "",
            )
        finally:
            shutil.rmtree(folder)


@contextmanager
def stage(
    settings: Settings, host_count: int, *, large: int = 0, log: bool = False
) -> Iterator[Stage]:
    """Set up a server at so many hosts, and remove everything when left."""
    with tempfile.TemporaryDirectory(prefix="download-bench-", dir=settings.ram) as name:
        folder = Path(name)
        (folder / "bodies").mkdir()
        # nginx serves as another user when it was started by root.
        folder.chmod(0o755)
        sizes = write_bodies(folder / "bodies", large)
        names = hosts(host_count)
        with pages_server(folder, names, workers=settings.workers, log=log) as server:
            origins = tuple(f"http://{host}:{server.port}" for host in names)
            yield Stage(settings, folder, server, sizes, origins)


def launch(command: Sequence[str], home: Path, log: Path, cap: float) -> Taken:
    """Run a command with an empty home, so that nobody's own settings count."""
    with subprocess.Popen(
        [*LAUNCHER, str(cap), log, *command],
        stdout=subprocess.PIPE,
        cwd=home,
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        # Ctrl-C is for this process, which then stops the launcher.
        start_new_session=True,
    ) as launcher:
        try:
            answer, _ = launcher.communicate()
        except BaseException:
            launcher.terminate()
            launcher.wait()
            raise
    taken: Taken = json.loads(answer)
    return taken


def compare(work: Work, output: Path) -> tuple[int, int]:
    """Return how many pages are there as they were served, and how many with other bytes."""
    found: dict[str, Path] = {}
    for folder, folders, files in os.walk(output):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found |= {name: Path(folder, name) for name in files}
    there = [page for page in work.pages if page.name in found]
    saved = sum(cmp(work.bodies / page.body, found[page.name], shallow=False) for page in there)
    return saved, len(there) - saved


def judged(taken: Taken, *, all_saved: bool) -> Ended:
    """Return whether a run did what it was asked for, and said so."""
    if taken["capped"]:
        return "capped"
    return "done" if all_saved and not taken["exit_status"] else "failed"


def last_line(log: Path) -> str:
    """Return the last line that says something."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(filter(str.isprintable, said))[:LONGEST_COMPLAINT]


def worth_another(runs: Sequence[Run], long: float) -> bool:
    """Return whether to run again what ran so far."""
    return not runs or (runs[-1].ended != "capped" and runs[-1].seconds < long)


def told(run: Run) -> str:
    """Return a run as a few words."""
    ended = "" if run.ended == "done" else f"{run.ended}, {run.saved} saved, "
    return f"{ended}{run.seconds:.2f} s, {run.cpu:.2f} s of CPU {run.complaint}".rstrip()


def say(line: str) -> None:
    """Tell whoever waits, apart from the results."""
    print(line, file=sys.stderr, flush=True)
