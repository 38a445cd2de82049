"""Fixtures that all folders share, and the choice of tests that run by default."""

import subprocess
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from hypothesis import settings

from tests.support.command import Command
from tests.support.many_hosts import HOSTS, ManyHosts
from tests.support.mirror_site import MirrorSite, mirror_site
from tests.support.small_disk import SmallDisk
from tests.support.web_server import Site

# The same examples in every run, so that none fails by chance; for new ones there is
# --hypothesis-profile=explore. A busy machine must not make one fail, either.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.register_profile("explore", max_examples=1000)
settings.load_profile("repeatable")

_LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also run the tests that are marked slow")


def _chosen_by_hand(config: pytest.Config) -> bool:
    """Return whether the command line says itself which tests it wants."""
    return (
        config.getoption("--all")
        or bool(config.option.markexpr)
        or any("::" in argument for argument in config.args)
    )


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a single test in this process, where it starts sooner and can be debugged."""
    return 0 if any("::" in argument for argument in config.args) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if mark := item.get_closest_marker("timing_sensitive"):
            assert mark.kwargs.get("reason"), f"{item.nodeid} is timing_sensitive without a reason"
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))
    slow = set() if _chosen_by_hand(config) else _slow(items)
    if slow:
        config.hook.pytest_deselected(items=[item for item in items if item in slow])
        items[:] = [item for item in items if item not in slow]
        config.stash[_LEFT_OUT] = len(slow)


def _slow(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return what is marked slow; with ``keep``, so many cases of a test are not."""
    found = set()
    sweeps: dict[tuple[str, int], list[pytest.Item]] = {}
    for item in items:
        mark = item.get_closest_marker("slow")
        if mark and "keep" in mark.kwargs:
            test = item.nodeid.partition("[")[0]
            sweeps.setdefault((test, mark.kwargs["keep"]), []).append(item)
        elif mark:
            found.add(item)
    for (_, keep), cases in sweeps.items():
        kept = {number * len(cases) // keep for number in range(keep)}
        found |= {case for number, case in enumerate(cases) if number not in kept}
    return found


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Say in the last line how many tests were left out."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash.get(_LEFT_OUT, 0)
    yield
    count = config.stash.get(_LEFT_OUT, 0)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if count and reporter and not config.option.collectonly:
        reporter.write_line(f"{count} slow tests were left out; pytest --all runs them too")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take over what a worker of pytest-xdist has counted."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[_LEFT_OUT] = output.get("left_out", 0)  # type: ignore[attr-defined]


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
def command(tmp_path: Path, request: pytest.FixtureRequest) -> Command:
    """The real command, started in a fresh folder with no configuration."""
    return Command(tmp_path, forks=not request.node.get_closest_marker("real_start"))


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


@pytest.fixture
async def mirrored() -> AsyncIterator[MirrorSite]:
    """The site that mirrors are tested with."""
    async with mirror_site() as site:
        yield site
