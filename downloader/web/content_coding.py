"""Decode content codings (RFC 9110, section 8.4), and check that the stream is complete.

A body may be cut off although its HTTP framing is complete, as by a proxy that gave up: only the
coding's own end-of-stream marker proves that nothing is missing. Every decoder checks for it.
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

#: The value of Accept-Encoding, in order of preference.
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
#: Bytes of the largest decoded piece, approximately. However well the input is compressed, a
#: decompression bomb is seen piece by piece, and never fills memory.
MAX_PIECE_BYTES = 1024 * 1024


class ContentDecoder(Protocol):
    """Decodes one content coding, streaming."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode *data*, and yield the result in pieces of bounded size.

        Raises:
            DecodeError: the data is corrupt.
        """

    def finish(self) -> None:
        """Check that the input ended where the coding ends.

        Raises:
            TruncatedError: the end of stream is missing.
        """


class _ZlibDecoder:
    """gzip (RFC 1952, one or more members), or deflate in either of its forms."""

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
                piece = self._decompressor.decompress(data, MAX_PIECE_BYTES)
            except zlib.error as error:
                raise DecodeError(f"the {self._coding} body is corrupt") from error
            if piece:
                yield piece
            # The decompressor may hold output back although it has consumed all input.
            more = len(piece) == MAX_PIECE_BYTES
            ended = self._decompressor.eof
            data = self._decompressor.unused_data if ended else self._decompressor.unconsumed_tail

    def _choose_form(self, data: bytes) -> None:
        """Treat deflate as zlib (RFC 1950), as the standard says, or as raw, as some servers do."""
        zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        if not zlib_header:
            self._decompressor = zlib.decompressobj(wbits=-15)

    def _next_member(self, data: bytes) -> bytes:
        """Return the data behind an ended stream, without zero padding, as gzip itself does."""
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

    #: The library exceeds its limit by a factor of up to two.
    _LIMIT = MAX_PIECE_BYTES // 2

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
    """Zstandard (RFC 8878, one or more frames), with windows up to 8 MiB (RFC 9659)."""

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
                piece = self._decompressor.decompress(data, MAX_PIECE_BYTES)
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
    """Several codings: the one applied last is decoded first (RFC 9110, section 8.4)."""

    def __init__(self, decoders: list[ContentDecoder]) -> None:
        self._decoders = decoders

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield from self._decode(data, 0)

    def _decode(self, data: bytes, index: int) -> Iterator[bytes]:
        if index == len(self._decoders):
            yield data
            return
        for piece in self._decoders[index].feed(data):
            yield from self._decode(piece, index + 1)

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
#: More codings than any server applies, and few enough to bound the work for a hostile header.
_MAX_CODINGS = 4
#: Types of compressed archives. For ``.tar.gz`` servers often send ``Content-Encoding: gzip`` as
#: well; decoding that would save a bare tar under a name that ends in gz. Browsers and wget leave
#: it as it is.
_GZIP_TYPES = frozenset(
    {"application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar"}
)


def decoder_for(content_coding: str, media_type: str = "") -> ContentDecoder | None:
    """Return the decoder for a Content-Encoding field, or None if the body is not coded.

    Raises:
        DecodeError: a coding is unknown.
    """
    if not content_coding:
        return None
    names = [name.strip().lower() for name in content_coding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if media_type in _GZIP_TYPES and names in (["gzip"], ["x-gzip"]):
        return None
    if len(names) > _MAX_CODINGS:
        raise DecodeError(f"{len(names)} stacked content codings")
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise DecodeError(f"unknown content coding {unknown[0][:40]!r}")
    if not names:
        return None
    decoders = [_DECODERS[name]() for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _DecoderChain(decoders)
