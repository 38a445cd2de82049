"""Reports for CI systems: valid whatever the text, and with the same failures and findings."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import ErrorKind
from downloader.models import (
    LinkMention,
    LinkProblem,
    LinkRecord,
    LinkReport,
    LinkTotals,
    LinkVerdict,
    SkipReason,
)
from downloader.models.url_record import Record, Result
from downloader.report.budget import BudgetCheck, parse_budget
from downloader.report.diagnostics import RULES
from downloader.report.formats import FORMATS, format_of
from downloader.report.formats.sarif import MAX_RESULTS
from downloader.report.github_actions import MAX_ANNOTATIONS, GithubReport
from downloader.report.interface import GithubStep
from downloader.report.link_files import LinkReportFiles
from downloader.report.run_record import ReportTotals, RunRecord
from downloader.web.text import printable
from tests.support.ci_reports import junit_suites, markdown_tokens, sarif_run
from tests.support.reports import HOSTILE_TEXTS

RUN = RunRecord("2026-11-25T12:00:00.000Z", 1.5, 0, True, ReportTotals(), None)
STOPPED = replace(RUN, untried=3, list_read=False)
ENDINGS = (".junit.xml", ".sarif", ".md")
#: What GitHub Actions would take for commands, and Markdown for markup.
COMMANDS = ["%0A::error::x", "a\n::stop-commands::x", "##vso[a]b"]
MARKUP = ["|", "\\|", "`|` ``", "[a](http://b/)", "<b>", "@everyone", "www.evil.example", "$x$"]
TEXTS = [*HOSTILE_TEXTS, *COMMANDS, *MARKUP, "\ufffe\uffff", "x" * 10_000]


def lost(number: int = 0, text: str = "404 Not Found") -> Record:
    return Record(
        url=f"http://h/{number}",
        outcome=Result.FAILED,
        kind=ErrorKind.HTTP_STATUS,
        message=text,
        origin=f"list.txt:{number + 1}",
        seconds=0.25,
    )


def written(
    folder: Path, records: Sequence[Record], run: RunRecord = RUN, budget: str = ""
) -> dict[str, Path]:
    """Return the files of a run's reports, by their endings."""
    check = BudgetCheck(parse_budget(budget)) if budget else None
    reports = {ending: FORMATS[ending].create(folder / f"report{ending}") for ending in ENDINGS}
    totals = ReportTotals()
    for record in records:
        totals.add(record)
        if check is not None:
            check.add(record)
        for report in reports.values():
            report.add(record)
    run = replace(run, totals=totals, checks=(check.result(),) if check is not None else ())
    for report in reports.values():
        report.finish(run)
    return {ending: folder / f"report{ending}" for ending in ENDINGS}


@pytest.mark.parametrize("name", ["r.junit.xml", "R.JUnit.XML", "a.b.junit.xml", "./x/r.junit.xml"])
def test_an_ending_may_have_two_parts(name: str) -> None:
    assert format_of(Path(name)) is FORMATS[".junit.xml"]


@pytest.mark.parametrize("name", ["r.xml", "junit.xml", "r.junit", "r.junit.xml.gz", ".md"])
def test_what_has_only_a_part_of_an_ending_is_no_report(name: str) -> None:
    assert format_of(Path(name)) is None


