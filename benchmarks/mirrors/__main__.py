"""Compare mirrors by this project, wget, wget2 and HTTrack, in a browser with the network cut.

    python -m benchmarks.mirrors [SITE ...] [--pages N] [--docs FOLDER] [--markdown FILE]

Serves the site of the tests and documentation from Debian's packages on loopback, has each tool
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

from benchmarks.machine import Machine, this_machine
from benchmarks.mirrors.compare import Setting, compare
from benchmarks.mirrors.data import Comparison
from benchmarks.mirrors.sites import SITES, SiteError
from benchmarks.mirrors.table import markdown
from benchmarks.mirrors.tools import PEERS, Tool, ours, version_of
from tests.support.browser import CHROMIUM, chromium


def main() -> int:
    """Compare, print, write; return the exit status."""
    arguments = understood()
    tools = [ours(), *wanted(arguments.peers)]
    # Otherwise a plain kill would leave the browser and the folder behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = this_machine()
    comparisons: list[Comparison] = []
    try:
        asyncio.run(measure(arguments, tools, comparisons))
    except SiteError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        # What has been measured is worth keeping, also when the rest was not to be waited for.
        if comparisons:
            write(arguments, machine, comparisons)
    return 0


def understood() -> argparse.Namespace:
    """Return the arguments; complain now of what would else be found out after minutes."""
    arguments = parser().parse_args()
    for name, known in (
        *((site, SITES) for site in arguments.sites),
        *((peer, (*PEERS, "none")) for peer in filter(None, arguments.peers.split(","))),
    ):
        if name not in known:
            parser().error(f"no {name}; there are {', '.join(known)}")
    if arguments.pages < 1:
        parser().error("--pages must be at least 1")
    if CHROMIUM is None:
        parser().error("no Chromium is installed: apt-get install chromium")
    if not ours().installed:
        parser().error("the command to compare is not installed: pip install .")
    return arguments


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.mirrors",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = made.add_argument
    add("sites", nargs="*", metavar="SITE", help=f"{', '.join(SITES)}; all unless named")
    add("--peers", default="", help="only these, as wget,httrack; 'none' for none")
    add("--pages", type=int, default=20, metavar="N", help="of each documentation [20]")
    add("--docs", type=Path, metavar="FOLDER", help="where packages are, or go, unpacked")
    add("--keep", type=Path, metavar="FOLDER", help="keep mirrors and screenshots that differ")
    add("--json", type=Path, metavar="FILE", help="write every page's verdict")
    add("--markdown", type=Path, metavar="FILE", help="write the tables")
    return made


def wanted(peers: str) -> list[Tool]:
    """Return the peers that are asked for and installed, and tell which are not."""
    chosen = (
        [PEERS[name] for name in peers.split(",") if name in PEERS] if peers else [*PEERS.values()]
    )
    for tool in chosen:
        if not tool.installed:
            say(f"{tool.name} is left out: not installed")
    return [tool for tool in chosen if tool.installed]


async def measure(
    arguments: argparse.Namespace, tools: Sequence[Tool], comparisons: list[Comparison]
) -> None:
    """Compare on one site after the other."""
    with tempfile.TemporaryDirectory(prefix="download-mirrors-") as temporary:
        work = Path(temporary)
        setting = Setting(
            pages=arguments.pages,
            docs=arguments.docs or work / "docs",
            work=arguments.keep or work,
            keep=arguments.keep is not None,
            tell=say,
        )
        async with chromium() as browser:
            for site in arguments.sites or SITES:
                done = await compare(site, tools, browser, setting)
                comparisons.append(done)


def write(
    arguments: argparse.Namespace, machine: Machine, comparisons: Sequence[Comparison]
) -> None:
    """Print the tables, and write the files that were asked for."""
    browser = version_of(str(CHROMIUM)).partition(" built")[0]
    tools = dict.fromkeys(attempt.tool for one in comparisons for attempt in one.attempts)
    versions = ", ".join(f"{tool} {machine.tools.get(tool, '')}" for tool in tools)
    tables = f"Measured on {machine.named};\n{versions}; {browser}.\n\n{markdown(comparisons)}"
    print(tables)
    if arguments.markdown:
        arguments.markdown.write_text(tables)
    if arguments.json:
        found = {
            "machine": asdict(machine),
            "browser": browser,
            "comparisons": [asdict(comparison) for comparison in comparisons],
        }
        arguments.json.write_text(f"{json.dumps(found, indent=1)}\n")


def say(line: str) -> None:
    """Tell whoever waits, apart from the results."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
