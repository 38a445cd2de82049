"""A secret goes to the origin it was given for, and is never printed or kept."""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from downloader import Downloaded, Options, Outcome, download_sites
from downloader.errors import RunError
from downloader.http.cookie_file import read_cookie_file
from downloader.http.credentials import Credentials, RedirectTrail
from downloader.models import Target
from downloader.web.urls import parse
from tests.support.command import Command
from tests.support.fault_server import (
    HTML,
    PAGE,
    Endpoint,
    FaultServer,
    Request,
    fault_server,
    redirect,
    respond,
    save_authority,
    stall,
)

SECRET = "hunter2"
OPTIONS = Options(retries=0, connect_timeout=5, read_timeout=5, timeout=8)
LIMIT = 15


def holds_secret(request: Request) -> bool:
    """Return whether any field of a request tells the secret, in the clear or in Base64."""
    for value in request.headers.values():
        words = [value, *(decoded(word) for word in value.split())]
        if any(SECRET in word for word in words):
            return True
    return False


def decoded(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode("latin-1")
    except ValueError:
        return ""


async def lead_on(request: Request, writer: asyncio.StreamWriter) -> None:
    """Redirect to whatever the query names, or else send a page."""
    _, _, location = request.path.partition("?")
    if location:
        await redirect(writer, location)
    else:
        await respond(writer)


# Redirects


@dataclass(frozen=True)
class Way:
    """One way in which a user gives a secret for an address."""

    target: Callable[[str], Target]
    options: Callable[[Path], Options]


def plain(url: str) -> Target:
    return Target(url=parse(url))


def own_header(name: str, value: str) -> Way:
    return Way(plain, lambda _: replace(OPTIONS, headers=((name, value),)))


def with_netrc(text: str) -> Way:
    def options(folder: Path) -> Options:
        (folder / "netrc").write_text(text)
        return replace(OPTIONS, netrc=True)

    return Way(plain, options)


def with_cookies(text: str) -> Way:
    def options(folder: Path) -> Options:
        (folder / "cookies").write_text(text)
        return replace(OPTIONS, cookies=folder / "cookies")

    return Way(plain, options)


WAYS = {
    "-H with a key": own_header("X-Api-Key", SECRET),
    "-H Authorization": own_header("Authorization", f"Bearer {SECRET}"),
    "-H Cookie": own_header("Cookie", f"session={SECRET}"),
    "-H Referer": own_header("Referer", f"https://example.org/?token={SECRET}"),
    "header= of the line": Way(
        lambda url: Target(url=parse(url), headers=(("X-Api-Key", SECRET),)), lambda _: OPTIONS
    ),
    "user and password": Way(
        lambda url: plain(url.replace("://", f"://me:{SECRET}@")), lambda _: OPTIONS
    ),
    "a password alone": Way(
        lambda url: plain(url.replace("://", f"://:{SECRET}@")), lambda _: OPTIONS
    ),
    "-u": Way(plain, lambda _: replace(OPTIONS, user=("me", SECRET))),
    "--bearer": Way(plain, lambda _: replace(OPTIONS, bearer=SECRET)),
    "netrc's machine": with_netrc(f"machine 127.0.0.1 login me password {SECRET}\n"),
    "netrc's default": with_netrc(f"default login me password {SECRET}\n"),
    "a file of cookies": with_cookies(f"127.0.0.1\tFALSE\t/\tTRUE\t0\tsession\t{SECRET}\n"),
}


@pytest.fixture
def netrc_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


async def requests_of(
    way: Way, tmp_path: Path, crossing: Callable[[FaultServer, FaultServer], str]
) -> list[Request]:
    """Return the requests of a URL over TLS, which a server redirects to another one."""
    save_authority(tmp_path / "authority.pem")
    options = replace(way.options(tmp_path), cacert=tmp_path / "authority.pem")
    async with (
        fault_server(Endpoint.TRUSTED) as here,
        fault_server(Endpoint.TRUSTED) as there,
        asyncio.timeout(LIMIT),
    ):
        here.otherwise = there.otherwise = lead_on
        start = here.url(f"/start?{crossing(here, there)}", Endpoint.TRUSTED)
        (outcome,) = await download_sites([way.target(start)], tmp_path / "folder", options=options)
        assert isinstance(outcome, Downloaded), outcome
    requests = [*here.requests, *there.requests]
    assert [request.path.partition("?")[0] for request in requests] == ["/start", "/end"]
    return requests


CROSSINGS: dict[str, Callable[[FaultServer, FaultServer], str]] = {
    "host": lambda here, _: here.url("/end").replace("127.0.0.1", "localhost"),
    "port": lambda _, there: there.url("/end", Endpoint.TRUSTED),
    "scheme": lambda here, _: here.url("/end"),
}


@pytest.mark.usefixtures("netrc_of_the_test")
@pytest.mark.parametrize("crossing", CROSSINGS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_secret_does_not_follow_a_redirect_to_another_origin(
    way: str, crossing: str, tmp_path: Path
) -> None:
    start, end = await requests_of(WAYS[way], tmp_path, CROSSINGS[crossing])
    assert holds_secret(start)
    # A cookie is for its host, whatever the port; this one is only for TLS.
    assert holds_secret(end) == (way == "a file of cookies" and crossing == "port")


@pytest.mark.usefixtures("netrc_of_the_test")
@pytest.mark.parametrize("way", WAYS)
async def test_a_secret_stays_on_a_redirect_within_its_origin(way: str, tmp_path: Path) -> None:
    start, end = await requests_of(WAYS[way], tmp_path, lambda _here, _there: "/end")
    assert holds_secret(start)
    assert holds_secret(end)


@pytest.mark.usefixtures("netrc_of_the_test")
@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_netrc_names_machines_and_no_wires_or_services(crossing: str, tmp_path: Path) -> None:
    both = "".join(
        f"machine {host} login me password {SECRET}\n" for host in ("127.0.0.1", "localhost")
    )
    start, end = await requests_of(with_netrc(both), tmp_path, CROSSINGS[crossing])
    assert holds_secret(start)
    assert not holds_secret(end)


def test_a_redirect_may_lead_to_a_machine_that_netrc_names_over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text(
        "machine sign-on.test login me password of-it\ndefault login me password of-others\n"
    )
    chain = Credentials(replace(OPTIONS, netrc=True)).chain(
        RedirectTrail(parse("http://data.test/")), ()
    )
    told = {
        url: decoded(chain.headers(parse(url)).get("Authorization", "").removeprefix("Basic "))
        for url in (
            "http://data.test/",
            "https://sign-on.test/",
            "http://sign-on.test/",
            "https://sign-on.test:8443/",
            "https://other.test/",
        )
    }
    assert [word for word in told.values() if word] == ["me:of-others", "me:of-it"]
    assert list(told.values())[:2] == ["me:of-others", "me:of-it"]


HARMLESS = ["Accept", "Accept-Language", "User-Agent", "If-None-Match", "If-Modified-Since"]


@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_what_holds_no_secret_goes_everywhere(crossing: str, tmp_path: Path) -> None:
    fields = tuple((name, f"of {name}") for name in HARMLESS)
    way = Way(plain, lambda _: replace(OPTIONS, headers=fields))
    for request in await requests_of(way, tmp_path, CROSSINGS[crossing]):
        assert {name: request.headers.get(name.lower()) for name in HARMLESS} == dict(fields)


# Cookies that a server sets


async def want_cookie(request: Request, writer: asyncio.StreamWriter) -> None:
    """Redirect in a circle until the cookie comes back, as consent pages do."""
    path, _, away = request.path.partition("?")
    if "seen=yes" in request.headers.get("cookie", ""):
        await respond(writer)
    elif away and path == "/away":
        headers = [("Location", away), ("Set-Cookie", f"seen={SECRET}")]
        await respond(writer, "302 Found", headers, b"")
    else:
        headers = [("Location", request.path), ("Set-Cookie", "seen=yes; Path=/; HttpOnly")]
        await respond(writer, "302 Found", headers, b"")


async def test_a_cookie_that_a_redirect_sets_comes_back_and_ends_the_circle(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = want_cookie
        outcomes = await download_sites(
            [server.url("/one"), server.url("/two")],
            tmp_path,
            options=replace(OPTIONS, concurrency=1),
        )
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes)
    told = [request.headers.get("cookie") for request in server.requests]
    assert told == [None, "seen=yes", "seen=yes"]


async def test_a_cookie_that_a_redirect_sets_is_not_told_to_another_host(tmp_path: Path) -> None:
    async with fault_server() as here, fault_server() as there, asyncio.timeout(LIMIT):
        here.otherwise = there.otherwise = want_cookie
        (outcome,) = await download_sites(
            [here.url(f"/away?{there.url('/page').replace('127.0.0.1', 'localhost')}")],
            tmp_path,
            options=OPTIONS,
        )
    assert isinstance(outcome, Downloaded)
    assert not any(map(holds_secret, there.requests))


# A file of cookies


async def test_the_cookies_of_a_file_follow_from_http_to_https_of_the_host(tmp_path: Path) -> None:
    save_authority(tmp_path / "authority.pem")
    (tmp_path / "cookies").write_text(
        netscape("127.0.0.1", "FALSE", "/", "TRUE", "0", "a", "secure")
        + netscape("127.0.0.1", "FALSE", "/", "FALSE", "0", "b", "any")
    )
    cookies, cacert = tmp_path / "cookies", tmp_path / "authority.pem"
    async with fault_server(Endpoint.TRUSTED) as server, asyncio.timeout(LIMIT):
        server.otherwise = lead_on
        start = server.url(f"/start?{server.url('/end', Endpoint.TRUSTED)}")
        options = replace(OPTIONS, cookies=cookies, cacert=cacert)
        (outcome,) = await download_sites([start], tmp_path / "folder", options=options)
    assert isinstance(outcome, Downloaded)
    told = [request.headers.get("cookie") for request in server.requests]
    assert told == ["b=any", "a=secure; b=any"]


def netscape(*fields: str) -> str:
    return "\t".join(fields) + "\n"


async def test_the_cookies_of_a_file_are_sent_with_those_of_a_redirect(tmp_path: Path) -> None:
    (tmp_path / "cookies").write_text(netscape("127.0.0.1", "FALSE", "/", "FALSE", "0", "a", "b"))
    async with fault_server() as server, asyncio.timeout(LIMIT):
        server.otherwise = want_cookie
        await download_sites(
            [server.url("/one")],
            tmp_path / "folder",
            options=replace(OPTIONS, cookies=tmp_path / "cookies", headers=(("Cookie", "c=d"),)),
        )
    told = [request.headers.get("cookie") for request in server.requests]
    assert told == ["c=d; a=b", "c=d; a=b; seen=yes"]


#: Contents that cannot be understood, each holding something that must not be shown.
BROKEN_COOKIES = {
    "a word": f"{SECRET}\n",
    "too few fields": f"h.test\tTRUE\t/\t{SECRET}\n",
    "spaces for tabs": f"h.test FALSE / FALSE 0 n {SECRET}\n",
    "a bad time": f"h.test\tFALSE\t/\tFALSE\t{SECRET}\tn\tv\n",
    "a bad flag": f"h.test\t{SECRET}\t/\tFALSE\t0\tn\tv\n",
    "a control character": f"h.test\tFALSE\t/\tFALSE\t0\tn\t{SECRET}\x1b[31m\n",
    "no domain": f"\tFALSE\t/\tFALSE\t0\tn\t{SECRET}\n",
    "JSON": f'[{{"name": "n", "value": "{SECRET}"}}]\n',
    "not UTF-8": f"h.test\tFALSE\t/\tFALSE\t0\tn\t{SECRET}\xff\n",
}
BROKEN_NETRC = {
    "a word": f"{SECRET}\n",
    "no word password": f"machine h.test login me {SECRET}\n",
    "a word too many": f"machine h.test login me password x {SECRET}\n",
    "nothing after machine": f"machine h.test login me password {SECRET}\nmachine",
    "not UTF-8": f"machine h.test login me password {SECRET}\xff\n",
}


def assert_one_clear_line(err: str, file: str) -> None:
    assert SECRET not in err
    (line,) = [line for line in err.splitlines() if line.startswith("download: cannot read ")]
    assert file in line


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize("options", [(), ("--debug",)], ids=["plain", "debug"])
@pytest.mark.parametrize("text", BROKEN_COOKIES.values(), ids=BROKEN_COOKIES)
async def test_a_malformed_file_of_cookies_is_refused_without_showing_it(
    text: str, options: tuple[str, ...], command: Command
) -> None:
    (command.folder / "cookies.txt").write_text(text, encoding="latin-1")
    ran = await command(*options, "--cookies", "cookies.txt", "http://127.0.0.1:9/")
    assert (ran.status, ran.out) == (2, [])
    assert_one_clear_line("\n".join(ran.err), "cookies.txt")
    assert options or len(ran.err) == 1


@pytest.mark.slow(keep=3)
@pytest.mark.parametrize("options", [(), ("--debug",)], ids=["plain", "debug"])
@pytest.mark.parametrize("text", BROKEN_NETRC.values(), ids=BROKEN_NETRC)
async def test_a_malformed_netrc_is_refused_without_showing_it(
    text: str, options: tuple[str, ...], command: Command
) -> None:
    netrc = command.folder / ".netrc"
    netrc.write_text(text, encoding="latin-1")
    netrc.chmod(0o600)
    ran = await command(*options, "--netrc", "http://127.0.0.1:9/")
    assert (ran.status, ran.out) == (2, [])
    assert_one_clear_line("\n".join(ran.err), ".netrc")
    assert options or len(ran.err) == 1


@pytest.mark.slow
async def test_a_missing_netrc_or_file_of_cookies_is_one_clear_line(command: Command) -> None:
    ran = await command("--netrc", "http://127.0.0.1:9/")
    assert (ran.status, len(ran.err)) == (2, 1)
    assert re.fullmatch(
        r"download: cannot read .*/\.netrc: No such file .*; see --netrc", ran.err[0]
    )
    ran = await command("--cookies", "none.txt", "http://127.0.0.1:9/")
    assert ran.status == 2
    assert "none.txt" in ran.err[-1]
    with pytest.raises(RunError, match="cannot read cookies from none: No such file"):
        read_cookie_file(Path("none"))


# What is shown and kept


async def tempt(request: Request, writer: asyncio.StreamWriter) -> None:
    """Answer so that as much as possible of the URL and its redirects is told."""
    match request.path:
        case "/to-password":
            host = request.headers["host"]
            await redirect(writer, f"http://you:{SECRET}@{host}/page")
        case "/to-password-of-ftp":
            await redirect(writer, f"ftp://you:{SECRET}@127.0.0.1/")
        case "/to-password-of-nowhere":
            await redirect(writer, f"http://you:{SECRET}@127.0.0.1:99999/")
        case "/stall":
            await stall()
        case "/refuse":
            await respond(writer, "401 Unauthorized", [HTML])
        case "/large":
            await respond(writer, headers=[HTML, ("ETag", '"1"')], body=PAGE * 3000)
        case _:
            await respond(writer)


PATHS = ["/", "/page", "/refuse", "/gone", "/length-more-than-sent", "/large?q=1", "/reset-in-head"]
REDIRECTS = ["/to-password", "/to-password-of-ftp", "/to-password-of-nowhere"]


def secret_url(server: FaultServer, path: str) -> str:
    return server.url(path).replace("://", f"://me:{SECRET}@")


def secret_list(server: FaultServer) -> str:
    url = secret_url(server, "/repeated")
    lines = [secret_url(server, path) for path in PATHS] + [url, url]
    lines += [
        f"http://me:{SECRET}@127.0.0.1:99999/",
        f"http://me:{SECRET}@no such host/",
        f"ftp://me:{SECRET}@127.0.0.1/",
        f"http://me:{SECRET}@a..invalid/",
        f"{secret_url(server, '/with-header')}\n  header=X-Api-Key: {SECRET}",
        f"{secret_url(server, '/with-bad-sum')}\n  checksum={'0' * 64}",
        f"{server.url('/with-bad-header')}\n  header=Authorization Bearer {SECRET}",
    ]
    return "\n".join(lines) + "\n"


def bytes_below(folder: Path) -> bytes:
    """Return every name and every byte below a folder, the journal's log included."""
    return b"\n".join(
        str(path).encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    )


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-v", "--debug")], ids=["plain", "debug"])
async def test_a_password_is_in_no_line_and_in_no_file(
    options: tuple[str, ...], command: Command
) -> None:
    async with fault_server() as server:
        server.otherwise = tempt
        given = ("-", "-o", "folder", "--retries", "0", "-H", f"X-Other: {SECRET}")
        first = await command(*given, *options, stdin=secret_list(server).encode())
        again = await command(*given, *options, stdin=secret_list(server).encode())
        assert any(map(holds_secret, server.requests))
    for ran in (first, again):
        assert ran.status == 1
        assert len([line for line in ran.err if line.startswith("Failed ")]) >= 7
        assert SECRET not in "\n".join(ran.out + ran.err)
        assert base64.b64encode(f"me:{SECRET}".encode()).decode() not in "\n".join(ran.err)
    kept = bytes_below(command.folder / "folder")
    assert b"me@127.0.0.1" in kept, "the journal knows the address"
    assert SECRET.encode() not in kept


async def test_a_password_is_not_in_the_journal_of_a_killed_run(command: Command) -> None:
    async with fault_server() as server:
        server.otherwise = tempt
        given = [secret_url(server, path) for path in ("/page", "/refuse", "/stall")]
        process = await command.start("-o", "folder", "--debug", *given)
        assert process.stdout is not None
        async with asyncio.timeout(LIMIT):
            assert await process.stdout.readline()
        # The journal writes what is done a tenth of a second later.
        await asyncio.sleep(0.2)
        process.kill()
        out, err = await process.communicate()
    kept = bytes_below(command.folder / "folder")
    assert b"-wal\n" in kept
    assert b"me@127.0.0.1" in kept
    assert SECRET.encode() not in kept + out + err


@pytest.mark.parametrize("options", [(), ("-v", "--debug")], ids=["plain", "debug"])
async def test_the_password_of_a_redirect_is_neither_sent_nor_shown(
    options: tuple[str, ...], command: Command
) -> None:
    async with fault_server() as server:
        server.otherwise = tempt
        given = map(server.url, REDIRECTS)
        ran = await command("-o", "folder", *options, *given)
        assert "/page" in server.paths()
        assert not any(map(holds_secret, server.requests))
        assert not any("authorization" in request.headers for request in server.requests)
    assert ran.status == 1
    assert len([line for line in ran.err if "(redirect)" in line]) == 2
    assert SECRET not in "\n".join(ran.out + ran.err)
    assert SECRET.encode() not in bytes_below(command.folder / "folder")


async def test_a_task_is_named_by_its_url_without_the_password(tmp_path: Path) -> None:
    names: list[str] = []

    async def look(_: Request, writer: asyncio.StreamWriter) -> None:
        names.extend(task.get_name() for task in asyncio.all_tasks())
        await respond(writer)

    async with fault_server() as server:
        server.otherwise = look
        outcomes: list[Outcome] = await download_sites(
            [secret_url(server, "/look")], tmp_path, options=OPTIONS
        )
    assert any("me@127.0.0.1" in name for name in names)
    assert SECRET not in f"{names} {outcomes}"


@pytest.mark.parametrize(
    ("password", "sent"),
    [("p%40ss%3Aword", b"p@ss:word"), ("caf%C3%A9", "café".encode()), ("caf%E9", b"caf\xe9")],
)
async def test_a_password_is_sent_as_the_bytes_it_stands_for(
    password: str, sent: bytes, tmp_path: Path
) -> None:
    async with fault_server() as server:
        url = server.url("/page").replace("://", f"://me:{password}@")
        await download_sites([url], tmp_path, options=OPTIONS)
    (request,) = server.requests
    told = request.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(told) == b"me:" + sent