def test_a_run_is_told_in_every_format(tmp_path: Path) -> None:
    fine = Record(url="http://h/large", outcome=Result.MEASURED, decoded_bytes=2000, wire_bytes=900)
    linked = replace(lost(2), origin="http://h/large", parent="http://h/page?a=1&b:2%")
    skipped = Record(
        url="http://h/0", outcome=Result.SKIPPED, reason=SkipReason.DUPLICATE, message="twice"
    )
    wrong = Record(url="htp:/x", outcome=Result.FAILED, kind=ErrorKind.BAD_URL, origin="stdin:3")
    records = [fine, lost(1), linked, skipped, wrong]
    files = written(tmp_path, records, budget="any=1000,total=1M")

    suites = junit_suites(files[".junit.xml"])
    assert list(suites) == ["urls", "budget"]
    cases = {case.get("name"): case for case in suites["urls"]}
    assert list(cases) == [record.url for record in records]
    assert [case.get("classname") for case in cases.values()] == ["h", "h", "h", "h", "list"]
    failure = cases["http://h/1"].find("failure")
    assert failure is not None
    assert dict(failure.items()) == {"type": "http-status", "message": "404 Not Found"}
    assert failure.text == "http://h/1: 404 Not Found\nin list.txt:2"
    assert suites["urls"].get("skipped") == "1"
    assert [case.findtext("failure") for case in suites["budget"]] == [
        "http://h/large: 2.0 KiB, 1,000 bytes over the 1000 B allowed for any"
    ]

    run = sarif_run(files[".sarif"])
    results = run["results"]
    assert [each["ruleId"] for each in results] == [
        *("http-status", "http-status", "bad-url", "over-budget")
    ]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    locations = [each["locations"][0]["physicalLocation"] for each in results]
    assert locations[0] == {"artifactLocation": {"uri": "list.txt"}, "region": {"startLine": 2}}
    # Relative, and no colon in the first segment: GitHub refuses what looks like a scheme.
    uris = [location["artifactLocation"]["uri"] for location in locations]
    assert uris == ["list.txt", "h/page%3Fa=1&b%3A2%25", "htp%3A/x", "h/large"]
    assert len({json.dumps(each["partialFingerprints"]) for each in results}) == 4

    text = files[".md"].read_text("utf-8")
    assert text.startswith("## ❌ download: 5 URLs\n\n1 measured, 1 skipped, 3 failed, 2.0 KiB")
    headings = [line for line in text.splitlines() if line.startswith("###")]
    assert headings == [
        "### Over budget (1)",
        "### Failed: http-status (2)",
        "### Failed: bad-url (1)",
    ]
    addresses = [
        token.attrs["href"] for token in markdown_tokens(files[".md"]) if token.type == "link_open"
    ]
    assert addresses == ["http://h/large", "http://h/1", "http://h/2", "http://h/page?a=1&b:2%25"]


def test_a_run_that_passes_says_so_and_a_stopped_one_does_not(tmp_path: Path) -> None:
    fine = Record(url="http://h/", outcome=Result.MEASURED, decoded_bytes=1)
    files = written(tmp_path, [fine], budget="total=1k")
    assert [len(suite) for suite in junit_suites(files[".junit.xml"]).values()] == [1, 1]
    assert sarif_run(files[".sarif"])["results"] == []
    assert files[".md"].read_text("utf-8").startswith("## ✅ download: 1 URL\n")
    files = written(tmp_path, [fine], STOPPED)
    (case,) = junit_suites(files[".junit.xml"])["run"]
    assert "3 lines and what follows" in (case.find("error").get("message") or "")  # type: ignore[union-attr]
    (invocation,) = sarif_run(files[".sarif"])["invocations"]
    assert invocation["executionSuccessful"] is False
    text = files[".md"].read_text("utf-8")
    assert text.startswith("## ❌")
    assert "**Stopped:** the run was stopped: 3 lines" in text


def _check_text(folder: Path, text: str) -> None:
    record = replace(lost(), url=text, message=text, hint=text, parent=text or None)
    files = written(folder, [record])
    suites = junit_suites(files[".junit.xml"])
    (failure,) = suites["urls"].iter("failure")
    assert failure.get("message") == printable(text or "failed")
    (result,) = sarif_run(files[".sarif"])["results"]
    assert result["properties"] == {"url": printable(text)}
    tokens = markdown_tokens(files[".md"])
    shown = printable(text)
    shown = shown if len(shown) <= 300 else f"{shown[:300]}…"
    allowed = {"text", "html_inline", "link_open", "link_close", "text_special", "softbreak"}
    assert {token.type for token in tokens} <= allowed
    tags = {token.content for token in tokens if token.type == "html_inline"}
    assert tags <= {"<code>", "</code>", "<br>"}
    plain = "".join(token.content for token in tokens if token.type != "html_inline")
    assert shown in plain or not shown.strip()


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_gives_valid_files_and_no_markup(tmp_path: Path, text: str) -> None:
    _check_text(tmp_path, text)


