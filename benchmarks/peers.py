"""How each tool is told to fetch a list into a folder.

Without *at_once*, a tool is used as its users do: with the list, the folder, and nothing else.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from benchmarks.data import OUTPUT, Contender, Entry, Settings, Work

HERE = Path(__file__).parent
VERSION = re.compile(r"\d+(\.\d+)+(-\d+)?")


@dataclass(frozen=True, slots=True)
class LeftOut(Exception):  # noqa: N818 -- nothing went wrong
    """A tool cannot, or should not, do this work."""

    reason: str


@cache
def our_command() -> str:
    """Return the installed command, by preference the one beside this Python."""
    found = shutil.which("download", path=str(Path(sys.executable).parent))
    return found or shutil.which("download") or "download"


@cache
def our_help() -> str:
    """Return what the installed command says of its options."""
    return subprocess.run([our_command(), "--help"], capture_output=True, text=True).stdout


def can(option: str) -> bool:
    """Return whether the installed command has an option, such as `--per-host`."""
    return f"{option} " in our_help()


def can_adapt() -> bool:
    """Return whether the installed command takes `-j auto`."""
    return "auto" in our_help().partition("--concurrency")[2].partition("--")[0]


def if_can(option: str, value: object) -> tuple[str, ...]:
    """Return the option with its value, or nothing if the installed command is older."""
    return (option, str(value)) if can(option) else ()


def ours(work: Work, *flags: str) -> Contender:
    """Return this project's command with some flags."""
    label = " ".join(("download", *flags))
    command = (our_command(), *flags, "-o", OUTPUT, str(work.urls))
    return Contender(label, command, ours=True)


def default(own: int, at_once: int | None) -> str:
    """Return what to say of a tool that is left to its own number at once."""
    return f"{own} at once, its default" if at_once is None else ""


def curl(work: Work, at_once: int | None) -> Contender:
    """Return curl, which fetches one after the other unless it is told `-Z`."""
    flags = () if at_once is None else ("--parallel-max", str(at_once))
    command = ("curl", "-Z", *flags, "--remote-name-all", "--output-dir", OUTPUT)
    return Contender("curl -Z", (*command, "-K", str(work.curl)), default(50, at_once))


def wget(work: Work, at_once: int | None) -> Contender:
    """Return wget, which has one connection."""
    if at_once is not None:
        raise LeftOut("one connection only")
    return Contender("wget", ("wget", "-i", str(work.urls), "-P", OUTPUT), "one connection only")


def wget2(work: Work, at_once: int | None) -> Contender:
    """Return wget2."""
    flags = () if at_once is None else (f"--max-threads={at_once}",)
    command = ("wget2", *flags, "-i", str(work.urls), "-P", OUTPUT)
    return Contender("wget2", command, default(5, at_once))


def aria2(work: Work, at_once: int | None) -> Contender:
    """Return aria2."""
    flags = () if at_once is None else ("-j", str(at_once))
    command = ("aria2c", *flags, "-i", str(work.urls), "-d", OUTPUT)
    return Contender("aria2", command, default(5, at_once))


def parfive(work: Work, at_once: int | None) -> Contender:
    """Return parfive, a library, in the smallest program that uses it."""
    program = str(HERE / "parfive_run.py")
    flags = () if at_once is None else (str(at_once),)
    command = (sys.executable, program, str(work.urls), OUTPUT, *flags)
    return Contender("parfive", command, default(5, at_once))


def httrack(work: Work, at_once: int | None) -> Contender:
    """Return HTTrack without the limits that would make it a measurement of those limits."""
    if at_once is None:
        raise LeftOut("its defaults limit bandwidth and new connections")
    if len({page.url.split("/")[2] for page in work.pages}) > 1:
        raise LeftOut("mirrors sites: asks each host for robots.txt and follows links")
    limits = ("--disable-security-limits", "--max-rate=0", "--connection-per-second=0")
    # Without a footer, because the pages are compared.
    plain = ("--robots=0", "--depth=1", "-%F", "")
    command = ("httrack", "--quiet", *limits, f"--sockets={at_once}", *plain)
    return Contender("httrack", (*command, "-O", OUTPUT, "--list", str(work.urls)))


Peer = Callable[[Work, int | None], Contender]
PEERS: dict[str, Peer] = {
    "curl": curl,
    "wget": wget,
    "wget2": wget2,
    "aria2c": aria2,
    "parfive": parfive,
    "httrack": httrack,
}
"""By the name of the program, or of the module."""


def peers(work: Work, at_once: int | None, settings: Settings) -> Iterator[Contender | Entry]:
    """Return every peer, or why it is left out."""
    for name, peer in PEERS.items():
        if settings.tools and name not in settings.tools:
            continue
        try:
            if not installed(name):
                raise LeftOut("not installed")
            yield peer(work, at_once)
        except LeftOut as why:
            yield Entry(Contender(name, ()), left_out=why.reason)


def installed(name: str) -> bool:
    """Return whether a peer is there."""
    if name == "parfive":
        return importlib.util.find_spec(name) is not None
    return shutil.which(name) is not None


def versions() -> dict[str, str]:
    """Return the version of each tool that is there."""
    programs = [name for name in PEERS if name != "parfive" and installed(name)]
    commands = {name: (name, "--version") for name in programs}
    commands |= {"download": (our_command(), "--version"), "nginx": ("nginx", "-v")}
    found = {name: VERSION.search(first_line(command)) for name, command in commands.items()}
    if installed("parfive"):
        found["parfive"] = VERSION.search(version("parfive"))
    return {name: match[0] for name, match in sorted(found.items()) if match}


def first_line(command: Iterable[str]) -> str:
    """Return the first line a command prints, or nothing if there is none."""
    try:
        ran = subprocess.run([*command], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return next(iter((ran.stdout + ran.stderr).splitlines()), "").strip()
