"""Content codings: undone piece by piece, and never taken for whole when they are cut."""

import gzip
import sys
import zlib
from collections.abc import Callable
from typing import Any, SupportsIndex

import brotli
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downloader.errors import DecodeError, TruncatedError
from downloader.web.content_coding import (
    MAX_PIECE_BYTES,
    MAX_SILENT_BYTES,
    ContentDecoder,
    decoder_for,
    split_codings,
)
from downloader.web.urls import Url

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"The quick brown fox jumps over the lazy dog. " * 20
FAST = settings(max_examples=40, deadline=None)

Encode = Callable[[bytes], bytes]


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _brotli(data: bytes) -> bytes:
    coded: bytes = brotli.compress(data)
    return coded


CODINGS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", _gzip),
    "x-gzip": ("x-gzip", _gzip),
    "deflate as zlib": ("deflate", zlib.compress),
    "deflate as raw": ("deflate", _raw_deflate),
    "br": ("br", _brotli),
    "zstd": ("zstd", zstd.compress),
    "gzip in br": ("gzip, br", lambda data: _brotli(_gzip(data))),
    "br in zstd in gzip": ("br, zstd, gzip", lambda d: _gzip(zstd.compress(_brotli(d)))),
}
each_coding = pytest.mark.parametrize(("coding", "encode"), CODINGS.values(), ids=CODINGS)


def _decoder(coding: str) -> ContentDecoder:
    decoder = decoder_for(coding)
    assert decoder is not None
    return decoder


def _decode(coding: str, body: bytes, step: int | None = None) -> bytes:
    """Decode *body*, fed *step* bytes at a time, to its very end."""
    decoder = _decoder(coding)
    step = step or len(body) or 1
    decoded = b"".join(
        piece
        for start in range(0, len(body), step)
        for piece in decoder.feed(body[start : start + step])
    )
    decoder.finish()
    return decoded


def _outcome(coding: str, body: bytes, step: int | None = None) -> bytes | type[Exception]:
    try:
        return _decode(coding, body, step)
    except (DecodeError, TruncatedError) as error:
        return type(error)


@each_coding
def test_each_coding_is_undone(coding: str, encode: Encode) -> None:
    assert _decode(coding, encode(TEXT)) == TEXT
    assert _decode(coding, encode(TEXT), step=1) == TEXT
    assert _decode(coding, encode(b"")) == b""


@each_coding
@given(data=st.binary(max_size=2000), step=st.integers(1, 64))
@FAST
def test_what_was_coded_comes_back_however_it_is_cut(
    coding: str, encode: Encode, data: bytes, step: int
) -> None:
    assert _decode(coding, encode(data), step) == data


@each_coding
def test_a_body_cut_at_any_byte_is_never_taken_for_whole(coding: str, encode: Encode) -> None:
    body = encode(TEXT)
    for end in range(len(body)):
        if coding.endswith("gzip") and end == len(body) - 8:
            continue  # the compressed data is complete, and only its checksum is missing
        assert _outcome(coding, body[:end]) is TruncatedError, f"cut after {end} bytes"
        assert _outcome(coding, body[:end], step=1) is TruncatedError, f"cut after {end} bytes"


@each_coding
def test_a_decoder_that_was_given_nothing_is_cut_off(coding: str, encode: Encode) -> None:
    decoder = _decoder(coding)
    assert list(decoder.feed(b"")) == []
    with pytest.raises(TruncatedError, match="is cut off before its end of stream"):
        decoder.finish()


@each_coding
@pytest.mark.parametrize("step", [None, 1])
def test_garbage_after_the_end_is_an_error(coding: str, encode: Encode, step: int | None) -> None:
    assert _outcome(coding, encode(TEXT) + b"garbage!", step) is DecodeError


@each_coding
@given(garbage=st.binary(max_size=300), step=st.integers(1, 50))
@example(garbage=b"\x1f\x8b", step=1)
@example(garbage=b"\x78\xbb\x00\x00\x00\x00", step=2)
@FAST
def test_garbage_is_only_ever_a_decode_error_and_the_same_however_it_is_cut(
    coding: str, encode: Encode, garbage: bytes, step: int
) -> None:
    assert _outcome(coding, garbage) == _outcome(coding, garbage, step)
    body = encode(TEXT)
    middle = len(body) // 2
    mixed = body[:middle] + garbage + body[middle:]
    assert _outcome(coding, mixed) == _outcome(coding, mixed, step)


