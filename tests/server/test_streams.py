"""Standard streams that are closed, or that cannot be written."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.web_server import Site

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")


def shell(command: Command, arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command by a shell, with redirections among the arguments."""
    return subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m downloader {arguments}"],
        cwd=command.folder,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("redirections", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
async def test_a_run_needs_no_open_stream(site: Site, command: Command, redirections: str) -> None:
    site.pages = {"/": "page"}
    (command.folder / "list.txt").write_text(f"{site.url()}\nno address\n")
    ran = await asyncio.to_thread(shell, command, f"list.txt -o out {redirections}")
    assert ran.returncode == 1
    assert (command.folder / f"out/{site.folder}.html").read_text() == "page"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", ["--help", "--version", "check --help"])
def test_text_that_cannot_be_written_is_one_line(command: Command, arguments: str) -> None:
    ran = shell(command, f"{arguments} > /dev/full")
    assert ran.returncode == 3
    assert ran.stderr == "download: cannot write the output: No space left on device\n"
