"""curl and wget at the same faults: the table in the documentation says where they differ."""

import asyncio
import re
import shutil
import subprocess
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import pytest

from downloader import Downloaded, ErrorKind, Failed, Outcome, download_sites
from tests.support.fault_cases import CASES, OPTIONS, Case
from tests.support.fault_server import Endpoint, FaultServer, fault_server, save_authority

DOCUMENT = Path(__file__).parents[2] / "docs" / "explanation" / "reliability.md"
HEADING = "## Where curl and wget differ\n"
#: The versions that the table is of; others may decide otherwise.
VERSIONS = {"curl": "curl 7.88", "wget": "GNU Wget 1.21"}
MAX_PROCESSES = 16
#: Far more than a response of the fault server takes, and less than one that never ends.
WAIT_SECONDS = 5


class Verdict(StrEnum):
    """What a tool makes of a fault."""

    SAVES = "saves"
    SAVES_OTHER_BYTES = "saves other bytes"
    FAILS = "fails"
    #: Until it is stopped, for an end of the response that does not come.
    WAITS = "waits"


@dataclass(frozen=True)
class Row:
    """What becomes of one fault.

    Attributes:
        fault: the path and endpoint, as the table has them.
        download: ``saves`` or the kind of failure.
    """

    fault: str
    download: str
    curl: str
    wget: str

    @property
    def agrees(self) -> bool:
        """Whether all three save the same bytes, or none saves any."""
        others = {self.curl, self.wget}
        if self.download == Verdict.SAVES:
            return others == {Verdict.SAVES}
        return others <= {Verdict.FAILS, Verdict.WAITS}


def compared_cases() -> list[Case]:
    """Return the faults to compare.

    Those are left out that need a short timeout or have no end, that would be looked up in the
    name servers of this machine, and that need a connection used before. Chunks change nothing
    about a content coding.
    """
    return [
        case
        for case in CASES
        if case.options is OPTIONS
        and case.expected is not ErrorKind.DNS
        and not case.path.startswith("/coded/in-chunks/")
        and not case.path.endswith("-when-used-again")
        and not re.search("endless|for-each-byte", case.path)
    ]


def name_of(case: Case) -> str:
    """Return the fault as the table names it."""
    return str(case).replace("/coded/by-length/", "…/")


async def stopped(tool: list[str | Path]) -> int | None:
    """Return the exit status of a tool; None if it has not ended in time."""
    process = await asyncio.create_subprocess_exec(
        *tool, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None


async def verdict_of(tool: list[str | Path], file: Path, expected: bytes | None) -> Verdict:
    """Return what *tool*, which writes *file*, makes of a fault.

    Args:
        expected: what we save, if we do.
    """
    status = await stopped(tool)
    if status != 0:
        return Verdict.WAITS if status is None else Verdict.FAILS
    body = file.read_bytes() if file.exists() else b""
    return Verdict.SAVES if expected in (None, body) else Verdict.SAVES_OTHER_BYTES


def curl(url: str, file: Path, authority: Path) -> list[str | Path]:
    return [
        *("curl", "-q", "--silent", "--location", "--max-redirs", "20", "--fail", "--compressed"),
        *("--noproxy", "*", "--cacert", authority, "--output", file, url),
    ]


def wget(url: str, file: Path, authority: Path) -> list[str | Path]:
    return [
        *("wget", "--no-config", "--quiet", "--tries=1", "--max-redirect=20", "--no-hsts"),
        *("--compression=auto", "--no-proxy", f"--ca-certificate={authority}"),
        *("--output-document", file, url),
    ]


async def outcomes(cases: list[Case], folder: Path, authority: Path) -> list[Outcome]:
    """Return what we make of the faults."""
    options = replace(OPTIONS, per_host=len(cases), cacert=authority)
    async with fault_server(*Endpoint) as server:
        urls = [url_of(case, server) for case in cases]
        return await download_sites(urls, folder, options=options)


def url_of(case: Case, server: FaultServer) -> str:
    return server.url(case.path, case.endpoint, case.scheme)


async def compared(folder: Path) -> list[Row]:
    """Return what becomes of every fault."""
    authority = folder / "authority.pem"
    save_authority(authority)
    cases = compared_cases()
    ours = folder / "download"
    limit = asyncio.Semaphore(MAX_PROCESSES)

    async def row_of(number: int, case: Case, outcome: Outcome) -> Row:
        body = None
        if isinstance(outcome, Downloaded):
            body = (ours / outcome.path).read_bytes()
        verdicts = []
        for tool in (curl, wget):
            file = folder / f"{number}.{tool.__name__}"
            async with limit:
                command = tool(url_of(case, server), file, authority)
                verdicts.append(await verdict_of(command, file, body))
        return Row(name_of(case), our_verdict(outcome), *verdicts)

    found = await outcomes(cases, ours, authority)
    async with fault_server(*Endpoint) as server:
        pairs = enumerate(zip(cases, found, strict=True))
        return await asyncio.gather(*(row_of(number, *pair) for number, pair in pairs))


def our_verdict(outcome: Outcome) -> str:
    assert isinstance(outcome, Downloaded | Failed)
    return Verdict.SAVES if isinstance(outcome, Downloaded) else f"`{outcome.kind}`"


def documented_rows() -> list[Row]:
    """Return the rows of the table, one for each fault."""
    section = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    rows: list[Row] = []
    for line in section.splitlines():
        if line.startswith("| `"):
            faults, *verdicts, why = (cell.strip() for cell in line.split("|")[1:-1])
            assert why, line
            rows += [Row(fault, *verdicts) for fault in re.findall(r"`([^`]+)`", faults)]
    return rows


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.fault)


def is_version(tool: str, version: str) -> bool:
    """Return whether *tool* is installed in a version, and knows the codings it may know."""
    if shutil.which(tool) is None:
        return False
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    return said.startswith(version) and (tool != "curl" or {"brotli", "zstd"} <= words_of(said))


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.slow
async def test_curl_and_wget_differ_where_the_documentation_says(tmp_path: Path) -> None:
    if found := [tool for tool, version in VERSIONS.items() if not is_version(tool, version)]:
        pytest.skip(f"the table is of {VERSIONS}, which {found} are not")
    rows = await compared(tmp_path)
    assert in_order([row for row in rows if not row.agrees]) == in_order(documented_rows())


def test_the_table_names_its_versions_and_what_we_do_with_each_fault() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(version in text for version in VERSIONS.values())
    ours = {
        name_of(case): Verdict.SAVES if isinstance(case.expected, bytes) else f"`{case.expected}`"
        for case in compared_cases()
    }
    rows = documented_rows()
    assert {row.fault: row.download for row in rows} == {row.fault: ours[row.fault] for row in rows}
