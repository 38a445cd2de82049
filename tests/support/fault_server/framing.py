"""Faults in how the end of a body is marked: lengths, chunks, and the end of the connection."""

import asyncio
import gzip
import os
import socket

from tests.support.fault_server.registry import Request, fault
from tests.support.fault_server.responses import (
    BINARY,
    CHUNKED,
    HTML,
    LARGE,
    LAST_CHUNK,
    PAGE,
    chunk,
    chunked,
    head,
    length,
    reset,
    respond,
    send,
    send_and_close,
)


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


@fault("/length-less-than-sent-after-the-head")
async def length_less_than_sent_after_the_head(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, length(PAGE)]))
    await asyncio.sleep(0.05)
    await send(writer, PAGE, b"bytes too many")


@fault("/chunked-and-more")
async def chunked_and_more(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), chunked(PAGE), b"bytes too many")


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


@fault("/length-with-unit")
async def length_with_unit(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [HTML, ("Content-Length", f"{len(PAGE)} bytes")]
    await send_and_close(writer, head(headers=headers), PAGE)


@fault("/length-with-comma")
async def length_with_comma(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Content-Length", f"{len(PAGE)},")]), PAGE)


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
    await send_and_close(writer, head(headers=headers), chunked(gzip.compress(PAGE, mtime=0)))


@fault("/transfer-coding-like-chunked")
async def transfer_coding_like_chunked(_: Request, writer: asyncio.StreamWriter) -> None:
    """Name chunks by a word that not every reader takes for that."""
    headers = [HTML, ("Transfer-Encoding", "\x0bchunked")]
    await send_and_close(writer, head(headers=headers), chunked(PAGE))


@fault("/transfer-coding-none")
async def transfer_coding_none(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Transfer-Encoding", "none")]), PAGE)


@fault("/transfer-coding-identity")
async def transfer_coding_identity(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, ("Transfer-Encoding", "identity")]), PAGE)


@fault("/until-close")
async def until_close(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML]), PAGE)


@fault("/until-end-of-connection")
async def until_end_of_connection(_: Request, writer: asyncio.StreamWriter) -> None:
    """End the connection, but not TLS."""
    await send(writer, head(headers=[BINARY, ("Connection", "close")]), PAGE)
    await _end_connection(writer)


@fault("/large-until-end-of-connection")
async def large_until_end_of_connection(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[BINARY]), LARGE)
    await _end_connection(writer)


@fault("/large-until-close")
async def large_until_close(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[BINARY]), LARGE)


async def _end_connection(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.05)
    # The sockets of uvloop's transports have no shutdown().
    with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as connection:
        connection.shutdown(socket.SHUT_WR)


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


def _chunked_with(field: str) -> bytes:
    return head(headers=[HTML, ("Transfer-Encoding", field)])


@fault("/lengths-agree-in-one-field")
async def lengths_agree_in_one_field(_: Request, writer: asyncio.StreamWriter) -> None:
    size = len(PAGE)
    await send(writer, head(headers=[HTML, ("Content-Length", f"{size}, {size}")]), PAGE)


@fault("/length-and-identity")
async def length_and_identity(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [HTML, ("Transfer-Encoding", "identity"), length(PAGE)]
    await send(writer, head(headers=headers), PAGE)


@fault("/length-and-none")
async def length_and_none(_: Request, writer: asyncio.StreamWriter) -> None:
    headers = [HTML, ("Transfer-Encoding", "none"), length(PAGE)]
    await send(writer, head(headers=headers), PAGE)


@fault("/chunked-twice")
async def chunked_twice(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, _chunked_with("chunked, chunked"), chunked(PAGE))


@fault("/chunked-in-two-fields")
async def chunked_in_two_fields(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED, CHUNKED]), chunked(PAGE))


@fault("/chunked-and-identity")
async def chunked_and_identity(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, _chunked_with("chunked, identity"), chunked(PAGE))


@fault("/identity-and-chunked")
async def identity_and_chunked(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, _chunked_with("identity, chunked"), chunked(PAGE))


@fault("/trailer-with-length")
async def trailer_with_length(_: Request, writer: asyncio.StreamWriter) -> None:
    trailer = b"0\r\nContent-Length: %d\r\n\r\n" % len(PAGE)
    await send(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE), trailer)


@fault("/trailer-with-junk")
async def trailer_with_junk(_: Request, writer: asyncio.StreamWriter) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE))
    await asyncio.sleep(0.05)
    await send(writer, b"0\r\nPHP Warning: out of memory\r\n\r\n")


@fault("/chunk-size-with-line-feed")
async def chunk_size_with_line_feed(_: Request, writer: asyncio.StreamWriter) -> None:
    body = b"%x\n%s\n0\n\n" % (len(PAGE), PAGE)
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), body)


@fault("/last-chunk-with-line-feed")
async def last_chunk_with_line_feed(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), chunk(PAGE), b"0\n\n")


@fault("/chunk-extension-malformed")
async def chunk_extension_malformed(_: Request, writer: asyncio.StreamWriter) -> None:
    body = b'%X;one two="\r\n%s\r\n0\r\n\r\n' % (len(PAGE), PAGE)
    await send_and_close(writer, head(headers=[HTML, CHUNKED]), body)


@fault("/chunked-and-comma")
async def chunked_and_comma(_: Request, writer: asyncio.StreamWriter) -> None:
    await send_and_close(writer, _chunked_with("chunked,"), chunked(PAGE))


async def _send_for_ever(
    writer: asyncio.StreamWriter, start: bytes, more: bytes, pause: float = 0.0
) -> None:
    await send(writer, head(headers=[HTML, CHUNKED]), start)
    while not writer.is_closing():
        await send(writer, more)
        await asyncio.sleep(pause)


@fault("/chunk-extension-endless")
async def chunk_extension_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    await _send_for_ever(writer, b"5;a=", b"a" * 16384)


@fault("/chunk-extensions-for-each-byte")
async def chunk_extensions_for_each_byte(_: Request, writer: asyncio.StreamWriter) -> None:
    await _send_for_ever(writer, b"", b"1;" + b"e" * 16000 + b"\r\na\r\n")


@fault("/chunk-size-of-zeros")
async def chunk_size_of_zeros(_: Request, writer: asyncio.StreamWriter) -> None:
    await _send_for_ever(writer, b"", b"0" * 16384)


@fault("/trailers-endless")
async def trailers_endless(_: Request, writer: asyncio.StreamWriter) -> None:
    await _send_for_ever(writer, chunk(PAGE) + b"0\r\n", b"x: a\r\n" * 100)


@fault("/drip-of-a-chunk-extension")
async def drip_of_a_chunk_extension(_: Request, writer: asyncio.StreamWriter) -> None:
    await _send_for_ever(writer, b"5;a=", b"a", 0.05)
