"""A forked command is in the state of one that was started with a new interpreter."""

import asyncio
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.command import Command, CommandResult, finished
from tests.support.fork_server import can_start
from tests.support.marks import linux_only
from tests.support.web_server import Site

pytestmark = linux_only


@dataclass
class ProcessState:
    """What the kernel tells of a process.

    Attributes:
        status: of /proc/PID/status, what a start decides.
        files: the kind of file that each descriptor has, and how often it is there.
    """

    folder: str
    group: int
    session: int
    status: dict[str, str]
    files: list[str]


def state_of(pid: int) -> ProcessState:
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    names = ("Umask", "PPid", "Threads", "SigBlk", "SigIgn", "SigCgt", "Seccomp", "Cpus_allowed")
    links = [str(link.readlink()) for link in (process / "fd").iterdir()]
    return ProcessState(
        folder=str((process / "cwd").readlink()),
        group=os.getpgid(pid),
        session=os.getsid(pid),
        status={name: status[name] for name in names},
        files=sorted(re.sub(r"\[\d+\]|/.*/", "", link) for link in links),
    )


async def run_and_look(command: Command, site: Site) -> tuple[ProcessState, CommandResult]:
    """Run the command on the list of a page and one that does not exist; look into it meanwhile."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def held(_: web.Request) -> web.Response:
        asked.set()
        await go_on.wait()
        return web.Response(text="page", content_type="text/html")

    site.pages["/page"] = held
    process = await command.start("-", "--no-save", "--retries=0", "--no-progress")
    assert process.stdin is not None
    process.stdin.write(f"{site.url('/page')}\n{site.url('/none')}\n".encode())
    await asyncio.wait_for(asked.wait(), 20)
    state = state_of(process.pid)
    go_on.set()
    return state, await finished(process)


def without_durations(lines: list[str]) -> list[str]:
    return [re.sub(r"\b[\d.]+ m?s\b", "", line) for line in lines]


async def test_a_forked_command_differs_in_nothing_from_a_started_one(
    command: Command, site: Site
) -> None:
    command.environment["DOWNLOAD_USER_AGENT"] = "from-environment"
    started = Command(command.folder, forks=False)
    started.environment = command.environment
    (state, ran), (real_state, real) = [
        await run_and_look(each, site) for each in (command, started)
    ]
    assert state == real_state
    assert state.status["PPid"] == str(os.getpid())
    assert (ran.status, without_durations(ran.err)) == (1, without_durations(real.err))
    assert (real.status, without_durations(ran.out)) == (1, without_durations(real.out))
    assert {each.headers["User-Agent"] for each in site.requests} == {"from-environment"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
async def test_a_signal_ends_a_forked_command_with_the_status_of_a_real_one(
    number: signal.Signals, command: Command, site: Site
) -> None:
    statuses = []
    for each in (command, Command(command.folder, forks=False)):
        process = await each.start("-", "--no-save")
        assert process.stdin is not None
        process.stdin.write(f"{site.url('/1')}\n{site.url('/2')}\n".encode())
        await site.asked(len(site.requests) + 1)
        process.send_signal(number)
        statuses.append(await process.wait())
    assert statuses[0] == statuses[1]


async def test_forked_commands_share_nothing(command: Command) -> None:
    runs = [command("--no-such-option"), command("--version"), command("none.txt")]
    assert [ran.status for ran in await asyncio.gather(*runs)] == [2, 0, 2]
    assert (await command("--version")).err == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, False) for name in ("PYTHONUTF8", "LC_ALL", "SSL_CERT_FILE", "TZ")),
        *((name, True) for name in ("DOWNLOAD_OUTPUT", "HOME", "http_proxy", "NO_PROXY")),
    ],
)
def test_what_an_interpreter_reads_when_it_starts_needs_a_new_one(
    name: str, expected: bool, command: Command
) -> None:
    assert can_start(command.environment)
    assert can_start({**command.environment, name: "other"}) is expected
