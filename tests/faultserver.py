"""A web server that misbehaves in one chosen way for each path.

It speaks over bare streams, because a real HTTP library would refuse to send most of this. Each
fault is a small function registered under its path; ``Request.count`` and ``Request.turn`` let
one behave differently at another attempt, or on a connection that is used again.
"""

import asyncio
import gzip
import socket
import ssl
import struct
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path

import brotli
import trustme

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Headers = Iterable[tuple[str, str]]
HOST = "127.0.0.1"
#: What is sent where the fault is not in the body.
PAGE = b"<!doctype html><title>Lights</title><p>" + b"The lamp turns; the tide does too. " * 40
#: More than is held in memory, so that it passes through a ``.part`` file.
LARGE = bytes(range(256)) * 12 * 1024
HTML = ("Content-Type", "text/html; charset=utf-8")
BINARY = ("Content-Type", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for.

    Attributes:
        method, path: from the request line, as sent.
        headers: by lower-case name.
        count: how many times this path has been asked for, this time included.
        turn: how many requests its connection has carried, this one included.

    """

    method: str
    path: str
    headers: dict[str, str]
    count: int
    turn: int


class Door(Enum):
    """The ports of the server, by what is behind them."""

    PLAIN = "plain HTTP"
    TRUSTED = "TLS with a certificate of the test authority"
    UNTRUSTED = "TLS with a certificate of an authority nobody knows"
    SELF_SIGNED = "TLS with a certificate that signed itself"
    EXPIRED = "TLS with a certificate that is over"
    WRONG_NAME = "TLS with a certificate for another host"
    SILENT = "connections are accepted, then nothing"
    CLOSING = "connections are closed at once"

    @property
    def scheme(self) -> str:
        """Return what the URLs of this door begin with."""
        return "https" if self.value.startswith("TLS") else "http"


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
#: Every fault, by its path.
FAULTS: dict[str, Answer] = {}


def fault(path: str) -> Callable[[Answer], Answer]:
    """Register a function as what answers requests for *path*."""

    def register(answer: Answer) -> Answer:
        assert path not in FAULTS, f"{path} is registered twice"
        FAULTS[path] = answer
        return answer

    return register


class FaultServer:
    """Serves every registered fault on every door; made by :func:`fault_server`.

    Attributes:
        requests: what was asked for, in order.
        otherwise: what answers requests for a path that no fault is registered under.

    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.otherwise: Answer = _not_found
        self._ports: dict[Door, int] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def url(self, path: str, door: Door = Door.PLAIN, scheme: str = "") -> str:
        """Return the address of *path* behind *door*."""
        return f"{scheme or door.scheme}://{HOST}:{self._ports[door]}{path}"

    def paths(self) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [request.path for request in self.requests]

    async def open(self, door: Door) -> asyncio.Server:
        """Start to listen at *door*."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections.add(task)
            try:
                # Ending quietly on cancellation keeps asyncio from logging it as an error.
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await self._serve(door, reader, writer)
            finally:
                self._connections.discard(task)
                writer.close()

        server = await asyncio.start_server(connected, HOST, 0, ssl=_tls(door))
        self._ports[door] = server.sockets[0].getsockname()[1]
        return server

    async def hang_up(self) -> None:
        """End every connection, also those that would stall for ever."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections)

    async def _serve(
        self, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if door is Door.CLOSING:
            return
        if door is Door.SILENT:
            await stall()
        turn = 0
        while not writer.is_closing():
            first = await reader.readexactly(1)
            if first == _TLS_HELLO:
                await reader.read(64 * 1024)
                await respond(writer, "400 Bad Request", body=b"plain HTTP is spoken here")
                return
            turn += 1
            request = self._logged(first + await reader.readuntil(b"\r\n\r\n"), turn)
            answer = FAULTS.get(request.path.partition("?")[0], self.otherwise)
            await answer(request, writer)

    def _logged(self, head: bytes, turn: int) -> Request:
        line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _version = line.split(" ")
        pairs = (field.partition(":") for field in fields)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        count = 1 + sum(request.path == path for request in self.requests)
        request = Request(method, path, headers, count, turn)
        self.requests.append(request)
        return request


@asynccontextmanager
async def fault_server(*doors: Door) -> AsyncIterator[FaultServer]:
    """Give a running server with *doors* beside the plain one."""
    server = FaultServer()
    async with AsyncExitStack() as stack:
        for door in {Door.PLAIN, *doors}:
            await stack.enter_async_context(await server.open(door))
        # Runs before the doors close, which from Python 3.12 on waits for the connections.
        stack.push_async_callback(server.hang_up)
        yield server


# --- certificates --------------------------------------------------------------------------------

_TLS_HELLO = b"\x16"


def save_authority(path: Path) -> None:
    """Write the certificate that vouches for the trusted doors as a PEM file."""
    _authority().cert_pem.write_to_path(str(path))


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def _tls(door: Door) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    match door:
        case Door.TRUSTED:
            _authority().issue_cert(HOST).configure_cert(context)
        case Door.UNTRUSTED:
            trustme.CA().issue_cert(HOST).configure_cert(context)
        case Door.EXPIRED:
            over = datetime(2020, 1, 1, tzinfo=UTC)
            _authority().issue_cert(HOST, not_after=over).configure_cert(context)
        case Door.WRONG_NAME:
            _authority().issue_cert("elsewhere.test").configure_cert(context)
        case Door.SELF_SIGNED:
            stranger = trustme.CA()
            both = trustme.Blob(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
            with both.tempfile() as file:
                context.load_cert_chain(file)
        case _:
            return None
    return context


# --- what answers are made of --------------------------------------------------------------------


def head(status: str = "200 OK", headers: Headers = (), *, version: str = "HTTP/1.1") -> bytes:
    """Return a status line and header fields as they are sent."""
    lines = [f"{version} {status}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def length(body: bytes) -> tuple[str, str]:
    """Return the header field that says how long *body* is."""
    return ("Content-Length", str(len(body)))


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; of no data, the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(body: bytes) -> bytes:
    """Return *body* in several chunks and the last one."""
    size = max(1, len(body) // 3)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(map(chunk, pieces)) + LAST_CHUNK


CHUNKED = ("Transfer-Encoding", "chunked")
LAST_CHUNK = chunk(b"")
CLOSE = ("Connection", "close")


async def send(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Send bytes as they are."""
    writer.write(b"".join(parts))
    await writer.drain()


async def respond(
    writer: asyncio.StreamWriter,
    status: str = "200 OK",
    headers: Headers = (HTML,),
    body: bytes = PAGE,
) -> None:
    """Send a whole, well-formed answer that leaves the connection open."""
    await send(writer, head(status, [*headers, length(body)]), body)


async def send_and_close(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Send bytes as they are, then end the connection in good order."""
    await send(writer, *parts)
    writer.close()


async def reset(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Send bytes as they are, then break the connection: the client sees ECONNRESET."""
    await send(writer, *parts)
    if parts:
        # What is still on its way when the reset comes is lost, and the head with it.
        await asyncio.sleep(0.05)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def redirect(writer: asyncio.StreamWriter, location: str, status: str = "302 Found") -> None:
    """Send a redirect; *location* is sent as Latin-1, so one character is one byte."""
    await respond(writer, status, [("Location", location)], b"")


async def stall() -> None:
    """Do nothing until the server goes."""
    await asyncio.Event().wait()


async def _not_found(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 Not Found", body=b"no fault is registered here")


# --- neighbours: what must work whatever happens beside them -------------------------------------


@fault("/before")
@fault("/after")
@fault("/page")
async def page(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer)


@fault("/large")
async def large(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[BINARY], body=LARGE)


# --- framing of the body -------------------------------------------------------------------------


@fault("/length-more-than-sent")
async def length_more_than_sent(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE)]), PAGE[:-1])


@fault("/length-but-no-body")
async def length_but_no_body(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE)]))


@fault("/large-cut")
async def large_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[BINARY, length(LARGE)]), LARGE[:-1])


@fault("/large-chunked-cut")
async def large_chunked_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[BINARY, CHUNKED]), chunk(LARGE))


@fault("/length-less-than-sent")
async def length_less_than_sent(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, length(PAGE)]), PAGE, b"bytes too many")


@fault("/poison")
async def poison(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send an answer to a request that was not made yet, at once."""
    forged = head(headers=[HTML, length(b"poison")]) + b"poison"
    await send(writer, head(headers=[HTML, length(PAGE)]), PAGE, forged)


@fault("/late-poison")
async def late_poison(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send such an answer when the connection lies idle."""
    await respond(writer)
    await asyncio.sleep(0.05)
    await send(writer, head(headers=[HTML, length(b"poison")]), b"poison")


@fault("/poison-behind-the-body")
async def poison_behind_the_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send such an answer in one packet with a body whose head has been taken already."""
    forged = head(headers=[HTML, length(b"poison")]) + b"poison"
    await send(writer, head(headers=[HTML, length(PAGE)]))
    await asyncio.sleep(0.05)
    await send(writer, PAGE, forged)


@fault("/length-negative")
async def length_negative(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Length", "-5")]), PAGE)


@fault("/length-words")
async def length_words(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Length", "many")]), PAGE)


@fault("/length-empty")
async def length_empty(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Length", "")]), PAGE)


@fault("/length-overflow")
async def length_overflow(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Length", "9" * 30)]), PAGE)


@fault("/lengths-conflict")
async def lengths_conflict(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE), ("Content-Length", "5")]), PAGE)


@fault("/lengths-agree")
async def lengths_agree(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE), length(PAGE)]), PAGE)


@fault("/length-and-chunked")
async def length_and_chunked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE), CHUNKED]), chunked(PAGE))


@fault("/chunked")
async def chunked_whole(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), chunked(PAGE))


@fault("/chunked-empty")
async def chunked_empty(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), LAST_CHUNK)


