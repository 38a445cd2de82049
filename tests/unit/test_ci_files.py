"""The workflow files of the documentation: what a reader pastes is valid, and its commands run."""

import re
import shlex
from importlib import import_module
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
    found = [shlex.split(line.partition("||")[0]) for text in texts for line in text.splitlines()]
    return [words[1:] for words in found if words[0] == "download"]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_the_commands_of_workflow_files_are_valid(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("sites.txt", "last.jsonl"):
        (tmp_path / name).touch()
    main = command
    if (subcommand := SUBCOMMANDS.get(arguments[0])) is not None:
        main = import_module(subcommand.module).command
        arguments = arguments[1:]
    assert main.make_context("download", [*arguments]).params["report"]


def _written(text: str) -> set[str]:
    return set(re.findall(r"--report ([\w.]+)", text))


def test_the_files_keep_what_the_commands_write() -> None:
    steps: list[dict[str, Any]] = GITHUB["jobs"]["check"]["steps"]
    written = _written(str(steps))
    used = [(step["uses"].partition("@")[0], step["with"]) for step in steps if "with" in step]
    (cache,) = [options["path"] for name, options in used if name == "actions/cache"]
    logs = {options["sarif_file"] for name, options in used if name.endswith("upload-sarif")}
    (kept,) = [options["path"].split() for name, options in used if "artifact" in name]
    assert {cache, *logs, *kept} == written
    job = GITLAB["check-site"]
    artifacts = job["artifacts"]
    kept = [*job["cache"]["paths"], *artifacts["paths"], *artifacts["reports"]["junit"]]
    assert set(kept) == _written(str(job["script"]))
