"""Decode content codings (RFC 9110, section 8.4), and check that the stream is complete.

A body may be cut off although its HTTP framing is complete, as by a proxy that gave up: only the
coding's own end-of-stream marker proves that nothing is missing. Every decoder checks for it.
"""

import sys
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Protocol
from urllib.parse import urlsplit

import brotli

from downloader.errors import DecodeError, TruncatedError
from downloader.web.charset import is_charset
from downloader.web.media_types import PAGE_TYPES
from downloader.web.urls import Url

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: The value of Accept-Encoding, in order of preference.
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
#: Bytes of the largest decoded piece, approximately. However well the input is compressed, a
#: decompression bomb is seen piece by piece, and never fills memory.
MAX_PIECE_BYTES = 1024 * 1024
#: Coded bytes that may give no output. Tables of contents and padding are smaller.
MAX_SILENT_BYTES = 256 * 1024
#: Beyond that, coded bytes for each byte of output; a gzip member of one byte has 21.
_MAX_EXPANSION = 64
#: Members or frames after which b"" is yielded, so that the caller can let others run.
_MEMBERS_PER_YIELD = 256
#: Bytes that may follow a gzip member.
_GZIP_PADDING = b"\0\t\n\r "
#: Bytes of the checksum at the start of a gzip trailer (RFC 1952, section 2.3.1).
_CHECKSUM_BYTES = 4
#: Bytes of the first slice behind the end of a member; empty members have 9 to 23.
_FIRST_SLICE_BYTES = 64


class ContentDecoder(Protocol):
    """Decodes one content coding, streaming."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode *data*, and yield the result in pieces of bounded size.

        Empty pieces come between where much work gives no output.

        Raises:
            DecodeError: the data is corrupt, or has too many bytes that give no output.
        """

    def finish(self) -> None:
        """Check that the input ended where the coding ends.

        Raises:
            TruncatedError: the end of stream is missing.
        """


class _StreamDecoder(ABC):
    """One content coding, with a limit to input that gives no output.

    Empty members, padding and metadata cost time and give nothing that a size limit would see.
    """

    def __init__(self) -> None:
        self._input_bytes = self._output_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        if len(data) > MAX_SILENT_BYTES:
            # From another decoder: the limit is checked in time.
            for start in range(0, len(data), MAX_SILENT_BYTES):
                yield from self.feed(data[start : start + MAX_SILENT_BYTES])
            return
        self._input_bytes += len(data)
        for piece in self._decode(data):
            self._output_bytes += len(piece)
            yield piece
        if self._input_bytes > MAX_SILENT_BYTES + _MAX_EXPANSION * self._output_bytes:
            raise DecodeError(f"{self._input_bytes} coded bytes give {self._output_bytes} bytes")

    @abstractmethod
    def _decode(self, data: bytes) -> Iterator[bytes]:
        """Decode *data*; b"" stands for work without output."""

    @abstractmethod
    def finish(self) -> None:
        """Check that the input ended where the coding ends."""


