"""Client certificates: who gets them, over each version of HTTP, and what is wrong with files."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Failed, Options, Outcome
from tests.support.client_certificates import (
    NAME,
    CertificateFiles,
    CertifiedSite,
    certified_site,
)
from tests.support.command import Command
from tests.support.library import fetch
from tests.support.web_server import Site

PAGE = "<p>inside"
LIMIT = 30


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    folder = tmp_path / "certificates"
    folder.mkdir()
    return CertificateFiles.write(folder)


@pytest.fixture
def options(files: CertificateFiles) -> Options:
    return Options(cacert=files.cacert, cert=files.both, retries=0)


@pytest.fixture(params=[False, True], ids=["http1", "http2"])
async def asking(
    request: pytest.FixtureRequest, site: Site, files: CertificateFiles
) -> AsyncIterator[CertifiedSite]:
    """A site that takes requests with and without a certificate."""
    async with certified_site(
        site, files, verify=ssl.CERT_OPTIONAL, http2=request.param
    ) as running:
        yield running


def redirects_to(url: str) -> Callable[[web.Request], web.StreamResponse]:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(url)

    return answer


async def test_the_server_of_a_listed_url_gets_the_certificate(
    asking: CertifiedSite, options: Options, tmp_path: Path
) -> None:
    asking.site.pages = {"/": PAGE, "/b": redirects_to("/c"), "/c": PAGE}
    async with asyncio.timeout(LIMIT):
        outcomes = await fetch([asking.url("/"), asking.url("/b")], tmp_path / "out", options)
    assert all(isinstance(each, Downloaded) for each in outcomes), outcomes
    assert asking.clients() == [("127.0.0.1", path, NAME) for path in ("/", "/b", "/c")]


async def test_no_connection_with_the_certificate_serves_who_was_not_named(
    asking: CertifiedSite, options: Options, tmp_path: Path
) -> None:
    asking.site.pages = {
        "/away": redirects_to(asking.url("/b", "localhost")),
        "/a": PAGE,
        "/b": PAGE,
    }
    urls = [asking.url("/away"), asking.url("/a", "localhost"), asking.url("/away?2")]
    asking.site.pages["/away?2"] = asking.site.pages["/away"]
    async with asyncio.timeout(LIMIT):
        outcomes = await fetch(urls, tmp_path / "out", replace(options, concurrency=1))
    assert all(isinstance(each, Downloaded) for each in outcomes), outcomes
    assert asking.clients() == [
        ("127.0.0.1", "/away", NAME),
        ("127.0.0.1", "/away", NAME),
        ("localhost", "/a", NAME),
        ("localhost", "/b", ""),
        ("localhost", "/b", ""),
    ]
