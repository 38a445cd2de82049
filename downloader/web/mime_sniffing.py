"""The media type of a body by its first bytes, as browsers find it (MIME Sniffing standard).

Only a type that the server does not name, or names by a known mistake, is looked for. Libraries for
it exist and are not kept: of those on PyPI, the last release is of January 2024, without types, and
an input of spaces before a short tag makes it fail.
"""

import re

from downloader.web.media_types import OCTET_STREAM

#: Bytes that decide the type (section 5.2, "read the resource header").
RESOURCE_HEADER_BYTES = 1445
#: Types that name none (section 7); a field without a valid type, or with ``*/*``, is "".
UNKNOWN_TYPES = frozenset({"", "unknown/unknown", "application/unknown"})
#: Types of which a body may have to be sniffed; see :func:`needs_sniffing`.
DOUBTFUL_TYPES = UNKNOWN_TYPES | {"text/plain"}

#: What old installations of Apache send for files of any type they do not know (section 5.1).
_APACHE_DEFAULTS = frozenset(
    {
        "text/plain",
        "text/plain; charset=ISO-8859-1",
        "text/plain; charset=iso-8859-1",
        "text/plain; charset=UTF-8",
    }
)
_BYTE_ORDER_MARK = re.compile(rb"\xfe\xff|\xff\xfe|\xef\xbb\xbf")
_BINARY_DATA_BYTES = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_PAGE = re.compile(
    rb"[\t\n\f\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body"
    rb"|br|p|!--)[ >]",
    re.IGNORECASE,
)
#: Patterns of types that can hold scripts (section 7.1), by type.
_SCRIPTABLE = (
    (_PAGE, "text/html"),
    (re.compile(rb"[\t\n\f\r ]*<\?xml"), "text/xml"),
    (re.compile(rb"%PDF-"), "application/pdf"),
)
#: Patterns of all others, in the order of sections 7.1, 6.1, 6.2 and 6.4.
_PATTERNS = (
    (re.compile(rb"%!PS-Adobe-"), "application/postscript"),
    (re.compile(rb"(?:\xfe\xff|\xff\xfe)..|\xef\xbb\xbf.", re.DOTALL), "text/plain"),
    (re.compile(rb"\0\0[\x01\x02]\0"), "image/x-icon"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF.{4}WEBPVP", re.DOTALL), "image/webp"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"FORM.{4}AIFF", re.DOTALL), "audio/aiff"),
    (re.compile(rb"ID3"), "audio/mpeg"),
    (re.compile(rb"OggS\0"), "application/ogg"),
    (re.compile(rb"MThd\0\0\0\x06"), "audio/midi"),
    (re.compile(rb"RIFF.{4}AVI ", re.DOTALL), "video/avi"),
    (re.compile(rb"RIFF.{4}WAVE", re.DOTALL), "audio/wave"),
)
_ARCHIVES = (
    (re.compile(rb"\x1f\x8b\x08"), "application/x-gzip"),
    (re.compile(rb"PK\x03\x04"), "application/zip"),
    (re.compile(rb"Rar!\x1a\x07\0"), "application/x-rar-compressed"),
)
#: Where the document type of a WebM file may begin (section 6.2.2).
_WEBM_SEARCH = slice(4, 38)
_DOCTYPE_ID = b"\x42\x82"
_WEBM = re.compile(rb"\0*webm")
#: Kilobits per second by the index in a frame of MP3 (section 6.2.3), and samples per second.
_MPEG1_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = (44100, 48000, 32000)


def needs_sniffing(media_type: str, last_field: str) -> bool:
    """Return whether the type of a body is found by its first bytes.

    Args:
        media_type: what the Content-Type fields say, as
            :func:`~downloader.web.media_types.parse_media_type` reads them.
        last_field: the last of these fields, as it was sent.
    """
    return media_type in UNKNOWN_TYPES or last_field in _APACHE_DEFAULTS


def sniffed_type(head: bytes, media_type: str, *, no_sniff: bool = False) -> str:
    """Return the type of a body (section 7, "MIME type sniffing algorithm").

    Args:
        head: the first :data:`RESOURCE_HEADER_BYTES` of the body, without content coding; more are
            ignored.
        media_type: the type that the server names, for which :func:`needs_sniffing` is true.
        no_sniff: whether the server asks not to take a body for a page or another type with
            scripts (``X-Content-Type-Options``).
    """
    head = head[:RESOURCE_HEADER_BYTES]
    if media_type not in UNKNOWN_TYPES:
        return media_type if no_sniff else _text_or_binary(head)
    patterns = _PATTERNS if no_sniff else (*_SCRIPTABLE, *_PATTERNS)
    return (
        _matching(patterns, head)
        or _other_media(head)
        or _matching(_ARCHIVES, head)
        or (OCTET_STREAM if _BINARY_DATA_BYTES.search(head) else "text/plain")
    )


def _text_or_binary(head: bytes) -> str:
    """Return the type of a body that is mislabelled as text, perhaps (section 7.2)."""
    is_text = _BYTE_ORDER_MARK.match(head) or not _BINARY_DATA_BYTES.search(head)
    return "text/plain" if is_text else OCTET_STREAM


def _matching(patterns: tuple[tuple[re.Pattern[bytes], str], ...], head: bytes) -> str:
    return next((media_type for pattern, media_type in patterns if pattern.match(head)), "")


def _other_media(head: bytes) -> str:
    """Return the type of audio or video that no pattern describes (section 6.2); may be empty."""
    if _is_mp4(head):
        return "video/mp4"
    if _is_webm(head):
        return "video/webm"
    return "audio/mpeg" if _is_mp3(head) else ""


def _is_mp4(head: bytes) -> bool:
    """Return whether one of the brands of the first box begins with ``mp4`` (section 6.2.1)."""
    box_size = int.from_bytes(head[:4], "big")
    if len(head) < 12 or len(head) < box_size or box_size % 4 or head[4:8] != b"ftyp":
        return False
    # The four bytes behind the first brand are its version.
    return any(head[start : start + 3] == b"mp4" for start in (8, *range(16, box_size, 4)))


def _is_webm(head: bytes) -> bool:
    """Return whether a file of EBML names ``webm`` as its document type (section 6.2.2)."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return False
    position, end = _WEBM_SEARCH.start, _WEBM_SEARCH.stop + 1
    while (position := head.find(_DOCTYPE_ID, position, end)) >= 0:
        position += len(_DOCTYPE_ID)
        first_byte = head[position : position + 1]
        if not first_byte:
            return False
        length_bytes = min(9 - first_byte[0].bit_length(), 8)
        if _WEBM.match(head, position + length_bytes):
            return True
    return False


def _is_mp3(head: bytes) -> bool:
    """Return whether two frames of MP3 follow each other (section 6.2.3).

    The conditions are those of Firefox, which the standard repeats with mistakes in the operators.
    """
    if not _begins_mp3_frame(head):
        return False
    version, rate_index = head[1] >> 3 & 0b11, head[2] >> 4
    is_mpeg1 = version & 1
    bit_rate = 1000 * (_MPEG1_RATES if is_mpeg1 else _MPEG2_RATES)[rate_index]
    sample_rate = _SAMPLE_RATES[head[2] >> 2 & 0b11] >> {0b10: 1, 0b00: 2}.get(version, 0)
    size = bit_rate * (144 if is_mpeg1 else 72) // sample_rate + (head[2] >> 1 & 1)
    return size >= 4 and _begins_mp3_frame(head[size : size + 4])


def _begins_mp3_frame(frame: bytes) -> bool:
    """Return whether the first four bytes are the header of a frame of MPEG audio, layer 3."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return False
    return frame[1] >> 1 & 0b11 == 1 and frame[2] >> 4 != 15 and frame[2] >> 2 & 0b11 != 3