class _Slices:
    """The rest of a fed piece, behind the end of a member, in slices.

    A decompressor copies what follows the end of a member, so that many small members in one large
    piece would cost the square of its size. Slices start small in each member, and double.
    """

    __slots__ = ("_data", "_position", "_size", "_slice_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = self._slice_end = 0
        self._size = len(data)

    def next(self) -> bytes:
        """Return the next slice; b"" at the end."""
        self._position = self._slice_end
        self._slice_end = min(self._position + self._size, len(self._data))
        self._size *= 2
        if self._position == 0 and self._slice_end == len(self._data):
            return self._data
        return self._data[self._position : self._slice_end]

    def start_member(self, unused: int) -> None:
        """Go back to the *unused* bytes at the end of the last slice, where a member may start."""
        self._slice_end -= unused
        self._size = _FIRST_SLICE_BYTES


class _ZlibDecoder(_StreamDecoder):
    """gzip (RFC 1952, one or more members), or deflate in either of its forms."""

    def __init__(self, coding: str) -> None:
        super().__init__()
        self._coding = coding
        self._gzip = coding == "gzip"
        self._decompressor = zlib.decompressobj(wbits=31 if self._gzip else 15)
        self._head: bytes | None = None if self._gzip else b""

    def _decode(self, data: bytes) -> Iterator[bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
            self._head = None
            self._choose_form(data)
        slices = _Slices(data)
        members = 0
        while data := slices.next():
            if self._decompressor.eof:
                data = self._next_member(data)
            more = False
            while data or more:
                try:
                    piece = self._decompressor.decompress(data, MAX_PIECE_BYTES)
                except zlib.error as error:
                    raise DecodeError(f"the {self._coding} body is corrupt") from error
                if piece:
                    yield piece
                if self._decompressor.eof:
                    slices.start_member(len(self._decompressor.unused_data))
                    members += 1
                    if members % _MEMBERS_PER_YIELD == 0:
                        yield b""
                    break
                # The decompressor may hold output back although it has consumed all input.
                more = len(piece) == MAX_PIECE_BYTES
                data = self._decompressor.unconsumed_tail

    @property
    def ended(self) -> bool:
        """Whether the last member is complete."""
        return self._decompressor.eof

    def _choose_form(self, data: bytes) -> None:
        """Treat deflate as zlib (RFC 1950), as the standard says, or as raw, as some servers do."""
        zlib_header = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
        if not zlib_header:
            self._decompressor = zlib.decompressobj(wbits=-15)

    def _next_member(self, data: bytes) -> bytes:
        """Return the data behind an ended stream, without padding.

        gzip itself pads with zeros; scripts that compress their output end with a line end.
        """
        if not self._gzip and data:
            raise DecodeError(f"data after the end of the {self._coding} body")
        data = data.lstrip(_GZIP_PADDING)
        if data:
            if data[0] != 0x1F:
                raise DecodeError("data after the end of the gzip body")
            self._decompressor = zlib.decompressobj(wbits=31)
        return data

    def finish(self) -> None:
        if not self._decompressor.eof and not self._lacks_only_trailer():
            raise TruncatedError(f"the {self._coding} body is cut off before its end of stream")

    def _lacks_only_trailer(self) -> bool:
        """Return whether the compressed data is complete, and no byte of the trailer has come.

        curl, wget and browsers accept this. zlib does not say where it is, but it compares the
        checksum exactly when its fourth byte comes.
        """
        if not self._gzip:
            return False
        for number in range(1, _CHECKSUM_BYTES + 1):
            try:
                self._decompressor.decompress(b"\0")
            except zlib.error as error:
                return number == _CHECKSUM_BYTES and "incorrect data check" in str(error)
        return False


class _BrotliDecoder(_StreamDecoder):
    """Brotli (RFC 7932)."""

    #: The library exceeds its limit by a factor of up to two.
    _LIMIT = MAX_PIECE_BYTES // 2

    def __init__(self) -> None:
        super().__init__()
        self._decompressor = brotli.Decompressor()

    def _decode(self, data: bytes) -> Iterator[bytes]:
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


class _ZstdDecoder(_StreamDecoder):
    """Zstandard (RFC 8878, one or more frames), with windows up to 8 MiB (RFC 9659)."""

    def __init__(self) -> None:
        super().__init__()
        self._decompressor = self._new()

    @staticmethod
    def _new() -> "zstd.ZstdDecompressor":
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 23})

    def _decode(self, data: bytes) -> Iterator[bytes]:
        slices = _Slices(data)
        frames = 0
        while data := slices.next():
            if self._decompressor.eof:
                self._decompressor = self._new()
            while True:
                try:
                    piece = self._decompressor.decompress(data, MAX_PIECE_BYTES)
                except zstd.ZstdError as error:
                    raise DecodeError("the zstd body is corrupt") from error
                if piece:
                    yield piece
                if self._decompressor.eof:
                    slices.start_member(len(self._decompressor.unused_data))
                    frames += 1
                    if frames % _MEMBERS_PER_YIELD == 0:
                        yield b""
                    break
                if self._decompressor.needs_input:
                    break
                data = b""

    def finish(self) -> None:
        if not self._decompressor.eof:
            raise TruncatedError("the zstd body is cut off before its end of stream")


