"""Requests with effects: where they are sent, and that they are not sent twice."""

import asyncio
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
from tests.support.command import Command
from tests.support.handlers import sends
from tests.support.http2_gateway import http2_gateway
from tests.support.http2_runs import IMPATIENT, OPTIONS, PAGE, page, saved
from tests.support.http2_server import ServerConnection, http2_server
from tests.support.library import downloaded, fetch
from tests.support.many_hosts import ManyHosts
from tests.support.proxies import says, scripted_proxy
from tests.support.request_recorder import request_recorder
from tests.support.requests import BODY, echo, post
from tests.support.web_server import Site

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
    async with request_recorder([answer]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request(method, body))
        (outcome,) = await fetch([target], tmp_path, Options(retry_all=retry_all))
    assert len(server.requests) == times
    if times == 1:
        assert isinstance(outcome, Failed)
        assert f"the {method} was sent and is not repeated; --retry-all does" in outcome.hint
    else:
        assert downloaded(outcome).attempts <= 2


async def test_a_post_without_a_body_is_not_retried_either(tmp_path: Path) -> None:
    async with request_recorder([BROKEN]) as server:
        target = Target(url=urls.parse(server.url("/")), request=Request("POST"))
        (outcome,) = await fetch([target], tmp_path)
    assert isinstance(outcome, Failed)
    (request,) = server.requests
    assert request.fields["content-length"] == "0"
    assert "content-type" not in request.fields


async def test_the_get_after_a_post_is_retried_by_itself(tmp_path: Path) -> None:
    moved = b"HTTP/1.1 303 Done\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n"
    async with request_recorder([moved, BUSY]) as server:
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
    async with request_recorder([CUT]) as server:
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


async def test_a_post_whose_response_a_filter_leaves_out_has_ended(
    site: Site, command: Command
) -> None:
    site.pages["/"] = sends(b"page")
    arguments = (site.url("/"), "--data", "order=1", "-o", "out")
    filtered = [await command(*arguments, "--min-size", "1k") for _ in range(2)]
    assert [(ran.status, ran.err) for ran in filtered] == [(0, []), (0, [])]
    assert (await command(*arguments)).out[0].startswith("Downloaded ")
    assert len(site.requests) == 3


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


# --- HTTP/2 ---------------------------------------------------------------------------------------


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


# --- HTTP/1.1 -------------------------------------------------------------------------------------


async def test_an_answer_counts_that_comes_before_the_body_was_sent(tmp_path: Path) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with scripted_proxy("http", refuses) as server:
        (outcome,) = await fetch([post(server.url, BODY * 8)], tmp_path, Options(read_timeout=5))
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.attempts) == (413, 1)


async def test_a_server_that_reads_nothing_is_given_up(tmp_path: Path) -> None:
    async def ignores(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with scripted_proxy("http", ignores) as server:
        target = post(server.url, bytes(30_000_000))
        (outcome,) = await fetch([target], tmp_path, Options(read_timeout=0.5))
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.attempts) == (ErrorKind.TIMEOUT, 1)
    assert "--retry-all" in outcome.hint


# --- secrets --------------------------------------------------------------------------------------


async def test_a_body_is_in_no_journal_report_or_log(site: Site, command: Command) -> None:
    site.pages["/"] = sends(b"welcome")
    ran = await command(
        *(site.url("/"), "--data", "password=x7secret", "--report", "report.jsonl"),
        *("-o", "out", "--debug", "-v"),
    )
    assert ran.status == 0
    written = [path.read_bytes() for path in command.folder.rglob("*") if path.is_file()]
    assert not any(b"x7secret" in text for text in written)
    assert not any("x7secret" in line for line in ran.out + ran.err)
