"""Which addresses are connected to, and from which, as the user chooses."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import aiohttp.resolver
import pytest
from aiohttp import web

from downloader import Downloaded, Failed, HostAddresses, Options
from downloader.errors import ErrorKind, RunError
from tests.support.command import Command
from tests.support.dns_server import dns_server
from tests.support.http2_gateway import http2_gateway
from tests.support.library import fetch
from tests.support.web_server import Site

PAGE = "<p>page"
LIMIT = 30
#: A name that no name server has (RFC 6761, section 6.2).
HOST = "example.test"


def port_of(site: Site) -> int:
    assert site.server.port
    return site.server.port


def resolved(site: Site, *addresses: str) -> Options:
    """Return options by which the host has these addresses."""
    return Options(resolve=(HostAddresses(HOST, port_of(site), addresses),), retries=0)


def url_of(site: Site, path: str = "/") -> str:
    return site.url(path).replace("127.0.0.1", HOST)


# --resolve


@pytest.mark.parametrize("options", [(), ("--processes", "2")], ids=["one", "processes"])
async def test_a_host_is_connected_to_where_the_user_says(
    options: tuple[str, ...], site: Site, command: Command
) -> None:
    async def to_host(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(url_of(site, "/there"))

    site.pages = {"/": PAGE, "/redirect": to_host, "/there": PAGE}
    entry = f"{HOST.upper()}:{port_of(site)}:127.0.0.1"
    ran = await command(
        *options, "--resolve", entry, "--warc", "a.warc", url_of(site), site.url("/redirect")
    )
    assert ran.status == 0, ran.err
    hosts = {request.path: request.host for request in site.requests}
    assert hosts["/"] == hosts["/there"] == f"{HOST}:{port_of(site)}"
    assert b"WARC-IP-Address: 127.0.0.1" in (command.folder / "a.warc").read_bytes()


async def test_each_address_is_tried_and_a_star_stands_for_every_host(
    site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    addresses = f"*:{port_of(site)}:[::1],127.0.0.1"
    ran = await command("--resolve", addresses, "--no-save", url_of(site))
    assert ran.status == 0, ran.err


async def test_another_port_is_looked_up(site: Site, command: Command) -> None:
    ran = await command("--resolve", f"{HOST}:1:127.0.0.1", "--retries", "0", url_of(site))
    assert ran.status == 1
    assert any("cannot resolve" in line for line in ran.err)
    assert not site.requests


async def test_a_certificate_has_to_be_for_the_host_and_not_for_the_address(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": PAGE}
    async with http2_gateway(port_of(site), tmp_path / "ca.pem") as gateway:
        port = int(gateway.url("").rpartition(":")[2])
        options = Options(
            resolve=(
                HostAddresses("localhost", port, ("127.0.0.1",)),
                HostAddresses(HOST, port, ("127.0.0.1",)),
            ),
            cacert=tmp_path / "ca.pem",
            retries=0,
        )
        urls = [f"https://{host}:{port}/" for host in ("localhost", HOST)]
        async with asyncio.timeout(LIMIT):
            right, wrong = await fetch(urls, tmp_path / "out", options)
    assert isinstance(right, Downloaded), right
    assert isinstance(wrong, Failed)
    assert wrong.kind is ErrorKind.TLS


async def test_what_the_user_chooses_is_not_exempt_from_block_private(
    site: Site, command: Command
) -> None:
    entry = f"{HOST}:{port_of(site)}:127.0.0.1"
    ran = await command("--resolve", entry, "--block-private", url_of(site))
    assert ran.status == 1
    assert any("is not on the public internet (blocked)" in line for line in ran.err)
    assert not site.requests


# -4, -6, --interface


@pytest.mark.parametrize(
    ("version", "addresses", "works"),
    [
        (None, ("127.0.0.1",), True),
        (4, ("::1", "127.0.0.1"), True),
        (6, ("::1", "127.0.0.1"), False),
        (6, ("127.0.0.1",), False),
        (6, ("::ffff:127.0.0.1",), True),
    ],
)
async def test_only_addresses_of_one_version_are_used(
    version: int | None, addresses: tuple[str, ...], works: bool, site: Site, tmp_path: Path
) -> None:
    site.pages = {"/": PAGE}
    options = replace(resolved(site, *addresses), ip_version=version)
    (outcome,) = await fetch([url_of(site)], tmp_path, options)
    assert isinstance(outcome, Downloaded if works else Failed), outcome


@pytest.mark.parametrize(
    ("option", "host"), [("-6", "127.0.0.1"), ("-4", "[::1]"), ("--ipv6", "localhost")]
)
async def test_a_host_without_an_address_of_the_version_is_one_clear_line(
    option: str, host: str, site: Site, command: Command
) -> None:
    if option == "--ipv6" and _has_ipv6_name("localhost"):
        pytest.skip("localhost has an address of IPv6 here")
    ran = await command(option, "--retries", "0", site.url().replace("127.0.0.1", host))
    assert ran.status == 1
    (line,) = [line for line in ran.err if line.startswith("Failed")]
    version = "IPv4" if option == "-4" else "IPv6"
    assert f"has no {version} address (dns); --ipv{version[-1]} allows no other" in line


@pytest.mark.parametrize("option", ["-4", "-6"])
async def test_a_host_that_does_not_exist_is_not_said_to_lack_a_version(
    option: str, command: Command
) -> None:
    ran = await command(option, "--retries", "0", "http://nowhere.invalid/")
    assert ran.status == 1
    (line,) = [line for line in ran.err if line.startswith("Failed")]
    assert "cannot resolve nowhere.invalid" in line


async def test_a_name_server_without_an_address_of_the_version_is_understood(
    site: Site, command: Command
) -> None:
    async with dns_server({HOST: "127.0.0.1"}) as server:
        given = ("--dns-servers", server.address, "-6", "--retries", "0")
        ran = await command(*given, url_of(site))
    assert any(f"{HOST}:{port_of(site)} has no IPv6 address (dns)" in line for line in ran.err)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "http://localhost:9"])
async def test_a_proxy_without_an_address_of_the_version_is_one_clear_line(
    proxy: str, command: Command
) -> None:
    if "localhost" in proxy and _has_ipv6_name("localhost"):
        pytest.skip("localhost has an address of IPv6 here")
    ran = await command("-6", "-x", proxy, "--retries", "0", "http://example.test/")
    assert any(f"the proxy {proxy} has no IPv6 address (connect)" in line for line in ran.err)


def _has_ipv6_name(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host, 80, socket.AF_INET6, flags=socket.AI_ADDRCONFIG))
    except OSError:
        return False


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo"])
async def test_connections_start_from_the_interface(
    interface: str, site: Site, command: Command
) -> None:
    site.pages = {"/": PAGE}
    ran = await command("-4", "--interface", interface, "--no-save", site.url())
    assert ran.status == 0, ran.err
    assert [request.remote for request in site.requests] == ["127.0.0.1"]


async def test_connections_start_from_an_address_of_several(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    ran = await command("--interface", "127.0.0.9", "--no-save", site.url())
    if any("cannot use the address" in line for line in ran.err):
        pytest.skip("this system has one loopback address")
    assert [request.remote for request in site.requests] == ["127.0.0.9"]


async def test_an_address_to_start_from_decides_the_version(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    given = ("--interface", "127.0.0.1", "--retries", "0", "--no-save")
    both = f"{HOST}:{port_of(site)}:[::1],127.0.0.1"
    ran = await command(*given, "--resolve", both, url_of(site))
    assert ran.status == 0, ran.err
    for url in ("http://[::1]:9/", url_of(site)):
        ran = await command(*given, "--resolve", f"{HOST}:{port_of(site)}:[::1]", url)
        (line,) = [line for line in ran.err if line.startswith("Failed")]
        assert "has no IPv4 address (dns); --interface 127.0.0.1 allows no other" in line


# --dns-servers


async def test_the_name_servers_that_are_named_are_asked(site: Site, command: Command) -> None:
    site.pages = {"/": PAGE}
    async with dns_server({HOST: "127.0.0.1"}) as server:
        ran = await command("--dns-servers", server.address, "--no-save", url_of(site))
        assert ran.status == 0, ran.err
        unknown = url_of(site).replace(HOST, "unknown.test")
        failed = await command("--dns-servers", server.address, "--no-save", unknown)
    assert set(server.questions) >= {HOST, "unknown.test"}
    assert any("cannot resolve unknown.test" in line for line in failed.err)


async def test_a_name_server_that_fails_is_asked_again(site: Site, tmp_path: Path) -> None:
    async with dns_server({HOST: "127.0.0.1"}) as server:
        server.fails = True
        options = Options(dns_servers=(server.address,), retries=1, connect_timeout=5)
        async with asyncio.timeout(LIMIT):
            (outcome,) = await fetch([url_of(site)], tmp_path, options)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.DNS, 2)


async def test_without_aiodns_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp.resolver, "aiodns", None)
    with pytest.raises(RunError, match="needs aiodns") as caught:
        await fetch(["http://example.test/"], tmp_path, Options(dns_servers=("127.0.0.1",)))
    assert "download-sites[dns]" in str(caught.value.hint)


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resolve", "example.test:127.0.0.1"), "is not HOST:PORT:ADDRESS"),
        (("--resolve", "example.test:99999:127.0.0.1"), "is not HOST:PORT:ADDRESS"),
        (("--resolve", "example.test:80:localhost"), "'localhost' is not an IP address"),
        (("--resolve", "example.test:80:127.0.0.1,"), "'' is not an IP address"),
        (("--resolve", "no host:80:127.0.0.1"), "'no host' is not the name of a host"),
        (("--resolve", "127.1:80:127.0.0.1"), "127.0.0.1 is an address"),
        (("-4", "-6"), "--ipv4 and --ipv6 cannot be combined"),
        (("--interface", "none0"), "cannot use the network interface none0: there is none"),
        (("--interface", "192.0.2.1"), "cannot use the address 192.0.2.1"),
        (("-6", "--interface", "127.0.0.1"), "--ipv6 and --interface exclude each other"),
        (("--interface", ""), "'' is not the name of an interface"),
        (("--dns-servers", "dns.example"), "'dns.example' is not the address of a name server"),
        (("--dns-servers", "9.9.9.9,"), "'' is not the address of a name server"),
        (("--dns-servers", "9.9.9.9:0"), "'9.9.9.9:0' is not the address"),
        (("--dns-servers", "[::1]:70000"), "'[::1]:70000' is not the address"),
    ],
)
async def test_what_is_no_address_is_a_usage_error(
    options: tuple[str, ...], message: str, command: Command
) -> None:
    ran = await command(*options, "http://127.0.0.1:9/")
    assert ran.status == 2
    assert message in ran.err[-1]


@pytest.mark.parametrize("servers", ["9.9.9.9", "[::1]:53,127.0.0.1:5353", "2620:fe::fe"])
async def test_name_servers_of_both_versions_may_have_a_port(
    servers: str, command: Command
) -> None:
    # A literal is not looked up.
    ran = await command("--dns-servers", servers, "--retries", "0", "http://127.0.0.1:9/")
    assert ran.status == 1, ran.err


def test_the_library_refuses_other_versions() -> None:
    with pytest.raises(ValueError, match="ip_version must be 4 or 6"):
        Options(ip_version=5)
