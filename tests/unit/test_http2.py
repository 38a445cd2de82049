"""HTTP/2 without a network: frames, fields, windows, and which connection a request uses."""

import asyncio
from itertools import pairwise

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    SettingsFrame,
)
from hypothesis import given
from hypothesis import strategies as st

from downloader.errors import BadUrlError, ProtocolError
from downloader.http.http2.errors import FloodError, FrameError
from downloader.http.http2.fields import (
    FieldDecoder,
    Http2Head,
    header_fields,
    request_as_http1,
    request_fields,
)
from downloader.http.http2.frames import MAX_FRAME_BYTES, MAX_HEAD_BYTES, FrameSplitter
from downloader.http.http2.origins import Http2Origin, Http2Origins
from downloader.http.http2.windows import WindowBudget
from downloader.web.urls import Url
from tests.support.http2_connection import connect

SIXTEEN_MB = 16 * 1024 * 1024


def data_frame(body: bytes, *flags: str, padding: int = 0) -> bytes:
    return DataFrame(1, body, pad_length=padding, flags=flags).serialize()


def split(*pieces: bytes) -> list[bytes]:
    """Return the frames that the pieces hold."""
    splitter = FrameSplitter()
    return [frame.data for piece in pieces for frame in splitter.split(piece)]


# --- frames ---------------------------------------------------------------------------------------


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.lists(st.integers(0, 300), max_size=30).map(sorted),
)
def test_frames_are_the_same_however_their_bytes_arrive(
    bodies: list[bytes], cuts: list[int]
) -> None:
    frames = [data_frame(body) for body in bodies]
    received = b"".join(frames)
    ends = [0, *(cut for cut in cuts if cut < len(received)), len(received)]
    assert split(*(received[start:end] for start, end in pairwise(ends))) == frames


@given(st.binary(max_size=200), st.integers(0, 255))
def test_a_body_is_taken_from_its_frame_without_padding(body: bytes, padding: int) -> None:
    frame = data_frame(body, "PADDED", padding=padding)
    (found,) = FrameSplitter().split(frame)
    assert found.body() == body


def test_padding_that_is_longer_than_its_frame_is_refused() -> None:
    (found,) = FrameSplitter().split(b"\0\0\2\0\x08\0\0\0\1" + b"\x02x")
    with pytest.raises(FrameError):
        found.body()


def test_a_frame_that_is_too_large_is_refused_before_it_has_come() -> None:
    head = (MAX_FRAME_BYTES + 1).to_bytes(3, "big") + b"\0\0\0\0\0\1"
    with pytest.raises(FrameError, match="a frame of 65537 bytes") as caught:
        split(head)
    assert caught.value.stream_id == 1


def test_the_size_of_a_head_counts_all_its_frames() -> None:
    splitter = FrameSplitter()
    first, rest = HeadersFrame(1, b"x" * 50), ContinuationFrame(1, b"y" * 20)
    list(splitter.split(first.serialize() + rest.serialize()))
    assert splitter.head_bytes == 9 + 50 + 9 + 20


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (PingFrame(0), FloodError),
        (SettingsFrame(0), FloodError),
        (DataFrame(1), FloodError),
        (ContinuationFrame(1), FloodError),
        (ContinuationFrame(1, b"x" * 1000), FrameError),
    ],
)
def test_frames_without_use_have_an_end(frame: Frame, error: type[FrameError]) -> None:
    flood = frame.serialize() * 1200
    with pytest.raises(error):
        split(flood)


def test_a_head_has_a_limit_however_many_frames_it_comes_in() -> None:
    piece = ContinuationFrame(1, b"x" * 16_000).serialize()
    with pytest.raises(FrameError, match="the head is longer than 256 kB"):
        split(HeadersFrame(1, b"x").serialize(), *[piece] * (MAX_HEAD_BYTES // 16_000 + 1))


def test_a_busy_connection_may_have_as_many_control_frames_as_it_needs() -> None:
    splitter = FrameSplitter()
    for _ in range(5000):
        splitter.request_sent()
        list(splitter.split(PingFrame(0).serialize() + SettingsFrame(0).serialize()))


# --- fields ---------------------------------------------------------------------------------------

OK = (b":status", b"200")


def test_a_head_has_its_status_fields_and_length() -> None:
    head = Http2Head([OK, (b"x-a", b" b "), (b"Content-Length", b"5")])
    assert (head.status, head.reason, head.content_length) == (200, "OK", 5)
    assert head.headers["X-A"] == "b"
    assert head.as_http1() == b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        [(b"x-a", b"b")],
        [(b":status", b"20")],
        [(b":status", b"abc")],
        [OK, OK],
        [(b"x-a", b"b"), OK],
        [OK, (b":path", b"/")],
        [OK, (b"X-Upper", b"b")],
        [OK, (b"", b"b")],
        [OK, (b"a b", b"c")],
        [OK, (b"connection", b"close")],
        [OK, (b"transfer-encoding", b"chunked")],
        [OK, (b"x-a", b"b\r\nc: d")],
        [OK, (b"x-a", b"b\0c")],
        [OK, (b"Content-Length", b"five")],
        [OK, (b"Content-Length", b"-5")],
        [OK, (b"Content-Length", b"5"), (b"Content-Length", b"6")],
        [OK, (b"Content-Length", b"5, 6")],
    ],
)
def test_a_malformed_head_is_refused(fields: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(ProtocolError, match="not valid HTTP/2"):
        Http2Head(fields)


def test_a_length_that_is_repeated_is_one() -> None:
    assert Http2Head([OK, (b"Content-Length", b"5, 5")]).content_length == 5


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), min_size=1, max_size=5))
def test_any_head_is_taken_or_refused(fields: list[tuple[bytes, bytes]]) -> None:
    for head in ([OK, *fields], fields):
        try:
            taken = Http2Head(head)
        except ProtocolError:
            continue
        assert taken.as_http1().count(b"\r\n") == len(taken.raw_headers) + 2


