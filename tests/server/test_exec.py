"""A command runs after each saved file, without a shell, and can neither steer nor outlive us."""

import asyncio
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.support.command import Command, finished
from tests.support.handlers import keeps
from tests.support.web_server import Site

#: Writes each of its arguments as a line of JSON to the file "ran".
LOG = """python3 -c 'import json, sys; open("ran", "a").write(json.dumps(sys.argv[1:]) + "\\n")'"""


def ran_with(command: Command) -> list[list[str]]:
    log = command.folder / "ran"
    return sorted(map(json.loads, log.read_text().splitlines())) if log.exists() else []


async def test_a_command_gets_fields_of_each_file_that_was_saved(
    site: Site, command: Command
) -> None:
    site.pages |= {"/a": keeps(b"one", {"ETag": '"1"'}), "/b": b"two; $(touch bad) \x1b[31m"}
    (command.folder / "list.csv").write_text(
        f"url,name,Title\n{site.url('/a')},-rf,A 'title'\n{site.url('/b')},b c.txt,\n"
        f"{site.url('/lost')},,\n{site.url('/a')},,\n"
    )
    template = LOG + " {path} --n={name} {{}} '{column.title} {decoded_bytes}' {url}"
    ran = await command("list.csv", "-o", ".", "--exec", template)
    assert ran.status == 1
    assert "2 commands: 2 done, 0 failed" in ran.out
    assert ran_with(command) == [
        ["./-rf", "--n=-rf", "{}", "A 'title' 3", site.url("/a")],
        ["./b c.txt", "--n=b c.txt", "{}", " 23", site.url("/b")],
    ]
    # Nothing runs for what was skipped or is unchanged.
    for option in ("--verify", "--refresh"):
        ran = await command("list.csv", "-o", ".", "--exec", LOG, option)
        assert len(ran_with(command)) == (2 if option == "--verify" else 3)
    assert not (command.folder / "bad").exists()


async def test_what_commands_print_and_how_they_fail_is_shown(site: Site, command: Command) -> None:
    bodies = {
        "/colour": b"\x1b[31mred\nFailed\tfake\r\n",
        "/large": b"y" * 200_000,
        "/bad": b"exit",
    }
    site.pages |= bodies
    script = 'cat "$1"; case "$1" in *bad*) echo why >&2; exit 3;; *large*) kill -9 $$;; esac'
    ran = await command(
        *map(site.url, bodies), "--exec", f"sh -c '{script}' sh", "--report=-", "--no-progress"
    )
    assert ran.status == 1
    # Standard output is the report's.
    assert sorted(json.loads(line)["url"] for line in ran.out) == sorted(map(site.url, bodies))
    folder = f"downloaded_sites/{site.folder}"
    assert {"\\x1b[31mred", "Failed\tfake", "exit", "why"} <= set(ran.err)
    assert "y" * 65_536 in ran.err
    assert "(131.3 KiB more of this output are not shown)" in ran.err
    failures = sorted(line for line in ran.err if line.startswith("Failed command"))
    assert failures[0].startswith(f"Failed command for {folder}/bad.bin: exit status 3: sh -c ")
    assert failures[1].startswith(f"Failed command for {folder}/large.bin: ended by Killed: sh -c ")
    assert "3 commands: 1 done, 2 failed" in ran.err


async def test_no_value_of_a_server_becomes_an_option(site: Site, command: Command) -> None:
    site.pages["/a"] = b"one"
    (command.folder / "list").write_text(f"{site.url('/a')}\n out=-delete\n")
    ran = await command("list", "--exec", f"{LOG} {{name}}", "--report=r.csv")
    assert (ran.status, ran_with(command)) == (1, [])
    assert ran.err == [
        "Failed command for downloaded_sites/-delete: '-delete' would be an option; "
        "{path} never is one"
    ]
    assert "1 command: 0 done, 1 failed" in ran.out