@fault("/chunked-with-extension-and-trailer")
async def chunked_with_trimmings(_: Request, writer: asyncio.StreamWriter) -> None:
    body = b"%X;name=value\r\n%s\r\n0\r\nX-Trailer: yes\r\n\r\n" % (len(PAGE), PAGE)
    await send(writer, head(headers=[HTML, CHUNKED]), body)


@fault("/chunked-without-last")
async def chunked_without_last(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE))


@fault("/chunked-nothing-sent")
async def chunked_nothing_sent(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]))


@fault("/chunked-last-cut")
async def chunked_last_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE), b"0\r\n")


@fault("/chunk-cut")
async def chunk_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE)[:-20])


@fault("/chunk-size-cut")
async def chunk_size_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE), b"1f")


@fault("/chunk-size-malformed")
async def chunk_size_malformed(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), b"zz\r\n", PAGE)


@fault("/chunk-size-malformed-later")
async def chunk_size_malformed_later(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE))
    await asyncio.sleep(0.05)
    await send_and_close(writer, b"zz\r\n")


@fault("/chunk-size-negative")
async def chunk_size_negative(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), b"-5\r\n", PAGE)


@fault("/chunk-size-overflow")
async def chunk_size_overflow(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), b"f" * 20, b"\r\n", PAGE)


