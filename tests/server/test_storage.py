"""Saving what a server sends: constant memory, and folders in the way."""

import os
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, ErrorKind, Failed, download_sites
from tests.support.web_server import Site


async def test_a_folder_in_the_way_is_the_failure_of_that_url_alone(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/a.html": "A", "/b.html": "B"}
    (tmp_path / site.folder / "a.html" / "full").mkdir(parents=True)
    first, second = await download_sites(map(site.url, site.pages), tmp_path)
    assert isinstance(first, Failed)
    assert first.kind is ErrorKind.BLOCKED
    assert isinstance(second, Downloaded)
    assert not list(tmp_path.rglob("*.part"))


def resident() -> int:
    """Return this process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to look at")
async def test_a_large_body_is_saved_in_constant_memory(site: Site, tmp_path: Path) -> None:
    block, blocks = bytes(range(256)) * 4096, 200
    most = 0

    async def large(request: web.Request) -> web.StreamResponse:
        nonlocal most
        response = web.StreamResponse(headers={"Content-Length": str(len(block) * blocks)})
        await response.prepare(request)
        for _ in range(blocks):
            await response.write(block)
            most = max(most, resident())
        return response

    site.pages = {"/large": large}
    before = resident()
    (outcome,) = await download_sites([site.url("/large")], tmp_path)
    assert isinstance(outcome, Downloaded)
    assert outcome.sizes.saved == len(block) * blocks
    assert (tmp_path / outcome.path).stat().st_size == len(block) * blocks
    assert most - before < 64 * 1024 * 1024, "for a body of 200 MiB"
