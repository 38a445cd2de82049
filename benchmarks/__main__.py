"""Measure the installed command beside every peer that is installed.

    python -m benchmarks [WORKLOAD ...] [--quick] [--json FILE] [--picture FILE]

Sets up nginx on loopback, gives every tool the same list and the same concurrency in turn, round
after round, checks each byte that they save, and prints medians.
docs/explanation/benchmarks.md describes the workloads and how to read the tables.
"""

import argparse
import importlib.util
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.data import Section, Settings
from benchmarks.machine import Machine, this_machine
from benchmarks.peers import our_command
from benchmarks.record import write_json
from benchmarks.servers import ServerError
from benchmarks.table import heading, markdown, plain
from benchmarks.workloads import WORKLOADS

ONE_ROUND = frozenset({"memory"})
"""Takes minutes, and memory hardly differs from run to run."""


def main() -> int:
    """Measure, print, write; return the exit status."""
    arguments = understood()
    settings = Settings(
        ram=arguments.ram,
        rounds=arguments.rounds,
        quick=arguments.quick,
        cap=arguments.cap,
        long=arguments.long,
        workers=arguments.workers,
        tools=tuple(filter(None, arguments.peers.split(","))),
    )
    # Otherwise a plain kill would leave nginx and the folder in memory behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = this_machine()
    print(heading(machine), end="\n\n", flush=True)
    sections: list[Section] = []
    try:
        for section in measured(arguments.workloads or [*WORKLOADS], settings):
            sections.append(section)
            print(plain(section), flush=True)
    except ServerError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        # What has been measured is worth keeping, also when the rest was not to be waited for.
        write(arguments, machine, settings, sections)
    return 0


def understood() -> argparse.Namespace:
    """Return the arguments; complain now of what would else be found out after an hour."""
    arguments = parser().parse_args()
    unknown = [name for name in arguments.workloads if name not in WORKLOADS]
    if unknown:
        parser().error(f"no workload {unknown[0]}; there are {', '.join(WORKLOADS)}")
    if not arguments.ram.is_dir():
        parser().error(f"--ram: {arguments.ram} is no folder")
    if arguments.picture and importlib.util.find_spec("matplotlib") is None:
        parser().error("--picture needs matplotlib: pip install '.[bench]'")
    if shutil.which(our_command()) is None:
        parser().error("the command to measure is not installed: pip install .")
    return arguments


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = made.add_argument
    names = ", ".join(WORKLOADS)
    add("workloads", nargs="*", metavar="WORKLOAD", help=f"{names}; all unless named")
    add("--rounds", type=int, default=3, help="how often each tool runs [3]; memory: once")
    add("--quick", action="store_true", help="small sizes, to see that all works")
    add("--cap", type=float, default=200, help="stop a run after so many seconds [200]")
    add("--long", type=float, default=30, help="run no tool again that took so long [30]")
    add("--ram", type=Path, default=Path("/dev/shm"), help="where everything goes [/dev/shm]")
    add("--workers", type=int, default=1, help="of nginx [1]")
    add("--peers", default="", help="only these, as curl,wget2; 'none' for none")
    add("--json", type=Path, metavar="FILE", help="write everything measured")
    add("--picture", type=Path, metavar="FILE", help="draw the tables; .svg or .png")
    add("--markdown", type=Path, metavar="FILE", help="write the tables for README")
    return made


def measured(names: Sequence[str], settings: Settings) -> Iterator[Section]:
    """Run the workloads in turn."""
    for name in names:
        rounds = 1 if name in ONE_ROUND else settings.rounds
        yield from WORKLOADS[name](replace(settings, rounds=rounds))


def write(
    arguments: argparse.Namespace, machine: Machine, settings: Settings, sections: list[Section]
) -> None:
    """Write the files that were asked for."""
    if not sections:
        return
    if arguments.json:
        write_json(arguments.json, machine, settings, sections)
    if arguments.markdown:
        tables = "\n".join(map(markdown, sections))
        arguments.markdown.write_text(f"Measured on {machine.named}.\n\n{tables}")
    if arguments.picture:
        # Only now, because it is large, and not everyone who measures has it.
        from benchmarks.picture import draw

        draw(arguments.picture, machine, sections)


if __name__ == "__main__":
    sys.exit(main())
