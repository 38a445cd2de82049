"""The cookies of a run: which requests send what servers have set, and what users gave."""

import asyncio
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from warcio.archiveiterator import ArchiveIterator

from downloader import Downloaded, Failed, Options
from downloader.models import HostAddresses
from tests.support.command import Command, finished, limited
from tests.support.cookies import run_tool, sets, wants
from tests.support.fault_server import (
    HTML,
    FaultServer,
    Request,
    fault_server,
    respond,
)
from tests.support.files import contents, saved_files
from tests.support.firefox import run_firefox, write_profiles
from tests.support.handlers import in_turn, sends
from tests.support.http2_gateway import http2_gateway
from tests.support.library import fetch
from tests.support.many_hosts import ManyHosts
from tests.support.marks import linux_only
from tests.support.web_server import Handler, Site

OPTIONS = Options(retries=0, connect_timeout=5, read_timeout=5, timeout=20)
GIF = sends(b"GIF89a", {"Content-Type": "image/gif"})
SECRET = "hunter2"


def session_site(session: str = "s=1; Path=/; HttpOnly") -> dict[str, object]:
    """Return pages of which all but the first are only for visitors of the first."""
    page = "<img src=/a.gif><a href=/next.html>next</a>"
    return {
        "/": sets(session, body=page),
        "/a.gif": wants(session.partition(";")[0], GIF),
        "/next.html": wants(session.partition(";")[0], sets(body="the next page")),
    }


def cookies_by_path(site: Site) -> dict[str, str | None]:
    return {request.path: request.headers.get("Cookie") for request in site.requests}


# In a run


async def test_a_site_is_mirrored_whose_first_page_sets_the_cookie_for_the_rest(
    site: Site, tmp_path: Path
) -> None:
    site.pages = session_site()  # type: ignore[assignment]
    outcomes = await fetch([site.url()], tmp_path, Options(level=1))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    assert cookies_by_path(site) == {
        "/": None,
        "/robots.txt": "s=1",
        "/a.gif": "s=1",
        "/next.html": "s=1",
        "/favicon.ico": "s=1",
    }


async def test_a_site_is_mirrored_over_http2_whose_first_page_sets_the_cookie(
    site: Site, tmp_path: Path
) -> None:
    site.pages = session_site("s=1; Path=/; Secure")  # type: ignore[assignment]
    cacert = tmp_path / "authority.pem"
    async with http2_gateway(site.server.port or 0, cacert) as server:
        options = Options(level=1, cacert=cacert)
        outcomes = await fetch([server.url("/")], tmp_path / "out", options)
    assert [getattr(outcome, "http_version", None) for outcome in outcomes] == ["2", "2", "2"]


async def test_without_cookies_none_is_sent(site: Site, tmp_path: Path) -> None:
    site.pages = session_site()  # type: ignore[assignment]
    outcomes = await fetch([site.url()], tmp_path, Options(level=1, accept_cookies=False))
    assert sum(isinstance(outcome, Failed) for outcome in outcomes) == 2
    assert set(cookies_by_path(site).values()) == {None}


@pytest.mark.parametrize("status", [200, 204, 302, 404, 500])
async def test_a_response_of_any_status_sets_cookies(
    status: int, site: Site, tmp_path: Path
) -> None:
    site.pages = {
        "/first": sets("a=1; Path=/", status=status, location="/moved" if status == 302 else ""),
        "/moved": "moved",
        "/second": "second",
    }
    options = replace(OPTIONS, concurrency=1)
    await fetch([site.url("/first"), site.url("/second")], tmp_path, options)
    assert cookies_by_path(site)["/second"] == "a=1"


