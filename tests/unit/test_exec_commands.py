"""Commands of --exec wait for each other: few run at once, and few wait."""

from pathlib import Path

import pytest

from downloader.cli import exec_commands
from downloader.cli.exec_commands import ExecCommands, ExecOptions
from downloader.cli.exec_template import CommandTemplate
from downloader.cli.terminal import ProgressState, Terminal
from tests.support.outcomes import downloaded_file


def terminal() -> Terminal:
    return Terminal(lambda: ProgressState(0, None, 0, 0), lambda: None, progress=False)


async def test_no_more_than_the_cores_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exec_commands, "usable_cores", lambda: 2)
    monkeypatch.setattr(exec_commands, "_MAX_WAITING", 1)
    log = tmp_path / "log"
    template = CommandTemplate.parse(
        f"sh -c 'echo begin >> {log}; sleep 0.05; echo end >> {log}' sh {{path}}"
    )
    async with ExecCommands(ExecOptions(template=template), tmp_path, terminal()) as commands:
        for number in range(6):
            await commands.add(downloaded_file(f"{number}"))
        await commands.finish()
        assert commands.summary_line() == "6 commands: 6 done, 0 failed"
    running, most = 0, 0
    for line in log.read_text().split():
        running += 1 if line == "begin" else -1
        most = max(most, running)
    assert (running, most) == (0, 2)


async def test_a_command_that_cannot_be_run_is_a_failure_and_no_more(tmp_path: Path) -> None:
    template = CommandTemplate.parse("echo {url}")
    async with ExecCommands(ExecOptions(template=template), tmp_path, terminal()) as commands:
        for url in ("http://h/\0", "http://h/\ud800", "http://h/" + "x" * 3_000_000, "http://h/"):
            await commands.add(downloaded_file("a", url=url))
        await commands.finish()
        assert commands.summary_line() == "4 commands: 1 done, 3 failed"
