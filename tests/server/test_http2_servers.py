"""HTTP/2 with the servers that people have: the same results as over HTTP/1.1."""

import random
from pathlib import Path

import pytest

from downloader import Downloaded, Failed, Options, Outcome
from tests.support.http2_servers import (
    SERVERS,
    WITHOUT_HTTP1,
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


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_gives_the_same_over_both_versions(
    name: str, root: Path, tmp_path: Path
) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    paths = PATHS if name in WITHOUT_REDIRECTS else [*PATHS, "/moved"]
    work = tmp_path / "server"
    work.mkdir()
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
