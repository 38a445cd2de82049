"""Undo content codings (RFC 9110, section 8.4), and know whether the end was reached.

A coded body whose framing is complete may still be cut: only the coding's own end of stream
tells. So every decoder here says, when the input is over, whether it saw that end.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli

from downloader.errors import DecodeError, TruncatedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: What is asked for, in the order of preference.
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
#: Decoded bytes are handed on in pieces of at most about this many bytes, however small the input
#: that makes them, so that a decompression bomb is met piece by piece.
PIECE = 1024 * 1024


class ContentDecoder(Protocol):
    """Undoes one coding, streaming."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what *data* decodes to, in pieces of bounded size.

        Raises:
            DecodeError: the data is corrupt.
        """

    def finish(self) -> None:
        """Say that the input is over.

        Raises:
            TruncatedError: the coding's end of stream was not seen.
        """


class _ZlibDecoder:
    """gzip (RFC 1952, several members allowed) or deflate in both of its forms."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._gzip = coding == "gzip"
        self._decompressor = zlib.decompressobj(wbits=31 if self._gzip else 15)
        self._head: bytes | None = None if self._gzip else b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
            self._head = None
            self._choose_form(data)
        more = True
        while data or more:
            if self._decompressor.eof:
                data, more = self._next_member(data), False
                continue
            try:
                piece = self._decompressor.decompress(data, PIECE)
            except zlib.error as error:
                raise DecodeError(f"the {self._coding} body is corrupt") from error
            if piece:
                yield piece
            # Output may wait inside the decompressor even when all of the input was taken.
            more = len(piece) == PIECE
            ended = self._decompressor.eof
            data = self._decompressor.unused_data if ended else self._decompressor.unconsumed_tail

    def _choose_form(self, data: bytes) -> None:
        """Take "deflate" for zlib (RFC 1950), as the standard says, or raw, as some servers do."""
        zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        if not zlib_header:
            self._decompressor = zlib.decompressobj(wbits=-15)

    def _next_member(self, data: bytes) -> bytes:
        """Return what follows an ended stream; zero padding is dropped, as gzip itself does."""
        if not self._gzip and data:
            raise DecodeError(f"data after the end of the {self._coding} body")
        data = data.lstrip(b"\0")
        if data:
            if data[0] != 0x1F:
                raise DecodeError("data after the end of the gzip body")
            self._decompressor = zlib.decompressobj(wbits=31)
        return data

    def finish(self) -> None:
        if not self._decompressor.eof:
            raise TruncatedError(f"the {self._coding} body is cut off before its end of stream")


class _BrotliDecoder:
    """Brotli (RFC 7932)."""

    #: The library overshoots a limit to as much as twice of it.
    _LIMIT = PIECE // 2

    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._decompressor.is_finished():
                if data:
                    raise DecodeError("data after the end of the br body")
                return
            try:
                piece = self._decompressor.process(data, output_buffer_limit=self._LIMIT)
            except brotli.error as error:
                raise DecodeError("the br body is corrupt") from error
            if not piece:
                return
            yield piece
            data = b""

    def finish(self) -> None:
        if not self._decompressor.is_finished():
            raise TruncatedError("the br body is cut off before its end of stream")


class _ZstdDecoder:
    """Zstandard (RFC 8878, several frames allowed), with windows up to 8 MiB (RFC 9659)."""

    def __init__(self) -> None:
        self._decompressor = self._new()

    @staticmethod
    def _new() -> "zstd.ZstdDecompressor":
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})

    def feed(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._decompressor.eof:
                if not data:
                    return
                self._decompressor = self._new()
            try:
                piece = self._decompressor.decompress(data, PIECE)
            except zstd.ZstdError as error:
                raise DecodeError("the zstd body is corrupt") from error
            if piece:
                yield piece
            if self._decompressor.eof:
                data = self._decompressor.unused_data
            elif self._decompressor.needs_input:
                return
            else:
                data = b""

    def finish(self) -> None:
        if not self._decompressor.eof:
            raise TruncatedError("the zstd body is cut off before its end of stream")


class _DecoderChain:
    """Stacked codings: the last applied is undone first (RFC 9110, section 8.4)."""

    def __init__(self, decoders: list[ContentDecoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield from self._through(data, 0)

    def _through(self, data: bytes, index: int) -> Iterator[bytes]:
        if index == len(self._decoders):
            yield data
            return
        for piece in self._decoders[index].feed(data):
            yield from self._through(piece, index + 1)

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()


_DECODERS: dict[str, Callable[[], ContentDecoder]] = {
    "gzip": lambda: _ZlibDecoder("gzip"),
    "x-gzip": lambda: _ZlibDecoder("gzip"),
    "deflate": lambda: _ZlibDecoder("deflate"),
    "br": _BrotliDecoder,
    "zstd": _ZstdDecoder,
}
#: More layers than anybody applies, but few enough to bound the work of a hostile header.
_MOST_LAYERS = 4
#: Archives that are compressed by nature. Servers that see ``.tar.gz`` often call that a content
#: coding as well; undoing it would save a bare tar under a name that says gz, so like browsers
#: and wget it is left alone.
_COMPRESSED_BY_NATURE = frozenset(
    {"application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar"}
)


def decoder_for(content_coding: str, media_type: str = "") -> ContentDecoder | None:
    """Return what undoes a ``Content-Encoding`` field, or None where nothing is to be undone.

    Raises:
        DecodeError: a coding is unknown.
    """
    if not content_coding:
        return None
    names = [name.strip().lower() for name in content_coding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if media_type in _COMPRESSED_BY_NATURE and names in (["gzip"], ["x-gzip"]):
        return None
    if len(names) > _MOST_LAYERS:
        raise DecodeError(f"{len(names)} stacked content codings")
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise DecodeError(f"unknown content coding {unknown[0][:40]!r}")
    if not names:
        return None
    decoders = [_DECODERS[name]() for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _DecoderChain(decoders)
