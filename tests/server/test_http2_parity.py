"""Over HTTP/2 and over HTTP/1.1, the same URLs have the same outcomes, files and archives."""

import asyncio
import gzip
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from downloader import ErrorKind, Options, Outcome
from downloader.models.outcome_conversion import record_of
from tests.support.archives import read
from tests.support.command import Command
from tests.support.files import contents
from tests.support.handlers import in_turn, keeps, redirect, sends
from tests.support.http2_gateway import http2_gateway
from tests.support.http2_server import Http2Server
from tests.support.library import fetch
from tests.support.mirror_site import MirrorSite
from tests.support.web_server import Handler, Site

OPTIONS = Options(read_timeout=5.0, retries=1)
#: What may differ: the version, and what depends on time or on the compression of heads.
VERSION_FIELDS = ("http_version", "header_bytes", "started", "seconds")
#: Longer than the window of a new stream, of which what is sent before a cut fills less.
LARGE = random.Random(1).randbytes(300_000)
TEXT = b"<p>the lamp turns, and turns again</p>" * 400
GZIP = {"Content-Encoding": "gzip", "Content-Type": "text/html"}


def pages() -> dict[str, str | bytes | Handler]:
    """Return a page of each kind that a server may have; a new dict starts its turns anew."""
    packed = gzip.compress(TEXT, mtime=0)
    return {
        "/": "<p>home</p>",
        "/empty": b"",
        "/large": LARGE,
        "/page?q=1&r=%C3%A9": "<p>a query</p>",
        "/latin": sends(b"caf\xe9", {"Content-Type": "text/plain; charset=iso-8859-1"}),
        "/gzip": sends(packed, GZIP),
        "/gzip-cut": sends(packed[:-20], GZIP),
        "/gzip-not": sends(TEXT, GZIP),
        "/moved": redirect("/page?q=1&r=%C3%A9"),
        "/loop": redirect("/loop"),
        "/nowhere": sends(status=302),
        "/cookie": in_turn(
            sends(b"", {"Location": "/cookie", "Set-Cookie": "a=1; Path=/cookie"}, status=302),
            sends(b"with a cookie", {"Content-Type": "text/plain"}),
        ),
        "/cut": sends(LARGE, cut=1000),
        "/cut-once": in_turn(
            keeps(LARGE, {"ETag": '"1"'}, cut=50_000), keeps(LARGE, {"ETag": '"1"'})
        ),
        "/changed-once": in_turn(
            keeps(LARGE, {"ETag": '"1"'}, cut=50_000), keeps(TEXT, {"ETag": '"2"'})
        ),
        "/busy-once": in_turn(sends(status=503, headers={"Retry-After": "7"}), sends(b"now")),
        "/too-many": sends(status=429, headers={"Retry-After": "3"}),
        "/none": sends(status=204),
        "/stale": sends(status=304),
        "/forbidden": sends(b"no", status=403),
        "/gone": sends(status=410),
        "/broken": sends(status=500),
        "/odd": sends(status=299, body=b"odd"),
        "/language": sends(TEXT, {"Content-Type": "text/html", "Content-Language": "en, fr"}),
    }


@asynccontextmanager
async def gateway(site: Site, folder: Path) -> AsyncIterator[tuple[Http2Server, Options]]:
    """Serve the pages of *site* over both versions; give options that trust the server."""
    cacert = folder / "authority.pem"
    async with http2_gateway(site.server.port or 0, cacert) as server:
        yield server, replace(OPTIONS, cacert=cacert)


def essence(outcome: Outcome) -> dict[str, object]:
    """Return what a report says of an outcome, without what the version changes."""
    record = asdict(record_of(outcome))
    for field in VERSION_FIELDS:
        del record[field]
    if record["kind"] is ErrorKind.TRUNCATED:
        del record["message"]  # what breaks is a stream, or a connection
    return record


async def in_both_versions(
    site: Site, server: Http2Server, folder: Path, options: Options, paths: list[str]
) -> None:
    """Check that the outcomes, the files and what was asked for are the same."""
    outcomes, files, asked = [], [], []
    for version in ("2", "1.1"):
        site.pages.update(pages())
        site.requests.clear()
        options = replace(options, http1_only=version == "1.1")
        results = await fetch(map(server.url, paths), folder / version, options)
        assert {record_of(o).http_version for o in results} <= {version, None}
        outcomes.append([essence(outcome) for outcome in results])
        files.append(contents(folder / version))
        asked.append(
            sorted(
                (
                    request.path_qs,
                    sorted((k.lower(), v) for k, v in request.headers.items() if k != "Connection"),
                )
                for request in site.requests
            )
        )
    for new, old in zip(*outcomes, strict=True):
        assert new == old
    assert files[0] == files[1]
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"retries": 0},
        {"max_size": 1000},
        {"save": False},
        {"limit_rate": 10_000_000},
        {"concurrency": 1},
        {"max_redirects": 0},
        {"headers": (("Authorization", "Basic eDp5"), ("X-Own", "é"), ("Host", "other.test"))},
    ],
    ids=str,
)
async def test_both_versions_have_the_same_outcomes_files_and_requests(
    changes: dict[str, Any], site: Site, tmp_path: Path
) -> None:
    async with gateway(site, tmp_path) as (server, options), asyncio.timeout(50):
        options = replace(options, **changes)
        await in_both_versions(site, server, tmp_path, options, [*pages(), "/lost"])