async def test_the_requests_of_a_retry_and_of_a_resumption_have_the_cookies(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {
        "/": in_turn(
            sets("a=1", status=503), sets("a=2; Path=/", status=503), sets("b=3", body="whole")
        )
    }
    await fetch([site.url()], tmp_path, replace(OPTIONS, retries=2))
    assert [request.headers.get("Cookie") for request in site.requests] == [None, "a=1", "a=2"]


async def test_pages_that_need_each_other_through_redirects_with_cookies_are_mirrored(
    site: Site, tmp_path: Path
) -> None:
    """Consent pages redirect to themselves until the cookie comes back."""
    site.pages = {
        "/": "<a href=/a.html>a</a>",
        "/a.html": in_turn(
            sets("seen=1; Path=/", status=302, location="/consent"), sets(body="the page")
        ),
        "/consent": sets(status=302, location="/a.html"),
    }
    outcomes = await fetch([site.url()], tmp_path, Options(level=1, robots=False))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    assert saved_files(tmp_path) >= {f"{site.folder}.html", f"{site.folder}/a.html"}


async def test_a_consent_page_that_several_pages_are_redirected_to_at_once_loses_none(
    site: Site, tmp_path: Path
) -> None:
    """A page may be redirected without the cookie that another one has been given meanwhile."""
    names = [f"/{number}.html" for number in range(6)]
    everyone_waits = asyncio.Barrier(len(names))

    def page(name: str) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Cookie"):
                return await sets(body=name)(request)
            await everyone_waits.wait()
            return await sets("seen=1; Path=/", status=302, location=f"/consent?{name}")(request)

        return answer

    site.pages = {"/": "".join(f"<a href={name}>a</a>" for name in names)}
    for name in names:
        site.pages[name] = page(name)
        site.pages[f"/consent?{name}"] = sets(status=302, location=name)
    outcomes = await fetch([site.url()], tmp_path, Options(level=1, robots=False))
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes), outcomes
    assert saved_files(tmp_path) >= {f"{site.folder}{name}" for name in names}


