"""Two reports are compared without a run."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from downloader.cli.compare import run_compare
from downloader.errors import ErrorKind, ReportError
from downloader.models import ExitStatus, SkipReason
from downloader.models.url_record import Record, Result
from downloader.report.formats import FORMATS
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
    assert run_compare(old, new) == ExitStatus.DONE
    assert capsys.readouterr().out.splitlines() == [
        f"Since {old}: 1 fails now, 1 works again, 1 disallowed by robots.txt, 1 allowed again, "
        "1 new, 1 gone, 1 changed in size, 1 changed in content, 1 the same",
        "  fails now: http://h/fails: 1 B",
        "  works again: http://h/works: 1 B",
        "  disallowed by robots.txt: http://h/private: 1 B",
        "  allowed again: http://h/public: 1 B",
        "  new: http://h/new: 1 B",
        "  gone: http://h/gone: 1 B",
        "  changed in size: http://h/grows: 1 B → 2.0 KiB (+1,999 bytes)",
        "  changed in content: http://h/turns: 1 B → 1 B (+0 bytes)",
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
    run_compare(path, path)
    assert capsys.readouterr().out == f"Since {path}: 4 the same\n"


def test_what_the_later_run_skipped_as_done_was_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = report(tmp_path / "old.jsonl", [fetched("a"), fetched("b"), failed("c")])
    done = [skipped(name, SkipReason.DONE, size) for name, size in (("a", 1), ("b", 2), ("c", 1))]
    run_compare(old, report(tmp_path / "new.jsonl", done))
    assert capsys.readouterr().out.splitlines()[0] == (
        f"Since {old}: 1 changed in size, 0 the same, "
        "2 not checked (skipped as done; --refresh asks the server)"
    )


def test_what_a_stopped_run_did_not_reach_is_not_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = report(tmp_path / "old.jsonl", [fetched("a"), fetched("b")], STOPPED)
    new = report(tmp_path / "new.jsonl", [fetched("a")], STOPPED)
    assert run_compare(old, new) == ExitStatus.DONE
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
            run_compare(*pair)