def test_h2_does_not_see_lengths() -> None:
    block = Encoder().encode([OK, (b"content-length", b"5")])
    assert [*FieldDecoder().decode(block, raw=True)] == [OK, (b"Content-Length", b"5")]


def test_a_request_has_its_url_and_no_fields_of_a_connection() -> None:
    own = header_fields({"Host": "h", "Connection": "close", "X-A": "ü", "Cookie": "s=1"})
    fields = request_fields(Url("https://site.example:8443/a/b?c"), "", own)
    assert fields == [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"site.example:8443"),
        (b":path", b"/a/b?c"),
        (b"x-a", "ü".encode()),
        (b"cookie", b"s=1"),
    ]
    assert request_as_http1(fields, b"").startswith(
        b"GET /a/b?c HTTP/1.1\r\nhost: site.example:8443\r\n"
    )


def test_a_secret_does_not_become_part_of_the_compression() -> None:
    encoder = Encoder()
    fields = request_fields(
        Url("https://h/"), "", header_fields({"Authorization": "Basic c2VjcmV0"})
    )
    first = encoder.encode(fields, huffman=False)
    assert encoder.encode(fields, huffman=False).count(b"c2VjcmV0") == first.count(b"c2VjcmV0") == 1


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\0b"])
def test_a_header_with_a_line_break_is_not_sent(value: str) -> None:
    with pytest.raises(BadUrlError):
        header_fields({"X-A": value})


# --- windows --------------------------------------------------------------------------------------


def test_a_window_grows_as_far_as_the_budget_allows() -> None:
    budget = WindowBudget()
    first = budget.open()
    assert budget.enlarge(first, 1 << 40) == SIXTEEN_MB
    large = [budget.enlarge(budget.open(), SIXTEEN_MB) for _ in range(10)]
    assert large.count(SIXTEEN_MB) == 3
    assert budget.enlarge(budget.open(), SIXTEEN_MB) == budget.initial
    for _ in range(2):
        budget.close(SIXTEEN_MB)
    assert budget.enlarge(budget.open(), SIXTEEN_MB) == SIXTEEN_MB


def test_a_window_of_fixed_size_does_not_grow() -> None:
    budget = WindowBudget(2048)
    assert budget.enlarge(budget.open(), SIXTEEN_MB) == 2048


# --- origins --------------------------------------------------------------------------------------


async def test_requests_wait_until_it_is_known_whether_they_need_connections() -> None:
    origin = Http2Origin()
    assert await origin.usable_connection() is None  # the first one negotiates
    waiting = asyncio.create_task(origin.usable_connection())
    await asyncio.sleep(0)
    assert not waiting.done()
    connection = connect()[0]
    assert origin.http2_negotiated(connection) is connection
    assert await waiting is connection
    connection.close()
    assert await origin.usable_connection() is None


async def test_requests_to_an_origin_of_http1_do_not_wait() -> None:
    origin = Http2Origin()
    await origin.usable_connection()
    waiting = [asyncio.create_task(origin.usable_connection()) for _ in range(3)]
    await asyncio.sleep(0)
    origin.http1_negotiated()
    assert await asyncio.gather(*waiting, origin.usable_connection()) == [None] * 4


async def test_requests_to_an_origin_that_cannot_be_reached_go_on_side_by_side() -> None:
    origin = Http2Origin()
    await origin.usable_connection()
    waiting = [asyncio.create_task(origin.usable_connection()) for _ in range(3)]
    await asyncio.sleep(0)
    origin.not_negotiated()
    assert await asyncio.gather(*waiting, origin.usable_connection()) == [None] * 4


async def test_of_two_connections_to_an_origin_the_first_is_used() -> None:
    origin = Http2Origin()
    first, second = connect()[0], connect()[0]
    assert origin.http2_negotiated(first) is first
    assert origin.http2_negotiated(second) is first
    assert not second.usable
    first.close()


def test_origins_without_a_connection_are_forgotten_when_they_are_many() -> None:
    origins = Http2Origins()
    for number in range(25_000):
        origins.origin(f"https://{number}.example")
    assert len(origins._origins) <= 20_000