async def test_a_cookie_of_the_users_header_goes_before_one_of_the_server(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {"/1": sets("a=server; Path=/", "b=server; Path=/"), "/2": "2"}
    options = replace(OPTIONS, concurrency=1, headers=(("Cookie", "x=1; a=mine"),))
    await fetch([site.url("/1"), site.url("/2")], tmp_path, options)
    assert cookies_by_path(site) == {"/1": "x=1; a=mine", "/2": "x=1; a=mine; b=server"}


@asynccontextmanager
async def hosts_of_one_server() -> AsyncIterator[tuple[FaultServer, Options]]:
    """Run a server that is every host; redirects lead to what the query names, and so on."""
    async with fault_server() as server, asyncio.timeout(30):
        port = int(server.url("").rpartition(":")[2])
        yield server, replace(OPTIONS, resolve=(HostAddresses("*", port, ("127.0.0.1",)),))


async def test_cookies_stay_with_their_hosts_and_domains(tmp_path: Path) -> None:
    async with hosts_of_one_server() as (server, options):

        def url(host: str, path: str) -> str:
            return server.url(path).replace("127.0.0.1", host)

        chain = [
            url("www.shop.co.uk", "/1"),
            url("shop.co.uk", "/2"),
            url("other.co.uk", "/3"),
            url("a.www.shop.co.uk", "/4"),
            url("www.shop.co.uk", "/5"),
        ]
        own = [
            ("Set-Cookie", "host=1"),
            ("Set-Cookie", "domain=2; Domain=shop.co.uk"),
            ("Set-Cookie", "suffix=3; Domain=co.uk"),
            ("Set-Cookie", "others=4; Domain=other.co.uk"),
        ]

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            number = int(request.path[1:])
            location = [("Location", chain[number])] if number < len(chain) else []
            status = "302 Found" if location else "200 OK"
            await respond(writer, status, [HTML, *location, *(own if number == 1 else [])])

        server.otherwise = answer
        (outcome,) = await fetch([chain[0]], tmp_path, options)
    assert isinstance(outcome, Downloaded), outcome
    told = [request.headers.get("cookie") for request in server.requests]
    assert told == [None, "domain=2", None, "domain=2", "host=1; domain=2"]


async def test_cookies_of_the_user_are_not_sent_to_hosts_that_a_page_leads_to(
    tmp_path: Path,
) -> None:
    lines = ["bank.test", "pics.bank.test", "elsewhere.test"]
    text = "".join(f"{host}\tFALSE\t/\tFALSE\t0\thost\t{SECRET}\n" for host in lines)
    (tmp_path / "cookies").write_text(f"{text}.bank.test\tTRUE\t/\tFALSE\t0\tdomain\t{SECRET}\n")

    async with hosts_of_one_server() as (server, options):
        hosts = ["bank.test", "pics.bank.test", "elsewhere.test"]
        links = [server.url(f"/{host}.gif").replace("127.0.0.1", host) for host in hosts]

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            page = "".join(f"<img src={link}>" for link in links)
            await respond(writer, body=page.encode())

        server.otherwise = answer
        start = server.url("/").replace("127.0.0.1", "bank.test")
        options = replace(options, mirror=True, cookies=tmp_path / "cookies")
        await fetch([start], tmp_path / "out", options)
    told = {request.path: request.headers.get("cookie") for request in server.requests}
    assert told.pop("/favicon.ico") == told["/"]
    assert told == {
        "/": f"host={SECRET}; domain={SECRET}",
        "/bank.test.gif": f"host={SECRET}; domain={SECRET}",
        # The domain's cookie belongs to the user's host and to this one.
        "/pics.bank.test.gif": f"domain={SECRET}",
        "/elsewhere.test.gif": None,
    }


# Between processes


@linux_only
async def test_processes_share_their_cookies(many_hosts: ManyHosts, command: Command) -> None:
    """Hosts of one domain belong to several processes, as do the ports of a host."""
    many_hosts.pages = {
        "/set": sets("a=1; Path=/; Max-Age=600", "gone=1; Path=/", status=302, location="/end"),
        "/end": sets("gone=; Path=/; Max-Age=0"),
    }
    urls = [many_hosts.url(host, "/set") for host in (1, 2, 3, 4)]
    ran = await command(*urls, "--processes", "2", "--save-cookies", "jar", "--retries", "0")
    assert (ran.status, ran.err) == (0, [])
    lines = sorted((command.folder / "jar").read_text().splitlines()[3:])
    assert [line.split("\t")[0] for line in lines] == [f"127.0.0.{host}" for host in (1, 2, 3, 4)]
    assert {line.split("\t")[5] for line in lines} == {"a"}


@linux_only
async def test_a_domain_that_two_processes_fetch_from_has_one_session(
    site: Site, command: Command
) -> None:
    """Each name is a host of its own, so that redirects lead from process to process."""
    hosts = [f"h{number}.shop.test" for number in range(8)]
    port = site.server.port
    for number, _ in enumerate(hosts):
        location = f"http://{hosts[number + 1]}:{port}/{number + 1}" if number < 7 else ""
        answer = sets(
            f"c{number}=1; Domain=shop.test; Path=/",
            status=302 if location else 200,
            location=location,
        )
        site.pages[f"/{number}"] = answer
    ran = await command(
        *(f"http://{hosts[0]}:{port}/0", "--processes", "3", "--resolve", f"*:{port}:127.0.0.1")
    )
    assert (ran.status, ran.err) == (0, [])
    last = site.requests[-1].headers["Cookie"]
    assert last == "; ".join(f"c{number}=1" for number in range(7))


# Files


async def test_the_command_saves_cookies_and_reads_them_again(site: Site, command: Command) -> None:
    site.pages = session_site("s=1; Path=/; HttpOnly; Secure")  # type: ignore[assignment]
    site.pages |= {"/set": sets("s=1; Path=/; HttpOnly", "t=2; Max-Age=9000; Path=/x")}
    (command.folder / "real").write_text("old")
    (command.folder / "jar").symlink_to("real")
    ran = await command(site.url("/set"), "--save-cookies", "jar")
    assert (ran.status, ran.err) == (0, [])
    jar = command.folder / "jar"
    assert jar.is_symlink()
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    assert jar.read_text().startswith("# Netscape HTTP Cookie File\n")
    ran = await command(site.url("/a.gif"), "--cookies", "jar", "--save-cookies", "again")
    assert (ran.status, ran.err) == (0, [])
    assert (command.folder / "again").read_text() == jar.read_text()
    # Nothing else is left, and nothing tells of the cookies.
    left = {file for file in saved_files(command.folder) if "downloaded_sites" not in file}
    assert left == {"real", "jar", "again"}


async def test_runs_that_share_a_file_of_cookies_keep_their_session(
    site: Site, command: Command
) -> None:
    site.pages = {"/": in_turn(sets("a=1", "b=1"), sets("a=2"), sets("b=; Max-Age=0"), sends())}
    shared = ("--cookies", "jar", "--save-cookies", "jar", "--no-save")
    for _ in range(4):
        ran = await command(site.url(), *shared)
        assert (ran.status, ran.err) == (0, [])
    sent = [request.headers.get("Cookie") for request in site.requests]
    assert sent == [None, "a=1; b=1", "b=1; a=2", "a=2"]


async def test_a_form_logs_in_for_a_mirror(site: Site, command: Command) -> None:
    async def log_in(request: web.Request) -> web.StreamResponse:
        right = await request.text() == f"user=me&password={SECRET}"
        return await sets(*["s=1; Path=/"] * right, status=303, location="/start")(request)

    site.pages = {
        "/login": log_in,
        "/start": wants("s=1", sets(body="<img src=/a.gif>")),
        "/a.gif": wants("s=1", GIF),
    }
    (command.folder / "form").write_text(f"user=me&password={SECRET}\n")
    form = ("--data", "@form", "--no-save")
    ran = await command(site.url("/login"), *form, "--save-cookies", "jar")
    assert (ran.status, ran.err) == (0, [])
    assert [request.method for request in site.requests] == ["POST", "GET"]
    ran = await command(site.url("/start"), "-m", "--cookies", "jar")
    assert (ran.status, ran.err) == (0, [])
    assert f"downloaded_sites/{site.folder}/a.gif" in saved_files(command.folder)


@linux_only
async def test_the_command_sends_the_cookies_of_firefox(site: Site, command: Command) -> None:
    site.pages = {"/": "page"}
    root = command.folder / ".mozilla/firefox"
    write_profiles(root, "[Profile0]\nName=default\nPath=p.default\n")
    rows = [("", name, SECRET, name, "/", 2**31, 0) for name in ("127.0.0.1", "elsewhere.test")]
    with closing(run_firefox(root / "p.default", rows)):
        for arguments in ((), ("--processes", "2")):
            ran = await command(
                site.url(), "--force", "--cookies-from-browser", "firefox", *arguments
            )
            assert (ran.status, ran.err) == (0, [])
            assert site.requests[-1].headers["Cookie"] == f"127.0.0.1={SECRET}"
        ran = await command(site.url(), "--cookies-from-browser", "firefox:work")
    assert ran.status == 2
    assert ran.err == [
        "download: Firefox has no profile work; it has default; see --cookies-from-browser"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--save-cookies", "none/jar"),
            "cannot write cookies to none/jar: there is no such folder",
        ),
        (("--save-cookies", "."), "--save-cookies"),
        (("--save-cookies", "jar", "--no-cookies"), "--save-cookies and --no-cookies cannot"),
        (("--cookies", "none", "--save-cookies", "jar"), "--cookies: there is no file none"),
        (("--cookies", "in", "--no-cookies"), "--cookies and --no-cookies cannot be combined"),
        (("--cookies-from-browser", "firefox", "--no-cookies"), "--cookies-from-browser and --no"),
        (("--cookies-from-browser", "chrome"), "export a file for --cookies"),
        (("--cookies-from-browser", "firefox:"), "firefox[:PROFILE]"),
        (("--save-cookies", "jar", "--engine", "dask"), "cannot write one file of cookies"),
    ],
)
async def test_what_cannot_be_done_is_one_line_before_any_request(
    arguments: tuple[str, ...], words: str, site: Site, command: Command
) -> None:
    (command.folder / "in").write_text("")
    ran = await command(site.url(), *arguments)
    assert (ran.status, ran.out, site.requests) == (2, [], [])
    assert words in ran.err[-1]