class _GzipFileDecoder:
    """gzip over what may be a gzip file by itself, as its name or type says.

    Servers label ``a.tar.gz`` with ``Content-Encoding: gzip`` in two cases: because it is a gzip
    file, which is then saved as it is, or because they have compressed it once more. The first
    bytes behind the coding tell which.
    """

    def __init__(self) -> None:
        self._decoder = _ZlibDecoder("gzip")
        self._is_file: bool | None = None
        self._coded = self._decoded = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._is_file:
            yield data
            return
        if self._is_file is None:
            self._coded += data
        for piece in self._decoder.feed(data):
            if self._is_file is None:
                self._decoded += piece
                if len(self._decoded) < len(_GZIP_MAGIC):
                    continue
                self._is_file = not self._decoded.startswith(_GZIP_MAGIC)
                if self._is_file:
                    break
                piece, self._coded, self._decoded = self._decoded, b"", b""
            yield piece
        if self._is_file is None and self._decoder.ended:
            self._is_file = True  # what is inside is too short for a gzip file
        if self._is_file and self._coded:
            yield self._coded
            self._coded = self._decoded = b""

    def finish(self) -> None:
        if not self._is_file:
            self._decoder.finish()


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
            if piece:
                yield from self._decode(piece, index + 1)
            else:
                yield piece

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
#: The first bytes of a gzip file (RFC 1952, section 2.3.1), whose only compression method is 8.
_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_TYPES = frozenset(
    {
        "application/gzip",
        "application/x-gzip",
        "application/x-gunzip",
        "application/x-tgz",
        "application/x-gtar",
        "application/x-compressed-tar",
    }
)
_GZIP_SUFFIXES = (".gz", ".tgz", ".taz")
#: Values of Content-Encoding by which servers mean that the body has none. Those that name a
#: charset or a media type are ignored as well.
_NO_CODINGS = frozenset(
    {
        "",
        "*",
        "7bit",
        "8bit",
        "aws-chunked",
        "binary",
        "chunked",
        "default",
        "false",
        "identity",
        "no",
        "none",
        "null",
        "off",
        "plain",
        "text",
        "undefined",
        "unicode",
    }
)


def split_codings(content_coding: str) -> tuple[list[str], list[str]]:
    """Return the codings of a Content-Encoding field, and its values that are no codings."""
    names = [name.strip().lower() for name in content_coding.split(",")]
    ignored = [name for name in names if name not in _DECODERS and _is_no_coding(name)]
    codings = [name for name in names if name not in ignored]
    return codings, [name for name in ignored if name not in ("", "identity")]


def _is_no_coding(name: str) -> bool:
    return name in _NO_CODINGS or "/" in name or is_charset(name)


def decoder_for(
    content_coding: str, media_type: str = "", url: Url | None = None
) -> ContentDecoder | None:
    """Return the decoder for a Content-Encoding field, or None if the body is not coded.

    Args:
        content_coding: the field.
        media_type: of the body.
        url: of a body that is to be saved; its name may be that of a gzip file.

    Raises:
        DecodeError: a coding is unknown.
    """
    if not content_coding:
        return None
    names, _ = split_codings(content_coding)
    if len(names) > _MAX_CODINGS:
        raise DecodeError(f"{len(names)} stacked content codings")
    unknown = [name for name in names if name not in _DECODERS]
    if unknown:
        raise DecodeError(f"unknown content coding {unknown[0][:40]!r}")
    if not names:
        return None
    if names in (["gzip"], ["x-gzip"]) and _names_gzip_file(media_type, url):
        return _GzipFileDecoder()
    decoders = [_DECODERS[name]() for name in reversed(names)]
    return decoders[0] if len(decoders) == 1 else _DecoderChain(decoders)


def _names_gzip_file(media_type: str, url: Url | None) -> bool:
    if media_type in _GZIP_TYPES:
        return True
    # A page about a file, as in browsers of repositories, has the file's name.
    if url is None or media_type in PAGE_TYPES:
        return False
    return urlsplit(url).path.lower().endswith(_GZIP_SUFFIXES)
