"""Every kind of outcome that a server can cause is the same wherever bodies go to, and reported."""

import json
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from downloader.errors import ErrorKind
from downloader.models import SkipReason
from downloader.report.formats import FORMATS
from downloader.report.json_schema import schema
from tests.support.command import Command
from tests.support.fault_server import fault_server
from tests.support.outcomes import NOT_CAUSED_BY_LISTS, SAVED, list_of_outcomes

RECORD = jsonschema.Draft202012Validator(json.loads(schema()))
READABLE = [each.ending for each in FORMATS.values() if each.is_readable]
OPTIONS = (
    *("--retries", "0", "--read-timeout", "1", "--max-size", "4M", "--max-redirects", "5"),
    "--no-progress",
)
#: Options by what a run does with bodies.
WAYS = {
    "folder": (),
    "nothing saved": ("--no-save",),
    "WARC": ("--warc", "all.warc.gz"),
    "WACZ": ("--wacz", "all.wacz"),
    "packed": ("--pack", "warc"),
    "processes": ("--processes", "2"),
    "cluster": ("--engine", "dask", "--processes", "1"),
}


def records(file: Path) -> list[dict[str, object]]:
    """Return the records of a report in JSON Lines, which must be as the schema says."""
    found = [json.loads(line) for line in file.read_text("ascii").splitlines()]
    for record in found:
        RECORD.validate(record)
    return found


def reports(name: str, *, files: bool = True) -> list[str]:
    """Return the options that make a report in every format, if there are *files* to list."""
    formats = (each for each in FORMATS.values() if files or not each.needs_files)
    return [word for each in formats for word in ("--report", f"{name}{each.ending}")]


@pytest.mark.slow(keep=2)
@pytest.mark.parametrize("way", WAYS)
async def test_every_outcome_is_the_same_in_every_way_and_report(
    way: str, command: Command
) -> None:
    options = (*OPTIONS, *WAYS[way], "-o", "out")
    files = way not in ("nothing saved", "packed")
    async with fault_server() as server:
        (command.folder / "list.csv").write_text("\n".join(list_of_outcomes(server)))
        first = await command(
            "list.csv", *options, *reports("first", files=files), "--lock", "lock.jsonl"
        )
        assert first.status == 1
        assert any("lock.jsonl was not written" in line for line in first.err)
        second = await command(
            *("list.csv", *options, *reports("second", files=files), "--compare", "first.parquet"),
            *("--sizes", "--budget", "total=1"),
        )
        assert second.status == 1
        once, again = (records(command.folder / f"{name}.jsonl") for name in ("first", "second"))
        kinds = Counter(record["kind"] for record in once if record["outcome"] == "failed")
        assert set(kinds) == {*ErrorKind} - {*NOT_CAUSED_BY_LISTS}
        assert set(kinds.values()) == {1}, "one line of each kind"
        assert Counter(record["reason"] for record in once)[SkipReason.DUPLICATE] == 1
        assert sum(record["outcome"] in ("downloaded", "measured") for record in once) == len(SAVED)
        assert kinds == Counter(record["kind"] for record in again if record["outcome"] == "failed")
        if way != "nothing saved":
            assert Counter(record["reason"] for record in again)[SkipReason.DONE] == len(SAVED)
        for one in READABLE:
            for other in READABLE:
                ran = await command("compare", f"first{one}", f"second{other}")
                assert (ran.status, ran.err) == (0, [])
        merged = await command(
            *("merge", "first.jsonl", "second.json", *reports("merged"), "--lock", "merged.lock")
        )
        assert merged.status == 1
        assert len(records(command.folder / "merged.jsonl")) == len(once) + len(again)
