"""Find the character encoding of a text as a browser does, and count its characters."""

import codecs
import re
from enum import StrEnum
from functools import lru_cache

import webencodings
from webencodings import Encoding

from downloader.web.encoding_declaration import declared_encoding, lookup_encoding
from downloader.web.media_types import effective_content_type

#: Bytes of a text by which its encoding is decided.
SAMPLE_BYTES = 64 * 1024
#: Bytes by which an encoding that nothing declares is guessed; more costs time and changes little.
_DETECTION_BYTES = 16 * 1024
#: Bytes in which the detector looks for a declaration.
_DETECTOR_PRESCAN_BYTES = 1024
_BOM = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff")
_BOM_LABELS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16le", b"\xfe\xff": "utf-16be"}
_NOT_ASCII = re.compile(rb"[\x80-\xff]|\x1b\$")
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)
#: Distinct Content-Type fields to remember: most responses of a site have one of a few.
_CACHED_FIELDS = 256


class CharsetSource(StrEnum):
    """How the character encoding of a text was found."""

    BOM = "bom"
    HEADER = "header"
    META = "meta"
    UTF8 = "valid-utf-8"
    DETECTED = "detected"


def is_charset(label: str) -> bool:
    """Return whether *label* names a character encoding (WHATWG Encoding, section 4.2)."""
    return lookup_encoding(label) is not None


@lru_cache(maxsize=_CACHED_FIELDS)
def _from_header(content_type: str) -> Encoding | None:
    """Return the encoding that a Content-Type field names, or None."""
    match = _CHARSET.search(effective_content_type(content_type) or content_type)
    return lookup_encoding(match[1]) if match else None


def header_charset(content_type: str) -> str | None:
    """Return the WHATWG name of the encoding that a Content-Type field names, or None."""
    encoding = _from_header(content_type)
    return None if encoding is None else encoding.name


_UTF8 = webencodings.UTF8
_LATIN1 = lookup_encoding("windows-1252") or _UTF8


class CharacterCounter:
    """Counts the characters of a text that arrives in pieces.

    The first 64 KiB decide the encoding, by the first of these that applies: byte order mark,
    Content-Type, declaration in the text, valid UTF-8, statistical detection. An invalid byte
    sequence counts as one character, because a browser shows U+FFFD for it.

    Args:
        content_type: the field as it was sent, which may name the encoding.
        media_type: the type of the text, which decides how it declares its encoding; empty if it
            is not known.

    Attributes:
        charset: the WHATWG name of the encoding; empty until it is decided.
        source: how it was found; None until then.
    """

    def __init__(self, content_type: str, media_type: str) -> None:
        self._header = _from_header(content_type)
        self._media_type = media_type
        self._sample = bytearray()
        self._decoder: codecs.IncrementalDecoder | None = None
        self._characters = 0
        self.charset = ""
        self.source: CharsetSource | None = None

    def feed(self, data: bytes | memoryview) -> None:
        """Count one piece."""
        if self._decoder is not None:
            self._characters += _length(self._decoder, data)
            return
        self._sample += data
        if len(self._sample) >= SAMPLE_BYTES:
            encoding, text = self._decide()
            self._sample.clear()
            self._decoder = encoding.codec_info.incrementaldecoder("replace")
            self._characters = _length(self._decoder, text)

    def count(self, text: bytes) -> int:
        """Return the number of characters of a whole text, instead of pieces of it."""
        if len(text) >= SAMPLE_BYTES:
            self.feed(text)
            return self.finish()
        encoding, self.source, mark = _choose(text, self._header, self._media_type)
        self.charset = encoding.name
        if encoding is _UTF8:
            return len(text[mark:].decode("utf-8", "replace"))
        return len(encoding.codec_info.decode(text[mark:], "replace")[0])

    def finish(self) -> int:
        """Return the number of characters."""
        if self._decoder is not None:
            return self._characters + _length(self._decoder, b"", final=True)
        encoding, text = self._decide()
        return len(encoding.codec_info.decode(text, "replace")[0])

    def _decide(self) -> tuple[Encoding, bytes]:
        """Return the encoding, and the text so far without its byte order mark."""
        sample = bytes(self._sample)
        encoding, self.source, mark = _choose(sample[:SAMPLE_BYTES], self._header, self._media_type)
        self.charset = encoding.name
        return encoding, sample[mark:]


def charset_of(sample: bytes, media_type: str) -> str:
    """Return the WHATWG name of the encoding of a text that no header names.

    Args:
        sample: the text, or its first SAMPLE_BYTES.
        media_type: the type of the text; see :class:`CharacterCounter`.
    """
    return _choose(sample, None, media_type)[0].name


def decode_text(data: bytes, content_type: str, media_type: str) -> str:
    """Decode a text, or its beginning, in the encoding that a browser would choose.

    The arguments are those of :class:`CharacterCounter`.
    """
    encoding, _, mark = _choose(data[:SAMPLE_BYTES], _from_header(content_type), media_type)
    return encoding.codec_info.decode(data[mark:], "replace")[0]


def _length(
    decoder: codecs.IncrementalDecoder, data: bytes | memoryview, *, final: bool = False
) -> int:
    try:
        return len(decoder.decode(data, final))
    except UnicodeError:
        # Python's ISO-2022-JP decoder fails on a long invalid escape sequence, except at the end.
        decoder.reset()
        return len(decoder.decode(data, True))


def _choose(
    sample: bytes, header: Encoding | None, media_type: str
) -> tuple[Encoding, CharsetSource, int]:
    """Return the encoding, how it was found, and the length of the byte order mark."""
    if mark := _BOM.match(sample):
        return lookup_encoding(_BOM_LABELS[mark[0]]) or _UTF8, CharsetSource.BOM, mark.end()
    if header is not None:
        return header, CharsetSource.HEADER, 0
    declared = declared_encoding(sample, media_type)
    if declared is not None:
        return declared, CharsetSource.META, 0
    if sample.isascii():
        # Only ISO-2022-JP is another encoding with bytes of ASCII alone. A single byte is found a
        # hundred times faster than two.
        if b"\x1b" not in sample or b"\x1b$" not in sample:
            return _UTF8, CharsetSource.UTF8, 0
    elif _is_utf8(sample):
        return _UTF8, CharsetSource.UTF8, 0
    return _detect(sample), CharsetSource.DETECTED, 0


def detect_encoding(sample: bytes) -> str:
    """Return the most likely encoding of a text that is not UTF-8, by the name of its codec."""
    return _detect(sample).codec_info.name


def _is_utf8(sample: bytes) -> bool:
    try:
        # A sample that is not the whole text may be cut within a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample, len(sample) < SAMPLE_BYTES)
    except UnicodeDecodeError:
        return False
    return True


def _detect(sample: bytes) -> Encoding:
    """Return the most likely encoding of bytes that declare none and are not UTF-8."""
    # Few texts need it, and it takes a while to import.
    from turbohtml.detect import detect

    found = _NOT_ASCII.search(sample)
    start = max(found.start() - _DETECTION_BYTES // 2, 0) if found is not None else 0
    # The detector has a prescan for HTML of its own, which sees nothing but these spaces.
    spaces = b" " * _DETECTOR_PRESCAN_BYTES
    label = detect(spaces + sample[start : start + _DETECTION_BYTES]).encoding
    return (label and lookup_encoding(label)) or _LATIN1
