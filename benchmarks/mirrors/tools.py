"""The command by which each tool saves the pages of a list with everything they need."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ProcessUsage, launch
from benchmarks.peers import our_command

#: Placeholders in a command for the list and the output folder.
LIST, OUTPUT = "{list}", "{output}"
#: A tool is stopped after this time.
MAX_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Tool:
    """A command with placeholders for the list and the output folder."""

    name: str
    command: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Whether its program is installed."""
        return shutil.which(self.command[0]) is not None

    def run(self, urls: Sequence[str], folder: Path) -> tuple[ProcessUsage, Path]:
        """Save pages below *folder*; return what the process used, and the mirror's folder."""
        output, home, url_list = folder / "output", folder / "home", folder / "list.txt"
        output.mkdir(parents=True)
        home.mkdir()
        url_list.write_text("".join(f"{url}\n" for url in urls))
        values = {LIST: str(url_list), OUTPUT: str(output)}
        command = [values.get(part, part) for part in self.command]
        return launch(command, home, folder / "stderr", MAX_SECONDS), output


#: For wget and wget2: pages end in .html, requisites come from all hosts, links are converted.
WGET = ("-nv", "-E", "-H", "-k", "-p", "-e", "robots=off", "-i", LIST, "-P", OUTPUT)
REQUISITES = (
    *("css", "js", "mjs", "json", "webmanifest", "svg", "png", "jpg", "jpeg", "gif", "webp"),
    *("ico", "ttf", "otf", "woff", "woff2", "wav", "mp3", "ogg", "mp4", "webm", "vtt"),
)
HTTRACK = (
    # Its limits protect other people's servers.
    *("--quiet", "--robots=0", "--disable-security-limits", "--max-rate=0"),
    *("--connection-per-second=0", "--sockets=8", "-O", OUTPUT, "--list", LIST),
    # Only the pages of the list and, to any depth and on any host, files of these types. With
    # --depth=1 --near, which its manual recommends, it omits most style sheets.
    *("--depth=10", "--near", "-*"),
    *(f"+*.{kind}{query}" for kind in REQUISITES for query in ("", "?*")),
)


def ours() -> Tool:
    """Return the command of this project."""
    return Tool("download", (our_command(), "-m", LIST, "-o", OUTPUT))


PEERS = {
    "wget": Tool("wget", ("wget", *WGET)),
    "wget2": Tool("wget2", ("wget2", *WGET)),
    "httrack": Tool("httrack", ("httrack", *HTTRACK)),
}


def saved_files(output: Path) -> list[str]:
    """Return the sorted paths of all files below a folder, except those for a tool's own use."""
    return sorted(
        name
        for file in output.rglob("*")
        if file.is_file()
        and not (name := file.relative_to(output).as_posix()).startswith((".", "hts-"))
    )


def version_of(program: str) -> str:
    """Return the first line that a program prints with ``--version``."""
    process = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return next(iter(process.stdout.splitlines()), "")
