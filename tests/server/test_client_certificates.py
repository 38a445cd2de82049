"""Client certificates: who gets them, over each version of HTTP, and what servers say."""

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from downloader import Downloaded, Options
from downloader.http import gets_certificate
from downloader.web import urls
from tests.support.client_certificates import (
    NAME,
    PASSWORD,
    CertificateFiles,
    CertifiedSite,
    certified_site,
)
from tests.support.cluster_runs import ThreadExecutor, cluster_run, write_urls
from tests.support.command import Command
from tests.support.library import fetch
from tests.support.web_server import Handler, Site

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


def redirects_to(url: str) -> Handler:
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


async def test_a_mirror_sends_it_to_the_site_and_its_robots_txt_and_to_nobody_else(
    asking: CertifiedSite, files: CertificateFiles, command: Command
) -> None:
    elsewhere = asking.url("/picture.png", "localhost")
    asking.site.pages = {
        "/": f'<img src="/own.png"><img src="{elsewhere}"><a href="/next">',
        "/next": f'<a href="{asking.url("/far", "localhost")}">',
        "/robots.txt": "User-agent: *",
        **dict.fromkeys(("/own.png", "/picture.png", "/far"), PAGE),
    }
    ran = await command(
        *("-r", "--span-hosts", "--cacert", files.cacert, "--cert", files.both, asking.url())
    )
    assert ran.status == 0, ran.err
    wanted = {
        *(("127.0.0.1", path, NAME) for path in ("/", "/next", "/own.png", "/robots.txt")),
        *(("localhost", path, "") for path in ("/far", "/picture.png", "/robots.txt")),
    }
    assert not wanted - {*asking.clients()}, (asking.clients(), ran)
    assert {(host, client) for host, _, client in asking.clients()} == {
        ("127.0.0.1", NAME),
        ("localhost", ""),
    }


@pytest.mark.parametrize("options", [("-m",), ("-r", "--span-hosts")], ids=" ".join)
async def test_a_redirect_of_a_mirrored_line_does_not_name_where_it_leads(
    options: tuple[str, ...], asking: CertifiedSite, files: CertificateFiles, command: Command
) -> None:
    asking.site.pages = {
        "/": redirects_to(asking.url("/b", "localhost")),
        "/b": '<img src="/picture.png"><a href="/c">',
        **dict.fromkeys(("/c", "/picture.png", "/favicon.ico"), PAGE),
    }
    own = ("--cacert", files.cacert, "--cert", files.both)
    ran = await command(*options, *own, asking.url("/"))
    assert ran.status == 0, ran.err
    assert {(host, client) for host, _, client in asking.clients()} == {
        ("127.0.0.1", NAME),
        ("localhost", ""),
    }


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
async def test_robots_txt_of_a_site_that_requires_it_counts(
    http2: bool, site: Site, files: CertificateFiles, command: Command
) -> None:
    async with certified_site(site, files, verify=ssl.CERT_REQUIRED, http2=http2) as strict:
        site.pages = {
            "/": '<a href="/open"><a href="/closed">',
            "/open": PAGE,
            "/robots.txt": "User-agent: *\nDisallow: /closed",
        }
        ran = await command(
            *("-r", "--cacert", files.cacert, "--cert", files.both, "--retries", "0", strict.url())
        )
        assert ran.status == 0, ran.err
        paths = {path for _, path, _ in strict.clients()}
        assert paths - {"/favicon.ico"} == {"/", "/open", "/robots.txt"}


@pytest.mark.parametrize(
    "options", [("--processes", "2"), ("--tls-min", "1.3"), ("-4", "--digest")]
)
async def test_it_works_with(
    options: tuple[str, ...], asking: CertifiedSite, files: CertificateFiles, command: Command
) -> None:
    asking.site.pages = dict.fromkeys(("/a", "/b"), PAGE)
    urls = [asking.url("/a"), asking.url("/b", "localhost")]
    own = ("--cacert", files.cacert, "-E", files.cert, "--key", files.key)
    ran = await command(*options, *own, *urls)
    assert ran.status == 0, ran.err
    assert asking.clients() == [("127.0.0.1", "/a", NAME), ("localhost", "/b", NAME)]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_certificate_goes_through_the_tunnel_and_not_to_the_proxy(
    scheme: str, asking: CertifiedSite, files: CertificateFiles, tmp_path: Path
) -> None:
    asking.site.pages = {"/": PAGE}
    seen: list[str] = []
    tls = files.server_context(ssl.CERT_OPTIONAL) if scheme == "https" else None
    async with asyncio.timeout(LIMIT), tunnel(tls, seen) as proxy:
        options = Options(cacert=files.cacert, cert=files.both, https_proxy=proxy, retries=0)
        (outcome,) = await fetch([asking.url()], tmp_path / "out", options)
    assert isinstance(outcome, Downloaded), outcome
    assert seen == [""]
    assert asking.clients() == [("127.0.0.1", "/", NAME)]


