"""A body without a length is whole only if the connection ends as it should.

Over TLS that takes a close_notify, however much of the body has been read by then.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import trustme

from downloader import Failed, Options, Outcome
from downloader.core.event_loop import new_event_loop
from downloader.errors import ErrorKind, TruncatedError
from downloader.http.connection import Connector
from downloader.http.response import Response
from downloader.http.tls_settings import TlsSettings
from downloader.web import urls
from tests.support.fault_server import LARGE, PAGE, Endpoint, fault_server, save_authority
from tests.support.library import downloaded, fetch
from tests.support.proxies import pproxy_server

LIMIT = 30
WHOLE = {"/until-close": PAGE, "/large-until-close": LARGE}
BROKEN = ("/until-end-of-connection", "/large-until-end-of-connection")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


@asynccontextmanager
async def proxy_of(scheme: str, cacert: Path) -> AsyncIterator[str | None]:
    """Run a proxy, whose authority is added to *cacert*; without a scheme, run none."""
    if not scheme:
        yield None
        return
    certificate = None
    if scheme == "https":
        authority, certificate = trustme.CA(), cacert.with_name("proxy.pem")
        cacert.write_bytes(cacert.read_bytes() + authority.cert_pem.bytes())
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            str(certificate)
        )
    async with pproxy_server("http", certificate=certificate) as proxy:
        yield proxy.url


async def fetch_all(scheme: str, folder: Path) -> list[Outcome]:
    """Fetch what ends with a close_notify, and what does not, through a proxy of *scheme*."""
    cacert = folder / "ca.pem"
    save_authority(cacert)
    async with (
        asyncio.timeout(LIMIT),
        fault_server(Endpoint.TRUSTED) as server,
        proxy_of(scheme, cacert) as proxy,
    ):
        options = Options(cacert=cacert, https_proxy=proxy, retries=0)
        urls = [server.url(path, Endpoint.TRUSTED) for path in (*WHOLE, *BROKEN)]
        return await fetch(urls, folder / "out", options)


@pytest.mark.parametrize("scheme", ["", "http", "https"], ids=["direct", "tunnel", "tls-in-tls"])
@pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, new_event_loop], ids=["asyncio", "default"]
)
def test_a_body_that_tls_has_not_ended_is_truncated(
    loop_factory: LoopFactory, scheme: str, tmp_path: Path
) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        outcomes = runner.run(fetch_all(scheme, tmp_path))
    whole, broken = outcomes[: len(WHOLE)], outcomes[len(WHOLE) :]
    saved = [(tmp_path / "out" / downloaded(each).path).read_bytes() for each in whole]
    assert saved == [*WHOLE.values()]
    assert [each.kind for each in broken if isinstance(each, Failed)] == [
        ErrorKind.TRUNCATED
    ] * len(BROKEN), broken


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/until-reset", Endpoint.PLAIN),
        ("/until-end-of-connection", Endpoint.TRUSTED),
        ("/large-until-end-of-connection", Endpoint.TRUSTED),
    ],
)
async def test_bytes_that_were_not_read_when_the_connection_broke_do_not_make_a_body_whole(
    path: str, endpoint: Endpoint, tmp_path: Path
) -> None:
    save_authority(tmp_path / "ca.pem")
    tls = TlsSettings(cacert=tmp_path / "ca.pem")
    connector = Connector(limit=0, tls=tls, public_only=False, http2=None)
    async with (
        asyncio.timeout(LIMIT),
        fault_server(Endpoint.TRUSTED) as server,
        aiohttp.ClientSession(connector=connector, read_bufsize=len(LARGE)) as session,
    ):
        url = server.url(path, endpoint)
        answer = await session.get(url)
        protocol = answer.connection.protocol if answer.connection is not None else None
        if protocol is not None and (closed := protocol.closed) is not None:
            with suppress(aiohttp.ClientConnectionError):
                await closed
        with Response(answer, urls.parse(url), ()) as response:
            received = len(await response.read_some())
            assert not response.is_read
            with pytest.raises(TruncatedError):
                await response.read_some()
    assert received