@each_coding
def test_a_flipped_bit_in_a_checked_body_does_not_pass(coding: str, encode: Encode) -> None:
    body = bytearray(encode(TEXT))
    body[len(body) // 2] ^= 0x10
    outcome = _outcome(coding, bytes(body))
    # Raw deflate, brotli and this zstd carry no checksum: a flip may stay unseen there.
    assert outcome != TEXT or coding in ("deflate", "br", "zstd")


@pytest.mark.parametrize("step", [None, 1, 7])
def test_gzip_may_have_several_members_and_zero_padding(step: int | None) -> None:
    body = _gzip(b"one, ") + _gzip(b"") + _gzip(b"two") + bytes(1000)
    assert _decode("gzip", body, step) == b"one, two"


@pytest.mark.parametrize("step", [None, 1, 7])
def test_a_member_may_follow_zero_padding(step: int | None) -> None:
    assert _decode("gzip", _gzip(b"one, ") + bytes(5) + _gzip(b"two"), step) == b"one, two"


@pytest.mark.parametrize("step", [None, 1])
def test_a_second_gzip_member_that_is_cut_is_cut(step: int | None) -> None:
    first, second = _gzip(b"one"), _gzip(b"two")
    for end in {*range(1, len(second))} - {len(second) - 8}:
        assert _outcome("gzip", first + second[:end], step) is TruncatedError


@pytest.mark.parametrize("step", [None, 1, 7])
def test_zstd_may_have_several_frames_and_skippable_ones(step: int | None) -> None:
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    body = skippable + zstd.compress(b"one, ") + skippable + zstd.compress(b"two") + skippable
    assert _decode("zstd", body, step) == b"one, two"


@each_coding
def test_a_bomb_is_met_in_pieces_of_bounded_size(coding: str, encode: Encode) -> None:
    bomb = encode(bytes(20 * MAX_PIECE_BYTES))
    assert len(bomb) < MAX_PIECE_BYTES
    decoder = _decoder(coding)
    sizes = [len(piece) for piece in decoder.feed(bomb)]
    decoder.finish()
    assert sum(sizes) == 20 * MAX_PIECE_BYTES
    assert max(sizes) <= MAX_PIECE_BYTES


@each_coding
def test_a_bomb_is_decoded_no_further_than_it_is_asked_for(coding: str, encode: Encode) -> None:
    feed = iter(_decoder(coding).feed(encode(bytes(20 * MAX_PIECE_BYTES))))
    # One piece was asked for, so the limit on the size of a body can end it here.
    assert 0 < len(next(feed)) <= MAX_PIECE_BYTES


def test_a_zstd_window_beyond_the_standard_is_refused() -> None:
    parameter = zstd.CompressionParameter
    compressor = zstd.ZstdCompressor(options={parameter.window_log: 27})
    body = compressor.compress(bytes(MAX_PIECE_BYTES)) + compressor.flush()
    assert _outcome("zstd", body) is DecodeError


@pytest.mark.parametrize("field", ["", "identity", " , ,", "identity, Identity"])
def test_where_nothing_was_coded_nothing_is_undone(field: str) -> None:
    assert decoder_for(field) is None


@pytest.mark.parametrize("field", ["GZIP", " gzip ", "identity, gzip", "gzip,"])
def test_the_field_is_read_as_the_standard_says(field: str) -> None:
    assert _decode(field, _gzip(TEXT)) == TEXT


@pytest.mark.parametrize("field", ["rot13", "gzip, compress", "gzip;q=1", "gzip gzip"])
def test_an_unknown_coding_is_an_error(field: str) -> None:
    with pytest.raises(DecodeError, match="unknown content coding"):
        decoder_for(field)


def test_a_tower_of_codings_is_refused() -> None:
    assert decoder_for(", ".join(["gzip"] * 4)) is not None
    with pytest.raises(DecodeError, match="5 stacked content codings"):
        decoder_for(", ".join(["gzip"] * 5))


_TAR = Url("http://h.test/a.tar.gz")


def _saved(body: bytes, media_type: str, url: Url | None, step: int | None = None) -> bytes:
    decoder = decoder_for("gzip", media_type, url)
    assert decoder is not None
    step = step or len(body)
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    saved = b"".join(piece for part in parts for piece in decoder.feed(part))
    decoder.finish()
    return saved


@pytest.mark.parametrize("step", [None, 1, 5])
@pytest.mark.parametrize("content", [b"", b"x", TEXT, bytes(3 * MAX_PIECE_BYTES)])
@pytest.mark.parametrize(
    ("media_type", "url"),
    [
        ("application/gzip", None),
        ("application/x-gzip", Url("http://h.test/download?id=1")),
        ("application/octet-stream", _TAR),
        ("text/plain", Url("http://h.test/C.LOG.GZ?x=1")),
        ("application/x-tar", Url("http://h.test/a.tgz")),
    ],
)
def test_a_gzip_file_is_saved_as_one_whether_it_was_labelled_or_compressed_once_more(
    media_type: str, url: Url | None, content: bytes, step: int | None
) -> None:
    file = _gzip(content)
    assert _saved(file, media_type, url, step) == file
    assert _saved(_gzip(file), media_type, url, step) == file


@pytest.mark.parametrize(
    ("media_type", "url"),
    [("text/html", _TAR), ("image/svg+xml", Url("http://h.test/a.svgz")), ("text/plain", None)],
)
def test_what_is_no_gzip_file_by_name_or_type_is_decoded(media_type: str, url: Url | None) -> None:
    assert _saved(_gzip(TEXT), media_type, url) == TEXT


def test_a_gzip_file_compressed_once_more_and_cut_is_cut() -> None:
    for cut in (1, 9, 20):
        with pytest.raises(TruncatedError):
            _saved(_gzip(_gzip(TEXT))[:-cut], "application/gzip", None)


@pytest.mark.parametrize(
    "label",
    ["UTF-8", "utf8", "none", "binary", "8bit", "iso-8859-1", "null", "text/html", "windows-1252"],
)
def test_labels_that_are_no_codings_are_ignored(label: str) -> None:
    assert decoder_for(label) is None
    assert _decode(f"gzip, {label}", _gzip(TEXT)) == TEXT
    assert split_codings(f"gzip, {label}") == (["gzip"], [label.lower()])


@pytest.mark.parametrize("label", ["compress", "bzip2", "xz", "exi", "zip", "base64"])
def test_codings_that_are_not_supported_are_errors(label: str) -> None:
    with pytest.raises(DecodeError, match="unknown content coding"):
        decoder_for(label)


@pytest.mark.parametrize("step", [None, 1, 7])
def test_a_gzip_body_without_its_trailer_is_whole(step: int | None) -> None:
    assert _decode("gzip", _gzip(TEXT)[:-8], step) == TEXT


@pytest.mark.parametrize("padding", [bytes(100), b"\r\n", b"\n", b" "])
def test_padding_behind_a_gzip_body_is_ignored(padding: bytes) -> None:
    assert _decode("gzip", _gzip(TEXT) + padding) == TEXT


_SKIPPABLE = b"\x50\x2a\x4d\x18" + bytes(4)
#: What gives no output, by coding: one unit of it, and what must come before.
_SILENT: dict[str, tuple[str, bytes, bytes]] = {
    "gzip members": ("gzip", b"", _gzip(b"")),
    "gzip padding": ("gzip", _gzip(b""), bytes(64)),
    "a gzip file name": ("gzip", b"\x1f\x8b\x08\x08" + bytes(6), b"name" * 16),
    "empty deflate blocks": ("deflate", b"\x78\x9c", b"\0\0\0\xff\xff"),
    "zstd frames": ("zstd", b"", zstd.compress(b"")),
    "skippable zstd frames": ("zstd", b"", _SKIPPABLE),
}
each_silent = pytest.mark.parametrize(("coding", "start", "unit"), _SILENT.values(), ids=_SILENT)


@each_silent
@pytest.mark.parametrize("outer", ["", ", gzip"])
def test_input_that_gives_no_output_is_limited(
    coding: str, start: bytes, unit: bytes, outer: str
) -> None:
    body = start + unit * (3 * MAX_SILENT_BYTES // len(unit))
    if outer:
        body = _gzip(body)
    assert _outcome(coding + outer, body, step=65536) is DecodeError


class _CountingBytes(bytes):
    """Bytes that count how many of them are copied by slicing."""

    copied = 0

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        found = super().__getitem__(key)
        if isinstance(found, bytes):
            _CountingBytes.copied += len(found)
        return found


@pytest.mark.parametrize("unit", [_gzip(b""), _gzip(b"x")], ids=["empty", "one byte"])
def test_the_work_for_many_members_grows_with_their_number(unit: bytes) -> None:
    copied = []
    for count in (2_000, 4_000, 8_000):
        _CountingBytes.copied = 0
        list(_decoder("gzip").feed(_CountingBytes(unit * count)))
        copied.append(_CountingBytes.copied)
    assert copied[2] < 2.2 * copied[1] < 5 * copied[0]
    assert copied[2] < 6 * 8_000 * len(unit)


def test_work_without_output_yields_now_and_then() -> None:
    pieces = list(_decoder("gzip").feed(_gzip(b"") * 10_000))
    assert len(pieces) > 30
    assert not any(pieces)
