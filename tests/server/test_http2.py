"""HTTP/2: whatever a server does on a connection, each URL has its right outcome."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from warcio.archiveiterator import ArchiveIterator

from downloader import Downloaded, ErrorKind, Failed, Options
from tests.support.command import Command
from tests.support.http2_runs import (
    IMPATIENT,
    OPTIONS,
    PAGE,
    kind,
    numbered,
    on,
    once_held,
    outcomes_of,
    page,
    saved,
)
from tests.support.http2_server import Answer, ServerConnection, http2_server, unknown_frame
from tests.support.library import downloaded, fetch


def once(fault: Answer) -> Answer:
    """Do *fault* at the first request for ``/fault``, and answer all others."""
    done: list[int] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if path == "/fault" and not done:
            done.append(stream_id)
            fault(connection, stream_id, path)
        else:
            page(connection, stream_id, path)

    return answer


# --- the same response ----------------------------------------------------------------------------


async def test_pages_of_one_host_share_a_connection(tmp_path: Path) -> None:
    def later(connection: ServerConnection, stream_id: int, path: str) -> None:
        asyncio.get_running_loop().call_later(0.01, page, connection, stream_id, path)

    paths = [f"/{number}" for number in range(50)]
    outcomes, seen = await outcomes_of(later, tmp_path, *paths)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 50
    assert {downloaded(outcome).http_version for outcome in outcomes} == {"2"}
    assert (seen.connections, len(seen.requests)) == (1, 50)
    assert seen.most_open > 6


async def test_per_host_is_the_most_at_once(tmp_path: Path) -> None:
    paths = [f"/{number}" for number in range(50)]
    _, seen = await outcomes_of(page, tmp_path, *paths, options=replace(OPTIONS, per_host=3))
    assert seen.most_open <= 3


async def test_a_request_has_the_fields_that_http2_wants(tmp_path: Path) -> None:
    options = replace(OPTIONS, headers=(("X-Token", "t"), ("Connection", "close")))
    async with http2_server(page) as server:
        await fetch([server.url("/a?b")], tmp_path, options)
    (fields,) = server.request_fields
    assert fields[":path"] == "/a?b"
    assert fields[":authority"] == f"127.0.0.1:{server.port}"
    assert fields["x-token"] == "t"
    assert not {"connection", "host", "transfer-encoding"} & set(fields)
    assert server.client_settings[SettingCodes.ENABLE_PUSH] == 0


async def test_redirects_cookies_and_failures_are_as_over_http1(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        match path:
            case "/from":
                fields = [("location", "/to"), ("set-cookie", "seen=1")]
                connection.respond(stream_id, b"moved", fields, "302")
            case "/lost":
                connection.respond(stream_id, b"", (), "404")
            case _:
                page(connection, stream_id, path)

    async with http2_server(answer) as server:
        moved, lost = await fetch([server.url("/from"), server.url("/lost")], tmp_path, OPTIONS)
    assert downloaded(moved).final_url == server.url("/to")
    assert isinstance(lost, Failed)
    assert (lost.status, lost.message) == (404, "404 Not Found")
    cookies = [f.get("cookie") for f in server.request_fields if f[":path"] == "/to"]
    assert cookies == ["seen=1"]


async def test_trailers_interim_responses_and_padding_change_nothing(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.send(
            connection.head(stream_id, [("link", "</a>")], "103"),
            connection.head(stream_id, [("content-length", str(len(PAGE)))]),
            DataFrame(stream_id, PAGE, pad_length=200, flags=["PADDED"]),
            connection.fields(stream_id, [("x-checksum", "1")], "END_STREAM"),
        )

    (outcome,), _ = await outcomes_of(answer, tmp_path, "/")
    assert saved(outcome, tmp_path) == PAGE


@pytest.mark.parametrize("status", ["204", "200"])
async def test_a_response_may_end_with_its_head(status: str, tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.send(connection.fields(stream_id, [(":status", status)], "END_STREAM"))

    (outcome,), _ = await outcomes_of(answer, tmp_path, "/")
    assert saved(outcome, tmp_path) == b""


async def test_a_body_that_broke_off_is_resumed(tmp_path: Path) -> None:
    body = bytes(range(256)) * 256
    ranges: list[str | None] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        fields = [("etag", '"1"'), ("content-type", "application/octet-stream")]
        asked = server.request_fields[-1].get("range")
        ranges.append(asked)
        if asked is None:
            connection.send(
                connection.head(stream_id, [*fields, ("content-length", str(len(body) * 2))]),
                *(DataFrame(stream_id, body[at : at + 16_384]) for at in range(0, 65_536, 16_384)),
            )
            connection.reset(stream_id, ErrorCodes.INTERNAL_ERROR)
        else:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            rest = (body * 2)[start:]
            span = f"bytes {start}-{2 * len(body) - 1}/{2 * len(body)}"
            connection.respond(stream_id, rest[:65_536], [*fields, ("content-range", span)], "206")

    async with http2_server(answer) as server:
        (outcome,) = await fetch([server.url("/")], tmp_path, OPTIONS)
    assert ranges == [None, "bytes=65536-"]
    assert saved(outcome, tmp_path) == body * 2
    assert downloaded(outcome).resumed_at == 65_536


# --- faults of one stream -------------------------------------------------------------------------


def in_body(*frames: Callable[[int], Frame]) -> Answer:
    """Send a head, a piece of the body, and then frames."""

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.send(connection.head(stream_id), DataFrame(stream_id, b"piece"))
        connection.send(*(frame(stream_id) for frame in frames))

    return answer


def head_of(*fields: tuple[str, str], status: bool = True, end: bool = False) -> Answer:
    """Send a head of these fields, and a body."""

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        all_fields = [*([(":status", "200")] if status else []), *fields]
        connection.send(connection.fields(stream_id, all_fields, *(["END_STREAM"] if end else [])))
        if not end:
            connection.send(DataFrame(stream_id, b"12345", flags=["END_STREAM"]))

    return answer


def resets(code: int) -> Answer:
    return lambda connection, stream_id, path: connection.reset(stream_id, code)


def interim_responses(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.send(*[connection.head(stream_id, (), "103") for _ in range(200)])


STREAM_FAULTS: dict[str, tuple[Answer, ErrorKind]] = {
    "no status": (head_of(("x-a", "b"), status=False), ErrorKind.PROTOCOL),
    "two statuses": (head_of((":status", "200")), ErrorKind.PROTOCOL),
    "status in letters": (head_of((":status", "abc"), status=False), ErrorKind.PROTOCOL),
    "upper-case name": (head_of(("X-A", "b")), ErrorKind.PROTOCOL),
    "connection field": (head_of(("connection", "close")), ErrorKind.PROTOCOL),
    "chunks": (head_of(("transfer-encoding", "chunked")), ErrorKind.PROTOCOL),
    "line break": (head_of(("x-a", "b\r\nc: d")), ErrorKind.PROTOCOL),
    "two lengths": (
        head_of(("content-length", "5"), ("content-length", "6")),
        ErrorKind.PROTOCOL,
    ),
    "length in letters": (head_of(("content-length", "five")), ErrorKind.PROTOCOL),
    "longer than its length": (head_of(("content-length", "4")), ErrorKind.PROTOCOL),
    "shorter than its length": (head_of(("content-length", "6")), ErrorKind.TRUNCATED),
    "a length and no body": (head_of(("content-length", "6"), end=True), ErrorKind.TRUNCATED),
    **{
        f"reset in the body: {code.name}": (
            in_body(lambda stream_id, code=code: RstStreamFrame(stream_id, code)),  # type: ignore[misc]
            ErrorKind.TRUNCATED,
        )
        for code in ErrorCodes
    },
    **{
        f"reset before the head: {code.name}": (resets(code), ErrorKind.CONNECT)
        for code in ErrorCodes
        if code is not ErrorCodes.HTTP_1_1_REQUIRED
    },
    "a body without a head": (
        lambda connection, stream_id, path: connection.send(DataFrame(stream_id, b"x")),
        ErrorKind.PROTOCOL,
    ),
}


@pytest.mark.parametrize("name", STREAM_FAULTS)
async def test_a_faulty_response_fails_alone(name: str, tmp_path: Path) -> None:
    fault, kind = STREAM_FAULTS[name]
    paths = ["/1", "/fault", "/2", "/3"]
    outcomes, seen = await outcomes_of(on("/fault", fault), tmp_path, *paths)
    failed = outcomes.pop(1)
    assert isinstance(failed, Failed)
    assert failed.kind is kind
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 3
    assert seen.connections == 1


async def test_silence_is_a_timeout_of_its_stream_alone(tmp_path: Path) -> None:
    def silent(connection: ServerConnection, stream_id: int, path: str) -> None:
        pass

    outcomes, _ = await outcomes_of(
        on("/fault", silent), tmp_path, "/fault", "/1", options=IMPATIENT
    )
    assert isinstance(outcomes[0], Failed)
    assert (outcomes[0].kind, outcomes[0].message) == (
        ErrorKind.TIMEOUT,
        "no data for too long",
    )
    assert saved(outcomes[1], tmp_path) == PAGE


async def test_silence_in_a_body_is_a_timeout(tmp_path: Path) -> None:
    outcomes, _ = await outcomes_of(on("/fault", in_body()), tmp_path, "/fault", options=IMPATIENT)
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].kind is ErrorKind.TIMEOUT


async def test_a_server_that_does_not_answer_a_ping_is_gone(tmp_path: Path) -> None:
    def dead(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.answers_pings = False

    outcomes, seen = await outcomes_of(
        dead, tmp_path, "/1", "/2", options=replace(IMPATIENT, retries=1)
    )
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, Failed)] == [
        ErrorKind.TIMEOUT
    ] * 2
    assert seen.connections == 2  # one for each attempt


# --- faults of the connection ---------------------------------------------------------------------


def closes(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.close()


def half_a_head(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.send(connection.head(stream_id).serialize()[:-2])
    connection.close()


def goes_away(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.goaway(stream_id - 2)


@pytest.mark.parametrize("fault", [closes, half_a_head, goes_away])
async def test_what_a_broken_connection_leaves_is_asked_for_once_more(
    fault: Answer, tmp_path: Path
) -> None:
    paths = [*(f"/{number}" for number in range(20)), "/fault"]
    outcomes, seen = await outcomes_of(once(fault), tmp_path, *paths)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 21
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert seen.connections == 2


async def test_a_connection_that_dies_with_open_streams_costs_no_attempt(tmp_path: Path) -> None:
    answer = once_held(5, lambda connection, held: connection.close())
    outcomes, seen = await outcomes_of(answer, tmp_path, "/first", *numbered(100))
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert seen.connections == 2


async def test_a_server_that_always_closes_fails_every_url(tmp_path: Path) -> None:
    outcomes, _ = await outcomes_of(closes, tmp_path, "/1", "/2")
    assert [o.kind for o in outcomes if isinstance(o, Failed)] == [ErrorKind.CONNECT] * 2


async def test_streams_before_a_goaway_are_received_to_their_end(tmp_path: Path) -> None:
    waiting: list[tuple[ServerConnection, int]] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if connection.number or len(connection.open) > 4:
            page(connection, stream_id, path)
            return
        waiting.append((connection, stream_id))
        if len(waiting) == 4:
            connection.goaway(stream_id)
            for each, held in waiting:
                page(each, held, path)

    paths = [f"/{number}" for number in range(30)]
    outcomes, seen = await outcomes_of(answer, tmp_path, *paths)
    assert {downloaded(outcome).attempts for outcome in outcomes} == {1}
    assert len(seen.requests) <= 30 + 2  # those that were on their way


async def test_a_server_may_close_every_connection_after_some_requests(tmp_path: Path) -> None:
    """As nginx does after ``keepalive_requests``."""
    served: dict[int, int] = {}

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        count = served[connection.number] = served.get(connection.number, 0) + 1
        if count > 10:
            return
        if count == 10:
            connection.goaway(stream_id)
        page(connection, stream_id, path)

    paths = [f"/{number}" for number in range(100)]
    outcomes, seen = await outcomes_of(answer, tmp_path, *paths)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 100
    assert 10 <= seen.connections <= 12


@pytest.mark.parametrize("always_refused", [False, True])
async def test_a_refused_stream_is_asked_for_again(always_refused: bool, tmp_path: Path) -> None:
    refusal = resets(ErrorCodes.REFUSED_STREAM)
    refuse = on("/fault", refusal) if always_refused else once(refusal)
    outcomes, _ = await outcomes_of(refuse, tmp_path, "/1", "/fault", "/2")
    if always_refused:
        assert isinstance(outcomes[1], Failed)
        assert outcomes[1].message == "the server reset the stream: REFUSED_STREAM"
    else:
        assert saved(outcomes[1], tmp_path) == PAGE


# --- settings -------------------------------------------------------------------------------------


async def test_a_server_that_takes_one_stream_at_once_gets_one(tmp_path: Path) -> None:
    refused: list[int] = []

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if len(connection.open) > 1:
            refused.append(stream_id)
            connection.reset(stream_id, ErrorCodes.REFUSED_STREAM)
        else:
            asyncio.get_running_loop().call_soon(page, connection, stream_id, path)

    paths = [f"/{number}" for number in range(20)]
    limit: dict[int, int] = {SettingCodes.MAX_CONCURRENT_STREAMS: 1}
    outcomes, seen = await outcomes_of(answer, tmp_path, *paths, settings=limit)
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 20
    assert len(refused) <= 6  # what was sent before the settings were known
    assert seen.connections == 1


async def test_a_server_that_takes_no_more_streams_is_a_timeout(tmp_path: Path) -> None:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        none = SettingsFrame(0)
        none.settings = {SettingCodes.MAX_CONCURRENT_STREAMS: 0}
        connection.send(none)
        page(connection, stream_id, path)

    options = replace(IMPATIENT, concurrency=1)
    (first, second), seen = await outcomes_of(answer, tmp_path, "/1", "/2", options=options)
    assert saved(first, tmp_path) == PAGE
    assert isinstance(second, Failed)
    assert (second.kind, second.message) == (
        ErrorKind.TIMEOUT,
        "the server takes no request for too long",
    )
    assert seen.requests == ["/1"]


async def test_settings_may_change_during_transfers(tmp_path: Path) -> None:
    changes: list[dict[int, int]] = [
        {SettingCodes.MAX_CONCURRENT_STREAMS: 2},
        {SettingCodes.HEADER_TABLE_SIZE: 0},
        {SettingCodes.INITIAL_WINDOW_SIZE: 1},
        {SettingCodes.MAX_FRAME_SIZE: 20_000},
        {SettingCodes.MAX_CONCURRENT_STREAMS: 50},
    ]

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if changes:
            settings = SettingsFrame(0)
            settings.settings = changes.pop(0)
            connection.send(settings)
        page(connection, stream_id, path)

    outcomes, seen = await outcomes_of(answer, tmp_path, *(f"/{n}" for n in range(40)))
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 40
    assert seen.connections == 1


# --- attacks --------------------------------------------------------------------------------------


def push(stream_id: int) -> Frame:
    return PushPromiseFrame(stream_id, 2, b"\x82\x84\x86", flags=["END_HEADERS"])


def hpack_bomb(connection: ServerConnection, stream_id: int, path: str) -> None:
    block = b"\x88\x40\x01a\x7f\x81\x1e" + b"b" * 4000 + b"\xbe" * 16_000
    first, *rest = [block[at : at + 16_000] for at in range(0, len(block), 16_000)]
    frames = [HeadersFrame(stream_id, first), *(ContinuationFrame(stream_id, r) for r in rest)]
    frames[-1].flags.add("END_HEADERS")
    connection.send(*frames)


def flood(frame: Callable[[int], Frame]) -> Answer:
    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        connection.send(frame(stream_id).serialize() * 50_000)

    return answer


def raw(data: bytes) -> Answer:
    return lambda connection, stream_id, path: connection.send(data)


def after_the_end(connection: ServerConnection, stream_id: int, path: str) -> None:
    connection.respond(stream_id, PAGE)
    connection.send(DataFrame(stream_id, b"more"))


ATTACKS: dict[str, Answer] = {
    "interim responses": interim_responses,
    "SETTINGS": flood(lambda stream_id: SettingsFrame(0)),
    "PING": flood(lambda stream_id: PingFrame(0)),
    "RST_STREAM": flood(lambda stream_id: RstStreamFrame(1)),
    "PRIORITY": flood(lambda stream_id: PriorityFrame(stream_id, depends_on=0)),
    "WINDOW_UPDATE": flood(lambda stream_id: WindowUpdateFrame(0, 1)),
    "unknown frames": flood(lambda stream_id: unknown_frame(0xBB, 0, b"x")),
    "empty DATA": in_body(*[lambda stream_id: DataFrame(stream_id)] * 5000),
    "CONTINUATION": lambda connection, stream_id, path: connection.send(
        HeadersFrame(stream_id, b"\x88"), *[ContinuationFrame(stream_id, b"")] * 5000
    ),
    "a push": lambda connection, stream_id, path: connection.send(push(stream_id)),
    "a bomb": hpack_bomb,
    "a block that is not compressed": lambda connection, stream_id, path: connection.send(
        HeadersFrame(stream_id, b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"])
    ),
    "a frame that is too large": raw(b"\xff\xff\xff\0\0\0\0\0\1"),
    "no HTTP/2": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 10),
    "a body on stream 0": raw(b"\0\0\1\0\0\0\0\0\0x"),
    "a body on a stream that nobody opened": raw(b"\0\0\1\0\0\0\0\7\7x"),
    "a window that is too large": in_body(
        lambda stream_id: WindowUpdateFrame(0, 2**31 - 1), lambda s: WindowUpdateFrame(0, 2**31 - 1)
    ),
    "more than the window": in_body(*[lambda stream_id: DataFrame(stream_id, b"x" * 16_000)] * 9),
    "a head in the middle": in_body(
        lambda stream_id: HeadersFrame(stream_id, b"\x88", flags=["END_HEADERS"])
    ),
    "too much padding": raw(b"\0\0\2\0\x08\0\0\0\1" + b"\x09x"),
    "a GOAWAY that is too short": raw(b"\0\0\1\7\0\0\0\0\0x"),
    "a head that never ends": lambda connection, stream_id, path: connection.send(
        HeadersFrame(stream_id, b"\x88")
    ),
}


#: The attacks that do not break the protocol before they have ended their stream or connection.
OTHER_KINDS = {
    "RST_STREAM": ErrorKind.CONNECT,
    "a window that is too large": ErrorKind.TRUNCATED,
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_ends_in_an_outcome(name: str, tmp_path: Path) -> None:
    answer = on("/fault", ATTACKS[name])
    (outcome,), _ = await outcomes_of(answer, tmp_path, "/fault", options=IMPATIENT)
    assert kind(outcome) is OTHER_KINDS.get(name, ErrorKind.PROTOCOL)


async def test_what_comes_after_the_end_of_a_body_does_not_change_it(tmp_path: Path) -> None:
    outcomes, _ = await outcomes_of(on("/fault", after_the_end), tmp_path, "/fault", "/1")
    assert [saved(outcome, tmp_path) for outcome in outcomes] == [PAGE] * 2


async def test_a_page_that_breaks_its_connection_does_not_take_the_others_with_it(
    tmp_path: Path,
) -> None:
    paths = ["/1", "/fault", "/2", "/fault?again", "/3"]

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        if path.startswith("/fault"):
            hpack_bomb(connection, stream_id, path)
        else:
            page(connection, stream_id, path)

    outcomes, _ = await outcomes_of(answer, tmp_path, *paths)
    kinds = [outcome.kind if isinstance(outcome, Failed) else None for outcome in outcomes]
    assert kinds == [None, ErrorKind.PROTOCOL, None, ErrorKind.PROTOCOL, None]
    assert all(isinstance(outcome, Downloaded) for outcome in outcomes[::2])


# --- negotiation, and the real command ------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    """Make an authority, whose certificate is in ``authority.pem``."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return made


