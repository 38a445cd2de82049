"""Characters are counted in the encoding that a browser would choose."""

import pytest
import webencodings
from hypothesis import example, given, settings
from hypothesis import strategies as st
from webencodings.labels import LABELS

from downloader.web.charset import SAMPLE_BYTES, CharacterCounter, CharsetSource
from downloader.web.media_types import is_text, parse_media_type

FAST = settings(max_examples=60, deadline=None)
HTML = "text/html"
#: Encodings of the WHATWG standard that Python does not have under any name.
OF_BROWSERS_ONLY = {"replacement", "x-user-defined"}


def _count(body: bytes, content_type: str = HTML, step: int | None = None) -> CharacterCounter:
    count = CharacterCounter(content_type, parse_media_type(content_type))
    step = step or len(body) or 1
    for start in range(0, len(body), step):
        count.feed(body[start : start + step])
    return count


def _found(body: bytes, content_type: str = HTML, step: int | None = None) -> tuple[int, str, str]:
    """Return the number of characters, the encoding, and how it was found."""
    count = _count(body, content_type, step)
    characters = count.finish()
    assert count.source is not None
    return characters, count.charset, count.source.value


@pytest.mark.parametrize(
    ("body", "content_type", "found"),
    [
        # A byte order mark is stronger than the header, and no character itself.
        ("\ufeffgrün".encode(), "text/html; charset=latin1", (4, "utf-8", "bom")),
        ("\ufeffgrün".encode("utf-16-le"), HTML, (4, "utf-16le", "bom")),
        ("\ufeffgrün".encode("utf-16-be"), HTML, (4, "utf-16be", "bom")),
        # The header is stronger than what the text declares.
        (b"<meta charset=koi8-r>\xc1", "text/html; charset=UTF-8", (22, "utf-8", "header")),
        (b"gr\xfcn", 'text/plain; Charset = "ISO-8859-1"', (4, "windows-1252", "header")),
        ("日本".encode("shift_jis"), "text/html;charset=shift_jis", (2, "shift_jis", "header")),
        ("日本".encode("utf-16-le"), "text/plain; charset=utf-16", (2, "utf-16le", "header")),
        # A declaration is stronger than that the text happens to be valid UTF-8.
        (b"<meta charset=koi8-r>\xd0\x94", HTML, (23, "koi8-r", "meta")),
        (b"<META\nCharset = 'koi8-r'/>\xc1", HTML, (27, "koi8-r", "meta")),
        (
            b'<meta http-equiv=content-type content="text/html; charset=gbk">\xd6\xd0',
            HTML,
            (64, "gbk", "meta"),
        ),
        (b'<?xml version="1.0" encoding="koi8-r"?>\xc1', "text/xml", (40, "koi8-r", "meta")),
        (b'@charset "koi8-r";\xc1', "text/css", (19, "koi8-r", "meta")),
        # What was read as ASCII cannot be UTF-16, whatever it says.
        (b"<meta charset=utf-16>", HTML, (21, "utf-8", "meta")),
        # An unknown name is no name.
        (b"<meta charset=klingon>", "text/html; charset=klingon", (22, "utf-8", "valid-utf-8")),
        (b"plain", "text/html; charset=\udce9", (5, "utf-8", "valid-utf-8")),
        (b"plain", "text/html; charset=", (5, "utf-8", "valid-utf-8")),
        ("grün 🎉".encode(), HTML, (6, "utf-8", "valid-utf-8")),
        (b"", HTML, (0, "utf-8", "valid-utf-8")),
    ],
)
def test_the_encoding_is_found_as_a_browser_finds_it(
    body: bytes, content_type: str, found: tuple[int, str, str]
) -> None:
    assert _found(body, content_type) == found
    assert _found(body, content_type, step=1) == found


