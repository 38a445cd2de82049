"""Run contenders in turn, round after round, and compare what they save with what was served."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from filecmp import cmp
from pathlib import Path
from typing import TypedDict

from benchmarks.certificate import issue
from benchmarks.model import OUTPUT, Contender, Ended, Entry, Page, Run, Settings, UrlList
from benchmarks.nginx import Server, pages_server
from benchmarks.pages import hosts, write_bodies, write_url_list

LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).parent / "launch.py"))
MAX_ERROR_CHARACTERS = 200


class ProcessUsage(TypedDict):
    """What the launcher prints of a process."""

    began: float
    seconds: float
    cpu: float
    peak_memory: int
    exit_status: int
    capped: bool


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs contenders against a server of its own, in a folder in memory."""

    settings: Settings
    folder: Path
    server: Server
    sizes: dict[str, int]
    origins: tuple[str, ...]
    authority: Path | None = None  # of the server's certificate, in PEM

    def write_list(self, pages: Iterable[Page]) -> UrlList:
        """Write a list of these pages."""
        folder = Path(tempfile.mkdtemp(prefix="list-", dir=self.folder))
        url_list = write_url_list(folder, self.folder / "bodies", self.sizes, pages)
        return replace(url_list, authority=self.authority)

    def measure(
        self, name: str, url_list: UrlList, contenders: Iterable[Contender | Entry]
    ) -> tuple[Entry, ...]:
        """Run all contenders in turn, for the rounds of the settings."""
        entries = [
            contender if isinstance(contender, Entry) else Entry(contender)
            for contender in contenders
        ]
        for number in range(self.settings.rounds):
            for place, entry in enumerate(entries):
                if entry.left_out or not should_run_again(entry.runs, self.settings.long):
                    continue
                run = self.run(entry.contender, url_list)
                entries[place] = Entry(entry.contender, (*entry.runs, run))
                print_progress(
                    f"{name}, round {number + 1}: {entry.contender.label}: {describe(run)}"
                )
        return tuple(entries)

    def run(self, contender: Contender, url_list: UrlList) -> Run:
        """Run a contender once, in a new folder."""
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.folder))
        output, home, log = folder / "output", folder / "home", folder / "stderr"
        output.mkdir()
        home.mkdir()
        try:
            server_before = self.server.cpu()
            command = [part.replace(OUTPUT, str(output)) for part in contender.command]
            usage = launch(command, home, log, self.settings.cap)
            server_cpu = self.server.cpu() - server_before
            saved, wrong = examine(contender, url_list, output)
            ended = how_it_ended(usage, all_saved=saved >= len(url_list.pages))
            return Run(
                ended=ended,
                exit_status=usage["exit_status"],
                seconds=usage["seconds"],
                cpu=usage["cpu"],
                peak_memory=usage["peak_memory"],
                server_cpu=server_cpu,
                transferring=self.server.since_first_request(usage["began"], usage["seconds"]),
                saved=saved,
                wrong=wrong,
                complaint=last_line(log) if ended == "failed" else "",
            )
        finally:
            shutil.rmtree(folder)


@contextmanager
def open_runner(
    settings: Settings, host_count: int, *, large: int = 0, log: bool = False, tls: bool = False
) -> Iterator[Runner]:
    """Start a server with *host_count* hosts; stop it and remove all files on leaving.

    The origins are those without TLS.
    """
    with tempfile.TemporaryDirectory(prefix="download-bench-", dir=settings.ram) as name:
        folder = Path(name)
        (folder / "bodies").mkdir()
        # nginx serves as another user when it was started by root.
        folder.chmod(0o755)
        sizes = write_bodies(folder / "bodies", large)
        names = hosts(host_count)
        certificate = issue(folder, names) if tls else None
        with pages_server(
            folder, names, workers=settings.workers, log=log, certificate=certificate
        ) as server:
            origins = tuple(f"http://{host}:{server.port}" for host in names)
            authority = certificate.authority if certificate else None
            yield Runner(settings, folder, server, sizes, origins, authority)


def launch(command: Sequence[str], home: Path, log: Path, cap: float) -> ProcessUsage:
    """Run a command with an empty home folder, so that no personal settings apply."""
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    # The modules of an installed command are compiled once, and not in each run.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [*LAUNCHER, str(cap), log, *command],
        stdout=subprocess.PIPE,
        cwd=home,
        env=environment,
        # This process handles Ctrl-C, and then stops the launcher.
        start_new_session=True,
    ) as launcher:
        try:
            output, _ = launcher.communicate()
        except BaseException:
            launcher.terminate()
            launcher.wait()
            raise
    usage: ProcessUsage = json.loads(output)
    return usage


def examine(contender: Contender, url_list: UrlList, output: Path) -> tuple[int, int]:
    """Return how many pages a contender saved, and how many of these with wrong bytes."""
    if contender.mirrors:
        return len(saved_files(output)), 0
    return compare_files(url_list, output) if contender.saves else (len(url_list.pages), 0)


def compare_files(url_list: UrlList, output: Path) -> tuple[int, int]:
    """Return how many pages were saved as they were served, and how many with other bytes."""
    found = {file.name: file for file in saved_files(output)}
    named = [page for page in url_list.pages if page.name in found]
    saved = sum(cmp(url_list.bodies / page.body, found[page.name], shallow=False) for page in named)
    return saved, len(named) - saved


def saved_files(output: Path) -> list[Path]:
    """Return all files below a folder, except those in hidden folders."""
    found: list[Path] = []
    for folder, folders, files in os.walk(output):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += (Path(folder, name) for name in files)
    return found


def how_it_ended(usage: ProcessUsage, *, all_saved: bool) -> Ended:
    """Return how a run ended."""
    if usage["capped"]:
        return "capped"
    return "done" if all_saved and not usage["exit_status"] else "failed"


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty, without control characters."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return "".join(filter(str.isprintable, last))[:MAX_ERROR_CHARACTERS]


def should_run_again(runs: Sequence[Run], long: float) -> bool:
    """Return whether a contender is run in the next round."""
    return not runs or (runs[-1].ended != "capped" and runs[-1].seconds < long)


def describe(run: Run) -> str:
    """Return a run in a few words."""
    ended = "" if run.ended == "done" else f"{run.ended}, {run.saved} saved, "
    return f"{ended}{run.seconds:.2f} s, {run.cpu:.2f} s of CPU {run.complaint}".rstrip()


def print_progress(line: str) -> None:
    """Print a line of progress to stderr, apart from the results."""
    print(line, file=sys.stderr, flush=True)
