"""What a run leaves for CI systems: reports in their formats, annotations and a summary."""

import json
from pathlib import Path

from downloader.report.formats import FORMATS
from tests.support.ci_reports import junit_suites, markdown_tokens, sarif_run
from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.web_server import Site


async def test_a_step_of_github_actions_is_annotated_and_summed_up(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/": "<a href='/%3A%3Aerror%3A%3Ax'>a</a> <a href='/lost'>b</a>",
        "/evil": sends(status=404, reason="##[add-mask]1 %0A::stop-commands::x"),
    }
    (tmp_path / "list.txt").write_text(f"{site.url('/evil')}\n")
    summary = tmp_path / "summary.md"
    command.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    ran = await command(
        *("list.txt", site.url("/"), "-r", "--budget=any=1,total=1k"),
        *(f"--report=r{ending}" for ending in (".junit.xml", ".sarif", ".md")),
    )
    assert ran.status == 1
    # Only the annotations are commands, whatever the server says.
    assert not [line for line in (*ran.out, *ran.err) if "##[" in line]
    commands = [line for line in ran.out if line.lstrip().startswith("::")]
    assert sorted(commands) == sorted(ran.out[-4:])
    evil = r"\x23#[add-mask]1 %250A::stop-commands::x"
    assert commands[-1] == (
        f"::error title=download%3A over-budget::{site.url('/')}: "
        "57 B, 56 bytes over the 1 B allowed for any"
    )
    assert (
        f"::error file=list.txt,line=1,title=download%3A http-status::{site.url('/evil')}: "
        f"404 {evil}"
    ) in commands
    assert not [line for line in ran.err if line.lstrip().startswith("::")]
    suites = junit_suites(tmp_path / "r.junit.xml")
    assert len(suites["urls"].findall(".//failure")) == 3
    assert len(sarif_run(tmp_path / "r.sarif")["results"]) == 4
    assert markdown_tokens(summary) == markdown_tokens(tmp_path / "r.md") != []
    ran = await command("list.txt", "--no-save", "--report=-")
    (line,) = ran.out
    assert "##" not in line
    assert json.loads(line)["message"] == rf"404 {evil}".replace("%250A", "%0A")
    assert summary.read_text("utf-8").count("## ") >= 2


async def test_a_summary_that_cannot_be_written_ends_the_run_before_it_begins(
    site: Site, command: Command, tmp_path: Path
) -> None:
    command.environment["GITHUB_STEP_SUMMARY"] = str(tmp_path)
    ran = await command(site.url("/"), "--no-save")
    assert (ran.status, ran.out) == (2, [])
    assert ran.err[0].startswith(f"download: cannot write GITHUB_STEP_SUMMARY {tmp_path}: ")


async def test_broken_links_are_reported_with_every_page_that_names_them(
    site: Site, command: Command, tmp_path: Path
) -> None:
    site.pages |= {
        "/": "<a href=/a>a</a>\n<a href=/lost>b</a>",
        "/a": "<a href=/lost>a</a> <a href=/#no>b</a>",
    }
    summary = tmp_path / "summary.md"
    command.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    endings = [each.ending for each in FORMATS.values() if each.has_links]
    reports = [f"--report=r{ending}" for ending in endings]
    ran = await command("links", "-r", site.url("/"), *reports)
    assert ran.status == 1
    assert sum(line.startswith("::error title=download") for line in ran.out) == 2
    assert not list(tmp_path.glob("*.part"))
    suite = junit_suites(tmp_path / "r.junit.xml")["links"]
    failures = {failure.get("type"): failure.text for failure in suite.iter("failure")}
    assert failures["http-status"] == (
        f"{site.url('/lost')}: 404 Not Found\nin {site.url('/')}:2\nin {site.url('/a')}:1"
    )
    assert "missing-fragment" in failures
    assert len(sarif_run(tmp_path / "r.sarif")["results"]) == 2
    assert summary.read_text("utf-8").startswith("## ❌ download links: 4 links on 2 pages\n")
