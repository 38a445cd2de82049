"""Reports that are compared: stopped runs, damaged files, hostile text."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import ReportError
from downloader.models import SkipReason
from downloader.models.changes import ChangeKind
from downloader.models.url_record import Record, Result
from downloader.report.budget import BudgetCheck, parse_budget
from downloader.report.compare import COMPARED_FIELDS, Comparison
from downloader.report.lock_file import LockCheck
from downloader.report.report_reader import read
from downloader.report.size_tables import size_lines
from downloader.report.summary import SizeSummary
from downloader.web.text import printable
from tests.support.reports import HOSTILE_TEXTS


def compared_with(path: Path) -> Comparison:
    return Comparison(path, read(path, COMPARED_FIELDS))


def test_what_a_stopped_run_did_not_come_to_is_not_gone(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text('{"url": "http://h/", "outcome": "downloaded"}\n{"url": "http://cut')
    comparison = compared_with(old)
    comparison.finish(complete=False)
    assert comparison.changes == {}
    assert "gone URLs are not known" in comparison.lines()[0]


def test_what_is_new_may_be_what_a_stopped_run_had_not_come_to(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text('{"url": "", "outcome": "not-tried"}\n')
    comparison = compared_with(old)
    comparison.add(Record(url="http://h/", outcome=Result.DOWNLOADED))
    comparison.finish(complete=True)
    assert list(comparison.changes) == [ChangeKind.NEW]
    assert "the earlier, stopped run did not reach" in comparison.lines()[0]


def test_of_many_changes_the_first_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").touch()
    comparison = compared_with(tmp_path / "old.jsonl")
    for number in range(300):
        comparison.add(Record(url=f"http://h/{number}", outcome=Result.DOWNLOADED))
    comparison.finish(complete=True)
    assert comparison.changes[ChangeKind.NEW].count == 300
    assert comparison.lines(2) == [
        f"Since {tmp_path / 'old.jsonl'}: 300 new, 0 same",
        "",
        "Change  Size  URL",
        "new           http://h/0",
        "new           http://h/1",
        "new           and 298 more",
    ]
    (*_, more) = comparison.result().diagnostics
    assert more.message == "and 200 more changes"


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["[]", "no JSON", "{}", '{"url": 1, "outcome": "new"}', '{"url": "x"}', "[" * 100_000]
)
def test_what_is_no_report_cannot_be_compared_with(tmp_path: Path, text: str) -> None:
    for name in ("old.jsonl", "old.json"):
        (tmp_path / name).write_text(f"{text}\n")
        with pytest.raises(ReportError, match="is no record of a report"):
            compared_with(tmp_path / name)


def test_what_has_no_end_of_line_is_no_report_unless_it_is_a_part_of_one(tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text("no JSON")
    with pytest.raises(ReportError, match=r"old\.jsonl:1 is no record of a report"):
        compared_with(old)
    line = '{"url":"http://h/","outcome":"measured"}'
    for text, same in ((line, 1), (f"{line}\n{line[:9]}", 1), (f"{line}\n{{", 1), (line[:-1], 0)):
        old.write_text(text)
        comparison = compared_with(old)
        comparison.add(Record(url="http://h/", outcome=Result.MEASURED))
        assert comparison.same == same


@given(data=st.binary())
def test_any_bytes_are_compared_with_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    old = tmp_path_factory.mktemp("old") / "old.jsonl"
    old.write_bytes(data)
    with suppress(ReportError):
        compared_with(old).finish(complete=True)


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if text])
def test_hostile_text_is_printed_as_text(tmp_path: Path, text: str) -> None:
    record = Record(
        url=text,
        outcome=Result.DOWNLOADED,
        decoded_bytes=10,
        sha256="0" * 64,
        final_url=text,
        content_type=text,
        path=text,
    )
    old = tmp_path / "old.jsonl"
    old.write_text(json.dumps({"url": text, "outcome": "measured", "decoded_bytes": 1}) + "\n")
    lock = tmp_path / "old.lock"
    lock.write_text(json.dumps({"url": text, "sha256": "1" * 64, "final_url": f"{text}!"}) + "\n")
    comparison, locked, summary = compared_with(old), LockCheck(lock), SizeSummary()
    spending = BudgetCheck(parse_budget("any=1,total=1"))
    for taker in (comparison, locked, summary, spending):
        taker.add(record)
    lines = [*comparison.lines(), *locked.result().lines, *spending.result().lines]
    lines += size_lines(summary, colour=False)
    # Within a line, "::" is no command.
    assert sum(printable(text) in line or f" {text}" in line for line in lines) == 5
    assert all(line == printable(line) for line in lines)


def test_a_locked_url_that_robots_txt_disallows_is_not_as_locked(tmp_path: Path) -> None:
    lock = tmp_path / "sites.lock"
    lock.write_text(json.dumps({"url": "http://h/", "sha256": "0" * 64}) + "\n")
    check = LockCheck(lock)
    line = Record(url="http://h/", outcome=Result.SKIPPED, reason=SkipReason.DUPLICATE)
    check.add(line)
    assert check.result().lines == []
    check.add(replace(line, reason=SkipReason.ROBOTS, message="disallowed by robots.txt"))
    assert check.result().lines == ["Not as locked: http://h/: not there: disallowed by robots.txt"]
