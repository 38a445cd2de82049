"""IPv6 addresses with a zone, the interface to reach them through (RFC 6874)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from downloader import Downloaded, Options, Outcome
from tests.support.client_certificates import CertificateFiles
from tests.support.command import Command
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import fetch
from tests.support.web_server import Site

PAGE = "<p>page"
LIMIT = 30


def _loopback() -> str:
    """Return the name of the loopback interface."""
    return next(name for _, name in socket.if_nameindex() if name.startswith("lo"))


def _link_local() -> tuple[str, str] | None:
    """Return a link-local address of this machine and its zone, as Linux lists them."""
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        digits, _, _, scope, _, name = line.split()
        if scope == "20":
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits)), name
    return None


@pytest.fixture
async def zoned_site() -> AsyncIterator[Site]:
    """A web server on the IPv6 loopback address."""
    application = web.Application()
    server = TestServer(application, host="::1")
    running = Site(server)
    application.router.add_get("/{path:.*}", running.answer)
    try:
        await server.start_server()
    except OSError:
        pytest.skip("this machine has no IPv6")
    yield running
    await server.close()


def url_of(site: Site, path: str = "/", zone: str = "") -> str:
    return f"http://[::1%25{zone or _loopback()}]:{site.server.port}{path}"


async def fetch_one(url: str, folder: Path, options: Options) -> Outcome:
    async with asyncio.timeout(LIMIT):
        (outcome,) = await fetch([url], folder, options)
    return outcome


@pytest.mark.parametrize("options", [(), ("--processes", "2"), ("-6",)], ids=" ".join)
async def test_a_zone_says_where_to_connect_and_no_server_sees_it(
    options: tuple[str, ...], zoned_site: Site, command: Command
) -> None:
    port = zoned_site.server.port

    async def to_itself(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(f"http://[::1]:{port}/c")

    zoned_site.pages = {"/a": PAGE, "/b": to_itself, "/c": PAGE}
    bare_percent = url_of(zoned_site, "/a?").replace("%25", "%")
    ran = await command(
        *(*options, "--warc", "a.warc", bare_percent, url_of(zoned_site, "/b")),
    )
    assert ran.status == 0, ran.err
    assert {request.headers["Host"] for request in zoned_site.requests} == {f"[::1]:{port}"}
    assert {request.path for request in zoned_site.requests} == {"/a", "/b", "/c"}
    names = {path.name for path in (command.folder / "downloaded_sites").iterdir()}
    assert f"__1-{_loopback()}_{port}" in names
    assert b"WARC-IP-Address: ::1\r\n" in (command.folder / "a.warc").read_bytes()


async def test_a_mirror_of_a_zone_names_it_to_nobody(zoned_site: Site, command: Command) -> None:
    elsewhere = f"http://[::1%25{_loopback()}]:1/spy.png"
    zoned_site.pages = {
        "/": f'<img src="own.png"><img src="{elsewhere}"><a href="/next">',
        **dict.fromkeys(("/own.png", "/next", "/favicon.ico"), PAGE),
        "/robots.txt": "User-agent: *",
    }
    ran = await command("-r", url_of(zoned_site))
    assert ran.status == 0, ran.err
    assert {request.path for request in zoned_site.requests} >= {"/", "/own.png", "/next"}
    referrers = {request.headers.get("Referer", "") for request in zoned_site.requests}
    assert referrers == {"", f"http://[::1]:{zoned_site.server.port}/"}
    assert not any("spy" in line for line in ran.err)


async def test_a_redirect_and_a_fetched_list_cannot_name_a_zone(
    zoned_site: Site, site: Site, command: Command
) -> None:
    async def to_zone(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(url_of(zoned_site, "/secret"))

    zoned_site.pages = {"/secret": PAGE}
    location = f"<urlset><url><loc>{url_of(zoned_site, '/secret')}</loc></url></urlset>"
    site.pages = {"/away": to_zone, "/inner.xml": location}
    index = f"<sitemapindex><sitemap><loc>{site.url('/inner.xml')}</loc></sitemap></sitemapindex>"
    (command.folder / "sitemap.xml").write_text(index)
    (command.folder / "list").write_text(site.url("/away"))
    ran = await command("sitemap.xml", "list", "--no-save")
    kinds = sorted(line.rpartition("(")[2] for line in ran.err if line.startswith("Failed"))
    assert kinds == ["bad-url)", "redirect)"]
    assert not zoned_site.requests


async def test_block_private_judges_the_address(zoned_site: Site, command: Command) -> None:
    ran = await command("--block-private", "--no-save", url_of(zoned_site))
    assert any("is not on the public internet (blocked)" in line for line in ran.err)
    assert not zoned_site.requests


@pytest.mark.parametrize(
    ("options", "url", "line"),
    [
        ((), "http://[fe80::1%25none0]/", "this machine has no network interface none0 (connect)"),
        ((), "http://[2001:db8::1%25lo]/", "2001:db8::1 takes no zone, only link-local addresses"),
        (("-x", "http://127.0.0.1:9"), "http://[::1%251]/", "does not know the zones of this"),
        (("-4",), "http://[::1%251]:9/", "[::1%251]:9 has no IPv4 address (dns)"),
    ],
)
async def test_a_zone_that_cannot_be_used_is_one_clear_line(
    options: tuple[str, ...], url: str, line: str, command: Command
) -> None:
    ran = await command(*options, "--retries", "0", url)
    assert ran.status == 1
    (failed,) = [each for each in ran.err if each.startswith("Failed")]
    assert line in failed


async def test_a_link_local_address_is_reached_through_its_interface(
    site: Site, command: Command
) -> None:
    if (found := _link_local()) is None:
        pytest.skip("this machine has no link-local address")
    address, zone = found
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind((address, 0, 0, socket.if_nametoindex(zone)))
        port = listener.getsockname()[1]
        await web.SockSite(runner, listener).start()
        site.pages = {"/": PAGE}
        ran = await command("--no-save", f"http://[{address}%25{zone}]:{port}/")
        failed = await command("--retries", "0", f"http://[{address}]:{port}/")
        await runner.cleanup()
    assert ran.status == 0, ran.err
    assert [request.headers["Host"] for request in site.requests] == [f"[{address}]:{port}"]
    assert any("a link-local address needs a zone (connect); write" in line for line in failed.err)


@pytest.mark.parametrize(
    ("protocol", "proxy"),
    [("http/1.1", None), ("h2", None), ("http/1.1", "http://127.0.0.1:9")],
    ids=["http/1.1", "h2", "no proxy for this host"],
)
async def test_a_certificate_is_for_the_address_without_its_zone(
    protocol: str, proxy: str | None, tmp_path: Path
) -> None:
    files = CertificateFiles.write(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.authority.issue_cert("::1").configure_cert(tls)
    tls.set_alpn_protocols([protocol])

    def answer(connection: ServerConnection, stream_id: int, _: str) -> None:
        connection.respond(stream_id, PAGE.encode())

    async def answer_by_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + PAGE.encode())
        writer.close()

    async with http2_server(answer, tls=tls, http1=answer_by_http1, host="::1") as server:
        url = f"https://[::1%25{_loopback()}]:{server.port}/"
        options = Options(
            cacert=files.cacert,
            cert=files.both,
            https_proxy=proxy,
            no_proxy="::1",
            retries=0,
        )
        outcome = await fetch_one(url, tmp_path / "out", options)
        assert isinstance(outcome, Downloaded), outcome
        if protocol == "h2":
            assert server.request_fields[0][":authority"] == f"[::1]:{server.port}"