@fault("/chunk-longer-than-its-size")
async def chunk_longer_than_its_size(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), b"5\r\n", PAGE, b"\r\n0\r\n\r\n")


@fault("/transfer-coding-unknown")
async def transfer_coding_unknown(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Transfer-Encoding", "rot13")]), PAGE)


@fault("/transfer-coding-gzip")
async def transfer_coding_gzip(_: Request, writer: asyncio.StreamWriter) -> None:
    """Apply a transfer coding that is valid, but was not asked for."""
    headers = [HTML, ("Transfer-Encoding", "gzip, chunked")]
    await send_and_close(writer, head(headers=headers), chunked(_gz(PAGE)))


@fault("/transfer-coding-identity")
async def transfer_coding_identity(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Transfer-Encoding", "identity")]), PAGE)


@fault("/until-close")
async def until_close(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML]), PAGE)


@fault("/until-close-nothing")
async def until_close_nothing(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML]))


@fault("/until-close-http-1.0")
async def until_close_old(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML], version="HTTP/1.0"), PAGE)


@fault("/until-reset")
async def until_reset(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer, head(headers=[HTML]), PAGE)


@fault("/empty")
async def empty(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, body=b"")


# --- connections that break, close or stall ------------------------------------------------------


@fault("/reset-before-answer")
async def reset_before_answer(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer)


