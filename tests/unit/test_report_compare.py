"""Two reports are compared without a run."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from downloader.cli.compare import run_compare
from downloader.errors import ErrorKind, ReportError
from downloader.models import ExitStatus, SkipReason
from downloader.models.url_record import Record, Result
from downloader.report.fail_on import parse_fail_on
from downloader.report.formats import FORMATS
from downloader.report.interface import ReportOptions
from downloader.report.run_record import ReportTotals, RunRecord

RUN = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 0, True, ReportTotals(), None)
STOPPED = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 3, False, ReportTotals(), None)
READABLE = [each.ending for each in FORMATS.values() if each.is_readable]
HTTP_STATUS, BAD_URL = ErrorKind.HTTP_STATUS, ErrorKind.BAD_URL


def fetched(name: str, size: int = 1, digit: str = "0") -> Record:
    return Record(
        url=f"http://h/{name}",
        outcome=Result.DOWNLOADED,
        decoded_bytes=size,
        sha256=digit * 64,
    )


def failed(name: str, kind: ErrorKind = HTTP_STATUS) -> Record:
    return Record(url=f"http://h/{name}", outcome=Result.FAILED, kind=kind)


def skipped(name: str, reason: SkipReason, size: int | None = None) -> Record:
    return Record(url=f"http://h/{name}", outcome=Result.SKIPPED, reason=reason, decoded_bytes=size)


def report(path: Path, records: Sequence[Record], run: RunRecord = RUN) -> Path:
    """Return the file of a report with these records."""
    writer = FORMATS[path.suffix].create(path)
    for record in records:
        writer.add(record)
    writer.finish(run)
    return path


def compare(old: Path, new: Path, fail_on: str = "") -> ExitStatus:
    return run_compare(
        new, ReportOptions(compare=old, fail_on=parse_fail_on(fail_on) if fail_on else None)
    )


@pytest.mark.parametrize("old_ending", READABLE)
@pytest.mark.parametrize("new_ending", READABLE)
def test_reports_of_any_data_format_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old_ending: str, new_ending: str
) -> None:
    old = report(
        tmp_path / f"old{old_ending}",
        [
            *(fetched(name) for name in ("same", "fails", "gone", "grows", "turns", "private")),
            failed("works"),
            skipped("public", SkipReason.ROBOTS),
            skipped("same", SkipReason.DUPLICATE),
        ],
    )
    new = report(
        tmp_path / f"new{new_ending}",
        [
            *(fetched(name) for name in ("same", "works", "public", "new")),
            failed("fails"),
            fetched("grows", 2000),
            fetched("turns", digit="1"),
            skipped("private", SkipReason.ROBOTS),
            skipped("same", SkipReason.DUPLICATE),
        ],
    )
    assert compare(old, new) == ExitStatus.DONE
    assert capsys.readouterr().out.splitlines() == [
        f"Since {old}: 1 broken, 1 works again, 1 disallowed, 1 allowed again, 1 gone, 1 new, "
        "2 changed (1 size, 1 bytes), 1 same",
        "",
        f"Change           {'Size':28}  URL",
        f"broken           {'1 B':28}  http://h/fails",
        f"works again      {'1 B':28}  http://h/works",
        f"disallowed       {'1 B':28}  http://h/private",
        f"allowed again    {'1 B':28}  http://h/public",
        f"gone             {'1 B':28}  http://h/gone",
        f"new              {'1 B':28}  http://h/new",
        "changed (size)   1 B → 2.0 KiB (+1,999 bytes)  http://h/grows",
        f"changed (bytes)  {'1 B':28}  http://h/turns",
    ]


def test_a_report_is_the_same_as_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = report(
        tmp_path / "r.jsonl",
        [
            fetched("a"),
            failed("b"),
            failed("", BAD_URL),
            failed("", BAD_URL),
            skipped("c", SkipReason.ROBOTS),
        ],
    )
    compare(path, path)
    assert capsys.readouterr().out == f"Since {path}: 4 same\n"


def test_what_the_later_run_skipped_as_done_was_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = report(tmp_path / "old.jsonl", [fetched("a"), fetched("b"), failed("c")])
    done = [skipped(name, SkipReason.DONE, size) for name, size in (("a", 1), ("b", 2), ("c", 1))]
    compare(old, report(tmp_path / "new.jsonl", done))
    assert capsys.readouterr().out.splitlines()[0] == (
        f"Since {old}: 1 changed (1 size), 0 same, "
        "2 not checked (skipped as done; --refresh asks the server)"
    )


def test_what_a_stopped_run_did_not_reach_is_not_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = report(tmp_path / "old.jsonl", [fetched("a"), fetched("b")], STOPPED)
    new = report(tmp_path / "new.jsonl", [fetched("a")], STOPPED)
    assert compare(old, new) == ExitStatus.DONE
    (line,) = capsys.readouterr().out.splitlines()
    assert "gone" not in line.partition(";")[0]
    assert "gone URLs are not known" in line
    assert "the earlier, stopped run did not reach" in line


@pytest.mark.parametrize("name", ["none.jsonl", "list.txt", "page.html", "r.csv"])
def test_what_is_no_report_is_refused(tmp_path: Path, name: str) -> None:
    good = report(tmp_path / "good.jsonl", [fetched("a")])
    bad = tmp_path / name
    if name != "none.jsonl":
        bad.write_text("url,outcome\nhttp://h/,downloaded\n")
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(ReportError, match=re.escape(name)):
            compare(*pair)


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("gone,broken", ["fails: broken; 500 Internal Server Error", "gone: gone"]),
        ("changed", ["grows: changed (size)", "turns: changed (bytes)", "half: changed (size)"]),
        ("size", ["grows: changed (size)", "half: changed (size)"]),
        ("bytes, new", ["new: new", "turns: changed (bytes)"]),
        ("works-again,disallowed,allowed-again", ["works: works again"]),
        ("grown=10%", ["grows: grown by 11.0%, 10% allowed"]),
        ("grown=11%", []),
        ("grown=10", ["grows: grown by 11 B, 10 B allowed"]),
        ("grown=11,status,type,title,redirect", []),
    ],
)
def test_unwanted_changes_fail_and_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, unwanted: list[str]
) -> None:
    names = ("fails", "gone", "grows", "turns", "half")
    old = report(tmp_path / "old.jsonl", [*(fetched(name, 100) for name in names), failed("works")])
    broken = replace(failed("fails"), message="500 Internal Server Error")
    later = [fetched("works"), fetched("new"), broken, fetched("grows", 111)]
    new = report(tmp_path / "new.jsonl", [*later, fetched("turns", 100, "1"), fetched("half", 50)])
    status = compare(old, new, text)
    assert status == (ExitStatus.SOME_FAILED if unwanted else ExitStatus.DONE)
    said = capsys.readouterr().err.splitlines()
    assert sorted(said) == sorted(f"Unwanted change: http://h/{line}" for line in unwanted)


@pytest.mark.parametrize("text", ["", "went", "grown", "grown=", "gone=1", "same"])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (change|size)"):
        parse_fail_on(text)


def test_very_many_unwanted_changes_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = report(tmp_path / "old.jsonl", [])
    new = report(tmp_path / "new.jsonl", [fetched(str(number)) for number in range(250)])
    assert compare(old, new, "new") == ExitStatus.SOME_FAILED
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 101
    assert said[-1] == "Unwanted change: and 150 more unwanted changes"