def test_what_declares_nothing_and_is_not_utf_8_is_detected() -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 20
    found = (len(text), "windows-1251", "detected")
    assert _found(text.encode("windows-1251"), "text/plain") == found


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("windows-1251", "Добро пожаловать на наш сайт"),
        ("windows-1252", "Voilà le café où l'été s'arrête"),
        ("windows-1253", "Καλώς ορίσατε στη σελίδα μας"),
        ("windows-1255", "ברוכים הבאים לאתר שלנו"),
        ("windows-1256", "مرحبا بكم في موقعنا"),
        ("windows-874", "ยินดีต้อนรับสู่เว็บไซต์ของเรา"),
        ("shift_jis", "私たちのウェブサイトへようこそ"),
        ("euc-jp", "私たちのウェブサイトへようこそ"),
        ("iso-2022-jp", "私たちのウェブサイトへようこそ"),
        ("gbk", "欢迎来到我们的网站"),
        ("big5", "歡迎來到我們的網站"),
        ("euc-kr", "우리 웹사이트에 오신 것을 환영합니다"),
    ],
)
def test_the_encoding_of_a_short_page_is_detected(label: str, text: str) -> None:
    encoding = webencodings.lookup(label)
    assert encoding is not None
    page = f"<html><body><h1>{text}</h1></body></html>"
    found = (len(page), label, "detected")
    assert _found(encoding.codec_info.encode(page)[0]) == found
    far = b"<!-- licence -->\n" * 2000 + encoding.codec_info.encode(page)[0]
    assert _found(far)[1:] == (label, "detected")


def test_a_declaration_in_another_type_of_text_is_none() -> None:
    page = b"<meta charset=koi8-r> caf\xe9"
    assert _found(page, "text/plain") == (len(page), "windows-1252", "detected")


def test_a_text_that_ends_within_a_utf_8_character_is_not_valid_utf_8() -> None:
    characters, _, source = _found(b"caf\xe9", "text/plain")
    assert (characters, source) == (4, "detected")


def test_a_sample_that_ends_within_a_character_is_still_utf_8() -> None:
    text = "x" * (SAMPLE_BYTES - 1) + "ü" + "y" * 10
    for step in (None, SAMPLE_BYTES, 1000):
        assert _found(text.encode(), step=step) == (len(text), "utf-8", "valid-utf-8")


@pytest.mark.parametrize("step", [1000, SAMPLE_BYTES - 1, SAMPLE_BYTES, SAMPLE_BYTES + 1, None])
def test_how_a_text_is_cut_does_not_change_its_encoding(step: int | None) -> None:
    # The sample is plain, what follows is not UTF-8: the decision must not depend on the pieces.
    body = b"x" * SAMPLE_BYTES + b"\xfc\xfc" * 100
    assert _found(body, step=step) == (SAMPLE_BYTES + 200, "utf-8", "valid-utf-8")


@pytest.mark.parametrize("label", sorted(set(LABELS.values()) - OF_BROWSERS_ONLY))
@given(text=st.text(max_size=50), step=st.integers(1, 20))
@FAST
def test_the_count_is_the_length_of_the_text_in_every_encoding(
    label: str, text: str, step: int
) -> None:
    encoding = webencodings.lookup(label)
    assert encoding is not None
    body = text.encode(encoding.codec_info.name, "ignore")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return
    expected = len(encoding.codec_info.decode(body, "replace")[0])
    assert _found(body, f"text/plain; charset={label}", step) == (expected, label, "header")


@pytest.mark.parametrize("label", sorted(set(LABELS.values())))
@given(body=st.binary(max_size=80), step=st.integers(1, 20))
@example(body=b"\x1b$\x1b\x81\x1b\x1b\xa5\x81\x81", step=1)
@example(body=b"\x1b$\x1b\x81\x1b\x1b\xa5\x81\x81", step=20)
@FAST
def test_invalid_bytes_never_raise(label: str, body: bytes, step: int) -> None:
    characters = _count(body, f"text/plain; charset={label}", step).finish()
    assert 0 <= characters <= 2 * len(body)