@asynccontextmanager
async def tunnel(tls: ssl.SSLContext | None, seen: list[str]) -> AsyncIterator[str]:
    """Run a proxy; *seen* gets the name in the certificate of each of its clients."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append("some" if writer.get_extra_info("peercert") else "")
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            host, _, port = head.split()[1].decode().rpartition(":")
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        target.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("home", "url", "gets"),
    [
        ("https://a.test/", "https://a.test/b", True),
        ("https://me:pass@a.test/", "https://a.test/", True),
        ("http://a.test/", "https://a.test/", True),
        ("https://a.test:8443/", "https://a.test:8443/", True),
        ("https://a.test/", "https://a.test:8443/", False),
        ("http://a.test:8080/", "https://a.test:8080/", False),
        ("http://a.test:8080/", "https://a.test/", False),
        ("http://a.test/", "https://b.a.test/", False),
        ("http://nobody.invalid/", "https://a.test/", False),
        ("http://[::1]/", "https://[::1]/", True),
        ("http://[::1]:80/", "https://[::1]:443/", True),
        ("http://[::1]:81/", "https://[::1]:81/", False),
    ],
)
def test_https_of_a_named_host_is_named_and_no_other_port(home: str, url: str, gets: bool) -> None:
    assert gets_certificate(urls.parse(url), urls.parse(home)) is gets


# What servers say


@dataclass(frozen=True)
class StrictServer:
    """A server that ends handshakes with alerts, as those of OpenSSL do.

    asyncio sends none.
    """

    listener: socket.socket
    tls: ssl.SSLContext

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self.listener.accept()
                with suppress(OSError), self.tls.wrap_socket(accepted, server_side=True) as stream:
                    stream.recv(4096)


@pytest.mark.parametrize(
    ("version", "own", "line"),
    [
        ("1.3", False, "the server requires a client certificate (tls); see --cert"),
        ("1.3", True, "unknown ca (tls); the server wants a client certificate that it trusts"),
        ("1.2", False, "handshake failure (tls); the server may want a client certificate"),
        ("1.2", True, "unknown ca (tls); the server wants a client certificate that it trusts"),
    ],
)
async def test_a_server_that_wants_another_certificate_is_one_clear_line(
    version: str, own: bool, line: str, files: CertificateFiles, command: Command
) -> None:
    tls = files.server_context(ssl.CERT_REQUIRED)
    tls.maximum_version = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
    (command.folder / "stranger").mkdir()
    stranger = CertificateFiles.write(command.folder / "stranger")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=StrictServer(listener, tls).serve, daemon=True).start()
        ran = await command(
            *(("--cert", stranger.both) if own else ()),
            *("--cacert", files.cacert, "--no-save", "--retries", "0"),
            f"https://127.0.0.1:{listener.getsockname()[1]}/",
        )
    assert ran.status == 1
    (failed,) = [each for each in ran.err if each.startswith("Failed")]
    assert line in failed


async def test_a_server_may_ask_after_it_has_seen_the_path(
    files: CertificateFiles, command: Command
) -> None:
    tls = files.server_context(ssl.CERT_REQUIRED)
    tls.post_handshake_auth = True
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=ask_late, args=(listener, tls), daemon=True).start()
        ran = await command(
            *("--cert", files.both, "--cacert", files.cacert, "--no-save", "--retries", "0"),
            f"https://127.0.0.1:{listener.getsockname()[1]}/",
        )
    assert ran.status == 0, ran.err


def ask_late(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Answer one request as soon as there is a certificate, for which TLS asks again."""
    accepted, _ = listener.accept()
    with suppress(OSError), tls.wrap_socket(accepted, server_side=True) as stream:
        stream.recv(4096)
        stream.verify_client_post_handshake()
        stream.do_handshake()
        stream.setblocking(False)
        while not stream.getpeercert() and select.select([stream], [], [], LIMIT)[0]:
            # A certificate is not data: there is nothing to receive but it.
            with suppress(ssl.SSLWantReadError):
                stream.recv(1)
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" + PAGE.encode())


async def test_workers_of_a_cluster_get_it_with_its_password(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = CertificateFiles.write(tmp_path)
    site.pages = {"/": PAGE}
    # Workers have working folders of their own.
    monkeypatch.chdir(tmp_path)
    executor = ThreadExecutor()
    async with certified_site(site, files, verify=ssl.CERT_REQUIRED, http2=False) as strict:
        source = write_urls(tmp_path, strict.url())
        (outcome,) = await cluster_run(
            source,
            tmp_path / "out",
            executor,
            cacert=files.cacert,
            cert=Path("cert.pem"),
            key=Path("encrypted.pem"),
            cert_password=PASSWORD,
        )
    assert isinstance(outcome, Downloaded), outcome
    (portion,) = executor.seen
    assert portion.options.cert == files.cert
    assert portion.options.key == files.encrypted
    kept = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [path for path in kept if PASSWORD.encode() in path.read_bytes()]
