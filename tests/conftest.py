"""What several test modules share: a real web server and the real command."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader.journal import STATE_FOLDER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """A web server whose pages a test sets as it goes.

    Attributes:
        pages: path (with query) to body, response, or handler; anything else is 404.
        requests: the requests that came, in order.
    """

    server: TestServer
    pages: dict[str, str | bytes | Handler] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    _asked: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def asked(self, times: int = 1) -> None:
        """Wait until so many requests have come."""
        async with self._asked:
            await asyncio.wait_for(self._asked.wait_for(lambda: len(self.requests) >= times), 30)

    def url(self, path: str = "/") -> str:
        """Return the absolute address of a path."""
        return f"http://127.0.0.1:{self.server.port}{path}"

    @property
    def folder(self) -> str:
        """The folder that pages of this site are saved in."""
        return f"127.0.0.1_{self.server.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request from the pages."""
        self.requests.append(request)
        async with self._asked:
            self._asked.notify_all()
        page = self.pages.get(request.path_qs)
        if page is None:
            raise web.HTTPNotFound
        if isinstance(page, str):
            return web.Response(text=page, content_type="text/html", charset="utf-8")
        if isinstance(page, bytes):
            return web.Response(body=page, content_type="application/octet-stream")
        return await page(request)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A running web server on loopback."""
    app = web.Application()
    server = TestServer(app, host="127.0.0.1")
    running = Site(server)
    app.router.add_route("*", "/{path:.*}", running.answer)
    await server.start_server()
    yield running
    await server.close()


def saved_files(folder: Path) -> set[str]:
    """Return every file below an output folder, but for the program's own, as relative paths."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_file() or path.is_symlink()) and STATE_FOLDER not in path.parts
    }


@dataclass(frozen=True)
class Ran:
    """What a finished command left.

    Attributes:
        status: its exit status.
        out: the lines of its stdout.
        err: the lines of its stderr.
    """

    status: int
    out: list[str]
    err: list[str]


class Command:
    """Starts the real command in a process of its own, below a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DOWNLOAD_")},
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    async def start(
        self, *arguments: str | Path, stdout: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """Start the command and return while it is running."""
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

    async def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Ran:
        """Run the command to its end."""
        process = await self.start(*arguments)
        return await ended(process, stdin)


async def ended(process: asyncio.subprocess.Process, stdin: bytes = b"") -> Ran:
    """Wait for a started command and return what it left."""
    out, err = await asyncio.wait_for(process.communicate(stdin), timeout=60)
    return Ran(
        process.returncode or 0, (out or b"").decode().splitlines(), err.decode().splitlines()
    )


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The real command, started in a fresh folder with no configuration."""
    return Command(tmp_path)
