"""Every outcome in every report format; every closed set in schema and documentation."""

import csv
import io
import json
import tempfile
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import click
import jsonschema
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloader.cli.download_command import command
from downloader.errors import ErrorKind
from downloader.models import (
    Downloaded,
    ExtractedPage,
    Failed,
    Outcome,
    Sizes,
    Skipped,
    SkipReason,
    Timings,
    Unchanged,
)
from downloader.models.changes import Aspect, ChangeKind
from downloader.models.outcome_conversion import record_of, source_of
from downloader.models.url_record import RECORD_FIELDS, Result, as_dict
from downloader.report.findings import ADVICE
from downloader.report.formats import FORMATS
from downloader.report.formats.csv import COLUMN_NAMES
from downloader.report.formats.parquet import columns
from downloader.report.json_schema import schema
from downloader.report.report_reader import read
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.web.charset import CharsetSource
from downloader.web.file_kinds import FileKind
from downloader.web.filenames import SafePath
from tests.support.outcomes import one_of_each
from tools.reference_tables import generated

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "reference" / "reports.md").read_text(encoding="utf-8")
SCHEMA = json.loads(schema())
RECORD = jsonschema.Draft202012Validator(SCHEMA)
REPORT = jsonschema.Draft202012Validator({**SCHEMA, "$ref": "#/$defs/report"})
RUN = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 0, True, ReportTotals(), Path("out"))

# What outcomes may be

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
SENT = st.just("") | TEXTS
COUNTS = st.integers(0, 2**62)
SECONDS = st.floats(0, 1e6)
MOMENTS = st.floats(1, 4e9)
PATHS = TEXTS.filter(bool).map(SafePath)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
TIMINGS = st.none() | st.builds(
    Timings,
    dns=st.none() | SECONDS,
    connect=st.none() | SECONDS,
    tls=st.none() | SECONDS,
    first_byte=SECONDS,
    transfer=SECONDS,
)
SIZES = st.builds(
    Sizes,
    wire=COUNTS,
    saved=COUNTS,
    characters=st.none() | COUNTS,
    charset=st.none() | TEXTS,
    charset_source=st.none() | st.sampled_from(CharsetSource),
)
OF_EVERY_OUTCOME = {"index": COUNTS, "origin": SENT, "url": TEXTS, "parent": SENT}
OF_A_REQUEST = {"final_url": SENT, "redirects": st.lists(TEXTS, max_size=3).map(tuple)}
OF_A_FILE = {"sha256": HASHES, "etag": SENT, "last_modified": SENT}
OUTCOMES = {
    Downloaded: st.builds(
        Downloaded,
        **OF_EVERY_OUTCOME,
        **OF_A_REQUEST,
        **OF_A_FILE,
        path=st.just(SafePath("")) | PATHS,
        status=st.integers(0, 999),
        http_version=SENT,
        media_type=SENT,
        content_coding=SENT,
        sizes=SIZES,
        length_verified=st.booleans(),
        attempts=COUNTS,
        resumed_at=COUNTS,
        set_aside=SENT,
        started=MOMENTS,
        seconds=SECONDS,
        header_bytes=COUNTS,
        timings=TIMINGS,
    ),
    Unchanged: st.builds(
        Unchanged,
        **OF_EVERY_OUTCOME,
        **OF_A_REQUEST,
        **{**OF_A_FILE, "sha256": st.just("") | HASHES},
        path=PATHS,
        size=COUNTS,
        characters=st.none() | COUNTS,
        seconds=SECONDS,
        http_version=SENT,
        attempts=COUNTS,
        started=MOMENTS,
        header_bytes=COUNTS,
        timings=TIMINGS,
    ),
    Skipped: st.builds(
        Skipped,
        **OF_EVERY_OUTCOME,
        **{**OF_A_FILE, "sha256": st.just("") | HASHES},
        reason=st.sampled_from(SkipReason),
        detail=TEXTS,
        path=st.none() | PATHS,
        size=st.none() | COUNTS,
        characters=st.none() | COUNTS,
    ),
    Failed: st.builds(
        Failed,
        **OF_EVERY_OUTCOME,
        **OF_A_REQUEST,
        kind=st.sampled_from(ErrorKind),
        message=TEXTS,
        hint=SENT,
        status=st.none() | st.integers(0, 999),
        attempts=COUNTS,
        seconds=SECONDS,
        traceback=SENT,
        started=st.just(0.0) | MOMENTS,
        needed=st.booleans(),
    ),
}
#: Attributes of outcomes that no report has.
NOT_REPORTED = {"set_aside", "packed_at", "page_fields", "traceback", "needed"}


def written(folder: Path, ending: str, outcomes: list[Outcome], run: RunRecord = RUN) -> Path:
    """Return the file of a report on *outcomes*."""
    path = folder / f"report{ending}"
    report = FORMATS[ending].create(path)
    try:
        for outcome in outcomes:
            report.add(record_of(outcome))
        report.finish(run)
    finally:
        report.abandon()
    return path