@given(text=st.text())
def test_any_text_gives_valid_files(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    _check_text(tmp_path_factory.mktemp("text"), text)


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_becomes_a_workflow_command(tmp_path: Path, text: str) -> None:
    report = GithubReport(GithubStep(annotations=True))
    report.add(replace(lost(), url=text, message=text, hint=text, parent=text or None))
    report.finish(RUN)
    (command,) = report.commands
    assert command.isprintable()
    head, properties, message = _parsed(command)
    assert head == "error"
    assert properties["title"] == "download: http-status"
    # What the runner unescapes is what was meant.
    assert message.startswith(f"{printable(text)}: " if text else "failed")
    for line in (f"Failed {printable(text)}", printable(text)):
        assert "##[" not in line
        assert not line.lstrip().startswith("::") or line.count("::") < 2


def _parsed(command: str) -> tuple[str, dict[str, str], str]:
    """Return the name, the properties and the message of a command, as the runner reads it."""
    head, _, message = command.removeprefix("::").partition("::")
    name, _, rest = head.partition(" ")
    pairs = (pair.partition("=") for pair in rest.split(","))
    return name, {key: unquote(value) for key, _, value in pairs}, unquote(message)


def test_annotations_name_the_line_of_the_list_and_are_few(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of an earlier command\n")
    workspace = Path.cwd().parent
    report = GithubReport(GithubStep(True, summary, workspace))
    for number in range(MAX_ANNOTATIONS + 5):
        report.add(lost(number))
    check = BudgetCheck(parse_budget("any=1"))
    report.finish(replace(STOPPED, checks=(check.result(),)))
    *errors, more, stopped = report.commands
    assert len(errors) == MAX_ANNOTATIONS - 1
    file = f"{Path.cwd().name}/list.txt"
    assert _parsed(errors[1]) == (
        "error",
        {"file": file, "line": "2", "title": "download: http-status"},
        "http://h/1: 404 Not Found",
    )
    assert more == "::error title=download::and 6 more of this level"
    assert stopped.startswith("::warning title=download::the run was stopped: 3 lines")
    text = summary.read_text("utf-8")
    assert text.startswith("of an earlier command\n## ❌ download")
    assert "### Failed: http-status (15)" in text


def test_of_very_many_failures_the_first_are_in_the_files(tmp_path: Path) -> None:
    count = MAX_RESULTS + 2
    files = written(tmp_path, [lost(number) for number in range(count)])
    run = json.loads(files[".sarif"].read_text("ascii"))["runs"][0]
    assert len(run["results"]) == MAX_RESULTS
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("2 more results are not in this file")
    text = files[".md"].read_text("utf-8")
    assert len(text) < 100_000
    assert f"and {count - 50:,} more" in text


def test_there_is_a_rule_for_every_kind_of_failure() -> None:
    assert set(ErrorKind) <= set(RULES)


def link_report(*links: LinkRecord, **totals: int) -> LinkReport:
    broken = sum(link.verdict is LinkVerdict.BROKEN for link in links)
    counts = {"pages": 2, "links": 9, "ok": 7, "broken": broken, **totals}
    return LinkReport(links=links, totals=LinkTotals(**counts), started=1795608000.0, seconds=1.5)


def links_written(folder: Path, report: LinkReport) -> dict[str, Path]:
    """Return the files of reports on links, by their endings."""
    paths = {ending: folder / f"links{ending}" for ending in ENDINGS}
    with LinkReportFiles([*paths.values()]) as files:
        files.write(report)
    return paths


def broken(url: str = "http://h/gone#x", **fields: Any) -> LinkRecord:
    return LinkRecord(
        **{
            "url": url,
            "verdict": LinkVerdict.BROKEN,
            "kind": ErrorKind.HTTP_STATUS,
            "message": "404 Not Found",
            "mentions": (LinkMention("site/a.html", 12, "a[href]"), LinkMention("http://h/b", 3)),
            "mention_count": 7,
            **fields,
        }
    )


def test_a_check_of_links_is_told_in_every_format(tmp_path: Path) -> None:
    moved = broken(
        "http://h/old",
        verdict=LinkVerdict.WARNING,
        kind=LinkProblem.MOVED,
        message="moved: write http://h/new",
        mentions=(),
        mention_count=0,
    )
    report = link_report(broken(), moved, warnings=1, unlisted=3)
    files = links_written(tmp_path, report)
    suite = junit_suites(files[".junit.xml"])["links"]
    assert [case.get("name") for case in suite] == [
        *("http://h/gone#x", "http://h/old", "7 links work", "every link is listed")
    ]
    assert suite[0].findtext("failure") == (
        "http://h/gone#x: 404 Not Found\nin site/a.html:12\nin http://h/b:3\nand in 5 more places"
    )
    assert suite[1].findtext("system-out") == "http://h/old: moved: write http://h/new"
    run = sarif_run(files[".sarif"])
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [
        ("http-status", "error"),
        ("moved", "warning"),
    ]
    places = [each["physicalLocation"] for each in run["results"][0]["locations"]]
    assert [place["artifactLocation"]["uri"] for place in places] == ["site/a.html", "h/b"]
    assert [place["region"]["startLine"] for place in places] == [12, 3]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "3 more broken links and warnings are not listed"
    text = files[".md"].read_text("utf-8")
    assert text.startswith(
        "## ❌ download links: 9 links on 2 pages\n\n7 ok, 1 warning, 1 broken, 1.5 s\n"
    )
    assert "### Broken: http-status (1)" in text
    assert "### Warning: moved (1)" in text
    assert "and 5 more |" in text
    step = GithubReport(GithubStep(annotations=True))
    step.finish_links(report)
    assert step.commands[0] == (
        "::error file=site/a.html,line=12,title=download%3A http-status::"
        "http://h/gone#x: 404 Not Found"
    )
    assert step.commands[1].startswith("::warning title=download%3A moved::http://h/old: moved")


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_of_links_gives_valid_files(tmp_path: Path, text: str) -> None:
    link = broken(text, message=text, hint=text, final_url=text)
    link = replace(link, mentions=(LinkMention(text, 1, text),), mention_count=1)
    files = links_written(tmp_path, link_report(link))
    junit_suites(files[".junit.xml"])
    assert len(sarif_run(files[".sarif"])["results"]) == 1
    tags = {token.content for token in markdown_tokens(files[".md"]) if token.type == "html_inline"}
    assert tags <= {"<code>", "</code>", "<br>"}
    step = GithubReport(GithubStep(annotations=True))
    step.finish_links(link_report(link))
    (command,) = step.commands
    assert command.isprintable()
    assert _parsed(command)[2].startswith(f"{printable(text)}: " if text else "")


def test_a_check_without_findings_passes(tmp_path: Path) -> None:
    files = links_written(tmp_path, link_report())
    (case,) = junit_suites(files[".junit.xml"])["links"]
    assert (case.get("name"), len(case)) == ("7 links work", 0)
    assert files[".md"].read_text("utf-8").startswith("## ✅ download links")
    stopped = replace(link_report(not_checked=2), complete=False)
    text = links_written(tmp_path, stopped)[".md"].read_text("utf-8")
    assert "**The check was stopped: 2 links were not checked.**" in text
