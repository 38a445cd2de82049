"""The command by which each tool downloads a list into a folder.

Without *concurrency*, a command has the list, the folder, and no other option.
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

from benchmarks.model import OUTPUT, Contender, Entry, Settings, UrlList

HERE = Path(__file__).parent
VERSION = re.compile(r"\d+(\.\d+)+(-\d+)?")


@dataclass(frozen=True, slots=True)
class PeerExcluded(Exception):  # noqa: N818 -- nothing went wrong
    """A tool cannot, or should not, download this list."""

    reason: str


@cache
def our_command() -> str:
    """Return the path of the installed command; the one beside this Python is preferred."""
    found = shutil.which("download", path=str(Path(sys.executable).parent))
    return found or shutil.which("download") or "download"


@cache
def our_help() -> str:
    """Return the help of the installed command."""
    return subprocess.run([our_command(), "--help"], capture_output=True, text=True).stdout


def supports(option: str) -> bool:
    """Return whether the installed command has an option, such as `--per-host`."""
    return f"{option} " in our_help()


def supports_auto_concurrency() -> bool:
    """Return whether the installed command supports `-j auto`."""
    return "auto" in our_help().partition("--concurrency")[2].partition("--")[0]


def option_if_supported(option: str, value: object) -> tuple[str, ...]:
    """Return the option with its value, or nothing if the installed command does not have it."""
    return (option, str(value)) if supports(option) else ()


def ours(url_list: UrlList, *flags: str) -> Contender:
    """Return the command of this project with *flags*."""
    label = " ".join(("download", *flags))
    command = (our_command(), *flags, *trusting("--cacert", url_list))
    return Contender(label, (*command, "-o", OUTPUT, str(url_list.urls)), ours=True)


def trusting(option: str, url_list: UrlList) -> tuple[str, ...]:
    """Return the option that names the authority of the list's certificates, if there is one."""
    return (option, str(url_list.authority)) if url_list.authority else ()


def default_note(own: int, concurrency: int | None) -> str:
    """Return the note on a tool that uses its own default concurrency, or an empty string."""
    return f"{own} at once, its default" if concurrency is None else ""


def curl(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return curl; without `-Z` it would fetch one URL after the other."""
    flags = () if concurrency is None else ("--parallel-max", str(concurrency))
    flags = (*flags, *trusting("--cacert", url_list))
    command = ("curl", "-Z", *flags, "--remote-name-all", "--output-dir", OUTPUT)
    return Contender("curl -Z", (*command, "-K", str(url_list.curl)), default_note(50, concurrency))


def wget(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return wget, which has one connection."""
    if concurrency is not None:
        raise PeerExcluded("one connection only")
    command = ("wget", *trusting("--ca-certificate", url_list), "-i", str(url_list.urls))
    return Contender("wget", (*command, "-P", OUTPUT), "one connection only")


def wget2(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return wget2."""
    flags = () if concurrency is None else (f"--max-threads={concurrency}",)
    flags = (*flags, *trusting("--ca-certificate", url_list))
    command = ("wget2", *flags, "-i", str(url_list.urls), "-P", OUTPUT)
    return Contender("wget2", command, default_note(5, concurrency))


def aria2(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return aria2."""
    flags = () if concurrency is None else ("-j", str(concurrency))
    flags = (*flags, *trusting("--ca-certificate", url_list))
    command = ("aria2c", *flags, "-i", str(url_list.urls), "-d", OUTPUT)
    return Contender("aria2", command, default_note(5, concurrency))


def parfive(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return the library parfive, in the smallest program that uses it."""
    if url_list.authority:
        raise PeerExcluded("no option for a certificate authority")
    program = str(HERE / "parfive_run.py")
    flags = () if concurrency is None else (str(concurrency),)
    command = (sys.executable, program, str(url_list.urls), OUTPUT, *flags)
    return Contender("parfive", command, default_note(5, concurrency))


def httrack(url_list: UrlList, concurrency: int | None) -> Contender:
    """Return HTTrack without its limits, which would otherwise be what is measured."""
    if url_list.authority:
        raise PeerExcluded("does not verify certificates")
    if concurrency is None:
        raise PeerExcluded("its defaults limit bandwidth and new connections")
    if len({page.url.split("/")[2] for page in url_list.pages}) > 1:
        raise PeerExcluded("mirrors sites: asks each host for robots.txt and follows links")
    limits = ("--disable-security-limits", "--max-rate=0", "--connection-per-second=0")
    # Without a footer, because pages are compared byte by byte.
    plain = ("--robots=0", "--depth=1", "-%F", "")
    command = ("httrack", "--quiet", *limits, f"--sockets={concurrency}", *plain)
    return Contender("httrack", (*command, "-O", OUTPUT, "--list", str(url_list.urls)))


Peer = Callable[[UrlList, int | None], Contender]
#: By the name of the program or, for a library, of its module.
PEERS: dict[str, Peer] = {
    "curl": curl,
    "wget": wget,
    "wget2": wget2,
    "aria2c": aria2,
    "parfive": parfive,
    "httrack": httrack,
}


def peers(
    url_list: UrlList, concurrency: int | None, settings: Settings
) -> Iterator[Contender | Entry]:
    """Yield every peer, or an entry with the reason why it is left out."""
    for name, peer in PEERS.items():
        if settings.tools and name not in settings.tools:
            continue
        try:
            if not installed(name):
                raise PeerExcluded("not installed")
            yield peer(url_list, concurrency)
        except PeerExcluded as excluded:
            yield Entry(Contender(name, ()), left_out=excluded.reason)


def installed(name: str) -> bool:
    """Return whether a peer is installed."""
    if name == "parfive":
        return importlib.util.find_spec(name) is not None
    return shutil.which(name) is not None


def versions() -> dict[str, str]:
    """Return the version of each tool that is installed."""
    programs = [name for name in PEERS if name != "parfive" and installed(name)]
    commands = {name: (name, "--version") for name in programs}
    commands |= {"download": (our_command(), "--version"), "nginx": ("nginx", "-v")}
    found = {name: VERSION.search(first_line(command)) for name, command in commands.items()}
    if installed("parfive"):
        found["parfive"] = VERSION.search(version("parfive"))
    return {name: match[0] for name, match in sorted(found.items()) if match}


def first_line(command: Iterable[str]) -> str:
    """Return the first line that a command prints; empty if it fails or prints nothing."""
    try:
        ran = subprocess.run([*command], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return next(iter((ran.stdout + ran.stderr).splitlines()), "").strip()
