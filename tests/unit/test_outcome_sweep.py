"""Every outcome goes through everything that takes outcomes: reports, checks, journal, cluster."""

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from downloader.cli.compare import run_compare
from downloader.cli.merge_reports import run_merge_reports
from downloader.cli.outcome_lines import detail_line, outcome_line, summary_line
from downloader.cluster.messages import decode_outcomes, encode_outcomes
from downloader.errors import ErrorKind
from downloader.journal import Job, Journal
from downloader.models import (
    Downloaded,
    ExitStatus,
    Failed,
    Outcome,
    Skipped,
    SkipReason,
    Tally,
    Target,
)
from downloader.models.outcome_conversion import record_of
from downloader.report.budget import parse_budget
from downloader.report.formats import FORMATS
from downloader.report.interface import ReportOptions, ReportSummary
from downloader.report.json_schema import schema
from downloader.report.report_reader import read
from downloader.report.reporter import Reporter
from downloader.web.filenames import SafePath
from downloader.web.text import printable
from downloader.web.urls import parse
from tests.support.outcomes import one_of_each

RECORD = jsonschema.Draft202012Validator(json.loads(schema()))
READABLE = [each.ending for each in FORMATS.values() if each.is_readable]
MERGEABLE = [each.ending for each in FORMATS.values() if each.is_mergeable]
#: What one URL may have been in an earlier run, and be in this one.
PAIRS = list(itertools.product(one_of_each(), repeat=2))


