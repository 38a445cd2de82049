"""Report formats: fields, hostile text, memory, temporary files."""

import csv
import errno
import json
import re
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import DiskError, ErrorKind, ReportError
from downloader.models import Failed
from downloader.models.outcome_conversion import record_of
from downloader.models.url_record import FIELD_NAMES, Record, Result
from downloader.report.formats.csv import COLUMN_NAMES, CsvReport
from downloader.report.formats.html import HtmlReport
from downloader.report.formats.json import JsonReport
from downloader.report.formats.jsonl import JsonlReport
from downloader.report.formats.junit import JunitReport
from downloader.report.formats.markdown import MarkdownReport
from downloader.report.formats.sarif import SarifReport
from downloader.report.lock_file import LockWriter
from downloader.report.output_files import ReportFile
from downloader.report.run_record import ReportTotals, RunRecord
from tests.support.reports import HOSTILE_TEXTS, SCHEMA, records

DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "reports.md").read_text(encoding="utf-8")
RUN = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 0, True, ReportTotals(), Path("out"))


def test_fields_schema_and_documentation_agree() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DOCS, re.MULTILINE)
    properties = list(SCHEMA["$defs"]["record"]["properties"])
    assert properties == [*FIELD_NAMES, "columns"]
    assert set(FIELD_NAMES) <= set(documented)
    assert SCHEMA["$defs"]["record"]["required"] == list(FIELD_NAMES)
    kinds = SCHEMA["$defs"]["record"]["properties"]["kind"]["enum"]
    assert kinds == [*ErrorKind, None]


@pytest.mark.parametrize("make", [HtmlReport, JunitReport, LockWriter])
def test_without_room_for_temporary_files_nothing_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], ReportFile]
) -> None:
    full = Path("/dev/full")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: full.open("w+b"))
    report = make(tmp_path / "report")
    report.add(Record(url="http://h/", outcome=Result.MEASURED, sha256="0" * 64))
    with pytest.raises(DiskError, match="cannot write the temporary file of"):
        report.finish(RUN)
    report.abandon()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [HtmlReport, JunitReport, LockWriter])
def test_without_a_folder_for_temporary_files_no_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], ReportFile]
) -> None:
    def refuse() -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ReportError, match="cannot make the temporary file of"):
        make(tmp_path / "report")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "make",
    [
        *(JsonlReport, JsonReport, CsvReport, HtmlReport),
        *(JunitReport, SarifReport, MarkdownReport),
    ],
)
def test_memory_does_not_grow_with_the_list(
    tmp_path: Path, make: Callable[[Path], ReportFile]
) -> None:
    report = make(tmp_path / "report")
    for number in range(1000):
        report.add(_failed(f"https://h.example/{number}"))
    tracemalloc.start()
    for number in range(5000):
        report.add(_failed(f"https://h.example/{number}"))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    report.abandon()
    assert grown < 200_000


def _failed(text: str) -> Record:
    return record_of(
        Failed(index=0, origin=text, url=text, kind=ErrorKind.BAD_URL, message=text, hint=text)
    )


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_text_stays_text_in_every_format(tmp_path: Path, text: str) -> None:
    _check_text(tmp_path, text)


@given(text=st.text())
def test_any_text_stays_text_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    _check_text(tmp_path_factory.mktemp("text"), text)


def _check_text(folder: Path, text: str) -> None:
    files = [folder / "r.jsonl", folder / "r.json", folder / "r.csv"]
    for report in (JsonlReport(files[0]), JsonReport(files[1]), CsvReport(files[2])):
        assert isinstance(report, JsonlReport | JsonReport | CsvReport)
        report.add(_failed(text))
        report.finish(RUN)
    (record,) = records(files[0])
    assert (record["url"], record["message"]) == (text, text or None)
    assert b"##[" not in files[0].read_bytes()
    assert json.loads(files[1].read_text("ascii"))["records"] == [record]
    data = files[2].read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") == 2
    ((names, row),) = [list(csv.reader(data.decode().splitlines()))]
    assert len(names) == len(row) == len(COLUMN_NAMES)
    cell = row[names.index("message")]
    assert not cell.strip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.isprintable() or not text.isprintable()


@pytest.mark.parametrize("text", ['";=1;"', "a; \t=1", "x;;@SUM(1)", ';"=1', "= 1", "a;＝1"])  # noqa: RUF001
def test_where_semicolons_part_cells_none_is_a_formula(tmp_path: Path, text: str) -> None:
    report = CsvReport(tmp_path / "r.csv")
    address = "http://h/a;-b"
    report.add(Record(url=address, outcome=Result.MEASURED, etag=text, last_modified=text))
    report.finish(RUN)
    ((names, row),) = [list(csv.reader((tmp_path / "r.csv").read_text().splitlines()))]
    assert row[names.index("url")] == address
    for name in ("etag", "last_modified"):
        for cell in row[names.index(name)].split(";"):
            assert not cell.lstrip(' \t"').startswith(("=", "@", "＝"))  # noqa: RUF001


def test_a_run_that_ends_early_has_one_record_more(tmp_path: Path) -> None:
    report = JsonlReport(tmp_path / "r.jsonl")
    report.finish(replace(RUN, untried=1, list_read=False))
    (record,) = records(tmp_path / "r.jsonl")
    assert record["outcome"] == Result.NOT_TRIED
    assert record["message"] == (
        "the run was stopped: 1 line and what follows in the list were not tried"
    )
