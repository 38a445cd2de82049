"""Text that is safe to print, and quantities as people write them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader.web.text import format_size, parse_seconds, parse_size, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("grüße, 世界 🎉", "grüße, 世界 🎉"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
        ("nul\0del\x7f", "nul\\x00del\\x7f"),
        ("\x9b31m is an escape too", "\\x9b31m is an escape too"),
        ("exe\u202efdp.", "exe\\u202efdp."),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028separator", "line\\u2028separator"),
        ("undecodable \udce9", "undecodable \\udce9"),
        ("", ""),
    ],
)
def test_what_could_steer_a_terminal_is_escaped_and_all_else_is_kept(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_printable_text_never_holds_a_control_character(text: str) -> None:
    shown = printable(text)
    shown.encode()
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("500k", 500 * 1024),
        ("10M", 10 * 1024**2),
        ("10mb", 10 * 1024**2),
        ("1.5GiB", 3 * 1024**3 // 2),
        ("2T", 2 * 1024**4),
        (" 1 KB/s ", 1024),
        ("9007199254740993", 9007199254740993),
        ("1" + "0" * 400, 10**400),
    ],
)
def test_sizes_take_suffixes_as_in_wget(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1e3", "ten", "10X", "1.M", "1 0", "9" * 5000])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("1.5s", 1.5), ("500ms", 0.5), ("2m", 120), ("1 h", 3600), ("1D", 86400)],
)
def test_seconds_take_suffixes(text: str, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1e3", "soon", "10w", "nan", "inf"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 * 1024**2, "5.0 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (2.5 * 1024**4, "2.5 TiB"),
        (5000 * 1024**4, "5000.0 TiB"),
    ],
)
def test_sizes_are_shown_in_the_unit_a_person_would_choose(count: float, shown: str) -> None:
    assert format_size(count) == shown
