"""What requests consist of: methods, bodies, and the codings that they ask for."""

import asyncio
import csv
import io
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from downloader import ErrorKind, Failed, Options, Request, Target
from downloader.web import urls
from tests.support.archives import answers, read
from tests.support.command import Command
from tests.support.files import contents
from tests.support.handlers import sends
from tests.support.http2_gateway import http2_gateway
from tests.support.http2_runs import IMPATIENT, OPTIONS, PAGE, page, saved
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import downloaded, fetch
from tests.support.many_hosts import ManyHosts
from tests.support.proxies import http_proxy, says, scripted_proxy
from tests.support.recording_server import recording_server
from tests.support.web_server import Site


def echo(site: Site, *paths: str) -> None:
    """Answer requests for *paths* with their methods, bodies and headers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        own = " ".join(str(request.headers.get(name)) for name in ("X-A", "X-B"))
        body = (await request.read()).decode("latin-1")
        return web.Response(text=f"{request.method} {body} {own}")

    site.pages.update(dict.fromkeys(paths, answer))


def post(url: str, body: bytes = b"a=1", method: str = "POST") -> Target:
    """Return a target with a body."""
    return Target(url=urls.parse(url), request=Request(method, body))


async def test_without_compression_a_server_is_asked_for_identity(
    site: Site, command: Command
) -> None:
    site.pages["/"] = sends(b"page")
    for option in ("--compressed", "--no-compressed"):
        assert (await command(site.url("/"), option, "--force")).status == 0
    compressed, uncompressed = (request.headers["Accept-Encoding"] for request in site.requests)
    assert "gzip" in compressed
    assert uncompressed == "identity"


async def test_a_random_wait_without_a_delay_is_a_usage_error(site: Site, command: Command) -> None:
    finished = await command(site.url("/"), "--random-wait")
    assert finished.status == 2
    assert "--random-wait needs --delay" in finished.err[-1]


# --- bodies by options ----------------------------------------------------------------------------


async def test_data_is_sent_as_a_form_and_files_without_their_line_ends(command: Command) -> None:
    (command.folder / "form").write_bytes(b"b=2\r\n&c=3\n\0")
    async with recording_server() as server:
        ran = await command(server.url("/"), "--data", "a=\u00e9\n", "--data", "@form")
    assert ran.status == 0, ran.err
    (request,) = server.requests
    assert request.line == "POST / HTTP/1.1"
    assert request.body == b"a=\xc3\xa9\n&b=2&c=3"
    assert request.fields["content-type"] == "application/x-www-form-urlencoded"


async def test_binary_data_is_sent_unchanged_with_the_type_that_a_header_gives(
    command: Command,
) -> None:
    body = bytes(range(256)) * 4096
    (command.folder / "data").write_bytes(body)
    async with recording_server() as server:
        ran = await command(
            *(server.url("/"), "--data-binary", "@data", "--method", "PATCH"),
            *("-H", "Content-Type: application/octet-stream", "-H", "Content-Length: 3"),
        )
    assert ran.status == 0, ran.err
    (request,) = server.requests
    assert request.line == "PATCH / HTTP/1.1"
    assert request.body == body
    assert request.fields["content-type"] == "application/octet-stream"


async def test_a_body_comes_from_standard_input(command: Command) -> None:
    async with recording_server() as server:
        await command(server.url("/"), "--data-binary", "@-", stdin=b"a\nb")
    assert server.requests[0].body == b"a\nb"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "post"], "'post' is not a method of HTTP; write POST"),
        (["--method", "A B"], "'A B' is not a method of HTTP"),
        (["--method", "CONNECT"], "CONNECT opens a tunnel"),
        (["--method", "HEAD"], "--no-save reports sizes"),
        (["--data", "a", "--data-binary", "b"], "cannot be combined"),
        (["--data", "@missing"], "cannot read missing: No such file"),
        (["--data-binary", "@."], "cannot read .: Is a directory"),
        (["--data", "@large"], "large is larger than 64"),
        (["-", "--data", "@-"], "standard input"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
async def test_a_wrong_request_is_a_usage_error(
    arguments: list[str], message: str, command: Command
) -> None:
    with (command.folder / "large").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    ran = await command("http://127.0.0.1:9/", *arguments)
    assert ran.status == 2
    assert message in ran.err[-1]


# --- columns of lists -----------------------------------------------------------------------------

ROWS = [
    {"method": "", "headers": "", "body": ""},
    {"method": "POST", "headers": "", "body": "q=1"},
    {"method": "POST", "headers": "", "body": "q=2"},
    {"method": "", "headers": '{"Content-Type": "application/json", "X-A": "1"}', "body": "{}"},
    {"method": "DELETE", "headers": "X-B: 2", "body": ""},
]


def as_csv(url: str) -> str:
    text = io.StringIO()
    rows = csv.DictWriter(text, ["url", "method", "headers", "body"])
    rows.writeheader()
    rows.writerows({"url": url, **row} for row in ROWS)
    return text.getvalue()


def as_objects(url: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [{"url": url, **row} for row in ROWS]
    found[3]["headers"] = {"Content-Type": "application/json", "X-A": "1"}
    found[4]["headers"] = ["X-B: 2"]
    for row in found:
        row["body"] = row["body"] or None
    return found


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.json"])
async def test_each_line_has_its_own_request_and_its_own_file(
    name: str, site: Site, command: Command
) -> None:
    echo(site, "/api")
    url = site.url("/api")
    lines = map(json.dumps, as_objects(url))
    text = {
        "list.csv": as_csv(url),
        "list.jsonl": "\n".join(lines),
        "list.json": json.dumps(as_objects(url)),
    }[name]
    (command.folder / name).write_text(text)
    ran = await command(name, "-o", "out")
    assert ran.status == 0, ran.err
    assert sorted(contents(command.folder / "out").values()) == [
        b"DELETE  None 2",
        b"GET  None None",
        b"POST q=1 None None",
        b"POST q=2 None None",
        b"POST {} 1 None",
    ]
    assert f"{site.folder}/api.txt" in contents(command.folder / "out")
    again = await command(name, "-o", "out")
    assert again.status == 0
    assert len(site.requests) == len(ROWS)
    assert len([line for line in again.out if "already saved" in line]) == len(ROWS)


async def test_options_are_for_lines_without_a_request_of_their_own(
    site: Site, command: Command
) -> None:
    echo(site, "/api", "/plain")
    (command.folder / "list.csv").write_text(
        "url,method,body\n"
        f"{site.url('/plain')},,\n{site.url('/api')},GET,\n"
        f"{site.url('/api')},,own\n{site.url('/api')},DELETE,\n"
    )
    ran = await command("list.csv", "-o", "out", "--data", "common", "--method", "PUT")
    assert ran.status == 0, ran.err
    assert sorted(contents(command.folder / "out").values()) == [
        b"DELETE  None None",
        b"GET  None None",
        b"PUT common None None",
        b"PUT own None None",
    ]


async def test_a_wrong_request_of_a_line_fails_alone(site: Site, command: Command) -> None:
    echo(site, "/")
    rows: list[dict[str, object]] = [
        {"method": "get"},
        {"method": "GET\r\nX: y"},
        {"method": "POST", "headers": "X-A: a\nX-B: b"},
        {"method": "POST", "headers": {"X-A": "a\r\nHost: evil"}},
        {"method": "POST", "headers": {"X-A: b": "a"}},
        {"method": "POST", "headers": {"X-A": 1}},
        {"method": "POST", "headers": "{"},
        {"method": "POST", "headers": ["no header"]},
        {"method": "POST", "body": {"a": 1}},
        {"method": "POST", "body": "\ud800"},
        {"method": 7},
        {"method": "HEAD"},
        {"method": "POST", "body": "right"},
    ]
    text = "\n".join(json.dumps({"url": site.url("/"), **row}) for row in rows)
    (command.folder / "list.jsonl").write_text(text)
    ran = await command("list.jsonl")
    assert ran.status == 1
    failed = [line for line in ran.err if line.startswith("Failed")]
    assert len(failed) == len(rows) - 1
    assert all("(bad-url)" in line for line in failed)
    assert [await request.read() for request in site.requests] == [b"right"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "url,title,body\n{url},Boats,Long text\n"),
        ("list.jsonl", '{{"url": "{url}", "headers": {{"Server": "x"}}, "body": "Long text"}}\n'),
    ],
)
async def test_columns_of_other_meaning_are_not_sent(
    name: str, text: str, site: Site, command: Command
) -> None:
    echo(site, "/")
    (command.folder / name).write_text(text.format(url=site.url("/")))
    ran = await command(name)
    assert ran.status == 0
    assert [request.method for request in site.requests] == ["GET"]
    assert any("body not sent; a column method makes" in line for line in ran.err)


async def test_a_report_is_no_list_of_the_bodies_that_were_sent(
    site: Site, command: Command
) -> None:
    site.pages["/"] = sends(status=404)
    (command.folder / "list.csv").write_text(
        f"url,method,body\n{site.url('/')},POST,a\n{site.url('/')},,\n"
    )
    for name in ("report.csv", "report.jsonl"):
        await command("list.csv", "--report", name)
        site.requests.clear()
        ran = await command(name)
        assert [request.method for request in site.requests] == ["GET"]
        assert any("a report does not hold the body of its POST" in line for line in ran.err)


# --- redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status", "following"),
    [
        *(("POST", status, "GET") for status in (301, 302, 303)),
        *(("POST", status, "POST") for status in (307, 308)),
        *(("PUT", status, "PUT") for status in (301, 302, 307, 308)),
        ("PUT", 303, "GET"),
        *(("HEAD", status, "HEAD") for status in (301, 302, 303, 307, 308)),
    ],
)
async def test_a_redirect_keeps_or_drops_the_method_and_the_body(
    method: str, status: int, following: str, site: Site, tmp_path: Path
) -> None:
    site.pages["/from"] = sends(headers={"Location": "/to"}, status=status)
    echo(site, "/to")
    body = None if method == "HEAD" else b"a=1"
    target = Target(
        url=urls.parse(site.url("/from")),
        request=Request(method, body),
        headers=(("Content-Type", "text/x"), ("X-A", "1")),
    )
    (outcome,) = await fetch([target], tmp_path, Options(save=method != "HEAD"))
    assert downloaded(outcome).final_url == site.url("/to")
    _, request = site.requests
    assert request.method == following
    kept = following == method and body is not None
    assert await request.read() == (b"a=1" if kept else b"")
    if method != "HEAD":
        assert request.headers.get("Content-Type") == ("text/x" if kept else None)
    assert request.headers["X-A"] == "1"


async def test_another_origin_gets_the_body_but_no_other_header(
    many_hosts: ManyHosts, tmp_path: Path
) -> None:
    there = many_hosts.url(2, "/to")
    many_hosts.pages["/from"] = sends(headers={"Location": there}, status=307)
    many_hosts.pages["/to"] = sends(b"thanks")
    target = Target(
        url=urls.parse(many_hosts.url(1, "/from")),
        request=Request("POST", b"a=1"),
        headers=(("Content-Type", "text/x"), ("X-Token", "secret")),
    )
    (outcome,) = await fetch([target], tmp_path)
    assert downloaded(outcome).final_url == there
    request = many_hosts.requests[-1]
    assert (request.method, await request.read()) == ("POST", b"a=1")
    assert request.headers["Content-Type"] == "text/x"
    assert "X-Token" not in request.headers


async def test_a_body_is_not_sent_again_without_tls(site: Site, tmp_path: Path) -> None:
    site.pages["/from"] = sends(headers={"Location": site.url("/to")}, status=308)
    cacert = tmp_path / "ca.pem"
    async with http2_gateway(site.server.port or 0, cacert) as server:
        target = Target(
            url=urls.parse(f"https://localhost:{server.port}/from"), request=Request("POST", b"a")
        )
        (outcome,) = await fetch([target], tmp_path / "out", Options(cacert=cacert))
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.REDIRECT
    assert "redirects a POST from https to http" in outcome.message
    assert [request.path for request in site.requests] == ["/from"]


# --- nothing is sent twice ------------------------------------------------------------------------

BROKEN = b""
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nbroken"


@pytest.mark.parametrize("answer", [BROKEN, BUSY], ids=["no answer", "503"])
@pytest.mark.parametrize(
    ("method", "retry_all", "times"),
    [
        ("POST", False, 1),
        ("PATCH", False, 1),
        ("POST", True, 2),
        ("PUT", False, 2),
        ("DELETE", False, 2),
    ],
)
async def test_a_request_with_an_effect_is_retried_only_if_asked_for(
    answer: bytes, method: str, retry_all: bool, times: int, tmp_path: Path
) -> None:
    body = None if method == "DELETE" else b"order=1"
    async with recording_server([answer]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request(method, body))
        (outcome,) = await fetch([target], tmp_path, Options(retry_all=retry_all))
    assert len(server.requests) == times
    if times == 1:
        assert isinstance(outcome, Failed)
        assert f"the {method} was sent and is not repeated; --retry-all does" in outcome.hint
    else:
        assert downloaded(outcome).attempts <= 2


async def test_a_post_without_a_body_is_not_retried_either(tmp_path: Path) -> None:
    async with recording_server([BROKEN]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request("POST"))
        (outcome,) = await fetch([target], tmp_path)
    assert isinstance(outcome, Failed)
    (request,) = server.requests
    assert request.fields["content-length"] == "0"
    assert "content-type" not in request.fields


async def test_the_get_after_a_post_is_retried_by_itself(tmp_path: Path) -> None:
    moved = b"HTTP/1.1 303 Done\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n"
    async with recording_server([moved, BUSY]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request("POST", b"order=1"))
        (outcome,) = await fetch([target], tmp_path)
    lines = [request.line for request in server.requests]
    assert lines == ["POST / HTTP/1.1", "GET /done HTTP/1.1", "GET /done HTTP/1.1"]
    assert downloaded(outcome).attempts == 2


async def test_a_post_is_retried_if_it_could_not_be_sent(tmp_path: Path) -> None:
    refuses = says(b"\x05\x00", b"\x05\x01\x00\x01" + bytes(6))
    async with scripted_proxy("socks5", refuses) as proxy:
        target = Target(url=urls.parse("http://127.0.0.1:9/"), request=Request("POST", b"a"))
        (outcome,) = await fetch([target], tmp_path, Options(http_proxy=proxy.url))
    assert isinstance(outcome, Failed)
    assert outcome.attempts == 4
    assert "--retry-all" not in outcome.hint


async def test_a_broken_answer_to_a_post_is_not_resumed(tmp_path: Path) -> None:
    async with recording_server([CUT]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request("POST", b"a"))
        (outcome,) = await fetch([target], tmp_path)
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TRUNCATED
    assert len(server.requests) == 1


async def test_a_post_that_a_killed_run_has_sent_is_sent_again_only_if_asked_for(
    site: Site, command: Command
) -> None:
    async def waits(request: web.Request) -> web.StreamResponse:
        await request.read()
        if len(site.requests) == 1:
            await asyncio.Event().wait()
        return web.Response(text="done")

    site.pages["/"] = waits
    arguments = (site.url("/"), "--data", "order=1", "-o", "out")
    process = await command.start(*arguments)
    await site.asked()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    again = await command(*arguments)
    assert again.status == 1
    assert "an earlier run sent this POST, and was stopped before its response" in again.err[0]
    assert len(site.requests) == 1
    asked_for = await command(*arguments, "--retry-all")
    assert asked_for.status == 0
    assert len(site.requests) == 2
    last = await command(*arguments)
    assert (last.status, len(site.requests)) == (0, 2)


async def test_refreshing_sends_a_post_again_without_conditions(
    site: Site, command: Command
) -> None:
    site.pages["/"] = sends(
        b"page", {"ETag": '"1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    )
    for _ in range(2):
        ran = await command(site.url("/"), "--data", "a", "--refresh", "-o", "out")
        assert ran.status == 0
    _, request = site.requests
    assert request.method == "POST"
    assert not {"If-None-Match", "If-Modified-Since"} & set(request.headers)


# --- HEAD -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--http2-prior-knowledge",)], ids=["1.1", "2"])
async def test_head_reports_the_announced_size(options: tuple[str, ...], command: Command) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        head = connection.head(stream_id, [("content-length", "123456789")])
        head.flags.add("END_STREAM")
        connection.send(head)

    async def http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HEAD ")
        assert b"Accept-Encoding: identity" in head
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 123456789\r\n\r\n")

    async with http2_server(answer, http1=None if options else http1) as server:
        arguments = (server.url("/"), "--method", "HEAD", "--no-save", "--max-size", "1k", *options)
        ran = await command(*arguments, "--report", "report.jsonl")
    assert ran.status == 0, ran.err
    record = json.loads((command.folder / "report.jsonl").read_text().splitlines()[0])
    assert (record["decoded_bytes"], record["wire_bytes"]) == (123456789, 0)


# --- HTTP/2 ---------------------------------------------------------------------------------------

BODY = bytes(range(256)) * 4000


@pytest.mark.parametrize("window", [1, 1000, 65_535, 2**31 - 1])
async def test_a_body_keeps_to_the_windows_of_the_server(window: int, tmp_path: Path) -> None:
    body = BODY[:5000] if window == 1 else BODY
    settings: dict[int, int] = {SettingCodes.INITIAL_WINDOW_SIZE: window}
    async with http2_server(page, settings) as server:
        (outcome,) = await fetch([post(server.url("/"), body)], tmp_path, OPTIONS)
    assert saved(outcome, tmp_path) == PAGE
    assert server.bodies == [body]
    (fields,) = server.request_fields
    assert (fields[":method"], fields["content-length"]) == ("POST", str(len(body)))


async def test_many_bodies_share_a_connection(tmp_path: Path) -> None:
    async with http2_server(page) as server:
        targets = [post(server.url(f"/{number}"), BODY) for number in range(20)]
        outcomes = await fetch(targets, tmp_path, OPTIONS)
    assert {saved(outcome, tmp_path) for outcome in outcomes} == {PAGE}
    assert server.bodies == [BODY] * 20
    assert server.connections == 1


async def test_a_server_may_answer_before_the_body_has_come(tmp_path: Path) -> None:
    async with http2_server(page) as server:
        server.answers_early, server.opens_windows = True, False
        (outcome,) = await fetch([post(server.url("/"), BODY)], tmp_path, OPTIONS)
        (next_one,) = await fetch([urls.parse(server.url("/next"))], tmp_path, OPTIONS)
    assert saved(outcome, tmp_path) == saved(next_one, tmp_path) == PAGE
    assert server.bodies == []
    assert server.resets == [ErrorCodes.NO_ERROR]


async def test_a_server_that_takes_no_more_of_a_body_is_given_up(tmp_path: Path) -> None:
    async with http2_server(page) as server:
        server.opens_windows = False
        (outcome,) = await fetch(
            [post(server.url("/"), BODY)], tmp_path, replace(IMPATIENT, retries=1)
        )
    assert isinstance(outcome, Failed)
    assert outcome.kind is ErrorKind.TIMEOUT
    assert "--retry-all" in outcome.hint
    assert server.requests == ["/"]


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (lambda connection, stream: connection.goaway(0), 2),
        (lambda connection, stream: connection.reset(stream, ErrorCodes.REFUSED_STREAM), 2),
        (lambda connection, stream: connection.reset(stream, ErrorCodes.INTERNAL_ERROR), 1),
        (lambda connection, stream: connection.close(), 1),
    ],
    ids=["not processed", "refused", "reset", "closed"],
)
async def test_a_post_is_sent_again_if_the_server_says_that_it_did_not_process_it(
    fault: Callable[[ServerConnection, int], None], times: int, tmp_path: Path
) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if len(server.requests) == 1:
            fault(connection, stream_id)
        else:
            page(connection, stream_id, path)

    async with http2_server(answer) as server:
        (outcome,) = await fetch([post(server.url("/"))], tmp_path, OPTIONS)
    assert server.bodies == [b"a=1"] * times
    assert isinstance(outcome, Failed) == (times == 1)


# --- with other features --------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_bodies_go_through_proxies(secure: bool, site: Site, tmp_path: Path) -> None:
    echo(site, "/")
    cacert = tmp_path / "ca.pem"
    async with (
        http2_gateway(site.server.port or 0, cacert) as server,
        http_proxy(tmp_path) as proxy,
    ):
        url = f"https://localhost:{server.port}/" if secure else site.url("/")
        options = Options(
            http_proxy=proxy.url, https_proxy=proxy.url, cacert=cacert, http1_only=True
        )
        (outcome,) = await fetch([post(url, BODY)], tmp_path / "out", options)
    assert downloaded(outcome).status == 200
    (request,) = site.requests
    assert (request.method, await request.read()) == ("POST", BODY)


async def test_a_mirror_sends_the_body_for_the_line_of_the_list_only(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/search": '<img src="/a.png"><a href="/search">again</a><a href="/next">next</a>',
        "/a.png": sends(b"picture", {"Content-Type": "image/png"}),
        "/next": "next",
    }
    ran = await command(
        *(site.url("/search"), "--data", "q=1", "-r", "-l1", "--no-robots", "-o", "out"),
        *("-H", "Content-Type: text/x", "-H", "X-A: 1"),
    )
    assert ran.status == 0, ran.err
    asked = {(request.method, request.path) for request in site.requests}
    # The link to the same URL leads to another page.
    assert asked - {("GET", "/favicon.ico")} == {
        *(("GET", "/a.png"), ("GET", "/next"), ("GET", "/search"), ("POST", "/search")),
    }
    for request in site.requests:
        assert request.headers.get("Content-Type") == (
            "text/x" if request.method == "POST" else None
        )
        assert request.headers["X-A"] == "1"


@pytest.mark.parametrize("http2", [False, True], ids=["1.1", "2"])
async def test_an_archive_has_the_body_and_replays_only_gets(http2: bool, command: Command) -> None:
    async with http2_server(page) as server, recording_server() as http1:
        url = server.url("/") if http2 else http1.url("/")
        (command.folder / "list.csv").write_text(f"url,method,body\n{url},POST,a=1\n{url},,\n")
        options = ("--http2-prior-knowledge",) if http2 else ()
        ran = await command("list.csv", "-o", "out", "--warc", "a.warc.gz", *options)
    assert ran.status == 0, ran.err
    (archive,) = command.folder.glob("a*.warc.gz")
    requests = [record for record in read(archive) if record.kind == "request"]
    assert sorted(record.payload for record in requests) == [b"", b"a=1"]
    assert len(answers(archive)) == 2
    replayed = await command(archive, "-o", "replayed")
    assert replayed.status == 0
    assert len(contents(command.folder / "replayed")) == 1
    refused = await command(archive, "--data", "a=1")
    assert refused.status == 2
    assert "a web archive answers only a GET" in refused.err[-1]
