"""What a mirror costs beside a plain download of the same files: CPU of whole processes.

    python -m benchmarks.mirrors.cost [SITE ...] [--pages N] [--rounds N] [--docs FOLDER]

Mirrors some pages of each documentation, then downloads all the files of that mirror from a ready
list, in turn, from a server on loopback whose share is not counted.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mirrors.sites import DOCUMENTATION, serving
from benchmarks.mirrors.tools import LIST, OUTPUT, Tool
from benchmarks.peers import our_command

MIRROR = Tool("mirror", (our_command(), "-q", "-m", LIST, "-o", OUTPUT))
PLAIN = Tool("plain", (our_command(), "-q", LIST, "-o", OUTPUT))


def main() -> None:
    """Measure and print a table."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.mirrors.cost",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    made.add_argument("sites", nargs="*", metavar="SITE", help=f"{', '.join(DOCUMENTATION)}")
    made.add_argument("--pages", type=int, default=300, metavar="N", help="of each [300]")
    made.add_argument("--rounds", type=int, default=3, metavar="N", help="mirrors of each [3]")
    made.add_argument("--docs", type=Path, metavar="FOLDER", help="where packages are, or go")
    arguments = made.parse_args()
    asyncio.run(measure(arguments))


async def measure(arguments: argparse.Namespace) -> None:
    """Print a line for each documentation."""
    print("| site | pages | files | mirror, s | plain, s | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for site in arguments.sites or DOCUMENTATION:
            docs = arguments.docs or work / "docs"
            async with serving(site, arguments.pages, docs) as origin:
                measured = (site, origin.pages, work / site, arguments.rounds)
                print(await asyncio.to_thread(cost, *measured))


def cost(site: str, pages: Sequence[str], work: Path, rounds: int) -> str:
    """Return the line of one documentation."""
    report = work / "report.jsonl"
    listed = Tool("listed", (*MIRROR.command, "--report", str(report)))
    work.mkdir(parents=True)
    listed.run(pages, work / "listed")
    records = map(json.loads, report.read_text().splitlines())
    files = [record["url"] for record in records if record["outcome"] == "downloaded"]
    pairs = []
    for number in range(rounds):
        mirror, _ = MIRROR.run(pages, work / f"mirror-{number}")
        plain, _ = PLAIN.run(files, work / f"plain-{number}")
        pairs.append((mirror["cpu"], plain["cpu"]))
    mirrors, plains = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(mirror / plain for mirror, plain in pairs)
    return f"| {site} | {len(pages)} | {len(files)} | {mirrors:.2f} | {plains:.2f} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
