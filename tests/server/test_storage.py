"""Saving what a server sends: constant memory, and folders in the way."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, ErrorKind, Failed, Options, download_sites
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


async def test_a_body_that_says_it_is_large_is_written_from_its_start(
    site: Site, tmp_path: Path
) -> None:
    block, part = b"x" * 100_000, tmp_path / site.folder / "large.bin.part"

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(20 * len(block))})
        await response.prepare(request)
        await response.write(block)
        await response.write(block)
        async with asyncio.timeout(20):
            # No event tells of a file.
            while not part.exists():  # noqa: ASYNC110
                await asyncio.sleep(0)
        for _ in range(18):
            await response.write(block)
        return response

    site.pages = {"/large.bin": large}
    (outcome,) = await download_sites([site.url("/large.bin")], tmp_path)
    assert isinstance(outcome, Downloaded), "and not only when it has become large"
    assert (tmp_path / outcome.path).read_bytes() == 20 * block
    assert outcome.sha256 == hashlib.sha256(20 * block).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to look at")
async def test_many_large_bodies_at_once_take_little_memory(site: Site, tmp_path: Path) -> None:
    block, blocks, count = bytes(range(256)) * 4096, 8, 64
    most = 0

    async def large(request: web.Request) -> web.StreamResponse:
        nonlocal most
        response = web.StreamResponse(headers={"Content-Length": str(len(block) * blocks)})
        await response.prepare(request)
        for _ in range(blocks):
            await response.write(block)
            most = max(most, resident())
        return response

    site.pages = {f"/{number}": large for number in range(count)}
    before = resident()
    outcomes = await download_sites(
        map(site.url, site.pages), tmp_path, options=Options(concurrency=count, per_host=count)
    )
    assert {outcome.sizes.saved for outcome in outcomes if isinstance(outcome, Downloaded)} == {
        len(block) * blocks
    }
    # A server in this process holds 64 KiB for each.
    assert most - before < 80 * 1024 * 1024