@given(
    body=st.binary(max_size=200),
    content_type=st.text(max_size=10) | st.builds("text/html; charset={}".format, st.text()),
    step=st.integers(1, 20),
)
@settings(max_examples=40, deadline=None)
def test_no_body_and_no_header_ever_raise(body: bytes, content_type: str, step: int) -> None:
    assert _found(body, content_type) == _found(body, content_type, step)


@given(text=st.text(max_size=300), step=st.integers(1, 40))
@FAST
def test_utf_8_is_counted_in_characters_however_it_is_cut(text: str, step: int) -> None:
    body = text.encode()
    if not body.startswith("\ufeff".encode()):
        assert _found(body, "text/plain; charset=utf-8", step)[0] == len(text)


def test_an_undecodable_byte_counts_as_the_replacement_a_browser_shows() -> None:
    assert _found(b"a\xffb\xc3", "text/plain; charset=utf-8") == (4, "utf-8", "header")


def test_the_encoding_is_unknown_until_there_is_something_to_judge_by() -> None:
    count = _count(b"x" * 100)
    assert (count.charset, count.source) == ("", None)
    count.feed(b"x" * SAMPLE_BYTES)
    assert (count.charset, count.source) == ("utf-8", CharsetSource.UTF8)


@pytest.mark.parametrize(
    ("field", "charset"),
    [
        ("text/html; charset=shift_jis, text/html", "shift_jis"),
        ("text/html; charset=shift_jis, text/html; charset=euc-jp", "euc-jp"),
        ("text/html; charset=shift_jis, text/plain", "utf-8"),
        ("text/plain;charset=gbk, text/plain", "gbk"),
        ("text/plain;charset=gbk, text/plain;charset=windows-1252", "windows-1252"),
        ("text/plain;charset=gbk, text/html;charset=windows-1254", "windows-1254"),
        ('text/html;charset=gbk, text/html;x=",text/plain', "gbk"),
        ("text/html;charset=gbk, text/plain, text/html", "utf-8"),
        ("text/html, */*;charset=gbk", "utf-8"),
        ("text/html charset=shift_jis", "shift_jis"),
        ("charset=shift_jis", "shift_jis"),
    ],
)
def test_the_charset_is_that_of_the_value_that_counts(field: str, charset: str) -> None:
    assert _found(b"abc", field)[1] == charset


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("text/html; charset=utf-8", "text/html"),
        (" Text/HTML ", "text/html"),
        ("", ""),
        (";charset=x", ""),
        ("text/html, text/html; charset=utf-8", "text/html"),
        (", text/plain", "text/plain"),
        ("text/plain, ", "text/plain"),
        ("text/html, text/plain", "text/plain"),
        ('text/html;charset=gbk, text/html;x=",text/plain', "text/html"),
        ('text/html;x=", text/plain', "text/html"),
        ('text/html;", text/plain', "text/html"),
        ("*/*, text/html", "text/html"),
        ("text/plain, */*;charset=gbk", "text/plain"),
        ("text/plain, text/html", "text/html"),
        ("text/html, */*", "text/html"),
        ("text/html,", "text/html"),
        ("text/html, junk", "text/html"),
        ("text/html charset=utf-8", "text/html"),
        ('text/plain; a="b, image/png", text/html', "text/html"),
        ('text/plain; a="b, image/png', "text/plain"),
        ("*/*", ""),
        ("html", ""),
        ("text/", ""),
        ("text/h tml/x", ""),
    ],
)
def test_the_media_type_is_that_of_the_last_valid_value(field: str, kind: str) -> None:
    assert parse_media_type(field) == kind


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "text/x-anything",
        "application/json",
        "application/ld+json",
        "application/atom+xml",
        "application/xhtml+xml",
        "application/javascript",
        "image/svg+xml",
    ],
)
def test_text_is_counted_in_characters(kind: str) -> None:
    assert is_text(kind)


@pytest.mark.parametrize(
    "kind", ["", "image/png", "application/octet-stream", "application/pdf", "font/woff2", "text"]
)
def test_anything_else_is_counted_in_bytes(kind: str) -> None:
    assert not is_text(kind)
