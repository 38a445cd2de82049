"""What a person sees on a terminal while a run goes on."""

import asyncio
import os
import re
import struct
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.command import Command
from tests.support.web_server import Site

fcntl = pytest.importorskip("fcntl", reason="no pseudo-terminals here")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal of 80 columns that the command writes to."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.set_blocking(self._ours, False)
        self.text = ""

    async def shows(self, pattern: str) -> None:
        """Wait until what was written so far matches."""
        async with asyncio.timeout(30):
            while not re.search(pattern, self.text):
                try:
                    self.text += _ESCAPES.sub("", os.read(self._ours, 65536).decode())
                except BlockingIOError:
                    await asyncio.sleep(0.01)

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.theirs)


async def test_lines_and_the_bar_appear_while_the_list_is_still_being_read(
    site: Site, command: Command, tmp_path: Path
) -> None:
    last = asyncio.Event()

    async def held(_request: web.Request) -> web.Response:
        await last.wait()
        return web.Response(text="late")

    site.pages = {"/early": "early", "/late": held}
    terminal = Terminal()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "downloader", "-", "-o", "out"),
        stdin=asyncio.subprocess.PIPE,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        cwd=tmp_path,
        env=command.environment,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(
            f"{site.url('/early')}\n{site.url('/late')}\n# more may come\n".encode()
        )
        await terminal.shows(r"Downloaded out/\S+early\S*: 5 characters, 5 B")
        await terminal.shows(r"1 URLs?, 0 failed, .*/s \[\d+:\d+\]")
        process.stdin.close()
        last.set()
        await terminal.shows(r"2 URLs: 2 downloaded")
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
        terminal.close()


async def test_the_bar_of_a_mirror_knows_what_has_been_found(
    site: Site, command: Command, tmp_path: Path
) -> None:
    last = asyncio.Event()

    async def held(_request: web.Request) -> web.Response:
        await last.wait()
        return web.Response(body=b"GIF89a", content_type="image/gif")

    site.pages = {
        "/": "".join(f"<img src=/{n}.gif>" for n in range(9)),
        **{f"/{n}.gif": b"GIF89a" for n in range(8)},
        "/8.gif": held,
    }
    terminal = Terminal()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "downloader", "-m", site.url(), "-o", "out"),
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        cwd=tmp_path,
        env=command.environment,
    )
    try:
        await terminal.shows(r"9/1[01] URLs")
        last.set()
        await terminal.shows(r"10 URLs: 10 downloaded")
        assert await asyncio.wait_for(process.wait(), 30) == 0
        assert "/? URLs" not in terminal.text
    finally:
        if process.returncode is None:
            process.kill()
        terminal.close()
