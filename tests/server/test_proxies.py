"""Requests through proxies: two that people have, and some that misbehave."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from downloader import Options
from downloader.models import Failed, Outcome
from tests.support.archives import read
from tests.support.command import Command
from tests.support.files import contents, saved_files
from tests.support.http2_gateway import http2_gateway
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import downloaded, fetch
from tests.support.proxies import RunningProxy, http_proxy, pproxy_server, says, scripted_proxy
from tests.support.web_server import Site

PAGE = "<!doctype html><title>Harbour</title><p>Boats.</p>"


def through(proxy: RunningProxy | str, **more: object) -> Options:
    url = proxy if isinstance(proxy, str) else proxy.url
    return Options(
        **{"retries": 0, "connect_timeout": 5, "http_proxy": url, "https_proxy": url, **more}  # type: ignore[arg-type]
    )


def failure(outcome: Outcome) -> tuple[str, str, str]:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind, outcome.message, outcome.hint


async def test_pages_come_through_an_http_proxy(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": PAGE, "/b?c=d": PAGE}
    addresses = [site.url("/"), site.url("/b?c=d")]
    async with http_proxy(tmp_path) as proxy:
        outcomes = await fetch(addresses, tmp_path / "out", through(proxy))
    assert [downloaded(each).sizes.characters for each in outcomes] == [len(PAGE)] * 2
    assert all("proxy.py" in request.headers["Via"] for request in site.requests)


async def test_https_goes_through_a_tunnel_and_takes_http2(site: Site, tmp_path: Path) -> None:
    site.pages = {f"/{number}": PAGE for number in range(20)}
    cacert = tmp_path / "ca.pem"
    async with (
        http2_gateway(site.server.port or 0, cacert) as server,
        http_proxy(tmp_path) as proxy,
    ):
        addresses = [f"https://localhost:{server.port}/{number}" for number in range(20)]
        outcomes = await fetch(addresses, tmp_path / "out", through(proxy, cacert=cacert))
        assert {downloaded(each).sizes.characters for each in outcomes} == {len(PAGE)}
        assert server.connections == 1


async def test_http2_with_prior_knowledge_goes_through_a_tunnel(site: Site, tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, _: str) -> None:
        connection.respond(stream_id, PAGE.encode())

    async with http2_server(answer) as server, pproxy_server("http") as proxy:
        options = through(proxy, http2_prior_knowledge=True)
        outcomes = await fetch([server.url("/")], tmp_path / "out", options)
        assert downloaded(outcomes[0]).sizes.saved == len(PAGE)
        assert proxy.targets


@pytest.mark.parametrize(("scheme", "target"), [("socks5", "127.0.0.1"), ("socks5h", "localhost")])
@pytest.mark.parametrize("credentials", ["", "ada:s3cret"])
async def test_socks_gets_an_address_or_a_name(
    site: Site, tmp_path: Path, scheme: str, target: str, credentials: str
) -> None:
    site.pages = {"/": PAGE}
    cacert = tmp_path / "ca.pem"
    async with (
        http2_gateway(site.server.port or 0, cacert) as server,
        pproxy_server("socks5", credentials=credentials) as proxy,
    ):
        url = proxy.url_with(credentials) if credentials else proxy.url
        outcomes = await fetch(
            [f"http://localhost:{site.server.port}/", f"https://localhost:{server.port}/"],
            tmp_path / "out",
            through(url.replace("socks5:", f"{scheme}:"), cacert=cacert),
        )
        assert [downloaded(each).sizes.characters for each in outcomes] == [len(PAGE)] * 2
        assert set(proxy.targets) == {f"{target}:{site.server.port}", f"{target}:{server.port}"}


async def test_the_connection_to_a_proxy_may_be_encrypted(site: Site, tmp_path: Path) -> None:
    site.pages = {"/": PAGE}
    authority, origin = trustme.CA(), tmp_path / "origin.pem"
    pem = tmp_path / "proxy.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    async with (
        http2_gateway(site.server.port or 0, origin) as server,
        pproxy_server("http", certificate=pem) as proxy,
    ):
        authority.cert_pem.write_to_path(str(origin), append=True)
        outcomes = await fetch(
            [site.url(), f"https://localhost:{server.port}/"],
            tmp_path / "out",
            through(proxy, cacert=origin),
        )
        assert [downloaded(each).sizes.characters for each in outcomes] == [len(PAGE)] * 2
        distrusted = await fetch([site.url()], tmp_path / "other", through(proxy))
        kind, message, hint = failure(distrusted[0])
        assert (kind, hint) == ("tls", "--cacert FILE trusts another authority")
        assert message.startswith(f"cannot connect to the proxy {proxy.url}: the certificate")


async def test_redirects_and_what_pages_need_go_through_the_proxy(
    site: Site, tmp_path: Path, command: Command
) -> None:
    async def moved(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/page"})

    site.pages = {
        "/": moved,
        "/robots.txt": b"User-agent: *\nDisallow:",
        "/page": '<img src="/i.png"><a href="/next">next</a>',
        "/i.png": b"png",
        "/next": PAGE,
    }
    port = site.server.port
    url = f"http://localhost:{port}/"
    # Whatever does not go through the proxy finds nobody.
    unreachable = ("--resolve", f"localhost:{port}:127.0.0.9")
    async with http_proxy(tmp_path) as proxy:
        command.environment |= {"http_proxy": proxy.url, "no_proxy": ""}
        result = await command("-r", "--no-progress", "--processes", "2", *unreachable, url)
    assert result.status == 0, result.err
    paths = {request.path for request in site.requests}
    assert paths >= {"/", "/robots.txt", "/page", "/i.png", "/next"}


async def test_a_partial_file_is_resumed_through_a_proxy(site: Site, tmp_path: Path) -> None:
    body = bytes(range(256)) * 8192
    asked: list[str | None] = []

    async def large(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Range"))
        start = int((asked[-1] or "bytes=0-")[6:].partition("-")[0])
        response = web.StreamResponse(status=206 if start else 200)
        response.headers["ETag"] = '"1"'
        response.content_length = len(body) - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        await response.prepare(request)
        await response.write(body[start:] if start else body[: len(body) - 9999])
        if not start and request.transport is not None:
            request.transport.close()
        return response

    site.pages = {"/large.bin": large}
    async with pproxy_server("http") as proxy:
        outcome = (
            await fetch([site.url("/large.bin")], tmp_path / "out", through(proxy, retries=2))
        )[0]
    assert downloaded(outcome).sizes.saved == len(body)
    assert asked[0] is None
    assert asked[-1] is not None
    assert list(contents(tmp_path / "out").values()) == [body]


async def test_an_archive_has_neither_the_proxy_nor_its_password(
    site: Site, tmp_path: Path, command: Command
) -> None:
    site.pages = {"/a?b": PAGE}
    cacert = tmp_path / "ca.pem"
    async with (
        http2_gateway(site.server.port or 0, cacert) as server,
        http_proxy(tmp_path, credentials="ada:s3cret") as proxy,
    ):
        result = await command(
            *(site.url("/a?b"), f"https://localhost:{server.port}/a?b", "--no-progress"),
            *("--cacert", cacert, "--warc", "a.warc", "--report", "r.jsonl", "--debug"),
            *("-x", proxy.url, "--proxy-user", "ada:s3cret"),
        )
    assert result.status == 0, result.err
    requests = [each for each in read(tmp_path / "a.warc") if each.kind == "request"]
    assert [each.block.split(b"\r\n")[0] for each in requests] == [b"GET /a?b HTTP/1.1"] * 2
    assert not any("WARC-IP-Address" in each.fields for each in read(tmp_path / "a.warc"))
    secrets = [b"s3cret", base64.b64encode(b"ada:s3cret")]
    for file in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert not any(secret in file.read_bytes() for secret in secrets), file
    said = "\n".join([*result.out, *result.err]).encode()
    assert not any(secret in said for secret in secrets)
    assert not any("Proxy-Authorization" in request.headers for request in site.requests)


async def test_the_phases_through_a_tunnel_are_timed(
    site: Site, tmp_path: Path, command: Command
) -> None:
    site.pages = {"/": PAGE}
    cacert = tmp_path / "ca.pem"
    async with (
        http2_gateway(site.server.port or 0, cacert) as server,
        pproxy_server("http") as proxy,
    ):
        await command(
            *(f"https://localhost:{server.port}/", "--cacert", cacert, "--report", "r.jsonl"),
            *("--proxy", proxy.url),
        )
    (record,) = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert record["tls_seconds"] is not None
    assert record["connect_seconds"] is not None


async def test_hosts_of_no_proxy_are_requested_directly(
    site: Site, tmp_path: Path, command: Command
) -> None:
    site.pages = {"/": PAGE}
    unused = "http://127.0.0.1:9"
    command.environment |= {"http_proxy": unused, "NO_PROXY": "localhost,127.0.0.0/8"}
    assert (await command(site.url(), "--no-progress")).status == 0
    assert (await command(site.url(), "--force", "-x", unused)).status == 0
    result = await command(site.url(), "--force", "--noproxy", "", "--retries", "0")
    assert result.status == 1
    assert (await command(site.url(), "--force", "--noproxy", "*", "-x", unused)).status == 0
    assert (await command(site.url(), "--force", "--noproxy", "", "-x", "")).status == 0
    demo = await command("--demo", "--no-save", "-x", unused, "--noproxy", "")
    assert any(" characters, " in line for line in demo.out)


async def test_an_unreachable_proxy_is_one_line_for_each_url(
    site: Site, tmp_path: Path, command: Command
) -> None:
    addresses = [site.url("/"), "https://localhost:9/"]
    result = await command(*addresses, "-x", "http://ada:s3cret@127.0.0.1:9", "--no-progress")
    assert result.status == 1
    assert sorted(result.err) == sorted(
        f"Failed {address}: cannot connect to the proxy http://127.0.0.1:9: connection refused "
        "(connect); see --proxy and http_proxy"
        for address in addresses
    )
    assert not site.requests


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_asks_for_a_password_is_named(
    site: Site, tmp_path: Path, scheme: str
) -> None:
    async with http_proxy(tmp_path, credentials="ada:s3cret") as proxy:
        for url in (proxy.url, proxy.url_with("ada:wrong")):
            outcomes = await fetch([f"{scheme}://localhost:9/"], tmp_path / "out", through(url))
            kind, message, hint = failure(outcomes[0])
            assert (kind, hint) == ("connect", "see --proxy-user")
            assert message == "proxy refused: 407 Proxy Authentication Required"
    assert not saved_files(tmp_path / "out")


HTML = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"
REFUSED = b"\x05\x00"


@pytest.mark.parametrize(
    ("scheme", "answers", "kind", "message"),
    [
        ("http", [HTML % b"403 Forbidden"], "connect", "proxy refused: 403 Forbidden"),
        ("http", [HTML % b"200 OK"], "connect", "answers by itself instead of opening a tunnel"),
        ("http", [b"<html>no proxy"], "connect", "is not HTTP"),
        ("http", [b"HTTP/1.1 \x1b[31m\r\n\r\n"], "connect", "is not HTTP"),
        (
            "http",
            [b"HTTP/1.1 403 \x1b[31mred\r\n\r\n"],
            "connect",
            r"proxy refused: 403 \x1b[31mred",
        ),
        ("http", [b"HTTP/1.1 200 " + b"a" * 70_000], "connect", "is not HTTP"),
        ("http", [b"HTTP/1.1 100 \r\n\r\n" * 20], "connect", "interim answers without end"),
        ("http", [b""], "connect", "closed the connection without a response"),
        ("http", [b"HTTP/1.1 200 OK\r\n\r\n"], "tls", "during the TLS handshake"),
        ("https", [b"HTTP/1.1 200 OK\r\n\r\n"], "tls", "cannot connect to the proxy"),
        ("socks5h", [b"HTTP/1.1 400 Bad Request\r\n\r\n"], "connect", "is not SOCKS5"),
        ("socks5h", [b"\x04\x00"], "connect", "is not SOCKS5"),
        ("socks5h", [b"\x05\xff"], "connect", "proxy refused: it asks for a password"),
        ("socks5h", [b"\x05\x02"], "connect", "is not SOCKS5"),
        ("socks5h", [REFUSED, b"\x05\x05\x00\x01" + bytes(6)], "connect", "connection refused"),
        ("socks5h", [REFUSED, b"\x05\x02\x00\x01" + bytes(6)], "connect", "not allowed"),
        ("socks5h", [REFUSED, b"\x05\x63\x00\x01" + bytes(6)], "connect", "refused: reply 99"),
        ("socks5h", [REFUSED, b"\x05\x00\x00\x09" + bytes(6)], "connect", "is not SOCKS5"),
        ("socks5h", [REFUSED, b"\x05\x00"], "connect", "closed the connection"),
    ],
)
async def test_a_proxy_that_misbehaves_is_one_failure_that_says_so(
    tmp_path: Path, scheme: str, answers: list[bytes], kind: str, message: str
) -> None:
    async with scripted_proxy(scheme, says(*answers)) as proxy:
        outcomes = await fetch(["https://example.invalid/"], tmp_path / "out", through(proxy))
    assert failure(outcomes[0])[0] == kind
    assert message in failure(outcomes[0])[1]
    assert not saved_files(tmp_path / "out")


async def test_a_socks_proxy_that_refuses_the_password_says_so(tmp_path: Path) -> None:
    async with scripted_proxy("socks5h", says(b"\x05\x02", b"\x01\x01")) as proxy:
        options = through(proxy.url_with("ada:wrong"))
        outcomes = await fetch(["https://example.invalid/"], tmp_path / "out", options)
    message = "proxy refused: wrong user name or password"
    assert failure(outcomes[0]) == ("connect", message, "see --proxy-user")


async def test_a_silent_proxy_ends_in_a_timeout_that_names_it(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass

    async with scripted_proxy("socks5h", silent) as proxy:
        options = through(proxy, connect_timeout=0.2)
        outcomes = await fetch(["https://example.invalid/"], tmp_path / "out", options)
    message = f"no connection through the proxy {proxy.url} in time"
    assert failure(outcomes[0]) == ("timeout", message, "see --proxy and --connect-timeout")


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_with_block_private_a_proxy_may_be_private_but_no_target(
    site: Site, tmp_path: Path, scheme: str
) -> None:
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1000))

    async with scripted_proxy(scheme, note) as proxy:
        options = through(proxy, block_private=True)
        addresses = [site.url(), f"http://localhost:{site.server.port}/", "https://127.0.0.1:9/"]
        outcomes = await fetch(addresses, tmp_path / "out", options)
        assert [failure(each)[0] for each in outcomes] == ["blocked"] * 3
        assert (
            failure(outcomes[0])[1]
            == f"{site.folder.replace('_', ':')} is not on the public internet"
        )
        assert not asked
        # An address can be checked here, whoever connects to it.
        await fetch(["http://93.184.216.34/", "https://93.184.216.34/"], tmp_path / "out", options)
        assert asked


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["-x", "htp://ada:s3cret@p"], {}, "Invalid value for '-x' / '--proxy': 'htp://ada:***@p'"),
        (["-x", "socks4://p"], {}, "is no proxy of a known kind"),
        (["--proxy-user", ":"], {}, "Invalid value for '--proxy-user'"),
        (["--proxy-user", "ada"], {"http_proxy": "p"}, "there is no terminal to ask"),
        ([], {"https_proxy": "http://ada:s3cret@p:x"}, "https_proxy: 'http://ada:***@p:x'"),
        ([], {"all_proxy": "nope://p"}, "all_proxy: 'nope://p' is no proxy"),
    ],
)
async def test_a_malformed_proxy_is_a_usage_error(
    command: Command, arguments: list[str], variables: dict[str, str], message: str
) -> None:
    command.environment |= variables
    result = await command("http://127.0.0.1:9/", *arguments)
    assert result.status == 2
    assert message in result.err[-1]
    assert "s3cret" not in "\n".join(result.err)