@fault("/reset-in-head")
async def reset_in_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer, head(headers=[HTML])[:-8])


@fault("/reset-in-body")
async def reset_in_body(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer, head(headers=[HTML, length(PAGE)]), PAGE[:100])


@fault("/reset-in-chunk")
async def reset_in_chunk(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE)[:100])


@fault("/close-without-answer")
async def close_without_answer(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.close()


@fault("/close-in-head")
async def close_in_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML])[:-8])


@fault("/close-in-status-line")
async def close_in_status_line(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"HTTP/1.1 20")


@fault("/keep-alive-then-close")
async def keep_alive_then_close(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("Connection", "keep-alive")])
    writer.close()


@fault("/keep-alive-then-reset")
async def keep_alive_then_reset(_: Request, writer: asyncio.StreamWriter) -> None:
    await reset(writer, head(headers=[HTML, length(PAGE)]), PAGE)


@fault("/close-when-used-again")
async def close_when_used_again(request: Request, writer: asyncio.StreamWriter) -> None:
    if request.turn > 1:
        writer.close()
    else:
        await respond(writer)


@fault("/reset-when-used-again")
async def reset_when_used_again(request: Request, writer: asyncio.StreamWriter) -> None:
    if request.turn > 1:
        await reset(writer)
    else:
        await respond(writer)


@fault("/stall-before-head")
async def stall_before_head(_: Request, __: asyncio.StreamWriter) -> None:
    await stall()


@fault("/stall-in-head")
async def stall_in_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML])[:-8])
    await stall()


@fault("/stall-in-body")
async def stall_in_body(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, length(PAGE)]), PAGE[:100])
    await stall()


@fault("/stall-before-last-chunk")
async def stall_before_last_chunk(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE))
    await stall()


@fault("/stall-before-close")
async def stall_before_close(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML]), PAGE)
    await stall()


@fault("/drip-body")
async def drip_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then: never a stall, and never done."""
    await send(writer, head(headers=[HTML, length(PAGE)]))
    for byte in PAGE:
        await send(writer, bytes([byte]))
        await asyncio.sleep(0.02)


@fault("/drip-head")
async def drip_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not writer.is_closing():
        await send(writer, b"o")
        await asyncio.sleep(0.02)


@fault("/byte-by-byte")
async def byte_by_byte(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a small answer in as many packets as it has bytes."""
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    small = PAGE[:40]
    for byte in head(headers=[HTML, CHUNKED]) + chunked(small):
        await send(writer, bytes([byte]))
        await asyncio.sleep(0)


# --- the head ------------------------------------------------------------------------------------


@fault("/garbage")
async def garbage(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, bytes(range(256)))


@fault("/terminal-escape")
async def terminal_escape(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"\x1b[2J\x1b]0;owned\x07 all is well\r\n\r\n")


@fault("/http-0.9")
async def http_0_9(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, PAGE)


@fault("/ssh-banner")
async def ssh_banner(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"SSH-2.0-OpenSSH_9.9\r\n")


@fault("/icy")
async def icy(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head("200 OK", [HTML, length(PAGE)], version="ICY"), PAGE)