def as_json(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Return the records of *outcomes* as a reader of JSON has them."""
    found: list[dict[str, Any]] = json.loads(json.dumps([as_dict(record_of(o)) for o in outcomes]))
    return found


@pytest.mark.parametrize("ending", FORMATS)
def test_every_member_of_every_closed_set_can_be_reported(tmp_path: Path, ending: str) -> None:
    assert written(tmp_path, ending, one_of_each()).stat().st_size > 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(outcomes=st.lists(st.one_of(*OUTCOMES.values()), max_size=4))
def test_any_outcomes_are_the_same_in_every_report(outcomes: list[Outcome]) -> None:
    expected = as_json(outcomes)
    with tempfile.TemporaryDirectory() as name:
        files = {ending: written(Path(name), ending, outcomes) for ending in FORMATS}
        lines = [json.loads(line) for line in files[".jsonl"].read_text("ascii").splitlines()]
        for line in lines:
            RECORD.validate(line)
        whole = json.loads(files[".json"].read_text("ascii"))
        REPORT.validate(whole)
        assert lines == whole["records"] == expected
        for ending in (".jsonl", ".json"):
            assert list(read(files[ending])) == [record_of(one) for one in outcomes]
        table = pq.read_table(files[".parquet"]).to_pylist()
        for row, record in zip(table, expected, strict=True):
            started = row["started"] and f"{row['started']:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
            assert {**row, "started": started} == record
        rows = list(csv.reader(io.StringIO(files[".csv"].read_text("utf-8"), newline="")))
        assert rows[0] == list(COLUMN_NAMES)
        assert len(rows) == len(outcomes) + 1
        for row, record in zip(rows[1:], expected, strict=True):
            shown_fields = [field for field in RECORD_FIELDS if not field.info.is_long]
            for field, cell in zip(shown_fields, row, strict=True):
                value = record[field.name]
                if field.choices is not None or isinstance(value, int | float | None):
                    shown = value if isinstance(value, str) else json.dumps(value)
                    assert cell == ("" if value is None else shown)
        assert "</html>" in files[".html"].read_text("utf-8")


def test_every_attribute_of_an_outcome_is_reported_or_left_out_on_purpose() -> None:
    for outcome_type in get_args(Outcome):
        sources = [source_of(field, outcome_type) or "" for field in RECORD_FIELDS]
        reported = {source.partition(".")[0] for source in sources}
        assert {each.name for each in fields(outcome_type)} - reported <= NOT_REPORTED
    parts = {field.info.sources for field in RECORD_FIELDS}
    for whole, part_type in (("sizes", Sizes), ("timings", Timings), ("page", ExtractedPage)):
        splits = [one.partition(".") for each in parts for one in each]
        named = {attribute for prefix, _, attribute in splits if prefix == whole and attribute}
        left_out = {"saved", "signature"} if part_type is ExtractedPage else set()
        assert named == {each.name for each in fields(part_type)} - left_out


# Closed sets


def test_the_shipped_schema_and_the_documented_fields_are_those_of_the_code() -> None:
    for path, text in generated().items():
        assert path.read_text("utf-8") == text, "run: python -m tools.reference_tables"


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("outcome", Result),
        ("kind", ErrorKind),
        ("reason", SkipReason),
        ("charset_source", CharsetSource),
        ("change", ChangeKind),
    ],
)
def test_a_closed_set_is_whole_in_schema_and_columns(name: str, members: type[Enum]) -> None:
    texts = [str(member.value) for member in members]
    allowed = SCHEMA["$defs"]["record"]["properties"][name]["enum"]
    assert [each for each in allowed if each is not None] == texts
    (column,) = [each for each in columns() if each.name == name]
    assert list(column.choices) == texts


def test_each_field_with_a_closed_set_is_known_here() -> None:
    closed = {field.name for field in RECORD_FIELDS if field.choices is not None}
    assert closed == {"outcome", "kind", "reason", "charset_source", "change"}


def test_the_run_of_a_report_has_the_members_that_the_schema_says() -> None:
    assert list(RUN.as_dict()) == list(SCHEMA["$defs"]["run"]["properties"])


def test_there_is_advice_for_every_kind_of_failure() -> None:
    assert list(ADVICE) == list(ErrorKind)


@pytest.mark.parametrize(
    "members", [Result, SkipReason, CharsetSource, ChangeKind, Aspect, FileKind]
)
def test_a_closed_set_is_whole_in_the_documentation(members: type[Enum]) -> None:
    for member in members:
        assert f"`{member.value}`" in DOCS


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_documented_and_in_the_help(ending: str) -> None:
    assert f"| `{ending}` |" in DOCS
    (option,) = [param for param in command.params if "--report" in param.opts]
    assert isinstance(option, click.Option)
    assert ending in (option.help or "")


# What robots.txt disallows
