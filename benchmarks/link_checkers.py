"""Compare the verdicts of link checkers on a site with every kind of link.

python -m benchmarks.link_checkers [--path FOLDER]...

Prints a Markdown table. Programs that are not installed are left out: lychee, linkchecker
(LinkChecker) and linkinator; ``--path`` names folders to look for them first.
"""

import argparse
import asyncio
import csv
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin

from tests.support.link_site import CASES, Expected, LinkSite, link_site

_ANCHOR_CHECK = "[AnchorCheck]\n"
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Checker:
    """A program that checks links.

    Attributes:
        name: of the program.
        arguments: returns its arguments, for the site and a folder for files.
        broken: returns the URLs that its output names as broken.
    """

    name: str
    arguments: Callable[[LinkSite, Path], list[str]]
    broken: Callable[[str, Path], list[str]]


def _ours(site: LinkSite, folder: Path) -> list[str]:
    report = str(folder / "ours.json")
    limits = ["--retries", "0", "--read-timeout", "3", "--host-rule", "127.0.0.1: delay=0s"]
    return ["-m", "downloader", "links", "-r", f"{site.site}/", "--report", report, *limits]


def _broken_of_ours(_: str, folder: Path) -> list[str]:
    report = json.loads((folder / "ours.json").read_text())
    return [each["url"] for each in report["links"] if each["verdict"] == "broken"]


def _lychee(site: LinkSite, _: Path) -> list[str]:
    # It reads the pages that it is given, and follows no links.
    pages = [f"{site.site}/", f"{site.site}/frame"]
    limits = ["--max-retries", "0", "--timeout", "3", "--no-progress"]
    return [*pages, "--format", "json", "--include-fragments=anchor-only", *limits]


def _broken_of_lychee(output: str, _: Path) -> list[str]:
    report = json.loads(output)
    maps = [report["error_map"], report.get("timeout_map", {})]
    return [each["url"] for found in maps for links in found.values() for each in links]


def _linkchecker(site: LinkSite, folder: Path) -> list[str]:
    config = folder / "linkcheckerrc"
    config.write_text(_ANCHOR_CHECK)
    limits = ["--timeout", "3", "--check-extern", "--no-status"]
    return ["-f", str(config), "-o", "csv", *limits, f"{site.site}/"]


def _broken_of_linkchecker(output: str, _: Path) -> list[str]:
    lines = [line for line in output.splitlines() if line and not line.startswith("#")]
    rows = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=";")
    return [
        url
        for row in rows
        if row["valid"] != "True" or "Anchor" in (row["warningstring"] or "")
        # The second one is where redirects have led to.
        for url in (urljoin(row["parentname"], row["urlname"]), row["url"])
    ]


def _linkinator(site: LinkSite, _: Path) -> list[str]:
    limits = ["--timeout", "3000", "--recurse", "--check-css", "--check-fragments"]
    return [f"{site.site}/", "--format", "json", *limits]


def _broken_of_linkinator(output: str, _: Path) -> list[str]:
    report = json.loads(output[output.index("{") :])
    return [each["url"] for each in report["links"] if each["state"] == "BROKEN"]


CHECKERS = (
    Checker(sys.executable, _ours, _broken_of_ours),
    Checker("lychee", _lychee, _broken_of_lychee),
    Checker("linkchecker", _linkchecker, _broken_of_linkchecker),
    Checker("linkinator", _linkinator, _broken_of_linkinator),
)


async def _broken_links(checker: Checker, program: str, site: LinkSite) -> set[str]:
    """Return the URLs that a program names as broken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # As root, LinkChecker becomes another user.
        os.chmod(name, 0o755)  # noqa: PTH101 - Path.chmod() is not for coroutines
        process = await asyncio.create_subprocess_exec(
            program,
            *checker.arguments(site, folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        output, _ = await asyncio.wait_for(process.communicate(), _TIMEOUT_SECONDS)
        return {unquote(url) for url in checker.broken(output.decode(), folder)}


async def _compare(paths: str) -> None:
    found: dict[str, set[str]] = {}
    async with link_site() as site:
        for checker in CHECKERS:
            program = shutil.which(checker.name, path=paths)
            if program is not None:
                is_ours = checker.name == sys.executable
                found["download links" if is_ours else checker.name] = await _broken_links(
                    checker, program, site
                )
        expected = {case: unquote(site.filled(case.link)) for case in CASES}
    print(f"| link | broken? | {' | '.join(found)} |\n|---|---|{'---|' * len(found)}")
    right = dict.fromkeys(found, 0)
    for case, url in expected.items():
        is_broken = case.expected is Expected.BROKEN
        cells = []
        for name, broken in found.items():
            is_right = (url in broken) == is_broken
            right[name] += is_right
            cells.append("yes" if is_right else "**no**")
        print(f"| {case.what} | {'yes' if is_broken else 'no'} | {' | '.join(cells)} |")
    counts = (f"{number} of {len(CASES)}" for number in right.values())
    print(f"| right | | {' | '.join(counts)} |")


def main() -> None:
    """Run all checkers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", action="append", default=[])
    folders = [*parser.parse_args().path, os.environ.get("PATH", "")]
    asyncio.run(_compare(os.pathsep.join(folders)))


if __name__ == "__main__":
    main()