@fault("/tls-alert")
async def tls_alert(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answer as a TLS server does when it is spoken to in the clear."""
    await send_and_close(writer, b"\x15\x03\x01\x00\x02\x02\x46")


@fault("/http-2-preface")
async def http_2_preface(_: Request, writer: asyncio.StreamWriter) -> None:
    """Answer with a SETTINGS frame, as a server that speaks only HTTP/2."""
    await send_and_close(writer, b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


@fault("/version-9.9")
async def version_unknown(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, length(PAGE)], version="HTTP/9.9"), PAGE)


@fault("/status-without-reason")
async def status_without_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "200")


@fault("/status-with-long-reason")
async def status_with_long_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "200 " + "very " * 1000 + "well")


@fault("/status-with-strange-reason")
async def status_with_strange_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 \x1b[2J\x9b31m nothing \xe9")


@fault("/status-with-endless-reason")
async def status_with_endless_reason(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "404 " + "not " * 10_000)


@fault("/status-99")
async def status_99(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "99 Luftballons")


@fault("/status-1000")
async def status_1000(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "1000 Nights")


@fault("/status-words")
async def status_words(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "OK 200")


@fault("/early-hints")
async def early_hints(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("103 Early Hints", [("Link", "</style.css>; rel=preload")]))
    await respond(writer)


@fault("/continue-unasked")
async def continue_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("100 Continue"))
    await respond(writer)


@fault("/many-interim-answers")
async def many_interim_answers(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("102 Processing") * 50)
    await respond(writer)


@fault("/interim-answer-only")
async def interim_answer_only(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head("103 Early Hints"))


@fault("/switching-protocols")
async def switching_protocols(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [("Connection", "upgrade"), ("Upgrade", "websocket")]
    await send_and_close(writer, head("101 Switching Protocols", headers))


@fault("/blank-line-first")
async def blank_line_first(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"\r\n", head(headers=[HTML, length(PAGE)]), PAGE)


@fault("/line-feeds-only")
async def line_feeds_only(_: Request, writer: asyncio.StreamWriter) -> None:
    plain = head(headers=[HTML, length(PAGE)]).replace(b"\r\n", b"\n")
    await send_and_close(writer, plain, PAGE)


@fault("/header-folded")
async def header_folded(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Folded", "one\r\n two")])


@fault("/header-without-colon")
async def header_without_colon(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", PAGE)


@fault("/header-without-name")
async def header_without_name(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, b"HTTP/1.1 200 OK\r\n: value\r\n\r\n", PAGE)


@fault("/header-space-before-colon")
async def header_space_before_colon(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Spaced ", "value")])


@fault("/header-with-nul")
async def header_with_nul(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Nul", "a\0b")])


@fault("/header-latin-1")
async def header_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Caf\xe9", "cr\xe8me"), ("X-Name", "\xe9t\xe9")])


@fault("/header-value-latin-1")
async def header_value_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Name", "\xe9t\xe9")])


@fault("/validators-latin-1")
async def validators_latin_1(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("ETag", '"\xe9t\xe9"'), ("Last-Modified", "f\xe9vrier")])


@fault("/header-20-kB")
async def header_20_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Policy", "p" * 20_000)])


@fault("/header-100-kB")
async def header_100_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X-Policy", "p" * 100_000)])


@fault("/header-name-100-kB")
async def header_name_100_kb(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("X" * 100_000, "value")])


@fault("/headers-500")
async def headers_500(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, *((f"X-{number}", "v") for number in range(500))])


@fault("/headers-2000")
async def headers_2000(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, *((f"X-{number}", "v") for number in range(2000))])


@fault("/headers-endless")
async def headers_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        await send(writer, b"X-More: and more\r\n" * 100)


@fault("/cookies-200")
async def cookies_200(_: Request, writer: asyncio.StreamWriter) -> None:
    cookies = [("Set-Cookie", f"c{number}={'v' * 100}; Path=/") for number in range(200)]
    await respond(writer, headers=[HTML, *cookies])


@fault("/cookies-malformed")
async def cookies_malformed(_: Request, writer: asyncio.StreamWriter) -> None:
    cookies = ["", "=", ";;;", "a=\x7f", '"', "x=y; Expires=never; Max-Age=soon; Domain=.."]
    await respond(writer, headers=[HTML, *(("Set-Cookie", cookie) for cookie in cookies)])


@fault("/type-missing")
async def type_missing(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[])


@fault("/type-bogus")
async def type_bogus(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[("Content-Type", "/../../etc/passwd;;charset=\xff")])


@fault("/type-twice")
async def type_twice(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[HTML, ("Content-Type", "image/png")])


@fault("/charset-unknown")
async def charset_unknown(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, headers=[("Content-Type", "text/html; charset=klingon")])


@fault("/charset-wrong")
async def charset_wrong(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, body=NOT_UTF_8)


@fault("/byte-order-mark")
async def byte_order_mark(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, body=WITH_BOM)


@fault("/name-with-traversal")
async def name_with_traversal(_: Request, writer: asyncio.StreamWriter) -> None:
    name = ("Content-Disposition", 'attachment; filename="../../../../tmp/owned"')
    await respond(writer, headers=[HTML, name])


WITH_BOM = b"\xef\xbb\xbf" + PAGE
NOT_UTF_8 = b"<p>caf\xe9 \xff\xfe\x80</p>"


# --- statuses ------------------------------------------------------------------------------------

REFUSALS = {
    300: "Multiple Choices",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    416: "Range Not Satisfiable",
    418: "I'm a teapot",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    599: "Whatever",
    999: "Request Denied",
}


def _refusing(status: int, reason: str) -> Answer:
    async def refuse(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, f"{status} {reason}")

    return refuse


for _status, _reason in REFUSALS.items():
    fault(f"/status/{_status}")(_refusing(_status, _reason))


@fault("/status/204")
async def no_content(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("204 No Content"))


@fault("/status/204-with-body")
async def no_content_with_body(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body where there cannot be one, which the next answer must not be taken for."""
    await respond(writer, "204 No Content")


@fault("/status/205")
async def reset_content(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "205 Reset Content", body=b"")


@fault("/status/203")
async def transformed(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "203 Non-Authoritative Information")


@fault("/status/206")
async def partial_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "206 Partial Content", [HTML, ("Content-Range", "bytes 0-9/99")])