async def test_a_mirror_runs_commands_after_its_links_are_rewritten(
    site: Site, command: Command
) -> None:
    site.pages |= {"/": '<!DOCTYPE html><a href="/page">x</a>', "/page": "page", "/no.txt": "x"}
    ran = await command("-r", site.url("/"), "--exec", "grep -c href {path}", "--reject=txt")
    assert ran.status == 1
    assert "2 commands: 1 done, 1 failed" in ran.out
    ran = await command(
        "-r", site.url("/"), "--force", "--exec", "grep -h href {path}", "--single-file"
    )
    assert f'<!DOCTYPE html><a href="{site.folder}/page.html">x</a>' in ran.out


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    site: Site, command: Command
) -> None:
    site.pages["/a"] = b"one"
    hangs = "sh -c 'sleep 600 & echo $! > pid; wait' sh {path}"
    ran = await command(site.url("/a"), "--exec", hangs, "--exec-timeout", "300ms")
    assert ran.status == 1
    assert "a.bin: ended after 0.3 s (--exec-timeout): sh -c " in ran.err[-1]
    await ends(int((command.folder / "pid").read_text()))


async def test_a_server_that_a_command_leaves_running_does_not_hold_the_run(
    site: Site, command: Command
) -> None:
    site.pages["/a"] = b"one"
    leaves = "sh -c 'sleep 600 & echo $! > pid; echo started' sh {path}"
    ran = await command(site.url("/a"), "--exec", leaves)
    assert ran.status == 0
    assert "started" in ran.out
    os.kill(int((command.folder / "pid").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("times", [1, 2])
async def test_ctrl_c_ends_commands(site: Site, command: Command, times: int) -> None:
    """The first one asks them to end, the second kills what does not."""
    site.pages |= {f"/{number}": b"x" for number in range(40)}
    (command.folder / "list").write_text("\n".join(map(site.url, site.pages)))
    stubborn = 'trap "" TERM; ' if times == 2 else ""
    hangs = f"sh -c '{stubborn}echo $$ > pid.tmp; mv pid.tmp pid; sleep 600; sleep 600' sh {{path}}"
    process = await command.start("list", "--exec", hangs)
    pid = await written(command.folder / "pid")
    started = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        await asyncio.sleep(0.2)
    ran = await finished(process)
    assert ran.status == 130
    assert time.monotonic() - started < 4.5
    await ends(pid)
    (summary,) = (line for line in ran.out if " commands: " in line)
    assert re.fullmatch(r"\d+ commands: 0 done, \d+ failed, \d+ not run", summary)


async def written(path: Path) -> int:
    async with asyncio.timeout(20):
        while not path.exists():  # noqa: ASYNC110 - no event comes from other processes
            await asyncio.sleep(0.02)
    return int(path.read_text())


async def ends(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(10):
        while " Z " not in stat_of(pid):  # noqa: ASYNC110 - no event comes from other processes
            await asyncio.sleep(0.02)


def stat_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return " Z "


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--no-save",), "--exec runs a command after each saved file; leave out --no-save"),
        (("--pack=warc",), "leave out --pack"),
        (("-o-",), "-o - saves none"),
        (("-o/dev/null",), "-o /dev/null saves none"),
        (("-os3://bucket/prefix",), "-o s3://bucket/prefix is an object store"),
        (("--engine=dask",), "--exec runs commands here"),
        (("--exec", "echo 'x"), "a quote without its counterpart"),
        (("--exec", " "), "it names no program"),
        (("--exec", "no-such-program"), "there is no program 'no-such-program'"),
        (("--exec", "echo {pth}"), "there is no field {pth}; there are path, name, folder"),
        (("--exec", "{path}"), "its program must not be a field"),
        (("--exec", "sh -xc 'echo {}'"), "sh would run what names of files hold"),
        (("--exec", "env A=1 /usr/bin/perl -we 'print q({url})'"), "/usr/bin/perl would run what"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_what_cannot_be_run_is_a_usage_error(
    command: Command, options: tuple[str, ...], problem: str
) -> None:
    ran = await command("http://h.invalid/", "--exec=echo", *options)
    assert ran.status == 2
    assert problem in ran.err[-1]
