"""HTTP/2: what servers do to connections, streams and limits, and how often they are asked then."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
)

from downloader import ErrorKind, Failed, Options
from tests.support.command import Command, finished
from tests.support.http2_runs import (
    HTML,
    IMPATIENT,
    LIMIT,
    OPTIONS,
    PAGE,
    kind,
    numbered,
    on,
    once_held,
    page,
    run,
    saved,
)
from tests.support.http2_server import (
    Answer,
    ServerConnection,
    http2_server,
    unknown_frame,
)
from tests.support.library import downloaded, fetch
from tests.support.web_server import Site

MAX_STREAM_ID = 2**31 - 1


# --- one response ---------------------------------------------------------------------------------


def ends_with_its_head(*fields: tuple[str, str]) -> Answer:
    return lambda connection, stream_id, path: connection.send(
        connection.fields(stream_id, fields, "END_STREAM")
    )


def head_in_pieces(size: int) -> Answer:
    """Send a head with *size* bytes of fields, as HEADERS and CONTINUATION."""

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        fields = [(f"x-{number}", "v" * 1000) for number in range(size // 1000)]
        block = connection.head(stream_id, fields).data
        first, *rest = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
        frames = [
            HeadersFrame(stream_id, first),
            *(ContinuationFrame(stream_id, piece) for piece in rest),
        ]
        frames[-1].flags.add("END_HEADERS")
        connection.send(*frames, DataFrame(stream_id, PAGE, flags=["END_STREAM"]))

    return answer


def sends_a_body(status: str) -> Answer:
    return lambda connection, stream_id, path: connection.respond(stream_id, PAGE, [HTML], status)


def trailers(*fields: tuple[str, str]) -> Answer:
    return lambda connection, stream_id, path: connection.send(
        connection.head(stream_id, [HTML]),
        DataFrame(stream_id, PAGE),
        connection.fields(stream_id, fields, "END_STREAM"),
    )


def then_reset(connection: ServerConnection, stream_id: int, path: str) -> None:
    """Send a whole response, and a reset that is no error (RFC 9113, section 8.1)."""
    page(connection, stream_id, path)
    connection.reset(stream_id, ErrorCodes.NO_ERROR)


def with_frames_of_other_protocols(connection: ServerConnection, stream_id: int, path: str) -> None:
    """Send what has to be ignored (RFC 9113, sections 5.5 and 6.5.2)."""
    settings = SettingsFrame(0)
    settings.settings = {0x1A2A: 7, 0xFFFF: 1}
    connection.send(settings, unknown_frame(0x0B, 0, b"x"), PingFrame(0, b"8 bytes!"))
    connection.send(connection.head(stream_id, [HTML]), unknown_frame(0xFA, stream_id))
    connection.send(DataFrame(stream_id, PAGE), unknown_frame(0xFB, stream_id, b"y" * 100))
    connection.send(DataFrame(stream_id, flags=["END_STREAM"]))


def closes_in_the_body(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.send(connection.head(stream_id, [HTML]), DataFrame(stream_id, PAGE))
    connection.close()


def redirects_and_resets(connection: ServerConnection, stream_id: int, path: str) -> None:
    """Redirect to a page, and break off the body of the redirect."""
    if path == "/target":
        page(connection, stream_id, path)
        return
    head = connection.head(stream_id, [("location", "/target")], "302")
    connection.send(head, DataFrame(stream_id, b"moved"))
    connection.reset(stream_id, ErrorCodes.INTERNAL_ERROR)


RESPONSES: dict[str, tuple[Answer, bytes | ErrorKind]] = {
    "no field at all": (ends_with_its_head(), ErrorKind.PROTOCOL),
    "no status, and its end": (ends_with_its_head(HTML), ErrorKind.PROTOCOL),
    "upper case, and its end": (
        ends_with_its_head((":status", "200"), ("X-A", "b")),
        ErrorKind.PROTOCOL,
    ),
    "an interim response, and its end": (
        ends_with_its_head((":status", "103")),
        ErrorKind.PROTOCOL,
    ),
    "switching protocols": (ends_with_its_head((":status", "101")), ErrorKind.PROTOCOL),
    "a large head": (head_in_pieces(150_000), PAGE),
    "a head that is too large": (head_in_pieces(300_000), ErrorKind.PROTOCOL),
    "204 with a body": (sends_a_body("204"), b""),
    "304 with a body, though nothing is known": (sends_a_body("304"), ErrorKind.HTTP_STATUS),
    "299": (sends_a_body("299"), PAGE),
    "trailers with a status": (trailers((":status", "500")), PAGE),
    "trailers with a length": (trailers(("content-length", "1")), PAGE),
    "trailers with fields of a connection": (trailers(("connection", "close")), PAGE),
    "a reset after the end": (then_reset, PAGE),
    "frames of other protocols": (with_frames_of_other_protocols, PAGE),
    "a redirect whose body breaks off": (redirects_and_resets, PAGE),
    "a connection that closes in a body without a length": (
        closes_in_the_body,
        ErrorKind.TRUNCATED,
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
async def test_a_response_has_its_outcome_and_the_others_succeed(name: str, tmp_path: Path) -> None:
    fault, expected = RESPONSES[name]
    async with http2_server(on("/fault", fault)) as server:
        options = replace(OPTIONS, retries=0)
        outcomes = await run(server, tmp_path, "/1", "/fault", "/2", "/3", options=options)
    outcome = outcomes.pop(1)
    if isinstance(expected, ErrorKind):
        assert kind(outcome) is expected
    else:
        assert saved(outcome, tmp_path) == expected
    assert [saved(each, tmp_path) for each in outcomes] == [PAGE] * 3
    assert {downloaded(each).attempts for each in outcomes} == {1}


async def test_a_ping_of_the_server_is_answered(tmp_path: Path) -> None:
    async with http2_server(with_frames_of_other_protocols) as server:
        await run(server, tmp_path, "/")
        assert server.frames["PingFrame"] == 1
        assert server.resets == []


async def test_a_body_that_is_too_large_is_refused_and_its_connection_kept(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.respond(stream_id, bytes(3_000_000))

    async with http2_server(on("/large", answer)) as server:
        options = replace(OPTIONS, max_size=1000, concurrency=1)
        before, large, after = await run(
            server, tmp_path, "/before", "/large", "/after", options=options
        )
    assert kind(large) is ErrorKind.TOO_LARGE
    assert saved(before, tmp_path) == saved(after, tmp_path) == PAGE
    assert server.connections == 1
    assert server.resets == [ErrorCodes.CANCEL]


async def test_a_body_that_is_larger_than_all_windows_comes_beside_pages(tmp_path: Path) -> None:
    body = bytes(range(256)) * 80_000

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.respond(stream_id, body, [("content-length", str(len(body)))])

    async with http2_server(on("/large", answer)) as server:
        large, *others = await run(server, tmp_path, "/large", *numbered(30))
    assert saved(large, tmp_path) == body
    assert [saved(each, tmp_path) for each in others] == [PAGE] * 30
    assert server.connections == 1


def drips(piece: Callable[[ServerConnection, int], None]) -> Answer:
    """Send something now and then: never a stall, and never done."""

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        async def drip() -> None:
            for _ in range(1000):
                piece(connection, stream_id)
                await asyncio.sleep(0.02)

        tasks.add(asyncio.create_task(drip()))

    tasks: set[asyncio.Task[None]] = set()
    return answer


DRIPS: dict[str, tuple[Callable[[ServerConnection, int], None], Options]] = {
    "interim responses": (
        lambda connection, s: connection.send(connection.head(s, (), "103")),
        IMPATIENT,
    ),
    "pings": (lambda connection, s: connection.send(PingFrame(0)), IMPATIENT),
    "settings": (lambda connection, s: connection.send(SettingsFrame(0)), IMPATIENT),
    "a body": (
        lambda connection, s: connection.send(DataFrame(s, b"x")),
        replace(IMPATIENT, timeout=0.6),
    ),
}


@pytest.mark.parametrize("name", DRIPS)
async def test_what_drips_is_a_timeout(name: str, tmp_path: Path) -> None:
    piece, options = DRIPS[name]

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if name == "a body":
            connection.send(connection.head(stream_id, [HTML]))
        drip(connection, stream_id, path)

    drip = drips(piece)
    async with http2_server(answer) as server:
        (outcome,) = await run(server, tmp_path, "/", options=options)
    assert kind(outcome) is ErrorKind.TIMEOUT
    assert server.requests == ["/"]


# --- connections that go away ---------------------------------------------------------------------


@pytest.mark.parametrize("code", ErrorCodes)
async def test_streams_above_the_last_of_a_goaway_are_asked_for_again(
    code: ErrorCodes, tmp_path: Path
) -> None:
    """Streams up to it are answered before the connection closes."""

    def go_away(connection: ServerConnection, held: list[int]) -> None:
        connection.goaway(held[2], code)
        for each in held[:3]:
            page(connection, each, "")

    async with http2_server(once_held(6, go_away)) as server:
        options = replace(OPTIONS, per_host=6)
        outcomes = await run(server, tmp_path, "/first", *numbered(20), options=options)
    if code is ErrorCodes.HTTP_1_1_REQUIRED:
        # Plain HTTP/1.1 is asked for then, which this server does not speak.
        assert {type(outcome).__name__ for outcome in outcomes[:4]} == {"Downloaded"}
        return
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 21
    # Only what says that it is too much counts.
    attempts = 2 if code is ErrorCodes.ENHANCE_YOUR_CALM else 1
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1, attempts}
    assert server.connections == 2
    assert max(Counter(server.requests).values()) == 2


async def test_a_graceful_shutdown_announces_itself_first(tmp_path: Path) -> None:
    """As RFC 9113, section 6.8, recommends: a GOAWAY without a last stream, then one with it."""

    def announce(connection: ServerConnection, held: list[int]) -> None:
        connection.goaway(MAX_STREAM_ID)
        asyncio.get_running_loop().call_soon(finish, connection, held)

    def finish(connection: ServerConnection, held: list[int]) -> None:
        connection.goaway(held[1])
        for each in held[:2]:
            page(connection, each, "")

    async with http2_server(once_held(4, announce)) as server:
        outcomes = await run(server, tmp_path, *numbered(20))
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 20
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert server.connections == 2


async def test_a_server_that_always_goes_away_is_asked_a_bounded_number_of_times(
    tmp_path: Path,
) -> None:
    async with http2_server(lambda connection, stream_id, path: connection.goaway(0)) as server:
        outcomes = await run(server, tmp_path, *numbered(10))
    assert {kind(outcome) for outcome in outcomes} == {ErrorKind.CONNECT}
    assert max(Counter(server.requests).values()) <= 10  # five times, and once more each
    assert server.connections <= 100


async def test_a_server_that_takes_two_requests_on_a_connection_serves_a_whole_site(
    tmp_path: Path,
) -> None:
    """It gets fewer at once: else each would be refused time and again."""

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if stream_id == 3:
            connection.goaway(stream_id)
        if stream_id <= 3:
            page(connection, stream_id, path)

    async with http2_server(answer) as server:
        options = replace(OPTIONS, retries=3)
        outcomes = await run(server, tmp_path, *numbered(200), options=options)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 200


async def test_a_server_that_always_closes_is_asked_twice_for_each_url(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        asyncio.get_running_loop().call_later(0.02, connection.close)

    async with http2_server(answer) as server:
        options = replace(OPTIONS, retries=0)
        outcomes = await run(server, tmp_path, *numbered(30), options=options)
    assert {kind(outcome) for outcome in outcomes} == {ErrorKind.CONNECT}
    assert set(Counter(server.requests).values()) == {2}
    assert server.connections <= 30


def invalid_settings() -> bytes:
    settings = SettingsFrame(0)
    settings.settings = {SettingCodes.ENABLE_PUSH: 7}
    return settings.serialize()


OF_THE_CONNECTION = {
    "settings that are not valid": invalid_settings(),
    "pings without end": PingFrame(0).serialize() * 20_000,
    "a body on stream 0": b"\0\0\1\0\0\0\0\0\0x",
    "no HTTP/2": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", OF_THE_CONNECTION)
async def test_a_fault_of_a_connection_costs_no_url_an_attempt(name: str, tmp_path: Path) -> None:
    """It is nobody's fault who is asking."""

    def send_fault(connection: ServerConnection, held: list[int]) -> None:
        connection.send(OF_THE_CONNECTION[name])

    async with http2_server(once_held(5, send_fault)) as server:
        options = replace(OPTIONS, retries=0)
        outcomes = await run(server, tmp_path, "/first", *numbered(20), options=options)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 21
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert server.connections == 2