def numbered(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """Yield *outcomes* as those of a list of different URLs."""
    for index, outcome in enumerate(outcomes):
        yield replace(outcome, index=index, origin=f"#{index}", url=f"https://h.example/{index}")


def reported(outcomes: Sequence[Outcome], options: ReportOptions) -> ReportSummary:
    """Return what a run with these outcomes, one for each line, says at its end."""
    with Reporter(options, None) as reporter:
        for outcome in numbered(outcomes):
            reporter.add(outcome)
        return asyncio.run(reporter.finish(untried=0, list_read=True))


def files(folder: Path, name: str, endings: Sequence[str] = tuple(FORMATS)) -> list[Path]:
    return [folder / f"{name}{ending}" for ending in endings]


@pytest.mark.parametrize("ending", READABLE)
def test_every_outcome_is_compared_with_every_other(ending: str, tmp_path: Path) -> None:
    earlier, later = zip(*PAIRS, strict=True)
    reported(earlier, ReportOptions(files=files(tmp_path, "earlier")))
    summary = reported(
        later,
        ReportOptions(
            files=files(tmp_path, "later"),
            sizes=True,
            compare=tmp_path / f"earlier{ending}",
            budget=parse_budget("html=1,total=10k"),
            lock=tmp_path / "lock.jsonl",
        ),
    )
    [line] = [line for line in summary.lines if line.startswith("Since ")]
    line = re.sub(r" \(.*?\)", "", line.split(": ")[1])
    counts = [int(part.split()[0]) for part in line.split(", ")]
    # A line that repeats another is no URL of its own, in either run.
    duplicate = [
        [isinstance(one, Skipped) and one.reason is SkipReason.DUPLICATE for one in pair]
        for pair in PAIRS
    ]
    assert sum(counts) == sum(not (before and now) for before, now in duplicate)
    assert not (tmp_path / "lock.jsonl").exists()
    assert "was not written" in summary.notes[0]
    for text in (tmp_path / "later.jsonl").read_text().splitlines():
        RECORD.validate(json.loads(text))
    expected = [record_of(one) for one in numbered(later)]
    for path in files(tmp_path, "later", MERGEABLE):
        assert [replace(record, change=None, changed=()) for record in read(path)] == expected


@pytest.mark.parametrize(("one", "other"), list(itertools.product(READABLE, repeat=2)))
def test_reports_of_every_outcome_are_compared_offline(
    one: str, other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reported(one_of_each(), ReportOptions(files=files(tmp_path, "a", [one])))
    reported(one_of_each(), ReportOptions(files=files(tmp_path, "b", [other])))
    options = ReportOptions(compare=tmp_path / f"a{one}")
    assert run_compare(tmp_path / f"b{other}", options) is ExitStatus.DONE
    out, err = capsys.readouterr()
    assert err == ""
    assert " same" in out
    assert not any(word in out for word in ("new", "gone", "broken", "works", "changed"))


def test_reports_of_every_outcome_are_merged_into_every_format(tmp_path: Path) -> None:
    outcomes = list(numbered(one_of_each()))
    parts = []
    for number, ending in enumerate(MERGEABLE * 2):
        part = tmp_path / f"part{number}{ending}"
        reported(outcomes[number::4], ReportOptions(files=[part]))
        parts.append(part)
    assert len(parts) == 4
    options = ReportOptions(files=files(tmp_path, "whole"), lock=tmp_path / "lock.jsonl")
    with Reporter(options, None) as reporter:
        assert run_merge_reports(parts, reporter) is ExitStatus.SOME_FAILED
        assert reporter.totals.urls == len(outcomes)
    merged = Counter(record.outcome for record in read(tmp_path / "whole.jsonl"))
    assert merged == Counter(record_of(outcome).outcome for outcome in outcomes)


@pytest.mark.parametrize("outcome", one_of_each(), ids=lambda one: type(one).__name__)
def test_a_lock_of_every_outcome_holds_for_every_later_one(
    outcome: Outcome, tmp_path: Path
) -> None:
    lock = tmp_path / "lock.jsonl"
    summary = reported([outcome], ReportOptions(lock=lock))
    assert lock.exists() is not isinstance(outcome, Failed)
    if isinstance(outcome, Failed):
        return
    is_locked = lock.read_text() != ""
    is_duplicate = isinstance(outcome, Skipped) and outcome.reason is SkipReason.DUPLICATE
    assert is_locked or is_duplicate or summary.notes, "what is left out is said"
    for later in one_of_each():
        checked = reported([later], ReportOptions(locked=lock))
        is_gone = isinstance(later, Failed) or (
            isinstance(later, Skipped) and later.reason is SkipReason.ROBOTS
        )
        if is_locked and is_gone:
            assert len(checked.failures) == 1
        elif not is_locked:
            assert checked.failures == []


@pytest.mark.parametrize("outcome", one_of_each(), ids=lambda one: type(one).__name__)
def test_every_outcome_has_a_line_of_its_own(outcome: Outcome) -> None:
    for saving in (True, False):
        tally = Tally()
        tally.add(outcome)
        for line in (outcome_line(outcome, "folder"), summary_line(tally, 1.0, saving=saving)):
            assert line == printable(line)
        detail = detail_line(outcome)
        assert detail == printable(detail)
    if isinstance(outcome, Failed):
        assert str(outcome.kind) in outcome_line(outcome, "folder")


def test_every_outcome_comes_back_from_a_worker_with_the_folder_of_its_shard() -> None:
    outcomes = list(numbered(one_of_each()))
    expected = [
        replace(one, path=SafePath(f"shard/{one.path}"))
        if not isinstance(one, Failed) and one.path
        else one
        for one in outcomes
    ]
    decoded = list(decode_outcomes(encode_outcomes(outcomes), "shard"))
    assert [replace(one, detail="") if isinstance(one, Skipped) else one for one in decoded] == [
        replace(one, detail="") if isinstance(one, Skipped) else one for one in expected
    ]


@pytest.mark.parametrize(
    "outcome",
    [one for one in one_of_each() if not isinstance(one, Skipped)],
    ids=lambda one: str(getattr(one, "kind", type(one).__name__)),
)
def test_the_journal_keeps_every_outcome_and_only_what_is_done_is_skipped(
    outcome: Outcome, tmp_path: Path
) -> None:
    target = Target(url=parse("https://h.example/"), index=0, origin="list:1")
    journal = Journal(tmp_path)
    [job] = journal.admit([target])
    assert isinstance(job, Job)
    path = job.name.path("text/plain")
    saved = isinstance(outcome, Downloaded) and bool(outcome.path)
    if isinstance(outcome, Downloaded) and saved:
        outcome = replace(outcome, path=path)
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    journal.record([(job, outcome)])
    journal.close()
    journal = Journal(tmp_path)
    [again] = journal.admit([target])
    journal.close()
    assert journal.warnings == []
    assert isinstance(again, Skipped) is saved


def test_every_kind_of_failure_is_among_the_outcomes() -> None:
    kinds = [outcome.kind for outcome in one_of_each() if isinstance(outcome, Failed)]
    assert kinds == list(ErrorKind)
