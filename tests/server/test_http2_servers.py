"""HTTP/2 with the servers that people have: the same results as over HTTP/1.1."""

import asyncio
import os
import random
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from downloader import Downloaded, Failed, Options, Outcome, download_sites, iter_sites
from tests.support.http2_servers import (
    SERVERS,
    WITHOUT_HTTP1,
    WITHOUT_RANGES,
    WITHOUT_REDIRECTS,
    installed,
    running,
)
from tests.support.library import downloaded, fetch

PATHS = ["/page.html", "/empty.txt", "/large.png", "/lost", *(f"/{n}.html" for n in range(60))]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of pages of all sizes."""
    folder = tmp_path_factory.mktemp("root")
    chance = random.Random(0)
    (folder / "page.html").write_text("<p>a page" + " of many words" * 2000)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "large.png").write_bytes(chance.randbytes(3_000_000))
    # So old that the date is a strong validator (RFC 9110, section 8.8.2.2).
    os.utime(folder / "large.png", (1e9, 1e9))
    for number in range(60):
        text = chance.randbytes(300 * number).hex()
        (folder / f"{number}.html").write_text(f"<p>{text}")
    return folder


def essence(outcome: Outcome) -> tuple[object, ...]:
    """Return what must not depend on the version of HTTP."""
    match outcome:
        case Downloaded():
            return outcome.url, outcome.final_url, outcome.sha256, outcome.path, outcome.media_type
        case Failed():
            return outcome.url, outcome.kind, outcome.status
        case _:
            return (outcome,)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make the folder that a server has for its own files."""
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_gives_the_same_over_both_versions(
    name: str, root: Path, work: Path, tmp_path: Path
) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    paths = PATHS if name in WITHOUT_REDIRECTS else [*PATHS, "/moved"]
    async with running(name, root, work) as (address, cacert):
        urls = [address + path for path in paths]
        new = await fetch(urls, tmp_path / "new", Options(cacert=cacert))
        assert {downloaded(o).http_version for o in new if not isinstance(o, Failed)} == {"2"}
        assert [o.url for o in new if isinstance(o, Failed)] == [f"{address}/lost"]
        for outcome in new:
            if isinstance(outcome, Downloaded):
                file = root / Path(outcome.final_url or outcome.url).name
                assert outcome.path is not None
                assert (tmp_path / "new" / outcome.path).read_bytes() == file.read_bytes()
        if name not in WITHOUT_HTTP1:
            options = Options(cacert=cacert, http1_only=True)
            old = await fetch(urls, tmp_path / "old", options)
            assert {downloaded(o).http_version for o in old if not isinstance(o, Failed)} == {"1.1"}
            assert list(map(essence, new)) == list(map(essence, old))


@pytest.mark.parametrize("name", SERVERS)
async def test_a_body_that_was_interrupted_is_resumed_as_over_http1(
    name: str, root: Path, work: Path, tmp_path: Path
) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    versions = [False] if name in WITHOUT_HTTP1 else [False, True]
    resumed = []
    async with running(name, root, work) as (address, cacert):
        for http1_only in versions:
            folder = tmp_path / f"{http1_only=}"
            options = Options(cacert=cacert, http1_only=http1_only)
            slow = replace(options, limit_rate=1_000_000)
            run = asyncio.create_task(
                download_sites([f"{address}/large.png"], folder, options=slow)
            )
            async with asyncio.timeout(30):
                while not any(part.stat().st_size for part in folder.rglob("*.part")):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            (whole,) = await fetch([f"{address}/large.png"], folder, options)
            path = downloaded(whole).path
            assert path is not None
            assert (folder / path).read_bytes() == (root / "large.png").read_bytes()
            resumed.append(downloaded(whole).resumed_at > 0)
    assert len(set(resumed)) == 1
    assert resumed[0] is (name not in WITHOUT_RANGES)


async def test_a_server_may_be_reloaded_during_a_run(
    root: Path, work: Path, tmp_path: Path
) -> None:
    """nginx sends GOAWAY on all connections then, and new workers take over."""
    if not installed("nginx"):
        pytest.skip("nginx is not installed")
    async with running("nginx", root, work) as (address, cacert):
        urls = [f"{address}/{number % 60}.html?{number}" for number in range(600)]
        outcomes = []
        async for outcome in iter_sites(urls, tmp_path / "out", options=Options(cacert=cacert)):
            outcomes.append(downloaded(outcome))
            if len(outcomes) % 100 == 0:
                os.kill(int((work / "pid").read_text()), signal.SIGHUP)
    assert len(outcomes) == 600
    assert {outcome.attempts for outcome in outcomes} == {1}