@pytest.mark.parametrize("name", OF_THE_CONNECTION)
async def test_a_connection_that_is_always_faulty_fails_by_its_fault(
    name: str, tmp_path: Path
) -> None:
    async with http2_server(
        lambda connection, stream_id, path: connection.send(OF_THE_CONNECTION[name])
    ) as server:
        options = replace(OPTIONS, retries=3)
        outcomes = await run(server, tmp_path, *numbered(10), options=options)
    assert {kind(outcome) for outcome in outcomes} == {ErrorKind.PROTOCOL}
    assert max(Counter(server.requests).values()) <= 4  # twice, and once more each


async def test_a_server_of_http1_alone_is_named_as_one(site: Site, tmp_path: Path) -> None:
    """As with --http2-prior-knowledge and a server that has never heard of it."""
    options = replace(OPTIONS, retries=0)
    (outcome,) = await fetch([site.url("/")], tmp_path, options)
    assert isinstance(outcome, Failed)
    assert outcome.message == "the response is not valid HTTP/2: it is HTTP/1.1"


def after_a_pause(first: str, *others: str) -> Iterator[str]:
    """Yield addresses with so long a pause that the connection has become idle."""
    yield first
    time.sleep(0.3)
    yield from others


IDLE: dict[str, Callable[[ServerConnection], None]] = {
    "closes": lambda connection: connection.close(),
    "goes away": lambda connection: connection.goaway(1),
    "sends a body that nobody asked for": lambda connection: connection.send(
        DataFrame(3, b"poison", flags=["END_STREAM"])
    ),
    "sends a head that nobody asked for": lambda connection: connection.send(
        connection.fields(3, [(":status", "200"), ("x-poison", "1")])
    ),
    "resets a stream that has ended": lambda connection: connection.send(RstStreamFrame(1, 2)),
    "sends bytes that are nothing": lambda connection: connection.send(b"HTTP/1.1 408 \r\n\r\n"),
}


