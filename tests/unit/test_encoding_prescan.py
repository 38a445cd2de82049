"""Declarations of the encoding are read as the HTML standard has it, step by step (13.2.3.2)."""

import pytest
import webencodings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downloader.web.encoding_declaration import declared_encoding, lookup_encoding

SPACES = b"\t\n\f\r "
HTML = "text/html"


class OutOfBytesError(Exception):
    """The prescan has come to the end of its bytes."""


class Prescan:
    """The algorithm as the standard tells it, a byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data[:1024]
        self.position = 0

    def byte(self) -> bytes:
        if self.position >= len(self.data):
            raise OutOfBytesError
        return self.data[self.position : self.position + 1]

    def run(self) -> str | None:
        if self.data[:6] in (b"<\0?\0x\0", b"\0<\0?\0x"):
            return "utf-16be" if self.data[:1] == b"\0" else "utf-16le"
        try:
            while True:
                found = self.step()
                if found is not None:
                    return found
                self.position += 1
        except OutOfBytesError:
            return xml_encoding(self.data)

    def step(self) -> str | None:
        self.byte()
        rest = self.data[self.position :].lower()
        if rest.startswith(b"<!--"):
            self.position += 4
            while not (self.byte() == b">" and self.data[self.position - 2 :][:2] == b"--"):
                self.position += 1
        elif rest.startswith(b"<meta") and rest[5:6] and rest[5:6] in SPACES + b"/":
            self.position += 6
            return self.meta()
        elif rest[:1] == b"<" and rest[1:].removeprefix(b"/")[:1].isalpha():
            while self.byte() not in SPACES + b">":
                self.position += 1
            while self.attribute() is not None:
                pass
        elif rest.startswith((b"<!", b"</", b"<?")):
            self.position += 1
            while self.byte() != b">":
                self.position += 1
        return None

    def meta(self) -> str | None:
        seen: set[bytes] = set()
        got_pragma, need_pragma, charset = False, None, None
        failed = False
        while (found := self.attribute()) is not None:
            name, value = found
            if name in seen:
                continue
            seen.add(name)
            if name == b"http-equiv":
                got_pragma = got_pragma or value.lower() == b"content-type"
            elif name == b"content" and charset is None and not failed:
                charset = encoding_in_content(value)
                need_pragma = True if charset is not None else need_pragma
            elif name == b"charset":
                charset, need_pragma = encoding(value), False
                failed = charset is None
        if need_pragma is None or (need_pragma and not got_pragma) or charset is None:
            return None
        return {"utf-16be": "utf-8", "utf-16le": "utf-8", "x-user-defined": "windows-1252"}.get(
            charset, charset
        )

    def attribute(self) -> tuple[bytes, bytes] | None:
        while self.byte() in SPACES + b"/":
            self.position += 1
        if self.byte() == b">":
            return None
        name = b""
        while True:
            byte = self.byte()
            if byte == b"=" and name:
                break
            if byte in SPACES:
                while self.byte() in SPACES:
                    self.position += 1
                if self.byte() != b"=":
                    return name, b""
                break
            if byte in b"/>":
                return name, b""
            name += byte.lower()
            self.position += 1
        self.position += 1
        while self.byte() in SPACES:
            self.position += 1
        value = b""
        quote = self.byte()
        if quote in b"\"'":
            self.position += 1
            while self.byte() != quote:
                value += self.byte()
                self.position += 1
            self.position += 1
            return name, value
        if quote == b">":
            return name, b""
        while self.byte() not in SPACES + b">":
            value += self.byte()
            self.position += 1
        return name, value


def encoding(label: bytes) -> str | None:
    found = webencodings.lookup(label.decode("latin-1")) if label.isascii() else None
    return found.name if found is not None else None


def encoding_in_content(value: bytes) -> str | None:
    position = 0
    while True:
        position = value.lower().find(b"charset", position)
        if position < 0:
            return None
        position += len(b"charset")
        rest = value[position:].lstrip(SPACES)
        if not rest.startswith(b"="):
            continue
        rest = rest[1:].lstrip(SPACES)
        if rest[:1] in (b"'", b'"'):
            quoted, closing, _ = rest[1:].partition(rest[:1])
            return encoding(quoted) if closing else None
        end = 0
        while end < len(rest) and rest[end : end + 1] not in SPACES + b";":
            end += 1
        return encoding(rest[:end])


def xml_encoding(data: bytes) -> str | None:
    controls = bytes(range(0x21))
    end = data.find(b">")
    at = data.find(b"encoding")
    if not data.startswith(b"<?xml") or end < 0 or not 0 <= at < end:
        return None
    rest = data[at + len(b"encoding") :].lstrip(controls)
    if not rest.startswith(b"="):
        return None
    rest = rest[1:].lstrip(controls)
    label, closing, _ = rest[1:].partition(rest[:1])
    if rest[:1] not in (b"'", b'"') or not closing or set(label) & set(controls):
        return None
    name = encoding(label)
    return "utf-8" if name in ("utf-16le", "utf-16be") else name


PIECES = st.sampled_from(
    [
        *("<", ">", "/", "!", "--", "-", "=", '"', "'", " ", "\n", ";", "?", "a", "x"),
        *("<meta", "<META ", "charset", "Charset=", "content=", "http-equiv=", "content-type"),
        *(
            "utf-8",
            "koi8-r",
            "utf-16",
            "x-user-defined",
            "klingon",
            "<!--",
            "-->",
            "<!doctype html>",
        ),
        *(
            '<?xml version="1.0"',
            " encoding=",
            "?>",
            "<meta charset=gbk>",
            "<p title='a>b'>",
            "</p>",
        ),
        '<meta http-equiv=content-type content="text/html; charset=big5">',
    ]
)


@given(st.lists(PIECES, max_size=24).map("".join))
@example("<!--><meta charset=gbk>")
@example("<!--->  <meta charset=gbk>")
@example("<p a='><meta charset=gbk>")
@example("</p a='><meta charset=gbk>")
@example("<meta charset='gbk><meta charset=big5>'>")
@example("<meta =charset=gbk>")
@example("<meta/charset=gbk/>")
@example("<meta content='charset = \"gbk' http-equiv=content-type>")
@example("<meta charset=klingon content='charset=gbk' http-equiv=content-type>")
@example("<meta content='charset=gbk' charset=klingon http-equiv=content-type>")
@settings(max_examples=2000, deadline=None)
def test_the_prescan_finds_what_the_steps_of_the_standard_find(text: str) -> None:
    found = declared_encoding(text.encode(), HTML)
    assert (found.name if found is not None else None) == Prescan(text.encode()).run()


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<!-- <meta charset=koi8-r> --><p>", None),
        ("<script>'<meta charset=koi8-r>'</script>", "koi8-r"),  # as browsers do
        ("<meta name=description content='a page; charset=koi8-r'>", None),
        ("<meta property=og:x data-charset=koi8-r>", None),
        ("<meta name='a > b' charset=koi8-r>", "koi8-r"),
        ("<meta charset=klingon><meta charset=koi8-r>", "koi8-r"),
        ("<title><meta charset=koi8-r></title>", "koi8-r"),
        (f"<!-- {'x' * 1024} --><meta charset=koi8-r>", None),
        ('<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
        (' <?xml version="1.0" encoding="koi8-r"?>', None),
    ],
)
def test_only_what_a_browser_takes_for_a_declaration_is_one(page: str, found: str | None) -> None:
    encoding = declared_encoding(page.encode(), HTML)
    assert (encoding.name if encoding is not None else None) == found


@pytest.mark.parametrize(
    ("media_type", "found"),
    [
        ("text/html", "gbk"),
        ("", "gbk"),
        ("text/plain", None),
        ("text/css", None),
        ("application/json", None),
        ("image/svg+xml", None),
    ],
)
def test_each_type_of_text_has_declarations_of_its_own(media_type: str, found: str | None) -> None:
    encoding = declared_encoding(b"<meta charset=gbk>", media_type)
    assert (encoding.name if encoding is not None else None) == found


def test_style_sheets_and_xml_declare_their_encodings() -> None:
    koi8 = lookup_encoding("koi8-r")
    for media_type in ("text/css", ""):
        assert declared_encoding(b'@charset "koi8-r";', media_type) is koi8
    for media_type in ("text/xml", "application/atom+xml", "application/xhtml+xml", HTML):
        assert declared_encoding(b"<?xml version='1.0' encoding='koi8-r'?>", media_type) is koi8


@pytest.mark.parametrize("piece", [b"<", b"<!--", b"<meta ", b"<meta x=", b"<a x='", b"<meta>"])
def test_no_page_takes_long_to_scan(piece: bytes) -> None:
    assert declared_encoding(piece * 100_000, HTML) is None
