"""Which request a cookie is for."""

import time
from pathlib import Path

import pytest

from downloader.http.cookie_file import read_cookie_file
from downloader.http.cookie_jar import CookieJar
from downloader.web.urls import Url, parse


def netscape(*fields: str) -> str:
    return "\t".join(fields) + "\n"


def matching(file: Path, url: Url) -> list[str]:
    jar = CookieJar()
    jar.give(read_cookie_file(file))
    return jar.matching(url, url)


FUTURE, PAST = str(int(time.time()) + 3600), str(int(time.time()) - 3600)


@pytest.mark.parametrize(
    ("line", "url", "sent"),
    [
        (("h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test/", True),
        (("h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test:8080/", True),
        (("H.TEST", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test/", True),
        # The domain.
        (("h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://a.h.test/", False),
        (("h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://ah.test/", False),
        ((".h.test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://h.test/", True),
        ((".h.test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://a.b.h.test/", True),
        (("h.test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://a.h.test/", True),
        ((".h.test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://ah.test/", False),
        ((".h.test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://h.test.evil.test/", False),
        ((".test", "TRUE", "/", "FALSE", "0", "n", "v"), "http://h.test/", False),
        (("localhost", "FALSE", "/", "FALSE", "0", "n", "v"), "http://localhost:81/", True),
        (("127.0.0.1", "FALSE", "/", "FALSE", "0", "n", "v"), "http://127.0.0.1:81/", True),
        ((".0.0.1", "TRUE", "/", "FALSE", "0", "n", "v"), "http://127.0.0.1/", False),
        (("[::1]", "FALSE", "/", "FALSE", "0", "n", "v"), "http://[::1]:81/", True),
        (("::1", "FALSE", "/", "FALSE", "0", "n", "v"), "http://[::1]:81/", True),
        # wget writes ports.
        (("h.test:81", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test/", True),
        # The path.
        (("h.test", "FALSE", "/a", "FALSE", "0", "n", "v"), "http://h.test/a", True),
        (("h.test", "FALSE", "/a", "FALSE", "0", "n", "v"), "http://h.test/a/b?q", True),
        (("h.test", "FALSE", "/a/", "FALSE", "0", "n", "v"), "http://h.test/a/b", True),
        (("h.test", "FALSE", "/a", "FALSE", "0", "n", "v"), "http://h.test/ab", False),
        (("h.test", "FALSE", "/a", "FALSE", "0", "n", "v"), "http://h.test/", False),
        # The wire.
        (("h.test", "FALSE", "/", "TRUE", "0", "n", "v"), "http://h.test/", False),
        (("h.test", "FALSE", "/", "TRUE", "0", "n", "v"), "https://h.test/", True),
        # The time.
        (("h.test", "FALSE", "/", "FALSE", FUTURE, "n", "v"), "http://h.test/", True),
        (("h.test", "FALSE", "/", "FALSE", PAST, "n", "v"), "http://h.test/", False),
        (("h.test", "FALSE", "/", "FALSE", "", "n", "v"), "http://h.test/", True),
        # Forms that browsers' exports have.
        (("#HttpOnly_h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test/", True),
        (("# h.test", "FALSE", "/", "FALSE", "0", "n", "v"), "http://h.test/", False),
        (("h.test", "FALSE", "/", "FALSE", f"{FUTURE}.5", "n", "v"), "http://h.test/", True),
    ],
)
def test_a_cookie_of_a_file_is_sent_where_it_belongs(
    line: tuple[str, ...], url: str, sent: bool, tmp_path: Path
) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text("# Netscape HTTP Cookie File\r\n\r\n" + netscape(*line))
    assert matching(file, parse(url)) == (["n=v"] if sent else [])


def test_the_cookie_for_the_longest_path_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(
        netscape("h.test", "FALSE", "/", "FALSE", "0", "n", "wide")
        + netscape("h.test", "FALSE", "/a/b", "FALSE", "0", "n", "narrow")
        + netscape("h.test", "FALSE", "/a", "FALSE", "0", "empty")
    )
    sent = matching(file, Url("http://h.test/a/b/c"))
    assert sent == ["n=narrow", "empty=", "n=wide"]