@fault("/status/304")
async def not_modified_unasked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("304 Not Modified"))


# --- redirects -----------------------------------------------------------------------------------

#: By name: what the Location field says, where one character is one byte.
LOCATIONS = {
    "absolute-path": "/page",
    "relative": "../page",
    "dots-above-root": "/../../../page",
    "fragment": "/page#part",
    "latin-1": "/caf\xe9",
    "utf-8": "/caf\xc3\xa9",
    "spaces": "/two words",
    "spaces-around": "  /page  ",
    "quotes": "/it's",
    "percent": "/a%2Fb%27c",
    "backslashes": "\\page",
    "tab-inside": "/pa\tge",
    "itself": "/redirect/itself",
    "empty": "",
    "javascript": "javascript:alert(1)",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/page",
    "data": "data:text/html,owned",
    "no-address": "http://",
    "port-out-of-range": "http://127.0.0.1:99999/",
    "escape": "gopher://\x1b[31m/",
    "dead-host": "http://no-such-host.invalid/",
    "dead-port": "http://127.0.0.1:1/",
    "long-label": f"http://{'a' * 70}.invalid/",
    "empty-label": "http://a..invalid/",
}


def _redirecting(location: str) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await redirect(writer, location)

    return answer


for _name, _location in LOCATIONS.items():
    fault(f"/redirect/{_name}")(_redirecting(_location))


for _path in ("/caf%E9", "/caf%C3%A9", "/two%20words", "/it's", "/a%2Fb%27c"):
    fault(_path)(page)


def _host(request: Request) -> str:
    return request.headers["host"]


@fault("/redirect/same-scheme")
async def redirect_same_scheme(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"//{_host(request)}/page")


@fault("/redirect/absolute")
async def redirect_absolute(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"http://{_host(request)}/page")


