"""The name in a Content-Disposition field, as servers write it, is safe and no path."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downloader.web.content_disposition import disposition_file_name
from downloader.web.filenames import SafePath
from tests.support.safe_names import assert_safe


@pytest.mark.parametrize(
    ("field", "name"),
    [
        # RFC 6266, sections 4 and 5
        ("Attachment; filename=example.html", "example.html"),
        ('INLINE; FILENAME= "an example.html"', "an example.html"),
        ("attachment; filename*= UTF-8''%e2%82%ac%20rates", "€ rates"),
        ("attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates", "€ rates"),
        ("attachment; filename*=iso-8859-1'en'%A3%20rates", "£ rates"),
        (r'attachment; filename="a \"quoted\" \\ name.txt"', "name.txt"),
        (r'attachment; filename="a \"quoted\" name.txt"', "a _quoted_ name.txt"),
        ('attachment; filename="a;filename=b.txt"', "a;filename=b.txt"),
        ('attachment; foo="\\"; filename=b.txt"; filename=c.txt', "c.txt"),
        # As servers write it
        ("attachment; filename=my file name.pdf", "my file name.pdf"),
        ("filename=x.txt", "x.txt"),
        ("attachment;;; filename = x.txt ;", "x.txt"),
        ("attachment; filename=a.txt; filename=b.txt", "a.txt"),
        ('attachment; filename="unfinished', "unfinished"),
        ('attachment; filename="Ünïcode.txt"', "Ünïcode.txt"),
        ("attachment; filename*=\"UTF-8''a%20b.txt\"", "a b.txt"),
        # An extended value that is not valid gives way to the plain one.
        ("attachment; filename*=UTF-8''%ff.txt; filename=ok.txt", "ok.txt"),
        ("attachment; filename*=UTF-8''%zz.txt; filename=ok.txt", "ok.txt"),
        ("attachment; filename*=utf-16''x; filename=ok.txt", "ok.txt"),
        # Folders are dropped, in whatever form.
        ("attachment; filename=../../etc/passwd", "passwd"),
        ('attachment; filename="C:\\Users\\x\\report.doc"', "report.doc"),
        ("attachment; filename*=UTF-8''..%2f..%5cpasswd", "passwd"),
        ("attachment; filename=/", ""),
        # What no file may be called is changed.
        ("attachment; filename=.bashrc", "_.bashrc"),
        ("attachment; filename=con.txt", "con_.txt"),
        ("attachment; filename=a:b.txt", "a_b.txt"),
        ("attachment; filename=x.part", "x.part_"),
        ("attachment; filename*=UTF-8''a%00%0d%1b.txt", "a___.txt"),
        ("attachment; filename*=UTF-8''%e2%80%aefdp.exe", "_fdp.exe"),
        (f"attachment; filename={'x' * 300}.pdf", f"{'x' * 150}.pdf"),
        # None
        ("", ""),
        ("attachment", ""),
        ('attachment; filename=""', ""),
        ("attachment; filename=..", ""),
        ('attachment; filename=" . "', ""),
    ],
)
def test_a_field_gives_a_name(field: str, name: str) -> None:
    assert disposition_file_name(field) == name


@given(
    st.text(max_size=60)
    | st.text("filename*=\"\\;'%./ utf-8aé\r\n\0", max_size=60)
    | st.text(max_size=300).map("attachment; filename={}".format)
)
@example("attachment; filename*=UTF-8''" + "%2e%2e%2f" * 20 + "a" * 300 + ".part")
@settings(max_examples=400, deadline=None)
def test_every_field_gives_one_safe_part_of_a_path(field: str) -> None:
    name = disposition_file_name(field)
    assert "/" not in name
    if name:
        assert_safe(SafePath(name))


@pytest.mark.parametrize(
    "piece", ["a;", '"', "\\", "x=", " ", 'a"', '="', "filename=;", "%", "filename*=utf-8''%"]
)
def test_a_long_field_is_read_in_bounded_time(piece: str) -> None:
    # The longest head is 256 KiB; a pattern that tries every end of every piece would not return.
    disposition_file_name('attachment; filename="' + piece * (256 * 1024 // len(piece)))
    disposition_file_name(piece * (256 * 1024 // len(piece)))
