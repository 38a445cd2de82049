"""A connection of HTTP/2 without a network: whatever comes, and whoever does not read."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)
from hypothesis import example, given
from hypothesis import strategies as st

from downloader.errors import TruncatedError, UrlError
from downloader.http.http2.errors import ConnectionDiedError, NotProcessedError
from downloader.web.text import printable
from downloader.web.urls import Url
from tests.support.http2_connection import connect

if TYPE_CHECKING:
    from downloader.http.http2.connection import Http2Connection
    from downloader.http.http2.stream import Http2Response

KIB, MIB = 1024, 1024 * 1024
OK = (b":status", b"200")


def head(
    stream_id: int, fields: Iterable[tuple[bytes, bytes]] = (OK,), flags: Sequence[str] = ()
) -> bytes:
    block = Encoder().encode([*fields])
    return HeadersFrame(stream_id, block, flags=["END_HEADERS", *flags]).serialize()


# --- whatever comes -------------------------------------------------------------------------------

STREAM_IDS = st.sampled_from([1, 1, 1, 3, 3, 5, 5, 7, 2, 2**31 - 1])
ENDS = st.sampled_from([(), (), ("END_STREAM",)])
NAMES = [
    *(b":status", b":path", b"content-length", b"x-a", b"X-B", b"", b"\xff", b"set-cookie"),
    *(b"transfer-encoding", b"location", b"content-encoding"),
]
VALUES = [
    b"200",
    b"100",
    b"304",
    b"5",
    b"0",
    b"-1",
    b"",
    b"\r\n",
    b"\xff\xfe",
    b"9" * 30,
    b"a" * 99,
]
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4)
STATUSES = st.sampled_from([[OK], [OK], [(b":status", b"103")], [(b":status", b"204")], []])
SETTING_VALUES = st.sampled_from([0, 1, 100, 16_384, 65_535, 2**31 - 1, 2**31, 2**32 - 1])
CODES = st.sampled_from([0, 1, 2, 5, 7, 8, 11, 13, 99, 2**32 - 1])


def settings_frame(settings: dict[int, int]) -> bytes:
    frame = SettingsFrame(0)
    frame.settings = settings
    return frame.serialize()


def serialized(frames: st.SearchStrategy[Frame]) -> st.SearchStrategy[bytes]:
    return frames.map(lambda frame: frame.serialize())


HEADS = st.builds(
    lambda s, status, f, end: head(s, [*status, *f], end), STREAM_IDS, STATUSES, FIELDS, ENDS
)
BODIES = serialized(
    st.builds(
        lambda s, data, end: DataFrame(s, data, flags=end),
        STREAM_IDS,
        st.sampled_from([b"", b"5", b"12345", b"x" * 16_000]),
        ENDS,
    )
)
OTHERS = st.one_of(
    serialized(st.builds(RstStreamFrame, STREAM_IDS, CODES)),
    serialized(st.builds(lambda last, code: GoAwayFrame(0, last, code), STREAM_IDS, CODES)),
    serialized(st.builds(WindowUpdateFrame, STREAM_IDS, st.sampled_from([1, 2**31 - 1]))),
    serialized(st.builds(lambda block: HeadersFrame(1, block), st.binary(max_size=20))),
    serialized(
        st.builds(lambda s: ContinuationFrame(s, b"\x88", flags=["END_HEADERS"]), STREAM_IDS)
    ),
    serialized(st.builds(lambda s: PushPromiseFrame(s, 2, b"\x82\x84\x86"), STREAM_IDS)),
    serialized(st.builds(lambda s: PriorityFrame(s, depends_on=1), STREAM_IDS)),
    st.sampled_from([PingFrame(0).serialize(), PingFrame(0, flags=["ACK"]).serialize()]),
    st.builds(settings_frame, st.dictionaries(st.integers(1, 9), SETTING_VALUES, max_size=3)),
    st.just(SettingsFrame(0, flags=["ACK"]).serialize()),
    # Any frame of any type, and what is none.
    st.builds(
        lambda kind, flags, s, data: (
            len(data).to_bytes(3, "big") + bytes([kind, flags]) + s.to_bytes(4, "big") + data
        ),
        st.integers(0, 12),
        st.integers(0, 255),
        STREAM_IDS | st.just(0),
        st.binary(max_size=12),
    ),
    st.binary(max_size=20),
)
FRAMES = st.lists(HEADS | BODIES | HEADS | BODIES | OTHERS, max_size=10)


async def message_of(connection: "Http2Connection", number: int) -> str:
    """Make a request and read its response; return the message of its failure, if it fails."""
    try:
        response = await connection.request(Url(f"https://h.example/{number}"), "", [])
        try:
            while await response.content.readany():
                pass
        finally:
            response.release()
    except UrlError as error:
        return error.message
    except NotProcessedError:
        pass
    return ""


async def receive(received: bytes, piece_bytes: int) -> None:
    connection, transport = connect()
    requests = [asyncio.create_task(message_of(connection, number)) for number in range(4)]
    await asyncio.sleep(0)
    for start in range(0, len(received), piece_bytes):
        if not transport.closed:
            connection.data_received(received[start : start + piece_bytes])
        await asyncio.sleep(0)
    connection.connection_lost(None)
    for message in await asyncio.wait_for(asyncio.gather(*requests), 5):
        assert message == printable(message)
        assert not re.search("State|Frame[^ ]|Inputs|<|b'", message)  # names of h2's code
    assert connection.idle
    assert connection.budget.granted == 0


@given(FRAMES, st.sampled_from([7, 50, 100_000]))
@example([head(1, ())], 100_000)
@example([head(1, (), ["END_STREAM"]), head(3), head(1)], 100_000)
def test_whatever_comes_each_request_has_its_outcome(frames: list[bytes], piece_bytes: int) -> None:
    asyncio.run(receive(settings_frame({}) + b"".join(frames), piece_bytes))


async def test_a_connection_may_die_with_a_hundred_streams() -> None:
    """Those whose head has come are truncated, and the others can be asked for again."""
    connection, _ = connect()
    url = Url("https://h.example/")
    requests = [asyncio.create_task(connection.request(url, "", [])) for _ in range(103)]
    await asyncio.sleep(0)
    connection.data_received(settings_frame({}) + head(1) + head(3))
    bodies = [(await request).content for request in requests[:2]]
    connection.connection_lost(ConnectionResetError())
    for body in bodies:
        with pytest.raises(TruncatedError):
            await body.readany()
    ended = await asyncio.gather(*requests[2:100], return_exceptions=True)
    assert {type(error) for error in ended} == {ConnectionDiedError}
    # These were not sent: the server takes a hundred at once.
    waiting = await asyncio.gather(*requests[100:], return_exceptions=True)
    assert {type(error) for error in waiting} == {NotProcessedError}
    assert connection.idle


# --- whoever does not read ------------------------------------------------------------------------


async def test_bodies_that_nobody_reads_have_a_limit_all_together() -> None:
    """Also those whose streams have ended, which a server may do before anything is read."""
    connection, _ = connect()
    connection.data_received(settings_frame({3: 1000}))
    responses: list[Http2Response] = []
    received = 0
    for stream_id in range(1, 400, 2):
        request = asyncio.create_task(connection.request(Url("https://h.example/"), "", []))
        await asyncio.sleep(0)
        connection.data_received(head(stream_id, [OK, (b"content-length", b"%d" % MIB)]))
        response = await request
        responses.append(response)
        assert response.content.window <= MIB
        body = b"x" * response.content.window
        for start in range(0, len(body), 16 * KIB):
            connection.data_received(
                DataFrame(stream_id, body[start : start + 16 * KIB]).serialize()
            )
        received += len(body)
        if len(body) == MIB:
            connection.data_received(DataFrame(stream_id, flags=["END_STREAM"]).serialize())
    smallest = min(response.content.window for response in responses)
    assert received <= 64 * MIB + len(responses) * smallest
    for response in responses:
        response.release()
    assert connection.budget.granted == 0
    connection.close()


async def test_a_connection_without_a_number_for_another_stream_is_used_no_more() -> None:
    connection, _ = connect()
    connection._h2.highest_outbound_stream_id = 2**31 - 1
    with pytest.raises(NotProcessedError):
        await connection.request(Url("http://h/"), "", [])
    assert not connection.usable