@pytest.mark.parametrize("name", IDLE)
async def test_what_comes_while_a_connection_is_idle_does_not_reach_the_next_url(
    name: str, tmp_path: Path
) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        page(connection, stream_id, path)
        if path == "/first":
            asyncio.get_running_loop().call_later(0.05, IDLE[name], connection)

    async with http2_server(answer) as server, asyncio.timeout(LIMIT):
        urls = [server.url(path) for path in ("/first", "/2", "/3")]
        outcomes = await fetch(after_a_pause(*urls), tmp_path, OPTIONS)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 3
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert server.requests == ["/first", "/2", "/3"]


async def test_a_server_that_reads_nothing_is_a_timeout(tmp_path: Path) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.write(SettingsFrame(0).serialize())
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(LIMIT)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with asyncio.timeout(LIMIT):
        urls = [f"http://127.0.0.1:{port}/{number}" for number in range(10)]
        outcomes = await fetch(urls, tmp_path, replace(IMPATIENT, per_host=5))
    for writer in connections:
        writer.transport.abort()
    listener.close()
    assert {kind(outcome) for outcome in outcomes} == {ErrorKind.TIMEOUT}
    assert len(connections) <= 4


# --- how many at once -----------------------------------------------------------------------------


async def test_a_server_may_take_no_request_for_a_while(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        page(connection, stream_id, path)
        if path == "/first":
            limit(connection, 0)
            asyncio.get_running_loop().call_later(0.1, limit, connection, 10)

    def limit(connection: ServerConnection, streams: int) -> None:
        settings = SettingsFrame(0)
        settings.settings = {SettingCodes.MAX_CONCURRENT_STREAMS: streams}
        connection.send(settings)

    async with http2_server(answer) as server:
        outcomes = await run(server, tmp_path, "/first", *numbered(30))
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 31
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert server.connections == 1


async def test_a_server_that_refuses_streams_gets_fewer_at_once(tmp_path: Path) -> None:
    """It takes ten, says nothing of that in its settings, and answers quickly."""
    refused: list[str] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if len(connection.open) > 10:
            refused.append(path)
            connection.reset(stream_id, ErrorCodes.REFUSED_STREAM)
        else:
            asyncio.get_running_loop().call_later(0.005, page, connection, stream_id, path)

    async with http2_server(answer) as server:
        options = replace(OPTIONS, retries=3)
        outcomes = await run(server, tmp_path, *numbered(400), options=options)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 400
    assert 0 < len(refused) < 100
    assert server.connections == 1


async def test_a_url_that_is_always_refused_is_asked_for_as_often_as_any_failure(
    tmp_path: Path,
) -> None:
    def refuse(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.reset(stream_id, ErrorCodes.REFUSED_STREAM)

    async with http2_server(on("/fault", refuse)) as server:
        options = replace(OPTIONS, retries=2)
        before, outcome = await run(server, tmp_path, "/1", "/fault", options=options)
    assert saved(before, tmp_path) == PAGE
    assert kind(outcome) is ErrorKind.CONNECT
    assert server.requests.count("/fault") in (3, 4)  # one may come before the settings


# --- the command ----------------------------------------------------------------------------------


async def test_an_interrupted_command_ends_though_streams_are_open(command: Command) -> None:
    asked = asyncio.Event()

    def silent(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.send(connection.head(stream_id, [HTML]), DataFrame(stream_id, PAGE))
        asked.set()

    async with http2_server(silent) as server, asyncio.timeout(LIMIT):
        process = await command.start("--http2-prior-knowledge", server.url("/"), "-o", "out")
        await asked.wait()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while b"again to stop now" not in await process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        ended = await finished(process)
    assert ended.status == 130
    assert not any("Traceback" in line for line in ended.err)


async def test_no_private_address_is_connected_to(tmp_path: Path) -> None:
    async with http2_server(page) as server:
        options = replace(OPTIONS, block_private=True)
        (outcome,) = await run(server, tmp_path, "/", options=options)
        assert server.connections == 0
    assert kind(outcome) is ErrorKind.BLOCKED