@fault("/redirect/to-another-scheme")
async def redirect_to_tls(request: Request, writer: asyncio.StreamWriter) -> None:
    """Send the client to TLS on a port that speaks none."""
    await redirect(writer, f"https://{_host(request)}/page")


@fault("/redirect/without-location")
async def redirect_without_location(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "301 Moved Permanently")


@fault("/redirect/endless")
async def redirect_endless(request: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, f"/redirect/endless?{request.path.count('x') * 'x'}x")


@fault("/redirect/permanent")
async def redirect_permanent(_: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, "/page", "308 Permanent Redirect")


@fault("/redirect/with-body-cut")
async def redirect_with_body_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [("Location", "/page"), length(PAGE)]
    await send_and_close(writer, head("302 Found", headers), PAGE[:10])


@fault("/redirect/with-body-that-stalls")
async def redirect_with_body_that_stalls(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("302 Found", [("Location", "/page"), length(PAGE)]), PAGE[:10])
    await stall()


@fault("/redirect/with-endless-body")
async def redirect_with_endless_body(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head("302 Found", [("Location", "/page"), CHUNKED]))
    while not writer.is_closing():
        await send(writer, chunk(LARGE[:4096]))


@fault("/redirect/see-other-to-failure")
async def redirect_to_failure(_: Request, writer: asyncio.StreamWriter) -> None:
    await redirect(writer, "/status/404", "303 See Other")


@fault("/redirect/two-locations")
async def redirect_two_locations(_: Request, writer: asyncio.StreamWriter) -> None:
    await respond(writer, "302 Found", [("Location", "/page"), ("Location", "/before")], b"")


# --- content codings -----------------------------------------------------------------------------


def _gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _deflate(data: bytes, wbits: int) -> bytes:
    compressor = zlib.compressobj(wbits=wbits)
    return compressor.compress(data) + compressor.flush()


def _flip(data: bytes, index: int) -> bytes:
    """Return *data* with one byte changed."""
    changed = bytearray(data)
    changed[index] ^= 0xFF
    return bytes(changed)


_ZLIB = _deflate(PAGE, 15)
_RAW = _deflate(PAGE, -15)
_BR = brotli.compress(PAGE)
_ZSTD = zstd.compress(PAGE)
_HALVES = PAGE[:500], PAGE[500:]
#: Many times what a decoder hands on at once, from a few kilobytes.
BOMB = bytes(8 * 1024 * 1024)

