"""How each tool is told to save the pages of a list with all that they need."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Taken, launch
from benchmarks.peers import our_command

LIST, OUTPUT = "{list}", "{output}"
CAP = 600.0
"""Seconds after which a tool is stopped."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A command in which the list and the output folder are left open."""

    name: str
    command: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Return whether its program is there."""
        return shutil.which(self.command[0]) is not None

    def run(self, urls: Sequence[str], folder: Path) -> tuple[Taken, Path]:
        """Save pages into a new folder below *folder*; return what that took, and the folder."""
        output, home, addresses = folder / "output", folder / "home", folder / "list.txt"
        output.mkdir(parents=True)
        home.mkdir()
        addresses.write_text("".join(f"{url}\n" for url in urls))
        fill = {LIST: str(addresses), OUTPUT: str(output)}
        command = [fill.get(part, part) for part in self.command]
        return launch(command, home, folder / "stderr", CAP), output


WGET = ("-nv", "-E", "-H", "-k", "-p", "-e", "robots=off", "-i", LIST, "-P", OUTPUT)
"""Both take these: pages end in .html, requisites come from all hosts, links are converted."""
REQUISITES = (
    *("css", "js", "mjs", "json", "webmanifest", "svg", "png", "jpg", "jpeg", "gif", "webp"),
    *("ico", "ttf", "otf", "woff", "woff2", "wav", "mp3", "ogg", "mp4", "webm", "vtt"),
)
HTTRACK = (
    # Its politeness is for other people's servers.
    *("--quiet", "--robots=0", "--disable-security-limits", "--max-rate=0"),
    *("--connection-per-second=0", "--sockets=8", "-O", OUTPUT, "--list", LIST),
    # Nothing but the pages of the list and, to any depth and on any host, files of these kinds.
    # With --depth=1 --near, which its manual has for this, it leaves out most style sheets.
    *("--depth=10", "--near", "-*"),
    *(f"+*.{kind}{query}" for kind in REQUISITES for query in ("", "?*")),
)


def ours() -> Tool:
    """Return this project's command."""
    return Tool("download", (our_command(), "-m", LIST, "-o", OUTPUT))


PEERS = {
    "wget": Tool("wget", ("wget", *WGET)),
    "wget2": Tool("wget2", ("wget2", *WGET)),
    "httrack": Tool("httrack", ("httrack", *HTTRACK)),
}


def saved(output: Path) -> list[str]:
    """Return every file below a folder, but for what tools keep for themselves, sorted."""
    return sorted(
        name
        for file in output.rglob("*")
        if file.is_file()
        and not (name := file.relative_to(output).as_posix()).startswith((".", "hts-"))
    )


def version_of(program: str) -> str:
    """Return the first line of what a program says of its version."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return next(iter(said.stdout.splitlines()), "")
