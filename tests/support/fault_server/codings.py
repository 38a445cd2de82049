"""Content codings: whole, cut, corrupt, stacked, unknown."""

import asyncio
import gzip
import sys
import zlib

import brotli

from tests.support.fault_server.registry import Answer, Request, fault
from tests.support.fault_server.responses import (
    BINARY,
    CHUNKED,
    HTML,
    LARGE,
    PAGE,
    chunked,
    head,
    respond,
    send,
    send_and_close,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


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
    "gzip-then-line-end": ("gzip", _gz(PAGE) + b"\r\n"),
    "gzip-of-empty-members": ("gzip", _gz(b"") * 100_000),
    "zstd-of-empty-frames": ("zstd, gzip", _gz(zstd.compress(b"") * 100_000)),
    "no-coding": ("UTF-8", PAGE),
    "no-coding-and-gzip": ("gzip, binary", _gz(PAGE)),
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
