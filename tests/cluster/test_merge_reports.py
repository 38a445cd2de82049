"""The subcommand ``merge`` with reports: those of several shards become one."""

import json
from pathlib import Path

import pytest

from downloader.models.url_record import FIELD_NAMES, Record, Result
from downloader.report.formats.jsonl import json_line
from tests.support.command import Command, write_list
from tests.support.handlers import sends
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.marks import linux_only

#: What differs from run to run, and by where a run is made.
_OF_THE_RUN = {"started", "seconds", "path", *(name for name in FIELD_NAMES if "_seconds" in name)}


def records(file: Path) -> list[dict[str, object]]:
    found = [json.loads(line) for line in file.read_text().splitlines()]
    kept = [{key: one[key] for key in one if key not in _OF_THE_RUN} for one in found]
    return sorted(kept, key=lambda record: str(record["index"]))


@linux_only
async def test_reports_of_shards_become_that_of_one_run(
    many_hosts: ManyHosts, command: Command
) -> None:
    for number in range(5):
        many_hosts.pages[f"/{number}"] = sends(b"%d" % number, {"Content-Type": "text/html"})
    addresses = [
        many_hosts.url(host, path) for host in HOSTS for path in [*many_hosts.pages, "/lost"]
    ]
    write_list(command, [*addresses, "no address://"])
    await command("list", "-o", "whole", "--report", "whole.jsonl")
    for number in (1, 2, 3):
        shard = ("--shard", f"{number}/3", "--report", f"{number}.jsonl")
        await command("list", "-o", f"part-{number}", *shard)
    reports = ("--report", "all.jsonl", "--report", "all.html", "--report", "all.csv")
    ran = await command("merge", "1.jsonl", "2.jsonl", "3.jsonl", *reports)
    lost = len(HOSTS) + 1
    assert (ran.status, ran.err) == (1, [])
    assert ran.out[0].startswith(f"{len(addresses) + 1} URLs in 3 reports: ")
    assert f"{lost} failed" in ran.out[0]
    assert records(command.folder / "all.jsonl") == records(command.folder / "whole.jsonl")
    assert "no address://" in (command.folder / "all.html").read_text()
    rows = (command.folder / "all.csv").read_text().splitlines()
    assert len(rows) == len(addresses) + 2
    # Nothing has been made but what was asked for.
    assert not (command.folder / "downloaded_sites").exists()


async def test_what_a_budget_and_an_earlier_report_say_of_all_of_them(command: Command) -> None:
    for number in (1, 2):
        record = Record(
            url=f"http://h/{number}", outcome=Result.MEASURED, decoded_bytes=600, index=number
        )
        (command.folder / f"{number}.jsonl").write_bytes(json_line(record))
    ran = await command("merge", "1.jsonl", "2.jsonl", "--budget", "total=1000")
    assert ran.status == 1
    (said,) = ran.err
    assert said.startswith("Over budget: all together: 1.2 KiB, 200 bytes over the 1000 B allowed")
    ran = await command("merge", "1.jsonl", "2.jsonl", "--compare", "1.jsonl")
    assert ran.status == 0
    assert ran.out[0].endswith("1 new, 1 same")


@pytest.mark.slow
async def test_what_is_no_report_is_named(command: Command) -> None:
    (command.folder / "good.jsonl").write_bytes(
        json_line(Record(url="http://h/", outcome=Result.MEASURED))
    )
    (command.folder / "bad.jsonl").write_text('{"page": 1}\n')
    for arguments, said in {
        ("good.jsonl", "bad.jsonl"): "download: bad.jsonl:1 is no record of a report; "
        "give a .jsonl, .json or .parquet that --report has written",
        ("good.jsonl", "none.jsonl"): "download: cannot read none.jsonl: No such file or directory",
        ("good.jsonl", "--report", "good.jsonl"): "download: good.jsonl is named twice; "
        "give each report a name of its own",
        (".", "--report", "new.jsonl"): "Error: --report is for merging reports, not folders",
        ("good.jsonl", "other.csv"): "download: other.csv is no report that can be read "
        "whole; name some that end in .jsonl or .json",
    }.items():
        ran = await command("merge", *arguments)
        assert (ran.status, ran.err[-1]) == (2, said)
    assert not (command.folder / "new.jsonl").exists()


async def test_a_run_that_was_stopped_leaves_the_whole_incomplete(command: Command) -> None:
    lines = [
        json_line(Record(url="http://h/", outcome=Result.MEASURED)),
        json_line(Record(url="", outcome=Result.NOT_TRIED)),
        b'{"url":"http://h/cut',
    ]
    (command.folder / "one.jsonl").write_bytes(b"".join(lines))
    ran = await command("merge", "one.jsonl", "--report", "all.json")
    assert ran.status == 1
    assert ran.err == ["Some of these runs were stopped: not every line was tried"]
    assert json.loads((command.folder / "all.json").read_text())["run"]["complete"] is False
