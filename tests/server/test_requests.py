"""What requests consist of: methods, bodies, and the codings that they ask for."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from downloader import Options, Request, Target, download_sites
from downloader.web import urls
from tests.support.archives import answers, read
from tests.support.command import Command
from tests.support.files import contents
from tests.support.handlers import sends
from tests.support.http2_gateway import http2_gateway
from tests.support.http2_runs import page
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import downloaded, fetch
from tests.support.proxies import http_proxy
from tests.support.request_recorder import request_recorder
from tests.support.requests import BODY, echo, post
from tests.support.web_server import Site


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
    async with request_recorder() as server:
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
    async with request_recorder() as server:
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
    async with request_recorder() as server:
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
    async with http2_server(page) as server, request_recorder() as http1:
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


async def test_a_pack_keeps_a_post_and_a_get_of_one_url_apart(site: Site, command: Command) -> None:
    echo(site, "/api")
    (command.folder / "list.csv").write_text(
        f"url,method,body\n{site.url('/api')},POST,a=1\n{site.url('/api')},POST,a=2\n"
    )
    arguments = ("list.csv", "--pack", "warc", "-o", "out")
    assert (await command(*arguments)).status == 0
    # What a killed run has packed for a GET is looked for by its URL.
    process = await command.start(site.url("/api"), *arguments[1:])
    process.kill()
    await process.wait()
    got = await command(site.url("/api"), *arguments[1:])
    assert got.status == 0
    assert [request.method for request in site.requests].count("GET") >= 1
    again = await command(*arguments)
    assert again.status == 0
    assert len([line for line in again.out if "already saved in pack-" in line]) == 2
    lines = [
        line
        for index in (command.folder / "out").glob("pack-*.cdxj")
        for line in index.read_text().splitlines()
    ]
    keys = sorted(line.partition(" ")[0].partition(")")[2] for line in lines)
    assert keys == ["/api", "/api?__wb_method=post", "/api?__wb_method=post"]


async def test_options_for_requests_come_from_variables_and_the_config_file(
    site: Site, command: Command
) -> None:
    echo(site, "/")
    command.environment["DOWNLOAD_DATA"] = '{"a": 1,\n"b": 2}'
    (command.folder / "config").mkdir()
    (command.folder / "config.toml").write_text('method = "PUT"\n')
    ran = await command(site.url("/"), "--config", "config.toml", "-o", "out")
    assert ran.status == 0, ran.err
    (saved,) = contents(command.folder / "out").values()
    assert saved == b'PUT {"a": 1,\n"b": 2} None None'


async def test_a_program_gives_requests_by_options_and_by_target(
    site: Site, tmp_path: Path
) -> None:
    echo(site, "/")
    items: list[str | Target] = [
        site.url("/"),
        Target(url=urls.parse(site.url("/")), request=Request("GET")),
        post(site.url("/"), b"own"),
    ]
    outcomes = await download_sites(items, tmp_path, options=Options(body=b"common"))
    saved = [(tmp_path / downloaded(outcome).path).read_bytes() for outcome in outcomes]
    assert saved == [b"POST common None None", b"GET  None None", b"POST own None None"]
