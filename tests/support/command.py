"""The real command in a process of its own."""

import asyncio
import os
import pty
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from downloader.web.text import format_size
from tests.support.fork_server import can_start, start_forked

#: Runs the command in a session whose terminal is its standard input.
_IN_TERMINAL = """
import os
os.close(os.open(os.ttyname(0), os.O_RDWR))
from downloader.cli.main import main
main()
"""


def shown_size(body: str | bytes) -> str:
    """Return the size of a body as the command shows it."""
    if isinstance(body, bytes):
        return format_size(len(body))
    return f"{len(body)} characters, {format_size(len(body.encode()))}"


@dataclass(frozen=True)
class CommandResult:
    """What a finished command left.

    Attributes:
        status: its exit status.
        out: the lines of its stdout.
        err: the lines of its stderr.
    """

    status: int
    out: list[str]
    err: list[str]


def _is_setting(variable: str) -> bool:
    """Return whether the command reads this variable of whoever runs the tests."""
    return variable.startswith(("DOWNLOAD_", "GITHUB_")) or variable.lower().endswith("_proxy")


class Command:
    """Starts the real command in a process of its own, below a folder of the test's.

    Args:
        forks: fork a process that has imported the command, if no new interpreter is needed.
    """

    def __init__(self, folder: Path, *, forks: bool = True) -> None:
        self.folder = folder
        self.forks = forks
        self.environment = {
            **{k: v for k, v in os.environ.items() if not _is_setting(k)},
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    async def start(
        self, *arguments: str | Path, stdout: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """Start the command and return while it is running."""
        if self.forks and stdout == asyncio.subprocess.PIPE and can_start(self.environment):
            return await start_forked([*map(str, arguments)], self.environment, self.folder)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "downloader",
            *map(str, arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
        )

    async def start_in_terminal(self, *arguments: str) -> tuple[asyncio.subprocess.Process, int]:
        """Start the command in a terminal; return it, and the other end of the terminal."""
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _IN_TERMINAL, *arguments),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            cwd=self.folder,
            env=self.environment,
        )
        os.close(theirs)
        return process, ours

    async def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> CommandResult:
        """Run the command to its end."""
        process = await self.start(*arguments)
        return await finished(process, stdin)


async def finished(process: asyncio.subprocess.Process, stdin: bytes = b"") -> CommandResult:
    """Wait for a started command and return what it left."""
    out, err = await asyncio.wait_for(process.communicate(stdin), timeout=60)
    return CommandResult(
        process.returncode or 0, (out or b"").decode().splitlines(), err.decode().splitlines()
    )


def write_list(command: Command, addresses: list[str], *, seed: int = 0) -> None:
    random.Random(seed).shuffle(addresses)
    (command.folder / "list").write_text("\n".join(addresses))


async def limited(command: Command, limits: str, *arguments: str) -> CommandResult:
    """Run the command to its end in a process whose resources are limited."""
    return await finished(await prepared(command, f"import resource as r; {limits}", *arguments))


async def prepared(
    command: Command, code: str, *arguments: str, new_group: bool = False
) -> asyncio.subprocess.Process:
    """Start the command in a process that runs *code* first."""
    code = f"{code}\nfrom downloader.cli.main import main; main()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.folder,
        env=command.environment,
        start_new_session=new_group,
    )