#: By name: the Content-Encoding field, and the body as sent.
CODED: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", _gz(PAGE)),
    "gzip-shouted": ("GZip", _gz(PAGE)),
    "x-gzip": ("x-gzip", _gz(PAGE)),
    "gzip-of-nothing": ("gzip", _gz(b"")),
    "gzip-large": ("gzip", _gz(LARGE)),
    "gzip-large-bad-crc": ("gzip", _flip(_gz(LARGE), -8)),
    "gzip-bomb": ("gzip", _gz(BOMB)),
    "gzip-cut": ("gzip", _gz(PAGE)[:40]),
    "gzip-cut-in-header": ("gzip", _gz(PAGE)[:5]),
    "gzip-cut-after-one-byte": ("gzip", _gz(PAGE)[:1]),
    "gzip-cut-before-trailer": ("gzip", _gz(PAGE)[:-8]),
    "gzip-cut-in-trailer": ("gzip", _gz(PAGE)[:-1]),
    "gzip-bad-crc": ("gzip", _flip(_gz(PAGE), -8)),
    "gzip-bad-size": ("gzip", _flip(_gz(PAGE), -1)),
    "gzip-corrupt": ("gzip", _flip(_gz(PAGE), 12)),
    "gzip-not-at-all": ("gzip", PAGE),
    "gzip-then-garbage": ("gzip", _gz(PAGE) + b"garbage"),
    "gzip-then-zeros": ("gzip", _gz(PAGE) + bytes(512)),
    "gzip-then-zeros-and-garbage": ("gzip", _gz(PAGE) + bytes(8) + b"garbage"),
    "gzip-of-two-members": ("gzip", b"".join(map(_gz, _HALVES))),
    "gzip-with-second-member-cut": ("gzip", b"".join(map(_gz, _HALVES))[:-9]),
    "gzip-with-second-member-barely-begun": ("gzip", _gz(PAGE) + b"\x1f"),
    "deflate": ("deflate", _ZLIB),
    "deflate-raw": ("deflate", _RAW),
    "deflate-cut": ("deflate", _ZLIB[:40]),
    "deflate-cut-before-checksum": ("deflate", _ZLIB[:-4]),
    "deflate-cut-after-one-byte": ("deflate", _ZLIB[:1]),
    "deflate-raw-cut": ("deflate", _RAW[:-3]),
    "deflate-bad-checksum": ("deflate", _flip(_ZLIB, -1)),
    "deflate-then-garbage": ("deflate", _ZLIB + b"garbage"),
    "br": ("br", _BR),
    "br-large": ("br", brotli.compress(LARGE, quality=1)),
    "br-cut": ("br", _BR[:-3]),
    "br-corrupt": ("br", b"\xff" * 40),
    "br-then-garbage": ("br", _BR + b"garbage"),
    "zstd": ("zstd", _ZSTD),
    "zstd-of-two-frames": ("zstd", b"".join(map(zstd.compress, _HALVES))),
    "zstd-cut": ("zstd", _ZSTD[:-3]),
    "zstd-corrupt": ("zstd", _flip(_ZSTD, 1)),
    "zstd-then-garbage": ("zstd", _ZSTD + b"garbage"),
    "identity": ("identity", PAGE),
    "unnamed": ("", PAGE),
    "unknown": ("snappy", PAGE),
    "unknown-with-escape": ("\x9b31m", PAGE),
    "unknown-and-long": ("x" * 20_000, PAGE),
    "stacked": ("gzip, br", brotli.compress(_gz(PAGE))),
    "stacked-twice-gzip": ("gzip, gzip", _gz(_gz(PAGE))),
    "stacked-with-identity": ("identity, gzip", _gz(PAGE)),
    "stacked-inner-cut": ("gzip, br", brotli.compress(_gz(PAGE)[:-1])),
    "stacked-outer-cut": ("gzip, br", brotli.compress(_gz(PAGE))[:-3]),
    "stacked-too-high": (", ".join(["gzip"] * 50), PAGE),
    "of-nothing-sent": ("gzip", b""),
}


def _coded_by_length(coding: str, body: bytes) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        await respond(writer, headers=[BINARY, ("Content-Encoding", coding)], body=body)

    return answer


def _coded_in_chunks(coding: str, body: bytes) -> Answer:
    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        headers = [BINARY, ("Content-Encoding", coding), CHUNKED]
        await send(writer, head(headers=headers), chunked(body))

    return answer


for _name, _coded in CODED.items():
    fault(f"/coded/by-length/{_name}")(_coded_by_length(*_coded))
    fault(f"/coded/in-chunks/{_name}")(_coded_in_chunks(*_coded))


@fault("/coded/until-close-cut")
async def coded_until_close_cut(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [HTML, ("Content-Encoding", "gzip")]
    await send_and_close(writer, head(headers=headers), _gz(PAGE)[:-1])


@fault("/coded/until-close-nothing")
async def coded_until_close_nothing(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Encoding", "gzip")]))


@fault("/coded/archive")
async def coded_archive(_: Request, writer: asyncio.StreamWriter) -> None:
    """Send a gzip archive as servers do that take its compression for a content coding."""
    headers = [("Content-Type", "application/gzip"), ("Content-Encoding", "gzip")]
    await respond(writer, headers=headers, body=ARCHIVE)


@fault("/coded/two-fields")
async def coded_two_fields(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [HTML, ("Content-Encoding", "gzip"), ("Content-Encoding", "br")]
    await respond(writer, headers=headers, body=brotli.compress(_gz(PAGE)))


ARCHIVE = _gz(PAGE)