def offers(authority: trustme.CA, *protocols: str) -> ssl.SSLContext:
    """Return the TLS context of a server that takes these protocols."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.set_alpn_protocols(protocols)
    return context


async def test_http2_is_negotiated_and_can_be_switched_off(
    tmp_path: Path, authority: trustme.CA
) -> None:
    cacert = tmp_path / "authority.pem"
    async with http2_server(page, tls=offers(authority, "h2")) as server:
        (new,) = await fetch([server.url("/")], tmp_path / "new", Options(cacert=cacert))
        options = Options(cacert=cacert, http1_only=True, retries=0)
        (old,) = await fetch([server.url("/")], tmp_path / "old", options)
    assert saved(new, tmp_path / "new") == PAGE
    assert downloaded(new).http_version == "2"
    assert isinstance(old, Failed)  # the server speaks nothing else


async def test_a_server_that_wants_http1_gets_it(tmp_path: Path, authority: trustme.CA) -> None:
    """HTTP_1_1_REQUIRED: the next connection offers HTTP/1.1 alone (RFC 9113, section 7)."""
    resets_all = resets(ErrorCodes.HTTP_1_1_REQUIRED)
    context = offers(authority, "h2", "http/1.1")
    chosen: list[str | None] = []

    async def http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
        await writer.drain()
        await reader.read()
        writer.close()

    async with http2_server(resets_all, tls=context, http1=http1, chosen=chosen) as server:
        options = Options(cacert=tmp_path / "authority.pem")
        outcomes = await fetch([server.url(f"/{n}") for n in range(3)], tmp_path / "out", options)
    assert {saved(outcome, tmp_path / "out") for outcome in outcomes} == {b"old"}
    assert chosen[0] == "h2"
    assert set(chosen[1:]) == {"http/1.1"}


async def test_an_archive_has_the_exchange_as_http1_writes_it(
    command: Command, authority: trustme.CA, tmp_path: Path
) -> None:
    async with http2_server(page, tls=offers(authority, "h2")) as server:
        ran = await command(
            *("--warc", "a.warc.gz", "--cacert", tmp_path / "authority.pem", "-o", "out"),
            server.url("/a?b"),
        )
    assert (ran.status, ran.out[-1]) == (0, "Archived in a.warc.gz")
    with (command.folder / "a.warc.gz").open("rb") as file:
        records = {
            record.rec_type: (
                record.rec_headers,
                record.http_headers,
                record.content_stream().read(),
            )
            for record in ArchiveIterator(file)
        }
    headers, http, body = records["response"]
    assert headers["WARC-Protocol"] == "h2"
    assert (http.protocol, http.statusline, body) == ("HTTP/1.1", "200 OK", PAGE)
    headers, http, _ = records["request"]
    assert headers["WARC-Protocol"] == "h2"
    assert http.statusline == "/a?b HTTP/1.1"
    unpacked = await command("a.warc.gz", "-o", "unpacked")
    assert unpacked.status == 0
    (page_file,) = (command.folder / "unpacked").rglob("a*.html")
    assert page_file.read_bytes() == PAGE


async def test_a_killed_run_resumes_over_http2(
    command: Command, authority: trustme.CA, tmp_path: Path
) -> None:
    body = bytes(range(256)) * 16_000
    half = len(body) // 2
    asked_for = asyncio.Event()

    def answer(connection: ServerConnection, stream_id: int, path: str) -> None:
        asked = server.request_fields[-1].get("range")
        fields = [("etag", '"1"'), ("content-type", "application/octet-stream")]
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked:
            fields.append(("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}"))
        fields.append(("content-length", str(len(body) - start)))
        connection.send(connection.head(stream_id, fields, "206" if asked else "200"))
        end = len(body) if asked else half
        connection.send_body(stream_id, body[start:end], end=bool(asked))
        asked_for.set()

    async with http2_server(answer, tls=offers(authority, "h2")) as server, asyncio.timeout(60):
        arguments: list[str | Path] = [
            "--cacert",
            tmp_path / "authority.pem",
            "-o",
            "out",
            server.url("/big.bin"),
        ]
        process = await command.start(*arguments)
        await asked_for.wait()
        part = command.folder / "out"
        while not any(path.stat().st_size > 64_000 for path in part.rglob("*.part")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
        ran = await command(*arguments)
    assert ran.status == 0
    (file,) = (path for path in part.rglob("big.bin"))
    assert file.read_bytes() == body
    assert [bool(fields.get("range")) for fields in server.request_fields] == [False, True]
