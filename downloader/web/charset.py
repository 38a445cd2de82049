"""Count the characters of a text, in the encoding a browser would choose."""

import codecs
import re
from enum import StrEnum
from functools import lru_cache

import webencodings
from webencodings import Encoding

#: How much of a text is looked at before its encoding is decided.
SAMPLE = 64 * 1024
#: Where a browser looks for a declaration (HTML standard, "prescan a byte stream").
_PRESCAN = 1024
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
_DECLARED = re.compile(
    rb"""<meta[^>]{0,500}?\scharset\s*=\s*["']?\s*([\w.:-]+)"""
    rb"""|<meta[^>]{0,500}?content\s*=\s*["'][^"'>]{0,200}?charset\s*=\s*([\w.:-]+)"""
    rb"""|^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_CSS_DECLARED = re.compile(rb'@charset "([\w.:-]+)";')
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)
#: So many different fields are remembered, because most answers have one of a few.
_KINDS = 256


class CharsetSource(StrEnum):
    """How the character encoding of a text was found."""

    BOM = "bom"
    HEADER = "header"
    META = "meta"
    UTF8 = "valid-utf-8"
    DETECTED = "detected"


def _lookup(label: str) -> Encoding | None:
    return webencodings.lookup(label) if label.isascii() else None


@lru_cache(maxsize=_KINDS)
def _from_header(content_type: str) -> Encoding | None:
    """Return the encoding that a ``Content-Type`` field names."""
    match = _CHARSET.search(content_type)
    return _lookup(match[1]) if match else None


_UTF8 = webencodings.UTF8
_LATIN1 = _lookup("windows-1252") or _UTF8


class CharacterCount:
    """Counts the characters of a text that arrives in pieces.

    The encoding is decided on the first 64 KiB: byte order mark, header, declaration in the text
    (for UTF-8 none is needed), and otherwise detection. What cannot be decoded counts as one
    character, as the replacement that a browser shows.

    Attributes:
        charset: the WHATWG name of the encoding; empty until decided.
        source: how it was found.
    """

    def __init__(self, content_type: str) -> None:
        self._header = _from_header(content_type)
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
        if len(self._sample) >= SAMPLE:
            self._decide()

    def finish(self) -> int:
        """Return how many characters there were."""
        decoder = self._decoder or self._decide()
        return self._characters + _length(decoder, b"", final=True)

    def _decide(self) -> codecs.IncrementalDecoder:
        sample = bytes(self._sample)
        self._sample.clear()
        encoding, self.source, mark = _choose(sample[:SAMPLE], self._header)
        self.charset = encoding.name
        decoder = encoding.codec_info.incrementaldecoder("replace")
        self._characters = _length(decoder, sample[mark:])
        self._decoder = decoder
        return decoder


def decoded(data: bytes, content_type: str) -> str:
    """Return a text, or the beginning of one, in the encoding that a browser would choose."""
    encoding, _, mark = _choose(data[:SAMPLE], _from_header(content_type))
    return encoding.codec_info.decode(data[mark:], "replace")[0]


def _length(
    decoder: codecs.IncrementalDecoder, data: bytes | memoryview, *, final: bool = False
) -> int:
    try:
        return len(decoder.decode(data, final))
    except UnicodeError:
        # Python's ISO-2022-JP gives up on a long broken escape sequence, unless it is the end.
        decoder.reset()
        return len(decoder.decode(data, True))


def _choose(sample: bytes, header: Encoding | None) -> tuple[Encoding, CharsetSource, int]:
    """Return the encoding, how it was found, and the length of the byte order mark."""
    for mark, label in _BOMS:
        if sample.startswith(mark):
            return _lookup(label) or _UTF8, CharsetSource.BOM, len(mark)
    if header is not None:
        return header, CharsetSource.HEADER, 0
    declared = _DECLARED.search(sample[:_PRESCAN]) or _CSS_DECLARED.match(sample)
    if declared is not None:
        label = next(group for group in declared.groups() if group).decode("ascii")
        encoding = _lookup(label)
        if encoding is not None:
            if encoding.name.startswith("utf-16"):
                # A declaration that could be read as ASCII is not in UTF-16 (HTML standard).
                encoding = _UTF8
            return encoding, CharsetSource.META, 0
    try:
        # A sample that is not the whole text may end within a character.
        codecs.getincrementaldecoder("utf-8")().decode(sample, len(sample) < SAMPLE)
    except UnicodeDecodeError:
        return _detect(sample), CharsetSource.DETECTED, 0
    return _UTF8, CharsetSource.UTF8, 0


def _detect(sample: bytes) -> Encoding:
    """Return the most plausible encoding of bytes that declare none and are not UTF-8."""
    # Few texts need it, and it takes a while to import.
    import charset_normalizer

    best = charset_normalizer.from_bytes(sample[:16384]).best()
    return (best and _lookup(best.encoding.replace("_", "-"))) or _LATIN1
