"""Whatever one server does, its URL has one right outcome and the URLs beside it succeed."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from downloader import Downloaded, ErrorKind, Failed, Outcome, download_sites
from downloader.http.tls_settings import TlsSettings
from downloader.models.outcome_conversion import record_of
from downloader.web.text import printable
from tests.support.fault_cases import (
    CASES,
    DEAD_HOST,
    OPTIONS,
    Case,
)
from tests.support.fault_server import (
    PAGE,
    Endpoint,
    FaultServer,
    fault_server,
    save_authority,
)
from tests.support.files import saved_files

#: A hang is a failure of that test, not of the suite.
LIMIT = 15

#: Names from the inside that would tell a user nothing.
JARGON = re.compile(r"Client\w*Error|aiohttp|Http\w+|Errno|Traceback|0x[0-9a-f]{6}")


@pytest.fixture(autouse=True)
def a_host_that_is_dead_without_asking_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def resolve_or_refuse(host: Any, *rest: Any, **more: Any) -> Any:
        if host == DEAD_HOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_or_refuse)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificates") / "authority.pem"
    save_authority(path)
    return path


def in_time(case: Case) -> object:
    """Mark a case whose timeout is shorter than usual."""
    if case.options is OPTIONS:
        return case
    reason = "the responses beside the fault must come within its timeout of 0.4 s"
    return pytest.param(case, marks=pytest.mark.timing_sensitive(reason=reason))


# One at a time, the three share a connection as far as the fault allows it.
@pytest.mark.parametrize(
    "concurrency", [3, pytest.param(1, marks=pytest.mark.slow)], ids=["at once", "one by one"]
)
@pytest.mark.parametrize("case", [in_time(case) for case in CASES], ids=str)
async def test_a_fault_has_its_outcome_and_the_neighbours_succeed(
    case: Case, concurrency: int, tmp_path: Path, authority: Path
) -> None:
    options = replace(case.options, concurrency=concurrency)
    if case.endpoint is not Endpoint.PLAIN:
        options = replace(options, cacert=authority)
    async with fault_server(case.endpoint) as server, asyncio.timeout(LIMIT):
        before, outcome, after = await download_sites(
            [
                server.url("/before"),
                server.url(case.path, case.endpoint, case.scheme),
                server.url("/after"),
            ],
            tmp_path,
            options=options,
        )
    assert saved(before, tmp_path) == saved(after, tmp_path) == PAGE
    assert_as_expected(outcome, case, tmp_path)
    assert saved_files(tmp_path) == paths_of(before, outcome, after)
    assert case.asks in ["", *server.paths()]


def assert_as_expected(outcome: Outcome, case: Case, folder: Path) -> None:
    if isinstance(case.expected, bytes):
        assert isinstance(outcome, Downloaded), outcome
        assert saved(outcome, folder) == case.expected
        assert outcome.sizes.saved == len(case.expected)
        assert outcome.length_verified is case.verified
        assert_can_be_reported(outcome.etag, outcome.last_modified, outcome.media_type)
        return
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind is case.expected, outcome
    assert case.says in outcome.message
    assert_is_one_line_for_a_person(outcome.message)
    assert outcome.traceback == ""


def assert_is_one_line_for_a_person(message: str) -> None:
    assert 0 < len(message) <= 400
    assert message == printable(message)
    assert not JARGON.search(message)


def assert_can_be_reported(*texts: str) -> None:
    for text in texts:
        text.encode()


def saved(outcome: Outcome, folder: Path) -> bytes:
    assert isinstance(outcome, Downloaded), outcome
    return (folder / outcome.path).read_bytes()


def paths_of(*outcomes: Outcome) -> set[str]:
    return {outcome.path for outcome in outcomes if isinstance(outcome, Downloaded)}


def after_a_pause(first: str, *others: str) -> Iterator[str]:
    """Yield the addresses with so long a pause that the first connection has become idle."""
    yield first
    time.sleep(0.3)
    yield from others


@pytest.mark.parametrize("path", ["/late-poison", "/keep-alive-then-close"])
async def test_what_comes_while_a_connection_is_idle_does_not_reach_the_next_url(
    path: str, tmp_path: Path
) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        outcomes = await download_sites(
            after_a_pause(server.url(path), server.url("/after")), tmp_path, options=OPTIONS
        )
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE, PAGE]
    assert turns(server) == [1, 1]


async def test_a_connection_without_faults_is_used_again(tmp_path: Path) -> None:
    paths = ["/before", "/chunked", "/status/404", "/redirect/permanent", "/status/204", "/after"]
    async with fault_server() as server, asyncio.timeout(LIMIT):
        await download_sites(
            map(server.url, paths), tmp_path, options=replace(OPTIONS, concurrency=1)
        )
    assert turns(server) == [1, 2, 3, 4, 5, 6, 7]


def turns(server: FaultServer) -> list[int]:
    return [request.nth_on_connection for request in server.requests]


async def test_a_connection_reset_when_used_again_is_replaced_once(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        await download_sites(
            [server.url("/before"), server.url("/reset-when-used-again")],
            tmp_path,
            options=replace(OPTIONS, concurrency=1),
        )
    asked = [
        (request.path, request.count, request.nth_on_connection) for request in server.requests
    ]
    assert asked[1:] == [("/reset-when-used-again", 1, 2), ("/reset-when-used-again", 2, 1)]


async def test_a_server_that_only_resets_is_asked_no_more_than_twice(tmp_path: Path) -> None:
    # aiohttp tries again once by itself, as if the connection had been an old one.
    async with fault_server() as server, asyncio.timeout(LIMIT):
        await download_sites([server.url("/reset-before-answer")], tmp_path, options=OPTIONS)
    assert server.paths() == ["/reset-before-answer"] * 2


async def test_no_more_cookies_are_sent_back_than_servers_take(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        await download_sites(
            [server.url("/cookies-200"), server.url("/after")],
            tmp_path,
            options=replace(OPTIONS, concurrency=1),
        )
    first, second = [request.headers.get("cookie", "") for request in server.requests]
    assert first == ""
    assert 8000 < len(second) <= 8190


async def test_a_name_from_the_server_is_not_used(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        (outcome,) = await download_sites(
            [server.url("/name-with-traversal")], tmp_path / "folder", options=OPTIONS
        )
    assert isinstance(outcome, Downloaded)
    assert outcome.path.endswith("/name-with-traversal.html")
    assert saved_files(tmp_path) == {f"folder/{outcome.path}"}


async def test_a_certificate_with_only_a_common_name_is_refused(
    tmp_path: Path, authority: Path
) -> None:
    options = replace(OPTIONS, cacert=authority)
    async with fault_server(Endpoint.COMMON_NAME) as server, asyncio.timeout(LIMIT):
        url = server.url("/page", Endpoint.COMMON_NAME).replace("127.0.0.1", "localhost")
        [outcome] = await download_sites([url], tmp_path, options=options)
    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.message) == (
        ErrorKind.TLS,
        "the certificate is for another host name",
    )


def test_the_default_context_checks_no_common_names() -> None:
    assert not TlsSettings().context().hostname_checks_common_name


async def test_an_untrusted_certificate_is_accepted_when_that_is_asked_for(tmp_path: Path) -> None:
    async with fault_server(Endpoint.SELF_SIGNED) as server, asyncio.timeout(LIMIT):
        (outcome,) = await download_sites(
            [server.url("/page", Endpoint.SELF_SIGNED)],
            tmp_path,
            options=replace(OPTIONS, insecure=True),
        )
    assert saved(outcome, tmp_path) == PAGE


async def test_the_temporary_file_of_a_cut_body_is_gone_from_its_folder(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        await download_sites([server.url("/large-cut")], tmp_path, options=OPTIONS)
    assert saved_files(tmp_path) == set()


async def test_all_faults_at_once_leave_every_line_its_outcome(tmp_path: Path) -> None:
    usual = [case for case in CASES if case.endpoint is Endpoint.PLAIN and case.options is OPTIONS]
    # aiohttp asks once more when a used connection is dead, and among so many may get another one
    # that is: then it is for --retries, which are off here.
    usual.remove(next(case for case in usual if case.path == "/reset-when-used-again"))
    # All of them share one event loop with the server: a busy machine takes long for each.
    patient = replace(OPTIONS, connect_timeout=60, read_timeout=60, timeout=100)
    async with fault_server() as server, asyncio.timeout(120):
        outcomes = await download_sites(
            [server.url(case.path, scheme=case.scheme) for case in usual],
            tmp_path,
            options=replace(patient, per_host=len(usual)),
        )
    for case, outcome in zip(usual, outcomes, strict=True):
        assert_as_expected(outcome, case, tmp_path)
    assert saved_files(tmp_path) == paths_of(*outcomes)


async def test_a_label_that_is_no_coding_is_said_in_the_report(tmp_path: Path) -> None:
    async with fault_server() as server, asyncio.timeout(LIMIT):
        [outcome] = await download_sites(
            [server.url("/coded/by-length/no-coding")],
            tmp_path,
            options=OPTIONS,
        )
    assert record_of(outcome).message == "Content-Encoding utf-8 ignored"