async def test_a_file_of_cookies_is_left_as_it_was_if_the_disk_is_full(
    site: Site, command: Command
) -> None:
    site.pages = {"/": sets(*(f"c{number}={'x' * 3000}" for number in range(60)))}
    (command.folder / "jar").write_text("old")
    size = "r.setrlimit(r.RLIMIT_FSIZE, (102400, 102400))"
    ran = await limited(command, size, site.url(), "--no-save", "--save-cookies", "jar")
    assert ran.status == 3
    # Coverage, which cannot write its own file either, says more.
    assert any(line.startswith("download: cannot write cookies to ") for line in ran.err)
    assert (command.folder / "jar").read_text() == "old"
    assert saved_files(command.folder) == {"jar"}


async def test_cookies_are_in_no_file_but_the_one_that_was_asked_for(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/": sets(f"s={SECRET}; Path=/", body="<img src=/a.gif>"),
        "/a.gif": wants(f"s={SECRET}", GIF),
        "/no": wants("never=1", GIF),
    }
    reports = [part for name in ("r.jsonl", "r.html", "r.csv") for part in ("--report", name)]
    urls = (site.url(), site.url("/no"))
    ran = await command(*urls, "-m", "-v", "--debug", "--save-cookies", "jar", *reports)
    assert ran.status == 1
    assert SECRET not in "\n".join([*ran.out, *ran.err])
    holding = {name for name, data in contents(command.folder).items() if SECRET.encode() in data}
    assert holding == {"jar"}


