"""The workflow files of the documentation: what a reader pastes is valid, and its commands run."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from downloader.cli.download_command import command
from downloader.cli.subcommands import SUBCOMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "check-links-and-sizes-in-ci.md"
GITHUB, GITLAB = (
    yaml.safe_load(block)
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
)


def commands() -> list[list[str]]:
    """Return the commands of this program that the files run."""
    texts = [step.get("run", "") for step in GITHUB["jobs"]["check"]["steps"]]
    texts += GITLAB["check-site"]["script"]
    found = [shlex.split(line) for text in texts for line in text.splitlines()]
    return [words[1:] for words in found if words[0] == "download"]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_commands_of_workflow_files_are_valid(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sites.txt", "last.jsonl"):
        (tmp_path / name).touch()
    assert arguments[0] not in SUBCOMMANDS
    context = command.make_context("download", arguments)
    assert context.params["report"]


def test_the_files_keep_what_the_commands_write() -> None:
    steps: list[dict[str, Any]] = GITHUB["jobs"]["check"]["steps"]
    written = set(re.findall(r"--report ([\w.]+)", str(steps)))
    uses = {step["uses"].partition("@")[0]: step["with"] for step in steps if "with" in step}
    assert uses["actions/cache"]["path"] in written
    assert uses["github/codeql-action/upload-sarif"]["sarif_file"] in written
    assert uses["actions/upload-artifact"]["path"] in written
    job = GITLAB["check-site"]
    written = set(re.findall(r"--report ([\w.]+)", str(job["script"])))
    assert {*job["cache"]["paths"], *job["artifacts"]["paths"]} <= written
    assert job["artifacts"]["reports"]["junit"] in written
