"""How a command is started and ended: closed streams, low limits, an old locale, signals."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.command import Command, CommandResult, finished, limited
from tests.support.files import saved_files, wait_for_size
from tests.support.web_server import Site

PAGE = "<p>page"
OUTPUT = "downloaded_sites"
#: Runs the command with a thread that hangs while it saves, as on a file server that is gone.
HANGING_THREAD = """
import time
from downloader.storage.local_storage import LocalStorage
def hang(*_arguments):
    print("saving", flush=True)
    time.sleep(60)
LocalStorage._save = hang
from downloader.cli.main import main
main()
"""
#: Runs the command with an event loop that never gets to its next turn.
BUSY_LOOP = """
from downloader.cli.run_printer import OutcomeView
def show(*_arguments):
    print("saving", flush=True)
    while True:
        pass
OutcomeView.show = show
from downloader.cli.main import main
main()
"""


async def stalled(request: web.Request) -> web.StreamResponse:
    """Send a part of a body, and then nothing."""
    response = web.StreamResponse(
        headers={"Content-Length": "3000000", "ETag": '"1"', "Content-Type": "image/png"}
    )
    await response.prepare(request)
    await response.write(bytes(2_000_000))
    await asyncio.Event().wait()
    return response


async def run_in_shell(command: Command, code: str, *arguments: str) -> CommandResult:
    """Run the command to its end as ``exec`` in a shell script."""
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", code, sys.executable, "-m", "downloader", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.folder,
        env=command.environment,
    )
    return await finished(process)


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-", "2>&-", "<&- 2>&-"])
@pytest.mark.parametrize("options", [(), ("-r",), ("--processes", "2")], ids=" ".join)
async def test_closed_streams_change_nothing(
    closed: str, options: tuple[str, ...], site: Site, command: Command
) -> None:
    site.pages = {"/a.html": PAGE}
    ran = await run_in_shell(command, f'exec "$0" "$@" {closed}', site.url("/a.html"), *options)
    assert (ran.status, ran.err) == (0, [])
    assert (command.folder / OUTPUT / site.folder / "a.html").read_text() == PAGE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", ["--help", "--version", "check --help"])
async def test_help_that_cannot_be_written_is_one_line(command: Command, arguments: str) -> None:
    ran = await run_in_shell(command, f'exec "$0" "$@" {arguments} > /dev/full')
    said = ["download: cannot write the output: No space left on device"]
    assert (ran.status, ran.err) == (3, said)


async def test_a_list_on_a_closed_standard_input_is_said_to_be_unreadable(
    command: Command,
) -> None:
    ran = await run_in_shell(command, 'exec "$0" "$@" <&-', "-")
    assert (ran.status, ran.err) == (2, ["download: standard input is closed"])


@pytest.mark.parametrize("limit", [12, 16, 20, 31])
@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=" ".join)
async def test_a_limit_of_open_files_that_is_too_low_is_said_at_once(
    limit: int, options: tuple[str, ...], site: Site, command: Command
) -> None:
    ran = await limited(
        command, f"r.setrlimit(r.RLIMIT_NOFILE, ({limit}, {limit}))", site.url("/"), *options
    )
    assert ran.status == 2
    assert ran.err == [
        f"download: the limit of open files is {limit}, and a run needs 32 or more; "
        "raise it, for instance with: ulimit -n 256"
    ]
    assert site.requests == []


async def test_a_run_ends_with_the_lowest_limit_of_open_files(site: Site, command: Command) -> None:
    site.pages = {f"/{number}": PAGE for number in range(50)}
    urls = map(site.url, site.pages)
    ran = await limited(command, "r.setrlimit(r.RLIMIT_NOFILE, (32, 32))", *urls)
    assert ran.status == 0
    assert len(saved_files(command.folder / OUTPUT)) == 50


@pytest.mark.real_start
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_parks_the_run_and_a_hangup_that_is_repeated_changes_nothing(
    number: signal.Signals, site: Site, command: Command
) -> None:
    site.pages = {"/big.png": stalled}
    process = await command.start(site.url("/big.png"))
    await wait_for_size(command.folder / OUTPUT / site.folder / "big.png.part", 1)
    process.send_signal(number)
    assert process.stderr is not None
    line = await process.stderr.readline()
    assert line.startswith(b"Stopping: 5 s for 1 running transfer to finish")
    if number == signal.SIGHUP:
        process.send_signal(number)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.5)
    process.send_signal(signal.SIGTERM)
    assert (await finished(process)).status == 130
    assert saved_files(command.folder / OUTPUT) == {f"{site.folder}/big.png.part"}


async def test_a_hangup_that_the_parent_ignores_stays_ignored(site: Site, command: Command) -> None:
    release = asyncio.Event()

    async def page(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response(text=PAGE)

    site.pages = {"/a": page}
    running = asyncio.create_task(
        run_in_shell(command, 'trap \'\' HUP; echo $$ > pid; exec "$0" "$@"', site.url("/a"))
    )
    await site.asked()
    os.kill(int((command.folder / "pid").read_text()), signal.SIGHUP)
    release.set()
    ran = await running
    assert (ran.status, ran.err) == (0, [])


async def test_a_terminal_that_is_closed_parks_the_run(site: Site, command: Command) -> None:
    site.pages = {"/big.png": stalled}
    process, ours = await command.start_in_terminal(site.url("/big.png"))
    try:
        await site.asked()
        part = command.folder / OUTPUT / site.folder / "big.png.part"
        async with asyncio.timeout(10):
            while not part.exists():  # noqa: ASYNC110 - another process creates it
                await asyncio.sleep(0.02)
        os.close(ours)
        async with asyncio.timeout(20):
            assert await process.wait() == 130
    finally:
        if process.returncode is None:
            process.kill()
    assert part.stat().st_size >= 1024 * 1024


@pytest.mark.timing_sensitive(reason="a process has to end within two seconds")
@pytest.mark.parametrize("code", [HANGING_THREAD, BUSY_LOOP], ids=["hanging thread", "busy loop"])
async def test_the_second_interrupt_ends_the_process_whatever_hangs(
    code: str, site: Site, command: Command
) -> None:
    site.pages = {"/a": PAGE, "/b": PAGE}
    urls = (site.url("/a"), site.url("/b"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *urls),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=command.folder,
        env=command.environment,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"saving\n"
    process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.2)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    async with asyncio.timeout(30):
        assert await process.wait() == 130
    assert time.monotonic() - began < 2
    ran = await command(*urls)
    assert ran.status == 0, "the journal is as after a kill"
    assert len(saved_files(command.folder / OUTPUT)) == 2


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604])
async def test_a_netrc_that_others_can_read_is_warned_about(
    mode: int, site: Site, command: Command
) -> None:
    netrc = command.folder / ".netrc"
    netrc.write_text("machine example.org login me password secret\n")
    netrc.chmod(mode)
    ran = await command("--netrc", site.url("/"))
    warned = [
        f"download: other users can read the passwords in {netrc}; protect it with: chmod 600"
    ]
    assert [line for line in ran.err if "netrc" in line] == (warned if mode & 0o077 else [])


async def test_names_outside_ascii_are_saved_without_utf_8(site: Site, command: Command) -> None:
    site.pages = dict.fromkeys(("/%C3%A9%20%C3%BC.html", "/%E6%97%A5%E6%9C%AC/%E8%AA%9E"), PAGE)
    urls = list(map(site.url, site.pages))
    expected = {f"{site.folder}/é ü.html", f"{site.folder}/日本/語.html"}
    command.environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for options, word in ((), "Downloaded"), (("--verify",), "Skipped"), (("-m",), "Skipped"):
        ran = await command(*urls, *options)
        assert (ran.status, ran.err) == (0, [])
        assert sum(line.startswith(word) for line in ran.out) == 2
        assert saved_files(command.folder / OUTPUT) >= expected


async def test_a_journal_that_is_a_folder_is_one_clear_line(site: Site, command: Command) -> None:
    (command.folder / OUTPUT / ".download" / "journal.sqlite3").mkdir(parents=True)
    ran = await command(site.url("/"))
    assert ran.status == 2
    assert ran.err == [
        f"download: the journal {Path(OUTPUT)}/.download/journal.sqlite3 is a folder; "
        "remove that folder, or choose another --output"
    ]
