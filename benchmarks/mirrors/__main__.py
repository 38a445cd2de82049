"""Compare mirrors by download, wget, wget2 and HTTrack in a browser without a network.

    python -m benchmarks.mirrors [SITE ...] [--pages N] [--docs FOLDER] [--markdown FILE]

Serves the site of the tests and documentation from Debian's packages on loopback, runs each tool to
save the same pages with what they need, stops the server, and opens every page of every mirror in
Chromium. docs/explanation/mirror-comparison.md shows the tables and how to read them.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.documentation import DocumentationError
from benchmarks.machine import Machine, this_machine
from benchmarks.mirrors.compare import Setting, compare
from benchmarks.mirrors.model import Comparison
from benchmarks.mirrors.sites import SITES
from benchmarks.mirrors.table import markdown
from benchmarks.mirrors.tools import PEERS, Tool, ours, version_of
from tests.support.browser import CHROMIUM, chromium


def main() -> int:
    """Compare, print and write the results; return the exit status."""
    arguments = parse_arguments()
    tools = [ours(), *installed_peers(arguments.peers)]
    # Without a handler, SIGTERM would leave the browser and the folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = this_machine()
    comparisons: list[Comparison] = []
    try:
        asyncio.run(measure(arguments, tools, comparisons))
    except DocumentationError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        # The comparisons that are finished are written even if the user stops the rest.
        if comparisons:
            write_results(arguments, machine, comparisons)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Return the arguments; check now what would otherwise fail after minutes."""
    arguments = argument_parser().parse_args()
    for name, known in (
        *((site, SITES) for site in arguments.sites),
        *((peer, (*PEERS, "none")) for peer in filter(None, arguments.peers.split(","))),
    ):
        if name not in known:
            argument_parser().error(f"no {name}; choose from {', '.join(known)}")
    if arguments.pages < 1:
        argument_parser().error("--pages must be at least 1")
    if CHROMIUM is None:
        argument_parser().error("no Chromium is installed: apt-get install chromium")
    if not ours().installed:
        argument_parser().error("the command to compare is not installed: pip install .")
    return arguments


def argument_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mirrors",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("sites", nargs="*", metavar="SITE", help=f"{', '.join(SITES)} [all]")
    add("--peers", default="", help="tools to compare with, e.g. wget,httrack, or 'none'")
    add("--pages", type=int, default=20, metavar="N", help="pages of each documentation [20]")
    add("--docs", type=Path, metavar="FOLDER", help="folder for unpacked packages")
    add("--keep", type=Path, metavar="FOLDER", help="keep mirrors, and screenshots that differ")
    add("--json", type=Path, metavar="FILE", help="write the result of every page as JSON")
    add("--markdown", type=Path, metavar="FILE", help="write the tables as Markdown")
    return parser


def installed_peers(peers: str) -> list[Tool]:
    """Return the peers that are chosen and installed; report those that are not installed."""
    chosen = (
        [PEERS[name] for name in peers.split(",") if name in PEERS] if peers else [*PEERS.values()]
    )
    for tool in chosen:
        if not tool.installed:
            print_progress(f"{tool.name} is left out: not installed")
    return [tool for tool in chosen if tool.installed]


async def measure(
    arguments: argparse.Namespace, tools: Sequence[Tool], comparisons: list[Comparison]
) -> None:
    """Compare the tools on one site after the other."""
    with tempfile.TemporaryDirectory(prefix="download-mirrors-") as temporary:
        work = Path(temporary)
        setting = Setting(
            pages=arguments.pages,
            docs=arguments.docs or work / "docs",
            work=arguments.keep or work,
            keep=arguments.keep is not None,
            log=print_progress,
        )
        async with chromium() as browser:
            for site in arguments.sites or SITES:
                comparison = await compare(site, tools, browser, setting)
                comparisons.append(comparison)


def write_results(
    arguments: argparse.Namespace, machine: Machine, comparisons: Sequence[Comparison]
) -> None:
    """Print the tables, and write the files that options name."""
    browser = version_of(str(CHROMIUM)).partition(" built")[0]
    tools = dict.fromkeys(attempt.tool for one in comparisons for attempt in one.attempts)
    versions = ", ".join(f"{tool} {machine.tools.get(tool, '')}" for tool in tools)
    tables = f"Measured on {machine.named};\n{versions}; {browser}.\n\n{markdown(comparisons)}"
    print(tables)
    if arguments.markdown:
        arguments.markdown.write_text(tables)
    if arguments.json:
        document = {
            "machine": asdict(machine),
            "browser": browser,
            "comparisons": [asdict(comparison) for comparison in comparisons],
        }
        arguments.json.write_text(f"{json.dumps(document, indent=1)}\n")


def print_progress(line: str) -> None:
    """Print a line of progress to stderr, apart from the results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
