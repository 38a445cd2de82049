"""What responses are made of: status lines, fields, chunks, and ways to send or break them."""

import asyncio
import socket
import struct
from collections.abc import Iterable

Headers = Iterable[tuple[str, str]]
#: What is sent where the fault is not in the body.
PAGE = b"<!doctype html><title>Lights</title><p>" + b"The lamp turns; the tide does too. " * 40
#: More than is held in memory, so that it passes through a ``.part`` file.
LARGE = bytes(range(256)) * 12 * 1024
HTML = ("Content-Type", "text/html; charset=utf-8")
BINARY = ("Content-Type", "application/octet-stream")


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
