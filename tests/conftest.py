"""What several test modules share: a real web server and the real command."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from tests.support.command import Command
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Site


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


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The real command, started in a fresh folder with no configuration."""
    return Command(tmp_path)


@pytest.fixture
async def many_hosts() -> AsyncIterator[ManyHosts]:
    """A running server at several addresses of loopback."""
    many_hosts = ManyHosts(unused_port())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", many_hosts.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    for host in HOSTS:
        await web.TCPSite(runner, f"127.0.0.{host}", many_hosts.port).start()
    yield many_hosts
    await runner.cleanup()


@pytest.fixture
def disk(command: Command) -> Iterator[SmallDisk]:
    """A file system of 2 MiB, mounted where the command will save to."""
    folder = command.folder / "disk"
    folder.mkdir()
    mounting: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
    yield SmallDisk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)
