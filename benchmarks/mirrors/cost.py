"""The CPU of a mirror compared with a download of the same files; of whole processes.

    python -m benchmarks.mirrors.cost [SITE ...] [--pages N] [--rounds N] [--docs FOLDER]

Mirrors some pages of each documentation, and downloads all files of that mirror from a list of
their URLs, in turn. The CPU of the server on loopback is not included.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.documentation import DOCUMENTATION
from benchmarks.mirrors.sites import serving
from benchmarks.mirrors.tools import LIST, OUTPUT, Tool
from benchmarks.peers import our_command

MIRROR = Tool("mirror", (our_command(), "-q", "-m", LIST, "-o", OUTPUT))
DOWNLOAD = Tool("download", (our_command(), "-q", LIST, "-o", OUTPUT))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mirrors.cost",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("sites", nargs="*", metavar="SITE", help=f"{', '.join(DOCUMENTATION)}")
    parser.add_argument(
        "--pages", type=int, default=300, metavar="N", help="pages of each documentation [300]"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds [3]")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="folder for unpacked packages")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments))


async def measure(arguments: argparse.Namespace) -> None:
    """Print a row for each documentation."""
    print("| site | pages | files | mirror, s of CPU | download, s of CPU | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for site in arguments.sites or DOCUMENTATION:
            docs = arguments.docs or work / "docs"
            async with serving(site, arguments.pages, docs) as origin:
                row_arguments = (site, origin.pages, work / site, arguments.rounds)
                print(await asyncio.to_thread(measure_site, *row_arguments))


def measure_site(site: str, pages: Sequence[str], work: Path, rounds: int) -> str:
    """Return the row of one documentation."""
    report = work / "report.jsonl"
    first = Tool("first", (*MIRROR.command, "--report", str(report)))
    work.mkdir(parents=True)
    first.run(pages, work / "first")
    records = map(json.loads, report.read_text().splitlines())
    files = [record["url"] for record in records if record["outcome"] == "downloaded"]
    pairs = []
    for number in range(rounds):
        mirror, _ = MIRROR.run(pages, work / f"mirror-{number}")
        download, _ = DOWNLOAD.run(files, work / f"download-{number}")
        pairs.append((mirror["cpu"], download["cpu"]))
    mirrors, downloads = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(mirror / download for mirror, download in pairs)
    return (
        f"| {site} | {len(pages)} | {len(files)} | {mirrors:.2f} | {downloads:.2f} | {ratio:.2f} |"
    )


if __name__ == "__main__":
    main()