async def test_cookies_are_saved_when_the_run_is_interrupted(site: Site, command: Command) -> None:
    site.pages = {"/": sets("a=1"), "/stall": sends(b"x", stall=True)}
    process = await command.start(
        *(site.url(), site.url("/stall"), "-j", "1", "--no-save", "--save-cookies", "jar")
    )
    await site.asked(2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    ran = await finished(process)
    assert ran.status == 130
    assert (command.folder / "jar").read_text().endswith("\ta\t1\n")


async def test_an_archive_has_the_cookies_that_were_sent_and_set(
    site: Site, command: Command
) -> None:
    site.pages = session_site()  # type: ignore[assignment]
    ran = await command(site.url(), "-r", "--warc", "a.warc.gz", "-o", "live")
    assert (ran.status, ran.err) == (0, [])
    requests, responses = heads(command.folder / "a.warc.gz")
    assert {path for path, head in requests.items() if "Cookie: s=1\r\n" in head} == {
        *("/robots.txt", "/a.gif", "/next.html", "/favicon.ico")
    } & set(requests)
    assert [path for path, head in responses.items() if "Set-Cookie: s=1" in head] == ["/"]
    ran = await command("a.warc.gz", "-o", "unpacked")
    assert (command.folder / "unpacked" / site.folder / "a.gif").read_bytes() == b"GIF89a"


def heads(archive: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the heads of the requests and responses in an archive, by path."""
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    with archive.open("rb") as file:
        for record in ArchiveIterator(file, no_record_parse=True):
            kind = record.rec_type
            if kind in ("request", "response"):
                data = record.content_stream().read().decode("latin-1")
                uri = record.rec_headers.get_header("WARC-Target-URI")
                path = "/" + uri.split("/", 3)[3]
                found[kind == "response"][path] = data.partition("\r\n\r\n")[0] + "\r\n"
    return found


# As other programs do

#: Set-Cookie fields that every program has to treat alike.
FIELDS = [
    "a=b",
    "a=b; Path=/",
    "a=b; Path=/basket",
    "a=b; Path=/basket/",
    "a=b; Path=/bask",
    "a=b; Path=/other",
    "a=b; path = /basket",
    "a=b; Path=",
    "a=b; Path=basket",
    "a=b; Domain=www.shop.test",
    "a=b; Domain=.www.shop.test; Path=/",
    "a=b; Domain=shop.test; Path=/",
    "a=b; Domain=.SHOP.test; Path=/",
    "a=b; Domain=test",
    "a=b; Domain=other.test",
    "a=b; Domain=a.www.shop.test",
    "a=b; Domain=op.test",
    "a=b; Domain=; Path=/",
    "a=b; Secure; Path=/",
    "a=b; HttpOnly; SameSite=None",
    "a=b; Max-Age=60",
    "a=b; Max-Age=0",
    "a=b; Max-Age=-1",
    "a=b; Max-Age=99999999999999999999",
    "a=b; Expires=Wed, 09 Jun 2100 10:18:14 GMT",
    "a=b; Expires=Wed, 09 Jun 2021 10:18:14 GMT",
    "a=b; expires=Wednesday, 09-Jun-2100 10:18:14 GMT",
    "a=b; Expires=Wed Jun  9 10:18:14 2100",
    "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Expires=nonsense",
    "a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "a=b; Max-Age=0; Expires=Wed, 09 Jun 2100 10:18:14 GMT",
    "a=b; Secure; Domain=shop.test",
    "__Secure-a=b",
    "__Host-a=b; Path=/",
    "a=",
    "a=b=c",
    "a = b c ",
    'a="b; c"',
    'a="b, c"',
    "a=b, c=d",
    "a=b;c=d",
    "a=ü",
    "a=ü".encode().decode("latin-1"),
    "=b",
    "a=b\tc",
    "a=b; Domain=shop.test; Domain=other.test",
    "a=b; Path=/other; Path=/",
    f"a={'b' * 4000}",
    f"a={'b' * 5000}",
    "a=b\x01",
]
#: curl takes a path that is none for ``/``, drops the slash at the end of a path, and sends back
#: bytes that are not UTF-8.
AS_CURL_DOES_NOT = {"a=b; Path=", "a=b; Path=basket", "a=b; Path=/basket/", "a=ü"}
#: The requests after the one that is answered with the field.
PROBES = [
    ("www.shop.test", "/basket/list"),
    ("www.shop.test", "/basket"),
    ("www.shop.test", "/basketry"),
    ("www.shop.test", "/"),
    ("shop.test", "/basket/list"),
    ("a.www.shop.test", "/basket/list"),
    ("other.test", "/basket/list"),
]


async def test_cookies_are_sent_as_curl_sends_them(tmp_path: Path) -> None:
    async with hosts_of_one_server() as (server, options):
        port = int(server.url("").rpartition(":")[2])

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            """Set a cookie, and redirect from one probe to the next."""
            number, probe = map(int, request.path.partition("?")[2].split("-"))
            if probe == len(PROBES):
                await respond(writer)
                return
            host, path = PROBES[probe]
            headers = [("Location", f"http://{host}:{port}{path}?{number}-{probe + 1}")]
            if not probe:
                headers.append(("Set-Cookie", FIELDS[number]))
            await respond(writer, "302 Found", headers, b"")

        server.otherwise = answer
        told: list[list[list[str | None]]] = []
        for number in range(len(FIELDS)):
            start = f"http://www.shop.test:{port}/basket/set?{number}-0"
            both = []
            for ours in (True, False):
                before = len(server.requests)
                if ours:
                    await fetch([start], tmp_path / f"{number}", options)
                else:
                    resolve = ("--resolve", f"*:{port}:127.0.0.1")
                    await run_tool("curl", "-L", "-b", "", *resolve, start)
                requests = server.requests[before:]
                assert len(requests) == len(PROBES) + 1
                both.append([request.headers.get("cookie") for request in requests])
            told.append(both)
    differing = {
        field: both for field, both in zip(FIELDS, told, strict=True) if both[0] != both[1]
    }
    assert set(differing) == AS_CURL_DOES_NOT


@pytest.mark.parametrize("tool", ["curl", "wget"])
async def test_curl_and_wget_read_the_file_that_is_saved(
    tool: str, site: Site, command: Command
) -> None:
    site.pages = {
        "/set": sets("a=1; Path=/; HttpOnly", "b=2; Path=/x", "c=3; Max-Age=900", 'd="4, 5"'),
        "/x/y": "y",
    }
    await command(site.url("/set"), "--save-cookies", "jar")
    jar = str(command.folder / "jar")
    await run_tool(
        tool, *{"curl": ("-b", jar), "wget": ("--load-cookies", jar)}[tool], site.url("/x/y")
    )
    cookies = site.requests[-1].headers["Cookie"]
    assert sorted(cookies.replace("4, 5", "45").split("; ")) == ["a=1", "b=2", "c=3", 'd="45"']


@pytest.mark.parametrize("tool", ["curl", "wget"])
async def test_a_file_of_curl_and_wget_is_read(tool: str, site: Site, command: Command) -> None:
    site.pages = {
        "/x/set": sets("a=1; Path=/; HttpOnly", "b=2; Path=/x", "c=3; Max-Age=900; Path=/x/"),
        "/x/y": "y",
    }
    jar = str(command.folder / "jar")
    arguments = {
        "curl": ("-c", jar),
        "wget": ("--save-cookies", jar, "--keep-session-cookies"),
    }[tool]
    await run_tool(tool, *arguments, site.url("/x/set"))
    ran = await command(site.url("/x/y"), "--cookies", "jar")
    assert (ran.status, ran.err) == (0, [])
    assert site.requests[-1].headers["Cookie"] == "c=3; b=2; a=1"
