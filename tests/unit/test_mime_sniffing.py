"""The type of a body that nobody names is found as the MIME Sniffing standard has it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.media_types import OCTET_STREAM, extension_for
from downloader.web.mime_sniffing import (
    RESOURCE_HEADER_BYTES,
    UNKNOWN_TYPES,
    needs_sniffing,
    sniffed_type,
)

#: Beginnings of bodies by their types, in the order of the standard's tables.
SIGNATURES = {
    "%PDF-1.7": "application/pdf",
    "%!PS-Adobe-3.0": "application/postscript",
    "\0\0\1\0": "image/x-icon",
    "\0\0\2\0": "image/x-icon",
    "BM": "image/bmp",
    "GIF87a": "image/gif",
    "GIF89a": "image/gif",
    "RIFF\xff\xff\xff\xffWEBPVP8L": "image/webp",
    "\x89PNG\r\n\x1a\n": "image/png",
    "\xff\xd8\xff\xe0": "image/jpeg",
    "FORM\n\0\0\nAIFF": "audio/aiff",
    "ID3": "audio/mpeg",
    "OggS\0": "application/ogg",
    "MThd\0\0\0\6": "audio/midi",
    "RIFF\0\n\0\0AVI ": "video/avi",
    "RIFF\0\0\0\0WAVE": "audio/wave",
    "\0\0\0\x10ftypmp4\0\0\0\0\0": "video/mp4",
    "\0\0\0\x18ftypisom\0\0\0\0mp42\0\0\0\0": "video/mp4",
    "\x1a\x45\xdf\xa3\x81\x42\x82\x84webm": "video/webm",
    "\x1a\x45\xdf\xa3\1\0\0\0\0\0\0\x1f\x42\x86\x81\1\x42\x82\x88\0\0webm": "video/webm",
    "\x1f\x8b\x08": "application/x-gzip",
    "PK\3\4": "application/zip",
    "Rar!\x1a\7\0": "application/x-rar-compressed",
}
#: Beginnings that miss a signature by little.
NEARLY = {
    "RIFF\0\0\0\0WEBP": OCTET_STREAM,
    "OggS": "text/plain",
    "GIF88a": "text/plain",
    "\0\0\0\x10ftypavif\0\0\0\0": OCTET_STREAM,
    "\0\0\0\x12ftypmp4\0\0\0\0\0\0\0": OCTET_STREAM,  # no multiple of four
    "\0\0\1\0ftypmp4\0": "image/x-icon",
    "\0\0\0\xf0ftypmp4\0": OCTET_STREAM,  # the box is longer than the body
    "\x1a\x45\xdf\xa3\x81\x42\x82\x88matroska": OCTET_STREAM,
    "\x1a\x45\xdf\xa3": OCTET_STREAM,
    "\x1a\x45\xdf\xa3\x42\x82": OCTET_STREAM,
    "\x1a\x45\xdf\xa3" + "\x81" * 34 + "\x42\x82\x84webm": OCTET_STREAM,  # beyond the 38th byte
    " %PDF-1.7": "text/plain",
    "": "text/plain",
    "\x1b[1mbold": "text/plain",
    "fLaC": "text/plain",
    "wOF2": "text/plain",  # fonts are not looked for
    ".snd": "text/plain",
    "\x7fELF\2\1\1": OCTET_STREAM,
}
TAGS = (
    *("<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT", "<TABLE"),
    *("<A", "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P", "<!--"),
)


def mp3_frame(second: int, third: int, size: int) -> bytes:
    return bytes([0xFF, second, third, 0]).ljust(size, b"\0")


@pytest.mark.parametrize(("head", "media_type"), [*SIGNATURES.items(), *NEARLY.items()])
def test_a_signature_tells_the_type(head: str, media_type: str) -> None:
    for unknown in UNKNOWN_TYPES:
        assert sniffed_type(head.encode("latin-1"), unknown) == media_type


@pytest.mark.parametrize("tag", TAGS)
def test_a_page_begins_with_a_tag_that_is_closed_or_goes_on(tag: str) -> None:
    for space in ("", "\t\n\f\r ", " " * 1000):
        for text in (tag, tag.lower()):
            for end in (" ", ">"):
                page = f"{space}{text}{end}".encode()
                assert sniffed_type(page, "") == "text/html"
                assert sniffed_type(page, "", no_sniff=True) == "text/plain"
            for end in ("", "\n", "/", "x"):
                assert sniffed_type(f"{space}{text}{end}".encode(), "") == "text/plain"
    assert sniffed_type(f"text {tag}>".encode(), "") == "text/plain"
    assert sniffed_type(b" " * RESOURCE_HEADER_BYTES + f"{tag}>".encode(), "") == "text/plain"


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("<?xml", "text/xml"),
        ("\n <?xml version='1.0'?>", "text/xml"),
        ("<?XML", "text/plain"),
        ("<rss version=2.0>", "text/plain"),
    ],
)
def test_xml_is_known_by_its_declaration(text: str, media_type: str) -> None:
    assert sniffed_type(text.encode(), "") == media_type
    assert sniffed_type(text.encode(), "", no_sniff=True) == "text/plain"


@pytest.mark.parametrize("mark", [b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_that_of_text(mark: bytes) -> None:
    for media_type in ("", "text/plain"):
        assert sniffed_type(mark + b"\0<\0h", media_type) == "text/plain"


@pytest.mark.parametrize(
    ("second", "third", "size"),
    [
        (0xFB, 0x90, 417),  # MPEG 1, 128 kbit/s at 44.1 kHz
        (0xFB, 0x92, 418),  # the same, padded
        (0xF3, 0x84, 192),  # MPEG 2, 64 kbit/s at 24 kHz
        (0xE3, 0x48, 288),  # MPEG 2.5, 32 kbit/s at 8 kHz
    ],
)
def test_two_frames_of_mp3_make_a_file(second: int, third: int, size: int) -> None:
    frame = mp3_frame(second, third, size)
    assert sniffed_type(frame + frame[:4], "") == "audio/mpeg"
    assert sniffed_type(frame + b"\xff\xf1\x90\0", "") == OCTET_STREAM  # layer 0
    for other in (frame + frame[:3], frame[:-1] + frame, b"\xff\xff" + frame):
        assert sniffed_type(other, "") == OCTET_STREAM


@pytest.mark.parametrize(
    ("field", "media_type", "needed"),
    [
        ("", "", True),
        ("*/*", "", True),
        ("html", "", True),
        ("unknown/unknown", "unknown/unknown", True),
        ("application/unknown", "application/unknown", True),
        ("text/plain", "text/plain", True),
        ("text/plain; charset=ISO-8859-1", "text/plain", True),
        ("text/plain; charset=iso-8859-1", "text/plain", True),
        ("text/plain; charset=UTF-8", "text/plain", True),
        ("text/plain; charset=utf-8", "text/plain", False),
        ("text/plain;charset=UTF-8", "text/plain", False),
        ("Text/Plain", "text/plain", False),
        ("text/html", "text/html", False),
        ("image/png", "image/png", False),
        ("application/octet-stream", "application/octet-stream", False),
    ],
)
def test_only_unknown_types_and_known_mistakes_are_looked_into(
    field: str, media_type: str, needed: bool
) -> None:
    assert needs_sniffing(media_type, field) is needed


def test_what_is_said_to_be_text_is_text_or_binary_and_never_a_page() -> None:
    for body in ("<html>", "%PDF-1", "text", "GIF89a"):
        assert sniffed_type(body.encode(), "text/plain") == "text/plain"
    for body in ("\x89PNG\r\n\x1a\n", "PK\3\4", "<html>\0"):
        assert sniffed_type(body.encode("latin-1"), "text/plain") == OCTET_STREAM
        assert sniffed_type(body.encode("latin-1"), "text/plain", no_sniff=True) == "text/plain"


@pytest.mark.parametrize("byte", range(256))
def test_control_characters_make_a_body_binary(byte: int) -> None:
    is_text = byte > 0x1F or byte in b"\t\n\f\r\x1b"
    assert sniffed_type(b"text" + bytes([byte]), "") == ("text/plain" if is_text else OCTET_STREAM)


@given(
    body=st.binary(max_size=60)
    | st.builds(str.__add__, st.sampled_from([*SIGNATURES, *TAGS, *NEARLY]), st.text()).map(
        lambda text: text.encode("utf-8", "replace")
    ),
    supplied=st.sampled_from(sorted({*UNKNOWN_TYPES, "text/plain"})),
    no_sniff=st.booleans(),
)
@settings(deadline=None)
def test_every_body_has_a_type_whose_extension_its_name_may_get(
    body: bytes, supplied: str, no_sniff: bool
) -> None:
    media_type = sniffed_type(body, supplied, no_sniff=no_sniff)
    assert (extension_for(media_type) == ".bin") == (media_type == OCTET_STREAM)
    padded = body.ljust(RESOURCE_HEADER_BYTES, b" ")
    assert sniffed_type(padded + b"\0<html>", supplied, no_sniff=no_sniff) == sniffed_type(
        padded, supplied, no_sniff=no_sniff
    )
    for rule in ExtensionRule:
        name = FileName("h/a", rule)
        assert name.may_become(name.path(media_type))