@pytest.mark.parametrize("changes", [{"refresh": True}, {"force": True}, {}], ids=str)
async def test_a_second_run_finds_the_same_in_both_versions(
    changes: dict[str, Any], site: Site, tmp_path: Path
) -> None:
    paths = [*pages(), "/lost", "/etag"]
    etag = keeps(TEXT, {"ETag": '"1"', "Content-Type": "text/html"})
    site.pages |= {**pages(), "/etag": etag}
    async with gateway(site, tmp_path) as (server, options), asyncio.timeout(50):
        # Each folder's first run is by the other version.
        for folder, http1_only in (("2", True), ("1.1", False)):
            first = replace(options, http1_only=http1_only)
            await fetch(map(server.url, paths), tmp_path / folder, first)
        options = replace(options, **changes)
        await in_both_versions(site, server, tmp_path, options, paths)
        if changes == {"refresh": True}:
            assert {r.path for r in site.requests if "If-None-Match" in r.headers} >= {"/etag"}


async def test_secrets_do_not_reach_another_origin(site: Site, tmp_path: Path) -> None:
    site.pages["/end"] = b"end"
    async with gateway(site, tmp_path) as (server, options):
        site.pages["/from"] = redirect(f"https://localhost:{server.port}/end")
        options = replace(options, headers=(("Authorization", "secret"), ("Cookie", "own=1")))
        await fetch([server.url("/from")], tmp_path / "out", options)
        assert server.connections == 2  # a connection for each origin, whatever certificates say
    first, second = site.requests
    assert (first.headers["Authorization"], first.headers["Cookie"]) == ("secret", "own=1")
    assert not {"Authorization", "Cookie"} & set(second.headers)
    assert second.host == f"localhost:{server.port}"


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_the_command_saves_and_archives_the_same_by_both_versions(
    processes: str, site: Site, command: Command, tmp_path: Path
) -> None:
    waits = {"/busy-once", "/too-many"}
    paths = [path for path in pages() if path not in waits]
    saved, archived = [], []
    async with gateway(site, tmp_path) as (server, options), asyncio.timeout(100):
        # Another host for the second process.
        urls = [server.url(path) for path in paths]
        urls += [url.replace("127.0.0.1", "localhost") for url in urls[:10]]
        (command.folder / "list").write_text("\n".join(urls))
        for version, protocol, more in (("2", "h2", []), ("1.1", None, ["--http1.1"])):
            site.pages.update(pages())
            archive = f"{version}.warc.gz"
            ran = await command(
                *("list", "-o", version, "--cacert", options.cacert or "", "--warc", archive),
                *("--retries", "0", "--processes", processes, *more),
            )
            assert ran.status == 1  # some of the pages are failures
            saved.append(contents(command.folder / version))
            records = [r for file in command.folder.glob(f"{version}*.warc.gz") for r in read(file)]
            kinds = ("request", "response", "revisit")
            exchanges = [record for record in records if record.kind in kinds]
            assert {record.fields.get("WARC-Protocol") for record in exchanges} == {protocol}
            # Which of two equal bodies is the first one depends on time.
            digest = "WARC-Payload-Digest"
            archived.append(
                sorted((r.kind == "request", r.url, r.fields.get(digest)) for r in exchanges)
            )
    assert saved[0] == saved[1]
    assert archived[0] == archived[1]


async def test_a_mirror_is_the_same_by_both_versions(
    mirrored: MirrorSite, command: Command, tmp_path: Path
) -> None:
    cacert = tmp_path / "authority.pem"
    saved = []
    async with http2_gateway(mirrored.main.port or 0, cacert) as server, asyncio.timeout(100):
        for version, more in (("2", []), ("1.1", ["--http1.1"])):
            ran = await command(
                *(server.url("/index.html"), "-r", "-l", "3", "--cacert", cacert, "-o", version),
                *more,
            )
            assert ran.status in (0, 1)
            saved.append(contents(command.folder / version))
        assert server.connections > 1
    assert len(saved[0]) > 20
    assert saved[0] == saved[1]


async def test_a_site_needs_one_connection(site: Site, tmp_path: Path) -> None:
    async def late(_request: web.Request) -> web.Response:
        await asyncio.sleep(0)
        return web.Response(body=b"late")

    paths = [f"/{number}" for number in range(200)]
    site.pages |= dict.fromkeys(paths, late)
    async with gateway(site, tmp_path) as (server, options):
        await fetch(map(server.url, paths), tmp_path / "out", options)
        assert (server.connections, len(site.requests)) == (1, 200)
