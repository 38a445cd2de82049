"""Documents say themselves which encoding they are in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.web.encoding_declaration import declares_encoding, with_encoding

HTML = "text/html"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<p>\xe9", "<meta charset=latin1><p>\xe9"),
        ("<!DOCTYPE html>\n<p>\xe9", "<!DOCTYPE html><meta charset=latin1>\n<p>\xe9"),
        (
            "<!-- a > b --><!doctype html><html lang='a>b'><head class=x>\xe9",
            "<!-- a > b --><!doctype html><html lang='a>b'><head class=x><meta charset=latin1>\xe9",
        ),
        ("<header>\xe9", "<meta charset=latin1><header>\xe9"),
        ("<meta charset=iso-8859-1>\xe9", "<meta charset=iso-8859-1>\xe9"),
        # The header said otherwise, and it was right; of two declarations the first counts.
        ("<meta charset=utf-8>\xe9", "<meta charset=latin1><meta charset=utf-8>\xe9"),
        # No declaration for a browser: not in http-equiv, and no encoding.
        (
            "<meta name=a content='b; charset=latin1'>\xe9",
            "<meta charset=latin1><meta name=a content='b; charset=latin1'>\xe9",
        ),
        ("<meta charset=klingon>\xe9", "<meta charset=latin1><meta charset=klingon>\xe9"),
        (
            "<!-- <meta charset=a> --><p>\xe9",
            "<meta charset=latin1><!-- <meta charset=a> --><p>\xe9",
        ),
        ("<p>ascii", "<p>ascii"),
        # A picture and a script that are called pages.
        ("\x89PNG\r\n", "\x89PNG\r\n"),
        ("var s = '<p>\xe9';", "var s = '<p>\xe9';"),
    ],
)
def test_a_page_gets_a_declaration_where_it_needs_one(body: str, wanted: str) -> None:
    made = with_encoding(body.encode("latin-1"), HTML, "latin1")
    assert made == wanted.encode("latin-1")


def test_what_nobody_told_is_not_declared() -> None:
    assert with_encoding(b"<p>\xe9", HTML, "") == b"<p>\xe9"


def test_style_sheets_get_a_rule_and_utf16_gets_a_mark() -> None:
    sheet = "p::after { content: '\xe9' }".encode("latin-1")
    assert with_encoding(sheet, "text/css", "windows-1252") == b'@charset "windows-1252";' + sheet
    declared = b'@charset "windows-1252";' + sheet
    assert with_encoding(declared, "text/css", "windows-1252") == declared
    for name, mark in (("utf-16le", b"\xff\xfe"), ("utf-16be", b"\xfe\xff")):
        page = "<p>text".encode(name)
        assert with_encoding(page, HTML, name) == mark + page
        assert with_encoding(mark + page, HTML, name) == mark + page


def test_other_documents_stay() -> None:
    assert with_encoding(b"<a>\xe9</a>", "image/svg+xml", "latin1") == b"<a>\xe9</a>"


@given(st.binary(max_size=80) | st.text("<>!-htmlead \"'=\xe9", max_size=80).map(str.encode))
def test_whatever_a_page_is_it_is_declared_and_stays(body: bytes) -> None:
    made = with_encoding(body, HTML, "utf-8")
    assert made == body or (declares_encoding(made) and len(made) == len(body) + 20)
