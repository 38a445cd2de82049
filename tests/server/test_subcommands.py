"""``download check``, ``compare`` and ``merge`` beside the main form: who takes the arguments."""

import json

import pytest

from downloader.cli.error_reporting import exit_status_of
from downloader.cli.subcommands import SUBCOMMANDS
from downloader.models import ExitStatus
from tests.support.command import Command
from tests.support.web_server import Site


def report(*urls: str) -> str:
    """Return a report, as JSON lines, in which these were downloaded."""
    return "".join(f'{{"url": {json.dumps(url)}, "outcome": "downloaded"}}\n' for url in urls)


async def test_a_subcommand_wins_over_a_file_of_its_name_unless_that_has_a_folder(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "page"}
    (command.folder / "check").write_text(site.url("/"))
    ran = await command("check")
    assert (ran.status, ran.err[-1]) == (2, "Error: Missing argument 'DIR'.")
    ran = await command("./check")
    assert ran.status == 0
    assert ran.out[0].startswith("Downloaded ")
    # Behind another argument it can only be a file.
    (command.folder / "other").write_text(site.url("/"))
    assert (await command("other", "check")).status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--debug", "check", "folder"),
            "Error: check is a subcommand, which comes first: download check [OPTIONS]",
        ),
        (("--check", "folder"), "Error: No such option '--check'; use: download check DIR"),
        (
            ("--merge", "a", "b"),
            "Error: No such option '--merge'; use: download merge DIR|REPORT...",
        ),
        (("--chekc", "folder"), "Error: No such option '--chekc'."),
        (
            ("--per-host", "0", "x.test"),
            "Error: Invalid value for '--per-host': 0 is out of range: it must be at least 1",
        ),
        (
            ("--retries", "some", "x.test"),
            "Error: Invalid value for '--retries': 'some' is not a whole number",
        ),
    ],
)
async def test_a_usage_error_names_what_to_write_instead(
    command: Command, arguments: tuple[str, ...], said: str
) -> None:
    ran = await command(*arguments)
    assert (ran.status, ran.out) == (2, [])
    assert ran.err[-1].startswith(said)


@pytest.mark.parametrize("name", SUBCOMMANDS)
async def test_the_help_of_a_subcommand_has_its_own_options_only(
    command: Command, name: str
) -> None:
    ran = await command(name, "--help")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[0].startswith(f"Usage: download {name} [OPTIONS] ")
    assert len(ran.out) <= 60
    assert not any("--concurrency" in line for line in ran.out)


async def test_two_reports_are_compared_without_a_run(command: Command) -> None:
    (command.folder / "old.jsonl").write_text(report("http://a.test/", "http://b.test/"))
    (command.folder / "new.jsonl").write_text(report("http://b.test/", "http://c.test/"))
    ran = await command("compare", "old.jsonl", "new.jsonl")
    assert (ran.status, ran.err) == (0, [])
    assert [line.split() for line in ran.out[2:]] == [
        *(["Change", "Size", "URL"], ["gone", "http://a.test/"], ["new", "http://c.test/"])
    ]
    ran = await command("compare", "old.jsonl", "new.jsonl", "--max-shown", "0")
    assert ran.out[3:] == ["gone          and 1 more", "new           and 1 more"]
    options = ("--fail-on=gone", "--report=changes.md", "--report=changes.json")
    ran = await command("compare", "old.jsonl", "new.jsonl", *options)
    assert (ran.status, ran.err) == (1, ["Unwanted change: http://a.test/: gone"])
    assert "### Changes since old.jsonl (2)" in (command.folder / "changes.md").read_text()
    changes = json.loads((command.folder / "changes.json").read_text())
    assert [record["change"] for record in changes["records"]] == ["same", "new"]
    assert changes["run"]["comparison"]["gone"] == ["http://a.test/"]
    ran = await command("http://a.test/", "--fail-on=gone")
    assert (ran.status, ran.err[-1]) == (2, "Error: --fail-on needs --compare")
    (command.folder / "list.txt").write_text("http://a.test/")
    ran = await command("compare", "old.jsonl", "list.txt")
    assert ran.status == 2
    assert ran.err[-1].startswith("download: list.txt:1 is no record of a report")


async def test_subcommands_read_their_own_variables_and_tables_of_the_config_file(
    site: Site, command: Command
) -> None:
    site.pages = {"/": "page"}
    (command.folder / "my.toml").write_text(
        'quiet = true\noutput = "run"\n[merge]\noutput = "merged"\n[check]\nquiet = false\n'
    )
    ran = await command("--config", "my.toml", site.url("/"))
    assert (ran.status, ran.out) == (0, [])
    ran = await command("merge", "run", "--config", "my.toml")
    assert (ran.status, ran.out) == (0, ["1 folder: 1 URL merged, 0 already known, 0 left out"])
    assert (command.folder / "merged").is_dir()
    command.environment["DOWNLOAD_CONFIG"] = "my.toml"
    command.environment["DOWNLOAD_MERGE_OUTPUT"] = "elsewhere"
    await command("merge", "run")
    assert (command.folder / "elsewhere").is_dir()
    command.environment["DOWNLOAD_CHECK_QUIET"] = "1"
    assert (await command("check", "run")).out == []


async def test_a_table_with_an_option_that_its_subcommand_lacks_is_a_usage_error(
    command: Command,
) -> None:
    (command.folder / "my.toml").write_text("[check]\nconcurrency = 3\n")
    ran = await command("check", ".", "--config", "my.toml")
    assert (ran.status, ran.err[-1]) == (2, "Error: my.toml: there is no option concurrency")


async def test_help_is_printed_in_any_encoding(command: Command) -> None:
    command.environment["PYTHONIOENCODING"] = "ascii"
    ran = await command("--help")
    assert (ran.status, ran.err) == (0, [])
    assert ran.out[:2] == [
        "Usage: download [OPTIONS] SOURCE...",
        "       download COMMAND [ARGS]...",
    ]


def test_a_defect_is_one_line_that_asks_to_be_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def defect() -> ExitStatus:
        raise KeyError("robots")

    assert exit_status_of(defect, debug=False) == ExitStatus.SOME_FAILED
    assert capsys.readouterr().err == (
        "download: internal error: KeyError: 'robots' (please report it; --debug shows more)\n"
    )
