"""Whatever bytes a server sends, there is an outcome and the URLs beside it succeed."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from downloader import Downloaded, ErrorKind, Failed, Options, Outcome, download_sites
from downloader.web.text import printable
from tests.support.fault_server import PAGE, Request, fault_server, send
from tests.support.files import saved_files

SLOW = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


STATUS_LINES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/1.1 204 No", b"HTTP/1.1 206 Part"),
        *(b"HTTP/1.1 302 Found", b"HTTP/1.1 304 Not", b"HTTP/1.1 100 Continue", b"HTTP/1.1 101 X"),
        *(b"HTTP/1.1 404 \xff\x1b[2J", b"HTTP/1.1 416 No", b"HTTP/1.1 429 Slow", b"HTTP/2 200"),
        *(b"HTTP/1.1 000 Zero", b"HTTP/1.1 -20 Minus", b"http/1.1 200 ok", b"ICY 200 OK", b"GET /"),
    ]
)


HEADER_LINES = st.sampled_from(
    [
        *(b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: +5"),
        *(b"Content-Length: 99999999999999999999", b"Content-Length: 5, 5", b"Content-Length:"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Transfer-Encoding: ,"),
        *(b"Content-Encoding: gzip", b"Content-Encoding: br", b"Content-Encoding: \xff"),
        *(b"Content-Encoding: zstd", b"Content-Encoding: deflate, gzip", b"Content-Encoding: ,,"),
        *(b"Content-Type: text/html; charset=utf-16", b"Content-Type: \xff;\x1b", b"Content-Type:"),
        *(b"Content-Type: text/plain", b"Content-Type: a/../../b", b"Content-Disposition: x=../y"),
        *(b"Location: /page", b"Location: \xff\xfe", b"Location: file:///etc/passwd", b"Location:"),
        *(b"Location: //[", b"Location: http://u:p@127.0.0.1:1/", b"Connection: close"),
        *(
            b"Connection: upgrade",
            b"Upgrade: websocket",
            b"Set-Cookie: \xff=\x1b",
            b"Set-Cookie: =",
        ),
        *(b'ETag: "\xff\x01"', b"Last-Modified: 1 Jan 99999999999999999999 00:00:00 GMT"),
        *(b"Last-Modified: Thu, 01 Jan 1 00:00:00 +2359", b"Date: x", b"Retry-After: 1e9"),
        *(
            b"Content-Range: bytes 0-4/5",
            b"Content-Range: x",
            b" folded",
            b": none",
            b"a",
            b"\xe9: b",
        ),
    ]
)


BODY_PIECES = st.sampled_from(
    [
        *(
            b"hello",
            b"5\r\nhello\r\n",
            b"0\r\n\r\n",
            b"5",
            b"\r\n",
            b"zz\r\n",
            b"FFFFFFFFFFFFFFFFF\r\n",
        ),
        *(b"5;x=\xff\r\n", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"\x0b\x02\x80"),
        *(b"<meta charset=utf-16>", b"\xff\xfe", b"HTTP/1.1 200 OK\r\n\r\n"),
    ]
)


LINE_ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"", b"\0\r\n"])


ANSWERS = st.tuples(
    STATUS_LINES | st.binary(max_size=20),
    st.lists(st.tuples(LINE_ENDS, HEADER_LINES | st.binary(max_size=20)), max_size=6).map(
        lambda lines: b"".join(end + line for end, line in lines)
    ),
    st.sampled_from([b"\r\n\r\n"] * 8 + [b"\r\n", b""]),
    st.lists(BODY_PIECES | st.binary(max_size=20), max_size=5).map(b"".join),
).map(b"".join) | st.binary(max_size=100)


PATIENCE = Options(retries=0, connect_timeout=5, read_timeout=1, timeout=5, max_size=10_000)


async def outcomes_of(answers: list[bytes], folder: Path) -> list[Outcome]:
    """Return what becomes of one URL for each answer, and of one before and one after them."""

    async def say(request: Request, writer: asyncio.StreamWriter) -> None:
        await send(writer, answers[int(request.path[1:])])
        writer.close()

    async with fault_server() as server, asyncio.timeout(30):
        server.otherwise = say
        paths = ["/before", *(f"/{number}" for number in range(len(answers))), "/after"]
        return await download_sites(map(server.url, paths), folder, options=PATIENCE)


def assert_sane(outcome: Outcome, folder: Path) -> Iterator[str]:
    """Fail unless an outcome can be reported and is true; yield the name that it says is there."""
    if isinstance(outcome, Downloaded):
        assert (folder / outcome.path).stat().st_size == outcome.sizes.saved
        for text in (outcome.etag, outcome.last_modified, outcome.media_type, outcome.final_url):
            text.encode()
        yield outcome.path
        return
    assert isinstance(outcome, Failed)
    assert outcome.kind not in (ErrorKind.INTERNAL, ErrorKind.DISK, ErrorKind.BAD_URL), outcome
    assert outcome.traceback == ""
    assert 0 < len(outcome.message) <= 400
    assert outcome.message == printable(outcome.message)


DISPOSITIONS = st.lists(
    st.sampled_from(
        [
            *(b"attachment", b"inline", b"; ", b"filename=", b"filename*=", b"UTF-8''", b'"'),
            *(b"../", b"/etc/passwd", b"%2e%2e%2f", b"C:\\", b".download/journal.sqlite3"),
            *(b"=?utf-8?b?Li4v?=", b"..\\", b"\xef\xbc\x8e"),
        ]
    )
    | st.binary(max_size=8),
    max_size=8,
).map(b"".join)


@given(st.lists(DISPOSITIONS, min_size=15, max_size=30))
@settings(SLOW, max_examples=30)
def test_any_content_disposition_has_no_part_in_the_name(fields: list[bytes]) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Disposition: %s\r\nContent-Length: 2\r\n\r\nhi" % field
        for field in fields
    ]
    with tempfile.TemporaryDirectory() as name:
        _, *outcomes, _ = asyncio.run(outcomes_of(answers, Path(name) / "folder"))
        for number, outcome in enumerate(outcomes):
            for path in assert_sane(outcome, Path(name) / "folder"):
                # Line breaks in the field make other fields of its rest.
                assert Path(path).stem == str(number)


@given(st.lists(ANSWERS, min_size=15, max_size=30))
@example([b"HTTP/1.1 200 OK\r\nLast-Modified: 1 Jan 99999999999999999999 00:00:00 GMT\r\n\r\n"])
@settings(SLOW, max_examples=60)
def test_any_bytes_for_an_answer_have_an_outcome_and_the_neighbours_succeed(
    answers: list[bytes],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "folder"
        outcomes = asyncio.run(outcomes_of(answers, folder))
        assert len(outcomes) == len(answers) + 2
        there = {path for outcome in outcomes for path in assert_sane(outcome, folder)}
        assert saved_files(Path(name)) == {f"folder/{path}" for path in there}
        for neighbour in (outcomes[0], outcomes[-1]):
            assert isinstance(neighbour, Downloaded)
            assert (folder / neighbour.path).read_bytes() == PAGE
