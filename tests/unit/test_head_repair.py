"""Heads that curl, wget and browsers accept are repaired; no repair chooses between two lengths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.http.head_repair import repair_head, repair_response

START = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def repaired(*fields: bytes) -> list[bytes] | None:
    head = repair_head(START + b"".join(field + b"\r\n" for field in fields) + b"\r\n")
    if head is None:
        return None
    assert head.startswith(START)
    assert head.endswith(b"\r\n\r\n")
    return head[len(START) : -4].split(b"\r\n") if len(head) > len(START) + 2 else []


@pytest.mark.parametrize(
    "junk",
    [
        b"PHP Warning:  Unable to load dynamic library in Unknown on line 0",
        b"no colon at all",
        b"X Powered By: y",
        b"X-Frame(Options): z",
        b"X-\xe9: z",
        b": z",
        b"PHP Warning: one\r\n  and what continues it\r\n\tand more",
    ],
)
def test_a_line_that_is_no_field_is_dropped(junk: bytes) -> None:
    assert repaired(junk, b"Content-Length: 4") == [b"Content-Length: 4"]
    assert repaired(b"X: 1", junk, b"Y: 2") == [b"X: 1", b"Y: 2"]


def test_what_is_valid_stays() -> None:
    assert repaired(b"X: a\x01b", b"Y:", b"Z : z", b"W: one\r\n  two") == [
        b"X: a\x01b",
        b"Y: ",
        b"Z: z",
        b"W: one two",
    ]


def test_nul_and_carriage_return_in_a_value_become_spaces() -> None:
    assert repaired(b"X: a\0b\rc") == [b"X: a b c"]


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 \t 200   OK",
        b"\r\nHTTP/1.1  200 OK",
        b"HTTP/1.1 200OK",
    ],
)
def test_spaces_of_the_status_line_become_one(line: bytes) -> None:
    assert repair_head(line + b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_line_may_end_in_two_carriage_returns() -> None:
    received = b"HTTP/1.1 200 OK\r\r\nX: y\r\r\n\r\r\nbody"
    assert repair_response(received) == (b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n", len(received) - 4)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 2000 OK", b"HTTP/1.1 xx OK", b"HTTP/2 200", b"ICY 200 OK", b"HTTP/1.1", b""]
)
def test_another_status_line_is_not_repaired(line: bytes) -> None:
    assert repair_head(line + b"\r\n\r\n") is None


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 5, 5",),
        (b"Content-Length: 5", b"content-length: 5"),
        (b"Content-Length: 5,",),
        (b"Content-Length : 5",),
        (b"Transfer-Encoding: identity", b"Content-Length: 5"),
        (b"Transfer-Encoding: none", b"Content-Length: 5"),
    ],
)
def test_lengths_that_agree_are_one(fields: tuple[bytes, ...]) -> None:
    assert repaired(*fields) == [b"Content-Length: 5"]


@pytest.mark.parametrize(
    "fields",
    [
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked"),
        (b"Transfer-Encoding: chunked, identity",),
        (b"Transfer-Encoding: chunked,",),
        (b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
    ],
)
def test_chunked_is_said_once(fields: tuple[bytes, ...]) -> None:
    assert repaired(*fields) == [b"Transfer-Encoding: chunked"]


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 5, 6",),
        (b"Content-Length: 5", b"Content-Length: 6"),
        (b"Content-Length: ,",),
        (b"Content-Length: 5 bytes",),
        (b"Content-Length: +5",),
        (b"Content-Length: 5\r\n 6",),
        (b"Content-Length: 0x5",),
        (b"Content-Length:",),
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Content-Length 5", b"Content-Length: 4"),
        (b"Content Length: 5",),
        (b"Content-Length\xa0: 5",),
        (b"X Transfer-Encoding: chunked",),
        (b"Transfer-Encoding(x): chunked", b"Content-Length: 4"),
    ],
)
def test_where_the_end_of_the_body_is_ambiguous_nothing_is_repaired(
    fields: tuple[bytes, ...],
) -> None:
    assert repaired(*fields) is None


def test_interim_responses_stay_before_the_head() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    received = interim * 2 + START + b"no field\r\n\r\nbody\n\n"
    head, end = repair_response(received)
    assert head == interim * 2 + START + b"\r\n"
    assert received[end:] == b"body\n\n"
    assert repair_response(received[:-9]) == (None, -1)


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_what_is_repaired_needs_no_second_repair(lines: list[bytes]) -> None:
    head = repair_head(
        START + b"\r\n".join(line.replace(b"\n", b"") for line in lines) + b"\r\n\r\n"
    )
    if head is not None:
        assert repair_head(head) == head
        assert head.count(b"\n\r\n") == 1
