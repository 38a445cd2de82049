"""Connections that break, close, stall or drip."""

import asyncio
import socket

from tests.support.fault_server.registry import Request, fault
from tests.support.fault_server.responses import (
    CHUNKED,
    HTML,
    PAGE,
    chunk,
    chunked,
    head,
    length,
    reset,
    respond,
    send,
    send_and_close,
    stall,
)


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
    if request.nth_on_connection > 1:
        writer.close()
    else:
        await respond(writer)


@fault("/reset-when-used-again")
async def reset_when_used_again(request: Request, writer: asyncio.StreamWriter) -> None:
    if request.nth_on_connection > 1:
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
