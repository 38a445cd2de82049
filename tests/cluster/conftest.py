"""Fixtures for commands that start other processes."""

from collections.abc import AsyncIterator

import pytest

from tests.support.command import Command
from tests.support.dask_cluster import DaskCluster


@pytest.fixture
def command(command: Command) -> Command:
    """The real command, without lines of progress when this machine is slow."""
    command.environment["DOWNLOAD_NO_PROGRESS"] = "1"
    return command


@pytest.fixture
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaskCluster]:
    cluster = DaskCluster(tmp_path_factory.mktemp("cluster"))
    await cluster.start(2)
    yield cluster
    await cluster.close()
