"""Compare the installed command with other download tools.

    python -m benchmarks [WORKLOAD ...] [--quick] [--json FILE] [--picture FILE]

Starts nginx on loopback, runs every tool in turn on the same list with the same concurrency,
compares each saved byte with what was served, and prints the medians of several rounds.
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

from benchmarks.documentation import DocumentationError
from benchmarks.json_results import write_json
from benchmarks.machine import Machine, this_machine
from benchmarks.model import Section, Settings
from benchmarks.nginx import ServerError
from benchmarks.peers import our_command
from benchmarks.table import as_markdown, as_text, heading
from benchmarks.workloads import WORKLOADS

#: Workloads that take minutes, and whose result hardly differs between rounds.
ONE_ROUND = frozenset({"memory"})


def main() -> int:
    """Run the workloads, print and write the results, and return the exit status."""
    arguments = parse_arguments()
    settings = Settings(
        ram=arguments.ram,
        rounds=arguments.rounds,
        quick=arguments.quick,
        cap=arguments.cap,
        long=arguments.long,
        workers=arguments.workers,
        docs=arguments.docs,
        tools=tuple(filter(None, arguments.peers.split(","))),
    )
    # Without a handler, SIGTERM would leave nginx and the folder in memory behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = this_machine()
    print(heading(machine), end="\n\n", flush=True)
    sections: list[Section] = []
    try:
        for section in run_workloads(arguments.workloads or [*WORKLOADS], settings):
            sections.append(section)
            print(as_text(section), flush=True)
    except (DocumentationError, ServerError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        # The sections that are finished are written even if the user stops the rest.
        write_results(arguments, machine, settings, sections)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the arguments; check now what would otherwise fail after an hour."""
    arguments = argument_parser().parse_args()
    unknown = [name for name in arguments.workloads if name not in WORKLOADS]
    if unknown:
        argument_parser().error(f"no workload {unknown[0]}; choose from {', '.join(WORKLOADS)}")
    if not arguments.ram.is_dir():
        argument_parser().error(f"--ram: {arguments.ram} is no folder")
    if arguments.picture and importlib.util.find_spec("matplotlib") is None:
        argument_parser().error("--picture needs matplotlib: pip install '.[bench]'")
    if shutil.which(our_command()) is None:
        argument_parser().error("the command to measure is not installed: pip install .")
    return arguments


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    names = ", ".join(WORKLOADS)
    add("workloads", nargs="*", metavar="WORKLOAD", help=f"{names} [all]")
    add("--rounds", type=int, default=3, help="rounds of each workload [3]; one for memory")
    add("--quick", action="store_true", help="use small sizes, to check that everything works")
    add("--cap", type=float, default=200, help="stop a run after this many seconds [200]")
    add("--long", type=float, default=30, help="do not repeat runs of more seconds [30]")
    add("--ram", type=Path, default=Path("/dev/shm"), help="folder for all files [/dev/shm]")
    add("--workers", type=int, default=1, help="worker processes of nginx [1]")
    add("--docs", type=Path, metavar="FOLDER", help="folder for unpacked packages")
    add("--peers", default="", help="tools to compare with, e.g. curl,wget2, or 'none'")
    add("--json", type=Path, metavar="FILE", help="write every run as JSON")
    add("--picture", type=Path, metavar="FILE", help="draw the results as .svg or .png")
    add("--markdown", type=Path, metavar="FILE", help="write the tables as Markdown")
    return parser


def run_workloads(names: Sequence[str], settings: Settings) -> Iterator[Section]:
    """Run the workloads one after the other, and yield their sections."""
    for name in names:
        rounds = 1 if name in ONE_ROUND else settings.rounds
        yield from WORKLOADS[name](replace(settings, rounds=rounds))


def write_results(
    arguments: argparse.Namespace, machine: Machine, settings: Settings, sections: list[Section]
) -> None:
    """Write the files that options name."""
    if not sections:
        return
    if arguments.json:
        write_json(arguments.json, machine, settings, sections)
    if arguments.markdown:
        tables = "\n".join(map(as_markdown, sections))
        arguments.markdown.write_text(f"Measured on {machine.named}.\n\n{tables}")
    if arguments.picture:
        # Imported here, because matplotlib is large, and optional.
        from benchmarks.picture import draw

        draw(arguments.picture, machine, sections)


if __name__ == "__main__":
    sys.exit(main())
